"""What is held, looked at by the checks: names that are not traded any more become findings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.execution.closes import last_closes
from trading_assets.market_data.acceptance import accepted_findings
from trading_assets.market_data.findings import replace_findings
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.quality.checks import HOLDING_CHECKS, measure
from trading_assets.quality.outcome import CheckOutcome, judge
from trading_assets.tables.accounts import POSITIONS
from trading_assets.tables.listings import UNIVERSE

LOOK_BACK_SESSIONS = 60


def check_holdings(
    platform: Platform, account: str, sessions: Sequence[date], *, run_id: str
) -> CheckOutcome:
    """Check the stored positions of the sessions against the bars and listings of then, and store the findings."""
    limits = load_thresholds(platform.settings.quality)
    held = _held(platform, account, sessions)
    accepted = accepted_findings(platform.database, POSITIONS.name, sessions)
    ((name, measured),) = measure(HOLDING_CHECKS, held=held, limits=limits).items()
    outcome = judge(name, measured, limits, accepted, table=POSITIONS.name)
    now = platform.clock.now()
    replace_findings(platform.database, [outcome], days=sessions, found_at=now, run_id=run_id)
    return outcome


def _held(platform: Platform, account: str, sessions: Sequence[date]) -> pl.DataFrame:
    held = platform.database.fetch_polars(
        "select session, symbol, quantity from positions where account = %s and session = any(%s) and quantity <> 0"
        " order by session, symbol",
        (account, list(sessions)),
    ).cast({"session": pl.Date, "symbol": pl.String})
    symbols = held["symbol"].unique().to_list()
    first = calendar.shift(sessions[0], -LOOK_BACK_SESSIONS)
    bars = last_closes(platform.lake, symbols, first, sessions[-1], columns=("symbol", "session"))
    listed = platform.lake.scan(
        UNIVERSE,
        start=sessions[0],
        end=sessions[-1],
        symbols=symbols or [""],
        columns=["symbol", "session", "status"],
    ).collect()
    traded = bars.select("symbol", "session", last_bar="session").sort("session")
    days = calendar.sessions_between(min([*bars["session"], first]), sessions[-1])
    number = pl.DataFrame(
        {"day": days, "number": range(len(days))}, schema={"day": pl.Date, "number": pl.Int32}
    )
    return (
        held.sort("session")
        .join_asof(traded, on="session", by="symbol", check_sortedness=False)
        .join(listed, on=["symbol", "session"], how="left")
        .join(number.rename({"day": "session", "number": "now"}), on="session", how="left")
        .join(number.rename({"day": "last_bar", "number": "then"}), on="last_bar", how="left")
        .with_columns(silent_sessions=pl.col("now") - pl.col("then").fill_null(0))
        .sort("session", "symbol")
    )
