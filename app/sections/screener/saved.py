"""Screens by name: the shipped ones and the saved ones, to load, save, share as JSON and remove; who entered and left them."""

from __future__ import annotations

import polars as pl
import streamlit as st
from pydantic import ValidationError

from app import formatting
from app.queries import saved_screens, screener
from app.queries.installation import settings
from app.queries.screener import Moment
from app.sections.screener.sentence import ask_query, plain
from trading_assets.errors import TradingError
from trading_assets.screener.english.wording import write
from trading_assets.screener.evaluate import screen_version
from trading_assets.screener.filters import Query, Screen
from trading_assets.screener.presets import SCREENS
from trading_assets.screener.screen_file import nearest_name, read_screen, write_screen
from trading_assets.screens.saved import SavedScreen

_SAID = "scr_said"
EVENTS_SHOWN = 40
LINE_LENGTH = 105


def show_screens() -> None:
    """Offer the screens that can be loaded, and those in a file."""
    with st.popover("Screens", icon=":material/bookmarks:", width="stretch", key="scr_screens"):
        st.caption("Shipped and saved screens are evaluated each session.")
        try:
            saved = saved_screens.saved()
        except TradingError as error:
            st.warning(error.message, icon=":material/cloud_off:")
            saved = []
        _show_upload()
        with st.container(gap=None):
            for item in saved:
                _show_saved(item)
        if not saved:
            st.caption("None saved yet: ask for something, then **Save**.")
        with st.container(gap=None):
            for screen in SCREENS.values():
                _show_line(screen, screen.name.replace("_", " "), "shipped")


def _show_line(screen: Screen, label: str, kind: str) -> None:
    words = screen.description or write(screen.query)
    room = LINE_LENGTH - len(label)  # a button that breaks its text into lines centres them
    words = words if len(words) <= room else f"{words[: max(room, 1)].rstrip()}…"
    st.button(
        f"**{label}** :gray[:small[· {plain(words)}]]", key=f"scr_load_{kind}_{screen.name}",
        type="tertiary", on_click=_load, args=(screen,), help=plain(f"{screen.description} {write(screen.query)}".strip()),
    )  # fmt: skip


def _show_saved(item: SavedScreen) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if item.screen is None:
            st.markdown(f":red[**{item.name}** cannot be read: {plain(item.problem)}]", width="content")
        else:
            _show_line(item.screen, f"{item.name} (version {item.version})", "saved")
        st.button(
            "✕", key=f"scr_forget_{item.name}", type="tertiary", on_click=_forget, args=(item.name,),
            help=f"Remove {item.name}: saved by {item.saved_by} at {formatting.instant(item.saved_at, settings().zone)}; its versions stay on record",
        )  # fmt: skip


def _show_upload() -> None:
    given = st.file_uploader(
        "Screen from a file",
        type="json",
        key="scr_upload",
        help="As the button JSON beside Save and the command `screens export` write it",
    )
    if given is None:
        return
    try:
        screen = read_screen(given.getvalue().decode())
    except (TradingError, UnicodeDecodeError) as error:
        st.error(
            error.message if isinstance(error, TradingError) else "The file is no text",
            icon=":material/error:",
        )
        return
    _show_line(screen, f"Use {screen.name}", "file")


def show_saving(query: Query) -> None:
    """Offer to save what is asked under a name, and as a file; say what came of it."""
    said = st.session_state.pop(_SAID, None)
    if said:
        st.toast(said, icon=":material/bookmark:")
    with st.popover("Save", icon=":material/bookmark_add:", key="scr_save"):
        name = st.text_input(
            "Name", key="scr_name", placeholder="my_screen", max_chars=63, help="Small letters, digits and _"
        )
        about = st.text_input("Description", key="scr_about", max_chars=500)
        try:
            screen = Screen(name=name or "my_screen", description=about, **dict(query))
        except ValidationError:
            st.error(
                f"A name is small letters, digits and _, and begins with a letter, such as **{nearest_name(name)}**.",
                icon=":material/error:",
            )
            return
        with st.container(horizontal=True):
            st.button(
                "Save", key="scr_save_button", type="primary", on_click=_save, args=(screen,), disabled=not name,
                help="Under a name that is there already: as its next version",
            )  # fmt: skip
            st.download_button(
                "JSON", write_screen(screen), f"{screen.name}.json", "application/json", key="scr_json", on_click="ignore",
                icon=":material/download:", help="To share: Screens, Screen from a file",
            )  # fmt: skip


def show_events(query: Query, moment: Moment) -> None:
    """Say who entered and left at the session, where what is asked is a shipped or saved screen."""
    if moment.as_of is not None:
        return
    for name in names_of(query):
        frame = screener.events(name, moment.session)
        entered, left = (frame.filter(pl.col("event") == event) for event in ("entered", "exited"))
        if frame.is_empty():
            st.caption(
                f"Screen **{name}**: nothing entered or left at this session, or it was not evaluated."
            )
            continue
        with st.expander(
            f"Screen **{name}**: {entered.height:,} entered and {left.height:,} left at this session",
            icon=":material/swap_horiz:",
        ):
            st.markdown(f"▲ entered: {_symbols(entered)}")
            for symbol, reason in left.head(EVENTS_SHOWN).select("symbol", "reason").iter_rows():
                st.markdown(
                    f"▼ [{symbol}](/analysis?symbol={symbol}) left: {plain(reason or 'no reason is stored')}"
                )


def names_of(query: Query) -> list[str]:
    """Return the shipped and saved screens that look for the same."""
    wanted = screen_version(query)
    try:
        saved = [item.screen for item in saved_screens.saved() if item.screen]
    except TradingError:  # said where they would be listed
        saved = []
    return [screen.name for screen in (*SCREENS.values(), *saved) if screen_version(screen.query) == wanted]


def _symbols(frame: pl.DataFrame) -> str:
    links = [f"[{symbol}](/analysis?symbol={symbol})" for symbol in frame["symbol"].head(EVENTS_SHOWN)]
    more = f" and {frame.height - EVENTS_SHOWN:,} more" if frame.height > EVENTS_SHOWN else ""
    return (", ".join(links) or "none") + more


def _load(screen: Screen) -> None:
    ask_query(screen.query)
    st.session_state.scr_name = "" if screen.name in SCREENS else screen.name
    st.session_state.scr_about = screen.description


def _save(screen: Screen) -> None:
    try:
        item = saved_screens.save(screen)
    except TradingError as error:
        st.session_state[_SAID] = f"Not saved: {error.message}"
    else:
        st.session_state[_SAID] = f"{item.name} is saved as version {item.version}"


def _forget(name: str) -> None:
    try:
        saved_screens.remove(name)
    except TradingError as error:
        st.session_state[_SAID] = f"Not removed: {error.message}"
    else:
        st.session_state[_SAID] = f"{name} is removed"
