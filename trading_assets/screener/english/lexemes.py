"""Lexemes: a sentence cut into words, numbers, signs and quoted texts, each with its place in the original."""

# ruff: noqa: RUF001, RUF002 - the many forms of one sign are what this module is about

from __future__ import annotations

import re
from collections.abc import Collection

from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.quantities.numerals import with_numbers

ARTICLES = frozenset({"a", "an", "the", "its", "their"})
"""Words without meaning wherever they stand, also within a phrase: "above its 200 day average"."""

JOINING = frozenset({"or", "and", "nor", "&", "&&", "|", "||"})
"""Words and signs that join the names of a list."""

_PATTERN = re.compile(
    r"""(?P<quoted>"(?:[^"]|"")*"|“[^”]*”)
      | (?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d|,\d)|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d](?:\w|['’.](?=[^\W\d_]))*)
      | (?P<sign><=|>=|=<|=>|==|!=|<>|&&|\|\||[^\w\s]|_)""",
    re.VERBOSE,
)
_SIGNS = {
    "=>": ">=", "=<": "<=", "≥": ">=", "≤": "<=", "⩾": ">=", "⩽": "<=", "≠": "!=", "<>": "!=", "==": "=",
    "＝": "=", "＞": ">", "＜": "<", "％": "%", "﹪": "%", "＄": "$",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "×": "x", "✕": "x", ";": ",", "，": ",",
}  # fmt: skip


def lexemes(text: str) -> list[Lexeme]:
    """Cut a text; a hyphen within a word or between number and word is dropped, as are articles; number words are numbers.

    Examples
    --------
    >>> [piece.text for piece in lexemes("Price > the 200-day SMA, yield 1,000–2,000")]
    ['price', '>', '200', 'day', 'sma', ',', 'yield', '1000', '-', '2000']
    >>> [piece.text for piece in lexemes("twenty-five times, under a dollar, three and a half percent")]
    ['25', 'times', ',', 'under', '1', 'dollar', ',', '3.5', 'percent']
    """
    pieces = with_numbers(_pieces(text))
    return [
        piece
        for place, piece in enumerate(pieces)
        if not (piece.kind == "word" and piece.text in ARTICLES)
        and not (piece.text == "-" and _joins(pieces, place))
    ]


def capital_articles(text: str) -> list[Lexeme]:
    """Return the articles in capital letters, which among symbols are symbols: "symbol is C, A, F"."""
    return [piece for piece in _pieces(text) if piece.text in ARTICLES and piece.raw.isupper()]


def comma_list(text: str, *, unless: Collection[str] = JOINING) -> list[str]:
    """Return the names of a list that only commas part, else none; what stands within quotes parts and joins nothing.

    Parameters
    ----------
    text
        The list as it was typed.
    unless
        Words and signs with which it is no such list.

    Examples
    --------
    >>> comma_list('energy, "oil, gas"')
    ['energy', '"oil, gas"']
    >>> comma_list("energy, oil or gas")
    []
    """
    pieces = [piece for piece in _pieces(text) if piece.kind != "quoted"]
    commas = [piece for piece in pieces if piece.text == ","]
    if not commas or any(piece.text in unless for piece in pieces):
        return []
    starts, ends = [0, *(comma.end for comma in commas)], [*(comma.start for comma in commas), len(text)]
    return [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def phrase(text: str) -> tuple[str, ...]:
    """Return the texts of the lexemes, under which a phrase is looked up."""
    return tuple(piece.text for piece in lexemes(text))


def _pieces(text: str) -> list[Lexeme]:
    return [_lexeme(found) for found in _PATTERN.finditer(text)]


def _lexeme(found: re.Match[str]) -> Lexeme:
    raw, start, end = found.group(), found.start(), found.end()
    if found.lastgroup == "quoted":
        inner = raw[1:-1]
        return Lexeme("quoted", inner.replace('""', '"') if raw[0] == '"' else inner, start, end, raw)
    if found.lastgroup == "number":
        return Lexeme("number", raw.replace(",", "").lower(), start, end, raw)
    if found.lastgroup == "word":
        return Lexeme("word", raw.lower().replace("’", "'"), start, end, raw)
    sign = _SIGNS.get(raw, raw)
    return Lexeme("word" if sign == "x" else "sign", sign, start, end, raw)


def _joins(pieces: list[Lexeme], place: int) -> bool:
    # "200-day", "z-score": a hyphen that touches both sides, at least one of which is a word
    if not 0 < place < len(pieces) - 1:
        return False
    before, hyphen, after = pieces[place - 1 : place + 2]
    if place > 1 and pieces[place - 2].kind == "number" and pieces[place - 2].end == before.start:
        return after.kind == "word"  # "2b-10b" is a range
    touches = before.end == hyphen.start and hyphen.end == after.start
    kinds = {before.kind, after.kind}
    return touches and "word" in kinds and kinds <= {"word", "number"}
