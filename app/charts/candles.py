"""Candles: price, volume, RSI and MACD of one symbol over its daily or hourly bars; no gaps on closed days.

The horizontal axis counts bars backwards (0 = newest), so that weekends leave no holes and the specification is the same for
every symbol: choosing another one swaps the data and keeps the window. The lowest pane shows the whole history;
dragging there moves the window of all others, whose vertical scales follow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.palette import Palette, Spec, canvas

PRICE_HEIGHT = 300
Layer = dict[str, Any]


@dataclass(frozen=True)
class Overlay:
    """One line in the price pane: the column, its label and which of the palette's colours it has."""

    column: str
    label: str
    colour: str


OVERLAYS = {
    "SMA 20": Overlay("sma_20", "SMA 20", "accent"),
    "SMA 50": Overlay("sma_50", "SMA 50", "line"),
    "SMA 200": Overlay("sma_200", "SMA 200", "violet"),
    "EMA 26": Overlay("ema_26", "EMA 26", "rose"),
}
BOLLINGER = "Bollinger"
OVERLAY_NAMES = (*OVERLAYS, BOLLINGER)
PANE_NAMES = ("RSI", "MACD")

_SPAN = "(win.ago ? win.ago[1] - win.ago[0] : 252)"
_WIDTH = {"expr": f"clamp(700 / {_SPAN}, 1, 14)"}
_VISIBLE: Layer = {"filter": {"param": "win"}}
_DAILY_TICKS = f"datum.tick <= ({_SPAN} > 600 ? 1 : {_SPAN} > 200 ? 2 : {_SPAN} > 45 ? 3 : 4)"
_HOURLY_TICKS = f"datum.tick <= ({_SPAN} > 600 ? 3 : {_SPAN} > 120 ? 4 : {_SPAN} > 12 ? 5 : 6)"
_LAST = "min(0, floor(win.ago ? win.ago[1] : 0))"
_SHOWN = f"hover && hover.ago ? indexof(hover.ago, datum.ago) >= 0 : datum.ago === {_LAST}"
_READOUT = (
    "datum.label + '   O ' + format(datum.open, ',.2f') + '  H ' + format(datum.high, ',.2f')"
    " + '  L ' + format(datum.low, ',.2f') + '  C ' + format(datum.close, ',.2f')"
    " + (isValid(datum.change) ? '  ' + (datum.change > 0 ? '▲ ' : datum.change < 0 ? '▼ ' : '') + format(datum.change, '+.2%') : '')"
    " + '   V ' + format(datum.volume, '.4s') + (datum.event_note ? '   ' + datum.event_note : '')"
)


def candle_spec(
    bars: int, window: int, colours: Palette, *,
    overlays: Sequence[str] = ("SMA 50", "SMA 200"), panes: Sequence[str] = PANE_NAMES, log: bool = False,
    title: str = "Price (USD)", hourly: bool = False,
) -> Spec:  # fmt: skip
    """Return the specification for a frame of ``candle_bars.candle_frame``.

    Parameters
    ----------
    bars
        Rows of the frame.
    window
        Bars shown at first; the user moves the window in the overview.
    colours
        Of the theme.
    overlays
        Any of ``OVERLAY_NAMES``.
    panes
        Any of ``PANE_NAMES``.
    log
        Logarithmic prices.
    title
        Of the price pane, with the unit.
    hourly
        The bars are hours of sessions.
    """
    shown = max(1, min(window, bars))
    room = math.ceil(shown * 0.055) + 1  # for the labels inside the right edge
    ticks = _HOURLY_TICKS if hourly else _DAILY_TICKS
    rows = [_price(colours, overlays, title, ticks, log=log), _volume(colours, ticks)]
    rows += [
        build(colours, ticks, "bars" if hourly else "sessions")
        for name, build in (("RSI", _rsi), ("MACD", _macd))
        if name in panes
    ]
    hits = [layer["name"] for row in rows for layer in row["layer"] if "name" in layer]
    return canvas(
        {
            "params": [
                {
                    "name": "hover",
                    "select": {"type": "point", "on": "pointerover", "clear": "pointerout", "fields": ["ago"]},
                    "views": hits,
                },
                {
                    "name": "win",
                    "select": {"type": "interval", "encodings": ["x"], "mark": {"fill": colours.line, "fillOpacity": 0.18}},
                    "value": {"x": [-shown + 0.5, room]},
                    "views": ["overview"],
                },
            ],
            "spacing": 6,
            "vconcat": [_readout(colours), *rows, _dates(colours, ticks), _overview(colours, max(1, bars), room)],
        },
        colours,
    )  # fmt: skip


def _x() -> Layer:
    scale = {"domain": {"param": "win", "encoding": "x"}, "nice": False, "zero": False}
    return {"field": "ago", "type": "quantitative", "scale": scale, "axis": None}


def _y(field: str, count: int = 4, number: str = ",.2f", **scale: Any) -> Layer:
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


def _rising(colours: Palette) -> Layer:
    return {
        "condition": {"test": "datum.close >= datum.open", "value": colours.up},
        "value": colours.down,
    }


def _line(column: str, colour: str | Layer, number: str = ",.2f", *, count: int = 4, **scale: Any) -> Layer:
    paint = colour if isinstance(colour, dict) else {"value": colour}
    return {
        "mark": {"type": "line", "strokeWidth": 1.4},
        "encoding": {"y": _y(column, count, number, **scale), "color": paint},
    }


def _hover(colours: Palette, name: str, height: int) -> list[Layer]:
    rule = {
        "transform": [{"filter": {"param": "hover", "empty": False}}],
        "mark": {"type": "rule", "color": colours.muted, "strokeDash": [3, 3]},
    }
    edge = _x() | {"field": "ago_left"}
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


def _pane(name: str, height: int, layers: list[Layer], colours: Palette, *, title: str, ticks: str) -> Layer:
    periods = {
        "transform": [{"filter": ticks}],
        "mark": {"type": "rule", "stroke": colours.grid, "opacity": 1},
    }
    return {
        "height": height,
        "title": {"text": title},
        "transform": [_VISIBLE],
        "encoding": {"x": _x()},
        "layer": [periods, *layers, *_hover(colours, name, height)],
    }


def _price(colours: Palette, overlays: Sequence[str], title: str, ticks: str, *, log: bool) -> Layer:
    scale: Layer = {"type": "log"} if log else {}
    layers: list[Layer] = []
    if BOLLINGER in overlays:
        band = {"y": _y("bb_lower", **scale), "y2": {"field": "bb_upper"}, "color": {"value": colours.flat}}
        layers.append({"mark": {"type": "area", "opacity": 0.16}, "encoding": band})
    layers += [
        {
            "mark": {"type": "rule"},
            "encoding": {"y": _y("low", **scale), "y2": {"field": "high"}, "color": _rising(colours)},
        },
        {
            "mark": {"type": "bar", "size": _WIDTH, "strokeWidth": 1},
            "encoding": {
                "y": _y("open", **scale),
                "y2": {"field": "close"},
                "color": _rising(colours),
                "stroke": _rising(colours),
            },
        },
    ]
    chosen = [OVERLAYS[name] for name in overlays if name in OVERLAYS]
    legend = {"orient": "top", "direction": "horizontal", "title": None, "offset": 2, "symbolType": "stroke"}
    paint = {
        "domain": [item.label for item in chosen],
        "range": [getattr(colours, item.colour) for item in chosen],
    }
    for item in chosen:
        colour = {"field": "overlay", "type": "nominal", "scale": paint, "legend": legend}
        named = {"transform": [{"calculate": f"'{item.label}'", "as": "overlay"}]}
        layers.append(named | _line(item.column, colour, **scale))
    layers += [
        _fill_marks("buy", "triangle-up", colours.up, colours, scale),
        _fill_marks("sell", "triangle-down", colours.down, colours, scale),
        *_event_marks(colours),
    ]
    return _pane("price", PRICE_HEIGHT, layers, colours, title=title, ticks=ticks)


def _readout(colours: Palette) -> Layer:
    paint = {"condition": {"test": "datum.change < 0", "value": colours.down}, "value": colours.up}
    return {
        "height": 16,
        "transform": [{"filter": _SHOWN}, {"calculate": _READOUT, "as": "readout"}],
        "mark": {"type": "text", "align": "left", "baseline": "middle", "fontSize": 12, "fontWeight": 600},
        "encoding": {"x": {"value": 0}, "text": {"field": "readout", "type": "nominal"}, "color": paint},
    }


def _fill_marks(column: str, shape: str, colour: str, colours: Palette, scale: Layer) -> Layer:
    mark = {
        "type": "point",
        "shape": shape,
        "filled": True,
        "size": 110,
        "stroke": colours.text,
        "strokeWidth": 1,
    }
    return {
        "transform": [{"filter": f"isValid(datum.{column})"}],
        "mark": mark | {"opacity": 1, "color": colour},
        "encoding": {"y": _y(column, **scale)},
    }  # fmt: skip


def _event_marks(colours: Palette) -> list[Layer]:
    there: Layer = {"transform": [{"filter": "datum.event"}]}
    y: Layer = {"y": {"value": PRICE_HEIGHT - 9}}
    badge = {
        "type": "point",
        "shape": "circle",
        "filled": True,
        "size": 190,
        "color": colours.violet,
        "opacity": 0.9,
        "tooltip": None,
    }
    letter = {
        "type": "text",
        "fontSize": 10,
        "fontWeight": 700,
        "color": colours.paper,
        "baseline": "middle",
        "tooltip": None,
    }
    text = {"text": {"field": "event", "type": "nominal"}}
    return [there | {"mark": badge, "encoding": y}, there | {"mark": letter, "encoding": y | text}]  # fmt: skip


def _volume(colours: Palette, ticks: str) -> Layer:
    bars = {
        "mark": {"type": "bar", "size": _WIDTH, "opacity": 0.65},
        "encoding": {"y": _y("volume", 2, ".2~s", zero=True), "color": _rising(colours)},
    }
    return _pane("volume", 64, [bars], colours, title="Volume (shares)", ticks=ticks)


def _guide(value: float, colours: Palette) -> Layer:
    return {
        "transform": [{"aggregate": [{"op": "count", "as": "bars"}]}],
        "mark": {"type": "rule", "color": colours.muted, "strokeDash": [2, 4], "opacity": 0.7},
        "encoding": {
            "x": {"value": 0},
            "x2": {"value": "width"},
            "y": {"datum": value, "type": "quantitative"},
        },
    }


def _rsi(colours: Palette, ticks: str, unit: str) -> Layer:
    line = _line("rsi_14", colours.violet, "d", domain=[0, 100])
    line["encoding"]["y"]["axis"]["values"] = [30, 70]
    guides = [_guide(30, colours), _guide(70, colours)]
    return _pane("rsi", 76, [*guides, line], colours, title=f"RSI, 14 {unit} (0 to 100)", ticks=ticks)


def _macd(colours: Palette, ticks: str, unit: str) -> Layer:
    sign = {"condition": {"test": "datum.macd_histogram >= 0", "value": colours.up}, "value": colours.down}
    bars = {
        "mark": {"type": "bar", "size": _WIDTH, "opacity": 0.5},
        "encoding": {"y": _y("macd_histogram", 2, zero=True), "color": sign},
    }
    lines = [
        _line(name, colour, count=2, zero=True)
        for name, colour in (("macd", colours.line), ("macd_signal", colours.accent))
    ]
    title = f"MACD 12-26 {unit} (blue), signal 9 (orange), histogram (USD)"
    return _pane("macd", 76, [bars, *lines], colours, title=title, ticks=ticks)


def _dates(colours: Palette, ticks: str) -> Layer:
    label = "datum.tick == 6 ? slice(split(datum.label, ' to ')[0], -5) : datum.tick == 1 ? utcFormat(datum.session, '%Y') : datum.tick <= 3 ? utcFormat(datum.session, '%b') : utcFormat(datum.session, '%d %b')"
    return {
        "height": 14,
        "transform": [_VISIBLE, {"filter": ticks}, {"calculate": label, "as": "label"}],
        "mark": {"type": "text", "align": "left", "baseline": "middle", "fontSize": 11, "color": colours.muted},
        "encoding": {"x": _x(), "text": {"field": "label", "type": "nominal"}},
    }  # fmt: skip


def _overview(colours: Palette, bars: int, room: int) -> Layer:
    scale = {"domain": [-bars + 0.5, room], "nice": False, "zero": False}
    return {
        "name": "overview",
        "height": 42,
        "title": {"text": "Whole history: drag to choose the period, drag the window to move it"},
        "mark": {
            "type": "area",
            "tooltip": None,
            "color": colours.line,
            "opacity": 0.25,
            "line": {"color": colours.line, "strokeWidth": 1},
        },
        "encoding": {
            "x": {"field": "ago", "type": "quantitative", "scale": scale, "axis": None},
            "y": {
                "field": "close",
                "type": "quantitative",
                "axis": None,
                "scale": {"zero": False, "nice": False},
            },
        },
    }
