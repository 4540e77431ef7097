"""Screener: shares that pass conditions asked in a sentence or a form, at any session; what each condition removed, and why."""

from __future__ import annotations

from datetime import date, datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import formatting
from app.components.page_frame import empty
from app.queries import screener
from app.queries.installation import expected_session, settings
from app.queries.screener import Moment
from app.sections.screener.conditions import show_conditions, show_order
from app.sections.screener.form import Texts
from app.sections.screener.model import show_model
from app.sections.screener.results import show_results
from app.sections.screener.saved import show_events, show_saving, show_screens
from app.sections.screener.sentence import ask_sentence, show_understood
from app.sections.screener.why import show_why, show_words
from trading_assets.screener.filters import Query
from trading_assets.screens.stored_sessions import why_not_stored
from trading_assets.zones import zone_word

KNOWN_FROM, KNOWN_TO = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 (wall time of the reader's zone)


def choose_moment(sessions: tuple[date, ...]) -> Moment | None:
    """Ask for the session and, if wanted, the instant as known at which it is looked at; None if nothing was known then.

    Any day can be asked for, as an address may name one that is not stored: the answer says so.
    """
    chosen = st.date_input(
        "Session", None, key="session", bind="query-params", format="YYYY-MM-DD", min_value=KNOWN_FROM.date(),
        max_value=KNOWN_TO.date(), width=150, help=f"Empty: the newest with features, {formatting.day(sessions[-1])}",
    )  # fmt: skip
    zone = settings().zone
    known = st.datetime_input(
        f"Known at ({zone_word(zone)})", None, key="scr_known", bind="query-params",
        format="YYYY-MM-DD", min_value=KNOWN_FROM, max_value=KNOWN_TO, width=190,
        help="Empty: now. Else everything is computed from what this system knew then, which takes longer",
    )  # fmt: skip
    if known is None:
        return Moment(chosen or sessions[-1])
    as_of = known.replace(tzinfo=zone)
    newest = screener.newest_known(as_of)
    if newest is None:
        return None
    return Moment(chosen or screener.newest_passed(as_of) or newest, as_of)


def show_lateness(newest: date) -> None:
    """Say if the newest features are not those of the newest session that is over."""
    expected = expected_session()
    if expected is not None and newest < expected:
        st.warning(
            f"The newest features are of {formatting.day(newest)}; session {formatting.day(expected)} is over. "
            "`trading-assets run` makes them.",
            icon=":material/schedule:",
        )


def show_answer(query: Query, moment: Moment, chips: DeltaGenerator) -> None:
    """Show the conditions, in their place, and what passes them."""
    if moment.as_of and screener.is_blocked(moment.session):
        st.warning(
            f"Blocking data-quality checks failed on session {formatting.day(moment.session)}, so no features are kept of it: this is "
            "computed from data that the checks refuse. The page Operations lists what they found.",
            icon=":material/report:",
        )
    slow = "Computing everything from what was known then" if moment.as_of else "Screening"
    with st.spinner(slow, show_time=moment.as_of is not None):
        found = screener.find(query, moment)
    counts = {condition.filter: condition for condition in found.evaluation.conditions}
    with chips:
        show_conditions(query, counts, Texts(screener.listed(moment)))
        show_saving(query)
    missing = screener.missing(query, moment)
    if missing:
        st.warning(missing, icon=":material/event_busy:")
    with st.container(key="scr_answer"):
        show_results(query, found, moment)
    show_events(query, moment)
    show_why(query, moment)


def show_page(sessions: tuple[date, ...]) -> None:
    """Show the sentence, how it was understood, and what it finds."""
    show_lateness(sessions[-1])
    box, screens = st.columns([5, 1], vertical_alignment="bottom")
    with screens:
        show_screens()
    with box:
        text = ask_sentence()
    query = show_understood(text)
    chips = st.container(horizontal=True, gap="small", vertical_alignment="center", key="scr_chips")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        moment = choose_moment(sessions)
        if query is not None:
            show_order(query)
    if query is None:
        show_model(text)
        return
    if moment is None or (moment.as_of and moment.session in sessions and not screener.is_known(moment)):
        empty(
            f"Nothing was known then{f' of session {formatting.day(moment.session)}' if moment else ''}.",
            "Choose a later **Known at**, or empty it for what is known now.",
        )
    elif moment.session in sessions or (moment.as_of and screener.is_known(moment)):
        show_answer(query, moment, chips)
    else:
        why, _, nearest = why_not_stored(moment.session, sessions).partition("; ")
        empty(
            f"{why}.",
            f"{nearest[0].upper()}{nearest[1:]}. Empty **Session** for the newest.",
        )


if screener.sessions():
    show_page(screener.sessions())
else:
    empty("There are no features yet.", "`trading-assets up` fills the history and computes them.")
words = st.expander("Words and fields", icon=":material/menu_book:", key="scr_words", on_change="rerun")
if words.open:
    with words:
        show_words()
