"""Bars: one bar per session (coverage of a table) or per group (allocation of a portfolio)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from app.charts.palette import Palette, Spec, canvas

LARGEST = 11


def coverage_spec(colours: Palette) -> Spec:
    """Return accepted bars a session as an area, listed symbols as a line, shortfalls as triangles.

    Input: ``session``, ``bars``, ``listed`` (null where the universe is not known).
    """
    x = {
        "field": "session", "type": "temporal", "timeUnit": "utcyearmonthdate", "title": None,
        "axis": {"format": "%d %b %Y", "labelOverlap": True, "tickCount": 8, "grid": False},
    }  # fmt: skip
    y_axis = {"title": "Symbols", "axis": {"format": ",d", "tickMinStep": 1, "tickCount": 4}}
    tooltip = [
        {
            "field": "session",
            "type": "temporal",
            "timeUnit": "utcyearmonthdate",
            "title": "Session",
            "format": "%a %d %b %Y",
        },
        {"field": "bars", "type": "quantitative", "title": "Accepted bars", "format": ",d"},
        {"field": "listed", "type": "quantitative", "title": "Listed symbols", "format": ",d"},
    ]
    bars = {
        "mark": {"type": "area", "color": colours.line, "opacity": 0.35, "interpolate": "step"},
        "encoding": {"y": {"field": "bars", "type": "quantitative", **y_axis}, "tooltip": tooltip},
    }
    listed = {
        "mark": {"type": "line", "color": colours.accent, "strokeWidth": 1.5, "interpolate": "step"},
        "encoding": {"y": {"field": "listed", "type": "quantitative", **y_axis}},
    }
    short = {
        "transform": [{"filter": "datum.bars < datum.listed"}],
        "mark": {"type": "point", "filled": True, "shape": "triangle-down", "size": 34, "color": colours.down, "opacity": 1},
        "encoding": {"y": {"field": "bars", "type": "quantitative", **y_axis}, "tooltip": tooltip},
    }  # fmt: skip
    return canvas({"height": 170, "encoding": {"x": x}, "layer": [bars, listed, short]}, colours)


def allocation_frame(positions: pl.DataFrame, equity: float, by: str) -> pl.DataFrame:
    """Sum the positions by a column and add what is left of the equity as cash.

    Input: ``market_value_usd`` and the column ``by`` (null becomes "Unknown"). Output: ``group``, ``value_usd``,
    ``weight_frac``; the ``LARGEST`` groups by value, the others as one, cash last.
    """
    groups = (
        positions.group_by(group=pl.col(by).fill_null("Unknown"))
        .agg(value_usd=pl.col("market_value_usd").sum())
        .sort("value_usd", "group", descending=[True, False])
    )
    others = groups.slice(LARGEST)
    rest = {"Cash": equity - float(groups["value_usd"].sum())}
    if others.height:
        rest = {f"{others.height} others": float(others["value_usd"].sum()), **rest}
    last = pl.DataFrame({"group": list(rest), "value_usd": list(rest.values())})
    return pl.concat([groups.head(LARGEST), last]).with_columns(weight_frac=pl.col("value_usd") / equity)


def allocation_spec(groups: int, weights: Sequence[float], colours: Palette) -> Spec:
    """Return the share of each group in the equity as horizontal bars with the number at the end.

    Input: ``group``, ``weight_frac``, ``value_usd``; largest first.
    """
    scale = {"domain": [0, max([*weights, 0.01]) * 1.3]}  # room for the numbers
    encoding = {
        "y": {
            "field": "group",
            "type": "nominal",
            "sort": None,
            "title": None,
            "axis": {"labelLimit": 150, "labelFontSize": 12},
        },
        "x": {"field": "weight_frac", "type": "quantitative", "axis": None, "scale": scale},
        "tooltip": [
            {"field": "group", "type": "nominal", "title": "Group"},
            {"field": "weight_frac", "type": "quantitative", "title": "Share of equity", "format": ".1%"},
            {"field": "value_usd", "type": "quantitative", "title": "Value (USD)", "format": ",.2f"},
        ],
    }
    bar = {"mark": {"type": "bar", "color": colours.line, "cornerRadiusEnd": 3, "height": {"band": 0.62}}}
    number = {
        "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 12, "color": colours.text},
        "encoding": {"text": {"field": "weight_frac", "type": "quantitative", "format": ".1%"}},
    }
    return canvas({"height": 27 * max(1, groups), "encoding": encoding, "layer": [bar, number]}, colours)
