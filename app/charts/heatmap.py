"""Heatmap: one cell per row and session, week or month, coloured by state; coverage of bars, findings of checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from app.charts.canvas import Spec, canvas
from trading_assets.palette import Palette

CELL = "cell"
"""Name of the selection: clicking a cell selects its row and first session."""
_LABELS = 8
_ROW_LABEL_WIDTH = 150


def heatmap_frame(cells: pl.DataFrame) -> pl.DataFrame:
    """Prepare cells for the chart.

    Input: ``row``, ``first``, ``last`` (sessions), ``state`` and whatever the tooltip shows. Output: the same with
    ``column`` (first session as text) and ``when`` (the session, or first and last one).
    """
    day = "%a %d %b %Y"
    return cells.with_columns(
        column=pl.col("first").dt.to_string("iso"),
        when=pl.when(pl.col("first") == pl.col("last"))
        .then(pl.col("first").dt.to_string(day))
        .otherwise(pl.col("first").dt.to_string(day) + " to " + pl.col("last").dt.to_string(day)),
    ).drop("first", "last")


def heatmap_spec(
    rows: Sequence[str], starts: Sequence[date], states: Sequence[str], paints: Sequence[str], colours: Palette, *,
    tooltip: Sequence[tuple[str, str, str]], row_height: int = 15, clickable: bool = False, legend: bool = True,
) -> Spec:  # fmt: skip
    """Return the specification for a frame of ``heatmap_frame``.

    Parameters
    ----------
    rows
        Labels from top to bottom; each has its line even without a cell.
    starts
        First session of each column, oldest first; each has its place even without a cell.
    states, paints
        Values of ``state`` with the colour of each, in the order of the legend.
    colours
        Of the theme.
    tooltip
        Column, label and number format (empty for text) of what is shown below row and time.
    row_height
        Pixels a row.
    clickable
        Let a click select a cell.
    legend
        Explain the colours.
    """
    domain = [day.isoformat() for day in starts]
    step = max(1, -(-len(domain) // _LABELS))
    # a label needs room to the right of where it begins
    labelled = [
        day for i, day in enumerate(domain) if i % step == 0 and (i == 0 or len(domain) - i > step * 0.6)
    ]
    form = "%d %b %Y" if len(domain) < 2 or starts[-1].year != starts[0].year else "%d %b"
    x = {
        "field": "column", "type": "ordinal", "scale": {"domain": domain, "paddingInner": 0.06, "paddingOuter": 0}, "title": None,
        "axis": {
            "values": labelled, "labelExpr": f"utcFormat(toDate(datum.value), '{form}')", "labelAngle": 0,
            "labelAlign": "left", "labelOverlap": True, "labelPadding": 4, "grid": False,
        },
    }  # fmt: skip
    y = {
        "field": "row", "type": "ordinal", "scale": {"domain": list(rows), "paddingInner": 0.06, "paddingOuter": 0}, "title": None,
        "axis": {"labelLimit": _ROW_LABEL_WIDTH, "minExtent": _ROW_LABEL_WIDTH, "maxExtent": _ROW_LABEL_WIDTH, "labelFontSize": 10.5, "labelOverlap": False, "labelFlush": False},
    }  # fmt: skip
    key = {
        "orient": "top", "direction": "horizontal", "title": None, "symbolType": "square", "offset": 6, "columnPadding": 14,
    }  # fmt: skip
    facts = [
        {"field": field, "title": label, **({"type": "quantitative", "format": number} if number else {"type": "nominal"})}
        for field, label, number in (("row", "Row", ""), ("when", "Sessions", ""), *tooltip)
    ]  # fmt: skip
    spec: Spec = {
        "height": row_height * max(1, len(rows)),
        "autosize": {"type": "fit-x", "contains": "padding"},
        "mark": {"type": "rect", **({"cursor": "pointer"} if clickable else {})},
        "encoding": {
            "x": x,
            "y": y,
            "color": {"field": "state", "type": "nominal", "scale": {"domain": list(states), "range": list(paints)}, "legend": key if legend else None},
            "tooltip": facts,
        },
    }  # fmt: skip
    if clickable:
        spec["params"] = [
            {"name": CELL, "select": {"type": "point", "fields": ["row", "column"], "on": "click"}}
        ]
        spec["encoding"]["opacity"] = {"condition": {"param": CELL, "empty": True, "value": 1}, "value": 0.45}
    return canvas(spec, colours)
