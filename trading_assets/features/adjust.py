"""Adjustment: one (price factor, share factor) per (symbol, session), from raw bars and corporate actions.

Factors grow forward from a symbol's first bar: a split or dividend multiplies the factors of its ex-date and of
every later bar, never of an earlier one. ``raw / price_factor`` is then a series without jumps (an index), and
``index * price_factor[S]`` is the price history as it looks from session S, in the scale of that session. Two
things follow. What happens after S cannot change anything at or before S. And an indicator that scales with
prices needs to be computed once, on the index, whatever the session it is wanted for.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from trading_assets.features.action_effects import accumulate, effects, place
from trading_assets.features.seams import Instruments
from trading_assets.features.symbol_runs import SymbolRuns, symbol_runs
from trading_assets.indicators.kernel import FloatArray

PRICES = ("open", "high", "low", "close")


def adjustment_factors(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return the cumulative adjustment factors of every bar.

    A price of session ``t`` as it looks from session ``s`` is ``raw[t] / price_factor[t] * price_factor[s]``;
    a volume is ``raw[t] / share_factor[t] * share_factor[s]``.

    Input: raw bars sorted by (symbol, session), and the corporate actions to apply (``CORPORATE_ACTIONS``
    columns ``symbol``, ``ex_date``, ``kind``, ``split_ratio``, ``cash_usd`` and, for spin-offs, ``price_factor``
    or ``new_symbol`` and ``share_ratio``), in any order. Which ones are known is the caller's choice: every
    action in the frame is applied from its ex-date on.

    Output: ``symbol``, ``session``, ``price_factor``, ``share_factor``; 1.0 from a symbol's first bar to its
    first action. No nulls.

    Look-ahead: a row depends on bars and ex-dates at or before its session only.

    Parameters
    ----------
    bars
        ``symbol``, ``session``, ``close``; of spun-off companies too where their bars are to say what they are worth.
    actions
        Splits multiply shares by ``split_ratio`` and divide prices by it; a cash dividend multiplies prices by
        ``1 - cash / last close before the ex-date``; a spin-off multiplies them by its ``price_factor`` or, without
        one, counts as a dividend of ``share_ratio`` times the close of ``new_symbol`` at the first bar without it.
        An action on or before the first bar, or one that cannot be true (ratio not above 0, cash not below the
        last close), changes nothing; ``action_outcomes`` says which and why.

    Returns
    -------
    pl.DataFrame
        One row per bar, in the order of the bars.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2020, 8, 28), date(2020, 8, 31)]
    >>> bars = pl.DataFrame({"symbol": ["AAPL"] * 2, "session": days, "close": [499.23, 129.04]})
    >>> actions = pl.DataFrame(
    ...     {"symbol": ["AAPL"], "ex_date": days[1:], "kind": ["split"], "split_ratio": [4.0], "cash_usd": [None]}
    ... )
    >>> adjustment_factors(bars, actions)["price_factor"].to_list()
    [1.0, 0.25]
    """
    own = Instruments.of(bars, actions)
    price, share = factor_arrays(own.bars, own.actions, symbol_runs(own.bars))
    return bars.select("symbol", "session").with_columns(price_factor=price, share_factor=share)


def factor_arrays(
    bars: pl.DataFrame, actions: pl.DataFrame, symbols: SymbolRuns
) -> tuple[FloatArray, FloatArray]:
    """Return price and share factors of every bar as arrays; see ``adjustment_factors``."""
    factors = accumulate(bars["close"].to_numpy(), place(bars, actions, symbols), symbols)
    return factors.price, factors.share


def action_outcomes(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Say what each split, cash dividend and spin-off of the symbols in ``bars`` did to their factors.

    Input: as ``adjustment_factors``.

    Output: ``symbol``, ``ex_date``, ``kind``, ``effective_session`` (the first bar at or after the ex-date; null if
    there is none), ``price_step`` and ``share_step`` (what the action multiplied the factors by; 1 if nothing), and
    ``outcome``: ``applied``, or in words why not.

    Look-ahead: as ``adjustment_factors``.
    """
    own = Instruments.of(bars, actions)
    symbols = symbol_runs(own.bars)
    placed = place(own.bars, own.actions, symbols)
    return own.named(effects(placed, accumulate(bars["close"].to_numpy(), placed, symbols), symbols))


def adjusted_as_seen_from(bars: pl.DataFrame, actions: pl.DataFrame, session: date) -> pl.DataFrame:
    """Return the bars up to ``session`` in the price and share scale of that session.

    Input: as ``adjustment_factors``, with any of open, high, low, close, vwap and volume.

    Output: the same columns and rows up to ``session``, prices and volumes adjusted, and what they were multiplied
    by: ``price_scale`` and ``share_scale``. An action whose ex-date has come counts, even if the symbol has not
    traded since: prices are those of an owner at ``session``. Bars of an earlier instrument of the symbol (``seams``)
    are in the scale of its own last actions.

    Look-ahead: nothing after ``session`` is used.

    Parameters
    ----------
    bars
        Raw bars sorted by (symbol, session).
    actions
        Corporate actions to apply.
    session
        Session from which to look back.

    Returns
    -------
    pl.DataFrame
        USD and shares of ``session``.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2020, 8, 28), date(2020, 8, 31)]
    >>> bars = pl.DataFrame({"symbol": ["AAPL"] * 2, "session": days, "close": [499.2, 129.04]})
    >>> actions = pl.DataFrame(
    ...     {"symbol": ["AAPL"], "ex_date": days[1:], "kind": ["split"], "split_ratio": [4.0], "cash_usd": [None]}
    ... )
    >>> adjusted_as_seen_from(bars, actions, days[1])["close"].to_list()
    [124.8, 129.04]
    """
    is_later = bars["session"] > session
    visible = bars.filter(~is_later) if is_later.any() else bars
    own = Instruments.of(visible, actions.filter(pl.col("ex_date") <= session))
    symbols = symbol_runs(own.bars)
    factors = accumulate(visible["close"].to_numpy(), place(own.bars, own.actions, symbols), symbols)
    scales = {
        "price_scale": symbols.repeated(factors.last_price) / factors.price,
        "share_scale": symbols.repeated(factors.last_share) / factors.share,
    }
    return visible.with_columns(**{name: pl.Series(scale) for name, scale in scales.items()}).with_columns(
        *(pl.col(name) * pl.col("price_scale") for name in (*PRICES, "vwap") if name in visible.columns),
        *(pl.col(name) * pl.col("share_scale") for name in ("volume",) if name in visible.columns),
    )
