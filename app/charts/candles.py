"""Candles: price, volume and the chosen indicators of one symbol over its daily or hourly bars; no gaps on closed days.

The horizontal axis counts bars backwards (0 = newest), so that weekends leave no holes and the specification is the same for
every symbol: choosing another one swaps the data and keeps the window. The lowest pane shows the whole history;
dragging there moves the window of all others, whose vertical scales follow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.charts.canvas import Spec, canvas
from app.charts.indicators import DEFAULT, overlay_layers, own_panes
from app.charts.panes import BAR_WIDTH, SPAN, VISIBLE, Layer, pane, rising, x, y
from trading_assets.palette import Palette

PRICE_HEIGHT = 300


_DAILY_TICKS = f"datum.tick <= ({SPAN} > 600 ? 1 : {SPAN} > 200 ? 2 : {SPAN} > 45 ? 3 : 4)"
_HOURLY_TICKS = f"datum.tick <= ({SPAN} > 600 ? 3 : {SPAN} > 120 ? 4 : {SPAN} > 12 ? 5 : 6)"
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
    indicators: Sequence[str] = DEFAULT, log: bool = False, title: str = "Price (USD)", hourly: bool = False,
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
    indicators
        Names of ``indicators.CHOICES``: lines over the candles, or panes below in this order.
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
    rows = [_price(colours, indicators, title, ticks, log=log), _volume(colours, ticks)]
    rows += own_panes(indicators, colours, ticks, hourly=hourly)
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


def _price(colours: Palette, indicators: Sequence[str], title: str, ticks: str, *, log: bool) -> Layer:
    scale: Layer = {"type": "log"} if log else {}
    layers: list[Layer] = [
        {
            "mark": {"type": "rule"},
            "encoding": {"y": y("low", **scale), "y2": {"field": "high"}, "color": rising(colours)},
        },
        {
            "mark": {"type": "bar", "size": BAR_WIDTH, "strokeWidth": 1},
            "encoding": {
                "y": y("open", **scale),
                "y2": {"field": "close"},
                "color": rising(colours),
                "stroke": rising(colours),
            },
        },
    ]
    layers += overlay_layers(indicators, colours, log=log)
    layers += [
        _fill_marks("buy", "triangle-up", colours.up, colours, scale),
        _fill_marks("sell", "triangle-down", colours.down, colours, scale),
        *_event_marks(colours),
    ]
    return pane("price", PRICE_HEIGHT, layers, colours, title=title, ticks=ticks)


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
        "encoding": {"y": y(column, **scale)},
    }  # fmt: skip


def _event_marks(colours: Palette) -> list[Layer]:
    there: Layer = {"transform": [{"filter": "datum.event"}]}
    low: Layer = {"y": {"value": PRICE_HEIGHT - 9}}
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
    return [there | {"mark": badge, "encoding": low}, there | {"mark": letter, "encoding": low | text}]  # fmt: skip


def _volume(colours: Palette, ticks: str) -> Layer:
    bars = {
        "mark": {"type": "bar", "size": BAR_WIDTH, "opacity": 0.65},
        "encoding": {"y": y("volume", 2, ".2~s", zero=True), "color": rising(colours)},
    }
    return pane("volume", 64, [bars], colours, title="Volume (shares)", ticks=ticks)


def _dates(colours: Palette, ticks: str) -> Layer:
    label = "datum.tick == 6 ? slice(split(datum.label, ' to ')[0], -5) : datum.tick == 1 ? utcFormat(datum.session, '%Y') : datum.tick <= 3 ? utcFormat(datum.session, '%b') : utcFormat(datum.session, '%d %b')"
    return {
        "height": 14,
        "transform": [VISIBLE, {"filter": ticks}, {"calculate": label, "as": "label"}],
        "mark": {"type": "text", "align": "left", "baseline": "middle", "fontSize": 11, "color": colours.muted},
        "encoding": {"x": x(), "text": {"field": "label", "type": "nominal"}},
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
