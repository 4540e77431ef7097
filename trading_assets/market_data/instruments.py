"""The table of instruments: made anew from bars, listings and symbol changes; what a row was called, it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date, datetime

import polars as pl

from resources.lake.lake import Lake
from resources.lake.writes import WriteReport
from resources.platform import Platform
from trading_assets.features.instruments import Identity, Instrument, instruments_of, spans_of
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, INSTRUMENTS, UNIVERSE

_COLUMNS = [item.name for item in fields(Instrument)]
_IDENTITY = ("share_class_figi", "composite_figi", "cik", "asset_id")


def make_instruments(platform: Platform) -> tuple[pl.DataFrame, WriteReport]:
    """Tell the instruments apart by everything that is stored, and write those that are new or different."""
    lake = platform.lake
    stored = stored_instruments(lake)
    bars = lake.scan(DAILY_BARS, columns=["symbol", "session"]).sort("symbol", "session").collect()
    found = instruments_of(spans_of(bars), _identities(lake), _changes(lake), stored)
    schema = {name: kind for name, kind in INSTRUMENTS.schema.items() if name in _COLUMNS}
    frame = pl.DataFrame([asdict(item) for item in found], schema=schema)
    days = {item.first_session for item in (*stored, *found)}
    report = lake.write_sessions(INSTRUMENTS, frame, days, known_at=platform.clock.now())
    return frame, report


def stored_instruments(
    lake: Lake, symbols: Sequence[str] | None = None, *, as_of: datetime | None = None
) -> list[Instrument]:
    """Read the instruments of symbols, or all, by symbol and first session, as they were known at an instant."""
    rows = lake.scan(INSTRUMENTS, symbols=symbols, as_of=as_of, columns=_COLUMNS).collect()
    rows = rows.sort("symbol", "first_session")
    return [Instrument(**row) for row in rows.iter_rows(named=True)]


def _identities(lake: Lake) -> list[Identity]:
    """Read what vendors said of each symbol, and from when to when: a row for each time of saying the same."""
    listed = lake.scan(UNIVERSE, columns=["symbol", "session", "name", *_IDENTITY])
    listed = listed.filter(pl.any_horizontal(pl.col("name", *_IDENTITY).is_not_null()))
    said = _times_of(listed, ["symbol", *_IDENTITY]).sort("symbol", "first")
    # nearly all of them changed once at the most: only what was said again after something else needs all its sessions
    is_again = (pl.col("symbol") == pl.col("symbol").shift()) & (pl.col("first") <= pl.col("last").shift())
    mixed = said.filter(is_again)["symbol"].unique()
    once = said.filter(~pl.col("symbol").is_in(mixed.implode()))
    told = pl.concat([once, _one_after_another(listed.filter(pl.col("symbol").is_in(mixed.implode())))])
    return [Identity(**row) for row in told.iter_rows(named=True)]


def _one_after_another(listed: pl.LazyFrame) -> pl.DataFrame:
    said = pl.struct("symbol", *_IDENTITY)
    rows = listed.sort("symbol", "session").with_columns(run=said.ne_missing(said.shift(1)).cum_sum())
    return _times_of(rows, ["run", "symbol", *_IDENTITY]).drop("run")


def _times_of(listed: pl.LazyFrame, by: list[str]) -> pl.DataFrame:
    session = pl.col("session")
    named = pl.col("name").get(session.arg_max())
    return listed.group_by(by).agg(first=session.min(), last=session.max(), name=named).collect()


def _changes(lake: Lake) -> list[tuple[str, str, date]]:
    known = lake.scan(CORPORATE_ACTIONS, columns=["symbol", "new_symbol", "ex_date", "kind"])
    changes = known.filter((pl.col("kind") == "symbol_change") & pl.col("new_symbol").is_not_null())
    return changes.select("symbol", "new_symbol", "ex_date").sort("ex_date", "symbol").collect().rows()
