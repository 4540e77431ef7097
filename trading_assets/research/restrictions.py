"""Restrictions: which symbols get no new risk on a session, and why; the same for a decision of today and for a backtest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from resources.database.database import Database
from resources.lake.lake import Lake
from trading_assets.market_data.acceptance import accepted_findings
from trading_assets.market_data.findings import restricted_symbols
from trading_assets.quality.outcome import covered, findings_frame
from trading_assets.quality.rows import values_text
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.listings import UNIVERSE


def restrictions(
    database: Database, lake: Lake, sessions: Sequence[date], symbols: Collection[str] | None = None
) -> dict[date, dict[str, str]]:
    """Return, by session, the symbols that get no new risk on it, each with the reason; they may be sold all the same.

    A refused bar restricts its symbol until a person accepts the finding about it. Look-ahead: findings and acceptances are
    those of now, so that a backtest knows of an earlier session what was found out about it later.

    Parameters
    ----------
    sessions
        In order.
    symbols
        Whom it is asked about; None: all.
    """
    names = None if symbols is None else sorted(symbols) or [""]
    start, end = sessions[0], sessions[-1]
    refused = lake.scan(QUARANTINED_BARS, start=start, end=end, symbols=names).collect()
    accepted = accepted_findings(database, DAILY_BARS.name, sessions)
    refused = refused.filter(~covered(findings_frame(refused, value=values_text()), accepted))
    columns = ["symbol", "session", "is_tradable"]
    listed = lake.scan(UNIVERSE, start=start, end=end, symbols=names, columns=columns)
    untradable = listed.filter(~pl.col("is_tradable")).collect()
    found = restricted_symbols(database, sessions)
    for symbol, day in untradable.select("symbol", "session").iter_rows():
        found.setdefault(day, {})[symbol] = "the broker does not trade it"
    for symbol, day, rule in (
        refused.select("symbol", "session", "rule").sort("session", "symbol", "rule").iter_rows()
    ):
        found.setdefault(day, {})[symbol] = f"a source's bar was refused: {rule}"
    return found
