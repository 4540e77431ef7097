"""Books and broker are equal, or the difference has a name, or trading stops."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from trading_assets.books.bookings import Action, Activity
from trading_assets.books.differences import Holdings, Item, compare_books
from trading_assets.books.expected import Expectation
from trading_assets.orders import ActivityId, BrokerPosition

DAY = date(2024, 6, 3)


def positions(**shares: str) -> list[BrokerPosition]:
    return [BrokerPosition(symbol, Decimal(amount), Decimal(1), {}) for symbol, amount in shares.items()]


def holdings(cash: str, **shares: str) -> Holdings:
    return Holdings(Decimal(cash), {symbol: Decimal(amount) for symbol, amount in shares.items()})


def compare(books: Holdings, cash: str, held: list[BrokerPosition], **options: object) -> dict[str, Item]:
    given = {"unpublished": Holdings(), "waiting": {}, **options}
    return {item.item: item for item in compare_books(books, Decimal(cash), held, **given)}


def test_equal_books_match_item_by_item() -> None:
    items = compare(holdings("100", AAPL="5", MSFT="0"), "100", positions(AAPL="5"))
    assert [(item.item, item.is_match, item.explanation) for item in items.values()] == [
        ("cash", True, "equal"),
        ("AAPL", True, "equal"),
    ]


@pytest.mark.parametrize(
    ("ours", "brokers", "is_match"),
    [("5", "5.000001", True), ("5", "5.0000011", False), ("5", "-5", False), ("0", "1", False)],
)
def test_shares_match_to_a_millionth(ours, brokers, is_match) -> None:
    assert compare(holdings("0", AAPL=ours), "0", positions(AAPL=brokers))["AAPL"].is_match is is_match


@pytest.mark.parametrize(("brokers", "is_match"), [("100.01", True), ("99.99", True), ("100.011", False)])
def test_cash_matches_to_a_cent(brokers, is_match) -> None:
    assert compare(holdings("100"), brokers, [])["cash"].is_match is is_match


def test_a_position_that_only_one_side_has_is_a_difference() -> None:
    items = compare(holdings("0", AAPL="5"), "0", positions(MSFT="3"))
    assert [(item.item, item.difference) for item in items.values() if not item.is_match] == [
        ("AAPL", Decimal(5)),
        ("MSFT", Decimal(-3)),
    ]


def test_executions_that_are_not_published_yet_explain_exactly_themselves() -> None:
    later = holdings("-300", AAPL="3")
    items = compare(holdings("1000"), "700", positions(AAPL="3"), unpublished=later)
    assert all(item.is_match and item.explanation.startswith("explained") for item in items.values())
    assert not compare(holdings("1000"), "600", positions(AAPL="4"), unpublished=later)["AAPL"].is_match


def change(item: str, amount: str, tolerance: str = "0") -> Expectation:
    action = Action("AAPL", DAY, "split", split_ratio=2.0)
    return Expectation(item, Decimal(amount), Decimal(tolerance), action)


def test_what_a_known_action_is_about_to_change_explains_exactly_itself() -> None:
    expected = [change("AAPL", "-5"), change("cash", "12.50")]
    items = compare(holdings("100", AAPL="10"), "112.50", positions(AAPL="5"), expected=expected)
    assert all(item.is_match for item in items.values())
    assert "split 2 for 1" in items["AAPL"].explanation
    assert not compare(holdings("100", AAPL="10"), "112.52", positions(AAPL="6"), expected=expected)[
        "AAPL"
    ].is_match
    near = compare(holdings("0"), "0", positions(AAPL="3"), expected=[change("AAPL", "3.4", "1")])
    assert near["AAPL"].is_match, "the fraction of a share that is paid in cash"


def test_an_activity_that_no_rule_books_is_named_where_it_differs() -> None:
    told = [(Activity(ActivityId("1"), "XYZ", "AAPL", DAY, shares=Decimal(5)), "not known")]
    items = compare(holdings("0", AAPL="5", MSFT="1"), "0", positions(AAPL="10", MSFT="1"), unexplained=told)
    assert not items["AAPL"].is_match
    assert "XYZ +5 on 2024-06-03: not known" in items["AAPL"].explanation
    assert items["MSFT"].explanation == "equal"


def test_any_of_the_reasons_together_explain_and_no_others() -> None:
    expected = [change("cash", "100"), change("cash", "200"), change("cash", "500")]
    assert compare(holdings("0"), "300", [], expected=expected)["cash"].is_match
    assert compare(holdings("0"), "700", [], expected=expected)["cash"].is_match
    assert not compare(holdings("0"), "400", [], expected=expected)["cash"].is_match


def test_what_was_known_to_differ_is_the_same_while_executions_are_not_published() -> None:
    known = {"cash": Decimal(100)}
    later = holdings("-5000")
    for options in ({}, {"unpublished": later}):
        brokers = "900" if not options else "-4100"
        item = compare(holdings("1000"), brokers, [], standing=known, **options)["cash"]
        assert (item.is_match, item.is_as_known) == (False, True)
    other = compare(holdings("1000"), "850", [], standing=known)["cash"]
    assert (other.is_match, other.is_as_known) == (False, False)
