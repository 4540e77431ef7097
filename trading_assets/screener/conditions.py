"""Conditions: one condition of a sentence, as the grammar read it, to a node of the filter tree; problems where it means nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

from pydantic import ValidationError

from trading_assets.errors import Problem
from trading_assets.indicators.registry import FEATURES
from trading_assets.screener.amounts import Amount, AmountError, changed_by, multiple_of, value_of
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import (
    MAX_SESSIONS_AGO,
    And,
    Between,
    Comparison,
    Cross,
    Filter,
    In,
    Not,
    Term,
)
from trading_assets.screener.macros import MACROS
from trading_assets.screener.spans import Node, Part, stretch, tokens_of
from trading_assets.screener.tokens import Token

Operator = Literal["<", "<=", ">", ">="]
FLIPPED: dict[str, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
MOST_WITHIN = 63
"""Sessions that a crossing may look back."""


class MeaninglessError(Exception):
    """A condition that the grammar allows and that means nothing; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def wrong(part: Part, sentence: str, message: str, *suggestions: str) -> MeaninglessError:
    """Describe what is wrong with a part of the sentence."""
    start, end = stretch(part)
    return MeaninglessError(Problem(start, end, sentence[start:end], message, suggestions))


class Subject:
    """The field that a condition is about: named in it, or carried over from the condition before ("above 5 and below 20")."""

    def __init__(self) -> None:
        self.field: str | None = None
        self.join = ""

    def forget(self) -> None:
        """Start anew, as at a parenthesis."""
        self.field = None


class Conditions:
    """Makes nodes of conditions.

    Raises
    ------
    MeaninglessError
        From `make`, where the words of a condition fit the grammar and nothing else.
    """

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.subject = Subject()

    def make(self, node: Node) -> Filter:
        """Return the filter that a condition stands for."""
        if node.data in {"macro", "values", "texts"}:
            self.subject.forget()
        maker: Callable[[Node], Filter] = getattr(self, f"_{node.data}")
        try:
            return maker(node)
        except AmountError as error:
            raise wrong(node, self.sentence, str(error), *error.suggestions) from error
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise wrong(node, self.sentence, message) from error

    # -- what a condition is about -------------------------------------------------------------------------------

    def _named(self, node: Node) -> Filter:
        field, ago = self._operand(node.node("operand"))
        test = next(child for child in node.children if isinstance(child, Node) and child.data != "operand")
        if ago and node.token("TODAY"):
            raise wrong(node, self.sentence, "today or earlier: which of the two?")
        found = self._test(test, field, ago)
        self.subject.field = field
        return Not(filter=found) if node.token("NOT") else found

    def _unnamed(self, node: Node) -> Filter:
        test = cast("Node", node.children[0])
        if test.data == "moved" or test.data == "gapped":
            self.subject.forget()
            return self._test(test, "close", 0)
        field = self._carried(test)
        found = self._test(test, field, 0)
        self.subject.field = field
        return found

    def _carried(self, test: Node) -> str:
        before, says_price = self.subject.field, _is_about_price(test)
        if before is None or (before != "close" and says_price and not _may_be_price(before)):
            if says_price:
                return "close"
            text = self.sentence[slice(*stretch(test))]
            raise wrong(test, self.sentence, f'"{text}": of which field?', f"price {text}", f"RSI {text}")
        if says_price and before != "close" and self.subject.join == "COMMA":
            text, label = self.sentence[slice(*stretch(test))], FIELDS[before].label
            raise wrong(
                test, self.sentence, f'"{text}": the price or {label}?', f"price {text}", f"{label} {text}"
            )
        return before

    def _signed(self, node: Node) -> Filter:
        field, ago = self._operand(node.node("operand"))
        self.subject.field = field
        return self._compare(field, ago, _operator(node.need("SIGN")), 0.0)

    def _values(self, node: Node) -> Filter:
        return self._in(node.need("VALUES"))

    def _texts(self, node: Node) -> Filter:
        named, values = node.need("TEXTFIELD"), node.need("VALUES")
        field = cast("tuple[str, object]", values.meaning)[0]
        if field != named.meaning:
            raise wrong(
                node,
                self.sentence,
                f'"{values.text}" is no {named.text} but {"an" if field[0] in "aeiou" else "a"} {FIELDS[field].label}',
                f"{FIELDS[field].label} is {values.text}",
                f'{FIELDS[str(named.meaning)].label} is "{values.text}"',
            )
        negations = [name for name in ("NEQ", "NOT", "NEITHER") if node.token(name)]
        if len(negations) > 1:
            raise wrong(node, self.sentence, "says not twice")
        found = self._in(values)
        return Not(filter=found) if negations else found

    def _in(self, token: Token) -> In:
        field, values = cast("tuple[str, tuple[str, ...]]", token.meaning)
        return In(field=field, values=values)

    def _macro(self, node: Node) -> Filter:
        token = node.need("MACRO")
        found = MACROS[str(token.meaning)].filter
        window = node.find("window")
        if window is None or (window.token("TODAY") and not isinstance(found, Cross)):
            return found
        if not isinstance(found, Cross):
            raise wrong(
                window, self.sentence, "only crossings look back over several sessions",
                "golden cross in the last 5 sessions",
            )  # fmt: skip
        return Cross.model_validate(found.model_dump() | {"within": self._within(window)})

    # -- what it says --------------------------------------------------------------------------------------------

    def _test(self, node: Node, field: str, ago: int) -> Filter:
        tests: dict[str, Callable[[Node, str, int], Filter]] = {
            "compared": self._compared, "between": self._between, "suffixed": self._suffixed,
            "relative": self._relative, "multiple": self._multiple, "around": self._around, "sign": self._sign,
            "crossed": self._crossed, "equal": self._equal, "moved": self._moved, "gapped": self._gapped,
        }  # fmt: skip
        return tests[node.data](node, field, ago)

    def _compare(self, field: str, ago: int, operator: str, value: float | Term) -> Comparison:
        return Comparison(field=field, sessions_ago=ago, operator=cast("Operator", operator), value=value)

    def _compared(self, node: Node, field: str, ago: int) -> Filter:
        operator = _operator(node.need("CMP"))
        return self._compare(field, ago, operator, self._value(node.children[1], field, ago))

    def _sign(self, node: Node, field: str, ago: int) -> Filter:
        return self._compare(field, ago, _operator(node.need("SIGN")), 0.0)

    def _suffixed(self, node: Node, field: str, ago: int) -> Filter:
        value = value_of(_amount(node.node("amount")), field)
        return self._compare(field, ago, _operator(node.need("SUFFIX")), value)

    def _equal(self, node: Node, field: str, ago: int) -> Filter:
        label, text = FIELDS[field].label, self.sentence[slice(*stretch(node.node("amount")))]
        raise wrong(
            node, self.sentence, f"{label} above or below {text}? Numbers are not compared for being equal",
            f"{label} > {text}", f"{label} < {text}",
        )  # fmt: skip

    def _between(self, node: Node, field: str, ago: int) -> Filter:
        low, high = self._limits(node, field)
        return Between(field=field, sessions_ago=ago, low=low, high=high)

    def _limits(self, node: Node, field: str) -> tuple[float, float]:
        first, second = (_amount(child) for child in node.nodes("amount"))
        if first.magnitude == 0 and second.magnitude and first.number:
            raise wrong(
                node, self.sentence, f"{first.number} as it is, or in the unit of the second number?",
                f"between {first.number}{_letter(second)} and {second.number}{_letter(second)}",
            )  # fmt: skip
        if not first.unit and second.unit in {"%", "bps"}:
            first = Amount(first.number, second.unit)
        low, high = value_of(first, field), value_of(second, field)
        if low > high:
            texts = [self.sentence[slice(*stretch(child))] for child in node.nodes("amount")]
            raise wrong(node, self.sentence, "nothing lies there: the first number is the larger one", f"between {texts[1]} and {texts[0]}")  # fmt: skip
        return low, high

    def _relative(self, node: Node, field: str, ago: int) -> Filter:
        signs, term = node.tokens("CMP"), self._term(node.node("operand"))
        amount, inner = cast("Amount", node.need("PERCENT").meaning), _operator(signs[-1])
        text = self.sentence[slice(*stretch(node))]
        if inner not in {"<", ">"} or amount.number <= 0:
            raise wrong(
                node,
                self.sentence,
                f'"{text}": how far above or below?',
                "price more than 10% above 50-day SMA",
            )
        outer: Operator = ">=" if len(signs) == 1 else _operator(signs[0])
        if outer in {"<", "<="}:
            raise wrong(node, self.sentence, f'"{text}": from where on?', "price within 10% of 50-day SMA")
        factor = changed_by(amount, 1 if inner == ">" else -1)
        operator = outer if inner == ">" else FLIPPED[outer]
        return self._compare(field, ago, operator, term.model_copy(update={"factor": factor}))

    def _multiple(self, node: Node, field: str, ago: int) -> Filter:
        factor = multiple_of(_meant_amount(node.need("MULT")))
        return self._compare(field, ago, ">=", self._term(node.node("operand"), factor))

    def _around(self, node: Node, field: str, ago: int) -> Filter:
        amount, term = cast("Amount", node.need("PERCENT").meaning), self._term(node.node("operand"))
        if amount.number <= 0:
            raise wrong(node, self.sentence, "within how many percent?")
        low, high = (
            self._compare(field, ago, operator, term.model_copy(update={"factor": changed_by(amount, sign)}))
            for operator, sign in ((">=", -1), ("<=", 1))
        )
        if (field, ago, term.sessions_ago) == ("close", 0, 0) and term.field in {"high_252", "low_252"}:
            return low if term.field == "high_252" else high  # the price cannot lie beyond
        return And(filters=(low, high))

    def _crossed(self, node: Node, field: str, ago: int) -> Filter:
        token, window = node.need("CROSS"), node.find("window")
        if ago:
            raise wrong(
                node,
                self.sentence,
                "when did it cross? Say within how many sessions",
                "in the last 5 sessions",
            )
        value = self._value(node.children[1], field, 1)
        if isinstance(value, Term) and value.sessions_ago:
            raise wrong(
                node, self.sentence, "a crossing is of values of the same session", "in the last 5 sessions"
            )
        within = self._within(window) if window else 1
        return Cross(
            field=field,
            direction=cast("Literal['above', 'below']", token.meaning),
            value=value,
            within=within,
        )

    def _moved(self, node: Node, field: str, ago: int) -> Filter:
        if (field, ago) != ("close", 0):
            label = FIELDS[field].label
            raise wrong(
                node,
                self.sentence,
                "up and down are said of the price",
                f"{label} > 120% of {label} 5 sessions ago",
            )
        period = node.find("period")
        if period is None:
            text = self.sentence[slice(*stretch(node))]
            raise wrong(node, self.sentence, f'"{text}": since when?', f"{text} today", f"{text} this month")
        sessions, ago = self._period(period)
        name = f"return_{sessions}"
        if name not in FIELDS:
            known = [field[7:] for field in FIELDS if field.startswith("return_")]
            raise wrong(
                period, self.sentence, f"returns are held over {', '.join(known)} sessions (5 a week, 21 a month), not {sessions}",
                "in the last 5 sessions", "in the last month",
            )  # fmt: skip
        return self._sized(node, name, ago)

    def _gapped(self, node: Node, field: str, ago: int) -> Filter:
        if (field, ago) != ("close", 0):
            raise wrong(node, self.sentence, "only the price gaps", "gapped up more than 3%")
        return self._sized(node, "gap", 1 if node.token("YESTERDAY") else 0)

    def _sized(self, node: Node, field: str, ago: int) -> Filter:
        token, size = node.need("MOVE", "GAPPED"), node.find("size")
        sign = 1 if token.meaning == ">" else -1
        if size is None:
            return self._compare(field, ago, str(token.meaning), 0.0)
        amounts = [_amount(child) for child in size.nodes("amount")]
        if any(amount.number < 0 for amount in amounts):
            raise wrong(size, self.sentence, f'"{token.text}" by a negative number?')
        if len(amounts) == 2:
            low, high = self._limits(size, field)
            low, high = (low, high) if sign > 0 else (-high, -low)
            return Between(field=field, sessions_ago=ago, low=low, high=high)
        said = size.token("CMP", "SUFFIX")
        operator = _operator(said) if said else ">="
        if operator in {"<", "<="}:
            text = self.sentence[slice(*stretch(size))]
            raise wrong(size, self.sentence, f'"{text}": from where on?', f"{token.text} between 1% and 5%")
        value = value_of(Amount(sign * amounts[0].number, amounts[0].unit, amounts[0].magnitude), field)
        return self._compare(field, ago, operator if sign > 0 else FLIPPED[operator], value)

    # -- what it compares with -----------------------------------------------------------------------------------

    def _value(self, part: Part, field: str, ago: int) -> float | Term:
        node = cast("Node", part)
        match node.data:
            case "amount":
                return value_of(_amount(node), field)
            case "counted":
                if FIELDS[field].unit != "days" or node.need("SPAN").meaning != 1:
                    text, label = self.sentence[slice(*stretch(node))], FIELDS[field].label
                    raise wrong(
                        node,
                        self.sentence,
                        f'"{text}": {label} is not counted in days',
                        f"{label} {text} ago",
                    )
                return value_of(cast("Amount", node.need("NUMBER").meaning), field)
            case "scaled":
                factor = multiple_of(_meant_amount(node.need("MULT", "PERCENT")))
                return self._term(node.node("operand"), factor)
            case "itself":
                if ago:
                    raise wrong(node, self.sentence, "compared with which field?")
                return Term(field=field, sessions_ago=self._ago(node.node("ago")))
        return self._term(node)

    def _term(self, node: Node, factor: float = 1.0) -> Term:
        field, ago = self._operand(node)
        return Term(field=field, sessions_ago=ago, factor=factor)

    def _operand(self, node: Node) -> tuple[str, int]:
        field, ago = str(node.need("FIELD").meaning), node.find("ago")
        back = self._ago(ago) if ago else 0
        return field, back + (1 if node.token("YESTERDAYS") else 0)

    def _ago(self, node: Node) -> int:
        token = node.need("AGO", "YESTERDAY")
        if token.terminal == "YESTERDAY":
            return 1
        count, span = cast("tuple[Amount, int]", token.meaning)
        if span != 1:
            raise wrong(node, self.sentence, f'"{token.text}": count in sessions (5 a week, 21 a month, 252 a year), and say of which field', "price > price 252 sessions ago", "252-day return > 0%")  # fmt: skip
        return self._whole(count, node, MAX_SESSIONS_AGO)

    def _within(self, node: Node) -> int:
        if node.token("TODAY"):
            return 1
        number = node.token("NUMBER")
        count = self._whole(cast("Amount", number.meaning), node, MOST_WITHIN) if number else 1
        within = count * cast("int", node.need("SPAN").meaning)
        if within > MOST_WITHIN:
            raise wrong(
                node,
                self.sentence,
                f"a crossing looks back {MOST_WITHIN} sessions at most",
                f"in the last {MOST_WITHIN} sessions",
            )
        return within

    def _period(self, node: Node) -> tuple[int, int]:
        token = node.need("TODAY", "YESTERDAY", "PERIOD", "LAST")
        if token.terminal == "LAST":
            number = node.token("NUMBER")
            count = self._whole(cast("Amount", number.meaning), node, MAX_SESSIONS_AGO) if number else 1
            return count * cast("int", node.need("SPAN").meaning), 0
        return (
            (cast("int", token.meaning), 0)
            if token.terminal == "PERIOD"
            else (1, int(token.terminal == "YESTERDAY"))
        )

    def _whole(self, amount: Amount, part: Part, most: int) -> int:
        number = amount.number
        if amount.unit or amount.magnitude or number != int(number) or not 1 <= number <= most:
            raise wrong(part, self.sentence, f"a whole number of sessions from 1 to {most} is needed")
        return int(number)


def _operator(token: Token) -> Operator:
    return cast("Operator", token.meaning)


def _amount(node: Node) -> Amount:
    return _meant_amount(cast("Token", node.children[0]))


def _meant_amount(token: Token) -> Amount:
    return cast("Amount", token.meaning)


def _letter(amount: Amount) -> str:
    return {3: "K", 6: "M", 9: "B", 12: "T"}[amount.magnitude]


def _is_about_price(test: Node) -> bool:
    # dollars without K, M or B, or something that is drawn over the price
    found = tokens_of(test)
    amounts = [token.meaning for token in found if isinstance(token.meaning, Amount)]
    fields = [str(token.meaning) for token in found if token.terminal == "FIELD"]
    if fields:
        return all(name in FEATURES and FEATURES[name].pane == "price" for name in fields)
    return any(amount.unit == "$" for amount in amounts) and not any(amount.magnitude for amount in amounts)


def _may_be_price(field: str) -> bool:
    return FIELDS[field].unit == "USD"
