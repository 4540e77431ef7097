"""Swapped symbols: two bars of one session that each lie where the other symbol's price was; per (symbol, session)."""

from __future__ import annotations

import numpy as np
import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.moves import MOVE_SCHEMA, opened_there
from trading_assets.quality.outcome import Measured, findings_frame

_WITHIN = 0.04
_MOVES = 2.0
"""Close enough: within 4 %, and within two usual moves of both symbols."""


def symbols_swapped(checked: CheckedBars) -> Measured:
    """Find pairs of symbols that moved to each other's close before, in price and in volume.

    Both get no new risk. More than ``max_quarantined_frac`` of the symbols stop the session.
    """
    moves = checked.moves.filter(
        pl.col("session") >= checked.sessions[0],
        ~pl.col("comes_back"),
        pl.col("move").abs() > checked.thresholds.min_step_volatility_ratio * pl.col("usual_move"),
        opened_there(),
        pl.col("usual_volume") * pl.col("previous_close") >= checked.thresholds.step_volume_usd,
    )
    pairs = _pairs(moves)
    return Measured(
        findings_frame(
            pairs,
            value=pl.format(
                "close {} after {}: as if it were {}, which was at {}",
                "close", pl.col("previous_close").round(4), "symbol_other", pl.col("previous_close_other").round(4),
            ),
            expectation="two symbols do not take each other's price and volume from one session to the next",
        ),
        "symbols lie where another one was",
        totals=checked.totals,
        share=checked.thresholds.max_quarantined_frac,
    )  # fmt: skip


def _pairs(moves: pl.DataFrame) -> pl.DataFrame:
    """Join moves to those of the session that began where they ended, by classes of prices of the allowed distance."""
    width = float(np.log1p(_WITHIN))

    def price_class(column: str) -> pl.Expr:
        return (pl.col(column).log() / width).floor().cast(pl.Int64)

    here = moves.with_columns(
        place=pl.concat_list([price_class("close") + offset for offset in (-1, 0, 1)])
    ).explode("place", empty_as_null=False)
    there = moves.select(MOVE_SCHEMA.names()).with_columns(place=price_class("previous_close"))
    near = pl.min_horizontal(pl.lit(width), _MOVES * pl.min_horizontal("usual_move", "usual_move_other"))
    return (
        here.join(there, on=["session", "place"], suffix="_other")
        .filter(
            pl.col("symbol") != pl.col("symbol_other"),
            _distance("close", "previous_close_other") <= near,
            _distance("close_other", "previous_close") <= near,
            _fits_better("volume", "usual_volume_other", "usual_volume"),
            _fits_better("volume_other", "usual_volume", "usual_volume_other"),
        )
        .sort("session", "symbol", "symbol_other")
        .unique(["session", "symbol"], keep="first", maintain_order=True)
    )


def _fits_better(volume: str, to: str, than: str) -> pl.Expr:
    """Whether a volume is nearer to one usual volume than to another."""
    return _distance(volume, to) <= _distance(volume, than)


def _distance(first: str, second: str) -> pl.Expr:
    return (pl.col(first) / pl.col(second)).log().abs()
