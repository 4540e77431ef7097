"""Turned phrases: what people say in several words or in another order, rewritten as the tokens that the grammar reads.

Each rewriting looks at the kinds of neighbouring tokens alone and keeps or replaces all of them; a word of a phrase that is
not whole stays as it is, and no rule of the grammar allows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from trading_assets.screener.english.phrases.measures import (
    a_share,
    daily,
    degree,
    deviating,
    dollars,
    extreme_within,
    far_from,
    first,
    in_atrs,
    last,
    more_than_grew,
    negated,
    neither_first,
    nothing,
    number_first,
    of_extreme,
    off,
    opened,
    or_more,
    paid,
    performers,
    ranged,
    size_first,
    times_after,
    times_volume,
    top_field,
    top_last,
    within_a_trend,
    worth,
)
from trading_assets.screener.english.phrases.over_days import (
    grows,
    one_way,
    prior_close,
    returned,
    since_yesterday,
    some_of,
    streak,
    yearly,
)
from trading_assets.screener.english.phrases.tense import Held, crossings, past
from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.tokens import Token, made

_PERIODS = {"sma": frozenset({"20", "50", "200"}), "ema": frozenset({"12", "26", "50"})}


def rewritten(found: list[Token], sentence: str) -> list[Token]:
    """Return the tokens with every turned phrase rewritten."""
    for turn in _TURNS:
        found = _everywhere(found, turn, sentence)
    return past(crossings(found))


@dataclass(frozen=True)
class Turn:
    """Kinds of tokens in a row, what makes the new ones of them, and between which kinds they may stand (``""``: none)."""

    pattern: str
    build: Callable[[list[Token], str], list[Token] | None]
    after: frozenset[str] | None = None
    before: frozenset[str] | None = None
    not_before: frozenset[str] = frozenset()
    not_after: frozenset[str] = frozenset()
    not_following: str = ""
    """Kinds in a row, as a pattern, that must not end where the phrase begins."""


def _everywhere(found: list[Token], turn: Turn, sentence: str) -> list[Token]:
    pattern, at = re.compile(rf"(?<!\S)(?:{turn.pattern})(?!\S)"), 0
    while True:
        terminals = " ".join(token.terminal for token in found)
        starts = [match.start() for match in re.finditer(r"(?<!\S)\S", terminals)]
        match = pattern.search(terminals, starts[at] if at < len(starts) else len(terminals))
        if match is None:
            return found
        start, end = starts.index(match.start()), terminals.count(" ", 0, match.end()) + 1
        new = turn.build(found[start:end], sentence) if _fits(turn, found, start, end) else None
        if new is not None:
            found = [*found[:start], *new, *found[end:]]
        at = start + 1


def _fits(turn: Turn, found: list[Token], start: int, end: int) -> bool:
    left = found[start - 1].terminal if start else ""
    right = found[end].terminal if end < len(found) else ""
    if right in turn.not_before or left in turn.not_after:
        return False
    if turn.not_following:
        before = " ".join(token.terminal for token in found[:start])
        if re.search(rf"(?<!\S)(?:{turn.not_following})\Z", before):
            return False
    starts = (
        turn.after is None or left in turn.after or bool(found[start].led)
    )  # "with", "that are" begin anew
    return starts and (turn.before is None or right in turn.before)


def _held(said: list[Token], sentence: str) -> list[Token] | None:
    # "for 3 days", "in each of the last 3 sessions", "3 days in a row", "3 down days in a row"
    counts = [token.meaning for token in said if token.terminal == "NUMBER"]
    spans = [token for token in said if token.terminal == "SPAN"]
    count = counts[0] if counts else Amount(Decimal(1))
    if not isinstance(count, Amount) or (len(spans) > 1 and spans[0].meaning != 1):
        return None
    compares = [token for token in said if token.terminal == "CMP"]
    if any(token.text.lower() != "at least" for token in compares):
        return None  # "for more than 3 days"
    in_row = any(token.terminal in {"EACH", "INROW"} for token in said)
    moves = [token for token in said if token.terminal == "MOVE"]
    meaning = Held(count, int(str(spans[-1].meaning)), in_row)
    return [*moves, made("HELD", meaning, said, sentence)]


def _near(said: list[Token], _sentence: str) -> list[Token] | None:
    # "large caps within 5% of ..." is no "golden cross within 5 sessions"
    return [replace(said[0], terminal="NEAR"), said[1]]


def _usual(said: list[Token], _sentence: str) -> list[Token] | None:
    # "volume 3 times normal"
    is_volume = said[0].meaning == "volume"
    return [*said[:-1], replace(said[-1], terminal="FIELD", meaning="volume_sma_20")] if is_volume else None


def _chained(said: list[Token], _sentence: str) -> list[Token] | None:
    # "price > 50-day SMA > 200-day SMA" says it of each two beside each other
    fields, signs = said[::2], said[1::2]
    if len({token.meaning for token in signs}) > 1:
        return None
    made = said[:3]
    for field, sign, after in zip(fields[1:], signs[1:], fields[2:], strict=False):
        at = sign.start
        tie = replace(sign, terminal="AND", end=at, text="")
        made += [tie, replace(field, start=at, end=at, text=""), sign, after]
    return made


def _in_none(said: list[Token], sentence: str) -> list[Token] | None:
    # "hasn't closed below its 50-day average in 20 days": in each of them it did not
    compares, value, *_, count, span = said[1:]
    operator = _OPPOSITE.get(str(compares.meaning))
    if operator is None or _says_not(compares) or not isinstance(count.meaning, Amount):
        return None
    meaning = Held(count.meaning, int(str(span.meaning)), in_row=True, of_one=True)
    opposite = replace(compares, meaning=operator, start=said[0].start, led=said[0].led)
    return [opposite, value, made("HELD", meaning, said[3:], sentence)]


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _averages(said: list[Token], _sentence: str) -> list[Token] | None:
    # "above 20, 50 and 200 day moving averages": above each of them
    compares, last = said[0], said[-1]
    base, _, _ = str(last.meaning).rpartition("_")
    numbers = [token for token in said[1:-1] if token.terminal == "NUMBER"]
    if (
        _says_not(compares)
        or base not in _PERIODS
        or any(_digits(token) not in _PERIODS[base] for token in numbers)
    ):
        return None
    fields = [replace(token, terminal="FIELD", meaning=f"{base}_{_digits(token)}") for token in numbers]
    ties = [token for token in said[1:-1] if token.terminal != "NUMBER"]
    return _each_compared(compares, [*fields, last], ties)


def _more_fields(said: list[Token], _sentence: str) -> list[Token] | None:
    # "above both its 50-day and its 200-day average"
    fields = [token for token in said[1:] if token.terminal == "FIELD"]
    if _says_not(said[0]) or not all(str(token.meaning).startswith(("sma_", "ema_")) for token in fields):
        return None
    return _each_compared(said[0], fields, [token for token in said[1:] if token.terminal != "FIELD"])


def _each_compared(compares: Token, fields: list[Token], ties: list[Token]) -> list[Token]:
    kind = "OR" if any(tie.terminal == "OR" for tie in ties) else "AND"
    made = [compares, fields[0]]
    for field, tie in zip(fields[1:], ties, strict=True):
        made += [
            replace(tie, terminal=kind),
            replace(compares, start=field.start, end=field.start, text=""),
            field,
        ]
    return made


def _top(said: list[Token], _sentence: str) -> list[Token] | None:
    # "top 10 gainers" are the 10 gainers
    return said[1:] if said[0].meaning else None


def _says_not(compares: Token) -> bool:
    # "not above the 50-day and 200-day average": above neither, or not above both?
    return compares.text.lower().startswith("no")


def _digits(token: Token) -> str:
    amount = token.meaning
    plain = isinstance(amount, Amount) and not amount.unit and not amount.magnitude
    return str(amount.number) if isinstance(amount, Amount) and plain else ""


def _priced(said: list[Token], _sentence: str) -> list[Token] | None:
    # "price under 12x earnings", "between 8 and 12 times sales", "10 times book or less": P/E, P/S, P/B
    priced = next(token for token in said if token.terminal == "PRICED")
    kept = [token for token in said if token is not priced]
    if kept[0].terminal == "FIELD":
        if kept[0].meaning != "close":
            return None
        field, kept = replace(priced, start=kept[0].start, led=kept[0].led), kept[1:]
    else:
        field = replace(priced, start=kept[0].start, end=kept[0].start, text="", led=kept[0].led)
    return [replace(field, terminal="FIELD"), *kept]


def _then_field(said: list[Token], _sentence: str) -> list[Token] | None:
    # "close > 1 day ago close"
    ago, field = said
    return [replace(field, led=ago.led), ago]


def _period(said: list[Token], _sentence: str) -> list[Token] | None:
    # "up 10% in a week", "doubled over six months": the last week, the last six months
    place = next(place for place, token in enumerate(said) if token.terminal == "IN")
    return [*said[:place], replace(said[place], terminal="LAST"), *said[place + 1 :]]


def _period_over(said: list[Token], _sentence: str) -> list[Token] | None:
    place = max(place for place, token in enumerate(said) if token.terminal == "CMP")
    if said[place].text.lower() != "over":
        return None
    return [*said[:place], replace(said[place], terminal="LAST"), *said[place + 1 :]]


def _turned_round(said: list[Token], _sentence: str) -> list[Token] | None:
    # "under 20 P/E", where nothing else is said of it
    *compared, field = said
    if field.led:
        return None  # "below 20 with volume"
    return [replace(field, led=compared[0].led), *compared]


_COMPARES = frozenset({
    "CMP", "BETWEEN", "FROM", "WITHIN", "CROSS", "CROSSED", "TURNED", "MOVE", "GREW", "MULT", "EQ", "NEQ", "SIGN", "NUMBER", "PERCENT", "NOT",
})  # fmt: skip
_NEGATIONS = frozenset({"NOT", "NEITHER", "NOR"})
"""What reaches over one condition: a phrase that stands for two is not rewritten after it."""
_BEGINNINGS = frozenset({"", "AND", "BUT", "OR", "COMMA", "LPAR", "VALUES", "VALUE", "MACRO"})
_ENDS = frozenset({"", "AND", "BUT", "OR", "COMMA", "RPAR"})
_AMOUNT = "(?:NUMBER|PERCENT|MULT)"
_LIMITS = r"(?:(?:NUMBER|PERCENT) TO PERCENT|BETWEEN (?:NUMBER|PERCENT) (?:AND|TO) PERCENT)"
_SIZE = r"(?:CMP )?PERCENT(?: SUFFIX)?"
_GOES_ON = _COMPARES | {"TO", "LAST", "TODAY", "YESTERDAY", "HELD", "AGO", "BACK", "SPAN"}
_AT_A_TIME = "(?: NUMBER SPAN BACK| AGO| BACK| YESTERDAY| TODAY| WAS| HELD)+"
_SAYS_MORE = rf"(?!{_AT_A_TIME} (?:{'|'.join(sorted(_COMPARES))})(?!\S))"
"""Not before a comparison of its own at another time: "price above 20-day SMA and 50-day SMA 5 sessions ago above 10"."""
_TURNS: tuple[Turn, ...] = (
    Turn(r"NEQ(?= (?:CMP|MACRO|VALUE))", negated, not_after=frozenset({"TEXTFIELD"})),
    Turn(r"NUMBER PERSHARE", a_share),
    Turn(r"NUMBER LAST NUMBER SPAN", some_of, not_after=frozenset({"PERF", "TOP", "EXTREME", "SUPER", "RANKED"})),
    Turn(r"(?:NUMBER|MULT) FIELD(?= (?:CMP|FROM|OFF) (?:NUMBER )?(?:FIELD|YESTERDAYS))", in_atrs),
    Turn(r"MOVE FROM YESTERDAY(?: BY (?:CMP )?PERCENT)?", since_yesterday),
    Turn(r"(?:NUMBER|PERCENT) CMP FIELD(?: CMP (?:NUMBER|PERCENT))?", number_first, _BEGINNINGS, _ENDS),
    Turn(r"CMP GREW(?= LAST| IN| CMP)", more_than_grew),
    Turn(r"CMP FIELD TIMES NUMBER", times_after),
    Turn(r"FIELD NEITHER(?= CMP)", neither_first),
    Turn(r"PRIORCLOSE", prior_close),
    Turn(r"NOW(?= (?:MACRO|MACROS|VALUE))", nothing),
    Turn(r"MACROS? NOW", first),
    Turn(rf"(?:FIELD )?(?:{_LIMITS} CMP|MOVE {_LIMITS} FROM|{_LIMITS} OFF) FIELD", far_from, _BEGINNINGS),
    Turn(r"FIELD TOP NUMBER(?! BY)", top_last, _BEGINNINGS),
    Turn(r"DEGREE FIELD THAN", degree),
    Turn(r"NUMBER SPAN STREAK", streak),
    Turn(r"(?:EXTREME|SUPER) FIRST(?= BY FIELD)", first),
    Turn(r"WORTH CMP NUMBER|WORTH BETWEEN NUMBER (?:AND|TO) NUMBER", worth),
    Turn(r"TODAYS FIELD", last),
    Turn(r"FIELD TODAY(?= (?:CMP|MULT|BETWEEN|PERCENT|CROSS))", first),
    Turn(r"MULT OF(?= (?:FIELD|YESTERDAYS))", first),
    Turn(r"(?:NUMBER|PERCENT) TO (?:NUMBER|PERCENT) BETWEEN", ranged),
    Turn(r"MACRO (?:OF )?(?:CMP PERCENT|PERCENT SUFFIX)|MACRO OF PERCENT", paid, not_before=frozenset({"CMP", "OF"})),
    Turn(r"(?:CMP )?PERCENT(?: SUFFIX)? RANKED", paid, _BEGINNINGS),
    Turn(r"WITHIN MACRO", within_a_trend, after=frozenset({"MACRO", "MACROS", "VALUE", "NUMBER", "PERCENT", "SUFFIX"})),
    Turn(r"OPENED (?:CMP )?PERCENT(?: SUFFIX)? MOVED", opened),
    Turn(r"MOVE OF(?= (?:CMP|PERCENT|BETWEEN))", first),
    Turn(rf"{_SIZE} (?:MOVED|MOVE(?= (?:TODAY|YESTERDAY|LAST|IN|FROM))|GAPPED)", size_first, _BEGINNINGS | {"MACROS"}),
    Turn(r"(?:FIELD )?(?:CMP )?(?:NUMBER|MULT) DEVIATIONS CMP FIELD", deviating),
    Turn(r"RETURN (?:(?:OF )?(?:(?:CMP )?PERCENT(?: SUFFIX)?|BETWEEN PERCENT (?:AND|TO) PERCENT) )?(?:LAST (?:NUMBER )?SPAN|TODAY)", returned),
    Turn(r"TOP NUMBER FIELD", top_field, not_before=_COMPARES | {"AGO", "YESTERDAY", "TODAY", "OF", "OFF", "AND", "OR"}),
    Turn(r"TOP NUMBER PERFORMERS", performers),
    Turn(r"GROWTH (?:BY )?(?:CMP )?(?:NUMBER|PERCENT)(?: SUFFIX)?(?: YOY| SPAN| LAST SPAN)?", grows, not_before=_GOES_ON),
    Turn(r"GROWTH(?: YOY| SPAN| LAST SPAN)?", grows, not_before=_GOES_ON),
    Turn(r"(?:CMP )?MULT FIELD", times_volume, not_before=_COMPARES, not_after=_COMPARES | {"FIELD", "BY", "OF", "TO"}, not_following=rf"FIELD{_AT_A_TIME}"),
    Turn(
        r"EACH (?:SPAN )?(?:FOR )?LAST (?:NUMBER )?SPAN|FOR CMP NUMBER SPAN(?: INROW)?|EACH SPAN FOR NUMBER SPAN|FOR (?:LAST )?NUMBER INROW SPAN"
        r"|FOR (?:LAST )?NUMBER SPAN(?: INROW)?|FOR (?:LAST )?SPAN|LAST NUMBER INROW SPAN|LAST NUMBER SPAN INROW"
        r"|NUMBER MOVE SPAN INROW|NUMBER INROW MOVE SPAN|NUMBER SPAN INROW|NUMBER INROW SPAN",
        _held,
    ),
    Turn(r"FIELD (?:RISING|MOVE) HELD|RISING FIELD HELD", one_way),
    Turn(r"WITHIN PERCENT", _near),
    Turn(r"(?:NEAR PERCENT OF|PERCENT CMP|PERCENT OFF|MOVE (?:CMP )?PERCENT FROM) MACRO", of_extreme),
    Turn(r"FIELD NEAR PERCENT", extreme_within, _BEGINNINGS, _ENDS),
    Turn(r"FIELD (?:OF )?(?:CMP )?MULT USUAL", _usual),
    Turn(r"FIELD(?: CMP FIELD){2,}", _chained, not_after=_NEGATIONS),
    Turn(r"TOP NUMBER RANKED", _top),
    Turn(r"RANKED TODAY", first),
    Turn(rf"NOT CMP (?:FIELD|{_AMOUNT}) (?:IN|LAST) NUMBER SPAN", _in_none),
    Turn(rf"MOVE (?:BY )?(?:CMP )?{_AMOUNT}(?: SUFFIX)? IN (?:NUMBER )?SPAN|GREW IN (?:NUMBER )?SPAN", _period),
    Turn(rf"MOVE (?:BY )?(?:CMP )?{_AMOUNT}(?: SUFFIX)? CMP (?:NUMBER )?SPAN|GREW CMP (?:NUMBER )?SPAN", _period_over),
    Turn(rf"CMP NUMBER (?:COMMA NUMBER )*AND FIELD{_SAYS_MORE}", _averages, not_before=_COMPARES, not_after=_NEGATIONS),
    Turn(rf"CMP FIELD (?:(?:COMMA FIELD )*AND|OR) FIELD{_SAYS_MORE}", _more_fields, not_before=_COMPARES, not_after=_NEGATIONS),
    Turn(r"TOP NUMBER PERF", _top),
    Turn(r"PERCENT SUFFIX CMP FIELD", or_more, _BEGINNINGS | {"FIELD"}),
    Turn(r"FIELD CMP NUMBER DAILY", daily),
    Turn(r"CMP NUMBER DAILY", daily, not_after=frozenset({"FIELD"})),
    Turn(r"AGO FIELD", _then_field, frozenset({"", "CMP", "MULT", "AND", "OR", "BUT", "COMMA", "LPAR"}), not_before=_COMPARES),
    Turn(r"FIELD (?:CMP (?:NUMBER|PERCENT) )?(?:YOY|SPAN)", yearly, not_before=frozenset({"BACK", "AGO"})),
    Turn(r"(?:FIELD )?(?:NOT )?CMP NUMBER PRICED|(?:FIELD )?BETWEEN NUMBER (?:AND|TO) NUMBER PRICED|NUMBER PRICED SUFFIX", _priced),
    Turn(r"PERCENT OFF FIELD", off),
    Turn(r"CMP (?:NUMBER|PERCENT) FIELD", _turned_round, _BEGINNINGS, _ENDS),
    Turn(r"NUMBER TO NUMBER", dollars, _BEGINNINGS, _ENDS | {"VALUE", "MACRO", "MACROS", "GAPPED", "MOVE"}),
)  # fmt: skip
