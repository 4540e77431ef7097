"""The frame of every page: mode banner, freshness badge, sidebar, and the states without data or with an error."""

from __future__ import annotations

import streamlit as st

from app import formatting
from app.freshness import Freshness, judge
from app.queries import installation
from trading_assets.errors import ConfigurationError, TradingError
from trading_assets.settings import Mode

MODES: dict[Mode, tuple[str, str, str]] = {
    "sim": ("SIMULATED MARKET", "blue", "Synthetic prices and a simulated broker: no money, no real orders."),
    "paper": ("PAPER ACCOUNT", "orange", "Real prices, orders to the broker's paper account: no real money."),
    "live": ("LIVE MONEY", "red", "Real prices and real money: every order of this installation is real."),
}
ICONS = {"sim": ":material/science:", "paper": ":material/description:", "live": ":material/warning:"}
BADGE_ICONS = {"green": ":material/check_circle:", "orange": ":material/schedule:", "red": ":material/error:"}


def dagster_url(path: str = "") -> str:
    """Return the address of the Dagster UI, or of one of its pages."""
    return f"http://127.0.0.1:{installation.settings().dagster_port}{path}"


def show_mode() -> None:
    """Say which market and which money this is."""
    mode = installation.settings().mode
    title, colour, meaning = MODES[mode]
    if mode == "live":
        st.error(
            f"**{title}** · account {installation.settings().live_account} · {meaning}", icon=ICONS[mode]
        )
        return
    st.badge(title, color=colour, icon=ICONS[mode], help=meaning)  # type: ignore[arg-type] # one of Streamlit's colours


def show_freshness() -> None:
    """Say how the newest data compare with what should be there by now."""
    expected, now = installation.expected_session(), installation.now()
    if expected is None:
        verdict = Freshness(
            "orange",
            "Clock does not answer",
            "The market simulator does not run: see logs/simulator.log in the data folder.",
        )
    else:
        verdict = judge(installation.latest_session(), expected)
    at = formatting.instant(now, installation.settings().zone)
    help_text = f"{verdict.advice} Compared with the exchange calendar at {at}."
    st.badge(verdict.words, color=verdict.level, icon=BADGE_ICONS[verdict.level], help=help_text)


def show_sidebar() -> None:
    """Link to Dagster and say where the data and the times come from."""
    current = installation.settings()
    with st.sidebar:
        st.markdown("**Dagster**")
        st.link_button(
            "Asset graph", dagster_url("/asset-groups"), icon=":material/account_tree:", width="stretch"
        )
        st.link_button("Runs", dagster_url("/runs"), icon=":material/play_circle:", width="stretch")
        st.caption(f"Served by `trading-assets up` on port {current.dagster_port}.")
        st.caption(
            f"Times in {current.user_timezone}, sessions are New York dates. Data folder `{current.data.name}`."
        )


def show_nothing_yet() -> None:
    """Say what to do on an empty data folder."""
    with st.container(border=True):
        st.subheader("Nothing was run here yet", anchor=False)
        st.markdown(
            "This data folder is empty. One command fills the history, runs the newest trading session from vendor data to "
            "reconciled positions, and then serves this app and Dagster:"
        )
        st.code("trading-assets up", language="bash")
        st.caption(
            "Without keys it uses the built-in market simulator. Open this page again when it is done."
        )
        st.button("Look again", icon=":material/refresh:", on_click=installation.reopen)


def show_error(error: TradingError) -> None:
    """Show what failed and what to do about it, in words."""
    st.error(f"**{error.message}**", icon=":material/error:")
    facts = " · ".join(f"{name}: `{value}`" for name, value in error.facts.items())
    if facts:
        st.caption(facts)
    if isinstance(error, ConfigurationError):
        advice = "Correct the setting in the environment or in `.env` (`.env.example` lists all), then start the app again."
    else:
        advice = (
            "Check that the services run: `trading-assets doctor` examines them one by one, and `logs/` in the data folder "
            "says why one stopped. Then try again."
        )
    st.markdown(advice)
    st.button("Try again", icon=":material/refresh:", on_click=installation.reopen)


def empty(what: str, next_step: str) -> None:
    """Say that a part of a page has nothing to show, and what would change that."""
    st.info(f"{what} {next_step}", icon=":material/info:")
