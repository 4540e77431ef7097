"""Provenance: one symbol's bars of one session from every source, the versions before, and what was refused."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from app.queries.cached import cached_by
from app.queries.coverage import CONSOLIDATED, Grain, layers
from app.queries.installation import installation, lake_version
from trading_assets.tables.daily import QUARANTINED_BARS
from trading_assets.tables.hourly import QUARANTINED_HOURLY_BARS
from trading_assets.tables.table import Table

VALUES = ("open", "high", "low", "close", "volume", "vwap", "trade_count")


@cached_by(lambda _symbol, _session, grain, _as_of: lake_version(*layers(grain).values(), _refused(grain)))
def bars_by_source(symbol: str, session: date, grain: Grain, as_of: datetime | None = None) -> pl.DataFrame:
    """Return one row per source and bar: ``layer``, values as reported, ``batch_id``, ``known_at``, differences.

    ``close_difference_frac`` and ``volume_difference_frac`` compare with the consolidated bar. ``state`` is ``used`` (the
    consolidated bar is this one), ``reported``, ``refused: RULE`` or, with ``superseded_at``, ``superseded``.
    """
    lake = installation().lake
    tables = layers(grain)
    keys = ["symbol"] if grain == "Daily" else ["symbol", "bar_start"]
    parts = []
    for name, table in tables.items():
        columns = [*keys, *VALUES, *(["source"] if name == CONSOLIDATED else []), "batch_id", "known_at"]
        now = lake.scan(table, start=session, end=session, symbols=[symbol], as_of=as_of, columns=columns)
        parts.append(now.collect().with_columns(layer=pl.lit(name), state=pl.lit("reported")))
        past = lake.history(table, start=session, end=session, symbols=[symbol]).select(
            *columns, "superseded_at"
        )
        rows = past.filter(pl.lit(as_of is None)).collect()
        parts.append(rows.with_columns(layer=pl.lit(name), state=pl.lit("superseded")))
    frame = pl.concat(parts, how="diagonal")
    best = pl.col("source").str.to_titlecase().alias("best")
    used = frame.filter(pl.col("layer") == CONSOLIDATED, pl.col("state") == "reported").select(
        *keys, best, used_close="close", used_volume="volume"
    )
    kept_out = (
        lake.scan(_refused(grain), start=session, end=session, symbols=[symbol], as_of=as_of)
        .select(*keys, "rule", layer=pl.col("source").str.to_titlecase())
        .collect()
    )
    order = {name: number for number, name in enumerate(tables)}
    state = (
        pl.when(pl.col("state") == "superseded").then("state")
        .when(pl.col("rule").is_not_null()).then(pl.lit("refused: ") + pl.col("rule"))
        .when(pl.col("layer").is_in([CONSOLIDATED]) | (pl.col("layer") == pl.col("best"))).then(pl.lit("used"))
        .otherwise("state")
    )  # fmt: skip
    return (
        frame.join(used, on=keys, how="left")
        .join(kept_out, on=[*keys, "layer"], how="left")
        .with_columns(
            state=state,
            close_difference_frac=pl.col("close") / pl.col("used_close") - 1,
            volume_difference_frac=pl.col("volume") / pl.col("used_volume") - 1,
            place=pl.col("layer").replace_strict(order, return_dtype=pl.Int8),
        )
        .sort(*keys, "place", "known_at", descending=[*[False] * len(keys), False, True])
        .select(
            *keys, "layer", "state", *VALUES, "close_difference_frac", "volume_difference_frac", "batch_id", "known_at",
            "superseded_at",
        )
    )  # fmt: skip


def _refused(grain: Grain) -> Table:
    return QUARANTINED_BARS if grain == "Daily" else QUARANTINED_HOURLY_BARS
