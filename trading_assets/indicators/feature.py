"""Feature: what the registry says of one column, and of the function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from trading_assets.indicators.volatility import SESSIONS_PER_YEAR

Scale = Literal["price", "shares", "none"]
Pane = Literal["price", "own"]
Range = tuple[float | None, float | None]

HOURS_PER_SESSION = 7
"""Hourly bars of a full session: six hours and the half hour after the open."""
HOURS_PER_YEAR = SESSIONS_PER_YEAR * HOURS_PER_SESSION

ANY: Range = (None, None)
POSITIVE: Range = (0.0, None)
PERCENT: Range = (0.0, 100.0)
LOSS: Range = (-1.0, None)


@dataclass(frozen=True)
class Feature:
    """One column of ``daily_features`` and of ``hourly_features``.

    ``warm_up`` counts the bars of a symbol before the first value (that bar included). ``scale`` says which
    adjustment factor brings the value into its session's own scale. ``aliases`` are what people call it, the first one
    being how it is written. ``pane`` says whether a chart draws it over the prices or below them. ``is_annualised``
    values are computed for ``SESSIONS_PER_YEAR`` bars a year and grow with the root of their number.
    """

    name: str
    description: str
    unit: str
    warm_up: int
    scale: Scale = "none"
    valid_range: Range = ANY
    aliases: tuple[str, ...] = ()
    pane: Pane = "own"
    is_annualised: bool = False

    @property
    def hourly_description(self) -> str:
        """What the column means in ``hourly_features``: the same, with bars for sessions."""
        words = self.description.replace("session", "bar")
        return words.replace(
            f"sqrt({SESSIONS_PER_YEAR})", f"sqrt({HOURS_PER_YEAR}): {HOURS_PER_SESSION} bars a session"
        )


@dataclass(frozen=True)
class Indicator:
    """One function with its arguments, and the features that it returns, in order.

    ``inputs`` name columns of the adjusted bars (``open``, ``high``, ``low``, ``close``, ``volume``), raw
    ones (``raw_close``, ``raw_volume``, ``traded_usd``), the benchmark (``benchmark_close``) or features of
    an earlier entry; ``parameters`` follow them. ``source`` says whose definition it is. An indicator that never
    forgets names the numbers that it carries from bar to bar (its ``Memory``); the value of any other depends on the
    last ``warm_up`` bars only.
    """

    function: Callable[..., Any]
    inputs: tuple[str, ...]
    parameters: tuple[float, ...]
    source: str
    features: tuple[Feature, ...]
    carries: tuple[str, ...] = ()
