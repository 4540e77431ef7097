"""Tables of a tear sheet: one row per year, drawdown, trade, reason, outcome or regime, in words and in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from trading_assets.backtest.summary import Curves, Figure
from trading_assets.research.sheets.curves import has_benchmark
from trading_assets.research.sheets.words import NONE, label, shares, signed, usd, written
from trading_assets.statistics.calendar_returns import month_table
from trading_assets.statistics.drawdowns import drawdown_table
from trading_assets.statistics.performance import cumulative_returns
from trading_assets.statistics.regimes import by_regime, regimes

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NEWEST_TRADES = 200
REASONS = 15
DRAWDOWNS = 10
BEST = 10
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")


class Cell(NamedTuple):
    """What stands in a cell; ``style`` is a class of the page's style."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Table:
    """A table; columns whose header begins with ``#`` hold numbers. ``rows`` may be empty: then ``empty`` is said."""

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str
    style: str = ""


def months(curves: Curves) -> Table:
    """Return a row per year with the return of each month and of the year, shaded by size."""
    found = month_table(curves.returns, curves.sessions)
    values = [row[1:] for row in found.iter_rows()]
    of_months = [abs(value) for row in values for value in row[:-1] if value is not None]
    strongest = float(np.quantile(of_months, 0.95)) if of_months else 0.0
    rows = [
        [Cell(str(year)), *(_shaded(value, strongest) for value in own[:-1]), _shaded(own[-1], 3 * strongest)]
        for year, own in zip(found["year"], values, strict=True)
    ]
    return Table(["Year", *(f"#{name}" for name in MONTHS), "#Year"], rows, "No session.", "months")


def worst_drawdowns(curves: Curves) -> Table:
    """Return the deepest drawdowns."""
    found = drawdown_table(curves.returns, curves.sessions).sort("depth_frac").head(DRAWDOWNS)
    rows = [
        [
            Cell(str(number)), Cell(written(row["depth_frac"], "frac")), _day(row["peak"], "the start"),
            _day(row["trough"], NONE), _day(row["recovery"], "not yet"), Cell(f"{row['sessions']:,}"),
            Cell(f"{row['calendar_days']:,}"),
        ]
        for number, row in enumerate(found.iter_rows(named=True), 1)
    ]  # fmt: skip
    header = ["#", "#Depth", "High", "Low", "Recovered", "#Sessions below", "#Calendar days"]
    return Table(header, rows, "The equity never closed below an earlier high.")


def trades(trips: pl.DataFrame) -> Table:
    """Return the newest round trips; those still held first. The strategy is named where there are several."""
    newest = trips.sort(
        "exit_session", "entry_session", "symbol", descending=[True, True, False], nulls_last=False
    ).head(NEWEST_TRADES)
    several = trips["strategy"].n_unique() > 1
    rows = [
        [
            Cell(row["symbol"], "name"), *([Cell(row["strategy"])] if several else []), _day(row["entry_session"], NONE),
            _day(row["exit_session"], "still held"), Cell(shares(row["quantity"])), Cell(usd(row["entry_price_usd"])),
            Cell(usd(row["exit_price_usd"])), _gain(row["profit_usd"], "usd"), _gain(row["return_frac"], "frac"),
            Cell(row["entry_reason"] or NONE, "words"), Cell(row["exit_reason"] or NONE, "words"),
        ]
        for row in newest.iter_rows(named=True)
    ]  # fmt: skip
    header = [
        "Symbol",
        *(["Strategy"] if several else []),
        "In",
        "Out",
        "#Shares",
        "#Price in",
        "#Price out",
        "#Profit",
        "#Return",
        "Why in",
        "Why out",
    ]
    return Table(header, rows, "No trade was made.", "trades")


def exit_reasons(trips: pl.DataFrame) -> Table:
    """Return how many round trips ended for which reason, and what they earned; the most frequent first.

    Reasons that differ in a number alone are one: ``was rank 3`` and ``was rank 7`` are ``was rank …``.
    """
    closed = trips.filter(pl.col("exit_session").is_not_null()).with_columns(
        pl.col("exit_reason").fill_null("")
    )
    pattern = pl.col("exit_reason").replace_strict(patterns(closed["exit_reason"]), return_dtype=pl.String)
    counted = (
        closed.group_by(reason=pattern)
        .agg(pl.len().alias("trades"), (pl.col("profit_usd") > 0).sum().alias("won"), pl.col("profit_usd").sum().alias("profit"))
        .sort(["trades", "reason"], descending=[True, False])
    )  # fmt: skip
    kept, rest = counted.head(REASONS), counted.slice(REASONS)
    if rest.height:
        words = f"{rest.height:,} other reason{'s' if rest.height > 1 else ''}"
        kept = kept.vstack(
            rest.select(pl.lit(words).alias("reason"), pl.col("trades", "won", "profit").sum())
        )
    rows = [
        [Cell(reason or "no reason given", "words"), Cell(f"{count:,}"), Cell(written(won / count, "frac")), _gain(profit, "usd")]
        for reason, count, won, profit in kept.iter_rows()
    ]  # fmt: skip
    return Table(["Reason", "#Trades", "#With a profit", "#Profit"], rows, "No trade has ended.")


def patterns(reasons: Iterable[str]) -> dict[str, str]:
    """Return each reason without the numbers in which reasons of the same words differ.

    Examples
    --------
    >>> patterns(["rank 1 of 20", "rank 2 of 20", "stopped"])
    {'rank 1 of 20': 'rank … of 20', 'rank 2 of 20': 'rank … of 20', 'stopped': 'stopped'}
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for reason in dict.fromkeys(reasons):
        alike.setdefault(tuple(_NUMBER.split(reason)), []).append(reason)
    found: dict[str, str] = {}
    for words, own in alike.items():
        numbers = zip(*(_NUMBER.findall(reason) for reason in own), strict=True)
        shown = [same[0] if len(set(same)) == 1 else "…" for same in numbers]
        pattern = "".join(part for pair in zip(words, [*shown, ""], strict=True) for part in pair)
        found |= dict.fromkeys(own, pattern)
    return found


def outcomes(counted: Mapping[tuple[str, str], int]) -> Table:
    """Return how many decisions had which outcome by which rule; the most frequent first."""
    total = sum(counted.values())
    rows = [
        [Cell(outcome), Cell(rule or NONE), Cell(f"{count:,}"), Cell(written(count / total, "frac"))]
        for (outcome, rule), count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        if count
    ]
    return Table(["Outcome", "Rule", "#Decisions", "#Share"], rows, "No decision was recorded.")


_VERDICTS = {True: ("✓ passed", "gain"), False: ("✗ FAILED", "loss"), None: ("could not be checked", "words")}


def checks(look_ahead: Sequence[tuple[str, bool | None, str]]) -> Table:
    """Return the verdict of each check that no decision knew the future; None: it could not be checked."""
    rows = [[Cell(name), Cell(*_VERDICTS[passed]), Cell(note, "words")] for name, passed, note in look_ahead]
    return Table(
        ["Check", "Verdict", "Note"], rows, "No check for look-ahead was made: do not rely on the figures."
    )


def market_regimes(curves: Curves, benchmark: str) -> Table:
    """Return what was earned while the benchmark was in which state."""
    header = ["Regime", "#Sessions", "#Return", "#Volatility", "#Sharpe ratio", "#Largest drawdown"]
    if not has_benchmark(curves):
        return Table(header, [], "No benchmark, and so no regime of the market.")
    close = 1.0 + cumulative_returns(curves.benchmark_returns)
    found = by_regime(curves.returns, regimes(close)["regime"]) if (close > 0).all() else pl.DataFrame()
    rows = [
        [
            Cell(row["regime"]), Cell(f"{row['sessions']:,}"), _gain(row["return_frac"], "frac"),
            Cell(written(row["volatility"], "frac")), Cell(written(row["sharpe"], "ratio")),
            Cell(written(row["max_drawdown"], "frac")),
        ]
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    return Table(header, rows, f"Too short: a regime is known after about a year of {benchmark}.")


def definitions(figures: Sequence[Figure]) -> Table:
    """Return every figure with its value and what it means."""
    rows = [
        [Cell(label(item.name)), Cell(item.group), Cell(written(item.value, item.unit)), Cell(item.definition, "words")]
        for item in figures
    ]  # fmt: skip
    return Table(["Figure", "Group", "#Value", "Definition"], rows, "No figure was given.", "definitions")


def named_figures(figures: Sequence[Figure]) -> Table:
    """Return some figures with their values."""
    rows = [
        [Cell(label(item.name)), Cell(written(item.value, item.unit)), Cell(item.definition, "words")]
        for item in figures
    ]
    return Table(["Figure", "#Value", "What it is"], rows, "No figure was given.")


def profit_by(trips: pl.DataFrame, key: pl.Expr) -> pl.DataFrame:
    """Return ``name`` and ``usd``, the profit of round trips that have ended or are still held, the best first."""
    found = trips.group_by(name=key).agg(pl.col("profit_usd").sum().alias("usd"))
    return found.sort(["usd", "name"], descending=[True, False])


def best_and_worst(profits: pl.DataFrame) -> pl.DataFrame:
    """Return the ends of ``profit_by``; all of it if they would meet."""
    return profits if profits.height <= 2 * BEST else pl.concat([profits.head(BEST), profits.tail(BEST)])


def bars_of(profits: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows for a chart of bars: with the value in words."""
    return [
        {"name": name, "usd": round(value, 2), "label": usd(value, 0)} for name, value in profits.iter_rows()
    ]


def _day(value: date | None, otherwise: str) -> Cell:
    return Cell(otherwise if value is None else value.isoformat(), "day")


def _gain(value: float | None, unit: str) -> Cell:
    return Cell(signed(value, unit), "" if not value else "gain" if value > 0 else "loss")


def _shaded(value: float | None, strongest: float) -> Cell:
    if value is None:
        return Cell("")
    text = f"{100 * value:+.1f}"
    if float(text) == 0.0 or not strongest:
        return Cell(text if float(text) else "0.0")
    return Cell(text, f"{'u' if value > 0 else 'd'}{max(1, min(6, round(6 * abs(value) / strongest)))}")
