"""Numerals: numbers that are written as words ("thirty", "twenty-five", "three and a half"), and "a" where it counts one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from trading_assets.screener.english.pieces import Lexeme

ONES = {
    word: number
    for number, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
            "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        )
    )
}  # fmt: skip
TENS = {
    word: 10 * number
    for number, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
NUMBER_WORDS = frozenset({*ONES, *TENS, "hundred"})
"""Words that are numbers, alone or together."""
_COUNTED = frozenset({"dollar", "buck", "thousand", "million", "billion", "trillion"})
"""What "a" stands before as a number: "under a dollar", "over a billion"."""


def with_numbers(pieces: Sequence[Lexeme]) -> list[Lexeme]:
    """Replace number words by the number, as one lexeme over all of them.

    "one hundred and fifty" is not joined over its "and", which may join conditions as well; nor is "hundred" alone a number.
    """
    return list(_read(pieces))


def _read(pieces: Sequence[Lexeme]) -> Iterator[Lexeme]:
    place = 0
    while place < len(pieces):
        number, end = _number(pieces, place)
        if number is None:
            yield pieces[place]
            place += 1
            continue
        number, end = _with_half(pieces, number, end)
        first, last = pieces[place], pieces[end - 1]
        text = format(number, "f")
        yield Lexeme(
            "number", text, first.start, last.end, " ".join(piece.raw for piece in pieces[place:end])
        )
        place = end


def _number(pieces: Sequence[Lexeme], place: int) -> tuple[Decimal | None, int]:
    if _is(pieces, place, {"a", "an"}.__contains__):
        if _is(pieces, place + 1, "hundred".__eq__):
            return Decimal(100), place + 2
        return (Decimal(1), place + 1) if _is(pieces, place + 1, _COUNTED.__contains__) else (None, place)
    small, end = _below_hundred(pieces, place)
    if small is None:
        return None, place
    if not _is(pieces, end, "hundred".__eq__):
        if small == 1 and _is(pieces, end, "half".__eq__):
            return Decimal("0.5"), end + 1
        return Decimal(small), end
    rest, after = _below_hundred(pieces, end + 1)
    return Decimal(100 * small + (rest or 0)), after if rest is not None else end + 1


def _below_hundred(pieces: Sequence[Lexeme], place: int) -> tuple[int | None, int]:
    if _is(pieces, place, ONES.__contains__):
        return ONES[pieces[place].text], place + 1
    if not _is(pieces, place, TENS.__contains__):
        return None, place
    ten, after = TENS[pieces[place].text], place + 1
    if after < len(pieces) and pieces[after].text == "-" and pieces[after].start == pieces[place].end:
        after += 1
    if _is(pieces, after, lambda word: 0 < ONES.get(word, 0) < 10):
        return ten + ONES[pieces[after].text], after + 1
    return ten, place + 1


def _with_half(pieces: Sequence[Lexeme], number: Decimal, end: int) -> tuple[Decimal, int]:
    # "three and a half": the article tells it from "above three and half its average"
    said = [piece.text for piece in pieces[end : end + 3]]
    return (number + Decimal("0.5"), end + 3) if said == ["and", "a", "half"] else (number, end)


def _is(pieces: Sequence[Lexeme], place: int, wanted: Callable[[str], bool]) -> bool:
    return place < len(pieces) and pieces[place].kind == "word" and wanted(pieces[place].text)
