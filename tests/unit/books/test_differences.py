"""Books and broker are equal, or the difference has a name, or trading stops."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.books.differences import Holdings, Item, compare_books
from trading_assets.orders import BrokerActivity, BrokerPosition


def positions(**shares: str) -> list[BrokerPosition]:
    return [BrokerPosition(symbol, Decimal(amount), Decimal(1), {}) for symbol, amount in shares.items()]


def holdings(cash: str, **shares: str) -> Holdings:
    return Holdings(Decimal(cash), {symbol: Decimal(amount) for symbol, amount in shares.items()})


def booked(kind: str, cash: str = "0", shares: str = "0", symbol: str = "AAPL") -> BrokerActivity:
    return BrokerActivity("1", kind, symbol, Decimal(cash), Decimal(shares), {})


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


def test_dividends_and_fees_explain_cash() -> None:
    entries = [booked("DIV", "12.50"), booked("FEE", "-0.03")]
    item = compare(holdings("100"), "112.47", [], booked=entries)["cash"]
    assert item.is_match
    assert "+12.47 USD booked by the broker besides trades (DIV, FEE)" in item.explanation
    assert not compare(holdings("100"), "112.50", [], booked=entries)["cash"].is_match


def test_shares_that_a_split_added_behind_our_back_are_named_and_still_stop_trading() -> None:
    split = booked("SPLIT", shares="5")
    item = compare(holdings("0", AAPL="5"), "0", positions(AAPL="10"), booked=[split])["AAPL"]
    assert not item.is_match
    assert "SPLIT +5" in item.explanation
