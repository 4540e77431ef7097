"""Vocabulary: every phrase that the screener's English knows, by its words, longest first; made from the registries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import product

from trading_assets.screener.english.industries import INDUSTRIES, NO_INDUSTRY
from trading_assets.screener.english.lexemes import ARTICLES, phrase
from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.quantities.numerals import NUMBER_WORDS
from trading_assets.screener.english.words import PHRASES, REFUSED, TEXT_VALUES
from trading_assets.screener.fields import FIELDS, ScreenerField
from trading_assets.sectors import SECTORS

IN_CAPITALS_ONLY = frozenset({("it",), ("os",), ("cs",), ("ai",)})
"""Phrases that are another word in small letters."""

_SIDES = frozenset({"above", "over", "below", "under"})
_CLOSES = frozenset({"", ",", ")", "and", "but", "with", "where", "that", "which"})
_GAPS = frozenset({"gap up", "gap down"})
_AVERAGES = {
    "sma": ("sma", "ma", "moving average", "simple moving average", "average", "mean"),
    "ema": (
        "ema",
        "exponential moving average",
        "exponential average",
        "exp moving average",
        "ex moving average",
    ),
}


_AMOUNTS: dict[str, Callable[[str], Amount]] = {
    "MULT": lambda text: Amount(Decimal(text), "x"),
    "PERCENT": lambda text: Amount(Decimal(text), "%"),
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
        # "30 or more than 70" is not "30 or more", "5 or lower Bollinger band" not "5 or lower", "30 or above 70" not "30 or
        # above", "positive earnings growth" not "positive earnings", "RSI 14 days ago" not "RSI 14"
        after = pieces[place + len(key)].text if place + len(key) < len(pieces) else ""
        if entry.terminal == "SUFFIX" and key[-1] in _SIDES and after not in _CLOSES:
            return True
        if entry.terminal in {"MACRO", "REFUSED"} and self._overlaps(pieces, place, len(key)):
            return True
        if entry.terminal == "SUFFIX":
            following = self.longest(pieces, place + 1)
            return following is not None and following[1] >= len(key)
        if entry.terminal == "FIELD" and key[-1].isdigit() and place + len(key) < len(pieces):
            unit = self.entries.get((pieces[place + len(key)].text,))
            return unit is not None and unit.terminal == "SPAN"
        return False

    def _overlaps(self, pieces: list[Lexeme], place: int, length: int) -> bool:
        # whether a phrase that begins within this one goes on beyond it
        for inner in range(place + 1, place + length):
            found = self.longest(pieces, inner)
            if found is not None and inner + found[1] > place + length and found[0].terminal != "REFUSED":
                return True
        return False

    def begins(self, word: str) -> bool:
        """Say whether this word alone means something, or nothing."""
        return (word,) in self.entries or word in ARTICLES or word in NUMBER_WORDS

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
        if known and "REFUSED" in {
            known.terminal,
            entry.terminal,
        }:  # a field that came since is held after all
            known = None if known.terminal == "REFUSED" else known
            entry = known or entry
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
        meant = _AMOUNTS[terminal](str(meaning)) if terminal in _AMOUNTS else meaning
        yield from ((one, Entry(terminal, meant, _split(words)[0])) for one in _split(words))
    for field, code, words in TEXT_VALUES:
        yield from ((one, Entry("VALUE", (field, code), _split(words)[0])) for one in _split(words))
    for words, message, suggestions in REFUSED:
        yield from ((one, Entry("REFUSED", Refusal(message, suggestions), one)) for one in _split(words))
    for row in INDUSTRIES:
        entry = Entry("VALUE", ("industry", row.names), row.words[0])
        yield from ((one, entry) for one in row.words)
    for words, near in NO_INDUSTRY.items():
        message = 'vendors have no such industry; one is named by its words, or in quotes as the vendor writes it: industry is "..."'
        yield from ((one, Entry("REFUSED", Refusal(message, near), one)) for one in _split(words))


def _variants() -> Iterator[tuple[str, Entry]]:
    """Further ways to write a field, or a macro, unless the phrase means something already."""
    for side in ("high", "low"):
        entry = Entry("MACRO", f"new 52-week {side}", f"new 52-week {side}")
        yield from ((words, entry) for words in _extremes(side))
        near = Entry("MACRO", f"near 52-week {side}", f"near 52-week {side}")
        yield from ((" ".join((*row, side)), near) for row in product(_NEAR, _YEARS))
    for field in FIELDS.values():
        entry = Entry("FIELD" if field.kind == "number" else "TEXTFIELD", field.name, field.label)
        for words in (field.name.replace("_", " "), *_with_period(field)):
            yield words, entry
        yield from ((words, entry) for words in _with_span(field))
        for alias in field.aliases:
            if alias[-1].isalpha() and alias[-1] != "s":
                yield f"{alias}s", entry


def _extremes(side: str) -> Iterator[str]:
    # "making new 52-week highs", "hit a 52-week low", "printing new lows"
    for verb, new, span in product(_MADE, ("", "new"), (*_YEARS, "")):
        if (verb and span) or new:
            words = " ".join(filter(None, (verb, new, span, side)))
            yield from (words, f"{words}s")


_YEARS = ("52 week", "52 wk", "52 w", "yearly", "1 year")
_NEAR = ("near", "price near", "trading near", "close to", "trading close to", "nearing", "approaching")
_MADE = (
    "",
    "at",
    "hit",
    "hits",
    "hitting",
    "making",
    "makes",
    "made",
    "setting",
    "set",
    "reached",
    "reaching",
    "printing",
    "posting",
    "posted",
)


def _with_span(field: ScreenerField) -> Iterator[str]:
    """Further ways to say over how long a return, or an average volume, is."""
    if field.name.startswith("return_"):
        for alias in field.aliases:
            span, _, last = alias.rpartition(" ")
            if last == "return":
                yield from (
                    f"{span} {word}" for word in ("performance", "perf", "change", "gain", "price change")
                )
        for span in _SPANS.get(int(field.name.removeprefix("return_")), ()):
            yield from (f"{span} {word}" for word in ("return", "performance", "perf", "change"))
    if field.name == "volume_sma_20":
        for alias in field.aliases:
            if alias[0].isalpha():
                yield from (f"20 {unit} {alias}" for unit in ("day", "d", "session"))
                yield from (f"{alias} 20 {unit}" for unit in ("day", "days", "d"))
                yield f"{alias} (20)"


_SPANS = {
    1: ("1 d",),
    5: ("1 w", "1 wk", "5 d"),
    21: ("1 m", "21 d"),
    63: ("3 m", "3 mo"),
    126: ("6 m", "6 mo"),
    252: ("1 y", "12 m", "1 yr", "52 week"),
}


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
        # "above its 200 day" is how people speak of the simple average; "in the last 20 days" has the plural
        yield from (
            f"{period} dma",
            f"{period} dmas",
            f"{period} day ma",
            f"{period} day",
            f"{period} d",
            f"{period} day mas",
            f"{period} day line",
        )
