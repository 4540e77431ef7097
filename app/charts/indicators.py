"""Indicators: how the chart draws the registry's features; lines over the candles, or panes of their own below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from app.charts.panes import BAR_WIDTH, Layer, guide, line, pane, y
from trading_assets.indicators.feature import Feature
from trading_assets.indicators.registry import INDICATORS, reported
from trading_assets.palette import Palette
from trading_assets.screener.fields import FIELDS

PANE_HEIGHT = 76
DEFAULT = ("sma_50", "sma_200", "rsi_14", "macd")
"""What is drawn unless the reader chooses: two averages, RSI and MACD."""

_LEVELS = {"rsi_14": [30.0, 70.0], "stoch_k": [20.0, 80.0], "adx_14": [25.0]}
# Where the usual reading of an index between 0 and 100 changes.
_PAINTS = (("line", "blue"), ("accent", "orange"), ("violet", "violet"), ("rose", "pink"))
_DASHES = ((), (6, 3), (2, 2))


@dataclass(frozen=True)
class Drawn:
    """One choice of the reader: the features of an indicator that are drawn together."""

    name: str
    label: str
    pane: Literal["price", "own"]
    features: tuple[Feature, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the frame that it draws."""
        return tuple(feature.name for feature in self.features)


def _choices() -> dict[str, Drawn]:
    # The bars themselves are on the chart already; features of an indicator share a pane if they share a unit.
    drawn = [
        _drawn(tuple(together))
        for indicator in INDICATORS
        if indicator.function is not reported
        for _, together in groupby(indicator.features, key=lambda feature: (feature.pane, feature.unit))
    ]
    return {choice.name: choice for choice in drawn}


def _drawn(features: tuple[Feature, ...]) -> Drawn:
    first = features[0]
    if len(features) == 1:
        return Drawn(first.name, FIELDS[first.name].label, first.pane, features)
    labels = [FIELDS[feature.name].label for feature in features]
    shared = [word for word in labels[0].split() if all(word in label.split() for label in labels)]
    return Drawn(first.name, " ".join(shared) or labels[0], first.pane, features)


CHOICES: dict[str, Drawn] = _choices()
"""Every indicator that can be drawn, by name, in the order of the registry."""


def overlay_layers(names: Sequence[str], colours: Palette, *, log: bool) -> list[Layer]:
    """Return the chosen indicators that lie over the candles, with a legend.

    Bands (features ``..._upper`` and ``..._lower`` of one indicator) are shaded. On a logarithmic axis what is not
    above zero is left out.
    """
    chosen = [CHOICES[name] for name in names if CHOICES[name].pane == "price"]
    scale: Layer = {"type": "log"} if log else {}
    legend = {
        "orient": "top", "direction": "horizontal", "title": None, "offset": 2, "symbolType": "stroke", "columns": 6,
        "labelLimit": 220,
    }  # fmt: skip
    colour = {
        "domain": [choice.label for choice in chosen],
        "range": [getattr(colours, _PAINTS[place % len(_PAINTS)][0]) for place in range(len(chosen))],
    }
    paint = {"field": "overlay", "type": "nominal", "scale": colour, "legend": legend}
    layers = [band for choice in chosen if (band := _band(choice, colours, scale, log=log))]
    for place, choice in enumerate(chosen):
        for name in choice.columns:
            named: list[Layer] = [{"calculate": f"'{choice.label}'", "as": "overlay"}]
            if log:
                named.append({"filter": f"datum.{name} > 0"})
            dash = _DASHES[place // len(_PAINTS) % len(_DASHES)] or (
                _DASHES[2] if name.endswith("_middle") else ()
            )
            layers.append({"transform": named} | line(name, paint, y(name, **scale), dash))
    return layers


def _band(choice: Drawn, colours: Palette, scale: Layer, *, log: bool) -> Layer | None:
    upper = next((name for name in choice.columns if name.endswith("_upper")), None)
    lower = next((name for name in choice.columns if name.endswith("_lower")), None)
    if upper is None or lower is None:
        return None
    encoding = {"y": y(lower, **scale), "y2": {"field": upper}, "color": {"value": colours.flat}}
    visible = {"transform": [{"filter": f"datum.{lower} > 0"}]} if log else {}
    return visible | {"mark": {"type": "area", "opacity": 0.13}, "encoding": encoding}


def own_panes(names: Sequence[str], colours: Palette, ticks: str, *, hourly: bool) -> list[Layer]:
    """Return a pane for each chosen indicator that does not share the scale of the prices."""
    return [
        _own_pane(CHOICES[name], colours, ticks, hourly=hourly)
        for name in names
        if CHOICES[name].pane == "own"
    ]


def _own_pane(choice: Drawn, colours: Palette, ticks: str, *, hourly: bool) -> Layer:
    first = choice.features[0]
    axis = _axis(first)
    layers = [guide(value, colours) for value in _guides(first)]
    words, lines = [], 0
    for feature in choice.features:
        described = feature.hourly_description if hourly else feature.description
        if feature.name.endswith("_histogram"):
            layers.append(_histogram(feature.name, axis, colours))
            words.append(f"{described} (bars)")
            continue
        paint, colour = _PAINTS[lines % len(_PAINTS)]
        lines += 1
        layers.append(line(feature.name, {"value": getattr(colours, paint)}, axis))
        words.append(f"{described} ({colour})")
    named = choice.label if not hourly else words[0].rpartition(" (")[0]  # labels speak of days
    if len(words) > 1:
        named = f"{choice.label} · {', '.join(words)}"
    title = f"{named} · {first.unit.replace('fraction', '%')}"
    return pane(choice.name, PANE_HEIGHT, layers, colours, title=title, ticks=ticks)


def _axis(feature: Feature) -> Layer:
    low, high = feature.valid_range
    if not _is_bounded(feature):
        return y(feature.name, 3, _number(feature), zero=low is None or low < 0)
    axis = y(feature.name, 3, _number(feature), domain=[low, high])
    axis["axis"]["values"] = _guides(feature)
    return axis


def _is_bounded(feature: Feature) -> bool:
    # A fraction that could be anything up to a bound is seldom near it: its axis follows the values.
    return None not in feature.valid_range and not feature.unit.startswith("fraction")


def _guides(feature: Feature) -> list[float]:
    low = feature.valid_range[0]
    if low is None or low < 0:
        return [0.0]
    return _LEVELS.get(feature.name, [])


def _number(feature: Feature) -> str:
    if feature.unit.startswith("fraction"):
        return ".1%"
    if feature.unit == "0-100":
        return "d"
    return ".3~s" if feature.unit == "shares" or (feature.unit, feature.scale) == ("USD", "none") else ",.2f"


def _histogram(column: str, axis: Layer, colours: Palette) -> Layer:
    sign = {"condition": {"test": f"datum.{column} >= 0", "value": colours.up}, "value": colours.down}
    mark = {"type": "bar", "size": BAR_WIDTH, "opacity": 0.5}
    return {"mark": mark, "encoding": {"y": axis | {"field": column}, "color": sign}}
