"""Half hours of a vendor into hourly bars: one row per (symbol, hour of the session), finished hours only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from resources.vendors.bars import start_of_range
from trading_assets.errors import DataQualityError
from trading_assets.sessions import NEW_YORK, is_session, session_hours, sessions_between
from trading_assets.tables.bars import OHLCV
from trading_assets.tables.hourly import VENDOR_HOURLY_BARS
from trading_assets.tables.table import UTC_INSTANT

HALF_HOUR = timedelta(minutes=30)
HALF_HOUR_SCHEMA = pl.Schema(
    {"symbol": pl.String(), "start": UTC_INSTANT, **{name: column.dtype for name, column in OHLCV.items()}}
)
"""What the parsers of the three vendors return: ``start`` of each half hour, raw prices."""
NO_HALF_HOURS = pl.DataFrame(schema=HALF_HOUR_SCHEMA)
HOUR_COLUMNS = ("symbol", "bar_start", "bar_end", "session", *OHLCV)
HOUR_SCHEMA = pl.Schema({name: next(iter(VENDOR_HOURLY_BARS.values())).schema[name] for name in HOUR_COLUMNS})
NO_HOURS = pl.DataFrame(schema=HOUR_SCHEMA)

UNFINISHED = "unfinished hour"
OUTSIDE = "before or after the session"


@dataclass(frozen=True)
class Hours:
    """Hourly bars, and how many half hours did not become one, by reason."""

    frame: pl.DataFrame
    left_out: dict[str, int]


def require_begun(sessions: Sequence[date], now: datetime, delay: timedelta) -> None:
    """Refuse to fetch hours of a session of which none is finished.

    Raises
    ------
    DataQualityError
        If a day is no session, or the first hour of the last session plus the vendor's delay ends after ``now``.
    """
    for session in sessions:
        if not is_session(session):
            raise DataQualityError("Not an exchange session: ask for sessions only", session=session)
    last = max(sessions)
    final_at = session_hours(last)[0][1] + delay
    if final_at > now:
        raise DataQualityError(
            "No hour of the session is finished yet: ask again after its first hour and the vendor's delay",
            session=last,
            final_at=final_at.isoformat(),
            now=now.isoformat(),
        )


def join_half_hours(
    frames: Sequence[pl.DataFrame], sessions: Sequence[date], *, now: datetime, delay: timedelta
) -> Hours:
    """Join half hours into the hours of ``sessions``.

    Input: frames of ``HALF_HOUR_SCHEMA``, in any order. Output: ``HOUR_COLUMNS``, sorted by (symbol, bar_start): open of the
    first half hour, highest high, lowest low, close of the last, sum of volumes and trades, average price weighted
    by volume. ``trade_count`` is null where a half hour has none, ``vwap`` where one that traded has none. An hour in
    which only one half hour traded is that half hour.

    What fits no hour (a day on which the exchange is closed, a start that is not on the half hour) is kept as it came,
    for the checks to refuse; half hours before the open and after the close are left out and counted. So are hours
    whose end plus ``delay`` lies after ``now``. Half hours of sessions that were not asked for are dropped.

    A vendor that sends two different rows for a half hour gets two rows for the hour, one with each; a half hour that
    contradicts itself (high below low, negative volume) passes that on to its hour.

    Look-ahead: an hour knows nothing after its end.
    """
    first, last = start_of_range(sessions), max(sessions)
    rows = (
        pl.concat([NO_HALF_HOURS, *frames])
        .with_columns(
            day=pl.col("start").dt.convert_time_zone(NEW_YORK.key).dt.date(),
            clock=pl.col("start").dt.truncate("1h"),
        )
        .filter(pl.col("day").is_between(first, last))
    )
    others = set(sessions_between(first, last)) - set(sessions)
    if others:
        rows = rows.filter(~pl.col("day").is_in(sorted(others)))
    placed = rows.join(_grid(sessions), on="clock", how="left", maintain_order="left").join(
        _hours_of_trade(sessions), on="day", how="left", maintain_order="left"
    )
    end = pl.col("start") + HALF_HOUR
    fits = (pl.col("start") >= pl.col("bar_start")) & (end <= pl.col("bar_end")) & _on_the_half_hour()
    outside = (end <= pl.col("open_at")) | (pl.col("start") >= pl.col("close_at"))
    placed = placed.with_columns(
        place=pl.when(fits.fill_null(value=False))
        .then(pl.lit("hour"))
        .when(outside.fill_null(value=False))
        .then(pl.lit("outside"))
        .otherwise(pl.lit("nowhere"))
    )
    placed = placed.with_columns(
        final=pl.when(pl.col("place") == "hour").then("bar_end").otherwise(end) + delay <= now
    )
    finished = placed.filter("final")
    hours = _joined(finished.filter(pl.col("place") == "hour"))
    strays = finished.filter(pl.col("place") == "nowhere").with_columns(
        bar_start="start", bar_end=end, session="day"
    )
    left_out = {
        UNFINISHED: placed.filter(~pl.col("final") & (pl.col("place") != "outside")).height,
        OUTSIDE: placed.filter(pl.col("place") == "outside").height,
    }
    frame = pl.concat([hours.select(HOUR_COLUMNS), strays.select(HOUR_COLUMNS)])
    return Hours(
        frame.sort("symbol", "bar_start", maintain_order=True).cast(HOUR_SCHEMA),
        {reason: count for reason, count in left_out.items() if count},
    )


def _on_the_half_hour() -> pl.Expr:
    return pl.col("start") == pl.col("start").dt.truncate("30m")


def _grid(sessions: Sequence[date]) -> pl.DataFrame:
    rows = [(*hour, session) for session in sessions for hour in session_hours(session)]
    schema = {"bar_start": UTC_INSTANT, "bar_end": UTC_INSTANT, "session": pl.Date()}
    # an hour begins at its full hour or, the first one, half an hour after it
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        clock=pl.col("bar_start").dt.truncate("1h")
    )


def _hours_of_trade(sessions: Sequence[date]) -> pl.DataFrame:
    rows = [(day, session_hours(day)[0][0], session_hours(day)[-1][1]) for day in sessions]
    schema = {"day": pl.Date(), "open_at": UTC_INSTANT, "close_at": UTC_INSTANT}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _joined(halves: pl.DataFrame) -> pl.DataFrame:
    ordered = halves.select("symbol", "start", "bar_start", "bar_end", "session", *OHLCV).unique(
        maintain_order=True
    )
    key = ["symbol", "start"]
    if not ordered.select(pl.struct(key).is_duplicated().any()).item():
        return _aggregated(ordered)
    versions = [ordered.unique(key, keep=keep, maintain_order=True) for keep in ("first", "last")]
    return pl.concat([_aggregated(version) for version in versions]).unique(maintain_order=True)


def _aggregated(halves: pl.DataFrame) -> pl.DataFrame:
    high, low, volume = pl.col("high"), pl.col("low"), pl.col("volume")
    # an hour of which a half has no number has none: the other half alone would be a wrong one
    no_high, no_low, no_volume = (column.is_null().any() for column in (high, low, volume))
    upside_down = (high < low).any()
    traded = volume > 0
    known = (pl.col("vwap").is_not_null() | ~traded).all() & ~no_volume & (volume.sum() > 0)
    return (
        halves.sort("symbol", "start")
        .group_by("symbol", "bar_start", "bar_end", "session", maintain_order=True)
        .agg(
            open=pl.col("open").first(),
            high=pl.when(no_high).then(None).when(upside_down).then(high.min()).otherwise(high.max()),
            low=pl.when(no_low).then(None).when(upside_down).then(low.max()).otherwise(low.min()),
            close=pl.col("close").last(),
            volume=pl.when(no_volume)
            .then(None)
            .when((volume < 0).any())
            .then(volume.min())
            .otherwise(volume.sum()),
            vwap=pl.when(known).then((pl.col("vwap") * volume).sum() / volume.sum()),
            trade_count=pl.when(pl.col("trade_count").is_not_null().all()).then(pl.col("trade_count").sum()),
        )
    )
