"""Canvas: what every chart has in common: no frame, and quiet axes in the colours of the theme."""

from __future__ import annotations

from typing import Any

from trading_assets.palette import Palette

Spec = dict[str, Any]


def canvas(spec: Spec, colours: Palette) -> Spec:
    """Complete a specification: canvas renderer, no frame, quiet axes in the theme's colours."""
    axis = {
        "labelColor": colours.muted, "titleColor": colours.muted, "titleFontWeight": "normal", "labelFontSize": 11,
        "titleFontSize": 11, "gridColor": colours.grid, "domain": False, "ticks": False,
    }  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "transparent",
        "usermeta": {"embedOptions": {"renderer": "canvas"}},
        **spec,
        "config": {
            "view": {"stroke": "transparent"},
            "axis": axis,
            "legend": {
                "labelColor": colours.muted,
                "titleColor": colours.muted,
                "labelFontSize": 11,
                "symbolSize": 60,
            },
            "title": {
                "color": colours.muted,
                "fontSize": 11,
                "fontWeight": "normal",
                "anchor": "start",
                "offset": 4,
            },
        },
    }
