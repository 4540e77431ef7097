"""The sentence: what is asked for in English, what it was understood as, or the words that were not, with what to write instead."""

from __future__ import annotations

import re

import streamlit as st

from trading_assets.errors import Problem
from trading_assets.screener.english.parse import understand
from trading_assets.screener.english.wording import write
from trading_assets.screener.filters import Query

SENTENCE = "q"
"""Key of the text box, and its name in the address of the page."""
EXAMPLES = (
    "tech stocks with RSI below 30 and volume above 1m",
    "price between $50 and $200 in the finance sector",
    "20 SMA crossing above 50 SMA",
    "within 5% of 52 week high, not energy, top 20 by market cap",
    "P/E under 15 and dividend yield above 3%",
    "oversold large caps",
)
SUGGESTIONS_SHOWN = 4


def ask(text: str) -> None:
    """Put a sentence into the box; for callbacks only."""
    st.session_state[SENTENCE] = text


def ask_query(query: Query) -> None:
    """Put the sentence of a query into the box; for callbacks only."""
    ask(write(query) if query != Query() else "")


def ask_sentence() -> str:
    """Ask for the sentence."""
    text: str = st.text_input(
        "What are you looking for?", key=SENTENCE, bind="query-params", icon=":material/search:", max_chars=1000,
        placeholder=EXAMPLES[0], help="Plain English. The address of the page holds the sentence: it can be shared and kept.",
    )  # fmt: skip
    return text


def show_understood(text: str) -> Query | None:
    """Say how the sentence was understood, and return its query; ``None`` if it was not.

    Without a sentence it is everything there is, with examples of what could be asked.
    """
    if not text.strip():
        show_examples()
        return Query()
    understood = understand(text)
    if understood.query is None:
        show_refusal(text, understood.problems)
    else:
        st.markdown(f":gray[Understood as] **{plain(understood.canonical or '')}**")
    return understood.query


def show_examples() -> None:
    """Offer sentences to click."""
    with st.container(horizontal=True, gap="small", key="scr_examples"):
        for number, example in enumerate(EXAMPLES):
            st.button(example, key=f"scr_example_{number}", on_click=ask, args=(example,))


def show_refusal(text: str, problems: tuple[Problem, ...]) -> None:
    """Show the sentence with the words that were not understood marked, and what to write instead."""
    with st.container(border=True, key="scr_refused"):
        st.markdown(f":material/block: **Not understood, so nothing was run:** {marked(text, problems)}")
        for place, problem in enumerate(problems):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(plain(problem.message), width="content")
                for number, words in enumerate(helpful(text, problem, len(problems))):
                    st.button(
                        words or "leave it out", key=f"scr_instead_{place}_{number}", on_click=ask,
                        args=(replaced(text, problem, words),), icon=":material/edit:",
                    )  # fmt: skip
        st.caption("Every word counts: a sentence runs only when all of it is understood. For example:")
        show_examples()


def helpful(text: str, problem: Problem, problems: int) -> list[str]:
    """Return the suggestions after which less of the sentence is not understood."""
    return [
        words
        for words in problem.suggestions
        if len(understand(replaced(text, problem, words)).problems) < problems
    ][:SUGGESTIONS_SHOWN]


def replaced(text: str, problem: Problem, words: str) -> str:
    """Return the sentence with other words in the place of the ones that were not understood.

    Words that begin them and stand before that place already are not repeated.
    """
    before, new, after = text[: problem.start].split(), words.split(), text[problem.end :].strip()
    for shared in range(min(len(before), len(new) - 1), 0, -1):
        if [word.lower() for word in before[-shared:]] == [word.lower() for word in new[:shared]]:
            new = new[shared:]
            break
    joined = " ".join([*before, *new])
    return joined + after if after[:1] in {",", ")"} else f"{joined} {after}".strip()


def marked(text: str, problems: tuple[Problem, ...]) -> str:
    """Return the sentence as Markdown, with the stretches that were not understood struck out on red.

    Stretches may overlap; one without characters (something is missing there) is shown as a gap.
    """
    parts, at = [], 0
    for start, end in _joined(problems):
        words = plain(text[start:end]) if text[start:end].strip() else "…"
        parts.append(f"{plain(text[at:start])}:red-background[**{words}**]")
        at = end
    return "".join([*parts, plain(text[at:])])


def _joined(problems: tuple[Problem, ...]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start, end in sorted((problem.start, problem.end) for problem in problems):
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def plain(text: str) -> str:
    """Return text as Markdown that shows it as it is: what a user types is no markup, and dollars are no formulas."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$~:-])", r"\\\1", text.replace("\n", " "))
