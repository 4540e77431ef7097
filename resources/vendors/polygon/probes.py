"""Probes of Polygon: one answer each kind of data, of one row where the endpoint has a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from polygon import RESTClient

from resources.vendors.bars import new_york_midnight
from resources.vendors.endpoints import Reach, host
from resources.vendors.http.transports import UrllibTransport
from resources.vendors.polygon.access import HOST, polygon_keys
from resources.vendors.polygon.answers import checked_answer
from resources.vendors.probing import SYMBOLS, Answered, Ask, counted, probing_gate
from trading_assets.settings import Settings


class PolygonProbes:
    """Polygon: one answer each, of one row where the endpoint has a limit."""

    def __init__(self, settings: Settings, reach: Reach, session: date, _now: datetime) -> None:
        (key,) = polygon_keys(settings)
        self.gate = probing_gate("polygon", settings, (key,))
        self._session = session
        self._hourly = "polygon" in settings.hourly_bar_sources
        self._client = RESTClient(api_key=key, base=host(reach, HOST), retries=0, trace=False)
        self._client.client = UrllibTransport(self.gate, connections=4)

    def kinds(self) -> Mapping[str, Ask]:
        """Return a request by kind of data."""
        found: dict[str, Ask] = {
            "daily bars": self._daily,
            "corporate actions": self._actions,
            "listings": self._listings,
        }
        return {**found, "hourly bars": self._hours} if self._hourly else found

    def _daily(self) -> Answered:
        rows = self._ask(
            lambda: self._client.get_grouped_daily_aggs(self._session.isoformat(), adjusted=False, raw=True)
        )
        return counted(rows, f"bars of {self._session}")

    def _hours(self) -> Answered:
        day = self._session
        rows = self._ask(
            lambda: self._client.get_aggs(SYMBOLS[0], 30, "minute", day, day, adjusted=False, raw=True)
        )
        return counted(rows, f"half hours of {SYMBOLS[0]} on {day}")

    def _actions(self) -> Answered:
        rows = self._ask(lambda: self._client.list_splits(limit=1, raw=True), counted=False)
        return counted(rows, "split (one was asked for)")

    def _listings(self) -> Answered:
        day = self._session.isoformat()
        rows = self._ask(
            lambda: self._client.list_tickers(market="stocks", date=day, active=True, limit=1, raw=True),
            counted=False,
        )
        return counted(rows, "listing (one was asked for)")

    def _ask(self, send: Callable[[], object], *, counted: bool = True) -> int:
        with self.gate.capture(new_york_midnight(self._session)) as kept:
            send()
        return len(checked_answer(kept[-1], counted=counted)["results"])
