"""Suggestions: the phrases nearest to words that are not known."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches

from trading_assets.screener.english.vocabulary import Vocabulary

CUTOFF = 0.75
"""How alike two phrases are at least (difflib's ratio)."""
LONGEST_PHRASE = 4
MOST = 3


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
    return tuple(sorted(found, key=lambda word: -found[word])[:MOST])
