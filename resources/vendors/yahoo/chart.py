"""Yahoo's chart: one answer of one symbol into times and raw prices, its split adjustment undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from resources.raw.responses import RawResponse
from resources.vendors.bars import figures
from resources.vendors.yahoo.answers import only_result, unusable
from resources.vendors.yahoo.dividends_and_splits import chart_events

CHART_PATH = "/v8/finance/chart/"
PRICE_DECIMALS = 4
ARRAYS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Chart:
    """One parsed chart: bar times (epoch seconds) and raw open, high, low, close and volume, NaN for null.

    Rows without any price are dropped, and counted in ``null_rows``.

    ``actions`` are the dividends and splits that it tells, as far as it reaches. ``last_trade`` is the epoch second of the
    newest trade in the regular session that Yahoo knows of, None where it does not say.
    """

    symbol: str
    zone: str
    times: np.ndarray
    values: np.ndarray
    null_rows: int
    actions: Sequence[Mapping[str, Any]] = ()
    last_trade: int | None = None


def yahoo_symbol(symbol: str) -> str:
    """Return Yahoo's spelling: share classes with a dash, BRK-B for BRK.B."""
    return symbol.replace(".", "-")


def parse_chart(response: RawResponse, symbol: str, *, interval: str = "1d") -> Chart | None:
    """Parse one chart answer into raw prices; ``None`` if Yahoo says that it has no such symbol or no bars.

    A bar before the ex-date of a split is multiplied by the split's ratio (volume divided), for all splits in
    the answer; prices are rounded to 4 decimals, which undoes Yahoo's single precision.

    Raises
    ------
    VendorDataError
        On truncated JSON, another symbol or granularity than asked for, or arrays of unequal length.
    """
    result = only_result(response, "chart", symbol=symbol, what="chart", answer="chart answer")
    return None if result is None else _parse_result(result, response, symbol, interval)


def _parse_result(
    result: Mapping[str, Any], response: RawResponse, symbol: str, interval: str
) -> Chart | None:
    try:
        meta, (quotes,) = result["meta"], result["indicators"]["quote"]
        granularity = meta.get("dataGranularity", interval)
        if meta["symbol"] not in {symbol, yahoo_symbol(symbol)} or granularity != interval:
            raise unusable("A chart of something else than asked for", response, symbol=symbol)
        zone = str(meta["exchangeTimezoneName"])
        if not result.get("timestamp"):
            if any(quotes.get(name) for name in ARRAYS):
                raise unusable("Prices without times", response, symbol=symbol)
            return None
        times = np.array(result["timestamp"], dtype=np.int64)
        arrays = [figures(quotes[name]).to_numpy(writable=True) for name in ARRAYS]  # null becomes NaN
        if {len(array) for array in arrays} != {len(times)}:
            raise unusable("Arrays of unequal length", response, symbol=symbol)
        values = np.stack(arrays)
        events = result.get("events") or {}
        _undo_splits(values, times, events.get("splits") or {}, ZoneInfo(zone))
        actions = chart_events(events, symbol, ZoneInfo(zone))
        traded = meta.get("regularMarketTime")
        last_trade = None if traded is None else int(traded)
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError) as cause:
        raise unusable(
            "A chart lacks a field or has a wrong one", response, symbol=symbol, reason=type(cause).__name__
        ) from cause
    # a row without a price is a place-holder; one with some is judged by the checks
    told = ~np.isnan(values[:4]).all(axis=0)
    nulls = len(times) - int(told.sum())
    if nulls:
        times, values = times[told], values[:, told]
    return Chart(symbol, zone, times, values, nulls, actions, last_trade)


def _undo_splits(values: np.ndarray, times: np.ndarray, splits: Mapping[str, Any], zone: ZoneInfo) -> None:
    for split in splits.values():
        ratio = float(split["numerator"]) / float(split["denominator"])
        if not 0 < ratio < np.inf:
            raise ValueError("split ratio")
        ex_midnight = datetime.fromtimestamp(int(split["date"]), zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        before = times < ex_midnight.timestamp()
        values[:4, before] *= ratio
        values[4, before] /= ratio
    np.round(values[:4], PRICE_DECIMALS, out=values[:4])
    np.round(values[4], 0, out=values[4])
