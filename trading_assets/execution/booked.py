"""The account's ledger: its fills from Postgres and known splits from the lake, as the pure books take them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from resources.database.database import Database
from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.books.holdings import Fill, Split
from trading_assets.tables.listings import CORPORATE_ACTIONS

FILLS = """
select symbol, side, quantity, price_usd, session, executed_session, executed_at, activity_id
from fills where account = %s order by executed_at, activity_id
"""


def account_fills(database: Database, account: str) -> list[Fill]:
    """Read every fill of the account, oldest first."""
    return [Fill(*row) for row in database.fetch(FILLS, (account,))]


def opening(database: Database, account: str) -> tuple[Decimal, date]:
    """Return the account's cash before its first fill, and the newest session that was over when it was opened."""
    cash, opened_at = database.fetch(
        "select opening_cash_usd, opened_at from accounts where account = %s", (account,)
    )[0]
    return cash, calendar.latest_closed_session(opened_at)


def newest_session(database: Database, account: str) -> date | None:
    """Return the newest session whose books were compared with the broker's."""
    newest: date | None = database.fetch(
        "select max(session) from account_snapshots where account = %s", (account,)
    )[0][0]
    return newest


def known_splits(lake: Lake, symbols: set[str], start: date, end: date) -> list[Split]:
    """Read the splits of symbols with ex-dates in a range."""
    if not symbols:
        return []
    frame = (
        lake.scan(CORPORATE_ACTIONS, start=start, end=end, symbols=sorted(symbols))
        .filter((pl.col("kind") == "split") & (pl.col("split_ratio") > 0))
        .select("symbol", "ex_date", "split_ratio")
        .sort("ex_date", "symbol")
        .collect()
    )
    return [Split(*row) for row in frame.iter_rows()]
