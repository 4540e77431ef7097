"""Unheld: highs and lows over other periods, and indicators written together with a period, that are no fields."""

from __future__ import annotations

import re

from trading_assets.errors import Problem
from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.vocabulary import Vocabulary
from trading_assets.screener.fields import FIELDS

_EXTREMES = frozenset({"high", "highs", "low", "lows"})


def other_extreme(
    sentence: str, pieces: list[Lexeme], place: int, known: Vocabulary
) -> tuple[Problem, int] | None:
    """Say that a high or low of so many days is not held, and how many lexemes name it; None where none begins here."""
    at = place + 1 if pieces[place].text == "new" else place
    window = pieces[at : at + 3]
    if len(window) < 3 or window[0].kind != "number" or window[2].text not in _EXTREMES:
        return None
    unit, whole = known.entries.get((window[1].text,)), known.longest(pieces, place)
    if unit is None or unit.terminal != "SPAN" or (whole is not None and whole[1] >= at + 3 - place):
        return None
    text = sentence[pieces[place].start : window[-1].end]
    side = "high" if window[2].text.startswith("high") else "low"
    examples = (f"new 52-week {side}", f"within 5% of 52-week {side}")
    message = f'"{text}": highs and lows are held over 52 weeks only'
    return Problem(pieces[place].start, window[-1].end, text, message, examples), at + 3 - place


def run_together(pieces: list[Lexeme], place: int, known: Vocabulary) -> tuple[Problem, int] | None:
    """Say which periods there are of an indicator that is written with one that is not held: "ema9", "rsi2"."""
    piece = pieces[place]
    found = re.fullmatch(r"([a-z]+)(\d+)", piece.text) if piece.kind == "word" else None
    if found is None or (piece.text,) in known.entries:
        return None
    entry = known.entries.get((found.group(1),))
    if entry is None or entry.terminal not in {"FIELD", "PERIODLESS"}:
        return None
    if entry.terminal == "FIELD":
        held: tuple[str, ...] = (FIELDS[str(entry.meaning)].label,)
        message = f'"{piece.raw}": there is only {held[0]}, {FIELDS[str(entry.meaning)].description}'
    else:
        held = tuple(field.label for field in FIELDS.values() if field.name.startswith(f"{entry.meaning}_"))
        message = f'"{piece.raw}": there are only {", ".join(held)}'
    return Problem(piece.start, piece.end, piece.raw, message, held), 1
