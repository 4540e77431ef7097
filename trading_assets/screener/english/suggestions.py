"""Suggestions: the phrases nearest to words that are not known."""

from __future__ import annotations

import re
from difflib import SequenceMatcher, get_close_matches

from trading_assets.errors import Problem
from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.vocabulary import Vocabulary
from trading_assets.screener.english.words import WELL_KNOWN

CUTOFF = 0.75
"""How alike two phrases are at least (difflib's ratio)."""
LONGEST_PHRASE = 4
MOST = 3
LESS_ALIKE = 0.1
"""By how much a further phrase may be less alike than the first: "below" for "bellow", not "slips below"."""
_SYMBOL = re.compile(r"[a-z]{1,5}")
TICKER = re.compile(r"[A-Za-z]{1,5}(?:[.-][A-Za-z]{1,2})?(?!\w)")
_PRONOUNS = frozenset({"it", "them", "itself", "themselves"})
_LISTING = frozenset({",", "and", "or", "&"})


def closest(words: list[str], start: int, end: int, known: Vocabulary) -> tuple[str, ...]:
    """Return the known phrases most like the unknown words ``start`` to ``end``, alone or with words beside them.

    Where several words are unknown and resemble no phrase together, each is replaced by the one nearest to it.
    """
    found = _nearest(words, start, end, known)
    if found or end - start == 1:
        return found
    each = [_nearest(words[place : place + 1], 0, 1, known)[:1] for place in range(start, end)]
    return (" ".join(word for one in each for word in one),) if all(each) else ()


def _nearest(words: list[str], start: int, end: int, known: Vocabulary) -> tuple[str, ...]:
    phrases = known.suggestable
    found: dict[str, float] = {}
    for first in range(max(start - 1, 0), start + 1):
        for last in range(end, end + 2):
            if last <= len(words) and last - first <= LONGEST_PHRASE:
                text = " ".join(words[first:last])
                for near in get_close_matches(text, phrases, n=MOST, cutoff=CUTOFF):
                    alike = SequenceMatcher(None, near, text).ratio()
                    word = known.written(near)
                    found[word] = max(alike, found.get(word, 0.0))
    best = max(found.values(), default=0.0)
    alike_enough = [word for word in found if found[word] >= best - LESS_ALIKE]
    return tuple(sorted(alike_enough, key=lambda word: -found[word])[:MOST])


def symbols_alone(pieces: list[Lexeme], sentence: str, known: Vocabulary) -> Problem | None:
    """Say how a list of nothing but symbols is written: "aapl, msft and nvda"; None where it is no such list."""
    words = [piece for piece in pieces if piece.text not in _LISTING]
    listed = len(words) > 1 and len(words) < len(pieces)
    if not listed or pieces[0].text in _LISTING or pieces[-1].text in _LISTING:
        return None
    if any(known.begins(piece.text) or not _SYMBOL.fullmatch(piece.text) for piece in words):
        return None
    start, end = pieces[0].start, pieces[-1].end
    named = f"symbol is {' or '.join(piece.text.upper() for piece in words)}"
    return Problem(start, end, sentence[start:end], f"symbols follow the word: {named}", (named,))


def told(
    unknown: list[Lexeme], text: str, near: tuple[str, ...], *, listed: bool
) -> tuple[str, tuple[str, ...]]:
    """Return what is said of unknown words, and what they may have been meant as.

    Parameters
    ----------
    unknown, text
        The words, and how they were typed.
    near
        The nearest known phrases.
    listed
        Whether they stand in a list of symbols.
    """
    if text.lower() in _PRONOUNS:
        return f'"{text}": name the field', ()
    tickers = [piece.raw for piece in unknown if TICKER.fullmatch(piece.raw) and piece.raw.isupper()]
    if TICKER.fullmatch(text) and listed:
        near = (text.upper(), *near)
    elif text.upper() in WELL_KNOWN:
        near = (f"symbol is {text.upper()}",)
    elif len(tickers) == len(unknown):
        near = (f"symbol is {' or '.join(tickers)}", *near)
    meant = f": did you mean {' or '.join(near)}?" if near else " is not a word of the screener"
    return f'"{text}"{meant}', near
