"""Adjusted bars: daily prices and volumes of a range in the scale of one session, bars and actions as known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import polars as pl

from resources.lake.lake import Lake
from trading_assets.features.action_effects import ACTION_COLUMNS
from trading_assets.features.adjust import action_outcomes, adjusted_as_seen_from
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS

Adjust = Literal["none", "split", "all"]
_KINDS: dict[Adjust, tuple[str, ...]] = {
    "none": (),
    "split": ("split",),
    "all": ("split", "cash_dividend", "spin_off"),
}
_UNSCALED = {"price_scale": pl.lit(1.0), "share_scale": pl.lit(1.0)}


@dataclass(frozen=True)
class AdjustedBars:
    """``bars``: ``DAILY_BARS`` and the scales. ``actions``: what each action of the range did, or why it did nothing."""

    bars: pl.DataFrame
    actions: pl.DataFrame
    seen_from: date | None


def read_adjusted_bars(
    lake: Lake,
    symbols: Sequence[str] | None = None,
    *,
    start: date | None = None,
    end: date | None = None,
    adjust: Adjust = "all",
    as_of: datetime | None = None,
    seen_from: date | None = None,
) -> AdjustedBars:
    """Read daily bars with prices and volumes adjusted for corporate actions.

    Parameters
    ----------
    lake
        Lake to read from.
    symbols
        Symbols to read; all if not given.
    start, end
        First and last session, both included; open-ended if not given.
    adjust
        ``none``: as traded. ``split``: for splits. ``all``: for splits, cash dividends and spin-offs.
    as_of
        Instant: bars and actions as they were known then. Without it, as they are known now.
    seen_from
        Session in whose scale prices and shares are: actions with later ex-dates do not count, those up to it do,
        whether or not they lie in the range. By default the last session of the range with bars. Bars after
        it do not exist from there.

    Returns
    -------
    AdjustedBars
        Bars with the columns of ``DAILY_BARS`` (open, high, low, close, vwap in USD and volume in shares of
        ``seen_from``), ``price_scale`` and ``share_scale`` (what raw prices and volumes were multiplied by), sorted
        by (symbol, session). Actions as ``features.adjust.action_outcomes``: those that count between ``start``
        and ``seen_from``.

    Raises
    ------
    LakeError
        If ``as_of`` has no time zone.
    """
    wanted = None if symbols is None else list(dict.fromkeys(symbols))
    last = seen_from or end  # what happens between the range and the session it is seen from counts too
    actions = lake.scan(CORPORATE_ACTIONS, start=start, end=last, symbols=wanted, as_of=as_of)
    known = actions.filter(pl.col("kind").is_in(_KINDS[adjust])).select(ACTION_COLUMNS).collect()
    read = None if wanted is None else [*wanted, *_spun_off(known)]
    bars = lake.scan(DAILY_BARS, start=start, end=last, symbols=read, as_of=as_of)
    raw = bars.sort("symbol", "session").collect()
    scale = seen_from or _last_session(raw, wanted)
    if scale is None:
        empty = raw.clear().with_columns(**_UNSCALED)
        return AdjustedBars(empty, action_outcomes(raw.clear(), known), None)
    known = known.filter(pl.col("ex_date") <= scale)
    adjusted = adjusted_as_seen_from(raw, known, scale)
    if read != wanted:
        adjusted = adjusted.filter(pl.col("symbol").is_in(wanted or []))
    if end is not None and end < scale:
        adjusted = adjusted.filter(pl.col("session") <= end)
    return AdjustedBars(adjusted, action_outcomes(raw, known), scale)


def _last_session(bars: pl.DataFrame, symbols: list[str] | None) -> date | None:
    own = pl.col("session") if symbols is None else pl.col("session").filter(pl.col("symbol").is_in(symbols))
    newest: date | None = bars.select(own.max()).item()
    return newest


def _spun_off(actions: pl.DataFrame) -> list[str]:
    told_in_shares = (pl.col("kind") == "spin_off") & pl.col("price_factor").is_null()
    names: list[str] = actions.filter(told_in_shares)["new_symbol"].drop_nulls().unique().to_list()
    return names
