"""Pairs formed from the lake: the statistics of every pair of a month's first session, and their check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from resources.database.database import Database
from resources.lake.lake import Lake
from resources.platform import Platform
from trading_assets.market_data.acceptance import accepted_findings
from trading_assets.market_data.findings import replace_findings, symbols_in_doubt
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.pairs.formation import (
    Formation,
    adjusted_closes,
    choose_symbols,
    liquid_symbols,
)
from trading_assets.pairs.statistics import pair_statistics
from trading_assets.quality.checks import PAIR_CHECKS, measure
from trading_assets.quality.outcome import CheckOutcome, judge
from trading_assets.sectors import OF_VENDOR
from trading_assets.tables.companies import COMPANY_INFO
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import INSTRUMENTS, UNIVERSE
from trading_assets.tables.pairs import PAIR_STATISTICS


@dataclass(frozen=True)
class FormedPairs:
    """Rows of ``pair_statistics`` of one session, and how many liquid symbols were left out, by reason."""

    formation: Formation
    rows: pl.DataFrame
    symbols: int
    left_out: Mapping[str, int]


def form_pairs(lake: Lake, database: Database, formation: Formation) -> FormedPairs:
    """Form the pairs of a session from what the sessions before it showed.

    Parameters
    ----------
    lake
        Where features, listings and instruments are.
    database
        Where findings are.
    formation
        The session, and those to form its pairs from.
    """
    first, last = formation.first_session, formation.last_session
    names = ["symbol", "session", "sector", "status", "is_tradable"]
    listed = lake.scan(UNIVERSE, start=last, end=last, columns=names)
    later = lake.scan(
        COMPANY_INFO, start=formation.session, columns=["symbol", "session", "sector"]
    ).collect()
    traded = lake.scan(DAILY_FEATURES, start=last, end=last, columns=["symbol", "dollar_volume_20"])
    liquid = liquid_symbols(
        listed.collect(), traded.collect(), later.with_columns(pl.col("sector").replace(OF_VENDOR))
    )
    columns = ["symbol", "session", "close", "price_factor"]
    asked = liquid["symbol"].to_list()
    rows = lake.scan(DAILY_FEATURES, start=first, end=last, symbols=asked, columns=columns).collect()
    begun = lake.scan(INSTRUMENTS, end=last, columns=["symbol", "first_session"]).collect()
    renewed = begun.filter(pl.col("first_session") > first)["symbol"].to_list()
    doubtful = symbols_in_doubt(database, first, last)
    chosen = choose_symbols(liquid, rows, renewed=renewed, doubtful=doubtful)
    prices = adjusted_closes(rows.join(chosen.symbols, on="symbol", how="semi"), last)
    found = pair_statistics(prices, chosen.symbols, formation)
    return FormedPairs(formation, found, chosen.symbols.height, chosen.left_out)


def check_pairs(
    platform: Platform, pairs: pl.DataFrame, sessions: Sequence[date], *, run_id: str
) -> CheckOutcome:
    """Check the pairs of some sessions and store the findings."""
    limits = load_thresholds(platform.settings.quality)
    accepted = accepted_findings(platform.database, PAIR_STATISTICS.name, sessions)
    ((name, measured),) = measure(PAIR_CHECKS, pairs=pairs).items()
    outcome = judge(name, measured, limits, accepted, table=PAIR_STATISTICS.name)
    now = platform.clock.now()
    replace_findings(platform.database, [outcome], days=sessions, found_at=now, run_id=run_id)
    return outcome
