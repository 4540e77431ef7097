"""Round trips: purchases matched with the sales that ended them, first in first out, by strategy; their profits add up to the account's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, localcontext

import polars as pl

from trading_assets.backtest.portfolio import BacktestFill, Crossing, Event, Portfolio
from trading_assets.books.bookings import ZERO
from trading_assets.books.holdings import DIGITS
from trading_assets.books.lots import Lot, take_oldest

ROUND_TRIP_SCHEMA = pl.Schema(
    {
        "strategy": pl.String(),
        "symbol": pl.String(),
        "entry_session": pl.Date(),
        "exit_session": pl.Date(),
        "quantity": pl.Float64(),
        "entry_price_usd": pl.Float64(),
        "exit_price_usd": pl.Float64(),
        "price_profit_usd": pl.Float64(),
        "income_usd": pl.Float64(),
        "costs_usd": pl.Float64(),
        "profit_usd": pl.Float64(),
        "return_frac": pl.Float64(),
        "entry_reason": pl.String(),
        "exit_reason": pl.String(),
    }
)
"""``exit_session`` is null while shares are held; they are valued at the last close. Prices are in the scale of the exit."""


@dataclass(frozen=True)
class _Exit:
    """How shares left: ``session`` None if they are still there."""

    price: Decimal
    costs: Decimal
    session: date | None
    why: str


@dataclass
class _Ledger:
    lots: dict[tuple[str, str], list[Lot]] = field(default_factory=dict)
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def of(self, symbol: str) -> list[Lot]:
        return [lot for (_, own), lots in self.lots.items() if own == symbol for lot in lots]

    def buy(self, lot: Lot) -> None:
        self.lots.setdefault((lot.strategy, lot.symbol), []).append(lot)

    def leave(self, key: tuple[str, str], shares: Decimal, how: _Exit) -> None:
        """Take shares out of the oldest lots."""
        for lot in take_oldest(self.lots.get(key, []), shares):
            self.rows.append(_row(lot, replace(how, costs=how.costs * lot.quantity / shares)))


def round_trips(portfolio: Portfolio, last_close: Mapping[str, float]) -> pl.DataFrame:
    """Match purchases and sales.

    Parameters
    ----------
    portfolio
        An account's fills, events and crossings.
    last_close
        Of what is still held.

    Returns
    -------
    pl.DataFrame
        Rows of ``ROUND_TRIP_SCHEMA`` by exit; open ones last. The profits add up to equity less opening cash, but for interest.
    """
    with localcontext(prec=DIGITS):
        ledger = _Ledger()
        # each is in order of time, and sorting keeps it: of a session, events come before fills, crossings last
        items: list[Event | BacktestFill | Crossing] = [
            *portfolio.events,
            *portfolio.fills,
            *portfolio.crossings,
        ]
        for item in sorted(items, key=lambda entry: entry.session):
            if isinstance(item, Event):
                _happen(ledger, item)
            elif isinstance(item, Crossing):
                _trade(ledger, item, ZERO, "from another strategy")
            else:
                _trade(ledger, item, item.fees_usd + item.slippage_usd, item.reason)
        for key, lots in sorted(ledger.lots.items()):
            price = Decimal(repr(last_close.get(key[1], 0.0)))
            ledger.leave(key, sum((lot.quantity for lot in lots), ZERO), _Exit(price, ZERO, None, ""))
    return pl.DataFrame(ledger.rows, schema=ROUND_TRIP_SCHEMA, orient="row")


def _trade(ledger: _Ledger, done: BacktestFill | Crossing, paid: Decimal, reason: str) -> None:
    moved = sum(map(abs, done.shares.values()), ZERO)
    for strategy, change in sorted(done.shares.items()):
        costs = paid * abs(change) / moved
        if change > 0:
            ledger.buy(Lot(strategy, done.symbol, done.session, change, done.price_usd, costs, reason=reason))
        else:
            ledger.leave((strategy, done.symbol), -change, _Exit(done.price_usd, costs, done.session, reason))


def _happen(ledger: _Ledger, event: Event) -> None:
    lots = ledger.of(event.symbol)
    held = sum((lot.quantity for lot in lots), ZERO)
    if not held:
        return
    if event.kept == 0 and event.into is None:  # the listing ended, with or without money
        for strategy in sorted({lot.strategy for lot in lots}):
            own = sum((lot.quantity for lot in lots if lot.strategy == strategy), ZERO)
            price = event.cash_usd / event.quantity
            ledger.leave(
                (strategy, event.symbol), own, _Exit(price, ZERO, event.session, event.kind.replace("_", " "))
            )
        return
    for lot in lots:
        part = lot.quantity / held
        lot.income_usd += event.cash_usd * part
        if event.into is not None and event.received:
            cost = event.worth_usd if event.kept else lot.price_usd * event.quantity / event.received
            ledger.buy(
                replace(
                    lot,
                    symbol=event.into,
                    quantity=event.received * part,
                    price_usd=cost,
                    costs_usd=ZERO,
                    income_usd=ZERO,
                )
                if event.kept
                else replace(lot, symbol=event.into, quantity=event.received * part, price_usd=cost)
            )
        if event.kept:
            # what the shares had cost stays with those that are left, less what went along
            cost = lot.cost_usd - (event.worth_usd * event.received * part if event.into else ZERO)
            lot.quantity = event.kept * part
            lot.price_usd = cost / lot.quantity
        else:
            lot.quantity = ZERO
    if not event.kept:
        for key in [key for key in ledger.lots if key[1] == event.symbol]:
            del ledger.lots[key]


def _row(lot: Lot, how: _Exit) -> tuple[object, ...]:
    gained = (how.price - lot.price_usd) * lot.quantity
    paid = lot.costs_usd + how.costs
    profit, put_in = gained + lot.income_usd - paid, lot.cost_usd
    return (
        lot.strategy, lot.symbol, lot.session, how.session, float(lot.quantity), float(lot.price_usd), float(how.price),
        float(gained), float(lot.income_usd), float(paid), float(profit), float(profit / put_in) if put_in else 0.0,
        lot.reason, how.why,
    )  # fmt: skip
