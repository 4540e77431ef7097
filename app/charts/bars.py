"""Bars: one bar per session (coverage of a table) or per group (allocation of a portfolio)."""

from __future__ import annotations

from app.charts.palette import Palette, Spec, canvas


def coverage_spec(colours: Palette) -> Spec:
    """Return accepted bars a session as columns, with the listed symbols as a line.

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
    points = {
        "mark": {"type": "point", "filled": True, "size": 18, "color": colours.line},
        "encoding": {"y": {"field": "bars", "type": "quantitative", **y_axis}, "tooltip": tooltip},
    }
    return canvas({"height": 200, "encoding": {"x": x}, "layer": [bars, listed, points]}, colours)


def allocation_spec(groups: int, colours: Palette) -> Spec:
    """Return the share of each group in the equity as horizontal bars with the number at the end.

    Input: ``group``, ``weight_frac``, ``value_usd``; largest first.
    """
    encoding = {
        "y": {
            "field": "group",
            "type": "nominal",
            "sort": None,
            "title": None,
            "axis": {"labelLimit": 150, "labelFontSize": 12},
        },
        "x": {"field": "weight_frac", "type": "quantitative", "axis": None, "scale": {"zero": True}},
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
    return canvas({"height": 30 * max(1, groups), "encoding": encoding, "layer": [bar, number]}, colours)
