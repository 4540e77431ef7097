"""Periods: an indicator named without a period that is held, or with another one, and which there are instead."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.errors import Problem
from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.fields import FIELDS


def unknown_period(
    sentence: str, pieces: Sequence[Lexeme], named: tuple[int, int], found: Sequence[Token], base: str
) -> tuple[Problem, int, list[Token]]:
    """Say which periods there are of an indicator, as of "30 day moving average" or "SMA(100)".

    Parameters
    ----------
    sentence, pieces
        As they were typed, and cut.
    named
        Place of the first lexeme of the indicator's name, and of the first after it.
    found
        Tokens before it.
    base
        The indicator, without a period.

    Returns
    -------
    tuple
        The problem, the place after what it marks, and the tokens before it that do not belong to it.
    """
    start, end = pieces[named[0]].start, named[1]
    for shape in (("(", None, ")"), (None,)):
        window = pieces[end : end + len(shape)]
        if len(window) == len(shape) and all(
            piece.kind == "number" if want is None else piece.text == want
            for piece, want in zip(window, shape, strict=True)
        ):
            end += len(shape)
            break
    kept = list(found)
    if kept and kept[-1].terminal == "SPAN":
        kept.pop()
    if kept and kept[-1].terminal == "NUMBER":
        start = kept.pop().start
    else:
        kept = list(found)
    known = tuple(field.label for field in FIELDS.values() if field.name.startswith(f"{base}_"))
    text = sentence[start : pieces[end - 1].end]
    message = f'"{text}": there are only {", ".join(known)}'
    return Problem(start, start + len(text), text, message, known), end, kept


def other_period(
    sentence: str, pieces: Sequence[Lexeme], place: int, count: int, name: str
) -> Problem | None:
    """Say which period a field has that is written with one in parentheses, as "RSI(2)"; None where it is not."""
    window = pieces[place + count : place + count + 3]
    if [piece.text if piece.kind == "sign" else piece.kind for piece in window] != ["(", "number", ")"]:
        return None
    start, end = pieces[place].start, window[-1].end
    text, label = sentence[start:end], FIELDS[name].label
    message = f'"{text}": there is only {label}, {FIELDS[name].description}'
    return Problem(start, end, text, message, (label,))
