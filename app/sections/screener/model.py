"""The local model's answer to a sentence that was not understood: shown condition by condition, run only when it is applied."""

from __future__ import annotations

import streamlit as st

from app.queries import local_model
from app.sections.screener.sentence import ask_query, plain
from trading_assets.errors import TradingError
from trading_assets.screener.english.wording import describe, write
from trading_assets.screener.evaluate import conjuncts
from trading_assets.screener.filters import Query

_ANSWER = "scr_model_answer"


def show_model(text: str) -> None:
    """Offer to ask the local model, where one is set, and show what it answered to this sentence."""
    name = local_model.name()
    if name is None:
        return
    help_text = f"Asks {name} on this machine; only the sentence and the list of fields are sent. Its answer is shown, and does not run before you apply it."
    if st.button("Try with the local model", key="scr_model", icon=":material/smart_toy:", help=help_text):
        with st.spinner(f"{name} reads the sentence, for at most ten seconds"):
            st.session_state[_ANSWER] = (text, _answered(text))
    asked, answer = st.session_state.get(_ANSWER, ("", None))
    if asked != text or answer is None:
        return
    if isinstance(answer, str):
        st.warning(answer, icon=":material/smart_toy:")
        return
    _show_answer(name, answer)


def _answered(text: str) -> Query | str:
    try:
        return local_model.suggest(text)
    except TradingError as error:
        return error.message


def _show_answer(name: str, query: Query) -> None:
    st.markdown(
        f":material/smart_toy: **{plain(name)} understands**, which may be wrong: read it before you apply it."
    )
    with st.container(horizontal=True, gap="small", key="scr_model_chips"):
        for condition in conjuncts(query.where):
            st.badge(plain(describe(condition)), color="gray")
    st.markdown(plain(write(query)))
    st.button("Apply", key="scr_model_apply", type="primary", on_click=ask_query, args=(query,))
