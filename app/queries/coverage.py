"""Coverage: the bars of each source against the listed symbols, as grids of symbols by sessions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import numpy as np
import polars as pl

from app.bar_grid import Counts, Grid
from app.queries.cached import cached_by
from app.queries.installation import installation, lake_version, newest, now, present_session, settings
from trading_assets.sessions import current_session, finished_hours, session_close, sessions_between
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS, VENDOR_HOURLY_BARS
from trading_assets.tables.listings import UNIVERSE
from trading_assets.tables.table import Table

Grain = Literal["Daily", "Hourly"]
CONSOLIDATED = "Consolidated"

_DAY = np.datetime64("1970-01-01", "D")


def layers(grain: Grain) -> dict[str, Table]:
    """Return the tables of bars by the name of their layer: the consolidated one, then each source in use."""
    if grain == "Daily":
        return {CONSOLIDATED: DAILY_BARS} | {
            name.capitalize(): VENDOR_DAILY_BARS[name] for name in settings().sources
        }
    hourly = {name.capitalize(): VENDOR_HOURLY_BARS[name] for name in settings().hourly_bar_sources}
    return {CONSOLIDATED: HOURLY_BARS} | hourly if hourly else {}


def grid(layer: str, grain: Grain) -> Grid:
    """Return the bars of one layer against what should be there by now.

    Daily: one bar per listed symbol and session since the first one with bars. Hourly: one bar per finished hour and
    symbol that had any hourly bar in the session or in one beside it.
    """
    until = _until(grain)
    if until is None:
        return Grid((), (), _nothing(0, 0), _nothing(0, 0))
    symbols, sessions, expected = _listed(until) if grain == "Daily" else _hours_expected(until, _instant())
    stored = _stored(layer, grain, until, symbols, sessions)
    return Grid(symbols, sessions, expected, stored)


@cached_by(
    lambda _, grain: lake_version(
        *layers(grain).values(), UNIVERSE, QUARANTINED_BARS, QUARANTINED_HOURLY_BARS
    ),
    entries=40,
)
def about(session: date, grain: Grain) -> pl.DataFrame:
    """Return what is known of each symbol at a session: ``name``, ``sector``, bars of each layer, and ``refused``.

    ``refused`` says by which rule a bar was kept out, and of which source.
    """
    lake = installation().lake
    known = max((day for day in lake.sessions(UNIVERSE) if day <= session), default=session)
    frame = lake.scan(UNIVERSE, start=known, end=known, columns=("symbol", "name", "sector")).collect()
    tables = layers(grain)
    for name, table in tables.items():
        bars = lake.scan(table, start=session, end=session, columns=("symbol",)).collect()
        frame = frame.join(
            bars.group_by("symbol").agg(pl.len().alias(name)), on="symbol", how="full", coalesce=True
        )
    refused = lake.scan(
        QUARANTINED_BARS if grain == "Daily" else QUARANTINED_HOURLY_BARS,
        start=session, end=session, columns=("symbol", "source", "rule"),
    ).collect()  # fmt: skip
    reasons = refused.group_by("symbol").agg(
        refused=pl.format("{} ({})", "rule", "source").unique().sort().str.join(", ")
    )
    counts = pl.col(list(tables)).fill_null(0).cast(pl.Int64)
    return frame.with_columns(counts).join(reasons, on="symbol", how="left").sort("symbol")


@cached_by(lambda *_: lake_version(UNIVERSE), entries=40)
def sectors() -> dict[str, str | None]:
    """Return the sector of each symbol as last listed."""
    rows = installation().lake.scan(UNIVERSE, columns=("symbol", "session", "sector"))
    last = rows.group_by("symbol").agg(pl.col("sector").sort_by("session").last()).collect()
    return dict(last.iter_rows())


def _instant() -> datetime | None:
    # in steps of a quarter of an hour, to be a cache key; where the clock does not answer, the end of the stored hours
    instant = now()
    if instant is None:
        stored = newest(HOURLY_BARS) or present_session()
        if stored is None:
            return None
        instant = session_close(stored) + settings().data_delay
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)


def _until(grain: Grain) -> date | None:
    if grain == "Daily":
        return present_session()
    instant = _instant()
    return instant and current_session(instant, delay=settings().data_delay)


def _nothing(symbols: int, sessions: int) -> Counts:
    return np.zeros((symbols, sessions), dtype=np.uint8)


def _grid_version(grain: Grain) -> str:
    return lake_version(*((UNIVERSE, DAILY_BARS) if grain == "Daily" else layers(grain).values()))


@cached_by(lambda *_: _grid_version("Daily"), entries=40)
def _listed(until: date) -> tuple[tuple[str, ...], tuple[date, ...], Counts]:
    lake = installation().lake
    with_bars = lake.sessions(DAILY_BARS)
    if not with_bars:
        return (), (), _nothing(0, 0)
    universe = lake.scan(UNIVERSE, start=with_bars[0], end=until)
    trading = (pl.col("status") == "active") & (
        pl.col("listed_date").is_null() | (pl.col("listed_date") <= pl.col("session"))
    )
    rows = universe.filter(trading).select("symbol", "session").collect()
    symbols = tuple(rows["symbol"].unique().sort())
    sessions = tuple(sessions_between(with_bars[0], until))
    listed = _counted(rows, symbols, sessions)
    for column in range(
        1, len(sessions)
    ):  # a session whose universe was never stored lists what the one before did
        if not listed[:, column].any():
            listed[:, column] = listed[:, column - 1]
    return symbols, sessions, np.minimum(listed, 1)


@cached_by(lambda *_: _grid_version("Hourly"), entries=40)
def _hours_expected(until: date, at: datetime | None) -> tuple[tuple[str, ...], tuple[date, ...], Counts]:
    lake = installation().lake
    tables = layers("Hourly").values()
    first = min((days[0] for table in tables if (days := lake.sessions(table))), default=None)
    if first is None or at is None:
        return (), (), _nothing(0, 0)
    sessions = tuple(sessions_between(first, until))
    rows = pl.concat([lake.scan(table, columns=("symbol", "session")) for table in tables]).unique().collect()
    symbols = tuple(rows["symbol"].unique().sort())
    kept = _counted(rows, symbols, sessions) > 0
    around = kept.copy()
    around[:, 1:] |= kept[:, :-1]
    around[:, :-1] |= kept[:, 1:]
    delay = settings().data_delay
    hours = np.array([len(finished_hours(session, at, delay)) for session in sessions], dtype=np.uint8)
    return symbols, sessions, around * hours


@cached_by(lambda layer, grain, *_: _grid_version(grain) + lake_version(layers(grain)[layer]), entries=40)
def _stored(
    layer: str, grain: Grain, until: date, _symbols: tuple[str, ...], _sessions: tuple[date, ...]
) -> Counts:
    if not _symbols:
        return _nothing(0, len(_sessions))
    rows = installation().lake.scan(
        layers(grain)[layer], start=_sessions[0], end=until, columns=("symbol", "session")
    )
    return _counted(rows.collect(), _symbols, _sessions)


def _counted(rows: pl.DataFrame, symbols: tuple[str, ...], sessions: tuple[date, ...]) -> Counts:
    # Rows of other symbols, or of days without a session, are left out.
    size = (len(symbols), len(sessions))
    known = rows.select(
        symbol=pl.col("symbol").cast(pl.Enum(symbols), strict=False).to_physical(),
        day=pl.col("session").to_physical(),
    ).drop_nulls()
    days = (np.array(sessions, dtype="datetime64[D]") - _DAY).astype(np.int64)
    day = known["day"].to_numpy()
    place = np.minimum(np.searchsorted(days, day), len(days) - 1)
    is_session = days[place] == day
    flat = known["symbol"].to_numpy().astype(np.int64)[is_session] * size[1] + place[is_session]
    counts = np.bincount(flat, minlength=size[0] * size[1]).reshape(size)
    return np.minimum(counts, 255).astype(np.uint8)
