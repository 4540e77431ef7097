"""Effects of corporate actions: one row per action that moves prices; the bar it changes, by how much, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trading_assets.features.symbol_runs import SymbolRuns

ACTION_COLUMNS = (
    "symbol", "ex_date", "kind", "split_ratio", "cash_usd", "new_symbol", "share_ratio", "price_factor",
)  # fmt: skip
"""Columns of ``corporate_actions`` that adjustment reads."""

APPLIED = "applied"
NOT_NEEDED = "not needed: no earlier bar"
NO_BAR_SINCE = "waits for the first bar since"
IMPOSSIBLE = "not applied: the amount is missing or cannot be true"
ABOVE_PRICE = "not applied: not below the last close"
WORTH_UNKNOWN = "not applied: no bar of the spun-off company in that session, and no factor"

_KINDS = {"cash_dividend": 0, "split": 1, "spin_off": 2}  # the order in which those of one day apply
_CASH, _SPLIT, _FACTOR = 0, 1, 2
_SPIN_OFF_COLUMNS = {"new_symbol": pl.String, "share_ratio": pl.Float64, "price_factor": pl.Float64}


@dataclass(frozen=True)
class Placed:
    """Actions in the order in which they apply, each on a row of the bars.

    ``runs`` is the symbol's run, ``rows`` the first bar at or after the ex-date (where there is none: the end of the
    run), ``kinds`` says how ``amounts`` changes a price: cash is taken off, a ratio divides, a factor multiplies.
    ``applies`` marks those with a bar before them and an amount that can be true.
    """

    actions: pl.DataFrame
    runs: IndexArray
    rows: IndexArray
    kinds: IndexArray
    amounts: FloatArray
    applies: NDArray[np.bool_]


def place(bars: pl.DataFrame, actions: pl.DataFrame, symbols: SymbolRuns) -> Placed:
    """Find the bar on which each split, cash dividend and spin-off takes effect, and its amount.

    A spin-off counts with its ``price_factor`` if it has one. Otherwise the shares that a holder receives are worth
    ``share_ratio`` times the close of the spun-off company's first bar, which must be the bar at which the parent
    trades without it: a later one was not known then.
    """
    given = set(actions.columns)
    missing = [
        pl.lit(None, dtype).alias(name) for name, dtype in _SPIN_OFF_COLUMNS.items() if name not in given
    ]
    count = len(symbols.symbols)
    found = (
        actions.with_columns(missing)
        .select(
            *ACTION_COLUMNS,
            day=pl.col("ex_date").to_physical().cast(pl.Int64),
            order=pl.col("kind").cast(pl.String).replace_strict(_KINDS, default=None, return_dtype=pl.Int64),
        )
        .filter(pl.col("order").is_not_null())
        .join(pl.DataFrame({"symbol": symbols.symbols, "run": np.arange(count)}), on="symbol")
        .sort("run", "day", "order")
    )
    run, order = found["run"].to_numpy(), found["order"].to_numpy()
    rows = symbols.first_since(run, found["day"].to_numpy())
    cash = found["cash_usd"].cast(pl.Float64).to_numpy()
    ratio = found["split_ratio"].cast(pl.Float64).to_numpy()
    factor = found["price_factor"].cast(pl.Float64).to_numpy()
    worth = _worth(bars, found, rows, symbols)
    has_factor = np.isfinite(factor)
    amounts = np.select([order == _CASH, order == _SPLIT, has_factor], [cash, ratio, factor], worth)
    kinds = np.where((order == _FACTOR) & ~has_factor, _CASH, order)
    applies = (rows > symbols.starts[run]) & np.isfinite(amounts) & (amounts > 0)
    return Placed(found, run, rows, kinds.astype(np.int64), amounts, applies)


def accumulate(
    close: FloatArray,
    placed: Placed,
    symbols: SymbolRuns,
    *,
    first: tuple[FloatArray, FloatArray] | None = None,
) -> Factors:
    """Return the factors of every bar, and what each action did to them.

    ``first`` are price and share factor of each run's first bar, where it is not the symbol's first; otherwise 1.
    """
    chosen = np.flatnonzero(placed.applies)
    price, share = first or (np.ones(len(symbols.symbols)), np.ones(len(symbols.symbols)))
    has_price, has_share = price != 1, share != 1
    has_price[placed.runs[chosen]] = True
    has_share[placed.runs[chosen[placed.kinds[chosen] == _SPLIT]]] = True
    factors = Factors(
        price=symbols.repeated(price),
        share=symbols.repeated(share),
        has_price=has_price,
        has_share=has_share,
        last_price=price.copy(),
        last_share=share.copy(),
        price_steps=np.ones(len(placed.rows)),
        share_steps=np.ones(len(placed.rows)),
    )
    if len(chosen):
        steps = np.ones(len(chosen)), np.ones(len(chosen))
        _accumulate(
            read_only(np.ascontiguousarray(close)), symbols.starts, placed.runs[chosen], placed.rows[chosen],
            placed.kinds[chosen], placed.amounts[chosen], factors.price, factors.share,
            factors.last_price, factors.last_share, *steps,
        )  # fmt: skip
        factors.price_steps[chosen], factors.share_steps[chosen] = steps
    return factors


@dataclass(frozen=True)
class Factors:
    """Cumulative factors of every bar and, per run, after the actions since its last bar; steps are per action.

    ``has_price`` and ``has_share`` say of each run whether its factor may differ from 1 at any bar.
    """

    price: FloatArray
    share: FloatArray
    has_price: NDArray[np.bool_]
    has_share: NDArray[np.bool_]
    last_price: FloatArray
    last_share: FloatArray
    price_steps: FloatArray
    share_steps: FloatArray


def effects(placed: Placed, factors: Factors, symbols: SymbolRuns) -> pl.DataFrame:
    """Return one row per action: ``symbol``, ``ex_date``, ``kind``, ``effective_session``, steps and ``outcome``.

    ``effective_session`` is the first bar at or after the ex-date, null if there is none; ``price_step`` is what prices
    before it are multiplied by to compare with prices since, ``share_step`` the same for shares divided; both are 1
    where the outcome says that nothing was adjusted.
    """
    ended = placed.rows >= symbols.starts[placed.runs + 1]
    day = np.where(ended, -1, symbols.days[np.minimum(placed.rows, len(symbols.days) - 1)])
    unknown = (placed.actions["order"].to_numpy() == _FACTOR) & ~np.isfinite(placed.amounts)
    outcome = np.select(
        [
            placed.rows <= symbols.starts[placed.runs],
            unknown & ended,
            unknown,
            ~placed.applies,
            (placed.kinds == _CASH) & (factors.price_steps == 1),
            ended,
        ],
        [NOT_NEEDED, NO_BAR_SINCE, WORTH_UNKNOWN, IMPOSSIBLE, ABOVE_PRICE, NO_BAR_SINCE],
        APPLIED,
    )
    session = pl.Series(day.astype(np.int32)).cast(pl.Date)
    return placed.actions.select("symbol", "ex_date", "kind").with_columns(
        effective_session=pl.when(pl.Series(~ended)).then(session),
        price_step=pl.Series(factors.price_steps),
        share_step=pl.Series(factors.share_steps),
        outcome=pl.Series(outcome.astype(str), dtype=pl.String),
    )


def _worth(bars: pl.DataFrame, found: pl.DataFrame, rows: IndexArray, symbols: SymbolRuns) -> FloatArray:
    # What a holder of one share receives in a spin-off that is told by its shares: NaN where no bar says.
    worth = np.full(len(rows), np.nan)
    wanted = found.with_row_index("action").filter(
        (pl.col("order") == _FACTOR) & pl.col("price_factor").is_null() & pl.col("share_ratio").is_finite()
    )
    actions = wanted["action"].to_numpy().astype(np.int64)
    actions = actions[rows[actions] < symbols.starts[found["run"].to_numpy()[actions] + 1]]
    if not len(actions):
        return worth
    time = "bar_start" if "bar_start" in bars.columns else "session"
    parents = pl.DataFrame(
        {
            "action": actions,
            "symbol": found["new_symbol"].gather(actions),
            time: bars[time].gather(rows[actions]),
            "share_ratio": found["share_ratio"].gather(actions),
        }
    )
    spun_off = bars.lazy().filter(pl.col("symbol").is_in(parents["symbol"].implode()))
    valued = parents.join(spun_off.select("symbol", time, "close").collect(), on=["symbol", time])
    worth[valued["action"].to_numpy()] = (valued["share_ratio"] * valued["close"]).to_numpy()
    return worth


@compiled
def _accumulate(  # noqa: PLR0917 - kernels are called by position
    close: FloatArray,
    starts: IndexArray,
    runs: IndexArray,
    rows: IndexArray,
    kinds: IndexArray,
    amounts: FloatArray,
    price: FloatArray,
    share: FloatArray,
    last_price: FloatArray,
    last_share: FloatArray,
    price_steps: FloatArray,
    share_steps: FloatArray,
) -> None:
    action = 0
    while action < len(rows):
        run = runs[action]
        end = starts[run + 1]
        price_factor = last_price[run]
        share_factor = last_share[run]
        while action < len(rows) and runs[action] == run:
            row = rows[action]
            last = close[row - 1]
            while action < len(rows) and runs[action] == run and rows[action] == row:
                amount = amounts[action]
                step = 1.0
                if kinds[action] == 0:
                    if amount < last:
                        step = (last - amount) / last
                        last -= amount
                    price_factor *= step
                elif kinds[action] == 1:
                    step = 1.0 / amount
                    last /= amount
                    price_factor /= amount
                    share_factor *= amount
                    share_steps[action] = amount
                else:
                    step = amount
                    last *= amount
                    price_factor *= amount
                price_steps[action] = step
                action += 1
            until = end
            if action < len(rows) and runs[action] == run:
                until = rows[action]
            for i in range(row, until):
                price[i] = price_factor
                share[i] = share_factor
        last_price[run] = price_factor
        last_share[run] = share_factor
