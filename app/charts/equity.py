"""Equity and drawdown: one mark per session of an account."""

from __future__ import annotations

import polars as pl

from app.charts.canvas import Spec, canvas
from trading_assets.palette import Palette

FEW_SESSIONS = 60
_AXIS_WIDTH = 64


def equity_frame(performance: pl.DataFrame) -> pl.DataFrame:
    """Prepare the performance of an account for both charts.

    Input: ``session``, ``equity_usd``, ``drawdown_frac``, ``return_frac``, sorted by session. Output: the same as
    64-bit floats, NaN as null.
    """
    numbers = ("equity_usd", "drawdown_frac", "return_frac")
    return performance.select("session", *(pl.col(name).cast(pl.Float64).fill_nan(None) for name in numbers))


def equity_spec(sessions: int, colours: Palette, *, opening_usd: float | None = None) -> Spec:
    """Return the equity curve in USD, with the opening balance as a dashed line."""
    y = {
        "field": "equity_usd", "type": "quantitative", "title": "Equity (USD)",
        "scale": {"zero": False, "padding": 12},
        "axis": {"format": ",.0f", "minExtent": _AXIS_WIDTH, "maxExtent": _AXIS_WIDTH, "tickCount": 5},
    }  # fmt: skip
    line = {"type": "line", "color": colours.line, "strokeWidth": 2}
    if sessions <= FEW_SESSIONS:
        line["point"] = {"color": colours.line, "size": 26}
    layers: list[Spec] = [{"mark": line, "encoding": {"y": y}}]
    if opening_usd is not None:
        opening = {
            "transform": [{"aggregate": [{"op": "count", "as": "sessions"}]}],
            "mark": {"type": "rule", "stroke": colours.muted, "strokeDash": [4, 4]},
            "encoding": {
                "x": {"value": 0},
                "x2": {"value": "width"},
                "y": {"datum": opening_usd, "type": "quantitative"},
            },
        }
        layers.append(opening)
    return canvas(
        {
            "height": 240,
            "encoding": {"x": _x(labels=True)},
            "layer": [*layers, *_hover(colours, "equity_usd", ",.2f")],
        },
        colours,
    )


def underwater_spec(colours: Palette) -> Spec:
    """Return the drawdown from the highest equity so far, as an area below zero."""
    y = {
        "field": "drawdown_frac", "type": "quantitative", "title": "Drawdown",
        "scale": {"zero": True, "nice": True, "domainMax": 0},
        "axis": {"format": ".1%", "minExtent": _AXIS_WIDTH, "maxExtent": _AXIS_WIDTH, "tickCount": 3},
    }  # fmt: skip
    area = {
        "mark": {
            "type": "area",
            "color": colours.down,
            "opacity": 0.3,
            "line": {"color": colours.down, "strokeWidth": 1.5},
        },
        "encoding": {"y": y},
    }
    return canvas({"height": 110, "encoding": {"x": _x(labels=False)}, "layer": [area]}, colours)


def _x(*, labels: bool) -> Spec:
    axis = {"format": "%d %b %Y", "labelOverlap": True, "tickCount": 6, "grid": False, "labels": labels}
    return {
        "field": "session",
        "type": "temporal",
        "timeUnit": "utcyearmonthdate",
        "title": None,
        "axis": axis,
    }


def _hover(colours: Palette, field: str, number: str) -> list[Spec]:
    tooltip = [
        {
            "field": "session",
            "type": "temporal",
            "timeUnit": "utcyearmonthdate",
            "title": "Session",
            "format": "%a %d %b %Y",
        },
        {"field": field, "type": "quantitative", "title": "Equity (USD)", "format": number},
        {"field": "return_frac", "type": "quantitative", "title": "Return of the session", "format": "+.2%"},
        {"field": "drawdown_frac", "type": "quantitative", "title": "Drawdown", "format": ".2%"},
    ]
    return [
        {
            "params": [
                {
                    "name": "hover",
                    "select": {"type": "point", "on": "pointerover", "clear": "pointerout", "nearest": True, "encodings": ["x"]},
                }
            ],
            "mark": {"type": "point", "filled": True, "size": 60, "color": colours.line},
            "encoding": {
                "y": {"field": field, "type": "quantitative"},
                "opacity": {"condition": {"param": "hover", "empty": False, "value": 1}, "value": 0},
                "tooltip": tooltip,
            },
        }
    ]  # fmt: skip
