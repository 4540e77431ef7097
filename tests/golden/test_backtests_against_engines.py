"""Backtests on which independent engines agree: every trade, and the equity of every symbol to the cent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.golden.engine_markets import made_market, real_market
from trading_assets.backtest.accounts import AccountRules, SizedAt, Sizing, run_accounts
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.crossover import crossover_signals
from trading_assets.backtest.rebalance import WhenShort, run_target_weights
from trading_assets.backtest.series import Series

FREE, FIVE = Costs(), Costs(fee_bps=5)
SIZINGS = {
    "lot": (AccountRules(cash_usd=1e7, sizing=Sizing.SHARES, size=100, sized_at=SizedAt.FILL), FREE),
    "frac": (AccountRules(sizing=Sizing.FRACTION, sized_at=SizedAt.FILL), FIVE),
    "whole": (AccountRules(sizing=Sizing.WHOLE_SHARES, sized_at=SizedAt.FILL), FIVE),
}
TRADES = 13_665


@pytest.fixture(scope="module")
def made() -> pl.DataFrame:
    return made_market()


def agreed(shared_data: Path, name: str) -> dict:
    return json.loads((shared_data / "golden_backtests" / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("sizing", "winners", "total"),
    [("lot", 285, 140_245_581.348543), ("frac", 279, 11_682_006.604754), ("whole", 279, 11_681_103.084240)],
)
def test_real_tickers_trade_as_in_four_engines(shared_data, sizing, winners, total):
    series = Series.of(real_market(shared_data))
    result = run_accounts(series, crossover_signals(series, 20, 50), *SIZINGS[sizing])
    trades, expected = result.trades(), agreed(shared_data, f"real14_{sizing}")
    closed = trades.filter(pl.col("reason") == "signal")
    assert (closed.height, trades.height - closed.height) == (597, 11)
    assert (closed["profit_usd"] > 0).sum() == winners
    assert result.final_equity_usd.sum() == pytest.approx(total, abs=1e-6)
    assert dict(zip(series.symbols, result.final_equity_usd, strict=True)) == pytest.approx(
        expected["eq"], abs=1e-6
    )
    told = pl.DataFrame(expected["trades"]).sort("symbol", "entry")
    # of a trade that is still open the other engines count the shares as left
    quantity = trades["quantity"].to_numpy()
    assert (trades["symbol"] == told["symbol"]).all()
    assert trades["entry_session"].cast(pl.String).to_list() == told["entry"].to_list()
    assert trades["entry_price_usd"].to_numpy() == pytest.approx(told["entry_price"].to_numpy(), rel=1e-12)
    assert trades["exit_price_usd"].to_numpy() == pytest.approx(told["exit_price"].to_numpy(), rel=1e-12)
    assert quantity == pytest.approx(told["qty"].to_numpy(), rel=1e-9)
    assert trades["profit_usd"].to_numpy() == pytest.approx(told["pnl"].to_numpy(), abs=1e-5)
    ended = trades.filter(pl.col("exit_session").is_not_null())["exit_session"].cast(pl.String)
    assert ended.to_list() == told.filter(~pl.col("open"))["exit"].to_list()


@pytest.mark.parametrize(
    ("sizing", "total"),
    [("lot", 5_008_202_649.0), ("frac", 74_203_731.750705), ("whole", 74_158_255.372095)],
)
def test_five_hundred_made_symbols_trade_as_exact_arithmetic_does(shared_data, made, sizing, total):
    series = Series.of(made)
    result = run_accounts(series, crossover_signals(series, 20, 50), *SIZINGS[sizing])
    closed = result.trades().filter(pl.col("reason") == "signal")
    assert (closed.height, len(result.placed) - closed.height) == (TRADES, 212)
    assert result.final_equity_usd.sum() == pytest.approx(total, abs=1e-5)
    expected = agreed(shared_data, f"synth_{sizing}_equity")
    assert dict(zip(series.symbols, result.final_equity_usd, strict=True)) == pytest.approx(
        expected, abs=1e-6
    )
    lines = [
        f"{symbol},{entry},{price:.2f},{exit_},{left:.2f}"
        for symbol, entry, price, exit_, left in closed.select(
            "symbol", "entry_session", "entry_price_usd", "exit_session", "exit_price_usd"
        ).iter_rows()
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert digest.startswith("e3f1abac020528bf"), "the list of trades that the engines agree on"


@pytest.mark.parametrize(
    ("when_short", "equity"),
    [(WhenShort.SMALLEST_FIRST, 2_343_544.3670), (WhenShort.PRO_RATA, 2_343_745.8225)],
)
def test_the_momentum_portfolio_is_vectorbts_to_the_last_digit(made, when_short, equity):
    dense = {
        name: made[name].to_numpy().reshape(made["symbol"].n_unique(), -1).T for name in ("open", "close")
    }
    months = made["session"].head(len(dense["close"])).dt.truncate("1mo").to_numpy()
    ends = np.flatnonzero(np.append(months[1:] != months[:-1], True))
    decided = ends[ends >= 252]
    weights = np.zeros((len(decided), 500))
    for place, row in enumerate(decided):
        score = dense["close"][row - 21] / dense["close"][row - 252] - 1
        weights[place, np.argsort(-score, kind="stable")[:50]] = 1 / 50
    result = run_target_weights(
        dense["open"], dense["close"], weights, decided, costs=FIVE, when_short=when_short
    )
    assert (result.orders.height, result.rebalances, result.unfilled) == (6683, 104, 0)
    assert result.equity_usd[-1] == pytest.approx(equity, abs=1e-4)
