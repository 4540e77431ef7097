"""Vocabulary: every phrase that the screener's English knows, by its words, longest first; made from the registries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from trading_assets.screener.english.amounts import Amount
from trading_assets.screener.english.lexemes import ARTICLES, Lexeme, phrase
from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.words import INDUSTRIES, PHRASES, REFUSED, TEXT_VALUES
from trading_assets.screener.fields import FIELDS, ScreenerField
from trading_assets.sectors import SECTORS

IN_CAPITALS_ONLY = frozenset({("it",), ("os",), ("cs",), ("ai",)})
"""Phrases that are another word in small letters."""

_GAPS = frozenset({"gap up", "gap down"})
_AVERAGES = {
    "sma": ("sma", "ma", "moving average", "simple moving average", "average"),
    "ema": ("ema", "exponential moving average", "exponential average"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means: a terminal of the grammar and which one; ``words`` is how it is best written."""

    terminal: str
    meaning: object
    words: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a phrase cannot be answered, and what to write instead."""

    message: str
    suggestions: tuple[str, ...]


class Vocabulary:
    """Phrases by their lexemes.

    Raises
    ------
    ValueError
        If one phrase is to mean two things.
    """

    def __init__(self) -> None:
        self.entries: dict[tuple[str, ...], Entry] = {}
        self._lengths: dict[str, list[int]] = {}
        for words, entry in _phrases():
            self._add(phrase(words), entry)
        for words, entry in _variants():
            if phrase(words) not in self.entries:
                self._add(phrase(words), entry)

    def longest(self, pieces: list[Lexeme], place: int) -> tuple[Entry, int] | None:
        """Return the meaning of the longest phrase that starts at ``place``, and how many lexemes it has."""
        for length in self._lengths.get(pieces[place].text, ()):
            end = place + length
            if end > len(pieces) or any(piece.kind == "quoted" for piece in pieces[place:end]):
                continue
            key = tuple(piece.text for piece in pieces[place:end])
            entry = self.entries.get(key)
            if entry is None or (key in IN_CAPITALS_ONLY and not pieces[place].raw.isupper()):
                continue
            if self._goes_on(entry, key, pieces, place):
                continue
            return entry, length
        return None

    def _goes_on(self, entry: Entry, key: tuple[str, ...], pieces: list[Lexeme], place: int) -> bool:
        # "30 or more than 70" is not "30 or more", "5 or lower Bollinger band" not "5 or lower", "RSI 14 days ago" not "RSI 14"
        if entry.terminal == "SUFFIX":
            following = self.longest(pieces, place + 1)
            return following is not None and following[1] >= len(key)
        if entry.terminal == "FIELD" and key[-1].isdigit() and place + len(key) < len(pieces):
            unit = self.entries.get((pieces[place + len(key)].text,))
            return unit is not None and unit.terminal == "SPAN"
        return False

    def begins(self, word: str) -> bool:
        """Say whether this word alone means something, or nothing."""
        return (word,) in self.entries or word in ARTICLES

    @property
    def suggestable(self) -> list[str]:
        """Phrases that may be meant by a misspelt one."""
        return [
            " ".join(key)
            for key, entry in self.entries.items()
            if entry.terminal in _MEANT
            or (entry.terminal in _SPELT and all(len(word) >= _LONG_ENOUGH for word in key))
        ]

    def written(self, text: str) -> str:
        """Return how a suggestable phrase is written: fields, values and definitions by their label."""
        entry = self.entries[tuple(text.split(" "))]
        return entry.words if entry.terminal in _LABELLED else text

    def _add(self, key: tuple[str, ...], entry: Entry) -> None:
        known = self.entries.get(key)
        if known and (known.terminal, known.meaning) != (entry.terminal, entry.meaning):
            raise ValueError(f"{' '.join(key)!r} means both {known} and {entry}")
        if known is None:
            self.entries[key] = entry
            lengths = self._lengths.setdefault(key[0], [])
            if len(key) not in lengths:
                lengths.append(len(key))
                lengths.sort(reverse=True)


_LABELLED = frozenset({"FIELD", "TEXTFIELD", "VALUE", "MACRO"})
_MEANT = _LABELLED | {"BETWEEN", "CROSS", "SORT", "GAPPED"}
_SPELT = frozenset({"CMP", "NOT", "FILLER"})
_LONG_ENOUGH = 4  # letters: any word is like a short one


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary, built at the first call."""
    return Vocabulary()


def spoken(field: str, value: str) -> str | None:
    """Return the words for a value of a text field; ``None`` where it can only be quoted."""
    if field == "sector":
        return value if any(sector.name == value for sector in SECTORS) else None
    for name, code, words in TEXT_VALUES:
        if (name, code) == (field, value):
            return words.split(" | ")[0]
    return None


def _split(words: str) -> list[str]:
    return [part.replace("\\|", "|") for part in re.split(r" \| ", words)]


def _phrases() -> Iterator[tuple[str, Entry]]:
    yield from _fixed_phrases()
    for field in FIELDS.values():
        entry = Entry("FIELD" if field.kind == "number" else "TEXTFIELD", field.name, field.label)
        yield from ((one, entry) for one in (*field.aliases, field.name))
    for macro in MACROS.values():
        if macro.name not in _GAPS:  # the grammar reads their size
            entry = Entry("MACRO", macro.name, macro.name)
            yield from ((one, entry) for one in macro.phrases)
    for sector in SECTORS:
        entry = Entry("VALUE", ("sector", sector.name), sector.name)
        yield from ((one, entry) for one in (sector.name, sector.yahoo, *sector.aliases))


def _fixed_phrases() -> Iterator[tuple[str, Entry]]:
    for terminal, meaning, words in PHRASES:
        meant = Amount(Decimal(str(meaning)), "x") if terminal == "MULT" else meaning
        yield from ((one, Entry(terminal, meant, _split(words)[0])) for one in _split(words))
    for field, code, words in TEXT_VALUES:
        yield from ((one, Entry("VALUE", (field, code), _split(words)[0])) for one in _split(words))
    for words, message, suggestions in REFUSED:
        yield from ((one, Entry("REFUSED", Refusal(message, suggestions), one)) for one in _split(words))
    for sector, words in INDUSTRIES.items():
        message = f'narrower than the sector {sector}; an industry is named in quotes as the vendor writes it: industry is "..."'
        entry = Entry("REFUSED", Refusal(message, (sector,)), "")
        yield from ((one, entry) for one in _split(words))


def _variants() -> Iterator[tuple[str, Entry]]:
    """Further ways to write a field, unless the phrase means something already."""
    for field in FIELDS.values():
        entry = Entry("FIELD" if field.kind == "number" else "TEXTFIELD", field.name, field.label)
        for words in (field.name.replace("_", " "), *_with_period(field)):
            yield words, entry
        for alias in field.aliases:
            if alias[-1].isalpha() and alias[-1] != "s":
                yield f"{alias}s", entry


def _with_period(field: ScreenerField) -> Iterator[str]:
    found = re.fullmatch(r"([a-z]+)_(\d+)", field.name)
    if found is None:
        return
    base, period = found.groups()
    for name in _AVERAGES.get(base, (base,)):
        yield from (f"{period} {unit} {name}" for unit in ("day", "session", "period", "bar", "d"))
        yield from (f"{name} {period}", f"{name}({period})", f"{name}{period}", f"{name} of {period} days")
        # "price above 14 RSI below 30" lacks a word; "price above 20 SMA" is how people write
        if base in _AVERAGES and name != "average":
            yield f"{period} {name}"
    if base == "sma":
        yield from (f"{period} dma", f"{period} dmas")
