"""Suggestions: the phrases nearest to words that are not known."""

from __future__ import annotations

from difflib import get_close_matches

from trading_assets.screener.vocabulary import Vocabulary

CUTOFF = 0.75
"""How alike two phrases are at least (difflib's ratio)."""
LONGEST_PHRASE = 4
MOST = 3


def closest(words: list[str], start: int, end: int, known: Vocabulary) -> tuple[str, ...]:
    """Return the known phrases most like the unknown words ``start`` to ``end``, alone or with words beside them."""
    phrases = known.suggestable
    found: list[str] = []
    windows = sorted(
        ((first, last) for first in range(max(start - 1, 0), start + 1) for last in range(end, end + 2)),
        key=lambda window: window[0] - window[1],
    )
    for first, last in windows:
        if last <= len(words) and last - first <= LONGEST_PHRASE:
            found += get_close_matches(" ".join(words[first:last]), phrases, n=MOST, cutoff=CUTOFF)
    labels = (known.entries[tuple(text.split(" "))].words for text in found)
    return tuple(dict.fromkeys(labels))[:MOST]
