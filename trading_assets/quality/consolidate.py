"""Consolidated bars: one row per (symbol, bar) from the best source with a possible bar; the rest refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.quality.best_bars import best_bars
from trading_assets.quality.jumps import (
    Flags,
    SourceBars,
    Steps,
    bar_keys,
    falls_explained,
    split_adjusted,
    unexplained_jumps,
)
from trading_assets.quality.rows import (
    DISPUTABLE_RULES,
    PRICES,
    RULES,
    expectation_expression,
    rule_expression,
    values_text,
)
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.sessions import sessions_between
from trading_assets.tables.bars import BarGrain, stored_schema
from trading_assets.tables.daily import DAILY


@dataclass(frozen=True)
class Consolidated:
    """Accepted bars and refused ones, with the columns of their tables except ``known_at``, sorted by key."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame


@dataclass(frozen=True)
class Before:
    """What was known before the range: the references of its first bars.

    ``accepted`` holds rows of the consolidated table, ``vendor`` rows of each source's bars, both from before the
    range; only the last possible row of each symbol counts, so some 30 sessions of look-back are plenty.
    """

    accepted: pl.DataFrame
    vendor: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class _Judging:
    """What every bar of one consolidation is judged by."""

    grain: BarGrain
    limits: QualityThresholds
    sessions: Collection[date]
    bar_starts: Collection[datetime] | None
    unfinished: Mapping[str, Collection[date]]
    taken: pl.DataFrame = field(repr=False)


def consolidate(
    vendor_frames: Mapping[str, pl.DataFrame],
    *,
    priority: Sequence[str],
    sessions: Collection[date],
    before: Before | None = None,
    corporate_actions: pl.DataFrame | None = None,
    thresholds: QualityThresholds | None = None,
    grain: BarGrain = DAILY,
    bar_starts: Collection[datetime] | None = None,
    unfinished: Mapping[str, Collection[date]] | None = None,
    taken: pl.DataFrame | None = None,
    partial_volume: Collection[str] = (),
) -> Consolidated:
    """Judge every reported bar and keep the best possible one per key.

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
        Known corporate actions with columns ``symbol, ex_date, kind, split_ratio`` and, where there are spin-offs,
        ``price_factor``; splits and spin-offs explain a jump.
    thresholds
        Limits; the defaults if omitted.
    grain
        Kind of the bars: their tables, keyed (symbol, session) or, within a session, (symbol, bar_start).
    bar_starts
        Where the bars of the sessions begin, see ``BarGrain.bar_starts``; a bar that begins elsewhere is a phantom.
    unfinished
        Per source the sessions whose newest fetch came too early: its bars are refused.
    taken
        Bars that a person accepted although they break one of ``DISPUTABLE_RULES``: the columns of the key, ``source``
        (null for any) and ``value``, the text that ``values_text`` gave. Another value is not covered.
    partial_volume
        Sources whose volume is only a part of the market's, such as one exchange's feed: it is not compared.

    Returns
    -------
    Consolidated
        ``bars``: null differences where only one source has a possible bar. ``quarantined``: one row per (key, source)
        that broke a rule. Look-ahead: a bar is judged by its own and earlier ones only, so a range gives the same rows
        as its sessions one by one.
    """
    judging = _Judging(
        grain, thresholds or QualityThresholds(), sessions, bar_starts, unfinished or {},
        pl.DataFrame(schema={name: pl.String() for name in (*grain.key, "source", "value")}) if taken is None else taken,
    )  # fmt: skip
    names = [name for name in priority if name in vendor_frames]
    if not names:
        return Consolidated(best_bars([], [], grain), _one_reason_each([], grain))
    judged = [_judge_rows(vendor_frames[name], name, judging) for name in names]
    possible = [frame for frame, _ in judged]
    refused = [rows for _, rows in judged]
    jumps, references = _find_jumps(names, possible, before, corporate_actions, judging)
    for name, frame, flags, reference in zip(names, possible, jumps, references, strict=True):
        rows = frame.with_columns(pl.Series("reference_close", reference)).filter(pl.Series(flags))
        refused.append(_refused(rows.with_columns(rule=pl.lit("unexplained_jump")), name, judging))
    kept = [frame.filter(pl.Series(~flags)) for frame, flags in zip(possible, jumps, strict=True)]
    bars = best_bars(names, kept, grain, partial_volume)
    return Consolidated(bars, _one_reason_each(refused, grain))


def rows_taken(frame: pl.DataFrame, taken: pl.DataFrame, key: Sequence[str]) -> Flags:
    """Mark the rows of a frame with key, ``source`` and prices that a person accepted with just these values."""
    marked: Flags = np.zeros(frame.height, dtype=np.bool_)
    if taken.is_empty() or frame.is_empty():
        return marked
    candidates = frame.with_row_index("place").join(
        taken.select(*key, "value", accepted_source="source"), on=list(key)
    )
    if candidates.is_empty():
        return marked
    candidates = candidates.rechunk()  # polars 2.1 panics when it formats columns that have an empty chunk
    any_source = pl.col("accepted_source").is_null() | (pl.col("accepted_source") == pl.col("source"))
    marked[candidates.filter(any_source, pl.col("value") == values_text())["place"].to_numpy()] = True
    return marked


def _judge_rows(frame: pl.DataFrame, source: str, judging: _Judging) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split one source's bars into possible ones (unique, sorted) and refused ones."""
    bars = frame.select(*judging.grain.bar_columns, _reports(frame))
    bars = _of_the_range(bars, judging.sessions).with_columns(pl.col("volume").cast(pl.Float64))
    bars = _with_rule(bars, source, judging, judging.sessions, judging.bar_starts)
    early = pl.col("session").is_in(sorted(judging.unfinished.get(source, ())))
    bars = bars.with_columns(
        rule=pl.when(early & pl.col("rule").ne_missing("phantom_session"))
        .then(pl.lit("unfinished_bar"))
        .otherwise("rule")
    )
    wrong = bars.filter(pl.col("rule").is_not_null()).drop("reports")
    right, twice = _without_contradictions(
        bars.filter(pl.col("rule").is_null()).drop("rule"), judging.grain.key
    )
    refused = [wrong, twice.with_columns(rule=pl.lit("duplicate"))]
    return right, _refused(pl.concat(refused), source, judging)


def _with_rule(
    bars: pl.DataFrame,
    source: str,
    judging: _Judging,
    sessions: Collection[date],
    bar_starts: Collection[datetime] | None,
) -> pl.DataFrame:
    rule = rule_expression(sessions, judging.limits, bar_starts=bar_starts)
    bars = bars.with_columns(rule=rule)
    marked = rows_taken(bars.with_columns(source=pl.lit(source)), judging.taken, judging.grain.key)
    if not marked.any():
        return bars
    waived = pl.Series(marked) & bars["rule"].is_in(sorted(DISPUTABLE_RULES)).fill_null(value=False)
    return bars.with_columns(rule=pl.when(waived).then(None).otherwise("rule"))


def _reports(frame: pl.DataFrame) -> pl.Expr:
    return (pl.col("reports") if "reports" in frame.columns else pl.lit(1)).cast(pl.Int32).alias("reports")


def _without_contradictions(bars: pl.DataFrame, key: tuple[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split bars into unique ones, sorted, and those that were reported several times.

    The same bar reported twice is kept once; two different bars leave no way to tell which is right.
    """
    ordered = bars.sort(key)
    twice = pl.col("reports") > 1
    if _has_duplicates(ordered, key):
        twice |= pl.struct(key).is_duplicated()
    marked = ordered.with_columns(twice=twice)
    again = marked.filter("twice").drop("twice").sort(bars.columns)  # whatever order they came in
    once = marked.filter(~pl.col("twice")).drop("twice")
    if not again.is_empty():
        values = [name for name in again.columns if name != "batch_id"]
        same = again.unique(values, keep="first", maintain_order=True)
        same = same.filter((pl.col("reports") == 1) & ~pl.struct(key).is_duplicated())
        once = pl.concat([once, same]).sort(key)
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


def _has_duplicates(ordered: pl.DataFrame, key: tuple[str, str]) -> bool:
    same = [pl.col(name) == pl.col(name).shift(1) for name in key]
    return bool(ordered.select(pl.all_horizontal(same).any()).item())


def _refused(rows: pl.DataFrame, source: str, judging: _Judging) -> pl.DataFrame:
    if "reference_close" not in rows.columns:
        rows = rows.with_columns(reference_close=pl.lit(None, dtype=pl.Float64))
    rows = rows.with_columns(source=pl.lit(source), expectation=expectation_expression(judging.limits))
    return rows.select(stored_schema(judging.grain.quarantined).names())


def _one_reason_each(refused: list[pl.DataFrame], grain: BarGrain) -> pl.DataFrame:
    key = grain.quarantined.key
    rows = pl.concat([pl.DataFrame(schema=stored_schema(grain.quarantined)), *refused])
    order = pl.col("rule").replace_strict(list(RULES), list(range(len(RULES))), return_dtype=pl.Int32)
    return rows.sort(*key, order, *PRICES, "volume", "batch_id").unique(
        key, keep="first", maintain_order=True
    )


def _find_jumps(
    names: Sequence[str],
    possible: list[pl.DataFrame],
    before: Before | None,
    corporate_actions: pl.DataFrame | None,
    judging: _Judging,
) -> tuple[list[Flags], list[npt.NDArray[np.float64]]]:
    """Flag the jumps among the possible bars; references in the price scale of the bar."""
    grain = judging.grain
    nothing = pl.DataFrame(schema=grain.reference_schema)
    accepted_before = _last_rows(before.accepted, "", judging) if before else nothing
    vendor_before = [
        _last_rows(before.vendor[name], name, judging) if before and name in before.vendor else nothing
        for name in names
    ]
    explained = step_ratios(corporate_actions)
    symbols = pl.Enum(
        pl.concat([frame["symbol"] for frame in (*possible, accepted_before, *vendor_before, explained)])
        .unique()
        .sort()
    )
    steps = Steps(bar_keys(explained, symbols, "ex_date"), explained["ratio"].to_numpy())
    raw = [
        _source_bars(frame, context, symbols, name, judging)
        for name, frame, context in zip(names, possible, vendor_before, strict=True)
    ]
    adjusted = [split_adjusted(bars, steps) for bars in raw]
    accepted = split_adjusted(_source_bars(accepted_before, nothing, symbols, "", judging), steps)
    falls = [falls_explained(bars, steps) for bars in raw]
    flags, references = unexplained_jumps(adjusted, accepted, judging.limits.jump_ratio, falls=falls)
    own = [~bars.context for bars in raw]
    scale = [bars.close / scaled.close for bars, scaled in zip(raw, adjusted, strict=True)]
    return (
        [flag[keep] for flag, keep in zip(flags, own, strict=True)],
        [(reference * factor)[keep] for reference, factor, keep in zip(references, scale, own, strict=True)],
    )


def _last_rows(frame: pl.DataFrame, source: str, judging: _Judging) -> pl.DataFrame:
    """Last possible row of each symbol, as a reference; what is stored as accepted was judged in its own session."""
    if source:
        frame = _with_rule(frame, source, judging, _exchange_sessions(frame), None)
        frame = frame.filter(pl.col("rule").is_null())
    wanted = [name for name in judging.grain.bar_columns if name in frame.columns]
    rows, _ = _without_contradictions(frame.select(*wanted, _reports(frame)), judging.grain.key)
    rows = rows.sort(judging.grain.time).unique("symbol", keep="last", maintain_order=True).sort("symbol")
    return rows.select(pl.col(name).cast(kind) for name, kind in judging.grain.reference_schema.items())


def step_ratios(corporate_actions: pl.DataFrame | None) -> pl.DataFrame:
    """List what explains a step of the price: ``symbol, ex_date, ratio``.

    ``ratio`` is new shares per old one; for a spin-off the inverse of its price factor, NaN where that is unknown.
    """
    schema = pl.Schema({"symbol": pl.String(), "ex_date": pl.Date(), "ratio": pl.Float64()})
    if corporate_actions is None:
        return pl.DataFrame(schema=schema)
    told = pl.col("price_factor") if "price_factor" in corporate_actions.columns else pl.lit(None, pl.Float64)
    explained = corporate_actions.select(
        "symbol",
        "ex_date",
        ratio=pl.when((pl.col("kind") == "split") & (pl.col("split_ratio") > 0))
        .then(pl.col("split_ratio"))
        .when(pl.col("kind") == "spin_off")
        .then(pl.when(told > 0).then(1 / told).otherwise(float("nan"))),
    )
    return explained.filter(pl.col("ratio").is_not_null()).cast(schema)


def _source_bars(
    frame: pl.DataFrame, context: pl.DataFrame, symbols: pl.Enum, source: str, judging: _Judging
) -> SourceBars:
    columns = judging.grain.reference_schema.names()
    rows = pl.concat([context.select(columns), frame.select(columns)])
    key = bar_keys(rows, symbols, judging.grain.time)
    order = np.argsort(key, kind="stable")
    is_context = np.arange(len(key)) < context.height
    trusted = np.zeros(len(key), dtype=np.bool_)
    if source:
        trusted[context.height :] = rows_taken(
            frame.with_columns(source=pl.lit(source)), judging.taken, judging.grain.key
        )
    return SourceBars(
        key[order],
        rows["close"].to_numpy()[order],
        rows["volume"].to_numpy()[order],
        is_context[order],
        trusted[order],
    )
