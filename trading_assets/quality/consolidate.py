"""Consolidated daily bars: one row per (symbol, session) from the best source with a possible bar; the rest refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.quality.jumps import (
    Flags,
    SourceBars,
    bar_keys,
    split_adjusted,
    unexplained_jumps,
)
from trading_assets.quality.rows import RULES, expectation_expression, rule_expression
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.schemas import DAILY_BARS, OHLCV, QUARANTINED_BARS
from trading_assets.sessions import sessions_between

_BAR_COLUMNS = ("symbol", "session", *OHLCV, "batch_id")
_KEY = ("symbol", "session")


@dataclass(frozen=True)
class Consolidated:
    """Accepted bars and refused ones, with the columns of their tables except ``known_at``, sorted by key."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame


@dataclass(frozen=True)
class Before:
    """What was known before the range: the references of its first sessions.

    ``accepted`` holds rows of ``daily_bars``, ``vendor`` rows of each source's bars, both from sessions before the
    range; only the last possible row of each symbol counts, so some 30 sessions of look-back are plenty.
    """

    accepted: pl.DataFrame
    vendor: Mapping[str, pl.DataFrame]


def consolidate(
    vendor_frames: Mapping[str, pl.DataFrame],
    *,
    priority: Sequence[str],
    sessions: Collection[date],
    before: Before | None = None,
    corporate_actions: pl.DataFrame | None = None,
    thresholds: QualityThresholds | None = None,
) -> Consolidated:
    """Judge every reported bar and keep the best possible one per symbol and session.

    Parameters
    ----------
    vendor_frames
        Per source its reported bars (columns of the vendor table; ``known_at`` is not read), in any order, with
        duplicates and impossible dates as they came.
    priority
        Sources, best first; a source that is not named is not used.
    sessions
        Exchange sessions of the range. A bar dated on a day when the exchange is closed is a phantom; bars of other
        sessions are left alone.
    before
        References from before the range; without them each symbol's first bar has nothing to be compared with.
    corporate_actions
        Known corporate actions with columns ``symbol, ex_date, kind, split_ratio``; splits explain a jump.
    thresholds
        Limits; the defaults if omitted.

    Returns
    -------
    Consolidated
        ``bars``: null differences where only one source has a possible bar. ``quarantined``: one row per (symbol,
        session, source) that broke a rule. Look-ahead: a bar is judged by its own and earlier sessions only, so a
        range gives the same rows as its sessions one by one.
    """
    limits = thresholds or QualityThresholds()
    names = [name for name in priority if name in vendor_frames]
    if not names:
        return Consolidated(_best_bars([], []), _one_reason_each([]))
    judged = [_judge_rows(vendor_frames[name], name, sessions, limits) for name in names]
    possible = [frame for frame, _ in judged]
    refused = [rows for _, rows in judged]
    jumps, references = _find_jumps(names, possible, before, corporate_actions, limits)
    for name, frame, flags, reference in zip(names, possible, jumps, references, strict=True):
        rows = frame.with_columns(pl.Series("reference_close", reference)).filter(pl.Series(flags))
        refused.append(_refused(rows.with_columns(rule=pl.lit("unexplained_jump")), name, limits))
    bars = _best_bars(
        names, [frame.filter(pl.Series(~flags)) for frame, flags in zip(possible, jumps, strict=True)]
    )
    return Consolidated(bars, _one_reason_each(refused))


def _judge_rows(
    frame: pl.DataFrame, source: str, sessions: Collection[date], limits: QualityThresholds
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split one source's bars into possible ones (unique, sorted) and refused ones."""
    bars = _of_the_range(frame.select(*_BAR_COLUMNS, _reports(frame)), sessions)
    bars = bars.with_columns(pl.col("volume").cast(pl.Float64), rule=rule_expression(sessions, limits))
    wrong = bars.filter(pl.col("rule").is_not_null()).drop("reports")
    right, twice = _without_contradictions(bars.filter(pl.col("rule").is_null()).drop("rule"))
    refused = [wrong, twice.with_columns(rule=pl.lit("duplicate"))]
    return right, _refused(pl.concat(refused), source, limits)


def _reports(frame: pl.DataFrame) -> pl.Expr:
    return (pl.col("reports") if "reports" in frame.columns else pl.lit(1)).cast(pl.Int32).alias("reports")


def _without_contradictions(bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split bars into unique ones, sorted, and those that were reported several times.

    The same bar reported twice is kept once; two different bars leave no way to tell which is right.
    """
    ordered = bars.sort(_KEY)
    twice = pl.col("reports") > 1
    if _has_duplicates(ordered):
        twice |= pl.struct(_KEY).is_duplicated()
    marked = ordered.with_columns(twice=twice)
    again = marked.filter("twice").drop("twice")
    once = marked.filter(~pl.col("twice")).drop("twice")
    if not again.is_empty():
        values = [name for name in again.columns if name != "batch_id"]
        same = again.unique(values, keep="first", maintain_order=True)
        same = same.filter((pl.col("reports") == 1) & ~pl.struct(_KEY).is_duplicated())
        once = pl.concat([once, same]).sort(_KEY)
    return once.drop("reports"), again.drop("reports")


def _exchange_sessions(frame: pl.DataFrame) -> list[date]:
    if frame.is_empty():
        return []
    first, last = frame.select(
        pl.col("session").min().alias("first"), pl.col("session").max().alias("last")
    ).row(0)
    return sessions_between(first, last)


def _of_the_range(frame: pl.DataFrame, sessions: Collection[date]) -> pl.DataFrame:
    """Drop bars of exchange sessions that were not asked for; closed days stay, as phantoms."""
    others = sorted({*_exchange_sessions(frame)} - {*sessions})
    return frame.filter(~pl.col("session").is_in(others)) if others else frame


def _has_duplicates(ordered: pl.DataFrame) -> bool:
    same = [pl.col(name) == pl.col(name).shift(1) for name in _KEY]
    return bool(ordered.select(pl.all_horizontal(same).any()).item())


def _refused(rows: pl.DataFrame, source: str, limits: QualityThresholds) -> pl.DataFrame:
    if "reference_close" not in rows.columns:
        rows = rows.with_columns(reference_close=pl.lit(None, dtype=pl.Float64))
    rows = rows.with_columns(source=pl.lit(source), expectation=expectation_expression(limits))
    return rows.select(name for name in QUARANTINED_BARS.columns if name != "known_at")


def _one_reason_each(refused: list[pl.DataFrame]) -> pl.DataFrame:
    schema = {name: kind for name, kind in QUARANTINED_BARS.schema.items() if name != "known_at"}
    rows = pl.concat([pl.DataFrame(schema=schema), *refused])
    order = pl.col("rule").replace_strict(list(RULES), list(range(len(RULES))), return_dtype=pl.Int32)
    return rows.sort(*QUARANTINED_BARS.key, order, "batch_id", maintain_order=True).unique(
        QUARANTINED_BARS.key, keep="first", maintain_order=True
    )


def _find_jumps(
    names: Sequence[str],
    possible: list[pl.DataFrame],
    before: Before | None,
    corporate_actions: pl.DataFrame | None,
    limits: QualityThresholds,
) -> tuple[list[Flags], list[npt.NDArray[np.float64]]]:
    """Flag the jumps among the possible bars; references in the price scale of the bar."""
    accepted_before = (
        _last_rows(before.accepted, limits) if before else pl.DataFrame(schema=_REFERENCE_SCHEMA)
    )
    vendor_before = [
        _last_rows(before.vendor[name], limits)
        if before and name in before.vendor
        else accepted_before.clear()
        for name in names
    ]
    splits = _splits(corporate_actions)
    symbols = pl.Enum(
        pl.concat([frame["symbol"] for frame in (*possible, accepted_before, *vendor_before, splits)])
        .unique()
        .sort()
    )
    split_keys = bar_keys(splits.rename({"ex_date": "session"}), symbols)
    ratios = splits["split_ratio"].to_numpy()
    raw = [
        _source_bars(frame, context, symbols) for frame, context in zip(possible, vendor_before, strict=True)
    ]
    adjusted = [split_adjusted(bars, split_keys, ratios) for bars in raw]
    accepted = split_adjusted(
        _source_bars(accepted_before, accepted_before.clear(), symbols), split_keys, ratios
    )
    flags, references = unexplained_jumps(adjusted, accepted, limits.jump_ratio)
    own = [~bars.context for bars in raw]
    scale = [bars.close / scaled.close for bars, scaled in zip(raw, adjusted, strict=True)]
    return (
        [flag[keep] for flag, keep in zip(flags, own, strict=True)],
        [(reference * factor)[keep] for reference, factor, keep in zip(references, scale, own, strict=True)],
    )


_REFERENCE_SCHEMA = {
    "symbol": pl.String(),
    "session": pl.Date(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
}


def _last_rows(frame: pl.DataFrame, limits: QualityThresholds) -> pl.DataFrame:
    """Last possible row of each symbol, as a reference."""
    rows = frame.filter(rule_expression(_exchange_sessions(frame), limits).is_null())
    rows, _ = _without_contradictions(
        rows.select(*(name for name in _BAR_COLUMNS if name in rows.columns), _reports(rows))
    )
    rows = rows.sort("session").unique("symbol", keep="last", maintain_order=True).sort("symbol")
    return rows.select(pl.col(name).cast(kind) for name, kind in _REFERENCE_SCHEMA.items())


def _splits(corporate_actions: pl.DataFrame | None) -> pl.DataFrame:
    schema = {"symbol": pl.String(), "ex_date": pl.Date(), "split_ratio": pl.Float64()}
    if corporate_actions is None:
        return pl.DataFrame(schema=schema)
    is_split = (pl.col("kind") == "split") & (pl.col("split_ratio") > 0)
    return corporate_actions.filter(is_split).select(pl.col(name).cast(kind) for name, kind in schema.items())


def _source_bars(frame: pl.DataFrame, context: pl.DataFrame, symbols: pl.Enum) -> SourceBars:
    columns = list(_REFERENCE_SCHEMA)
    rows = pl.concat([context.select(columns), frame.select(columns)])
    key = bar_keys(rows, symbols)
    order = np.argsort(key, kind="stable")
    is_context = np.arange(len(key)) < context.height
    return SourceBars(
        key[order], rows["close"].to_numpy()[order], rows["volume"].to_numpy()[order], is_context[order]
    )


def _best_bars(names: Sequence[str], accepted: list[pl.DataFrame]) -> pl.DataFrame:
    """One row per (symbol, session): the bar of the best source, and how far the sources differ."""
    schema: dict[str, Any] = {name: kind for name, kind in DAILY_BARS.schema.items() if name != "known_at"}
    if not accepted:
        return pl.DataFrame(schema=schema)
    symbols = pl.Enum(pl.concat([frame["symbol"] for frame in accepted]).unique().sort())
    keys = [bar_keys(frame, symbols) for frame in accepted]
    key = np.concatenate(keys)
    order = np.argsort(key, kind="stable")  # blocks are in order of priority: the best source comes first
    ordered = key[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else order
    measured = pl.DataFrame({"source_count": np.diff(np.r_[starts, len(ordered)]).astype(np.int32)})
    several = pl.col("source_count") > 1
    for column in ("close", "volume"):
        values = np.concatenate([frame[column].to_numpy() for frame in accepted])[order]
        low = np.minimum.reduceat(values, starts) if len(starts) else values
        high = np.maximum.reduceat(values, starts) if len(starts) else values
        difference = np.divide(high - low, low, out=np.where(high > low, np.inf, 0.0), where=low > 0)
        measured = measured.with_columns(
            pl.when(several).then(pl.Series(difference)).alias(f"{column}_difference_frac")
        )
    chosen = order[starts]
    source = np.repeat(np.arange(len(accepted)), [len(block) for block in keys])[chosen]
    row = chosen - np.r_[0, np.cumsum([len(block) for block in keys])][source]
    parts: list[pl.DataFrame] = []
    for rank, (name, frame) in enumerate(zip(names, accepted, strict=True)):
        at = source == rank
        picked: pl.DataFrame = frame[row[at]]
        parts.append(picked.with_columns(source=pl.lit(name)).hstack(measured.filter(pl.Series(at))))
    rows: pl.DataFrame = pl.concat(parts)
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(_KEY)
