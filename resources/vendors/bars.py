"""Vendor bars: what the three bar sources share; which dates to ask for, and the frame they all return."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from trading_assets.errors import DataQualityError
from trading_assets.sessions import NEW_YORK, closures_between, is_session, session_close, shift
from trading_assets.tables.bars import OHLCV
from trading_assets.tables.daily import VENDOR_DAILY_BARS

BAR_COLUMNS = ("symbol", "session", *OHLCV)
BAR_SCHEMA = pl.Schema({name: next(iter(VENDOR_DAILY_BARS.values())).schema[name] for name in BAR_COLUMNS})
MAX_FIGURE = 1e300
_NUMBERS = {int, float, type(None)}
_DAYS = 1_000_000  # more days than any date is from 1970


def require_closed(sessions: Sequence[date], now: datetime, delay: timedelta) -> None:
    """Refuse to fetch a session whose bars are not final.

    Raises
    ------
    DataQualityError
        If a session's close plus the vendor's delay lies after ``now``.
    """
    for session in sessions:
        if not is_session(session):
            raise DataQualityError("Not an exchange session: ask for sessions only", session=session)
    final_at = session_close(max(sessions)) + delay
    if final_at > now:
        raise DataQualityError(
            "The session's bars are not final yet: ask again after its close and the vendor's delay",
            session=max(sessions),
            final_at=final_at.isoformat(),
            now=now.isoformat(),
        )


def dates_to_ask(sessions: Sequence[date]) -> list[date]:
    """List the sessions and the weekday closures right before each of them.

    On a closure a vendor should have nothing. What it has there is a phantom bar, which only shows if asked for.
    """
    wanted = set(sessions)
    for session in sessions:
        wanted.update(closures_between(shift(session, -1) + timedelta(days=1), session - timedelta(days=1)))
    return sorted(wanted)


def start_of_range(sessions: Sequence[date]) -> date:
    """Return the day after the session before the first one: closures in between belong to the range."""
    return shift(min(sessions), -1) + timedelta(days=1)


def new_york_midnight(day: date) -> datetime:
    """Return the instant at which ``day`` begins in New York."""
    return datetime.combine(day, time(), NEW_YORK)


def epoch_to_new_york_date(column: str, unit: str) -> pl.Expr:
    """Return the New York date of an epoch column in seconds (``s``) or milliseconds (``ms``)."""
    moment = pl.from_epoch(pl.col(column), time_unit="ms" if unit == "ms" else "s")
    return moment.dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.date()


def finish_bars(frames: list[pl.DataFrame], sessions: Sequence[date]) -> pl.DataFrame:
    """Join frames of one vendor into the table's columns and order, and empty the list.

    Output: `BAR_COLUMNS`, sorted by (symbol, session), duplicates in the order they came. Rows of sessions that
    were not asked for are left out (a range call brings its neighbours along); rows on dates that are no session
    are kept for the checks.
    """
    if not frames:
        return pl.DataFrame(schema=BAR_SCHEMA)
    frame = pl.concat(frames, rechunk=True).select(BAR_COLUMNS)
    frames.clear()  # two million bars are held once from here on, plus one column
    first, last = start_of_range(sessions), max(sessions)
    present = frame.get_column("session").unique().to_list()
    asked = set(sessions)
    keep = [day for day in present if first <= day <= last and (day in asked or not is_session(day))]
    if len(keep) < len(present):
        frame = frame.filter(pl.col("session").is_in(keep))
    order = _order(frame)
    columns = frame.get_columns()
    del frame
    for position, column in enumerate(columns):
        columns[position] = column.gather(order)
    return pl.DataFrame(columns)


def figures(values: Sequence[object], dtype: type[pl.DataType] = pl.Float64) -> pl.Series:
    """Return a vendor's numbers; null for one that is missing, or no finite number.

    A row without a price or a volume is stored as it came and refused by name by the row checks: the others go on.
    """
    found = None
    kinds = {*map(type, values)}
    if kinds <= _NUMBERS:
        with suppress(TypeError, OverflowError, pl.exceptions.PolarsError):
            found = pl.Series(values, dtype=dtype, strict=True)
            if kinds <= {int, float} and all(map(math.isfinite, values)):  # type: ignore[arg-type] # numbers, as just seen
                return found
    if found is None:  # one by one, a hundred times slower
        found = pl.Series([_number(value) for value in values], dtype=pl.Float64).cast(dtype, strict=False)
    return found.set(~found.is_finite(), None) if dtype.is_float() else found


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if -MAX_FIGURE < value < MAX_FIGURE else None


def field_without_figures(frame: pl.DataFrame, names: Iterable[str]) -> str | None:
    """Name a field that is null in most of the rows: then it is the answer that is wrong, not a row."""
    most = max(1, frame.height // 2)
    return next((name for name in names if frame.get_column(name).null_count() > most), None)


def _order(frame: pl.DataFrame) -> pl.Series:
    # one integer key and a stable sort: a fifth of the time of sorting by the two columns
    symbols = frame.get_column("symbol")
    codes = symbols.cast(pl.Enum(symbols.unique().sort())).to_physical().cast(pl.Int64)
    days = frame.get_column("session").to_physical().cast(pl.Int64)
    key = (codes * _DAYS + days).to_numpy()
    return pl.Series(np.argsort(key, kind="stable").astype(np.uint32))
