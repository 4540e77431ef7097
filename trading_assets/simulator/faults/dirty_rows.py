"""What each kind of dirt does to the daily rows of one symbol; pure functions from rows to rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from trading_assets.sessions import NEW_YORK, is_session
from trading_assets.simulator.faults.dirt import DirtKind, Rule
from trading_assets.simulator.market.adjustment import scaled
from trading_assets.simulator.market.intraday import intraday
from trading_assets.simulator.market.tape import Action, Rows, day_of, joined_rows

Which = NDArray[np.bool_]


class Scene(NamedTuple):
    """What dirt may look at: the vendor, the newest published day, the symbol's actions, and other symbols' rows."""

    vendor: str
    published: int
    actions: Callable[[], list[Action]]
    rows_of: Callable[[str], Rows]


class _Spoiler(Protocol):
    def __call__(self, rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows: ...


def spoiled(rows: Rows, rule: Rule, scene: Scene) -> Rows:
    """Return a symbol's rows as a rule makes them, by day; ``rows`` must reach some days beyond what is asked for."""
    first, last = rule.days()
    which = (rows.day >= first) & (rows.day <= last)
    if not which.any() and rule.kind not in {DirtKind.PHANTOM_BAR, DirtKind.EARLY_SPLIT}:
        return rows
    found = _SPOILERS[rule.kind](rows, which, rule, scene)
    return found.take(np.argsort(found.day, kind="stable"))


def _times(rows: Rows, which: Which, factor: float, names: tuple[str, ...]) -> Rows:
    return rows._replace(
        **{name: np.where(which, getattr(rows, name) * factor, getattr(rows, name)) for name in names}
    )


_PRICES = ("open", "high", "low", "close")


def _scaled_prices(default: float) -> _Spoiler:
    def spoil(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
        del scene
        return _times(rows, which, default if rule.factor is None else rule.factor, _PRICES)

    return spoil


def _scaled_volume(default: float) -> _Spoiler:
    def spoil(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
        del scene
        factor = default if rule.factor is None else rule.factor
        return rows._replace(volume=np.where(which, np.rint(rows.volume * factor), rows.volume))

    return spoil


def _missing(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del rule, scene
    return rows.take(~which)


def _spike(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del scene
    return _times(rows, which, rule.factor or 3.0, ("high", "close"))


def _high_below_low(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    # a bar without a range gets one, so that there is something to exchange
    del rule, scene
    high = np.where(rows.high > rows.low, rows.high, rows.low * 1.01)
    return rows._replace(high=np.where(which, rows.low, rows.high), low=np.where(which, high, rows.low))


def _close_outside(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del scene
    return rows._replace(close=np.where(which, rows.high * (1.0 + (rule.factor or 0.03)), rows.close))


def _open_outside(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del scene
    return rows._replace(open=np.where(which, rows.low * (1.0 - (rule.factor or 0.03)), rows.open))


def _close_shift(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del scene
    moved = np.where(which, rows.close * (1.0 + (0.02 if rule.factor is None else rule.factor)), rows.close)
    return rows._replace(close=moved, high=np.maximum(rows.high, moved), low=np.minimum(rows.low, moved))


def _twice(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del rule, scene
    return joined_rows([rows, rows.take(which)])


def _twice_differently(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    again = rows.take(which)
    shifted = _close_shift(again, np.ones(len(again.day), np.bool_), _with(rule, rule.factor or 0.01), scene)
    return joined_rows([rows, shifted])


def _with(rule: Rule, factor: float) -> Rule:
    return Rule(rule.kind, factor=factor)


def _stale(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del rule, scene
    before = np.maximum(np.arange(len(rows.day)) - 1, 0)
    # a run of stale bars repeats the last one that was not
    for number in np.flatnonzero(which).tolist():
        before[number] = before[number - 1] if number and which[number - 1] else max(number - 1, 0)
    chosen = np.where(which, before, np.arange(len(rows.day)))
    return rows.take(chosen)._replace(day=rows.day)


def _flat(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del rule, scene
    return rows._replace(
        **{name: np.where(which, rows.close, getattr(rows, name)) for name in ("open", "high", "low")}
    )


def _unfinished(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del scene
    parts = [rows.take(~which)]
    for number in np.flatnonzero(which).tolist():
        row = rows.take(slice(number, number + 1))
        noon = datetime.combine(
            day_of(int(row.day[0])), time(12 if rule.hour is None else rule.hour), NEW_YORK
        )
        bar = intraday(row, 24 * 60, noon, extended=False)
        parts.append(
            row.take(bar.row)._replace(
                open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=bar.volume
            )
        )
    return joined_rows(parts)


def _wrong_date(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del scene
    shift = np.int32(-1 if rule.factor is None else int(rule.factor))
    return rows._replace(day=np.where(which, rows.day + shift, rows.day).astype(np.int32))


def _phantom(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    del which
    first, last = rule.days()
    if len(rows.day) == 0:
        return rows
    low, high = max(first, int(rows.day[0]) + 1), min(last, scene.published)
    closed = [
        day
        for day in range(low, high + 1)
        if not is_session(day_of(day)) and (rule.session is not None or day_of(day).weekday() < 5)
    ]
    before = np.searchsorted(rows.day, closed) - 1
    fresh = rows.take(before)._replace(day=np.array(closed, np.int32))
    return joined_rows([rows, fresh])


def _early_split(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    ratio = rule.factor
    if ratio is None:
        last = rule.days()[1]
        later = [a for a in scene.actions() if a.split_ratio and a.ex_date > _date(last)]
        ratio = float(later[0].split_ratio or 2.0) if later else 2.0
    factors = np.where(which, 1.0 / ratio, 1.0)
    return scaled(rows, factors, factors)


def _mix_up(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    # Yahoo divides by the factor that it should have multiplied with: what it then adjusts is raw
    del rule
    factors = np.ones(len(rows.day))
    for action in scene.actions():
        if action.split_ratio:
            factors[rows.day < (action.ex_date - date(1970, 1, 1)).days] /= action.split_ratio
    factors = np.where(which, 1.0 / factors if scene.vendor == "yahoo" else factors, 1.0)
    return scaled(rows, factors, factors)


def _swapped(rows: Rows, which: Which, rule: Rule, scene: Scene) -> Rows:
    other = scene.rows_of(str(rule.other))
    first, last = rule.days()
    taken = other.take((other.day >= first) & (other.day <= last))
    place = rows.place[0] if len(rows.place) else np.int32(0)
    return joined_rows([rows.take(~which), taken._replace(place=np.full(len(taken.day), place, np.int32))])


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=min(day, 100_000))


_SPOILERS: dict[DirtKind, _Spoiler] = {
    DirtKind.PHANTOM_BAR: _phantom,
    DirtKind.MISSING_SYMBOL: _missing,
    DirtKind.MISSING_SESSION: _missing,
    DirtKind.UNIVERSE_DRIFT: _missing,
    DirtKind.PRICE_X10: _scaled_prices(10.0),
    DirtKind.CURRENCY_MIX_UP: _scaled_prices(0.79),
    DirtKind.ZERO_PRICE: _scaled_prices(0.0),
    DirtKind.NEGATIVE_PRICE: _scaled_prices(-1.0),
    DirtKind.NULL_PRICE: _scaled_prices(float("nan")),
    DirtKind.PRICE_SPIKE: _spike,
    DirtKind.HIGH_BELOW_LOW: _high_below_low,
    DirtKind.CLOSE_OUTSIDE_RANGE: _close_outside,
    DirtKind.OPEN_OUTSIDE_RANGE: _open_outside,
    DirtKind.CLOSE_SHIFT: _close_shift,
    DirtKind.DUPLICATE_EQUAL: _twice,
    DirtKind.DUPLICATE_CONTRADICTING: _twice_differently,
    DirtKind.STALE_PRICE: _stale,
    DirtKind.FLAT_BAR: _flat,
    DirtKind.VOLUME_COLLAPSE: _scaled_volume(0.001),
    DirtKind.VOLUME_SPIKE: _scaled_volume(1000.0),
    DirtKind.ZERO_VOLUME: _scaled_volume(0.0),
    DirtKind.NEGATIVE_VOLUME: _scaled_volume(-1.0),
    DirtKind.UNFINISHED_BAR: _unfinished,
    DirtKind.WRONG_DATE: _wrong_date,
    DirtKind.EARLY_SPLIT: _early_split,
    DirtKind.ADJUSTMENT_MIX_UP: _mix_up,
    DirtKind.SWAPPED_SYMBOLS: _swapped,
}
ROW_KINDS = frozenset(_SPOILERS)
"""Kinds that change daily rows, and with them everything that is cut from them."""
