"""Amount words: a number of a sentence with its sign, its magnitude and its unit, as tokens of the grammar."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.quantities.amounts import MAGNITUDES, Amount, AmountUnit

UNIT_WORDS: dict[tuple[str, ...], AmountUnit] = {
    ("%",): "%", ("percent",): "%", ("pct",): "%", ("per", "cent"): "%",
    ("bps",): "bps", ("bp",): "bps", ("basis", "points"): "bps",
    ("x",): "x", ("times",): "x", ("*",): "x",
    ("dollars",): "$", ("dollar",): "$", ("usd",): "$", ("bucks",): "$", ("buck",): "$",
    ("cents",): "$", ("cent",): "$",
}  # fmt: skip
VALUED_BY: dict[tuple[str, ...], str] = {
    ("book", "value"): "pb", ("book",): "pb", ("earnings",): "pe", ("trailing", "earnings"): "pe", ("sales",): "ps", ("revenue",): "ps",
    ("revenues",): "ps",
}  # fmt: skip
"""What a price is so many times of, and the ratio that says it; the longest first."""
_TERMINALS: dict[AmountUnit, str] = {
    "%": "PERCENT",
    "bps": "PERCENT",
    "x": "MULT",
    "$": "NUMBER",
    "": "NUMBER",
}
_HUNDREDTHS = frozenset({"cents", "cent"})
_BEFORE = frozenset({"-", "minus", "$", "usd", "+"})

Read = list[tuple[str, object, int]]
"""Terminals with what they mean, and how many lexemes each takes."""


def amount_at(pieces: Sequence[Lexeme], place: int) -> Read:
    """Return the tokens of the amount that begins at a lexeme; none if no amount does."""
    start, negative, unit = place, False, ""
    while place < len(pieces) and pieces[place].text in _BEFORE:
        sign = "$" if pieces[place].text == "usd" else pieces[place].text
        if (sign == "$" and unit) or (sign != "$" and not _leads(pieces, place)):
            return []
        unit, negative = "$" if sign == "$" else unit, negative != (sign in {"-", "minus"})
        place += 1
    if place == len(pieces) or pieces[place].kind != "number":
        return []
    number, place, magnitude = Decimal(pieces[place].text), place + 1, 0
    if place < len(pieces) and pieces[place].text in MAGNITUDES:
        magnitude, place = MAGNITUDES[pieces[place].text], place + 1
    plain = Amount(number, "", magnitude)
    valued = _valued(pieces, place) if not unit and not negative else None
    if valued:
        return [("NUMBER", plain, place - start), valued]
    said = _unit(pieces, place)
    if said is not None:
        named, taken = said
        if unit and unit != named:
            return []
        number = number.scaleb(-2) if pieces[place].text in _HUNDREDTHS else number
        unit, place = named, place + taken
    amount = Amount(number.copy_negate() if negative else number, unit, magnitude)  # type: ignore[arg-type] # one of the units above
    read: Read = [(_TERMINALS[amount.unit], amount, place - start)]
    if place < len(pieces) and pieces[place].text == "+" and pieces[place].start == pieces[place - 1].end:
        read.append(("SUFFIX", ">=", 1))
    return read


def _unit(pieces: Sequence[Lexeme], place: int) -> tuple[AmountUnit, int] | None:
    for words, named in UNIT_WORDS.items():
        if tuple(piece.text for piece in pieces[place : place + len(words)]) == words:
            return named, len(words)
    return None


_GOES_ON = frozenset({"growth", "yield", "surprise"})
"""Words that make a figure of its own of what a price may be a multiple of."""


def _valued(pieces: Sequence[Lexeme], place: int) -> tuple[str, object, int] | None:
    # "15 times earnings" is a P/E of 15
    for words, field in VALUED_BY.items():
        said = tuple(piece.text for piece in pieces[place : place + 1 + len(words)])
        after = pieces[place + 1 + len(words)].text if place + 1 + len(words) < len(pieces) else ""
        if said[:1] in {("x",), ("times",)} and said[1:] == words and after not in _GOES_ON:
            return "PRICED", field, len(said)
    return None


def _leads(pieces: Sequence[Lexeme], place: int) -> bool:
    # a sign of the number after it, not a dash between two numbers
    is_word, last = pieces[place].kind == "word", len(pieces) - 1
    touches_next = is_word or (place < last and pieces[place].end == pieces[place + 1].start)
    before = pieces[place - 1] if place else None
    touches_before = before is not None and before.end == pieces[place].start
    return touches_next and not (touches_before and before is not None and before.kind != "sign")
