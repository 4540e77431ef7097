"""Source probes: one tiny real request for each kind of data that a configured source is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

import orjson
from alpaca.common.rest import RESTClient as AlpacaClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient
from polygon import RESTClient as PolygonClient
from yfinance.const import _BASE_URL_

from resources.raw.responses import RawResponse
from resources.vendors.bars import new_york_midnight
from resources.vendors.endpoints import Endpoints, alpaca_keys, polygon_key
from resources.vendors.http.gates import vendor_pace
from resources.vendors.http.pacing import pace_file
from resources.vendors.http.policy import HttpGate, HttpPolicy
from resources.vendors.http.transports import UrllibTransport, attach
from resources.vendors.polygon.answers import checked_answer
from resources.vendors.yahoo.chart import CHART_PATH
from resources.vendors.yahoo.transport import yahoo_data
from trading_assets.errors import TransientError, VendorRefusedError
from trading_assets.sessions import NEW_YORK, session_close
from trading_assets.settings import Settings, SourceName

SYMBOLS = ("SPY", "AAPL")
LONGEST_PACE_WAIT_SECONDS = 2.0
DELAYED_MINUTES = 15
"""Alpaca's free plan shows the consolidated tape from so long ago on."""


@dataclass(frozen=True)
class Answered:
    """What a vendor answered; ``mend`` says what should be better although it answered."""

    detail: str
    mend: str = ""


Ask = Callable[[], Answered]


class SourceProbes(Protocol):
    """The probes of one source."""

    gate: HttpGate

    def kinds(self) -> Mapping[str, Ask]:
        """Return a request by kind of data."""
        ...


def probing_gate(vendor: SourceName, settings: Settings, secrets: tuple[str, ...] = ()) -> HttpGate:
    """Make a gate that asks once, waits briefly, and counts towards the pace that all processes share."""
    policy = HttpPolicy(
        vendor,
        pace=vendor_pace(vendor, settings),
        connect_seconds=3.0,
        read_seconds=5.0,
        total_seconds=6.0,
        attempts=1,
    )

    def sleep(seconds: float) -> None:
        if seconds > LONGEST_PACE_WAIT_SECONDS:
            raise PaceUsedUpError(
                "Not asked: the pace towards this vendor is used up",
                vendor=vendor,
                free_in_seconds=round(seconds),
            )
        time.sleep(seconds)

    hidden = secrets if settings.mode != "sim" else ()
    return HttpGate(policy, secrets=hidden, pace_file=pace_file(settings.data, vendor), sleep=sleep)


class PaceUsedUpError(TransientError):
    """Ask again later: our own pace leaves no room for a probe at the moment."""


def probes_of(
    name: SourceName, settings: Settings, hosts: Endpoints, *, session: date, now: datetime
) -> SourceProbes:
    """Build the probes of a source.

    Parameters
    ----------
    name, settings, hosts
        Which source, with which keys, and where.
    session
        A session whose data every plan includes.
    now
        The present.

    Raises
    ------
    ConfigurationError
        If a key is missing; names it.
    """
    if name == "polygon":
        return PolygonProbes(settings, hosts, session)
    if name == "alpaca":
        return AlpacaProbes(settings, hosts, session)
    return YahooProbes(settings, hosts, session, now)


class PolygonProbes:
    """Polygon: one answer each, of one row where the endpoint has a limit."""

    def __init__(self, settings: Settings, hosts: Endpoints, session: date) -> None:
        key = polygon_key(settings)
        self.gate = probing_gate("polygon", settings, (key,))
        self._session = session
        self._hourly = "polygon" in settings.hourly_bar_sources
        self._client = PolygonClient(api_key=key, base=hosts.polygon.rstrip("/"), retries=0, trace=False)
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
        return _counted(rows, f"bars of {self._session}")

    def _hours(self) -> Answered:
        day = self._session
        rows = self._ask(
            lambda: self._client.get_aggs(SYMBOLS[0], 30, "minute", day, day, adjusted=False, raw=True)
        )
        return _counted(rows, f"half hours of {SYMBOLS[0]} on {day}")

    def _actions(self) -> Answered:
        rows = self._ask(lambda: self._client.list_splits(limit=1, raw=True), counted=False)
        return _counted(rows, "split (one was asked for)")

    def _listings(self) -> Answered:
        day = self._session.isoformat()
        rows = self._ask(
            lambda: self._client.list_tickers(market="stocks", date=day, active=True, limit=1, raw=True),
            counted=False,
        )
        return _counted(rows, "listing (one was asked for)")

    def _ask(self, send: Callable[[], object], *, counted: bool = True) -> int:
        with self.gate.capture(new_york_midnight(self._session)) as kept:
            send()
        return len(checked_answer(kept[-1], self.gate, counted=counted)["results"])


class AlpacaProbes:
    """Alpaca: two symbols, one asset, and what the plan says about the newest bars of the feed."""

    def __init__(self, settings: Settings, hosts: Endpoints, session: date) -> None:
        key, secret = alpaca_keys(settings)
        self.gate = probing_gate("alpaca", settings, (key, secret))
        self._session = session
        self._feed = settings.alpaca_feed
        self._delay = settings.data_delay_minutes
        self._hourly = "alpaca" in settings.hourly_bar_sources
        url = hosts.alpaca_data.rstrip("/")
        self._bars = StockHistoricalDataClient(key, secret, raw_data=True, url_override=url)
        self._actions = CorporateActionsClient(key, secret, raw_data=True, url_override=url)
        self._assets = TradingClient(
            key, secret, raw_data=True, url_override=hosts.alpaca_trading.rstrip("/")
        )
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
        return _counted(sum(map(len, bars.values())), f"bars of {', '.join(SYMBOLS)} on {self._session}")

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

    def _ask(self, client: AlpacaClient, path: str, params: Mapping[str, Any], name: str) -> Any:
        with self.gate.capture(new_york_midnight(self._session)) as kept:
            try:
                body = client.get(path, dict(params))
            except ValueError as error:
                raise self.gate.data_error("Not JSON, or cut short", kept[-1]) from error
        if not isinstance(body, dict) or name not in body:
            raise self.gate.data_error(f"No {name} in the answer", kept[-1])
        return body[name]


class YahooProbes:
    """Yahoo: cookie and crumb, one chart, and the company data of one symbol."""

    def __init__(self, settings: Settings, hosts: Endpoints, session: date, now: datetime) -> None:
        self.gate = probing_gate("yahoo", settings)
        self._session = session
        self._tomorrow = new_york_midnight(now.astimezone(NEW_YORK).date() + timedelta(days=1))
        self._hourly = "yahoo" in settings.hourly_bar_sources
        self._data = yahoo_data(self.gate, hosts.yahoo, settings.data / "cache" / "yfinance")

    def kinds(self) -> Mapping[str, Ask]:
        """Return a request by kind of data."""
        found: dict[str, Ask] = {
            "cookie and crumb": self._credentials,
            "daily bars": lambda: self._chart("1d"),
            "company data": self._summary,
            "statements": self._statements,
        }
        return {**found, "hourly bars": lambda: self._chart("30m")} if self._hourly else found

    def _credentials(self) -> Answered:
        if self._data.crumb is None:
            raise TransientError(
                "Yahoo gives out no crumb: charts work without it, company data may not", vendor="yahoo"
            )
        return Answered("given out")

    def _chart(self, interval: str) -> Answered:
        first = new_york_midnight(self._session)
        params = {
            "period1": int(first.timestamp()),
            "period2": int(self._tomorrow.timestamp()),
            "interval": interval,
            "includePrePost": "false",
        }
        for symbol in SYMBOLS:
            result = self._ask(f"{CHART_PATH}{quote(symbol)}", params, "chart")
            if result:
                return _counted(
                    len(result[0].get("timestamp") or ()), f"bars of {symbol} since {self._session}"
                )
        return _counted(0, f"charts of {' or '.join(SYMBOLS)}")

    def _summary(self) -> Answered:
        for symbol in SYMBOLS:
            path = f"/v10/finance/quoteSummary/{quote(symbol)}"
            result = self._ask(path, {"modules": "quoteType,summaryDetail"}, "quoteSummary")
            if result:
                return _counted(len(result[0]), f"modules of {symbol}")
        return _counted(0, f"summaries of {' or '.join(SYMBOLS)}")

    def _statements(self) -> Answered:
        symbol = SYMBOLS[1]
        params = {
            "symbol": symbol, "type": "annualTotalRevenue", "period1": 0, "period2": int(self._tomorrow.timestamp()),
        }  # fmt: skip
        path = f"/ws/fundamentals-timeseries/v1/finance/timeseries/{quote(symbol)}"
        result = self._ask(path, params, "timeseries")
        return _counted(len(result or ()), f"series of {symbol}")

    def _ask(self, path: str, params: Mapping[str, object], name: str) -> list[dict[str, Any]] | None:
        with self.gate.capture(self._tomorrow) as kept:
            self._data.ask(f"{_BASE_URL_}{path}", params)
        return self._result(kept[-1], name)

    def _result(self, response: RawResponse, name: str) -> list[dict[str, Any]] | None:
        try:
            answer = orjson.loads(response.body)[name]
            error, result = answer["error"], answer["result"]
        except (ValueError, KeyError, TypeError) as cause:
            raise self.gate.data_error(f"No {name} in the answer, or cut short", response) from cause
        if error is not None and response.status != 404:
            raise self.gate.data_error("The answer reports an error", response)
        return list(result) if result else None


def _counted(rows: int, what: str) -> Answered:
    if rows:
        return Answered(f"{rows:,} {what}")
    return Answered(
        f"answered, but with no {what}", "look at the vendor's status page; a session should have rows"
    )
