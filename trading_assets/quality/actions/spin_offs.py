"""Spin-offs that vendors tell as splits: recognised by ratios that no split uses; one row per reported action.

After a spin-off a share is worth less, and some vendors express that as a split: AT&T's of 2022 by "1324:1000". Shares
held do not change, so taking it for a split would invent shares. The price factor is the inverse of such a ratio.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

RATIO_TOLERANCE = 0.005
TELLS_SPIN_OFFS = frozenset({"alpaca"})
"""Sources with a kind of their own for spin-offs: what these call a split is one."""
_EXACT = 5e-5
_LARGEST_PART = 10
_LARGEST_STOCK_DIVIDEND_PERCENT = 20
_SMALL_STOCK_DIVIDEND_HALF_PERCENTS = 5
NEAR = timedelta(days=3)
"""Sources may date the same action so far apart."""
Decisions = Mapping[tuple[str, date], str]
"""By symbol and ex-date the kind that a person decided an action to be: split or spin_off."""
NOTHING_DECIDED: Decisions = {}


class _Report(NamedTuple):
    row: int
    ex_date: date
    source: str
    ratio: float


def is_split_ratio(ratio: float) -> bool:
    """Say whether splits or stock dividends come in this ratio.

    n:1 and 1:n; small whole numbers such as 3:2, 5:4 or 2:7; stock dividends of 1 to 20 whole percent, and of
    0.5, 1.5 and 2.5 percent. AT&T's 1.324, Pfizer's 1.054 and Kellogg's 1.065 are none of these.

    Parameters
    ----------
    ratio
        New shares per old share.

    Examples
    --------
    >>> [is_split_ratio(ratio) for ratio in (4.0, 0.05, 1.5, 1.25, 1.01)]
    [True, True, True, True, True]
    >>> [is_split_ratio(ratio) for ratio in (1.324, 1.054, 1.065, 1.056)]
    [False, False, False, False]
    """
    if not 0 < ratio < float("inf") or abs(ratio - 1) <= _EXACT:
        return False
    turned = max(ratio, 1 / ratio)
    if any(_is_whole(turned * part) for part in range(1, _LARGEST_PART + 1)):
        return True
    percent = (ratio - 1) * 100
    whole = round(percent)
    if 1 <= whole <= _LARGEST_STOCK_DIVIDEND_PERCENT and _is_whole_percent(ratio, whole):
        return True
    halves = round(percent * 2)
    return 1 <= halves <= _SMALL_STOCK_DIVIDEND_HALF_PERCENTS and _is_whole_percent(ratio, halves / 2)


def may_be_stock_dividend(ratio: float) -> bool:
    """Say whether stock dividends come in this ratio, as some spin-offs do: 1.025 and 1.03 were both.

    Larger ratios in use (5:4, 3:2, 2:1) are splits: a spin-off hits one of them by a rare chance only.

    Examples
    --------
    >>> [may_be_stock_dividend(ratio) for ratio in (1.025, 1.03, 1.2, 1.048, 1.5, 0.5)]
    [True, True, True, False, False, False]
    """
    return 1 < ratio <= 1 + _LARGEST_STOCK_DIVIDEND_PERCENT / 100 + _EXACT and is_split_ratio(ratio)


def decision_of(symbol: str, ex_date: date, decided: Decisions) -> str | None:
    """Return what a person decided an action to be; None if nobody did."""
    near = (day for name, day in decided if name == symbol and abs(day - ex_date) <= NEAR)
    day = min(near, key=lambda day: abs(day - ex_date), default=None)
    return None if day is None else decided[symbol, day]


def recognise_spin_offs(reported: pl.DataFrame, decided: Decisions = NOTHING_DECIDED) -> pl.DataFrame:
    """Turn splits that are spin-offs into spin-offs.

    A report of a split becomes one of a spin-off with ``price_factor`` = 1 / ratio if its ratio is above 1 and

    - another source reports a spin-off of the symbol at that time, and none that tells the two apart a split, or
    - no split uses the ratio, and no source that tells the two apart calls it a split, or
    - stock dividends come in the ratio, no source that tells the two apart says anything, and a person decided so.

    Where another source reports a split of that day by a ratio in use, and this one by an odd ratio, the latter holds
    both: what is left of it after the split is the spin-off (DuPont 2019: 0.4725 = 1:3 and 1.4175).

    Parameters
    ----------
    reported
        Columns ``symbol, ex_date, kind, split_ratio, price_factor, source``, and any others.
    decided
        What a person decided.

    Returns
    -------
    pl.DataFrame
        The same rows in the same order. An odd ratio below 1 stays a split: a spin-off makes no price rise.
    """
    splits, spin_offs = _reports(reported, "split"), _reports(reported, "spin_off")
    factors: dict[int, float] = {}
    for symbol, reports in splits.items():
        for report in reports:
            others = [
                other
                for other in reports
                if other.source != report.source and abs(other.ex_date - report.ex_date) <= NEAR
            ]
            told = any(
                other.source != report.source and abs(other.ex_date - report.ex_date) <= NEAR
                for other in spin_offs.get(symbol, ())
            )
            by_person = decision_of(symbol, report.ex_date, decided) == "spin_off"
            worth = _spin_off_ratio(report, others, is_told=told, is_decided=by_person)
            if worth is not None:
                factors[report.row] = 1 / worth
    if not factors:
        return reported
    found = pl.DataFrame(
        {"row": list(factors), "factor": list(factors.values())},
        schema={"row": pl.UInt32, "factor": pl.Float64},
    )
    joined = reported.with_row_index("row").join(found, on="row", how="left", maintain_order="left")
    is_spin_off = pl.col("factor").is_not_null()
    return joined.with_columns(
        kind=pl.when(is_spin_off).then(pl.lit("spin_off")).otherwise("kind"),
        split_ratio=pl.when(~is_spin_off).then("split_ratio"),
        price_factor=pl.coalesce("factor", "price_factor"),
    ).select(reported.columns)


def _spin_off_ratio(
    report: _Report, others: list[_Report], *, is_told: bool, is_decided: bool
) -> float | None:
    if report.source in TELLS_SPIN_OFFS:
        return None
    tellers_split = any(other.source in TELLS_SPIN_OFFS for other in others)
    if is_decided and may_be_stock_dividend(report.ratio) and not tellers_split:
        return report.ratio
    agreed = any(
        other.source in TELLS_SPIN_OFFS and abs(other.ratio / report.ratio - 1) <= RATIO_TOLERANCE
        for other in others
    )
    if agreed:
        return None
    if is_split_ratio(report.ratio) and not (is_told and report.ratio > 1):
        return None
    plain = [
        other.ratio
        for other in others
        if is_split_ratio(other.ratio) and abs(other.ratio / report.ratio - 1) > RATIO_TOLERANCE
    ]
    left = report.ratio / plain[0] if plain else report.ratio
    return left if left > 1 + RATIO_TOLERANCE else None


def _reports(reported: pl.DataFrame, kind: str) -> dict[str, list[_Report]]:
    rows = reported.with_row_index("row").filter(pl.col("kind") == kind)
    if kind == "split":
        rows = rows.filter(pl.col("split_ratio") > 0)
    found: dict[str, list[_Report]] = {}
    for row, symbol, ex_date, source, ratio in rows.select(
        "row", "symbol", "ex_date", "source", pl.col("split_ratio").fill_null(0.0)
    ).iter_rows():
        found.setdefault(symbol, []).append(_Report(row, ex_date, source, ratio))
    return found


def _is_whole(value: float) -> bool:
    whole = round(value)
    return whole > 1 and abs(value / whole - 1) <= _EXACT


def _is_whole_percent(ratio: float, percent: float) -> bool:
    return abs(ratio / (1 + percent / 100) - 1) <= _EXACT
