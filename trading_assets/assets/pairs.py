"""Asset of the pairs: one row per (pair, first session of a month)."""

from __future__ import annotations

from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from resources.platform import Platform
from trading_assets.assets.check_results import result_of, specs_of
from trading_assets.assets.market_data import write_metadata
from trading_assets.assets.metadata import combined_version, preview
from trading_assets.assets.outcome import Outcome
from trading_assets.assets.session_asset import session_asset
from trading_assets.market_data.findings import BEFORE_ORDERS
from trading_assets.pairs.formation import FORMATION_SESSIONS, formation_at
from trading_assets.pairs.mackinnon import critical_value
from trading_assets.quality.checks import PAIR_CHECKS
from trading_assets.research.pair_formation import FormedPairs, check_pairs, form_pairs
from trading_assets.tables.companies import COMPANY_INFO
from trading_assets.tables.pairs import PAIR_STATISTICS

SIGNIFICANCE = 0.05
SHOWN = (
    "symbol", "other_symbol", "sector", "hedge_ratio", "half_life_sessions", "z_score", "p_value", "adjusted_p_value",
)  # fmt: skip


@session_asset(
    group="research",
    kinds={"numba", "polars", "parquet"},
    table=PAIR_STATISTICS,
    deps=["daily_features", "universe", "instruments", COMPANY_INFO.name],
    catches_up=True,
    unless_blocked=BEFORE_ORDERS,
    checks=specs_of(PAIR_STATISTICS.name, PAIR_CHECKS, blocking=False),
)
def pair_statistics(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """Every pair within a sector, tested for cointegration in both orders, corrected for the number of tests, ranked.

    Made at the first session of a month from the 252 sessions before it; on other sessions there is nothing to do. Paired are
    the 40 symbols of a sector with the largest dollar volume (5 million USD a session at least) that were one instrument with
    a bar on each of the sessions, and have no open finding that their prices may not compare.
    """
    formations = [found for session in sessions if (found := formation_at(session))]
    formed = [form_pairs(platform.lake, platform.database, formation) for formation in formations]
    rows = pl.concat([pl.DataFrame(schema=PAIR_STATISTICS.schema), *(pairs.rows for pairs in formed)])
    report = platform.lake.write_sessions(PAIR_STATISTICS, rows, sessions, known_at=platform.clock.now())
    outcome = check_pairs(platform, rows, sessions, run_id=context.run.run_id)
    return Outcome(
        rows=rows.height,
        data_version=combined_version(report.hashes),
        metadata=_told(formed[-1]) | write_metadata(report) if formed else {},
        checks=[result_of(PAIR_STATISTICS.name, outcome)],
    )


def _told(formed: FormedPairs) -> dict[str, Any]:
    best = formed.rows.sort("rank", nulls_last=True).select(SHOWN)
    finds = formed.rows.filter(pl.col("adjusted_p_value") <= SIGNIFICANCE)
    return {
        "formation": f"{formed.formation.first_session} to {formed.formation.last_session}",
        "symbols": formed.symbols,
        "left_out": dg.MetadataValue.json(dict(formed.left_out)),
        "pairs_below_5_percent": formed.rows.filter(pl.col("p_value") <= SIGNIFICANCE).height,
        "pairs_below_5_percent_adjusted": finds.height,
        "critical_statistic_5_percent": round(critical_value(SIGNIFICANCE, FORMATION_SESSIONS), 3),
        "preview": preview(best, rows=20),
    }
