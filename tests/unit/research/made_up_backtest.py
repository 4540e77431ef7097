"""A made-up backtest with the properties of a real one: returns with fat tails, costs, trades with reasons, figures of all units."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from trading_assets.backtest.round_trips import ROUND_TRIP_SCHEMA
from trading_assets.backtest.summary import Curves, Figure
from trading_assets.research.tear_sheet import TearSheet
from trading_assets.statistics.bootstrap import equity_bands

SECTORS = ("Technology", "Energy", "Health Care", "Utilities")
FIGURES = (
    Figure("total_return_frac", "return", 0.4321, "frac", "net of all costs, compounded"),
    Figure("final_equity_usd", "return", 143_210.55, "usd", "cash and shares at the last close"),
    Figure("sharpe", "risk", 0.87, "ratio", "mean / deviation of session returns x root of 252"),
    Figure("max_drawdown_frac", "risk", -0.1834, "frac", "largest fall of the equity from its highest close"),
    Figure("longest_drawdown_sessions", "risk", 211, "sessions", "longest time below an earlier highest close"),
    Figure("value_at_risk_95_frac", "risk", -0.0161, "frac", "5 % quantile of session returns"),
    Figure("trades", "trades", 1234, "count", "round trips, first in first out"),
    Figure("profit_factor", "trades", float("nan"), "ratio", "sum of profits / sum of losses"),
    Figure("turnover_frac", "trades", 3.25, "frac", "bought and sold / 2 / mean equity, a year"),
    Figure("fees_usd", "costs", 321.09, "usd", "of the broker and the regulators"),
    Figure("slippage_usd", "costs", 4321.5, "usd", "paid beyond the open's price"),
    Figure("trials", "caveats", 12, "count", "backtests recorded of this strategy so far"),
)  # fmt: skip


def sessions(count: int) -> list[date]:
    days = (date(2006, 1, 2) + timedelta(days=place) for place in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def curves(count: int = 750, *, benchmark: bool = True, growth: float = 0.0003, seed: int = 5) -> Curves:
    dice = np.random.default_rng(seed)
    market = dice.standard_t(4, count) * 0.007 + growth
    net = 0.6 * market + dice.normal(growth / 2, 0.005, count)
    cost = np.abs(dice.normal(5e-5, 2e-5, count))
    equity = 100_000.0 * np.cumprod(1.0 + net)
    return Curves(
        sessions=sessions(count),
        equity_usd=equity,
        returns=net,
        gross_returns=net + cost,
        benchmark_returns=market if benchmark else np.full(count, np.nan),
        exposure_frac=np.clip(0.8 + np.cumsum(dice.normal(0, 0.005, count)), 0.0, 1.2),
        positions=np.round(12 + 8 * np.sin(np.arange(count) / 60)),
        costs_usd=cost * equity,
    )


def trips(count: int = 300, *, over: int = 750, seed: int = 6) -> pl.DataFrame:
    dice, days = np.random.default_rng(seed), sessions(over)
    rows = []
    for number in range(count):
        entry = int(dice.integers(0, over - 1))
        left = min(entry + 1 + int(dice.integers(1, 60)), over)
        price, gained = float(dice.uniform(8, 400)), float(dice.normal(0.01, 0.08))
        quantity = float(dice.integers(1, 200))
        profit = quantity * price * gained
        rows.append((
            ("momentum", "reversion")[number % 2], f"SYM{number % 37}", days[entry], days[left] if left < over else None, quantity,
            price, price * (1 + gained), profit + 2.0, 0.0, 2.0, profit, gained, f"rank {number % 9} by momentum", f"was rank {number % 9}",
        ))  # fmt: skip
    return pl.DataFrame(rows, schema=ROUND_TRIP_SCHEMA, orient="row")


def made_up_sheet(count: int = 750) -> TearSheet:
    shown, done = curves(count), trips(over=count)
    return TearSheet(
        title="Momentum and reversion, a made-up backtest",
        curves=shown,
        figures=FIGURES,
        trips=done,
        outcomes={("hold", ""): 7000, ("trade", "max_gross"): 30, ("blocked", "max_positions"): 237},
        sectors={symbol: SECTORS[place % 4] for place, symbol in enumerate(sorted(set(done["symbol"])))},
        versions={"Code": "0.1.0 (abc1234)", "Plan": "381d58ea6085", "Parameters": "fast = 50\nslow = 200"},
        look_ahead=[("The future cut off changes no decision", True, "750 sessions")],
        caveats=["Prices are of a simulated market."],
        bands=equity_bands(shown.returns, seed=3, paths=50),
    )
