"""Corporate actions: fetched from every vendor that has them, stored as reported, and merged [symbol, ex_date, kind]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from resources.lake.lake import Lake
from resources.lake.writes import WriteReport
from resources.platform import Platform
from resources.vendors.actions import ACTION_COLUMNS
from trading_assets import sessions as calendar
from trading_assets.market_data.action_decisions import decided_actions
from trading_assets.market_data.ingest import Ingested, covered_days, store_fetched
from trading_assets.quality.actions.merged import SETTLED_AFTER, MergedActions, merge_actions
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE, VENDOR_ACTIONS


@dataclass(frozen=True)
class IngestedActions:
    """What the vendors reported, and the merged actions of the days that were written."""

    fetched: Ingested
    merged: MergedActions
    hashes: dict[date, str]


def ingest_corporate_actions(platform: Platform, sessions: Sequence[date]) -> IngestedActions:
    """Fetch, store and merge the actions with ex-dates on the sessions, on closed days before them, or up to the next session.

    The next session's are announced by then, and its open is where today's orders are executed. What Yahoo told
    along with its bars is merged in.
    """
    dates = covered_days([*sessions, calendar.next_session(sessions[-1])])
    total = Ingested.nothing()
    for number, (name, source) in enumerate(platform.action_sources.items(), start=1):
        fetched = source.corporate_actions(dates[0], dates[-1])
        if name == platform.reference_source.name:
            ended = _ended_listings(platform.lake, sessions, dates)
            fetched = replace(
                fetched,
                frame=pl.concat([fetched.frame.with_columns(batch_id=pl.lit(None, dtype=pl.String)), ended]),
            )
        total = total.joined(
            store_fetched(
                platform, VENDOR_ACTIONS[name], fetched, source=name, kind="corporate_actions", dates=dates
            )
        )
        platform.progress.advanced(CORPORATE_ACTIONS.name, number, len(platform.action_sources))
    merged, report = merge_range(platform, dates[0], dates[-1])
    return IngestedActions(replace(total, report=report), merged, dict(report.hashes))


def merge_range(platform: Platform, start: date, end: date) -> tuple[MergedActions, WriteReport]:
    """Merge what is stored of each vendor's reports and write the actions that reports of these days can change."""
    first = start - SETTLED_AFTER
    merged = merged_actions(platform, first, end)
    days = [first + timedelta(days=offset) for offset in range((end - first).days + 1)]
    return merged, platform.lake.write_sessions(
        CORPORATE_ACTIONS, merged.actions, days, known_at=platform.clock.now()
    )


def merged_actions(platform: Platform, start: date, end: date) -> MergedActions:
    """Merge what is stored of each vendor's reports, best vendor first, of actions with ex-dates from ``start`` to ``end``.

    What a person decided counts.
    """
    names = platform.settings.sources
    first, last = start - SETTLED_AFTER, end + SETTLED_AFTER
    reported = pl.concat(
        platform.lake.scan(VENDOR_ACTIONS[name], start=first, end=last)
        .drop("known_at")
        .with_columns(source=pl.lit(name))
        .collect()
        for name in names
    )
    merged = merge_actions(reported, names, decided_actions(platform.database, first, last))
    return merged.between(start, end)


def _ended_listings(lake: Lake, sessions: Sequence[date], dates: Sequence[date]) -> pl.DataFrame:
    """Return delistings and symbol changes that the universe of the sessions shows, as reports of its vendor."""
    ended = (
        lake.scan(UNIVERSE, start=sessions[0], end=sessions[-1])
        .filter(pl.col("delisted_date").is_not_null())
        .sort("session")
        .unique(["symbol", "delisted_date"], keep="first", maintain_order=True)
        .select("symbol", "delisted_date", "renamed_to", "batch_id")
        .collect()
    )
    after = {day: calendar.next_session(day) for day in ended["delisted_date"].unique()}
    missing = {name: pl.lit(None, dtype=pl.Float64) for name in ("split_ratio", "cash_usd", "share_ratio", "price_factor")}  # fmt: skip
    rows = ended.with_columns(
        ex_date=pl.col("delisted_date").replace_strict(after, return_dtype=pl.Date),
        kind=pl.when(pl.col("renamed_to").is_null())
        .then(pl.lit("delisting"))
        .otherwise(pl.lit("symbol_change")),
        new_symbol="renamed_to",
        reports=pl.lit(1, dtype=pl.Int32),
        **missing,
    )
    return rows.filter(pl.col("ex_date").is_in(list(dates))).select(*ACTION_COLUMNS, "batch_id")
