"""Meaning: the whole sentence, as the grammar read it, to a query; every stretch that is ambiguous or meaningless is a problem."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import cast

from pydantic import ValidationError

from trading_assets.errors import Problem
from trading_assets.screener.english.conditions import Conditions, draws_over_price, is_about_price
from trading_assets.screener.english.lexemes import comma_list
from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.operands import MeaninglessError
from trading_assets.screener.english.orders import ORDERS, Orders
from trading_assets.screener.english.over_time import held_over, only_of_this, says_when
from trading_assets.screener.english.reach import (
    check_introduced,
    grouped,
    is_carried,
    no_share_is_both,
    open_not,
)
from trading_assets.screener.english.spans import Node, Part, stretch, tokens_of
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import And, Filter, Not, Or, Query, predicates

_BARE = frozenset({"macro", "macros", "values", "gapped"})
"""Conditions without a comparison: "not energy and oversold" may mean neither, or the second only."""


def query_of(tree: Node, sentence: str) -> tuple[Query | None, list[Problem]]:
    """Return the query of a sentence, or what is wrong with it."""
    return _Meaning(sentence).query(tree)


class _Meaning:
    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.problems: list[Problem] = []
        self.conditions = Conditions(sentence)

    def query(self, tree: Node) -> tuple[Query | None, list[Problem]]:
        bodies = [child for child in tree.children if isinstance(child, Node) and child.data not in ORDERS]
        where = self._filter(bodies[0]) if bodies else None
        orders = [child for child in tree.children if isinstance(child, Node) and child.data in ORDERS]
        sort, top, problems = Orders(self.conditions.operands).read(orders)
        self.problems += problems
        if self.problems:
            return None, self.problems
        try:
            return Query(where=where, sort=sort, top=top), []
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            return None, [Problem(0, len(self.sentence), self.sentence, message)]

    def _filter(self, node: Node) -> Filter | None:
        rules: dict[str, Callable[[Node], Filter | None]] = {
            "either": self._either, "every": self._every, "inner": self._inner, "negated": self._negated,
            "neither": self._neither, "alternatives": self._alternatives, "held": self._held,
        }  # fmt: skip
        try:
            return rules.get(node.data, self.conditions.make)(node)
        except MeaninglessError as error:
            self.problems.append(error.problem)
            return None

    def _inner(self, node: Node) -> Filter | None:
        self.conditions.subject.forget()
        found = self._filter(cast("Node", node.children[1]))
        self.conditions.subject.forget()
        return found

    def _held(self, node: Node) -> Filter | None:
        found = self._inner(node)
        return None if found is None else self.conditions.over_time.in_each(node, found)

    def _negated(self, node: Node) -> Filter | None:
        self._negated_list(node)
        inner_node = cast("Node", node.children[1])
        if inner_node.data != "inner" and held_over(inner_node):
            self.conditions.over_time.require_plain_reach(
                Node("negated", (*node.children, inner_node.need("HELD")))
            )
        inner = self._filter(inner_node)
        return None if inner is None else Not(filter=inner)

    def _either(self, node: Node) -> Filter | None:
        parts = node.nodes("every")
        for part, after in pairwise(parts):
            self._check_held(cast("Node", part.children[-1]), "OR", cast("Node", after.children[0]))
            last = cast("Node", part.children[-1])
            if open_not(last) and not _is_negative(cast("Node", after.children[0])):
                self._unclear(last, cast("Node", after.children[0]))
        noted = len(self.problems)
        parts = grouped(parts, self._unclear_or)
        if len(parts) > 1 and len(self.problems) == noted:
            check_introduced(parts, self._unclear_or)
            self._check_cut(parts)
        if len(self.problems) > noted:
            return None
        found: list[Filter | None] = []
        for part in parts:
            self.conditions.subject.join = "OR"
            found.append(self._filter(part))
        known = [child for child in found if child is not None]
        return known[0] if len(known) == 1 else Or(filters=tuple(known)) if known else None

    def _alternatives(self, node: Node) -> Filter | None:
        found: list[Filter] = []
        for place, child in enumerate(cast("tuple[Node, ...]", node.children)):
            if place:
                self.conditions.subject.join = "OR"
            made = self._filter(child)
            if made is not None:
                found.append(made)
        return Or(filters=tuple(found)) if len(found) > 1 else found[0] if found else None

    def _every(self, node: Node) -> Filter | None:
        found: list[Filter] = []
        before: Node | None = None
        join = ""
        for child in cast("tuple[Node, ...]", node.children):
            if child.data == "joint":
                join = child.need("AND", "BUT", "COMMA", "CUT").terminal
                if join == "CUT":
                    self.conditions.subject.forget()
                continue
            if before is not None:
                self._check_reach(before, join, child)
                self._check_held(before, join, child)
                self._check_listed(before, join, child)
                self.conditions.subject.join = join
            self._check_macros(node, child)
            self._check_values(node, child)
            made = self._filter(child)
            if made is not None:
                found.append(made)
            before, join = child, ""
        return found[0] if len(found) == 1 else And(filters=tuple(found)) if found else None

    def _check_cut(self, parts: list[Node]) -> None:
        cuts = [token for part in parts for joint in part.nodes("joint") for token in joint.tokens("CUT")]
        if cuts:
            message = (
                f'"{cuts[0].text}" between conditions with "or": put the order of the results at the end'
            )
            self.problems.append(cuts[0].problem(message))

    def _check_listed(self, before: Node, join: str, after: Node) -> None:
        # "large caps, mid caps or small caps": all three, or the first and one of the others?
        if (before.data, join, after.data) == ("macro", "COMMA", "macros"):
            first, second = (self.sentence[slice(*stretch(node))] for node in (before, after))
            self._wrong(
                after,
                'does the "or" reach back over the comma?',
                f"{first} or {second}",
                f"{first} and ({second})",
            )

    def _check_macros(self, node: Node, child: Node) -> None:
        # "large caps, mid caps", "oversold and overbought" or "energy and banks": nothing is both
        for earlier in cast("tuple[Node, ...]", node.children[: node.children.index(child)]):
            if no_share_is_both(earlier, child):
                first, second = (self.sentence[slice(*stretch(part))] for part in (earlier, child))
                self._wrong(
                    child, f'nothing is both "{first}" and "{second}": is either meant?', f"or {second}"
                )
                return

    def _check_values(self, node: Node, child: Node) -> None:
        # "tech energy" side by side would ask for shares that have two sectors
        named = _text_field(child)
        for earlier in cast("tuple[Node, ...]", node.children[: node.children.index(child)]):
            if named and _text_field(earlier) == named and "values" in {earlier.data, child.data}:
                text = f"{earlier.need('VALUES').text} or {child.need('VALUES').text}"
                self._wrong(child, f"a share has one {FIELDS[named].label}: is either meant?", text)
                return

    def _check_held(self, before: Node, join: str, after: Node) -> None:
        # "above its 50-day average and RSI > 60 for 5 days": is that said of both?
        if join not in {"AND", "BUT", "OR", ""} or not says_when(after) or after.data == "held":
            return
        if says_when(before) or not _moves(before) or after.token("NOW") or only_of_this(after):
            return
        second = self.sentence[slice(*stretch(after))]
        when = after.find("ago") or after.need("HELD", "THEN")
        last = self.sentence[slice(*stretch(when))]
        self._wrong(
            after, f'"{last}": of both conditions, or of the last? Put it into parentheses',
            f"({second})",
        )  # fmt: skip

    def _neither(self, node: Node) -> Filter | None:
        parts = cast("list[Node]", [child for child in node.children if isinstance(child, Node)])
        if len(parts) == 1 and parts[0].data != "values":
            self._wrong(node, "neither this nor what?")
        found = [child for child in map(self._filter, parts) if child is not None]
        if not found:
            return None
        return Not(filter=found[0] if len(found) == 1 else Or(filters=tuple(found)))

    def _check_reach(self, before: Node, join: str, after: Node) -> None:
        # how far "not" reaches: "excluding energy and oversold" may exclude both, or the one that is the other
        word = open_not(before)
        if word is None or join in {"BUT", "CUT"} or _is_negative(after):
            return
        inner = cast("Node", before.children[1])
        carries = inner.data in {"named", "unnamed", "signed", "alternatives"} and is_carried(after)
        bare = after.data in _BARE or carries
        if join == "COMMA":
            unclear = bare
        elif join == "AND":
            unclear = word == "except" or bare
        else:
            unclear = True
        if unclear:
            self._unclear(before, after)

    def _negated_list(self, node: Node) -> None:
        # "not energy, tech": neither of them, or tech and not energy?
        values = cast("Node", node.children[1]).token("VALUES")
        names = comma_list(values.text) if values else []
        if not names:
            return
        self._wrong(
            node, f'how far does "{node.need("NOT").text}" reach?',
            f"neither {' nor '.join(names)}", f"{' or '.join(names[1:])}, but not {names[0]}",
        )  # fmt: skip

    def _unclear_or(self, before: Node, after: Node) -> None:
        (start, middle), (_, end) = stretch(before), stretch(after)
        first, second = self.sentence[start:middle], self.sentence[slice(*stretch(after))]
        named = [str(token.meaning) for token in tokens_of(before) if token.terminal == "FIELD"]
        meant: tuple[str, ...] = (f"({first}) or ({second})", f"({first} or {second})")
        if is_carried(after):
            price = is_about_price(after) and not (named and draws_over_price(named[0]))
            label = "price" if price else FIELDS[named[0]].label if named else ""
            meant = (f"({first}) or {label} {second}",) if label else ()
        message = 'how far does "or" reach? Put what it joins into parentheses, each with its field'
        self.problems.append(Problem(start, end, self.sentence[start:end], message, meant))

    def _unclear(self, before: Node, after: Node) -> None:
        start, middle, end = stretch(before)[0], stretch(before)[1], stretch(after)[1]
        word = str(self.sentence[start:middle].split(" ")[0])
        first = self.sentence[stretch(before.children[1])[0] : middle]
        second = self.sentence[slice(*stretch(after))]
        meant: tuple[str, ...] = (f"not ({first} or {second})",)
        if not is_carried(after):
            meant = (f"not ({first}) and {second}", *meant)
            if not no_share_is_both(cast("Node", before.children[1]), after):
                meant = (*meant, f"not ({first} and {second})")
        self.problems.append(
            Problem(
                start,
                end,
                self.sentence[start:end],
                f'how far does "{word}" reach? Put what it covers into parentheses',
                meant,
            )
        )

    def _wrong(self, part: Part, message: str, *suggestions: str) -> None:
        self.problems.append(self.conditions.operands.wrong(part, message, *suggestions).problem)


def _moves(node: Node) -> bool:
    # whether a condition is of what changes from session to session, so that a time could be said of it as well
    if node.data == "macro":
        leaves = predicates(MACROS[str(node.need("MACRO").meaning)].filter)
        return any(FIELDS[leaf.field].group == "technical" for leaf in leaves)
    return node.data in {"named", "unnamed", "signed", "alternatives", "negated"}


def _text_field(node: Node) -> str | None:
    # the text field of which a condition lists values that are to be met
    if node.data not in {"values", "texts"} or node.token("NOT", "NEQ", "NEITHER"):
        return None
    return str(cast("tuple[str, object]", node.need("VALUES").meaning)[0])


def _is_negative(node: Node) -> bool:
    return node.data in {"negated", "neither"}
