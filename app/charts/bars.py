"""Bars: one bar per group (allocation of a portfolio) or per month (analysts' recommendations)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from app.charts.canvas import Spec, canvas
from trading_assets.palette import Palette

LARGEST = 11


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


def recommendations_spec(months: int, colours: Palette) -> Spec:
    """Return how many analysts recommend what, one stacked bar a month, newest on top.

    Input: ``months_ago``, ``month`` (in words), ``rating`` (strong buy, buy, hold, sell, strong sell), ``analysts``.
    """
    ratings = ["strong buy", "buy", "hold", "sell", "strong sell"]
    paints = [colours.up, colours.line, colours.flat, colours.accent, colours.down]
    encoding = {
        "y": {"field": "month", "type": "nominal", "title": None, "sort": {"field": "months_ago"}},
        "x": {"field": "analysts", "type": "quantitative", "title": "Analysts", "axis": {"tickMinStep": 1, "tickCount": 5}},
        "color": {
            "field": "rating", "type": "nominal", "scale": {"domain": ratings, "range": paints},
            "legend": {"orient": "top", "direction": "horizontal", "title": None, "columns": 3, "symbolType": "square"},
        },
        "order": {"field": "place", "type": "quantitative"},
        "tooltip": [
            {"field": "month", "type": "nominal", "title": "Month"},
            {"field": "rating", "type": "nominal", "title": "Rating"},
            {"field": "analysts", "type": "quantitative", "title": "Analysts"},
        ],
    }  # fmt: skip
    place = {"calculate": f"indexof({ratings}, datum.rating)", "as": "place"}
    bars = {"type": "bar", "height": {"band": 0.7}}
    return canvas(
        {
            "height": 30 * months,
            "autosize": {"type": "fit-x", "contains": "padding"},
            "transform": [place],
            "mark": bars,
            "encoding": encoding,
        },
        colours,
    )
