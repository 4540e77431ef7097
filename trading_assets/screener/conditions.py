"""Conditions: one condition of a sentence, as the grammar read it, to a node of the filter tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from pydantic import ValidationError

from trading_assets.indicators.registry import FEATURES
from trading_assets.screener.amounts import Amount, AmountError
from trading_assets.screener.comparisons import Comparisons
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import Comparison, Cross, Filter, In, Not, Term
from trading_assets.screener.macros import MACROS
from trading_assets.screener.operands import Operands, operator_of
from trading_assets.screener.spans import Node, tokens_of
from trading_assets.screener.tokens import Token


class Subject:
    """The field that a condition is about: named in it, or carried over from the condition before ("above 5 and below 20")."""

    def __init__(self) -> None:
        self.field: str | None = None
        self.join = ""
        self.last: Filter | None = None

    def forget(self) -> None:
        """Start anew, as at a parenthesis."""
        self.field = self.last = None


class Conditions:
    """Makes nodes of conditions.

    Raises
    ------
    MeaninglessError
        From `make`, where the words of a condition fit the grammar and nothing else.
    """

    def __init__(self, sentence: str) -> None:
        self.operands = Operands(sentence)
        self.comparisons = Comparisons(self.operands)
        self.subject = Subject()

    def make(self, node: Node) -> Filter:
        """Return the filter that a condition stands for."""
        if node.data in {"macro", "values", "texts"}:
            self.subject.forget()
        maker: Callable[[Node], Filter] = getattr(self, f"_{node.data}")
        try:
            return maker(node)
        except AmountError as error:
            raise self.operands.wrong(node, str(error), *error.suggestions) from error
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise self.operands.wrong(node, message) from error

    # -- what a condition is about -------------------------------------------------------------------------------

    def _named(self, node: Node) -> Filter:
        field, ago = self.operands.operand(node.node("operand"))
        test = next(child for child in node.children if isinstance(child, Node) and child.data != "operand")
        if ago and node.token("TODAY"):
            raise self.operands.wrong(node, "today or earlier: which of the two?")
        found = self.comparisons.make(test, field, ago)
        self.subject.field = field
        self.subject.last = None if node.token("NOT") else found
        return Not(filter=found) if node.token("NOT") else found

    def _unnamed(self, node: Node) -> Filter:
        test = cast("Node", node.children[0])
        if test.data in {"moved", "moved_from", "gapped"}:  # said of the price, whatever came before
            self.subject.forget()
            return self.comparisons.make(test, "close", 0)
        field = self._carried(test)
        found = self.comparisons.make(test, field, 0)
        if self.subject.join != "OR" and _exclude_each_other(self.subject.last, found):
            text = self.operands.text(test)
            raise self.operands.wrong(
                test, f'"{text}": nothing is both this and what stands before it', f"or {text}"
            )
        self.subject.field, self.subject.last = field, found
        return found

    def _carried(self, test: Node) -> str:
        before, says_price = self.subject.field, _is_about_price(test)
        if before is None or (before != "close" and says_price and not _may_be_price(before)):
            if says_price:
                return "close"
            text = self.operands.text(test)
            raise self.operands.wrong(test, f'"{text}": of which field?', f"price {text}", f"RSI {text}")
        if not self.subject.join:
            text = self.operands.text(test)
            raise self.operands.wrong(test, f'"{text}": of which field?', f"and {text}", f"price {text}")
        if says_price and before != "close" and self.subject.join == "COMMA":
            text, label = self.operands.text(test), FIELDS[before].label
            raise self.operands.wrong(
                test, f'"{text}": the price or {label}?', f"price {text}", f"{label} {text}"
            )
        return before

    def _signed(self, node: Node) -> Filter:
        field, ago = self.operands.operand(node.node("operand"))
        self.subject.field = field
        self.subject.last = self.comparisons.compare(field, ago, operator_of(node.need("SIGN")), 0.0)
        return self.subject.last

    def _values(self, node: Node) -> Filter:
        return self._in(node.need("VALUES"))

    def _texts(self, node: Node) -> Filter:
        named, values = node.need("TEXTFIELD"), node.need("VALUES")
        field = cast("tuple[str, object]", values.meaning)[0]
        if field != named.meaning:
            raise self.operands.wrong(
                node,
                f'"{values.text}" is no {named.text} but {"an" if field[0] in "aeiou" else "a"} {FIELDS[field].label}',
                f"{FIELDS[field].label} is {values.text}",
                f'{FIELDS[str(named.meaning)].label} is "{values.text}"',
            )
        negations = [name for name in ("NEQ", "NOT", "NEITHER") if node.token(name)]
        if len(negations) > 1:
            raise self.operands.wrong(node, "says not twice")
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
            raise self.operands.wrong(window, "only crossings look back over several sessions",
                "golden cross in the last 5 sessions",
            )  # fmt: skip
        return Cross.model_validate(found.model_dump() | {"within": self.operands.within(window)})


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


def _exclude_each_other(first: Filter | None, second: Filter) -> bool:
    # "below 50 and above 70" of one field: the "and" was meant as an "or"
    found = [
        node for node in (first, second) if isinstance(node, Comparison) and not isinstance(node.value, Term)
    ]
    if len(found) < 2 or len({(node.field, node.sessions_ago) for node in found}) > 1:
        return False
    upper = [node.value for node in found if node.operator[0] == "<"]
    lower = [node.value for node in found if node.operator[0] == ">"]
    return bool(upper and lower) and cast("float", upper[0]) < cast("float", lower[0])
