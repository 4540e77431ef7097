"""Findings: what the data-quality checks found, how often, and which of it somebody accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from app.queries.cached import cached_by
from app.queries.installation import database_version, installation, lake_version, read, settings
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.tables.daily import QUARANTINED_BARS
from trading_assets.tables.hourly import QUARANTINED_HOURLY_BARS
from trading_assets.tables.registry import TABLES
from trading_assets.tables.table import Table

State = Literal["All", "Open", "Accepted"]
Effect = Literal["blocks the session", "stops the symbol", "information"]
LIMIT = 1000
REFUSED = {"daily_bars": QUARANTINED_BARS, "hourly_bars": QUARANTINED_HOURLY_BARS}

_EFFECT = "case when f.severity <> 'error' then 'information' when f.symbol is null then 'blocks the session' else 'stops the symbol' end"
# An acceptance covers the findings that it names; what it leaves null it leaves open.
_JOINED = """
from quality_findings f
left join lateral (
    select a.acceptance_id, a.reason, a.accepted_by, a.accepted_at
    from finding_acceptances a
    where a.revoked_at is null and a.check_name = f.check_name and a.table_name = f.table_name and a.session = f.session
        and (a.symbol is null or a.symbol = f.symbol) and (a.source is null or a.source = f.source)
        and (a.bar_start is null or a.bar_start = f.bar_start) and (a.value is null or a.value = f.value)
    order by a.accepted_at desc limit 1
) accepted on true
"""


@dataclass(frozen=True)
class Chosen:
    """Which findings to show; empty means any."""

    checks: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    session: date | None = None
    symbol: str = ""
    state: State = "All"

    def condition(self) -> tuple[str, list[object]]:
        """Return the SQL condition and its parameters."""
        parts: list[tuple[str, list[object]]] = [("true", [])]
        if self.checks:
            parts.append(("f.check_name = any(%s)", [list(self.checks)]))
        if self.effects:
            parts.append((f"{_EFFECT} = any(%s)", [list(self.effects)]))
        if self.session:
            parts.append(("f.session = %s", [self.session]))
        if self.symbol:
            parts.append(("f.symbol = %s", [self.symbol.strip().upper()]))
        if self.state != "All":
            parts.append((f"accepted.acceptance_id is {'not ' if self.state == 'Accepted' else ''}null", []))
        return " and ".join(words for words, _ in parts), [value for _, values in parts for value in values]


def findings(chosen: Chosen) -> pl.DataFrame:
    """Return the newest findings that are asked for, at most ``LIMIT``, with who accepted them and the raw batch.

    ``batch_id`` is the fetch that brought the bar, null where the finding is about a bar that is not there.
    """
    rows = _found(chosen)
    return rows if rows.is_empty() else _with_batches(rows)


@cached_by(lambda *_: database_version(), entries=60)
def count(chosen: Chosen) -> int:
    """Count the findings that are asked for."""
    condition, parameters = chosen.condition()
    return int(read(f"select count(*) as found {_JOINED} where {condition}", tuple(parameters))["found"][0])


@cached_by(lambda *_: database_version(), entries=60)
def tally() -> pl.DataFrame:
    """Return ``check_name``, ``session``, ``found``, ``accepted``, and of those not accepted ``blocking`` and ``stopping``."""
    return read(
        "select f.check_name, f.session, count(*) as found, count(accepted.acceptance_id) as accepted,"
        f" count(*) filter (where {_EFFECT} = 'blocks the session' and accepted.acceptance_id is null) as blocking,"
        f" count(*) filter (where {_EFFECT} = 'stops the symbol' and accepted.acceptance_id is null) as stopping {_JOINED}"
        " group by 1, 2 order by 1, 2"
    )


@cached_by(lambda *_: database_version(), entries=60)
def _found(chosen: Chosen) -> pl.DataFrame:
    condition, parameters = chosen.condition()
    return read(
        f"select f.finding_id, f.session, f.bar_start, f.severity, {_EFFECT} as effect, f.check_name, f.table_name, f.symbol, f.source, f.value,"
        " f.expectation, f.found_at, f.run_id, accepted.accepted_by, accepted.accepted_at, accepted.reason as accepted_reason,"
        f" accepted.acceptance_id {_JOINED} where {condition}"
        " order by f.session desc, (f.severity = 'error' and f.symbol is null) desc, f.severity, f.check_name, f.symbol, f.bar_start limit %s",
        (*parameters, LIMIT),
    )


def _with_batches(rows: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in rows["table_name"].unique() if name in TABLES]
    found = [rows.filter(pl.col("table_name") == name) for name in names]
    marked = [_marked(part, name) for part, name in zip(found, names, strict=True)]
    others = rows.filter(~pl.col("table_name").is_in(names)).with_columns(batch_id=pl.lit(None, pl.String))
    order = rows.select("finding_id")
    return order.join(
        pl.concat([*marked, others]), on="finding_id", how="left", maintain_order="left"
    ).select(*rows.columns, "batch_id")


def _marked(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    days = tuple(sorted(rows["session"].unique()))
    marked = rows.with_columns(batch_id=pl.lit(None, pl.String))
    places: list[tuple[Table, tuple[str, ...]]] = (
        [(REFUSED[name], ("symbol", "session", "source"))] if name in REFUSED else []
    )
    kept = TABLES[name]
    if {"symbol", "batch_id"} <= set(kept.columns):
        places.append((kept, ("symbol", "session")))
    for table, keys in places:
        bars = _batches(table, keys, days)
        marked = (
            marked.join(bars, on=keys, how="left", suffix="_there", maintain_order="left")
            .with_columns(batch_id=pl.coalesce("batch_id", "batch_id_there"))
            .drop("batch_id_there")
        )
    return marked


@cached_by(lambda table, *_: lake_version(table), entries=60)
def _batches(table: Table, keys: tuple[str, ...], days: tuple[date, ...]) -> pl.DataFrame:
    columns = [table.partition_by if key == "session" else key for key in keys]
    rows = installation().lake.scan(table, start=days[0], end=days[-1], columns=(*columns, "batch_id"))
    chosen = rows.filter(pl.col(table.partition_by).is_in(days)).collect()
    return chosen.unique(columns, keep="last").rename({table.partition_by: "session"}, strict=False)


def demoted() -> list[str]:
    """Return the checks that block nothing by the installation's thresholds, sorted by name."""
    load_thresholds.cache_clear()  # the file may have been edited since the app started
    return sorted(load_thresholds(settings().quality).warn_only)
