"""Orders: what of a sentence sorts the results and cuts them off, as the grammar read it, to a sort and a number."""

from __future__ import annotations

from typing import cast

from trading_assets.errors import Problem
from trading_assets.screener.english.operands import MeaninglessError, Operands
from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.spans import Node, Part, stretch
from trading_assets.screener.filters import MAX_TOP, Sort

ORDERS = frozenset({"sort", "top", "limit", "ranked", "performed"})
"""Rules of the grammar that order the results."""


class Orders:
    """Reads the orders of one sentence."""

    def __init__(self, operands: Operands) -> None:
        self.operands = operands
        self.problems: list[Problem] = []

    def read(self, nodes: list[Node]) -> tuple[Sort | None, int | None, list[Problem]]:
        """Return the sort and the number of results that the nodes ask for, and what is wrong with them."""
        sorts: list[Sort] = []
        tops: list[int] = []
        for node in nodes:
            field = node.token("FIELD")
            ranked = node.token("RANKED")
            if ranked is not None:
                name, descending = cast("tuple[str, bool]", ranked.meaning)
                sorts.append(Sort(field=name, descending=descending))
            elif node.data == "performed":
                sorts += self._performed(node)
            elif field is not None:
                sorts.append(Sort(field=str(field.meaning), descending=self._descending(node)))
            number = node.token("NUMBER")
            if number is not None:
                tops.append(self._count(node, cast("Amount", number.meaning)))
        for found, what in ((sorts, "orders"), (tops, "numbers of results")):
            if len(found) > 1:
                self._wrong(nodes[-1], f"two {what}: which of them?")
        if tops and not sorts:
            text = self.operands.sentence[slice(*stretch(nodes[-1]))]
            self._wrong(nodes[-1], f'"{text}" by what?', f"top {tops[0]} by market cap")
        return (sorts or [None])[0], (tops or [None])[0], self.problems  # type: ignore[list-item] # None stands for none found

    def _performed(self, node: Node) -> list[Sort]:
        try:
            name, back = self.operands.return_over(node.node("period"))
        except MeaninglessError as error:
            self.problems.append(error.problem)
            return []
        if back:
            self._wrong(node, "results are ordered by the session itself", "10 biggest losers today")
        return [Sort(field=name, descending=bool(node.need("PERF").meaning))]

    def _descending(self, node: Node) -> bool:
        said = [
            bool(token.meaning)
            for token in node.tokens("TOP", "EXTREME", "SUPER", "DIR")
            if not (token.terminal == "TOP" and token.meaning and node.token("EXTREME", "DIR"))
        ]
        if len(set(said)) > 1:
            self._wrong(node, "ascending or descending?")
        return said[0] if said else True

    def _count(self, node: Node, amount: Amount) -> int:
        number = amount.number
        if (
            amount.unit
            or amount.magnitude
            or number != number.to_integral_value()
            or not 1 <= number <= MAX_TOP
        ):
            message = f"a whole number of results from 1 to {MAX_TOP:,} is needed"
            self._wrong(node, message)
            return 1
        return int(number)

    def _wrong(self, part: Part, message: str, *suggestions: str) -> None:
        self.problems.append(self.operands.wrong(part, message, *suggestions).problem)
