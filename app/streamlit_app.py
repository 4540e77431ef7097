"""The app: which pages there are, and what stands on all of them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.components import page_frame
from app.queries import installation
from trading_assets.errors import TradingError

HERE = Path(__file__).resolve().parent

PAGES = {
    "Invest": [
        st.Page(
            HERE / "views" / "portfolio.py",
            title="Portfolio",
            icon=":material/account_balance_wallet:",
            default=True,
            help="Equity, drawdown, positions, orders and fills of the account, and whether they agree with the broker.",
        ),
    ],
    "Research": [
        st.Page(
            HERE / "views" / "analysis.py",
            title="Analysis",
            icon=":material/candlestick_chart:",
            url_path="analysis",
            help="One symbol: candles with indicators, features, signals, corporate actions and where the data come from.",
        ),
        st.Page(
            HERE / "views" / "screener.py",
            title="Screener",
            icon=":material/filter_alt:",
            url_path="screener",
            help="Shares that pass conditions in plain English or from a form, at any session, with what each condition removed.",
        ),
    ],
    "Operate": [
        st.Page(
            HERE / "views" / "operations.py",
            title="Operations",
            icon=":material/monitor_heart:",
            url_path="operations",
            help="Freshness of every table, data-quality findings, runs, vendor fetches and trading halts.",
        ),
    ],
}


def main() -> None:
    """Show the chosen page, or what keeps it from being shown."""
    st.set_page_config(page_title="Trading Assets", page_icon=str(HERE / "icon.png"), layout="wide")
    page = st.navigation(PAGES, position="sidebar")
    try:
        installation.begin_run()
        page_frame.show_sidebar()
        heading, badges = st.columns([1, 2], vertical_alignment="bottom")
        heading.title(page.title, anchor=False)
        with badges, st.container(horizontal=True, horizontal_alignment="right"):
            page_frame.show_mode()
            if installation.has_data():
                page_frame.show_freshness()
        if installation.has_data():
            page.run()
        else:
            page_frame.show_nothing_yet()
    except TradingError as error:
        page_frame.show_error(error)


main()
