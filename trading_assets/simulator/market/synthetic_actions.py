"""Corporate actions of the synthetic market, one row an event, with the terms that its prices imply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trading_assets.sessions import next_session
from trading_assets.simulator.market.synthetic_draws import FIRST_YEAR, Block, year_actions
from trading_assets.simulator.market.synthetic_events import Events, Removal, SpinOff
from trading_assets.simulator.market.tape import Action, day_number, day_of, publication

_NOTICE = {
    "split": timedelta(days=14),
    "cash_dividend": timedelta(days=21),
    "spin_off": timedelta(days=28),
    "symbol_change": timedelta(days=10),
    "worthless_removal": timedelta(days=3),
}
_MERGER_NOTICE = timedelta(days=30)
_MOST_SHARES = 20


class Prices(Protocol):
    """What the terms of an event are worked out from."""

    def first_session(self) -> date:
        """Return the first session with bars."""
        ...

    def last_session(self) -> date:
        """Return the last session that this market can ever show."""
        ...

    def ticker_on(self, b: int, c: int, day: int) -> str:
        """Return the ticker of a company on a day number."""
        ...

    def value_on(self, b: int, c: int, day: int) -> float:
        """Return the close of a company on a weekday, listed or not."""
        ...


def actions_of(
    blocks: Sequence[Block],
    events: Sequence[Events],
    prices: Prices,
    weekdays: Sequence[NDArray[np.int32]],
) -> Iterator[Action]:
    """Yield every action with an ex-date after the market's first session."""
    first, last = day_number(prices.first_session()), day_number(prices.last_session())
    for y in range(prices.first_session().year - FIRST_YEAR, len(weekdays)):
        exes = [next_session(day_of(day - 1)) if day <= last else None for day in weekdays[y].tolist()]
        for b, (block, drawn) in enumerate(zip(blocks, events, strict=True)):
            yield from _payments(b, block, drawn, prices, first=first, y=y, exes=exes)
            # events of one block and year together: their prices are drawn once
            for spin_off in drawn.spin_offs:
                if spin_off.ex_day > first and day_of(spin_off.ex_day).year - FIRST_YEAR == y:
                    yield _spin_off(b, spin_off, prices)
            for removal in drawn.removals:
                if removal.last_day >= first and day_of(removal.last_day).year - FIRST_YEAR == y:
                    yield _removal(b, removal, prices)
            for c, day in drawn.renamed.items():
                if day > first and day_of(day).year - FIRST_YEAR == y:
                    yield _action(
                        prices.ticker_on(b, c, day - 1),
                        day_of(day),
                        "symbol_change",
                        new_symbol=prices.ticker_on(b, c, day),
                    )


def _payments(
    b: int,
    block: Block,
    drawn: Events,
    prices: Prices,
    *,
    first: int,
    y: int,
    exes: Sequence[date | None],
) -> Iterator[Action]:
    for c in range(len(block.symbols)):
        left = float(drawn.spin_scale[c, y])
        for kind, slot, ratio, cash in year_actions(block, c, y, left):
            ex_date = exes[min(slot, len(exes) - 1)]
            if ex_date is None or not max(first, block.listed[c]) < day_number(ex_date) <= block.delisted[c]:
                continue
            symbol = prices.ticker_on(b, c, day_number(ex_date))
            yield _action(symbol, ex_date, kind, split_ratio=ratio, cash_usd=cash)


def _spin_off(b: int, event: SpinOff, prices: Prices) -> Action:
    before = event.ex_day - 1
    while day_of(before).weekday() > 4:
        before -= 1
    worth = prices.value_on(b, event.parent, before) * event.worth_frac
    return _action(
        prices.ticker_on(b, event.parent, event.ex_day),
        day_of(event.ex_day),
        "spin_off",
        new_symbol=prices.ticker_on(b, event.child, event.ex_day),
        share_ratio=round(worth / prices.value_on(b, event.child, before), 6),
        price_factor=1.0 - event.worth_frac,
    )


def _removal(b: int, event: Removal, prices: Prices) -> Action:
    ex_date = next_session(day_of(event.last_day))
    price = prices.value_on(b, event.column, event.last_day)
    paid = 0.0 if event.acquirer is None else prices.value_on(b, event.acquirer, event.last_day)
    # nobody pays with hundreds of shares for one
    kind = "cash_merger" if event.acquirer is not None and price / paid > _MOST_SHARES else event.kind
    cash = {"cash_merger": round(price, 2), "stock_and_cash_merger": round(price / 2, 2)}.get(kind)
    shares = acquirer = None
    if event.acquirer is not None and kind != "cash_merger":
        acquirer = prices.ticker_on(b, event.acquirer, day_number(ex_date))
        shares = round((price - (cash or 0.0)) / paid, 6)
    return _action(
        prices.ticker_on(b, event.column, event.last_day),
        ex_date,
        "delisting",
        cash_usd=cash,
        new_symbol=acquirer,
        share_ratio=shares,
        detail=kind,
    )


def _action(
    symbol: str,
    ex_date: date,
    kind: str,
    *,
    split_ratio: float | None = None,
    cash_usd: float | None = None,
    new_symbol: str | None = None,
    share_ratio: float | None = None,
    price_factor: float | None = None,
    detail: str | None = None,
) -> Action:
    notice = _NOTICE.get(detail or kind, _MERGER_NOTICE)
    return Action(
        symbol=symbol,
        ex_date=ex_date,
        kind=kind,
        split_ratio=split_ratio,
        cash_usd=cash_usd,
        known_at=publication(ex_date - notice),
        new_symbol=new_symbol,
        share_ratio=share_ratio,
        price_factor=price_factor,
        detail=detail,
    )
