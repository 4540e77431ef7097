"""Tear sheet: one backtest as one HTML file that needs nothing else: it opens offline, light or dark, and prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from trading_assets.backtest.round_trips import ROUND_TRIP_SCHEMA
from trading_assets.backtest.summary import Curves, Figure
from trading_assets.research.sheets import charts, curves, tables
from trading_assets.research.sheets.page import page
from trading_assets.research.sheets.words import TOO_LITTLE, label, usd, written

HEADLINE = (
    "total_return_frac", "annual_return_frac", "benchmark_return_frac", "volatility_frac", "sharpe", "max_drawdown_frac",
    "alpha_frac", "beta", "trades", "win_rate_frac", "profit_factor", "turnover_frac",
)  # fmt: skip
"""The figures at the top, where they are given."""
LOG_SPAN = 3.0
"""An equity that grows by more than this is drawn on a log scale: else its first years are a flat line."""


@dataclass(frozen=True)
class TearSheet:
    """One backtest, as it is told to a reader.

    Attributes
    ----------
    figures
        In the order of their table; their definitions become tooltips and a table at the end.
    trips
        Rows of ``ROUND_TRIP_SCHEMA``.
    outcomes
        How many decisions had this (outcome, rule).
    sectors
        Sector by symbol; without it there is no profit by sector.
    versions
        What the backtest was made from, by name: code, plan, parameters, costs, data, range, when.
    look_ahead
        Checks that no decision knew the future: name, whether it passed (None: it could not be checked), and a note.
    caveats
        Sentences that a reader must know before believing the figures.
    bands
        Of ``statistics.bootstrap.equity_bands``: a row per session and a column per quantile.
    benchmark
        Name of the benchmark.
    """

    title: str
    curves: Curves
    figures: Sequence[Figure] = ()
    trips: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ROUND_TRIP_SCHEMA))
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sectors: Mapping[str, str] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    look_ahead: Sequence[tuple[str, bool | None, str]] = ()
    caveats: Sequence[str] = ()
    bands: pl.DataFrame | None = None
    benchmark: str = "SPY"


def tear_sheet(sheet: TearSheet) -> str:
    """Return the HTML of a backtest's tear sheet.

    Parameters
    ----------
    sheet
        What is known of the backtest.

    Returns
    -------
    str
        A whole document; charts are drawn by the scripts in it, and a policy in it forbids every request. What cannot be told
        (no trades, no benchmark, too few sessions) is said in words.
    """
    columns = curves.columns_of(sheet.curves, sheet.bands)
    data: dict[str, Any] = {"columns": columns, "charts": {}, "rows": {}}
    if sheet.curves.sessions:
        data["charts"] = charts.charts_over_time(
            columns, sheet.benchmark, log_bands=is_wide(curves.spans(columns, curves.BAND_COLUMNS))
        )
    symbols = tables.profit_by(sheet.trips, pl.col("symbol"))
    for name, rows, title in _bars(sheet, symbols):
        if rows:
            look: dict[str, Any] = {"colour": "var(--accent)", "room": 0.3} if name == "costs" else {}
            data["charts"][name] = charts.bar_chart(rows, title, **look)
            data["rows"][name] = rows
    if bins := curves.distribution(sheet.curves.returns):
        data["charts"]["distribution"] = charts.distribution_chart(_marks(sheet.figures))
        data["rows"]["distribution"] = bins
    return page(_facts(sheet, columns, symbols), data)


def is_wide(span: float) -> bool:
    """Return whether a curve that ends so many times higher needs a log scale, and can have one.

    Examples
    --------
    >>> is_wide(2.0), is_wide(4.0), is_wide(float("inf"))
    (False, True, False)
    """
    return LOG_SPAN < span < float("inf")


def _facts(sheet: TearSheet, columns: curves.Columns, symbols: pl.DataFrame) -> dict[str, Any]:
    known, span = curves.has_benchmark(sheet.curves), curves.spans(columns)
    failed = [name for name, passed, _ in sheet.look_ahead if passed is False]
    costs = [item for item in sheet.figures if item.group == "costs" or item.name == "turnover_frac"]
    enough = f"Too short: {curves.WINDOW} sessions are needed."
    return {
        "sheet": sheet,
        "range": _range(sheet.curves),
        "warning": _warning(sheet, failed),
        "has_failed": bool(failed),
        "headline": _headline(sheet.figures),
        "equity": "equity_log" if is_wide(span) else "equity",
        "can_toggle": span < float("inf"),
        "equity_caption": f"Costs are fees and slippage. {sheet.benchmark} with dividends, from the same opening balance."
        if known
        else "Costs are fees and slippage. The benchmark has no returns of these sessions.",
        "beta_words": enough if known else "No benchmark.",
        "window": curves.WINDOW,
        "has_bands": sheet.bands is not None,
        "months": tables.months(sheet.curves),
        "drawdowns": tables.worst_drawdowns(sheet.curves),
        "symbols_title": "By symbol"
        if symbols.height <= 2 * tables.BEST
        else f"By symbol: the best and the worst {tables.BEST} of {symbols.height:,}",
        "sector_words": "No trade was made."
        if sheet.sectors
        else "The sectors of the symbols are not known.",
        "costs": tables.named_figures(costs),
        "regimes": tables.market_regimes(sheet.curves, sheet.benchmark),
        "exit_reasons": tables.exit_reasons(sheet.trips),
        "trades": tables.trades(sheet.trips),
        "trades_title": _trades_title(sheet.trips.height),
        "outcomes": tables.outcomes(sheet.outcomes),
        "checks": tables.checks(sheet.look_ahead),
        "doubts": tables.named_figures([item for item in sheet.figures if item.group == "caveats"]),
        "luck": _luck(sheet.figures),
        "definitions": tables.definitions(sheet.figures),
    }


def _bars(sheet: TearSheet, symbols: pl.DataFrame) -> list[tuple[str, list[dict[str, Any]], str]]:
    by_strategy = tables.profit_by(sheet.trips, pl.col("strategy"))
    found = [
        ("symbols", tables.bars_of(tables.best_and_worst(symbols)), "Symbol"),
        ("strategies", tables.bars_of(by_strategy), "Strategy"),
    ]
    if sheet.sectors:
        sector = pl.col("symbol").replace_strict(sheet.sectors, default="not known", return_dtype=pl.String)
        found.append(("sectors", tables.bars_of(tables.profit_by(sheet.trips, sector)), "Sector"))
    years = curves.costs_by_year(sheet.curves)
    if any(year["usd"] for year in years):
        found.append(("costs", [{**year, "label": usd(float(year["usd"]), 0)} for year in years], "Year"))
    return found


def _headline(figures: Sequence[Figure]) -> list[dict[str, object]]:
    by_name = {item.name: item for item in figures}
    chosen = [by_name[name] for name in HEADLINE if name in by_name] or list(figures[: len(HEADLINE)])
    told = [(item, written(item.value, item.unit)) for item in chosen]
    return [
        {
            "label": label(item.name),
            "text": words,
            "is_known": words != TOO_LITTLE,
            "definition": item.definition,
        }
        for item, words in told
    ]


def _marks(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    return [
        {"at": item.value, "words": f"5 % of sessions below {written(item.value, 'frac')}"}
        for item in figures
        if item.name == "value_at_risk_95_frac" and item.value == item.value
    ]


def _range(shown: Curves) -> str:
    if not shown.sessions:
        return "No session"
    count = len(shown.sessions)
    if count == 1:
        return f"1 session, {shown.sessions[0]:%d %b %Y}"
    return f"{count:,} sessions from {shown.sessions[0]:%d %b %Y} to {shown.sessions[-1]:%d %b %Y}"


def _warning(sheet: TearSheet, failed: Sequence[str]) -> str:
    if failed:
        return f"A decision may have known the future ({', '.join(failed)}): do not rely on these figures."
    if not sheet.look_ahead:
        return "It was not checked whether a decision knew the future."
    if unchecked := [name for name, passed, _ in sheet.look_ahead if passed is None]:
        return f"It could not be checked whether a decision knew the future ({', '.join(unchecked)}): too little to compare."
    count = len(sheet.caveats)
    return (
        f"{count} caveat{'s' if count > 1 else ''} to read before these figures are believed."
        if count
        else ""
    )


def _trades_title(count: int) -> str:
    if count <= tables.NEWEST_TRADES:
        return "All trades, the newest first"
    return f"The newest {tables.NEWEST_TRADES} of {count:,} trades"


def _luck(figures: Sequence[Figure]) -> str:
    known = {item.name: item.value for item in figures}
    trials = known.get("trials", float("nan"))
    deflated = known.get("deflated_sharpe", float("nan"))
    if not trials >= 1:
        return "How many variants were tried before this one was not recorded: the more, the less these figures say."
    if trials == 1:
        return "No other parameters, limits or costs of this strategy are recorded."
    sentence = (
        f"This is one of {trials:,.0f} sets of parameters, limits and costs recorded of this strategy: the best of many looks good "
        "by luck alone."
    )
    if deflated == deflated:  # noqa: PLR0124 - false for NaN
        return f"{sentence} With them counted, the chance that its true Sharpe ratio is above 0 is {written(deflated, 'frac')}."
    return f"{sentence} The deflated Sharpe ratio, which counts them, is n/a: too few ratios of the same sessions and costs."
