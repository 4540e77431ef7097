"""The app: which pages there are, and what stands on all of them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app.components import page_frame
from app.queries import installation
from trading_assets.errors import TradingError

HERE = Path(__file__).resolve().parent


def page(name: str, icon: str, about: str) -> StreamlitPage:
    """Return the page that ``views/<name>.py`` shows, which has its name as title and address."""
    return st.Page(
        HERE / "views" / f"{name}.py",
        title=name.replace("_", " ").capitalize(),
        icon=f":material/{icon}:",
        url_path=name,
        default=name == "portfolio",
        help=about,
    )


# fmt: off
PAGES = {
    "Invest": [
        page("portfolio", "account_balance_wallet", "Equity, drawdown, positions, orders and fills of the account, and whether they agree with the broker."),
    ],
    "Research": [
        page("analysis", "candlestick_chart", "One symbol: candles with indicators, features, signals, corporate actions and where the data come from."),
        page("screener", "filter_alt", "Shares that pass conditions in plain English or from a form, at any session, with what each condition removed."),
    ],
    "Operate": [
        page("operations", "monitor_heart", "Freshness of every table, data-quality findings, runs, vendor fetches and trading halts."),
    ],
}
# fmt: on


def main() -> None:
    """Show the chosen page, or what keeps it from being shown."""
    st.set_page_config(page_title="Trading Assets", page_icon=str(HERE / "icon.png"), layout="wide")
    chosen = st.navigation(PAGES, position="sidebar")
    try:
        installation.begin_run()
        page_frame.show_sidebar()
        heading, badges = st.columns([1, 2], vertical_alignment="bottom")
        heading.title(chosen.title, anchor=False)
        with badges, st.container(horizontal=True, horizontal_alignment="right"):
            page_frame.show_mode()
            if installation.has_data():
                page_frame.show_freshness()
        if installation.has_data():
            chosen.run()
        else:
            page_frame.show_nothing_yet()
    except TradingError as error:
        page_frame.show_error(error)


main()
