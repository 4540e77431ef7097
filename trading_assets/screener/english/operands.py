"""Operands: amounts, fields, earlier sessions and windows of a condition, as the grammar read them, to values of the filter tree."""

from __future__ import annotations

import re
from typing import Literal, cast

from trading_assets.errors import Problem
from trading_assets.screener.english.quantities.amounts import Amount, multiple_of, value_of
from trading_assets.screener.english.spans import Node, Part, stretch
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import MAX_SESSIONS_AGO, Term

Operator = Literal["<", "<=", ">", ">="]
MOST_WITHIN = 63
"""Sessions that a crossing may look back."""


class MeaninglessError(Exception):
    """A condition that the grammar allows and that means nothing; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def operator_of(token: Token) -> Operator:
    """Return the operator that a word of comparison stands for."""
    return cast("Operator", token.meaning)


def amount_of(part: Part) -> Amount:
    """Return the amount of a token, or of a node that holds it."""
    token = part if isinstance(part, Token) else cast("Token", part.children[0])
    return cast("Amount", token.meaning)


class Operands:
    """Reads the parts of conditions of one sentence.

    Raises
    ------
    MeaninglessError
        From every method, where the part fits the grammar and means nothing.
    AmountError
        Where an amount is not one of the field.
    """

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def text(self, part: Part) -> str:
        """Return a part as it was typed."""
        return self.sentence[slice(*stretch(part))]

    def wrong(self, part: Part, message: str, *suggestions: str) -> MeaninglessError:
        """Describe what is wrong with a part."""
        start, end = stretch(part)
        return MeaninglessError(Problem(start, end, self.sentence[start:end], message, suggestions))

    def value(self, part: Part, field: str, ago: int) -> float | Term:
        node = cast("Node", part)
        match node.data:
            case "amount":
                self._check_period(node, field)
                self._check_the_period(node, field)
                return value_of(amount_of(node), field)
            case "counted":
                if FIELDS[field].unit != "days" or node.need("SPAN").meaning != 1:
                    text, label = self.text(node), FIELDS[field].label
                    raise self.wrong(
                        node,
                        f'"{text}": {label} is not counted in days',
                        f"{label} {text} ago",
                    )
                return value_of(amount_of(node.need("NUMBER")), field)
            case "scaled":
                factor = multiple_of(amount_of(node.need("MULT", "PERCENT")))
                return self.against(self.term(node.node("operand"), factor), field)
            case "itself":
                if ago:
                    raise self.wrong(node, "compared with which field?")
                return Term(field=field, sessions_ago=self.ago(node.node("ago")))
        return self.against(self.term(node), field)

    def _check_period(self, node: Node, field: str) -> None:
        # "sma 20 crossing above 50" lacks a word, or dollars
        average, amount = field.rpartition("_")[0], amount_of(node)
        known = {name.rpartition("_")[2] for name in FIELDS if name.startswith(f"{average}_")}
        text = self.text(node)
        if average in {"sma", "ema"} and not amount.unit and text in known:
            label = FIELDS[f"{average}_{text}"].label
            raise self.wrong(node, f'"{text}": ${text} or the {label}?', f"${text}", label)

    def _check_the_period(self, node: Node, field: str) -> None:
        # "price above the 200": is that the average, or dollars? "above its 20-day average, above 200" as well
        amount, text = amount_of(node), self.text(node)
        known = FIELDS.get(f"sma_{text}")
        before = self.sentence[: stretch(node)[0]].lower()
        says_the = before.rstrip().endswith((" the", " its", " their"))
        if (
            known is None
            or amount.unit
            or FIELDS[field].scale != "price"
            or not (says_the or _named_average(before))
        ):
            return
        raise self.wrong(node, f'"{text}": ${text} or the {known.label}?', f"${text}", known.label)

    def against(self, found: float | Term, field: str) -> float | Term:
        """Return what a field is compared with: of a volume, "its 20 day average" is that of the volume."""
        is_average = (
            isinstance(found, Term) and found.field == "sma_20" and field in {"volume", "volume_sma_20"}
        )
        return found.model_copy(update={"field": "volume_sma_20"}) if is_average else found  # type: ignore[union-attr] # a term

    def term(self, node: Node, factor: float = 1.0) -> Term:
        field, ago = self.operand(node)
        return Term(field=field, sessions_ago=ago, factor=factor)

    def operand(self, node: Node) -> tuple[str, int]:
        field, ago = str(node.need("FIELD").meaning), node.find("ago")
        back = self.ago(ago) if ago else 0
        return field, back + (1 if node.token("YESTERDAYS") else 0)

    def ago(self, node: Node) -> int:
        token = node.need("AGO", "YESTERDAY")
        if token.terminal == "YESTERDAY":
            return 1
        count, span = cast("tuple[Amount, int]", token.meaning)
        if span != 1:
            raise self.wrong(node, f'"{token.text}": count in sessions (5 a week, 21 a month, 252 a year), and say of which field', "price > price 252 sessions ago", "252-day return > 0%")  # fmt: skip
        return self.whole(count, node, MAX_SESSIONS_AGO)

    def within(self, node: Node) -> int:
        if node.token("TODAY"):
            return 1
        number = node.token("NUMBER")
        count = self.whole(amount_of(number), node, MOST_WITHIN) if number else 1
        within = count * cast("int", node.need("SPAN").meaning)
        if within > MOST_WITHIN:
            raise self.wrong(
                node,
                f"a crossing looks back {MOST_WITHIN} sessions at most",
                f"in the last {MOST_WITHIN} sessions",
            )
        return within

    def period(self, node: Node) -> tuple[int, int]:
        token = node.need("TODAY", "YESTERDAY", "LAST")
        if token.terminal == "LAST":
            number = node.token("NUMBER")
            count = self.whole(amount_of(number), node, MAX_SESSIONS_AGO) if number else 1
            return count * cast("int", node.need("SPAN").meaning), 0
        return 1, int(token.terminal == "YESTERDAY")

    def return_over(self, period: Node) -> tuple[str, int]:
        """Return the field of the return over a period, and how many sessions ago the period ended."""
        sessions, ago = self.period(period)
        name = f"return_{sessions}"
        if name not in FIELDS:
            known = [field[7:] for field in FIELDS if field.startswith("return_")]
            raise self.wrong(period, f"returns are held over {', '.join(known)} sessions (5 a week, 21 a month), not {sessions}",
                "in the last 5 sessions", "in the last month",
            )  # fmt: skip
        return name, ago

    def whole(self, amount: Amount, part: Part, most: int) -> int:
        number = amount.number
        if amount.unit or amount.magnitude or number != int(number) or not 1 <= number <= most:
            raise self.wrong(part, f"a whole number of sessions from 1 to {most} is needed")
        return int(number)

    def limits(self, node: Node, field: str) -> tuple[float, float]:
        first, second = (amount_of(child) for child in node.nodes("amount"))
        if first.magnitude == 0 and second.magnitude and first.number:
            raise self.wrong(node, f"{first.number} as it is, or in the unit of the second number?",
                f"between {first.number}{_letter(second)} and {second.number}{_letter(second)}",
            )  # fmt: skip
        texts = [self.text(child).lower() for child in node.nodes("amount")]
        if "hundred" in texts[1] and "hundred" not in texts[0] and 0 < first.number < 10:
            raise self.wrong(node, f'"{texts[0]}" as it is, or hundreds as the second number?',
                f"between {first.number}00 and {second.number}", f"between {first.number} and {second.number}",
            )  # fmt: skip
        if not first.unit and second.unit in {"%", "bps"}:
            first = Amount(first.number, second.unit)
        low, high = value_of(first, field), value_of(second, field)
        if low > high:
            texts = [self.text(child) for child in node.nodes("amount")]
            raise self.wrong(node, "nothing lies there: the first number is the larger one", f"between {texts[1]} and {texts[0]}")  # fmt: skip
        return low, high


def _named_average(text: str) -> bool:
    return re.search(r"\b(average|averages|sma|ma|ema|dma|dmas)\b|\b\d+\s*-?\s*(day|d)\b", text) is not None


def _letter(amount: Amount) -> str:
    return {3: "K", 6: "M", 9: "B", 12: "T"}[amount.magnitude]
