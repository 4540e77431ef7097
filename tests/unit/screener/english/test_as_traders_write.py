"""Sentences as traders write them, written down before the grammar was made for them: how many get what a trader accepts.

A file of ``as_traders_write`` holds each sentence with what it is to be: ``=`` and the query in its written form, or for each
part that cannot be answered ``!``, the part, a bar, and how the reason begins. Not all of them are what they should be;
none may be half understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.screener.english.lexemes import ARTICLES
from trading_assets.screener.english.lexer import fillers
from trading_assets.screener.english.parse import parse, understand
from trading_assets.screener.english.quantities.amount_words import UNIT_WORDS, VALUED_BY
from trading_assets.screener.english.quantities.amounts import MAGNITUDES
from trading_assets.screener.english.quantities.numerals import NUMBER_WORDS
from trading_assets.screener.english.vocabulary import vocabulary

FOLDER = Path(__file__).parent / "as_traders_write"
SETS = {"first": 129, "second": 60, "third": 50, "fourth": 50, "fifth": 122, "sixth": 60}
"""Sets, and how many sentences each has: all of them were written down, or worded after requests on the web, before they were tried."""
LEAST_RIGHT = 0.85
Outcome = Literal["right", "refused", "half understood"]


@dataclass(frozen=True)
class Written:
    """A sentence, and what it is to be: a query in its written form, or parts with reasons."""

    sentence: str
    query: str | None
    refused: tuple[tuple[str, str], ...]


def written(name: str) -> list[Written]:
    found: list[Written] = []
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if line.startswith("  = "):
            found[-1] = Written(found[-1].sentence, line[4:], ())
        elif line.startswith("  ! "):
            part, _, reason = line[4:].partition(" | ")
            found[-1] = Written(found[-1].sentence, None, (*found[-1].refused, (part, reason)))
        else:
            found.append(Written(line, None, ()))
    return found


ALL = [item for name in SETS for item in written(name)]
UNDERSTOOD = [item.sentence for item in ALL if understand(item.sentence).query is not None]


def outcome(item: Written) -> Outcome:
    told = understand(item.sentence)
    if told.query is not None:
        return "right" if told.canonical == item.query else "half understood"
    if item.query is not None:
        return "refused"
    said = [(problem.text, problem.message) for problem in told.problems]
    named = all(
        any(part == text and reason in message for text, message in said) for part, reason in item.refused
    )
    return "right" if named and len(said) == len(item.refused) else "refused"


@pytest.mark.parametrize("name", SETS)
def test_traders_get_what_they_mean_or_a_reason_that_they_accept(name):
    outcomes = {item.sentence: outcome(item) for item in written(name)}
    assert len(outcomes) >= SETS[name]
    assert [sentence for sentence, found in outcomes.items() if found == "half understood"] == []
    right = sum(found == "right" for found in outcomes.values())
    refused = [sentence for sentence, found in outcomes.items() if found == "refused"]
    assert right >= LEAST_RIGHT * len(outcomes), f"{right} of {len(outcomes)} right; not: {refused}"


def test_what_is_expected_of_a_sentence_is_a_query_in_its_written_form_or_a_reason():
    assert [item.sentence for item in ALL if item.query is None and not item.refused] == []
    assert [item.query for item in ALL if item.query and understand(item.query).canonical != item.query] == []


@pytest.mark.parametrize("sentence", UNDERSTOOD)
def test_a_filler_says_nothing_wherever_it_stands(sentence):
    meant = parse(sentence)
    for start, end in fillers(sentence):
        assert understand(f"{sentence[:start]} {sentence[end:]}").query == meant, sentence[start:end]


INTRODUCING = re.compile(r"\b(with|where|that|which|who|whose|having|have|has)\b", re.IGNORECASE)


@pytest.mark.parametrize("sentence", [item for item in UNDERSTOOD if INTRODUCING.search(item)])
def test_without_a_word_that_introduces_a_condition_it_means_the_same_or_is_asked_back(sentence):
    meant = parse(sentence)
    for found in INTRODUCING.finditer(sentence):
        without = f"{sentence[: found.start()]} {sentence[found.end() :]}"
        assert understand(without).query in {meant, None}, without


KNOWN = (
    {word for key in (*vocabulary().entries, *UNIT_WORDS, *VALUED_BY) for word in key}
    | NUMBER_WORDS
    | ARTICLES
    | MAGNITUDES.keys()
)
letters = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=9).filter(lambda word: word not in KNOWN)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(UNDERSTOOD), letters)
def test_an_unknown_word_anywhere_in_what_a_trader_writes_is_named_and_blocks_it(data, sentence, word):
    gaps = [
        place for place in range(len(sentence) + 1) if place in {0, len(sentence)} or sentence[place] == " "
    ]
    place = data.draw(st.sampled_from(gaps))
    told = understand(f"{sentence[:place]} {word} {sentence[place:]}")
    assert told.query is None
    assert any(word in problem.text for problem in told.problems)
