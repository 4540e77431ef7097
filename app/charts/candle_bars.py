"""Candle bars: one row per bar of a symbol with everything that the candles show of it."""

from __future__ import annotations

import polars as pl

MAX_BARS = 1260


def candle_frame(
    bars: pl.DataFrame,
    fills: pl.DataFrame | None = None,
    events: pl.DataFrame | None = None,
    *,
    at: str = "session",
    zone: str = "UTC",
) -> pl.DataFrame:
    """Prepare one symbol's bars for the chart.

    Input: ``session``, ``open``, ``high``, ``low``, ``close``, ``volume`` sorted by time, and any of the
    overlay and oscillator columns; hourly bars also have ``bar_start`` and ``bar_end``. ``fills`` has the column ``at``,
    ``side`` and ``price`` in the scale of the bars. ``events`` has ``at``, ``letter`` and ``note``.

    Output: the newest ``MAX_BARS`` bars with ``ago`` (0 = newest, -1 the one before, ...), ``tick`` (1 first
    bar of a year, 2 of a quarter, 3 of a month, 4 of a week, 5 of a session, 6 else), ``label`` (date, and hours in the
    zone), ``change`` (fraction), ``buy`` and ``sell`` (average price of our fills, null without), ``event`` (letters) and
    ``event_note`` (words). NaN becomes null; prices are 32-bit.
    """
    day = pl.col("session")
    steps = (day.dt.year(), day.dt.quarter(), day.dt.month(), day.dt.week(), day)
    tick = pl.lit(6)
    for number, step in reversed(list(enumerate(steps, start=1))):
        tick = pl.when(step.ne_missing(step.shift(1))).then(number).otherwise(tick)
    label = day.dt.to_string("%a %d %b %Y")
    if at == "bar_start":
        start, end = (pl.col(name).dt.convert_time_zone(zone) for name in ("bar_start", "bar_end"))
        label = pl.format("{} to {}", start.dt.to_string("%a %d %b %Y %H:%M"), end.dt.to_string("%H:%M %Z"))
    frame = bars.with_columns(
        change=pl.col("close") / pl.col("close").shift(1) - 1, tick=tick.cast(pl.Int32), label=label
    )
    key = bars.schema[at]
    marks = pl.DataFrame(schema={at: key, "buy": pl.Float64, "sell": pl.Float64})
    if fills is not None and not fills.is_empty():
        price = pl.col("price").cast(pl.Float64)
        marks = fills.group_by(at).agg(
            buy=price.filter(pl.col("side") == "buy").mean(),
            sell=price.filter(pl.col("side") != "buy").mean(),
        )
    notes = pl.DataFrame(schema={at: key, "event": pl.String, "event_note": pl.String})
    if events is not None and not events.is_empty():
        notes = events.group_by(at, maintain_order=True).agg(
            event=pl.col("letter").str.join(""), event_note=pl.col("note").str.join(", ")
        )
    frame = frame.join(marks, on=at, how="left", maintain_order="left")
    frame = frame.join(notes, on=at, how="left", maintain_order="left").tail(MAX_BARS)
    return frame.with_columns(
        pl.col(pl.Float64).fill_nan(None).round_sig_figs(7).cast(pl.Float32),
        ago=pl.int_range(pl.len(), dtype=pl.Int32) - pl.len().cast(pl.Int32) + 1,
    )
