"""Charts of a tear sheet: Vega-Lite specifications made with Altair, without their rows; one for each figure on the page.

Their colours are names of the page's style (``var(--line)``), so that a chart that is drawn once follows the theme and the
printer. The rows are on the page once, as columns; the page's script fills the ones that ``usermeta`` names in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from trading_assets.research.sheets.curves import Columns

Spec = dict[str, Any]
FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
AXIS_WIDTH = 48
ROWS = alt.NamedData("rows")
FEW_SESSIONS = 60
CONFIG: Spec = {
    "background": "transparent",
    "font": FONT,
    "padding": {"left": 0, "right": 8, "top": 4, "bottom": 2},
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)", "titleColor": "var(--muted)", "titleFontWeight": "normal", "labelFontSize": 11,
        "titleFontSize": 11, "gridColor": "var(--grid)", "domain": False, "ticks": False,
    },
    "axisY": {"labelFlush": True},
    "legend": {"labelColor": "var(--text)", "labelFontSize": 12, "labelLimit": 240},
    "text": {"fontSize": 11},
}  # fmt: skip


def charts_over_time(columns: Columns, benchmark: str, *, log_bands: bool = False) -> dict[str, Spec]:
    """Return the charts whose rows are sessions: those that the columns have values for."""
    few = len(columns["session"]) <= FEW_SESSIONS
    names = {"net": "Net of costs", "gross": "Before costs", "benchmark": benchmark}
    series = [(name, names[name], colour) for name, colour in _EQUITY if has(columns, name)]
    below = [("drawdown", "Drawdown", "var(--down)"), ("benchmark_drawdown", benchmark, "var(--muted)")]
    found = {
        "equity": _lines(series, "usd", height=280, few=few),
        "equity_log": _lines(series, "usd", height=280, few=few, log=True),
        "drawdown": _underwater([item for item in below if has(columns, item[0])]),
        "exposure": _area("exposure", "Exposure", "frac", "var(--line)"),
        "positions": _area("positions", "Positions held", "count", "var(--violet)", step=True),
    }
    for name, title, unit, colour in _ROLLING:
        if has(columns, name):
            found[name] = _lines([(name, title, colour)], unit, height=120, few=few)
    if has(columns, "q50"):
        found["bands"] = _bands(few=few, log=log_bands)
    return found


def bar_chart(
    rows: Sequence[dict[str, Any]], title: str, *, colour: str = "var(--up)", room: float = 0.14
) -> Spec:
    """Return one bar per row (``name`` and ``usd``), from top to bottom, with its value (``label``) written at its end.

    ``room`` is what is left beside the longest bar for its value, as a part of the width.
    """
    least, most = min(0.0, *(row["usd"] for row in rows)), max(0.0, *(row["usd"] for row in rows))
    beyond = room * (most - least) or 1.0
    domain = [least - beyond if least < 0 else 0.0, most + beyond if most > 0 or not least else 0.0]
    x = alt.X("usd:Q", title=None, axis=None, scale=alt.Scale(domain=domain, nice=False))
    y = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=150, grid=False, labelFontSize=11))
    tooltip = [alt.Tooltip("name:N", title=title), alt.Tooltip("usd:Q", title="USD", format=",.2f")]
    base = alt.Chart(ROWS).encode(x=x, y=y, tooltip=tooltip)
    paint = alt.condition("datum.usd < 0", alt.value("var(--down)"), alt.value(colour))
    bars = base.mark_bar(height={"band": 0.68}, cornerRadiusEnd=2).encode(color=paint)
    written: Spec = {"text": alt.Text("label:N"), "color": alt.value("var(--text)")}
    gains = base.transform_filter("datum.usd >= 0").mark_text(align="left", dx=5).encode(**written)
    losses = base.transform_filter("datum.usd < 0").mark_text(align="right", dx=-5).encode(**written)
    return _finished(alt.layer(bars, gains, losses), height=22 * max(1, len(rows)))


def distribution_chart(marks: Sequence[dict[str, Any]]) -> Spec:
    """Return the histogram of session returns, with a line and words at each of ``marks`` (``at`` and ``words``)."""
    axis = alt.Axis(format=".1%", labelFlush=True, grid=False, tickCount=9)
    bars = (
        alt.Chart(ROWS)
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("low:Q", title="Return of a session", axis=axis, scale=alt.Scale(nice=False, zero=False)),
            x2="high:Q",
            y=_y("sessions", "count", zero=True),
            y2=alt.datum(0),
            color=alt.condition("datum.low < 0", alt.value("var(--down)"), alt.value("var(--up)")),
            tooltip=[
                alt.Tooltip("low:Q", title="From", format="+.2%"),
                alt.Tooltip("high:Q", title="To", format="+.2%"),
                alt.Tooltip("sessions:Q", title="Sessions", format=",.0f"),
            ],
        )
    )
    layers: list[alt.Chart] = [bars]
    for place, mark in enumerate(marks):
        at = alt.Chart(alt.InlineData(values=[mark])).encode(x="at:Q")
        layers.append(at.mark_rule(strokeDash=[4, 3], color="var(--text)"))
        side: Spec = (
            {"align": "right", "dx": -5} if mark["at"] < 0 and place == 0 else {"align": "left", "dx": 5}
        )
        layers.append(
            at.mark_text(baseline="top", fontSize=11, color="var(--text)", **side).encode(
                y=alt.value(2), text="words:N"
            )
        )
    return _finished(alt.layer(*layers), height=200)


def has(columns: Columns, name: str) -> bool:
    """Return whether a column is there and has a value."""
    return any(value is not None for value in columns.get(name, ()))


_EQUITY = (("gross", "var(--accent)"), ("benchmark", "var(--muted)"), ("net", "var(--line)"))
_ROLLING = (
    ("sharpe", "Sharpe ratio", "ratio", "var(--line)"),
    ("volatility", "Volatility", "frac", "var(--accent)"),
    ("beta", "Beta", "ratio", "var(--violet)"),
)
_FORMATS = {"usd": "$~s", "frac": ".0%", "ratio": ".1f", "count": ",d"}


def _lines(
    series: Sequence[tuple[str, str, str]], unit: str, *, height: int, few: bool, log: bool = False
) -> Spec:
    names, labels, colours = ([item[part] for item in series] for part in range(3))
    legend = alt.Legend(
        orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3, direction="horizontal", offset=4, values=labels[::-1]
    )  # fmt: skip
    called = "".join(f"datum.name === '{name}' ? {_quoted(words)} : " for name, words, _ in series)
    paint = alt.Color(
        "series:N",
        scale=alt.Scale(domain=labels, range=colours),
        legend=legend if len(series) > 1 else None,
    )
    chart = (
        alt.Chart(ROWS)
        .transform_fold([*names], as_=["name", "value"])
        .transform_calculate(series=f"{called}''")
        .mark_line(strokeWidth=1.6, strokeJoin="round", point={"size": 24, "filled": True} if few else False)
        .encode(x=_x(), y=_y("value", unit, log=log), color=paint)
    )
    layers = [chart, _zero()] if unit == "ratio" else [chart]
    hover = [(name, words, unit) for name, words, _ in reversed(series)]
    return _finished(alt.layer(*layers), height=height, columns=names, hover=hover)


def _underwater(series: Sequence[tuple[str, str, str]]) -> Spec:
    layers = []
    for number, (name, _, colour) in enumerate(series):
        y = _y(name, "frac", top=0.0)
        chart = alt.Chart(ROWS).encode(x=_x(), y=y)
        layers.append(
            chart.mark_line(strokeWidth=1.2, color=colour)
            if number
            else chart.mark_area(opacity=0.28, color=colour, line={"color": colour, "strokeWidth": 1.4})
        )
    hover = [(name, words, "frac") for name, words, _ in series]
    return _finished(alt.layer(*layers), height=130, columns=[name for name, *_ in series], hover=hover)


def _area(name: str, title: str, unit: str, colour: str, *, step: bool = False) -> Spec:
    how: Spec = {"interpolate": "step-after"} if step else {}
    chart = alt.Chart(ROWS).encode(x=_x(), y=_y(name, unit, zero=True))
    area = chart.mark_area(
        opacity=0.22, color=colour, line={"color": colour, "strokeWidth": 1.2, **how}, **how
    )
    return _finished(alt.layer(area), height=120, columns=[name], hover=[(name, title, unit)])


def _bands(*, few: bool, log: bool) -> Spec:
    base = alt.Chart(ROWS).encode(x=_x())
    y = _y("q05", "usd", log=log)
    wide = base.mark_area(opacity=0.14, color="var(--line)").encode(y=y, y2="q95:Q")
    narrow = base.mark_area(opacity=0.24, color="var(--line)").encode(y="q25:Q", y2="q75:Q")
    middle = base.mark_line(strokeDash=[5, 4], strokeWidth=1.2, color="var(--muted)").encode(y="q50:Q")
    real = base.mark_line(strokeWidth=1.6, color="var(--text)", point=few).encode(y="net:Q")
    hover = [
        ("net", "What happened", "usd"), ("q95", "95 % end below", "usd"), ("q75", "75 % below", "usd"),
        ("q50", "Half below", "usd"), ("q25", "25 % below", "usd"), ("q05", "5 % below", "usd"),
    ]  # fmt: skip
    columns = [name for name, *_ in hover]
    return _finished(alt.layer(wide, narrow, middle, real), height=240, columns=columns, hover=hover)


def _x() -> alt.X:
    short: Spec = {"year": "%Y", "quarter": "%b", "month": "%b", "week": "%d %b", "date": "%d %b"}
    axis = alt.Axis(
        grid=False,
        tickCount=8,
        format=short,
        labelOverlap=True,
        labelSeparation=12,
        labelFlush=True,
        title=None,
    )
    return alt.X("session:T", scale=alt.Scale(type="utc"), axis=axis)


def _y(field: str, unit: str, *, log: bool = False, zero: bool = False, top: float | None = None) -> alt.Y:
    more: Spec = {} if top is None else {"domainMax": top}
    scale = alt.Scale(type="log", nice=False, padding=6) if log else alt.Scale(zero=zero, nice=True, **more)
    axis = alt.Axis(
        format=_FORMATS[unit], tickCount=5, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickMinStep=1 if unit == "count" else alt.Undefined,
    )  # fmt: skip
    return alt.Y(f"{field}:Q", title=None, scale=scale, axis=axis)


def _zero() -> alt.Chart:
    line = alt.Chart(alt.InlineData(values=[{}])).mark_rule(color="var(--muted)", strokeWidth=0.8)
    drawn: alt.Chart = line.encode(y=alt.datum(0))
    return drawn


def _finished(
    chart: alt.LayerChart | alt.FacetChart,
    *,
    height: int,
    columns: Sequence[str] = (),
    hover: Sequence[tuple[str, str, str]] = (),
) -> Spec:
    # what is constant is put in as it is: Altair would check it again for each chart
    return {
        **chart.to_dict(validate=False),
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": CONFIG,
        "usermeta": {"columns": list(columns), "hover": [list(item) for item in hover]},
    }


def _quoted(text: str) -> str:
    # a string of Vega's expressions
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"
