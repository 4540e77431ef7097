"""Comparisons: what a condition says of its field, as the grammar read it, to a node of the filter tree."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, cast

from trading_assets.screener.english.operands import Operands, Operator, amount_of, operator_of
from trading_assets.screener.english.over_time import OverTime
from trading_assets.screener.english.quantities.amounts import Amount, changed_by, multiple_of, value_of
from trading_assets.screener.english.spans import Node
from trading_assets.screener.fields import FIELDS, range_in_words
from trading_assets.screener.filters import And, Between, Comparison, Cross, Filter, Term
from trading_assets.screener.ranges import never_or_always

_FROM_NOTHING = frozenset({"ratio", "fraction", "shares"})
"""Units of which something is positive where there is any: a dividend yield, a volume."""
BETTER_WHEN_HIGHER = frozenset({"dividend_yield", "roe", "margin", "revenue_growth", "eps_growth"})
"""Fields of which "or better" can only mean more."""
PAID = frozenset({"yielding", "yields", "paying", "pays", "pay"})
"""Words for the dividend yield after which a bare number is what is paid at least."""
FLIPPED: dict[str, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Comparisons:
    """Makes nodes of what is said of a field: compared, between, within, crossed, up and down, gapped.

    Raises
    ------
    MeaninglessError, AmountError
        From `make`, as in `operands`.
    """

    def __init__(self, operands: Operands) -> None:
        self.operands = operands
        self.over_time = OverTime(operands)
        self.said = ""
        """The word that the field was called by, in small letters."""

    def make(self, node: Node, field: str, ago: int) -> Filter:
        tests: dict[str, Callable[[Node, str, int], Filter]] = {
            "compared": self._compared, "between": self._between, "suffixed": self._suffixed,
            "relative": self._relative, "multiple": self._multiple, "around": self._around, "sign": self._sign,
            "relative_by": self._relative_by, "turned": self._turned, "grew": self._grew, "grew_from": self._grew_from,
            "crossed": self._crossed, "equal": self._equal, "moved": self._moved, "moved_from": self._moved_from, "gapped": self._gapped,
        }  # fmt: skip
        made = tests[node.data](node, field, ago)
        self.check(node, made)
        return made

    def check(self, node: Node, made: Filter) -> None:
        """Refuse a condition that no value of its field meets, or every one."""
        asks_nothing = never_or_always(made)
        if asks_nothing is not None:
            raise self.operands.wrong(node, asks_nothing)

    def by_sign(self, node: Node, field: str, ago: int) -> Comparison:
        """Return the condition that a field is positive or negative."""
        found = self.compare(field, ago, operator_of(node.need("SIGN")), 0.0)
        low = FIELDS[field].valid_range[0]
        if found.operator == ">" and low is not None and low >= 0 and FIELDS[field].unit not in _FROM_NOTHING:
            label = FIELDS[field].label
            raise self.operands.wrong(node, f"{label} is always {range_in_words(field)}: above what?")
        self.check(node, found)
        return found

    def compare(self, field: str, ago: int, operator: str, value: float | Term) -> Comparison:
        return Comparison(field=field, sessions_ago=ago, operator=cast("Operator", operator), value=value)

    def _check_better(self, node: Node, field: str) -> None:
        said = next((token for token in node.tokens("CMP", "SUFFIX") if "better" in token.text.lower()), None)
        if said is not None and field not in BETTER_WHEN_HIGHER:
            raise self.operands.wrong(
                node, f'"{said.text}": more, or less {FIELDS[field].label}?', "or more", "or less"
            )

    def _compared(self, node: Node, field: str, ago: int) -> Filter:
        self._check_better(node, field)
        operator = operator_of(node.need("CMP"))
        return self.compare(field, ago, operator, self.operands.value(node.children[1], field, ago))

    def _sign(self, node: Node, field: str, ago: int) -> Filter:
        return self.by_sign(node, field, ago)

    def _suffixed(self, node: Node, field: str, ago: int) -> Filter:
        self._check_better(node, field)
        value = value_of(amount_of(node.node("amount")), field)
        return self.compare(field, ago, operator_of(node.need("SUFFIX")), value)

    def _equal(self, node: Node, field: str, ago: int) -> Filter:
        if self.said in PAID and not node.token("EQ", "NEQ"):  # "yielding 3%" is paying that much, or more
            return self.compare(field, ago, ">=", value_of(amount_of(node.node("amount")), field))
        label, text = FIELDS[field].label, self.operands.text(node.node("amount"))
        raise self.operands.wrong(node, f"{label} above or below {text}? Numbers are not compared for being equal",
            f"{label} > {text}", f"{label} < {text}",
        )  # fmt: skip

    def _between(self, node: Node, field: str, ago: int) -> Filter:
        low, high = self.operands.limits(node, field)
        return Between(field=field, sessions_ago=ago, low=low, high=high)

    def _relative(self, node: Node, field: str, ago: int) -> Filter:
        signs, term = node.tokens("CMP"), self.operands.term(node.node("operand"))
        amount, inner = amount_of(node.need("PERCENT")), operator_of(signs[-1])
        text = self.operands.text(node)
        if inner not in {"<", ">"} or amount.number <= 0:
            raise self.operands.wrong(
                node,
                f'"{text}": how far above or below?',
                "price more than 10% above 50-day SMA",
            )
        outer: Operator = ">=" if len(signs) == 1 else operator_of(signs[0])
        if outer in {"<", "<="}:
            raise self.operands.wrong(node, f'"{text}": from where on?', "price within 10% of 50-day SMA")
        factor = changed_by(amount, 1 if inner == ">" else -1)
        operator = outer if inner == ">" else FLIPPED[outer]
        return self.compare(field, ago, operator, term.model_copy(update={"factor": factor}))

    def _relative_by(self, node: Node, field: str, ago: int) -> Filter:
        # as in: below its 200-day average by more than 10%
        signs, term = node.tokens("CMP"), self.operands.term(node.node("operand"))
        side, text = operator_of(signs[0]), self.operands.text(node)
        amount = amount_of(node.need("PERCENT"))
        outer: Operator = ">=" if len(signs) == 1 else operator_of(signs[1])
        if side not in {"<", ">"} or amount.number <= 0 or outer in {"<", "<="}:
            raise self.operands.wrong(
                node, f'"{text}": by how much, at least?', "price more than 10% above 50-day SMA"
            )
        factor = changed_by(amount, 1 if side == ">" else -1)
        operator = outer if side == ">" else FLIPPED[outer]
        return self.compare(field, ago, operator, term.model_copy(update={"factor": factor}))

    def _multiple(self, node: Node, field: str, ago: int) -> Filter:
        factor = multiple_of(amount_of(node.need("MULT")))
        return self.compare(field, ago, ">=", self.operands.term(node.node("operand"), factor))

    def _around(self, node: Node, field: str, ago: int) -> Filter:
        amount, term = amount_of(node.need("PERCENT")), self.operands.term(node.node("operand"))
        if amount.number <= 0:
            raise self.operands.wrong(node, "within how many percent?")
        low, high = (
            self.compare(field, ago, operator, term.model_copy(update={"factor": changed_by(amount, sign)}))
            for operator, sign in ((">=", -1), ("<=", 1))
        )
        if (field, ago, term.sessions_ago) == ("close", 0, 0) and term.field in {"high_252", "low_252"}:
            return low if term.field == "high_252" else high  # the price cannot lie beyond
        return And(filters=(low, high))

    def _crossed(self, node: Node, field: str, ago: int) -> Filter:
        token, window = node.need("CROSS"), node.find("window")
        if ago:
            raise self.operands.wrong(
                node,
                "when did it cross? Say within how many sessions",
                "in the last 5 sessions",
            )
        value = self.operands.value(node.children[1], field, 1)
        if isinstance(value, Term) and value.sessions_ago:
            if window:
                raise self.operands.wrong(
                    node, "in that session, or within several?", "in the last 5 sessions"
                )
            now = value.model_copy(update={"sessions_ago": 0})
            crossing = Cross(
                field=field, direction=cast("Literal['above', 'below']", token.meaning), value=now
            )
            return self.over_time.crossed_at(node, crossing, value.sessions_ago)
        within = self.operands.within(window) if window else 1
        return Cross(
            field=field,
            direction=cast("Literal['above', 'below']", token.meaning),
            value=value,
            within=within,
        )

    def _turned(self, node: Node, field: str, ago: int) -> Filter:
        token, window = node.need("TURNED"), node.find("window")
        low = FIELDS[field].valid_range[0]
        if ago or (low is not None and low >= 0):
            label = FIELDS[field].label
            raise self.operands.wrong(
                node, f"{label} is always {range_in_words(field)}: it turns to nothing else"
            )
        within = self.operands.within(window) if window else 1
        return Cross(
            field=field, direction=cast("Literal['above', 'below']", token.meaning), value=0.0, within=within
        )

    def _grew(self, node: Node, field: str, ago: int) -> Filter:
        # as in: doubled in the last year
        factor = Decimal(str(node.need("GREW").meaning))
        name, back = self.returns(node, field, ago)
        value = float(factor - 1)
        return self.compare(name, back, ">=" if factor > 1 else "<=", value)

    def _grew_from(self, node: Node, field: str, ago: int) -> Filter:
        # as in: tripled from its 52-week low
        factor = float(str(node.need("GREW").meaning))
        term = self.operands.term(node.node("operand"), factor)
        return self.compare(field, ago, ">=" if factor > 1 else "<=", term)

    def _moved(self, node: Node, field: str, ago: int) -> Filter:
        name, back = self.returns(node, field, ago)
        return self._sized(node, name, back)

    def returns(self, node: Node, field: str, ago: int) -> tuple[str, int]:
        """Return the field of the return over the period that a node names, and how many sessions ago it ended."""
        if (field, ago) != ("close", 0):
            label = FIELDS[field].label
            raise self.operands.wrong(
                node,
                "up and down are said of the price",
                f"{label} > 120% of {label} 5 sessions ago",
            )
        period = node.find("period")
        if period is None:
            text = self.operands.text(node)
            raise self.operands.wrong(
                node, f'"{text}": since when?', f"{text} today", f"{text} in the last month"
            )
        return self.operands.return_over(period)

    def _moved_from(self, node: Node, field: str, ago: int) -> Filter:
        # as in: down 20% from the 52-week high
        size, term = node.node("size"), self.operands.term(node.node("operand"))
        amounts, said = [amount_of(child) for child in size.nodes("amount")], size.token("CMP", "SUFFIX")
        operator = operator_of(said) if said else ">="
        if len(amounts) > 1 or amounts[0].unit != "%" or amounts[0].number <= 0 or operator in {"<", "<="}:
            text = self.operands.text(size)
            raise self.operands.wrong(
                size, f'"{text}": how many percent, at least?', "down at least 20% from 52-week high"
            )
        up = node.need("MOVE").meaning == ">"
        factor = changed_by(amounts[0], 1 if up else -1)
        return self.compare(
            field, ago, operator if up else FLIPPED[operator], term.model_copy(update={"factor": factor})
        )

    def _gapped(self, node: Node, field: str, ago: int) -> Filter:
        if (field, ago) != ("close", 0):
            raise self.operands.wrong(node, "only the price gaps", "gapped up more than 3%")
        return self._sized(node, "gap", 1 if node.token("YESTERDAY") else 0)

    def _sized(self, node: Node, field: str, ago: int) -> Filter:
        token, size = node.need("MOVE", "GAPPED"), node.find("size")
        sign = 1 if token.meaning == ">" else -1
        if size is None:
            return self.compare(field, ago, str(token.meaning), 0.0)
        amounts = [amount_of(child) for child in size.nodes("amount")]
        if any(amount.number < 0 for amount in amounts):
            raise self.operands.wrong(size, f'"{token.text}" by a negative number?')
        if len(amounts) == 2:
            low, high = self.operands.limits(size, field)
            low, high = (low, high) if sign > 0 else (-high, -low)
            return Between(field=field, sessions_ago=ago, low=low, high=high)
        said = size.token("CMP", "SUFFIX")
        operator = operator_of(said) if said else ">="
        if operator in {"<", "<="}:
            text = self.operands.text(size)
            raise self.operands.wrong(size, f'"{text}": from where on?', "between 1% and 5%")
        value = value_of(Amount(sign * amounts[0].number, amounts[0].unit, amounts[0].magnitude), field)
        return self.compare(field, ago, operator if sign > 0 else FLIPPED[operator], value)
