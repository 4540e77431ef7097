"""Arrangement of tokens before the grammar: lists of values become one token, the order of the results goes to the end."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import cast

from trading_assets.screener.english.phrases.turns import rewritten
from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.tokens import Token

_JOINS = frozenset({"AND", "OR", "COMMA", "NOR"})
_WORDS = frozenset({"AND", "OR", "BUT", "NOR"})
_STARTS_VALUES = frozenset({"VALUE", "STRING", "EQ", "NEQ", "NOT", "NEITHER", "LPAR"})
_ORDERS = (
    r"SORT (?:EXTREME )?FIELD(?:(?: COMMA)? DIR)?",
    r"EXTREME FIELD FIRST",
    r"TOP NUMBER BY (?:EXTREME )?FIELD(?: DIR)?",
    r"(?<!\S)(?<!CMP )(?<!TO )(?<!BETWEEN )NUMBER (?:EXTREME|SUPER) BY FIELD",
    r"(?<!\S)(?<!CMP )(?<!TO )(?<!BETWEEN )NUMBER EXTREME FIELD",
    r"(?:EXTREME|SUPER) NUMBER (?:BY )?FIELD",
    r"(?:EXTREME|SUPER) BY FIELD",
    r"(?<!\S)(?<!CMP )(?<!TO )(?<!BETWEEN )NUMBER RANKED",
    r"RANKED FIRST",
    r"RANKED",
    r"(?:LIMIT|FIRST) NUMBER",
)
_TIES = frozenset({"COMMA", "AND", "CUT"})
_FIELDLESS = frozenset({"CMP", "BETWEEN", "FROM", "WITHIN", "NEAR", "CROSS", "PERCENT", "MULT"})
_APART = (
    (r"RANK", r"BY FIELD(?:(?: COMMA)? DIR)?"),
    (r"TOP NUMBER", r"BY (?:EXTREME )?FIELD"),
    (r"(?<!\S)(?<!CMP )(?<!TO )(?<!BETWEEN )NUMBER (?:EXTREME|SUPER)", r"BY FIELD"),
    (r"(?:EXTREME|SUPER) NUMBER", r"BY FIELD"),
    (r"EXTREME FIELD", r"TOP NUMBER"),
    (r"EXTREME FIELD", r"FIRST(?! NUMBER)"),
    (
        r"(?<!\S)(?<!CMP )(?<!TO )(?<!BETWEEN )NUMBER PERF|(?<!\S)PERF NUMBER",
        r"TODAY|YESTERDAY|LAST (?:NUMBER )?SPAN",
    ),
    (r"(?:EXTREME|SUPER)(?! FIELD)", r"BY FIELD"),
    (r"PERF", r"TODAY|YESTERDAY|LAST (?:NUMBER )?SPAN"),
)
""" "top 20 ... by market cap", "twenty cheapest ... by P/E", "worst 5 ... of the last week", with conditions in between."""
_BESIDE_PERIOD = frozenset({"VALUES", "MACRO", "MACROS", "NUMBER", "PERF"})
_BY_SIZE = frozenset({"largest", "biggest", "smallest"})
_LARGE = frozenset(
    {"FIELD", "BY", "GAPPED", "MOVE", "MOVED", "GROWTH", "RETURN", "MULT", "CROSS", "CROSSED", "SIGN"}
)
_LARGE_MACROS = frozenset({"dividend payer", "unusual volume"})
"""What may be large itself, and is not the company: "biggest gap up", "10 largest dividend payers"."""
_SUPERLATIVES = _BY_SIZE | {"most", "least", "highest", "calmest", "top", "best", "worst"}
"""Words that order the results also where nobody says how many: "most active stocks", but not "gainers today"."""


def arranged(found: list[Token], sentence: str) -> list[Token]:
    """Return the tokens as the grammar wants them.

    Adjacent values of one text field, joined by "or", "and" or commas, become one ``VALUES``: a share has one sector, so
    that "energy and utilities" and "energy, or utilities with yield > 4 %" can only mean either. Adjacent macros joined by
    "or" become one ``MACROS``. What orders or cuts off the results is moved to the end, without the comma or "and" that tied
    it to the conditions; in the middle a ``CUT`` stands for it, which ends the condition before it, or a ``STUCK``, which no
    rule allows, where what follows it could belong to the order.
    """
    merged = rewritten(_without_doubled_joins(_counted_back(found, sentence)), sentence)
    values = _collapsed(_without_plural_nouns(merged), sentence)
    return _order_last(_macros(values, sentence), sentence)


def _counted_back(found: list[Token], sentence: str) -> list[Token]:
    # "5 sessions ago" is one token
    kept: list[Token] = []
    for token in found:
        shape = [before.terminal for before in kept[-2:]]
        if token.terminal == "BACK" and shape[-1:] == ["SPAN"] and _is_one(kept):
            span = kept.pop()
            text = sentence[span.start : token.end]
            kept.append(
                Token("AGO", (Amount(Decimal(1)), span.meaning), span.start, token.end, text, span.led)
            )
        elif token.terminal == "BACK" and shape == ["NUMBER", "SPAN"]:
            count, span = kept[-2:]
            kept = kept[:-2]
            text = sentence[count.start : token.end]
            kept.append(Token("AGO", (count.meaning, span.meaning), count.start, token.end, text, count.led))
        else:
            kept.append(token)
    return kept


def _is_one(kept: list[Token]) -> bool:
    # "a month ago"
    counted = len(kept) > 1 and kept[-2].terminal == "NUMBER"
    return not counted and len(kept[-1].text) > 1 and not kept[-1].text.lower().endswith("s")


def _without_doubled_joins(found: list[Token]) -> list[Token]:
    kept: list[Token] = []
    for token in found:
        if kept and kept[-1].terminal == "COMMA" and token.terminal in _WORDS:
            kept.pop()  # ", or" is "or"
        kept.append(token)
    return kept


def _without_plural_nouns(found: list[Token]) -> list[Token]:
    # "tickers with ..." names no symbols, "energy sector" has named its field already
    kept: list[Token] = []
    for place, token in enumerate(found):
        after = found[place + 1] if place + 1 < len(found) else None
        begins = after is not None and after.terminal in _STARTS_VALUES
        if after is not None and after.terminal == "VALUE" and _field(after) != token.meaning:
            begins = False  # "energy sector, NYSE"
        if token.terminal == "TEXTFIELD" and not begins:
            before = kept[-1] if kept else None
            named = before is not None and before.terminal == "VALUE" and _field(before) == token.meaning
            if named or token.text.lower() in {"tickers", "symbols"}:
                continue
        kept.append(token)
    return kept


def _field(token: Token) -> str:
    return str(token.meaning[0]) if isinstance(token.meaning, tuple) else ""


def _collapsed(found: list[Token], sentence: str) -> list[Token]:
    kept: list[Token] = []
    place, named = 0, ""
    while place < len(found):
        token = found[place]
        if token.terminal == "TEXTFIELD":
            named = str(token.meaning)
        first = _value(token, named)
        if first is None:
            named = named if token.terminal in _STARTS_VALUES | {"TEXTFIELD"} else ""
            kept.append(token)
            place += 1
            continue
        field, values = first[0], list(first[1])
        end = place + 1
        negative = {before.terminal for before in kept[-2:]} & {"NEITHER", "NOT", "NEQ"}
        while end + 1 < len(found) and found[end].terminal in _JOINS:
            if found[end].terminal == "NOR" and not negative:
                break
            further = _value(found[end + 1], named)
            if further is None or further[0] != field:
                break
            values += further[1]
            end += 2
        last = found[end - 1]
        text = sentence[token.start : last.end]
        meaning = (field, tuple(dict.fromkeys(values)))
        kept.append(Token("VALUES", meaning, token.start, last.end, text, token.led))
        place, named = end, ""
    return kept


def _value(token: Token, named: str) -> tuple[str, tuple[str, ...]] | None:
    # the text field, and the values: a word for an industry has several
    if token.terminal == "VALUE" and isinstance(token.meaning, tuple):
        field, values = token.meaning
        return field, values if isinstance(values, tuple) else (values,)
    if token.terminal == "STRING" and named:
        return named, (str(token.meaning),)
    return None


def _macros(found: list[Token], sentence: str) -> list[Token]:
    # "oversold or overbought tech stocks": either of the two, like sectors beside each other, as is "energy or banks" of a
    # sector and an industry; a window is of one macro only
    kept: list[Token] = []
    for place, token in enumerate(found):
        after = found[place + 1].terminal if place + 1 < len(found) else ""
        shape = [before.terminal for before in kept[-3:]]
        if (
            token.terminal not in {"MACRO", "VALUES"}
            or after in {"LAST", "WITHIN", "TODAY", "AGO", "YESTERDAY", "HELD"}
            or shape[-1:] != ["OR"]
            or len(shape) < 2
            or not _alike(kept[-2], token)
            or shape[:-2] in (["NOT"], ["NEITHER"], ["TEXTFIELD"], ["EQ"], ["NEQ"])
        ):
            kept.append(token)
            continue
        first = kept[-2]
        names = cast("tuple[object, ...]", first.meaning if first.terminal == "MACROS" else (first.meaning,))
        text = sentence[first.start : token.end]
        kept[-2:] = [Token("MACROS", (*names, token.meaning), first.start, token.end, text, first.led)]
    return kept


def _alike(first: Token, second: Token) -> bool:
    # two macros, or a sector and an industry
    if second.terminal == "MACRO":
        return first.terminal == "MACRO" or (first.terminal == "MACROS" and _is_macros(first))
    fields = {_field(token) for token in (first, second)}
    return first.terminal == second.terminal == "VALUES" and fields == {"sector", "industry"}


def _is_macros(token: Token) -> bool:
    return isinstance(token.meaning, tuple) and isinstance(token.meaning[0], str)


def _order_last(found: list[Token], sentence: str) -> list[Token]:
    found = _uncounted(_sized(found))
    orders: list[Token] = []
    for pattern in _ORDERS:
        for start, end in _spans(found, pattern):
            if not _is_nested(found, start):
                orders += [_mark(found[start]), *found[start:end]]
                found = _without(found, start, end, sentence)
                break
    for first, second in _APART:
        pair = _pair(found, first, second)
        if pair is not None:
            (start, end), (late, last) = pair
            head = sorted(found[start:end], key=lambda token: token.terminal == "PERF")
            tail = found[late:last]
            if head[0].terminal == "RANK":
                head, tail = [replace(head[0], terminal="SORT")], tail[1:]
            orders += [_mark(found[start]), *head, *tail]
            found = _without(_without(found, late, last, sentence), start, end, sentence)
    if any(token.terminal == "SORT" for token in orders):
        for start, end in _spans(found, r"TOP NUMBER(?! BY)")[:1]:  # "sorted by yield, top 20"
            orders += [_mark(found[start]), *found[start:end]]
            found = _without(found, start, end, sentence)
    return found + orders


def _pair(found: list[Token], first: str, second: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    heads, tails = _spans(found, first), _spans(found, second)
    for head in heads[:1]:
        for tail in tails:
            between = [token.terminal for token in found[head[1] : tail[0]]]
            if head[1] > tail[0] or _is_nested(found, head[0]) or _is_nested(found, tail[0]):
                continue
            if "PERF" in first and not set(between) <= _BESIDE_PERIOD:
                continue  # the period is that of a condition: "worst 5 ... up 3% in the last week"
            return head, tail
    return None


def _sized(found: list[Token]) -> list[Token]:
    # "fifty largest companies": by market cap, where no other field is named; "10 largest dividend payers" may go by the yield
    kept: list[Token] = []
    for place, token in enumerate(found):
        before = found[place - 1].terminal if place else ""
        after = found[place + 1] if place + 1 < len(found) else None
        is_named = after is not None and (
            (after.terminal in _LARGE and not after.led) or after.meaning in _LARGE_MACROS
        )
        says_size = token.terminal == "EXTREME" and token.text.lower() in _BY_SIZE
        says_size = says_size and before in {"NUMBER", "", "COMMA", "AND"}
        if says_size and not is_named and not _spans(found[place:], "BY FIELD"):
            kept.append(replace(token, terminal="RANKED", meaning=("market_cap", token.meaning)))
        else:
            kept.append(token)
    return kept


def _uncounted(found: list[Token]) -> list[Token]:
    # "losers today" may be all that are down; "biggest losers today" are an order
    kept = list(found)
    for place, token in enumerate(found):
        beside = {found[at].terminal for at in (place - 1, place + 1) if 0 <= at < len(found)}
        is_order = token.terminal in {"RANKED", "PERF"}
        if is_order and "NUMBER" not in beside and token.text.lower().split()[0] not in _SUPERLATIVES:
            kept[place] = replace(token, terminal="UNCOUNTED")
    return kept


def _spans(found: list[Token], pattern: str) -> list[tuple[int, int]]:
    terminals = " ".join(token.terminal for token in found)
    return [
        (terminals.count(" ", 0, match.start()), terminals.count(" ", 0, match.end()) + 1)
        for match in re.finditer(rf"(?<!\S)(?:{pattern})(?!\S)", terminals)
    ]


def _is_nested(found: list[Token], place: int) -> bool:
    before = [token.terminal for token in found[:place]]
    return before.count("LPAR") > before.count("RPAR")


def _without(found: list[Token], start: int, end: int, sentence: str) -> list[Token]:
    before, after = found[:start], found[end:]
    text = sentence[found[start].start : found[end - 1].end]
    cut = Token("CUT", None, found[start].start, found[end - 1].end, text)
    if after and after[0].terminal in _FIELDLESS:
        return [*before, replace(cut, terminal="STUCK"), *after]  # "sorted by rsi below 30"
    if len(before) > 1 and before[-1].terminal in _TIES:
        before = before[:-1]
    if len(after) > 1 and after[0].terminal in _TIES:
        after = after[1:]
    return [*before, *([cut] if before and after else []), *after]


def _mark(token: Token) -> Token:
    return replace(token, terminal="ORDER", end=token.start, text="")
