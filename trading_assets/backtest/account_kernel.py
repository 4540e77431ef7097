"""The account kernel: one account a symbol, run bar by bar from signals to trades; every event in the order of a real day.

A bar's day: what was held through the night pays for what it borrowed, is split and paid its dividends, the order of yesterday's close is filled at the
open, stops and targets are looked at within the bar, the close values what is left, and the signal of the close becomes the
next open's order. Nothing of a bar decides an order that is filled in it.

An account that is worth 0 or less at a close is closed there, and has no cash to enter with again: it falls below 0 only by what the
price moved since the close before. In a bar without volume nothing is filled if a cost or a limit depends on volume. The limit of
a bar's volume is for all that is filled at its open, so that a reversal leaves and enters within one; exits within the bar and at
its close are filled whole, at the slippage alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled

NOTHING, LONG, LEAVE, SHORT = 0, 1, 2, 3
"""Signals of a close, as the kernel reads them."""
OPEN, BY_SIGNAL, STOPPED, TARGET, TRAILED, TIME, DELISTED, REVERSED, PAID_OUT, LIQUIDATED = range(10)
"""Why a trade ended."""
LOT, FRACTIONAL, WHOLE = 0.0, 1.0, 2.0
"""How a position is sized: so many shares, or a part of the equity, in fractions of a share or whole ones."""
RULES = (
    "sizing", "size", "reserve_frac", "sized_at_fill", "stop_frac", "target_frac", "trail_frac", "max_bars",
    "max_volume_frac", "leverage", "cash_usd",
)  # fmt: skip
"""Places of the numbers in ``rules``."""
PLACED = ("entry_row", "exit_row", "side", "reason")
MEASURED = (
    "entry_price", "exit_price", "shares", "left_shares", "fees_usd", "slippage_usd", "dividends_usd", "borrow_usd",
    "profit_usd", "worst_frac", "best_frac",
)  # fmt: skip
COUNTED = ("trades", "ambiguous_bars", "refused_orders", "shrunk_orders", "partial_fills", "liquidations")
"""Places in ``counts``: so many rows of trades, and how often something happened that a reader must know."""


@compiled
def run_symbols(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one loop over an account's day: its order is the rule
    first: int,
    last: int,
    starts: IndexArray,
    days: IndexArray,
    prices: FloatArray,
    volume: FloatArray,
    volatility: FloatArray,
    split: FloatArray,
    dividend: FloatArray,
    final_value: FloatArray,
    signals: NDArray[np.int8],
    rules: FloatArray,
    costs: FloatArray,
    room: IndexArray,
    placed: IndexArray,
    measured: FloatArray,
    counts: IndexArray,
    final: FloatArray,
    equity: FloatArray,
) -> None:
    """Run the accounts of symbols ``first`` to ``last`` (excluded).

    Parameters
    ----------
    starts
        First row of each symbol, and the number of rows: symbol after symbol, each in order of time.
    days, prices, volume, volatility
        By row: days since 1970; raw open, high, low, close (rows, 4); shares; daily volatility known at the open (or empty).
    split, dividend
        By row: shares for one, and USD a share before that split, both at the row's open (or empty: there are none).
    final_value
        By symbol: what a share is worth after the last row, NaN if the symbol is traded on.
    room
        By symbol: the first row of its trades in ``placed`` and ``measured``, and the number of rows.
    placed, measured, counts, final, equity
        Written to: trades (``PLACED``, ``MEASURED``), counts by symbol, final equity by symbol, equity by row (or empty).
    """
    sizing, size, reserve, at_fill = rules[0], rules[1], rules[2], rules[3] != 0.0
    stop_frac, target_frac, trail_frac, max_bars = rules[4], rules[5], rules[6], rules[7]
    max_volume, leverage, opening = rules[8], rules[9], rules[10]
    fee_frac, fee_share, sell_frac, sell_share, sell_most = costs[0], costs[1], costs[2], costs[3], costs[4]
    slip, impact, vol_mult, borrow_rate, margin_rate = costs[5], costs[6], costs[7], costs[8], costs[9]
    has_actions, has_volatility, keeps_equity = len(split) > 0, len(volatility) > 0, len(equity) > 0
    needs_volume = max_volume > 0.0 or impact > 0.0 or vol_mult > 0.0
    has_exits = stop_frac > 0.0 or target_frac > 0.0 or trail_frac > 0.0

    def moved_by(row: int, quantity: float) -> float:
        share = quantity / volume[row] if volume[row] > 0.0 else 0.0
        moved: float = slip + impact * share * share
        if has_volatility:
            moved += vol_mult * volatility[row] * np.sqrt(share)
        return moved

    def fees_of(quantity: float, notional: float, lost: float, buys: bool) -> float:
        charged: float = (notional + (lost if buys else -lost)) * fee_frac + quantity * fee_share
        if not buys:
            taf = quantity * sell_share
            charged += notional * sell_frac + (min(taf, sell_most) if sell_most > 0.0 else taf)
        return charged

    def keep(  # noqa: PLR0917 - numba puts it in place, by position
        trade: int, row: int, why: int, price: float, full: float, left: float, charges: float, lost: float,
        got: float, lent: float, profit: float, low: float, high: float,
    ) -> None:  # fmt: skip
        placed[trade, 1], placed[trade, 3] = row, why
        measured[trade, 1], measured[trade, 2], measured[trade, 3] = price, full, left
        measured[trade, 4], measured[trade, 5], measured[trade, 6], measured[trade, 7] = (
            charges,
            lost,
            got,
            lent,
        )
        measured[trade, 8], measured[trade, 9], measured[trade, 10] = profit, low, high

    for symbol in range(first, last):
        begin, end = starts[symbol], starts[symbol + 1]
        cash, shares, wanted = opening, 0.0, NOTHING
        trade = room[symbol]
        basis = peak = entry_price = 0.0
        paid = fees = slipped = received = borrowed = bought = sold = sold_usd = 0.0
        worst = best = 0.0
        entry_row = begin
        for row in range(begin, end):
            open_ = prices[row, 0]
            trades_none = needs_volume and volume[row] <= 0.0
            if shares != 0.0:
                # the night's shares and close are those before the day's actions
                nights = days[row] - days[row - 1]
                if shares < 0.0 and borrow_rate > 0.0:
                    fee = -shares * prices[row - 1, 3] * borrow_rate * nights / 360.0
                    cash -= fee
                    borrowed += fee
                if cash < 0.0 and margin_rate > 0.0:
                    fee = -cash * margin_rate * nights / 360.0
                    cash -= fee
                    borrowed += fee
                if has_actions and (split[row] != 1.0 or dividend[row] != 0.0):
                    income = shares * dividend[row]
                    cash += income
                    received += income
                    ratio = split[row]
                    if ratio != 1.0:
                        shares *= ratio
                        bought *= ratio
                        sold *= ratio
                        basis /= ratio
                        peak /= ratio
                        entry_price /= ratio
                        if sizing != FRACTIONAL:
                            whole = np.floor(abs(shares) + 1e-9) * np.sign(shares)
                            income = (shares - whole) * open_
                            cash += income
                            received += income
                            part = abs(shares - whole)
                            bought -= part
                            shares = whole
                            if shares == 0.0:
                                keep(
                                    trade, row, PAID_OUT, open_, part, 0.0, fees, slipped, received, borrowed,
                                    received - paid - borrowed, worst, best,
                                )  # fmt: skip
                                trade += 1

            # 0: no more, 1: leave, 2: enter; a reversal is both
            step, room_left = 1, max_volume * volume[row]
            while wanted != NOTHING and step <= 2:
                leaves = step == 1
                step += 1
                quantity = 0.0
                if leaves:
                    if (
                        shares == 0.0
                        or (wanted == LONG and shares > 0.0)
                        or (wanted == SHORT and shares < 0.0)
                    ):
                        continue
                    quantity = -shares
                else:
                    if wanted == LEAVE or shares != 0.0:
                        continue
                    price = prices[row - 1, 3]
                    if has_actions:
                        price /= split[row]
                    side = 1.0 if wanted == LONG else -1.0
                    # what a share takes up at the price that it really is: its value and all costs, of a short one as well
                    unit = open_ * (1.0 + slip) * (1.0 + fee_frac) + fee_share
                    if side < 0.0:
                        unit += open_ * sell_frac + sell_share
                    if sizing == LOT:
                        quantity = size
                    elif at_fill:
                        quantity = cash * size / unit
                    else:
                        quantity = cash * size * (1.0 - reserve) / (price * (1.0 + fee_frac) + fee_share)
                    if sizing != FRACTIONAL:
                        quantity = np.floor(quantity + 1e-9)
                    # what the cash and the leverage cap allow
                    most = cash * leverage / unit * (1.0 + 1e-12)
                    if quantity > most:
                        if sizing == LOT:
                            counts[symbol, 2] += 1
                            continue
                        counts[symbol, 3] += 1
                        quantity = np.floor(most) if sizing == WHOLE else most
                    if not quantity > 0.0:
                        counts[symbol, 2] += 1
                        continue
                    quantity *= side
                if trades_none:
                    counts[symbol, 4] += 1
                    continue
                if max_volume > 0.0 and abs(quantity) > room_left:
                    counts[symbol, 4] += 1
                    quantity = np.sign(quantity) * room_left
                    if sizing != FRACTIONAL:
                        quantity = np.sign(quantity) * np.floor(abs(quantity) + 1e-9)
                if quantity == 0.0:
                    continue
                # the price that an order moves rises with the order: what fits is searched for
                full, low_, high_ = abs(quantity), 0.0, abs(quantity)
                lost = full * open_ * moved_by(row, full)
                charged = fees_of(full, full * open_, lost, quantity > 0.0)
                if not leaves and full * open_ + lost + charged > cash * leverage * (1.0 + 1e-9):
                    counts[symbol, 2 if sizing == LOT else 3] += 1
                    if sizing == LOT:
                        continue
                    for _ in range(60):
                        full = (low_ + high_) / 2.0
                        lost = full * open_ * moved_by(row, full)
                        charged = fees_of(full, full * open_, lost, quantity > 0.0)
                        if full * open_ + lost + charged > cash * leverage:
                            high_ = full
                        else:
                            low_ = full
                    full = np.floor(low_) if sizing == WHOLE else low_
                    if full == 0.0:
                        counts[symbol, 2] += 1
                        continue
                    lost = full * open_ * moved_by(row, full)
                    charged = fees_of(full, full * open_, lost, quantity > 0.0)
                    quantity = full * np.sign(quantity)
                notional = quantity * open_
                cash -= notional + lost + charged
                room_left -= abs(quantity)
                if leaves:
                    fees += charged
                    slipped += lost
                    paid += notional + lost + charged
                    sold += abs(quantity)
                    sold_usd += abs(notional)
                    shares += quantity
                    if shares == 0.0:
                        reached = -np.sign(quantity) * (open_ / entry_price - 1.0)
                        worst, best = min(worst, reached), max(best, reached)
                        why = REVERSED if wanted != LEAVE else BY_SIGNAL
                        keep(
                            trade, row, why, sold_usd / sold, bought, 0.0, fees, slipped, received, borrowed,
                            received - paid - borrowed, worst, best,
                        )  # fmt: skip
                        trade += 1
                else:
                    shares = quantity
                    entry_row, entry_price, basis, peak = row, open_, open_, open_
                    fees, slipped, received, borrowed = charged, lost, 0.0, 0.0
                    paid, bought, sold, sold_usd = notional + lost + charged, abs(quantity), 0.0, 0.0
                    worst = best = 0.0
                    placed[trade, 0], placed[trade, 1] = row, -1
                    placed[trade, 2], placed[trade, 3] = (1 if quantity > 0.0 else -1), OPEN
                    measured[trade, 0] = open_
            # what a thin market left of a position is still to go at the next open
            if shares == 0.0 or (wanted == LONG and shares > 0.0) or (wanted == SHORT and shares < 0.0):
                wanted = NOTHING

            close = prices[row, 3]
            value = cash + shares * close
            if shares != 0.0:
                high, low = prices[row, 1], prices[row, 2]
                side = 1.0 if shares > 0.0 else -1.0
                adverse, favourable = (low, high) if side > 0.0 else (high, low)
                hit, at = OPEN, 0.0
                if has_exits and not trades_none:
                    if stop_frac > 0.0:
                        level = basis * (1.0 - side * stop_frac)
                        if side * (adverse - level) <= 0.0:
                            hit, at = STOPPED, level
                    if trail_frac > 0.0:
                        level = peak * (1.0 - side * trail_frac)
                        if side * (adverse - level) <= 0.0 and (hit == OPEN or side * (level - at) > 0.0):
                            hit, at = TRAILED, level
                    # a bar that opens beyond a level is decided there, whatever it reaches later
                    gapped = hit != OPEN and side * (open_ - at) <= 0.0
                    if gapped:
                        at = open_
                    elif target_frac > 0.0:
                        level = basis * (1.0 + side * target_frac)
                        if side * (open_ - level) >= 0.0:
                            hit, at, gapped = TARGET, open_, True
                        elif side * (favourable - level) >= 0.0:
                            if hit == OPEN:
                                hit, at = TARGET, level
                            else:
                                # which came first is not known: the worse one is taken
                                counts[symbol, 1] += 1
                    peak = max(peak, high) if side > 0.0 else min(peak, low)
                    # of the bar of the exit counts what came before it; where that is not known, only what went against
                    if hit != OPEN:
                        if hit == TARGET:
                            favourable = at
                            if gapped:
                                adverse = at
                        else:
                            adverse, favourable = at, open_
                worst = min(worst, side * (adverse / entry_price - 1.0))
                best = max(best, side * (favourable / entry_price - 1.0))
                if hit == OPEN and not trades_none:
                    if value <= 0.0:
                        hit, at = LIQUIDATED, close
                        counts[symbol, 5] += 1
                    elif max_bars > 0.0 and row - entry_row + 1 >= max_bars:
                        hit, at = TIME, close
                if row == end - 1 and hit == OPEN and not np.isnan(final_value[symbol]):
                    hit, at = DELISTED, final_value[symbol]
                if hit != OPEN:
                    moved = 0.0 if hit in (TARGET, DELISTED) else slip
                    quantity = -shares
                    notional = quantity * at
                    lost = abs(notional) * moved
                    charged = 0.0
                    if hit != DELISTED:
                        charged = fees_of(abs(quantity), abs(notional), lost, quantity > 0.0)
                    cash -= notional + lost + charged
                    fees += charged
                    slipped += lost
                    paid += notional + lost + charged
                    sold += abs(quantity)
                    sold_usd += abs(notional)
                    shares, value = 0.0, cash
                    wanted = NOTHING
                    keep(
                        trade, row, hit, sold_usd / sold, bought, 0.0, fees, slipped, received, borrowed,
                        received - paid - borrowed, worst, best,
                    )  # fmt: skip
                    trade += 1
            if keeps_equity:
                equity[row] = value
            if signals[row] != NOTHING:
                wanted = signals[row]
        if shares != 0.0:
            close = prices[end - 1, 3]
            keep(
                trade, -1, OPEN, close, bought, abs(shares), fees, slipped, received, borrowed,
                received + shares * close - paid - borrowed, worst, best,
            )  # fmt: skip
            trade += 1
        counts[symbol, 0] = trade - room[symbol]
        final[symbol] = cash + shares * prices[end - 1, 3]
