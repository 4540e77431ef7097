"""Accounts: the same trading rules on many symbols, each with an account of its own; trades, equity and what went wrong."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from trading_assets.backtest import account_kernel as kernel
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.series import Series
from trading_assets.indicators.kernel import FloatArray, IndexArray, read_only

LARGEST_LEVERAGE = 2.0
"""Regulation T's for a position held over night: no setting allows more."""
Signals = NDArray[np.int8]


class Sizing(StrEnum):
    """How large a position is."""

    SHARES = "shares"
    FRACTION = "fraction"
    WHOLE_SHARES = "whole_shares"


class SizedAt(StrEnum):
    """Which price a size is worked out with: the last close, as an order has to be, or the fill's, which nobody knows."""

    DECISION = "decision"
    FILL = "fill"


class AccountRules(BaseModel):
    """How the accounts trade: size, exits within the bar, and what the market lets through."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cash_usd: float = Field(default=100_000.0, gt=0, description="of each account at the beginning; USD")
    sizing: Sizing = Field(default=Sizing.WHOLE_SHARES, description="of a position")
    size: float = Field(
        default=1.0, gt=0, description="fraction of the account's cash, or so many shares (sizing: shares)"
    )
    sized_at: SizedAt = Field(default=SizedAt.DECISION, description="price that the size is worked out with")
    reserve_frac: float = Field(
        default=0.03, ge=0, lt=1,
        description="kept for an open above the close, as the broker holds it back; sized at the decision",
    )  # fmt: skip
    stop_frac: float = Field(default=0.0, ge=0, lt=1, description="loss that ends a trade, 0: none; fraction")
    target_frac: float = Field(default=0.0, ge=0, description="gain that ends a trade, 0: none; fraction")
    trail_frac: float = Field(
        default=0.0, ge=0, lt=1,
        description="fall from the best price of the bars before that ends a trade, 0: none; fraction",
    )  # fmt: skip
    max_bars: int = Field(
        default=0, ge=0, description="a trade ends at the close of its so many-th bar, 0: never"
    )
    max_volume_frac: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="largest part of a bar's volume that is filled at its open, 0: no limit",
    )
    leverage: float = Field(
        default=1.0, gt=0, le=LARGEST_LEVERAGE,
        description="largest position with what it costs to enter, in equities; cannot be switched off",
    )  # fmt: skip

    def packed(self) -> FloatArray:
        """Return the numbers as the kernel reads them."""
        codes = {
            Sizing.SHARES: kernel.LOT,
            Sizing.FRACTION: kernel.FRACTIONAL,
            Sizing.WHOLE_SHARES: kernel.WHOLE,
        }
        numbers = {
            **self.model_dump(),
            "sizing": codes[self.sizing],
            "sized_at_fill": float(self.sized_at == SizedAt.FILL),
        }
        return np.array([numbers[name] for name in kernel.RULES], dtype=np.float64)


@dataclass(frozen=True)
class Accounts:
    """What came of it.

    Attributes
    ----------
    series
        What it was run on.
    final_equity_usd
        By symbol; cash, and shares at the last close.
    counts
        ``COUNTED`` by symbol: trades, bars in which stop and target were both hit (counted as stops), orders refused for want of
        cash or shares, orders cut to the cash, fills cut to the volume (to nothing in a bar without any), and accounts closed at
        a close at which they were worth 0 or less.
    equity_usd
        By row of the series, at the close; empty unless asked for.
    placed, measured
        The kernel's rows of trades; see ``trades``.
    """

    series: Series
    final_equity_usd: FloatArray
    counts: IndexArray
    equity_usd: FloatArray
    placed: IndexArray
    measured: FloatArray

    def trades(self) -> pl.DataFrame:
        """Return one row per trade, in order of symbol and time.

        Columns: ``symbol``, ``side``, ``entry_session``, ``entry_price_usd`` (the market's, before slippage), ``exit_session``,
        ``exit_price_usd`` (of an open trade the last close, and a null session), ``quantity`` (in shares of the exit), ``left_quantity``
        (still held), ``reason``, ``fees_usd``, ``slippage_usd``, ``dividends_usd`` (and cash for fractions of shares),
        ``borrow_usd``, ``profit_usd`` (net of all), ``worst_frac`` and ``best_frac`` (the furthest that the price went against and
        for the trade while it was held; of a bar in which it ended at a stop or a target, the exit's price and what came before it
        for certain, but for the low (high) of a bar that ends at a target, which may have come first and counts against).
        """
        numbers = dict(zip(kernel.MEASURED, self.measured.T, strict=True))
        entry, exit_ = self.placed[:, 0], self.placed[:, 1]
        owner = np.searchsorted(self.series.starts, entry, side="right") - 1
        day = pl.Series("day", self.series.days, dtype=pl.Int32).cast(pl.Date)
        reasons = [
            "open",
            "signal",
            "stop",
            "target",
            "trailing_stop",
            "time",
            "delisted",
            "reversed",
            "paid_out",
            "liquidated",
        ]
        return pl.DataFrame(
            {
                "symbol": pl.Series(self.series.symbols, dtype=pl.String).gather(owner),
                "side": np.where(self.placed[:, 2] > 0, "long", "short"),
                "entry_session": day.gather(entry),
                "entry_price_usd": numbers["entry_price"],
                "exit_session": day.gather(np.maximum(exit_, 0)),
                "exit_price_usd": numbers["exit_price"],
                "quantity": numbers["shares"],
                "left_quantity": numbers["left_shares"],
                "reason": pl.Series(reasons, dtype=pl.String).gather(self.placed[:, 3]),
                **{
                    name: numbers[name]
                    for name in (
                        "fees_usd",
                        "slippage_usd",
                        "dividends_usd",
                        "borrow_usd",
                        "profit_usd",
                        "worst_frac",
                        "best_frac",
                    )
                },
            }
        ).with_columns(exit_session=pl.when(pl.lit(pl.Series(exit_)) >= 0).then("exit_session"))


def run_accounts(
    series: Series,
    signals: Signals,
    rules: AccountRules | None = None,
    costs: Costs | None = None,
    *,
    keeps_equity: bool = False,
    threads: int = 2,
) -> Accounts:
    """Trade each symbol in an account of its own.

    Parameters
    ----------
    series
        Bars and what happened to the shares.
    signals
        By row, of its close: ``NOTHING``, ``LONG``, ``LEAVE`` or ``SHORT``; filled at the next open of the symbol. A signal of the
        last bar is never filled.
    keeps_equity
        Whether the equity of each row is returned.
    threads
        Their number changes no value.

    Returns
    -------
    Accounts
        Look-ahead: none beyond the signals'. A trade that is open at the end is valued at the last close and not closed, unless
        its symbol is listed no more.

    Raises
    ------
    ConfigurationError
        If ``costs`` has a ``volatility_mult`` and ``series`` no volatility.
    ValueError
        If ``signals`` are not int8, not one a row, or none of the four.
    """
    rules, costs = rules or AccountRules(), costs or Costs()
    if not len(series.volatility):
        costs.refuse("volatility_mult", why="give Series.of the volatility, or set it to 0")
    if signals.dtype != np.int8 or signals.shape != (series.rows,):
        raise ValueError(
            f"signals must be int8, one of each of {series.rows} rows: {signals.dtype}, {signals.shape}"
        )
    if signals.view(np.uint8).max() > kernel.SHORT:
        raise ValueError(
            f"signals must be {kernel.NOTHING} to {kernel.SHORT}: {signals.min()} to {signals.max()}"
        )
    enters = (signals == kernel.LONG) | (signals == kernel.SHORT)
    entries = np.add.reduceat(enters, series.starts[:-1], dtype=np.int64)
    room = np.concatenate([[0], np.cumsum(entries)]).astype(np.int64)
    symbols = len(series.symbols)
    placed = np.zeros((room[-1], len(kernel.PLACED)), dtype=np.int64)
    measured = np.zeros((room[-1], len(kernel.MEASURED)))
    counts = np.zeros((symbols, len(kernel.COUNTED)), dtype=np.int64)
    final = np.zeros(symbols)
    equity = np.zeros(series.rows if keeps_equity else 0)
    arrays: list[Any] = [
        series.starts, series.days, series.prices, series.volume, series.volatility, series.split, series.dividend,
        series.final_value if len(series.final_value) else np.full(symbols, np.nan), signals, rules.packed(), costs.packed(), room,
    ]  # fmt: skip
    written = (placed, measured, counts, final, equity)
    given: list[Any] = [*(read_only(array) for array in arrays), *written]

    def run(part: tuple[int, int]) -> None:
        kernel.run_symbols(*part, *given)

    blocks = min(symbols, threads * 4 if threads > 1 else 1)
    edges = [symbols * place // blocks for place in range(blocks + 1)]
    parts = list(itertools.pairwise(edges))
    if threads > 1 and len(parts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, parts))
    else:
        for part in parts:
            run(part)
    used = np.concatenate(
        [np.arange(room[place], room[place] + counts[place, 0]) for place in range(symbols)]
    )
    used = used.astype(np.int64)
    return Accounts(series, final, counts, equity, placed[used], measured[used])
