"""The best bar: one row per key out of several sources, and how far the sources differ on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.quality.jumps import bar_keys
from trading_assets.tables.bars import BarGrain, stored_schema


def best_bars(
    names: Sequence[str],
    accepted: Sequence[pl.DataFrame],
    grain: BarGrain,
    partial_volume: Collection[str] = (),
) -> pl.DataFrame:
    """Keep the bar of the best source of each key and measure the difference over the sources.

    Parameters
    ----------
    names
        Sources, best first.
    accepted
        Their possible bars, unique by key.
    grain
        Kind of the bars.
    partial_volume
        Sources whose volume is only a part of the market's: it is not compared.

    Returns
    -------
    pl.DataFrame
        Columns of the accepted table, sorted by key; null differences where only one source has the bar.
    """
    schema = stored_schema(grain.accepted)
    if not accepted:
        return pl.DataFrame(schema=schema)
    symbols = pl.Enum(pl.concat([frame["symbol"] for frame in accepted]).unique().sort())
    keys = [bar_keys(frame, symbols, grain.time) for frame in accepted]
    key = np.concatenate(keys)
    order = np.argsort(key, kind="stable")  # blocks are in order of priority: the best source comes first
    ordered = key[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else order
    measured = pl.DataFrame({"source_count": np.diff(np.r_[starts, len(ordered)]).astype(np.int32)})
    whole = {name: name not in partial_volume for name in names}
    for column in ("close", "volume"):
        compared = [column == "close" or whole[name] for name in names]
        values = [
            frame[column].to_numpy() if is_compared else np.full(frame.height, np.nan)
            for frame, is_compared in zip(accepted, compared, strict=True)
        ]
        measured = measured.with_columns(
            _difference(np.concatenate(values)[order], starts, f"{column}_difference_frac")
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
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(grain.key)


def _difference(values: npt.NDArray[np.float64], starts: npt.NDArray[np.int64], name: str) -> pl.Series:
    """Return (highest - lowest) / lowest of each group of values, null where fewer than two are numbers."""
    if not len(starts):
        return pl.Series(name, [], dtype=pl.Float64)
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    difference = np.divide(high - low, low, out=np.where(high > low, np.inf, 0.0), where=low > 0)
    several = np.add.reduceat(np.isfinite(values).astype(np.int64), starts) > 1
    return pl.Series(name, np.where(several, difference, np.nan)).fill_nan(None)
