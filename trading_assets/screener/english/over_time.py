"""Over time: conditions on each of several sessions, on an earlier session, and crossings of a day that is named."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from trading_assets.screener.english.operands import Operands, Operator
from trading_assets.screener.english.phrases.tense import Held
from trading_assets.screener.english.spans import Node, tokens_of
from trading_assets.screener.filters import (
    MAX_IN_EACH,
    And,
    Between,
    Comparison,
    Cross,
    Filter,
    Term,
)


class OverTime:
    """Moves conditions back in time, or over several sessions.

    Raises
    ------
    MeaninglessError
        Where a condition cannot be asked of these sessions.
    """

    def __init__(self, operands: Operands) -> None:
        self.operands = operands

    def in_each(self, node: Node, found: Filter) -> Filter:
        """Return a condition as one that holds in each of the sessions that the node names."""
        sessions = self.sessions(node)
        parts = found.filters if isinstance(found, And) else (found,)
        made = [
            part.model_copy(update={"in_each": sessions})
            for part in parts
            if isinstance(part, Comparison | Between) and part.in_each == 1
        ]
        if len(made) < len(parts):
            text = self.operands.text(node.need("HELD"))
            raise self.operands.wrong(
                node, f'"{text}" can be said of comparisons that all hold: write the others beside them',
                "RSI > 70 in each of the last 3 sessions",
            )  # fmt: skip
        checked = [type(part).model_validate(part.model_dump()) for part in made]
        return And(filters=tuple(checked)) if len(checked) > 1 else checked[0]

    def sessions(self, node: Node) -> int:
        """Return of how many sessions a node speaks."""
        token = node.need("HELD")
        held = cast("Held", token.meaning)
        count = self.operands.whole(held.count, node, MAX_IN_EACH) * held.span
        if not 2 <= count <= MAX_IN_EACH:
            raise self.operands.wrong(
                node, f'"{token.text}": from 2 to {MAX_IN_EACH} sessions', "RSI > 70 in each of the last 3 sessions"
            )  # fmt: skip
        return count

    def require_plain_reach(self, node: Node) -> None:
        """Refuse a "not" beside several sessions, which may say that it holds in none of them, or not in all."""
        says_not = next(
            (token for token in tokens_of(node) if _is_negative(token.terminal, token.text)), None
        )
        if says_not is None:
            return
        text = self.operands.text(node.need("HELD"))
        covered = cast("Node", node.children[1]) if node.data == "negated" else None
        meant = (f"not ({self.operands.text(covered)})",) if covered else ()
        message = f'"{says_not.text}" with "{text}": in none of these sessions, or not in all of them?'
        raise self.operands.wrong(node, message, *meant)

    def earlier(self, node: Node, found: Filter, back: int) -> Filter:
        """Return a condition as it was asked so many sessions before."""
        if isinstance(found, And):
            return And(filters=tuple(self.earlier(node, part, back) for part in found.filters))
        if isinstance(found, Cross):
            return self.crossed_at(node, found, back)
        if isinstance(found, Comparison) and found.in_each == 1:
            return Comparison.model_validate(_moved(found, back))
        if isinstance(found, Between) and found.in_each == 1:
            return Between.model_validate(_moved(found, back))
        raise self.operands.wrong(node, "which session is meant?", "RSI 5 sessions ago < 30")

    def crossed_at(self, node: Node, cross: Cross, back: int) -> Filter:
        """Return a crossing of one session: beyond it then, and not beyond it the session before."""
        if cross.within > 1:
            raise self.operands.wrong(node, "in that session, or within several?", "in the last 5 sessions")
        beyond, not_beyond = (">", "<=") if cross.direction == "above" else ("<", ">=")
        sides = ((beyond, back), (not_beyond, back + 1))
        return And(filters=tuple(_side(cross, cast("Operator", operator), ago) for operator, ago in sides))

    def back_of(self, node: Node) -> int:
        """Return how many sessions ago a condition is asked of, by the words after it."""
        ago, then = node.find("ago"), node.token("THEN")
        if then is not None:
            ago = Node("ago", (replace(then, terminal="AGO" if then.meaning else "YESTERDAY"),))
        return self.operands.ago(ago) if ago else 0


def says_when(node: Node) -> bool:
    """Say whether words after a condition name an earlier session, or several, of which it is asked."""
    return bool(node.tokens("HELD", "THEN") or node.find("ago"))


def only_of_this(node: Node) -> bool:
    """Say whether the sessions that a condition names can only be said of it, and not of the one before as well."""
    return (
        any(cast("Held", token.meaning).of_one for token in node.tokens("HELD"))
        or tokens_of(node)[0].led in _CLAUSES
    )


_CLAUSES = frozenset({"that", "which", "who", "whose", "where"})


def held_over(node: Node) -> bool:
    """Say whether a condition, as it was written, is one on each of several sessions."""
    return bool(node.tokens("HELD"))


def _is_negative(terminal: str, text: str) -> bool:
    return terminal == "NOT" or (terminal == "CMP" and text.lower().startswith("not"))


def _side(cross: Cross, operator: Operator, ago: int) -> Comparison:
    value = (
        cross.value.model_copy(update={"sessions_ago": ago}) if isinstance(cross.value, Term) else cross.value
    )
    return Comparison(field=cross.field, sessions_ago=ago, operator=operator, value=value)


def _moved(found: Comparison | Between, back: int) -> dict[str, object]:
    said = found.model_dump()
    said["sessions_ago"] += back
    if isinstance(said.get("value"), dict):
        said["value"]["sessions_ago"] += back
    return said
