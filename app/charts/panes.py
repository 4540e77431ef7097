"""Panes: what the rows of the candle chart share; a horizontal axis of bars ago, a window, a crosshair."""

from __future__ import annotations

from typing import Any

from trading_assets.palette import Palette

Layer = dict[str, Any]

SPAN = "(win.ago ? win.ago[1] - win.ago[0] : 252)"
BAR_WIDTH = {"expr": f"clamp(700 / {SPAN}, 1, 14)"}
VISIBLE: Layer = {"filter": {"param": "win"}}


def x() -> Layer:
    """Return the horizontal axis: bars ago, within the window."""
    scale = {"domain": {"param": "win", "encoding": "x"}, "nice": False, "zero": False}
    return {"field": "ago", "type": "quantitative", "scale": scale, "axis": None}


def y(field: str, count: int = 4, number: str = ",.2f", **scale: Any) -> Layer:
    """Return a vertical axis with its labels inside the right edge."""
    axis = {
        "orient": "right",
        "labelAlign": "right",
        "labelPadding": -2,
        "labelBaseline": "bottom",
        "labelOffset": -1,
        "tickCount": count,
        "format": number,
    }
    return {
        "field": field,
        "type": "quantitative",
        "title": None,
        "axis": axis,
        "scale": {"zero": False, "nice": False, "padding": 3, **scale},
    }


def rising(colours: Palette) -> Layer:
    """Return the colour of a bar by its direction."""
    return {
        "condition": {"test": "datum.close >= datum.open", "value": colours.up},
        "value": colours.down,
    }


def line(column: str, paint: Layer, axis: Layer, dash: tuple[int, ...] = ()) -> Layer:
    """Return one line of a pane."""
    mark: Layer = {"type": "line", "strokeWidth": 1.4, **({"strokeDash": list(dash)} if dash else {})}
    return {"mark": mark, "encoding": {"y": axis | {"field": column}, "color": paint}}


def guide(value: float, colours: Palette) -> Layer:
    """Return a dashed line across a pane."""
    return {
        "transform": [{"aggregate": [{"op": "count", "as": "bars"}]}],
        "mark": {"type": "rule", "color": colours.muted, "strokeDash": [2, 4], "opacity": 0.7},
        "encoding": {
            "x": {"value": 0},
            "x2": {"value": "width"},
            "y": {"datum": value, "type": "quantitative"},
        },
    }


def pane(name: str, height: int, layers: list[Layer], colours: Palette, *, title: str, ticks: str) -> Layer:
    """Return one row of the chart: its layers over the lines of the periods, under the crosshair.

    ``name`` tells it from the other rows, ``ticks`` is the condition of the bars that begin a period.
    """
    periods = {
        "transform": [{"filter": ticks}],
        "mark": {"type": "rule", "stroke": colours.grid, "opacity": 1},
    }
    return {
        "height": height,
        "title": {"text": title},
        "transform": [VISIBLE],
        "encoding": {"x": x()},
        "layer": [periods, *layers, *_hover(colours, name, height)],
    }


def _hover(colours: Palette, name: str, height: int) -> list[Layer]:
    rule = {
        "transform": [{"filter": {"param": "hover", "empty": False}}],
        "mark": {"type": "rule", "color": colours.muted, "strokeDash": [3, 3]},
    }
    edge = x() | {"field": "ago_left"}
    hit = {
        "name": f"{name}_hit",
        "transform": [
            {"calculate": "datum.ago - 0.5", "as": "ago_left"},
            {"calculate": "datum.ago + 0.5", "as": "ago_right"},
        ],
        "mark": {"type": "rect", "opacity": 0, "cursor": "crosshair", "tooltip": None},
        "encoding": {
            "x": edge,
            "x2": {"field": "ago_right"},
            "y": {"value": 0},
            "y2": {"value": height},
        },
    }
    return [rule, hit]
