"""What a known corporate action changes in an account that the broker has not booked yet; it explains a difference until then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from trading_assets.books.bookings import Action, in_decimal
from trading_assets.books.holdings import QUANTITY_QUANTUM

CASH = "cash"
ONE_SHARE = Decimal(1)
SHARES, CENT = Decimal("0.000001"), Decimal("0.01")


@dataclass(frozen=True)
class Expectation:
    """``amount`` is added to ours to get the broker's, within ``tolerance``: shares of a symbol, or USD of ``cash``.

    ``is_position`` says that the shares themselves are about to change, so that nothing should be ordered of them.
    """

    item: str
    amount: Decimal
    tolerance: Decimal
    action: Action
    is_position: bool = True

    def __str__(self) -> str:
        return f"{self.action}, which the broker books differently or later"


def expected_of(
    action: Action, held: Decimal, *, today: date, booked_after: timedelta
) -> Iterator[Expectation]:
    """Yield what an action that the broker has not booked is about to change.

    Parameters
    ----------
    held
        Shares of the action's symbol before its ex-date; negative when short.
    today, booked_after
        An action whose ex-date is longer ago explains nothing any more.
    """
    if not held or today > action.ex_date + booked_after:
        return
    shares = Fraction(held)
    match action.kind:
        case "split" if action.split_ratio:
            exact = shares * action.shares_per_share
            whole = Fraction(int(exact)) if not held % 1 else exact
            yield Expectation(action.symbol, _decimal(shares - whole), SHARES, action, is_position=False)
            if exact != whole:
                yield Expectation(action.symbol, _decimal(exact - whole), SHARES, action, is_position=False)
        case "cash_dividend" if action.cash_usd:
            yield _cash(action, shares, is_position=False)
        case "spin_off" if action.new_symbol and action.share_ratio:
            yield _received(action, shares)
        case "symbol_change" if action.new_symbol:
            yield Expectation(action.symbol, -held, SHARES, action)
            yield Expectation(action.new_symbol, held, SHARES, action)
        case "delisting":
            yield Expectation(action.symbol, -held, SHARES, action)
            if action.new_symbol and action.share_ratio:
                yield _received(action, shares)
            if action.cash_usd:
                yield _cash(action, shares)


def _received(action: Action, shares: Fraction) -> Expectation:
    amount = shares * Fraction(str(action.share_ratio))
    return Expectation(str(action.new_symbol), _decimal(amount), ONE_SHARE, action)


def _cash(action: Action, shares: Fraction, *, is_position: bool = True) -> Expectation:
    amount = _decimal(shares * Fraction(str(action.cash_usd)))
    return Expectation(CASH, amount.quantize(CENT), CENT, action, is_position=is_position)


def _decimal(value: Fraction) -> Decimal:
    return in_decimal(value).quantize(QUANTITY_QUANTUM)
