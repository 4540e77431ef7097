"""Unexplained jumps: which possible bars step too far from the last accepted close; per (symbol, bar, source)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SYMBOL_SPAN = 1 << 27
"""Room for minutes in a bar key: key = symbol number * SYMBOL_SPAN + minute, so that keys sort by (symbol, time)."""
MINUTES_A_DAY = 24 * 60
MICROSECONDS_A_MINUTE = 60_000_000


@dataclass(frozen=True)
class SourceBars:
    """Possible bars of one source, sorted by key.

    ``context`` marks those before the range, known already; ``trusted`` those that a person accepted as they are.
    """

    key: Integers
    close: Floats
    volume: Floats
    context: Flags
    trusted: Flags


def bar_keys(frame: pl.DataFrame, symbols: pl.Enum, time: str = "session") -> Integers:
    """Return the numbers of the bars of ``frame`` by symbol and ``time``, a date or a UTC instant."""
    numbers: Integers = frame["symbol"].cast(symbols).to_physical().to_numpy().astype(np.int64)
    when: Integers = frame[time].to_physical().to_numpy().astype(np.int64)
    minutes = when * MINUTES_A_DAY if frame.schema[time] == pl.Date() else when // MICROSECONDS_A_MINUTE
    return numbers * SYMBOL_SPAN + minutes


@dataclass(frozen=True)
class Steps:
    """What explains a step of the price from a bar on: ``ratio`` new shares per old one; NaN = down, by an unknown part."""

    key: Integers
    ratio: Floats


def split_adjusted(bars: SourceBars, steps: Steps) -> SourceBars:
    """Multiply closes by the product of the ratios up to their bar, so that known splits cause no step."""
    return replace(bars, close=bars.close * ratios_so_far(bars.key, steps))


def ratios_so_far(bar_key: Integers, steps: Steps) -> Floats:
    """Return, for bars sorted by key, the product of the known ratios of their symbol up to them."""
    factor = np.ones(len(bar_key))
    known = np.isfinite(steps.ratio)
    keys = steps.key[known]
    ends = (keys // SYMBOL_SPAN + 1) * SYMBOL_SPAN
    starts = np.searchsorted(bar_key, keys, side="left")
    stops = np.searchsorted(bar_key, ends, side="left")
    for start, stop, ratio in zip(starts, stops, steps.ratio[known], strict=True):
        factor[start:stop] *= ratio
    return factor


def falls_explained(bars: SourceBars, steps: Steps) -> Flags:
    """Mark the first bar of each symbol on or after a step by an unknown part, as of a spin-off without a ratio."""
    marked = np.zeros(len(bars.key), dtype=np.bool_)
    keys = steps.key[~np.isfinite(steps.ratio)]
    at = np.searchsorted(bars.key, keys, side="left")
    inside = at < len(bars.key)
    at, keys = at[inside], keys[inside]
    marked[at[bars.key[at] // SYMBOL_SPAN == keys // SYMBOL_SPAN]] = True
    return marked


def unexplained_jumps(
    sources: list[SourceBars], accepted: SourceBars, ratio: float, *, falls: list[Flags]
) -> tuple[list[Flags], list[Floats]]:
    """Find the bars whose close steps too far.

    A bar is accepted when its split-adjusted close is within ``[1/ratio, ratio]`` times the last accepted close
    (any source, earlier bar), or when it traded and is within that band of the same source's previous
    possible bar: so a spike is refused, and a real step is accepted on its second traded bar. The first bar of a
    symbol has nothing to be compared with and is accepted, and so is what a person accepted.

    Parameters
    ----------
    sources
        Split-adjusted possible bars of each source, in order of priority.
    accepted
        Split-adjusted bars accepted before the range.
    ratio
        Largest step.
    falls
        Per source the bars on which any step down is explained, see ``falls_explained``.

    Returns
    -------
    tuple
        Per source a flag for each bar (True = refused) and the last accepted close, split-adjusted, that it was
        compared with (NaN where none was needed). Look-ahead: a bar is judged by earlier bars only.
    """
    confirmed = [_confirmed(bars, ratio) for bars in sources]
    doubtful = [
        np.flatnonzero(~(flags | bars.context)) for bars, flags in zip(sources, confirmed, strict=True)
    ]
    base = _confirmed_bars(sources, confirmed, accepted)
    refused = [np.zeros(len(bars.key), dtype=np.bool_) for bars in sources]
    reference = [np.full(len(bars.key), np.nan) for bars in sources]
    rank = np.repeat(np.arange(len(sources)), [len(rows) for rows in doubtful])
    row = np.concatenate(doubtful)
    key = np.concatenate([bars.key[rows] for bars, rows in zip(sources, doubtful, strict=True)])
    close = np.concatenate([bars.close[rows] for bars, rows in zip(sources, doubtful, strict=True)])
    may_fall = np.concatenate([marks[rows] for marks, rows in zip(falls, doubtful, strict=True)])
    order = np.argsort(key, kind="stable")
    last = _judge(_Bars(key[order], rank[order], close[order]), base, ratio, may_fall[order])
    for at, (reference_close, is_refused) in zip(order, last, strict=True):
        reference[rank[at]][row[at]] = reference_close
        refused[rank[at]][row[at]] = is_refused
    return refused, reference


@dataclass(frozen=True)
class _Bars:
    """Bars of several sources, sorted by (key, rank of the source)."""

    key: Integers
    rank: Integers
    close: Floats


def _confirmed(bars: SourceBars, ratio: float) -> Flags:
    confirmed = bars.trusted.copy()
    if len(bars.key) > 1:
        previous, close = bars.close[:-1], bars.close[1:]
        same_symbol = bars.key[1:] // SYMBOL_SPAN == bars.key[:-1] // SYMBOL_SPAN
        near = (close >= previous / ratio) & (close <= previous * ratio)
        confirmed[1:] |= same_symbol & near & (bars.volume[1:] > 0)
    return confirmed


def _confirmed_bars(sources: list[SourceBars], confirmed: list[Flags], accepted: SourceBars) -> _Bars:
    """Best bar of each key out of those accepted before the range and those that need no comparison."""
    sure = [flags & ~bars.context for bars, flags in zip(sources, confirmed, strict=True)]
    blocks = [accepted.key, *(bars.key[keep] for bars, keep in zip(sources, sure, strict=True))]
    key = np.concatenate(blocks)
    close = np.concatenate(
        [accepted.close, *(bars.close[keep] for bars, keep in zip(sources, sure, strict=True))]
    )
    rank = np.repeat(np.arange(-1, len(sources)), [len(block) for block in blocks])
    # ranks ascend block by block, so a stable sort keeps the best source first within a key
    order = np.argsort(key, kind="stable")
    key, close, rank = key[order], close[order], rank[order]
    first = np.ones(len(key), dtype=np.bool_)
    first[1:] = key[1:] != key[:-1]
    return _Bars(key[first], rank[first], close[first])


def _judge(bars: _Bars, base: _Bars, ratio: float, may_fall: Flags) -> list[tuple[float, bool]]:
    """Last accepted close before each unconfirmed bar, and whether the bar is refused; in order of the bars.

    Accepted bars of this list become references in turn, which is why it is a loop; it only sees untraded bars,
    first bars and steps (about 3 % of a real market).
    """
    before = np.searchsorted(base.key, bars.key, side="left") - 1
    verdicts: list[tuple[float, bool]] = []
    last = candidate = (
        -1,
        0,
        np.nan,
    )  # (key, minus rank, close), so that max() takes the later and better one
    for key, rank, close, at, falls in zip(
        bars.key.tolist(),
        bars.rank.tolist(),
        bars.close.tolist(),
        before.tolist(),
        may_fall.tolist(),
        strict=True,
    ):
        if candidate[0] != key and candidate[0] >= 0:
            last, candidate = candidate, (-1, 0, np.nan)
        first_key = key // SYMBOL_SPAN * SYMBOL_SPAN
        known = last if last[0] >= first_key else (-1, 0, np.nan)
        if at >= 0 and base.key[at] >= first_key:
            known = max(known, (int(base.key[at]), -int(base.rank[at]), float(base.close[at])))
        reference = known[2]
        lowest = 0.0 if falls else reference / ratio
        refused = not (known[0] < 0 or lowest <= close <= reference * ratio)
        verdicts.append((reference, refused))
        if not refused and candidate[0] != key:
            candidate = (key, -rank, close)
    return verdicts
