"""Symbols with bars within the session: one row per (session, symbol); the most traded ones before it, the benchmark, what is held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from resources.database.database import Database
from resources.lake.lake import Lake
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.errors import DataQualityError
from trading_assets.features.build import BENCHMARK
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS

RANKED_SESSIONS = 20
SCHEMA = pl.Schema({"session": pl.Date(), "symbol": pl.String()})
HELD = """
select distinct p.symbol from positions p
join (select account, max(session) as session from positions where session <= %s group by account) newest
using (account, session) where p.quantity <> 0
"""


def kept_symbols(platform: Platform, sessions: Sequence[date]) -> pl.DataFrame:
    """Choose the symbols of each session by the settings of the installation; see ``selected_symbols``."""
    return selected_symbols(platform.lake, platform.database, sessions, platform.settings.hourly_symbols)


def selected_symbols(lake: Lake, database: Database, sessions: Sequence[date], count: int) -> pl.DataFrame:
    """Choose the symbols of each session, as known before it opens.

    Parameters
    ----------
    lake, database
        Daily bars, and positions of every account.
    sessions
        Sessions in order.
    count
        How many of the most traded: highest sum of raw close times raw volume over the 20 sessions before.

    Returns
    -------
    pl.DataFrame
        ``SCHEMA``, sorted; the benchmark, what is held at the session, and what was spun off from a chosen company come
        on top of ``count``. A symbol that was changed since is counted under its new name.

    Raises
    ------
    DataQualityError
        If a session has no daily bars before it to rank by.
    """
    first, last = calendar.shift(sessions[0], -RANKED_SESSIONS), calendar.shift(sessions[-1], -1)
    traded = (
        lake.scan(DAILY_BARS, start=first, end=last, columns=["symbol", "session", "close", "volume"])
        .select("symbol", "session", traded_usd=pl.col("close") * pl.col("volume"))
        .collect()
    )
    changes = (
        lake.scan(CORPORATE_ACTIONS, start=first, end=sessions[-1])
        .filter(pl.col("new_symbol").is_not_null(), pl.col("kind").is_in(["symbol_change", "spin_off"]))
        .select("symbol", "ex_date", "kind", "new_symbol")
        .sort("symbol", "ex_date")
        .collect()
    )
    chosen = []
    for session in sessions:
        start = calendar.shift(session, -RANKED_SESSIONS)
        known = changes.filter(pl.col("ex_date").is_between(start, session))
        renamed = known.filter(kind="symbol_change").unique("symbol", keep="last", maintain_order=True)
        before = traded.filter((pl.col("session") >= start) & (pl.col("session") < session)).with_columns(
            pl.col("symbol").replace(renamed["symbol"], renamed["new_symbol"])
        )
        if before.is_empty():
            raise DataQualityError(
                f"No daily bars from {start} to {calendar.shift(session, -1)} to choose symbols by: "
                f"trading-assets backfill --start {start} --end {calendar.shift(session, -1)}"
            )
        held = [symbol for (symbol,) in database.fetch(HELD, (session,))]
        most = most_traded(before, count)
        spun_off = known.filter(pl.col("symbol").is_in(most), kind="spin_off")["new_symbol"].to_list()
        chosen += [(session, symbol) for symbol in sorted({*most, BENCHMARK, *held, *spun_off})]
    return pl.DataFrame(chosen, schema=SCHEMA, orient="row")


def most_traded(traded: pl.DataFrame, count: int) -> list[str]:
    """Return the ``count`` symbols with the highest sum of ``traded_usd``; ties in the order of their names."""
    ranked = (
        traded.group_by("symbol")
        .agg(pl.col("traded_usd").sum())
        .sort("traded_usd", "symbol", descending=[True, False])
    )
    return ranked["symbol"].head(count).to_list()
