"""Over days: phrases of growth, directions and single sessions, as the tokens that the grammar reads."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading_assets.screener.english.phrases.tense import Held
from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.tokens import Token, made
from trading_assets.screener.fields import FIELDS

YEAR = 252
"""Sessions of a year."""
_OF_A_YEAR = frozenset({"revenue_growth", "eps_growth", "dividend_yield"})


def one_way(said: list[Token], sentence: str) -> list[Token] | None:
    """Read "volume rising for 3 days" as above the session before in each of them."""
    field, held = next(token for token in said if token.terminal == "FIELD"), said[-1]
    way = next(token for token in said if token.terminal in {"RISING", "MOVE"})
    told = held.meaning
    plain_price = way.terminal == "MOVE" and field.meaning == "close"
    if not isinstance(told, Held) or told.span != 1 or plain_price:
        return None
    if way.terminal == "MOVE" and not told.in_row:
        return None  # "volume up for 3 days": in each of them, or in sum?
    at = way.end
    before = replace(field, start=at, end=at, text="", led="")
    ago = Token("AGO", (Amount(Decimal(1)), 1), at, at, "")
    over = replace(told, in_row=True, of_one=True)
    return [
        replace(field, led=said[0].led),
        replace(way, terminal="CMP", led=""),
        before,
        ago,
        made("HELD", over, said[-1:], sentence),
    ]


def grows(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "revenue growing faster than 20% a year" and "falling earnings" as the growth over a year."""
    growth, *rest = said
    field, way = growth.meaning if isinstance(growth.meaning, tuple) else ("", "")
    if any(token.terminal == "SPAN" and token.meaning != YEAR for token in rest):
        return None  # growth is held over a year
    size = [token for token in rest if token.terminal in {"CMP", "NUMBER", "PERCENT", "SUFFIX"}]
    named = replace(growth, terminal="FIELD", meaning=field)
    if not size:
        return [named, replace(growth, terminal="SIGN", meaning=way, start=growth.end, text="", led="")]
    if way == "<":
        return None  # "revenue falling 10%": -10%, and from there which way?
    if size[0].terminal == "CMP" or size[-1].terminal == "SUFFIX":
        return [named, *size]
    return [named, replace(growth, terminal="CMP", meaning=">=", start=growth.end, text="", led=""), *size]


def yearly(said: list[Token], _sentence: str) -> list[Token] | None:
    """Leave out that growth is of a year: "revenue growth over 25% year over year" says it twice."""
    is_year = said[-1].terminal == "YOY" or said[-1].meaning == YEAR
    return said[:-1] if is_year and said[0].meaning in _OF_A_YEAR else None


def returned(said: list[Token], sentence: str) -> list[Token] | None:
    """Read "performance over the last 3 months" as the return over so many sessions."""
    start = next(place for place, token in enumerate(said) if token.terminal in {"LAST", "TODAY"})
    size = [token for token in said[1:start] if token.terminal != "OF"]
    said = [said[0], *said[start:]]
    numbers = [token.meaning for token in said if token.terminal == "NUMBER"]
    count = numbers[0] if numbers else Amount(Decimal(1))
    span = said[-1].meaning if said[-1].terminal == "SPAN" else 1
    if not isinstance(count, Amount) or not isinstance(span, int):
        return None
    name = f"return_{count.number * span}"
    if name not in FIELDS:
        return None
    field = made("FIELD", name, said[:1], sentence)
    if [token.terminal for token in size] == ["PERCENT"]:
        at_least = replace(field, terminal="CMP", meaning=">=", start=field.end, text="", led="")
        return [field, at_least, *size]
    return [field, *size]


def streak(said: list[Token], sentence: str) -> list[Token] | None:
    """Read "three-day losing streak" as down three days in a row."""
    count, span, way = said
    if not isinstance(count.meaning, Amount) or span.meaning != 1:
        return None
    held = Held(count.meaning, 1, in_row=True)
    return [replace(way, terminal="MOVE", led=count.led), made("HELD", held, said, sentence)]


def some_of(said: list[Token], _sentence: str) -> list[Token] | None:
    """Mark "down 4 of the last 5 sessions", which no filter can ask."""
    number, last, *rest = said
    return [number, replace(last, terminal="SOMEOF"), *rest] if last.text.lower().startswith("of") else None


def since_yesterday(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "down from yesterday by more than 3%" as down so much today."""
    move, _, day, *size = said
    return [move, *size, replace(day, terminal="TODAY")]


def prior_close(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "prior close" as yesterday's close."""
    word = said[0]
    return [
        replace(word, terminal="YESTERDAYS"),
        replace(word, terminal="FIELD", meaning="close", start=word.end, text="", led=""),
    ]
