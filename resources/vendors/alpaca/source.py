"""Alpaca: daily and hourly bars, corporate actions and asset flags, through alpaca-py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from resources.clock import Clock
from resources.raw.store import PackedResponses, pack
from resources.vendors.alpaca import hours
from resources.vendors.alpaca.answers import unusable
from resources.vendors.alpaca.bars import BARS_PER_PAGE, fetch_bars, parse_daily
from resources.vendors.alpaca.corporate_actions import fetch_actions
from resources.vendors.bars import finish_bars, new_york_midnight, require_closed, start_of_range
from resources.vendors.http.policy import HttpGate
from resources.vendors.http.transports import attach
from resources.vendors.listings import FLAG_COLUMNS, LISTING_SCHEMA, finish_listings
from resources.vendors.protocol import Fetched, Progress
from trading_assets.sessions import session_close
from trading_assets.settings import SourceName


class AlpacaSource:
    """Market data of Alpaca.

    Parameters
    ----------
    base_url
        Data host or simulator.
    key, secret
        Never shown: they travel in headers only.
    gate
        HTTP policy.
    clock
        Decides whether a session's bars are final.
    delay
        Time after the close from which bars are final.
    feed
        ``sip`` is the consolidated tape; ``iex`` is one exchange, about 2 % of the volume.
    workers
        Requests in flight.
    """

    name: SourceName = "alpaca"
    asks_by_symbol = False

    def __init__(
        self,
        base_url: str,
        key: str,
        secret: str,
        *,
        gate: HttpGate,
        clock: Clock,
        delay: timedelta = timedelta(minutes=30),
        feed: str = "sip",
        workers: int = 3,
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._delay = delay
        self._feed = feed
        self._workers = workers
        url = base_url.rstrip("/")
        self._bars = StockHistoricalDataClient(key, secret, raw_data=True, url_override=url)
        self._actions = CorporateActionsClient(key, secret, raw_data=True, url_override=url)
        for client in (self._bars, self._actions):
            attach(client, gate, connections=workers)

    def daily_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch raw bars of ``symbols``, many symbols a request, page by page.

        Symbols that Alpaca does not know are listed in ``empty``, as are those without a bar in the range.
        """
        if not sessions or not symbols:
            return Fetched(finish_bars([], sessions), ())
        now = self._clock.now()
        require_closed(sessions, now, self._delay)
        params = {
            "timeframe": "1Day",
            "start": new_york_midnight(start_of_range(sessions)).isoformat(),
            "end": session_close(max(sessions)).isoformat(),
            "limit": BARS_PER_PAGE,
            "adjustment": "raw",
            "feed": self._feed,
            "asof": "-",  # a ticker as it was then, not the company that has it now
            "sort": "asc",
        }
        frames, packed = fetch_bars(
            self._bars,
            symbols,
            params,
            parse_daily,
            now=now,
            gate=self._gate,
            workers=self._workers,
            progress=progress,
        )
        frame = finish_bars(frames, sessions)
        present = set(frame.get_column("symbol").unique())
        empty = tuple(symbol for symbol in symbols if symbol not in present)
        return Fetched(frame, PackedResponses(packed), empty)

    def hourly_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch the finished hours of ``symbols``, joined from half hours: many symbols a request, page by page."""
        return hours.fetch(
            self._bars,
            sessions,
            symbols,
            gate=self._gate,
            now=self._clock.now(),
            delay=self._delay,
            feed=self._feed,
            workers=self._workers,
            progress=progress,
        )

    def corporate_actions(self, start: date, end: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch actions of every kind with ex-dates from ``start`` to ``end``."""
        return fetch_actions(self._actions, start, end, gate=self._gate, clock=self._clock, progress=progress)


class AlpacaAssets:
    """The broker's list of assets: what can be traded, shorted, borrowed and split into fractions now."""

    name: SourceName = "alpaca"

    def __init__(self, base_url: str, key: str, secret: str, *, gate: HttpGate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock
        self._client = TradingClient(key, secret, raw_data=True, url_override=base_url.rstrip("/"))
        attach(self._client, gate, connections=1)

    def listings(self, as_of: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch all US equities with their flags, as they are now; ``as_of`` is only stamped on the rows."""
        with self._gate.capture(self._clock.now()) as kept:
            try:
                assets = self._client.get("/assets", {"asset_class": "us_equity"})
            except ValueError as error:
                raise unusable("Not JSON, or cut short", kept[-1]) from error
        try:
            frame = pl.DataFrame(
                [_asset_row(asset, as_of) for asset in assets], schema=LISTING_SCHEMA, orient="row"
            )
        except (KeyError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
            raise unusable(
                "An asset lacks a field or has a wrong one", kept[-1], reason=type(error).__name__
            ) from error
        if frame.is_empty():
            raise unusable("The broker lists no assets at all", kept[-1])
        if progress:
            progress(1, 1)
        return Fetched(finish_listings(frame), PackedResponses([pack(response) for response in kept]))


def _asset_row(asset: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    flags = dict(zip(FLAG_COLUMNS, ("tradable", "shortable", "easy_to_borrow", "fractionable"), strict=True))
    return {
        "symbol": asset["symbol"],
        "session": as_of,
        "name": asset.get("name"),
        "exchange": asset.get("exchange"),
        "status": "active" if asset["status"] == "active" else "delisted",
        "snapshot_session": as_of,
        "asset_id": asset.get("id"),
        **{column: bool(asset[key]) for column, key in flags.items()},
    }
