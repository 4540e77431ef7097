"""Reach: how far "or" and "not" reach in a row of conditions, and where only parentheses could tell."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import cast

from trading_assets.screener.english.conditions import (
    OF_THE_PRICE,
    draws_over_price,
    is_about_price,
    is_about_volume,
)
from trading_assets.screener.english.industries import sectors_of
from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.over_time import says_when
from trading_assets.screener.english.spans import Node, tokens_of
from trading_assets.screener.ranges import exclude

_SUBJECTS = frozenset({"named", "unnamed", "signed", "alternatives", "negated"})

Unclear = Callable[[Node, Node], None]


def grouped(parts: list[Node], unclear: Unclear) -> list[Node]:
    """Join alternatives without a field to the condition that names it: "tech, RSI below 30 or above 70" is tech and either.

    Parameters
    ----------
    parts
        What "or" stands between, each a row of conditions.
    unclear
        Called with the two conditions between which the reach of "or" could only be guessed.
    """
    done = [parts[0]]
    for part in parts[1:]:
        row = done[-1].children
        first, rest = cast("Node", part.children[0]), part.children[1:]
        last = cast("Node", row[-1])
        if not _is_fieldless(first):
            if len(row) > 1 and _is_of_the_price(last) and _is_of_the_price(first):
                unclear(last, first)  # "tech up 5% today or down 5% today"
            done.append(part)
        elif not _has_subject(row, first):  # of the price, whatever came before
            if len(row) > 1 or last.data == "neither":
                unclear(last, first)
            done.append(part)
        else:
            before = cast("tuple[Node, ...]", last.children) if last.data == "alternatives" else (last,)
            chained = _is_fieldless(last) or (len(rest) > 1 and _is_fieldless(cast("Node", rest[1])))
            half_crossed = _crosses(before[-1]) and not _crosses(first)  # "crossed above $20 or below $10"
            if chained or half_crossed or (_says_not(before[-1]) and not _says_not(first)):
                unclear(last, first)
            group = Node("alternatives", (*before, first))
            done[-1] = Node("every", (*row[:-1], group, *rest))
    return done


def check_introduced(parts: list[Node], unclear: Unclear) -> None:
    """Ask how far "or" reaches after "tech with RSI < 30 or P/E < 10", or beside "either"."""
    for part, after in pairwise(parts):
        for place, child in enumerate(_factors(part)):
            word = _led(child)
            late = part is not parts[0] or place > 0
            if _parallel(part, after):
                return
            if (word and place > 0) or (word == "either" and (late or len(_factors(parts[-1])) > 1)):
                unclear(child, cast("Node", after.children[0]))
                return


def _parallel(part: Node, after: Node) -> bool:
    # "tech with P/E below 25 or health care with P/E below 20": each begins with its own kind of share
    first, second = _factors(part), _factors(after)
    begin = {first[0].data, second[0].data}
    return begin in ({"values"}, {"macro"}) and min(len(first), len(second)) > 1 and bool(_led(second[1]))


def open_not(node: Node) -> str | None:
    """Return the word of a "not" whose reach no parentheses show."""
    if node.data != "negated":
        return None
    inner = cast("Node", node.children[1])
    if inner.data == "inner":
        return None
    return open_not(inner) if inner.data == "negated" else str(node.need("NOT").meaning)


def is_carried(node: Node) -> bool:
    """Say whether a condition has no field of its own and asks for the one before it."""
    return _is_fieldless(node)


def no_share_is_both(one: Node, other: Node) -> bool:
    """Say whether no share can meet two nodes at once: macros as large caps and small caps, or a sector and an industry of another."""
    if {one.data, other.data} == {"values"}:
        return _lies_elsewhere(one, other) or _lies_elsewhere(other, one)
    if {one.data, other.data} != {"macro"} or says_when(one) or says_when(other):
        return False
    first, second = (MACROS[str(node.need("MACRO").meaning)].filter for node in (one, other))
    return exclude(first, second)


def _lies_elsewhere(sector: Node, industry: Node) -> bool:
    # an industry that the table does not know may lie anywhere
    (field, sectors), (other, industries) = (
        cast("tuple[str, tuple[str, ...]]", node.need("VALUES").meaning) for node in (sector, industry)
    )
    known = [sectors_of(name) for name in industries]
    return (
        (field, other) == ("sector", "industry")
        and all(known)
        and not any(found & set(sectors) for found in known)
    )


def _factors(part: Node) -> list[Node]:
    return [child for child in cast("tuple[Node, ...]", part.children) if child.data != "joint"]


def _led(node: Node) -> str:
    return tokens_of(node)[0].led


def _is_fieldless(node: Node) -> bool:
    if node.data == "negated":
        return _is_fieldless(cast("Node", node.children[1]))
    return node.data == "unnamed" and not _says_its_field(node)


def _is_of_the_price(node: Node) -> bool:
    return node.data == "unnamed" and _says_its_field(node)


def _says_its_field(node: Node) -> bool:
    test = next(child for child in node.children if isinstance(child, Node) and child.data != "ago")
    return test.data in OF_THE_PRICE or is_about_volume(test)


def _crosses(node: Node) -> bool:
    return any(token.terminal == "CROSS" for token in tokens_of(node))


def _says_not(node: Node) -> bool:
    return any(
        token.terminal == "NOT" or (token.terminal == "CMP" and token.text.lower().startswith("not"))
        for token in tokens_of(node)
    )


def _has_subject(row: tuple[object, ...], first: Node) -> bool:
    # whether the condition at the end of the row is about the field that the next one lacks
    if cast("Node", row[-1]).data not in _SUBJECTS:
        return False
    for node in reversed(cast("tuple[Node, ...]", row)):
        if node.data == "joint":
            continue
        if node.data not in _SUBJECTS:
            return False
        fields = [operand.need("FIELD") for operand in _operands(node)]
        if fields:
            field = str(fields[-1].meaning)
            return draws_over_price(field) or not is_about_price(first)
    return False


def _operands(node: Node) -> list[Node]:
    if node.data in {"negated", "alternatives"}:
        return [found for child in node.children if isinstance(child, Node) for found in _operands(child)]
    return node.nodes("operand")
