"""Kinds of bars that are kept: how each comes from the vendors to the accepted bars, one record a kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from resources.platform import Platform
from resources.vendors.protocol import Fetched, MarketSource
from trading_assets.market_data.compared import with_due, with_market
from trading_assets.market_data.fetches import unfinished_sessions
from trading_assets.market_data.selection import kept_symbols
from trading_assets.quality.checked import LOOK_BACK_SESSIONS, CheckedBars
from trading_assets.quality.checks import CHECKS, HOUR_CHECKS, Check
from trading_assets.settings import Settings, SourceName
from trading_assets.tables import daily, hourly
from trading_assets.tables.bars import BarGrain
from trading_assets.tables.table import Table

Fetch = Callable[..., Fetched]
"""A vendor's call for the bars of sessions, as ``BarSource.daily_bars`` is one."""


@dataclass(frozen=True)
class KeptBars:
    """How one kind of bars is fetched, consolidated and checked.

    Parameters
    ----------
    bars
        Its tables, key and periods.
    sources
        Sources that have it, best first.
    fetch
        The call of a vendor that fetches it.
    checks
        Its checks, in the order in which they are run.
    compare
        Adds to the bars what the checks compare them with.
    sessions_at_once
        Sessions that are consolidated, and checked, together.
    reference_sessions
        Sessions before those in which a symbol's last bar is looked for: its next one is compared with it.
    look_back_sessions
        Sessions before those that the checks look back on.
    selection
        Which symbols are asked for: one row per (session, symbol). They are few, so that a range is one fetch, and always
        traded, so that an answer without any of them is an error. ``None``: all that is listed, part by part, whoever
        has no bar; the checks find what is missing.
    unfinished
        By source, the sessions whose newest fetch came too early. ``None``: a vendor leaves out what is not finished.
    """

    bars: BarGrain
    sources: Callable[[Settings], Sequence[SourceName]]
    fetch: Callable[[MarketSource], Fetch]
    checks: Mapping[str, Check]
    compare: Callable[[Platform, CheckedBars], CheckedBars]
    sessions_at_once: int
    reference_sessions: int
    look_back_sessions: int
    selection: Callable[[Platform, Sequence[date]], pl.DataFrame] | None = None
    unfinished: Callable[[Platform, Sequence[date]], Mapping[str, Collection[date]]] | None = None

    def vendor_tables(self, settings: Settings) -> dict[SourceName, Table]:
        """Return the table of each source that has it, best first."""
        return {source: self.bars.vendor[source] for source in self.sources(settings)}


DAILY = KeptBars(
    daily.DAILY,
    sources=lambda settings: settings.sources,
    fetch=lambda vendor: vendor.daily_bars,
    checks=CHECKS,
    compare=with_market,
    sessions_at_once=126,
    reference_sessions=30,
    look_back_sessions=LOOK_BACK_SESSIONS,
    unfinished=unfinished_sessions,
)
HOURLY = KeptBars(
    hourly.HOURLY,
    sources=lambda settings: settings.hourly_bar_sources,
    fetch=lambda vendor: vendor.hourly_bars,
    checks=HOUR_CHECKS,
    compare=with_due,
    sessions_at_once=63,
    reference_sessions=5,
    look_back_sessions=1,
    selection=kept_symbols,
)
