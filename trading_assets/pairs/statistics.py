"""Pair statistics: hedge ratio, spread, half-life and tests of every pair within a sector; one row per pair."""

from __future__ import annotations

import numpy as np
import polars as pl

from trading_assets.indicators.kernel import FloatArray, IndexArray
from trading_assets.pairs.engle_granger import engle_granger
from trading_assets.pairs.formation import Formation
from trading_assets.pairs.mackinnon import p_values
from trading_assets.pairs.multiple_tests import benjamini_hochberg
from trading_assets.tables.pairs import PAIR_STATISTICS


def pair_statistics(prices: pl.DataFrame, sectors: pl.DataFrame, formation: Formation) -> pl.DataFrame:
    """Test every two symbols of a sector, in both orders, and describe the spread of the better one.

    Parameters
    ----------
    prices
        ``symbol, session, price``: above 0, each symbol with the same sessions, in any order. They are tested as logarithms, so
        that the scale of a symbol's prices changes nothing but ``spread_mean``.
    sectors
        ``symbol, sector, sector_session`` of the symbols to pair; each has prices.
    formation
        Session that the rows are of, and the first and last one of the prices.

    Returns
    -------
    pl.DataFrame
        Rows of ``PAIR_STATISTICS``, sorted by its key. Look-ahead: nothing but the prices given is read.
    """
    known = sectors.select("symbol", "sector", "sector_session").sort("symbol")
    first, second = _pairs(known["sector"])
    if not len(first):
        return pl.DataFrame(schema=PAIR_STATISTICS.schema)
    tests = engle_granger(_log_prices(prices, known), first, second)
    p = p_values(tests.statistic)
    order = _better_order(p, tests.statistic)

    def better(values: FloatArray | IndexArray) -> FloatArray | IndexArray:
        return values[np.arange(len(order)), order]

    adjusted = benjamini_hochberg(p)
    names, told = known["symbol"], known["sector_session"]
    symbol, other = names.gather(first), names.gather(second)
    frame = pl.DataFrame(
        {
            "symbol": symbol,
            "other_symbol": other,
            "session": [formation.session] * len(first),
            "sector": known["sector"].gather(first),
            "sector_session": pl.select(
                pl.max_horizontal(told.gather(first), told.gather(second))
            ).to_series(),
            "dependent_symbol": symbol.zip_with(pl.Series(order == 0), other),
            "hedge_ratio": better(tests.hedge_ratio),
            "spread_mean": better(tests.intercept),
            "spread_std": better(tests.deviation),
            "half_life_sessions": better(tests.half_life),
            "z_score": better(tests.last) / better(tests.deviation),
            "statistic": better(tests.statistic),
            "lags": better(tests.lags),
            "p_value": better(p),
            "p_value_symbol": p[:, 0],
            "p_value_other": p[:, 1],
            "adjusted_p_value": better(adjusted),
            "first_session": [formation.first_session] * len(first),
            "last_session": [formation.last_session] * len(first),
        }
    )
    return _ranked(frame).select(PAIR_STATISTICS.schema.names()).cast(PAIR_STATISTICS.schema)


def _pairs(sectors: pl.Series) -> tuple[IndexArray, IndexArray]:
    # Every two rows of one sector, the earlier one first.
    members = (
        sectors.to_frame("sector").with_row_index("row").group_by("sector", maintain_order=True).agg("row")
    )
    found = [np.array(rows)[np.stack(np.triu_indices(len(rows), 1))] for rows in members["row"]]
    both = np.concatenate([np.empty((2, 0), dtype=np.int64), *found], axis=1).astype(np.int64)
    first, second = both[:, np.lexsort((both[1], both[0]))]
    return first, second


def _better_order(p: FloatArray, statistic: FloatArray) -> IndexArray:
    # The order with the smaller p-value, then the smaller statistic; where one has no test, the other one.
    p, statistic = (np.where(np.isnan(values), np.inf, values) for values in (p, statistic))
    is_second = (p[:, 1] < p[:, 0]) | ((p[:, 1] == p[:, 0]) & (statistic[:, 1] < statistic[:, 0]))
    order: IndexArray = is_second.astype(np.int64)
    return order


def _log_prices(prices: pl.DataFrame, known: pl.DataFrame) -> FloatArray:
    own = prices.join(known, on="symbol", how="semi").sort("symbol", "session")
    return own["price"].log().to_numpy().reshape(known.height, -1)


def _ranked(frame: pl.DataFrame) -> pl.DataFrame:
    best_first = ["p_value", "statistic", "symbol", "other_symbol"]
    by_rank = frame.with_columns(pl.selectors.float().fill_nan(None)).sort(best_first, nulls_last=True)
    rank = pl.when(pl.col("p_value").is_not_null()).then(pl.int_range(1, pl.len() + 1))
    one_line = pl.col("statistic").is_infinite()
    return by_rank.with_columns(
        rank=rank,
        statistic=pl.when(~one_line).then("statistic"),
        lags=pl.when(pl.col("lags") >= 0).then("lags"),
    ).sort("symbol", "other_symbol")
