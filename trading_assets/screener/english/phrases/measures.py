"""Measures: phrases that say how much, how far or how long in another order, as the tokens that the grammar reads."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.tokens import Token, made
from trading_assets.screener.fields import FIELDS


def negated(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "isn't above 70" and "aren't oversold" as a "not"."""
    return [replace(said[0], terminal="NOT", meaning="not")] if said[0].text[0].isalpha() else None


def a_share(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "over 10 a share" as dollars."""
    amount = said[0].meaning
    return [replace(said[0], meaning=replace(amount, unit="$"))] if isinstance(amount, Amount) else None


def opened(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "opened 3% higher" as a gap."""
    opened, *size, move = said
    return [replace(opened, terminal="GAPPED", meaning=move.meaning), *size]


def first(said: list[Token], _sentence: str) -> list[Token] | None:
    """Leave out what says nothing after the first: "a drop of more than 10%", "most active today"."""
    return said[:1]


def degree(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "lower volume than yesterday" as "volume lower than yesterday"."""
    more, field, than = said
    return [replace(field, led=more.led), replace(than, terminal="CMP", meaning=more.meaning)]


def far_from(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "5-10% below its 52-week high" as between 90% and 95% of it."""
    if said[0].terminal == "FIELD":
        rest = (
            far_from(said[1:], _sentence)
            if FIELDS[str(said[0].meaning)].scale == "price" or said[0].meaning == "close"
            else None
        )
        return [said[0], *rest] if rest else None
    field, limits = said[-1], [token for token in said if token.terminal in {"NUMBER", "PERCENT"}]
    side = next(token for token in said if token.terminal in {"CMP", "MOVE", "OFF"})
    way = str(side.meaning) if side.terminal != "OFF" else _OFF_SIDES.get(str(field.meaning))
    near, far = (token.meaning for token in limits)
    if way not in {"<", ">"} or not isinstance(near, Amount) or not isinstance(far, Amount):
        return None
    if far.unit != "%" or near.unit not in {"", "%"} or not 0 < near.number < far.number:
        return None
    sign, operators = (1, (">=", "<=")) if way == ">" else (-1, ("<=", ">="))
    first, second = (
        [
            replace(side, terminal="CMP", meaning=operator, led=said[0].led if at == 0 else "", text=""),
            replace(limits[at], terminal="PERCENT", meaning=Amount(100 + sign * amount.number, "%")),
            replace(side, terminal="OF", text="", led=""),
            replace(field, led=""),
        ]
        for at, (operator, amount) in enumerate(zip(operators, (near, far), strict=True))
    )
    return [*first, replace(side, terminal="AND", text="", led=""), *second]


_OFF_SIDES = {"high_252": "<", "low_252": ">"}


def top_field(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "bottom 20 RSI stocks" as the bottom 20 by RSI."""
    top, number, field = said
    return (
        None if field.led else [top, number, replace(field, terminal="BY", end=field.start, text=""), field]
    )


def top_last(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "momentum top 50" as the top 50 by momentum."""
    field, top, number = said
    return [
        replace(top, led=field.led),
        number,
        replace(top, terminal="BY", text="", led=""),
        replace(field, led=""),
    ]


def in_atrs(said: list[Token], sentence: str) -> list[Token] | None:
    """Mark "3 ATR above the 50-day average", which no filter can ask."""
    number, unit, *rest = said
    return [made("INATRS", None, [number, unit], sentence), *rest] if unit.meaning == "atr_14" else None


def number_first(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "30 < RSI < 40" as "RSI > 30 and < 40"."""
    number, sign, field, *rest = said
    if field.led or any(token.text not in _FLIPPED for token in (sign, *rest[:1])):
        return None
    first = [replace(field, led=number.led), replace(sign, meaning=_FLIPPED[sign.text]), number]
    if not rest:
        return first
    if rest[0].text[0] != sign.text[0]:
        return None  # "30 < RSI > 40"
    return [*first, replace(rest[0], terminal="AND", end=rest[0].start, text=""), *rest]


_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def more_than_grew(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "more than doubled" as up more than 100%."""
    compares, grew = said
    percent = (Decimal(str(grew.meaning)) - 1) * 100
    if compares.meaning != ">":
        return None
    way = ">" if percent > 0 else "<"
    return [
        replace(grew, terminal="MOVE", meaning=way, led=compares.led),
        compares,
        replace(grew, terminal="PERCENT", meaning=Amount(abs(percent), "%"), led=""),
    ]


def times_after(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "average volume * 2" as 2 times it."""
    compares, field, _, number = said
    amount = number.meaning
    if not isinstance(amount, Amount) or amount.unit or amount.magnitude:
        return None
    return [compares, replace(number, terminal="MULT", meaning=replace(amount, unit="x")), field]


def neither_first(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "RSI neither above 70 nor below 30" as "neither RSI above 70 nor ..."."""
    field, neither = said
    return [replace(neither, led=field.led), replace(field, led="")]


def worth(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "worth more than 10 billion" as the market cap; a share may be worth some dollars."""
    amounts = [token.meaning for token in said if isinstance(token.meaning, Amount)]
    if not amounts or amounts[-1].magnitude < _MILLIONS:
        return None
    named = replace(said[0], terminal="FIELD", meaning="market_cap")
    if said[1].terminal == "NUMBER":
        return [
            named,
            replace(said[0], terminal="CMP", meaning=">=", start=said[0].end, text="", led=""),
            *said[1:],
        ]
    return [named, *said[1:]]


_MILLIONS = 6


def of_extreme(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "within 3% of a new 52-week low" as of that low."""
    *before, macro = said
    field = {"new 52-week high": "high_252", "new 52-week low": "low_252"}.get(str(macro.meaning))
    return [*before, replace(macro, terminal="FIELD", meaning=field)] if field else None


def last(said: list[Token], _sentence: str) -> list[Token] | None:
    """Leave out what says nothing before the last: "today's volume"."""
    return [replace(said[-1], led=said[0].led)]


def ranged(said: list[Token], _sentence: str) -> list[Token] | None:
    """Leave out the noun after both limits: "in the 3 to 6 percent range"."""
    return said[:-1] if said[-1].text.lower() == "range" else None


def paid(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "paying dividends of 5% or more" and "5% yielders" as the yield."""
    payer = next(token for token in said if token.terminal in {"MACRO", "RANKED"})
    if payer.meaning != "dividend payer" and not payer.text.lower().endswith("yielders"):
        return None
    size = [token for token in said if token.terminal not in {"MACRO", "RANKED", "OF"}]
    if payer.terminal == "RANKED" and payer.text.lower().startswith("highest"):
        return None
    named = replace(payer, terminal="FIELD", meaning="dividend_yield", led=said[0].led)
    if len(size) > 1:
        return [named, *size]
    return [named, replace(payer, terminal="CMP", meaning=">=", start=payer.end, text="", led=""), *size]


def nothing(_said: list[Token], _sentence: str) -> list[Token] | None:
    """Leave out what says nothing before the next: "now oversold"."""
    return []


def within_a_trend(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "oversold within an uptrend" as "oversold uptrend": no other name is something to be within."""
    within, trend = said
    return [trend] if trend.meaning in {"uptrend", "downtrend"} and not within.led else None


def size_first(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "5% down today", "a 10% gain in the last month" and "3% gap up" as "down 5% today" and their like."""
    *size, move = said
    kind = "MOVE" if move.terminal == "MOVED" else move.terminal
    return [replace(move, terminal=kind, led=said[0].led), *size]


def deviating(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "more than 2 standard deviations below its 20-day average" as the z-score."""
    *compared, side, average = [token for token in said if token.terminal != "DEVIATIONS"]
    number, about = compared[-1], compared[0]
    outer = next((str(token.meaning) for token in compared if token.terminal == "CMP"), ">=")
    amount = number.meaning
    if (about.terminal == "FIELD" and about.meaning != "close") or average.meaning not in _MEANS:
        return None
    if outer not in {">", ">="} or side.meaning not in {"<", ">"} or not isinstance(amount, Amount):
        return None
    if side.meaning == "<":
        outer, amount = _MIRRORED[outer], replace(amount, number=-amount.number)
    return [
        replace(average, meaning="zscore_20", led=about.led),
        replace(side, meaning=outer),
        replace(number, meaning=amount),
    ]


_MEANS = frozenset({"sma_20", "bb_middle"})
_MIRRORED = {">": "<", ">=": "<="}


def times_volume(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "on 2x volume" as twice the usual one."""
    *times, volume = said
    amount = times[-1].meaning
    is_plain = volume.text.lower() in {"volume", "vol"} and isinstance(amount, Amount) and amount.number > 1
    return [*times, replace(volume, meaning="volume_sma_20")] if is_plain else None


def extreme_within(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "52-week high within 2%" as within 2% of it."""
    field, near, percent = said
    if field.meaning not in {"high_252", "low_252"}:
        return None
    tie = Token("OF", None, percent.end, percent.end, "")
    return [replace(near, led=field.led), percent, tie, replace(field, led="")]


def performers(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "bottom 10 performers" as the worst 10."""
    top, number, performers = said
    return [replace(number, led=top.led), replace(performers, terminal="PERF", meaning=top.meaning)]


def or_more(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "30% or more below its 52-week high" as at least so much below it."""
    percent, suffix, *rest = said
    return [replace(suffix, terminal="CMP"), percent, *rest] if suffix.meaning == ">=" else None


def daily(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "trade at least 1m shares a day" as what they trade on average."""
    compares, number, daily = said[-3:]
    if len(said) > 3:
        return said[:3] if said[0].meaning == "volume_sma_20" else None
    return [replace(daily, terminal="FIELD", meaning="volume_sma_20", led=compares.led), compares, number]


def off(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "30% off its 52-week high" as below it, and "off its low" as above."""
    percent, off, field = said
    side = _OFF_SIDES.get(str(field.meaning))
    return [percent, replace(off, terminal="CMP", meaning=side), field] if side else None


def dollars(said: list[Token], _sentence: str) -> list[Token] | None:
    """Read "$5 to $15" as said of the price."""
    amounts = [token.meaning for token in (said[0], said[-1])]
    if not all(
        isinstance(amount, Amount) and amount.unit == "$" and not amount.magnitude for amount in amounts
    ):
        return None
    return [replace(said[0], terminal="BETWEEN", end=said[0].start, text=""), *said]
