"""Probes of Alpaca: two symbols, one asset, and what the plan says about the newest bars of the feed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from alpaca.common.rest import RESTClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from resources.vendors.alpaca.access import DATA_HOST, alpaca_keys, trading_host
from resources.vendors.alpaca.answers import unusable
from resources.vendors.bars import new_york_midnight
from resources.vendors.endpoints import Reach, host
from resources.vendors.http.transports import attach
from resources.vendors.probing import SYMBOLS, Answered, Ask, counted, probing_gate
from trading_assets.errors import VendorRefusedError
from trading_assets.sessions import session_close
from trading_assets.settings import Settings

DELAYED_MINUTES = 15
"""The free plan shows the consolidated tape from so long ago on."""


class AlpacaProbes:
    """Alpaca: two symbols, one asset, and what the plan says about the newest bars of the feed."""

    def __init__(self, settings: Settings, reach: Reach, session: date, _now: datetime) -> None:
        key, secret = alpaca_keys(settings)
        self.gate = probing_gate("alpaca", settings, (key, secret))
        self._session = session
        self._feed = settings.alpaca_feed
        self._delay = settings.data_delay_minutes
        self._hourly = "alpaca" in settings.hourly_bar_sources
        url = host(reach, DATA_HOST)
        self._bars = StockHistoricalDataClient(key, secret, raw_data=True, url_override=url)
        self._actions = CorporateActionsClient(key, secret, raw_data=True, url_override=url)
        self._assets = TradingClient(key, secret, raw_data=True, url_override=trading_host(settings, reach))
        for client in (self._bars, self._actions, self._assets):
            attach(client, self.gate, connections=4)

    def kinds(self) -> Mapping[str, Ask]:
        """Return a request by kind of data."""
        found: dict[str, Ask] = {
            "daily bars": lambda: self._history("1Day"),
            "feed": self._entitlement,
            "corporate actions": self._corporate_actions,
            "listings": self._listing,
        }
        return {**found, "hourly bars": lambda: self._history("30Min")} if self._hourly else found

    def _history(self, timeframe: str) -> Answered:
        params = {
            "symbols": ",".join(SYMBOLS), "timeframe": timeframe, "limit": 100, "adjustment": "raw", "feed": self._feed,
            "start": new_york_midnight(self._session).isoformat(), "end": session_close(self._session).isoformat(),
        }  # fmt: skip
        bars = self._ask(self._bars, "/stocks/bars", params, "bars") or {}
        return counted(sum(map(len, bars.values())), f"bars of {', '.join(SYMBOLS)} on {self._session}")

    def _entitlement(self) -> Answered:
        if self._feed == "iex":
            return Answered(
                "iex: one exchange, about 2 % of the volume",
                "take TRADING_ALPACA_FEED=sip where the plan allows: the free one does, 15 minutes late",
            )
        try:
            self._ask(self._bars, "/stocks/bars/latest", {"symbols": SYMBOLS[0], "feed": self._feed}, "bars")
        except VendorRefusedError as error:
            if error.facts.get("status") != 403:
                raise
            late = f"{self._feed}, {DELAYED_MINUTES} minutes late: the plan does not show what is newer"
            if self._delay > DELAYED_MINUTES:
                return Answered(f"{late}; enough for TRADING_DATA_DELAY_MINUTES={self._delay}")
            return Answered(late, f"set TRADING_DATA_DELAY_MINUTES to more than {DELAYED_MINUTES}")
        return Answered(f"{self._feed}, without delay")

    def _corporate_actions(self) -> Answered:
        params = {
            "start": (self._session - timedelta(days=7)).isoformat(),
            "end": self._session.isoformat(),
            "limit": 10,
        }
        groups = self._ask(self._actions, "/corporate-actions", params, "corporate_actions") or {}
        return Answered(f"{sum(map(len, groups.values())):,} in the week to {self._session}")

    def _listing(self) -> Answered:
        try:
            self._ask(self._assets, f"/assets/{SYMBOLS[0]}", {}, "symbol")
        except VendorRefusedError as error:
            if error.facts.get("status") != 404:
                raise
            return Answered(f"answered, but knows no {SYMBOLS[0]}", "look whether this is the right account")
        return Answered(f"the asset {SYMBOLS[0]}")

    def _ask(self, client: RESTClient, path: str, params: Mapping[str, Any], name: str) -> Any:
        with self.gate.capture(new_york_midnight(self._session)) as kept:
            try:
                body = client.get(path, dict(params))
            except ValueError as error:
                raise unusable("Not JSON, or cut short", kept[-1]) from error
        if not isinstance(body, dict) or name not in body:
            raise unusable(f"No {name} in the answer", kept[-1])
        return body[name]
