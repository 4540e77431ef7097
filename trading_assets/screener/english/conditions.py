"""Conditions: one condition of a sentence, as the grammar read it, to a node of the filter tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from pydantic import ValidationError

from trading_assets.indicators.registry import FEATURES
from trading_assets.screener.english.comparisons import Comparisons
from trading_assets.screener.english.lexemes import JOINING, comma_list
from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.operands import MeaninglessError, Operands
from trading_assets.screener.english.over_time import held_over
from trading_assets.screener.english.phrases.tense import Held
from trading_assets.screener.english.quantities.amounts import Amount, AmountError
from trading_assets.screener.english.spans import Node, stretch, tokens_of
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import Cross, Filter, In, Not, Or
from trading_assets.screener.ranges import relation
from trading_assets.sectors import SECTORS

OF_THE_PRICE = frozenset({"moved", "moved_from", "gapped", "grew", "grew_from"})
"""Conditions without a field that are of the price, whatever came before."""


class Subject:
    """The field that a condition is about: named in it, or carried over from the condition before ("above 5 and below 20")."""

    def __init__(self) -> None:
        self.field: str | None = None
        self.ago = 0
        self.join = ""
        self.last: Filter | None = None

    def forget(self) -> None:
        """Start anew, as at a parenthesis."""
        self.field = self.last = None
        self.ago = 0


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
        self.over_time = self.comparisons.over_time
        self.subject = Subject()

    def make(self, node: Node) -> Filter:
        """Return the filter that a condition stands for."""
        if node.data in {"macro", "macros", "values", "texts"}:
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
        test = next(
            child
            for child in node.children
            if isinstance(child, Node) and child.data not in {"operand", "ago"}
        )
        back = self.over_time.back_of(node)
        self._check_yesterday(node, test, field)
        if (ago and (node.token("TODAY", "NOW") or back)) or (back and node.token("NOW")):
            raise self.operands.wrong(node, "now or earlier: which of the two?")
        self.comparisons.said = node.node("operand").need("FIELD").text.lower()
        found = self._over_time(node, test, field, ago, back)
        self.subject.field, self.subject.ago = field, ago + back
        self.subject.last = None if node.token("NOT") else found
        return Not(filter=found) if node.token("NOT") else found

    def _unnamed(self, node: Node) -> Filter:
        test = next(child for child in node.children if isinstance(child, Node) and child.data != "ago")
        back = self.over_time.back_of(node)
        self._check_yesterday(node, test, "close")
        if back and node.token("NOW"):
            raise self.operands.wrong(node, "now or earlier: which of the two?")
        self.comparisons.said = ""
        if test.data in OF_THE_PRICE:  # said of the price, whatever came before
            self.subject.forget()
            return self._over_time(node, test, "close", 0, back)
        field = self._carried(test, says_when=bool(back or node.token("TODAY", "NOW")))
        found = self._over_time(node, test, field, 0, back)
        self._check_against_last(test, found)
        self.subject.field, self.subject.last, self.subject.ago = field, found, back
        return found

    def _check_yesterday(self, node: Node, test: Node, field: str) -> None:
        # "price above its 200-day average yesterday": was the price above it then, or is it now above what it was?
        operand = test.find("operand") or next((part.find("operand") for part in test.nodes("scaled")), None)
        if (
            operand is None
            or test.data == "crossed"
            or not operand.find("ago")
            or not operand.node("ago").token("YESTERDAY")
        ):
            return
        other = str(operand.need("FIELD").meaning)
        if other == field:
            return
        (start, _), (at, end) = stretch(node), stretch(operand.node("ago"))
        text, label = self.operands.sentence[start:at].strip(), FIELDS[other].label
        raise self.operands.wrong(
            node, f'"{self.operands.sentence[at:end]}": of both, or of the {label} alone?',
            f"{FIELDS[field].label} was {self.operands.text(test)}", f"{text} 1 session ago",
        )  # fmt: skip

    def _over_time(self, node: Node, test: Node, field: str, ago: int, back: int) -> Filter:
        # what the condition says, in the session that it is said of, or in each of several
        if not held_over(node):
            found = self.comparisons.make(test, field, ago)
            return self.over_time.earlier(node, found, back) if back else found
        self.over_time.require_plain_reach(node)
        if test.data == "moved" and test.find("period") is None:
            return self.over_time.in_each(
                node, self.comparisons.make(self._day_by_day(node, test), field, ago)
            )
        return self.over_time.in_each(node, self.comparisons.make(test, field, ago))

    def _day_by_day(self, node: Node, test: Node) -> Node:
        # "up 3 days in a row" is up in each of them; "up 2% for 3 days" may be meant in sum
        token = node.need("HELD")
        text, move = self.operands.text(test), test.need("MOVE").text
        if not cast("Held", token.meaning).in_row:
            raise self.operands.wrong(
                node, f'"{self.operands.text(node)}": in each of them, or in sum?', f"{text} 3 days in a row", f"{move} in the last week"
            )  # fmt: skip
        if cast("Held", token.meaning).span > 1:
            raise self.operands.wrong(
                node, f'"{self.operands.text(node)}": only days in a row can be asked for', f"{text} 3 days in a row", f"{move} in the last month"
            )  # fmt: skip
        today = replace(token, terminal="TODAY", meaning=None)
        return replace(test, children=(*test.children, Node("period", (today,))))

    def _check_against_last(self, test: Node, found: Filter) -> None:
        # "below 50 and above 70": the "and" was meant as an "or"; "over 1m, over 5": one of the two says nothing
        lie, text = relation(self.subject.last, found), self.operands.text(test)
        if lie == "apart" and self.subject.join != "OR":
            raise self.operands.wrong(
                test, f'"{text}": nothing is both this and what stands before it', f"or {text}"
            )
        if lie == "within" or (lie == "across" and self.subject.join == "OR"):
            label = FIELDS[self.subject.field or ""].label
            raise self.operands.wrong(
                test,
                f'"{text}": of {label} this and what stands before it are no two limits: of which field is it?',
            )

    def _carried(self, test: Node, *, says_when: bool) -> str:
        before, text = self.subject.field, self.operands.text(test)
        says_price = is_about_price(test)
        if is_about_volume(test) and before not in {"volume", "volume_sma_20"}:
            return "volume"
        if before is None:
            if says_price:
                return "close"
            names = ("MACD", "MACD histogram") if test.data == "turned" else ("price", "RSI")
            raise self.operands.wrong(
                test, f'"{text}": of which field?', *(f"{name} {text}" for name in names)
            )
        if not self.subject.join and not (says_price and not draws_over_price(before)):
            raise self.operands.wrong(test, f'"{text}": of which field?', f"and {text}", f"price {text}")
        label = FIELDS[before].label
        if says_price and not draws_over_price(before):
            if FIELDS[before].unit == "USD":
                raise self._price_or(test, label)
            return "close"
        if says_price and before != "close" and self.subject.join == "COMMA":
            raise self._price_or(test, label)
        if self.subject.ago and not says_when:
            earlier = f"{label} {self.subject.ago} session{'s' if self.subject.ago > 1 else ''} ago"
            raise self.operands.wrong(test, f'"{text}": {label} now, or {earlier}?', f"{label} {text}", f"{earlier} {text}")  # fmt: skip
        return before

    def _price_or(self, test: Node, label: str) -> MeaninglessError:
        text = self.operands.text(test)
        return self.operands.wrong(
            test, f'"{text}": the price or {label}?', f"price {text}", f"{label} {text}"
        )

    def _signed(self, node: Node) -> Filter:
        field, ago = self.operands.operand(node.node("operand"))
        self.subject.field, self.subject.ago = field, ago
        found: Filter = self.comparisons.by_sign(node, field, ago)
        if held_over(node):
            found = self.over_time.in_each(node, found)
        self.subject.last = found
        return found

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
        self._check_sector(values)
        negations = [name for name in ("NEQ", "NOT", "NEITHER") if node.token(name)]
        if len(negations) > 1:
            raise self.operands.wrong(node, "says not twice")
        names = comma_list(values.text, unless={*JOINING, ")"})
        if negations and names and not node.token("LPAR") and field not in {"symbol", "name", "industry"}:
            raise self.operands.wrong(
                node, "not any of them, or not the first?", f"{named.text} is neither {' nor '.join(names)}",
                f"{' or '.join(names[1:])}, but not {names[0]}",
            )  # fmt: skip
        found = self._in(values)
        return Not(filter=found) if negations else found

    def _check_sector(self, values: Token) -> None:
        field, named = cast("tuple[str, tuple[str, ...]]", values.meaning)
        sectors = [sector.name for sector in SECTORS]
        if field == "sector" and not set(named) <= set(sectors):
            raise self.operands.wrong(values, f"there are eleven sectors: {', '.join(sectors)}", *sectors)

    def _in(self, token: Token) -> In:
        field, values = cast("tuple[str, tuple[str, ...]]", token.meaning)
        return In(field=field, values=values)

    def _macros(self, node: Node) -> Filter:
        meant = cast("tuple[str | tuple[str, tuple[str, ...]], ...]", node.need("MACROS").meaning)
        if len(set(meant)) < 2:
            raise self.operands.wrong(node, "says the same twice", str(meant[0]))
        return Or(
            filters=tuple(
                MACROS[one].filter if isinstance(one, str) else In(field=one[0], values=one[1])
                for one in meant
            )
        )

    def _macro(self, node: Node) -> Filter:
        token = node.need("MACRO")
        found = MACROS[str(token.meaning)].filter
        window, back = node.find("window"), self.over_time.back_of(node)
        if held_over(node):
            return self.over_time.in_each(node, found)
        if back:
            return self.over_time.earlier(node, found, back)
        if window is None or (window.token("TODAY") and not isinstance(found, Cross)):
            return found
        if not isinstance(found, Cross):
            raise self.operands.wrong(window, "only crossings look back over several sessions; of others say in each of them, or how many ago",
                "golden cross in the last 5 sessions", "oversold in each of the last 5 sessions",
            )  # fmt: skip
        return Cross.model_validate(found.model_dump() | {"within": self.operands.within(window)})


def is_about_price(test: Node) -> bool:
    """Say whether a condition without a field speaks of dollars without K, M or B, or of what is drawn over the price."""
    found = tokens_of(test)
    amounts = [token.meaning for token in found if isinstance(token.meaning, Amount)]
    fields = [str(token.meaning) for token in found if token.terminal == "FIELD"]
    if fields:
        return all(map(draws_over_price, fields))
    return any(amount.unit == "$" for amount in amounts) and not any(amount.magnitude for amount in amounts)


def is_about_volume(test: Node) -> bool:
    """Say whether a condition without a field compares with the usual volume: "3x average volume"."""
    fields = [str(token.meaning) for token in tokens_of(test) if token.terminal == "FIELD"]
    return bool(fields) and set(fields) == {"volume_sma_20"}


def draws_over_price(field: str) -> bool:
    """Say whether a field is a price that is drawn over the price: itself, its averages, bands and extremes."""
    return FIELDS[field].scale == "price" and field in FEATURES and FEATURES[field].pane == "price"
