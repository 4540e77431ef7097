"""Probes of Yahoo: cookie and crumb, one chart, and the company data of one symbol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
from yfinance.const import _BASE_URL_

from resources.raw.responses import RawResponse
from resources.vendors.bars import new_york_midnight
from resources.vendors.endpoints import Reach
from resources.vendors.probing import SYMBOLS, Answered, Ask, counted, probing_gate
from resources.vendors.yahoo.access import cache_folder
from resources.vendors.yahoo.answers import unusable
from resources.vendors.yahoo.chart import CHART_PATH
from resources.vendors.yahoo.transport import yahoo_data
from trading_assets.errors import TransientError
from trading_assets.sessions import NEW_YORK
from trading_assets.settings import Settings


class YahooProbes:
    """Yahoo: cookie and crumb, one chart, and the company data of one symbol."""

    def __init__(self, settings: Settings, reach: Reach, session: date, now: datetime) -> None:
        self.gate = probing_gate("yahoo", settings)
        self._session = session
        self._tomorrow = new_york_midnight(now.astimezone(NEW_YORK).date() + timedelta(days=1))
        self._hourly = "yahoo" in settings.hourly_bar_sources
        self._data = yahoo_data(self.gate, reach(None), cache_folder(settings))

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
                return counted(
                    len(result[0].get("timestamp") or ()), f"bars of {symbol} since {self._session}"
                )
        return counted(0, f"charts of {' or '.join(SYMBOLS)}")

    def _summary(self) -> Answered:
        for symbol in SYMBOLS:
            path = f"/v10/finance/quoteSummary/{quote(symbol)}"
            result = self._ask(path, {"modules": "quoteType,summaryDetail"}, "quoteSummary")
            if result:
                return counted(len(result[0]), f"modules of {symbol}")
        return counted(0, f"summaries of {' or '.join(SYMBOLS)}")

    def _statements(self) -> Answered:
        symbol = SYMBOLS[1]
        params = {
            "symbol": symbol, "type": "annualTotalRevenue", "period1": 0, "period2": int(self._tomorrow.timestamp()),
        }  # fmt: skip
        path = f"/ws/fundamentals-timeseries/v1/finance/timeseries/{quote(symbol)}"
        result = self._ask(path, params, "timeseries")
        return counted(len(result or ()), f"series of {symbol}")

    def _ask(self, path: str, params: Mapping[str, object], name: str) -> list[dict[str, Any]] | None:
        with self.gate.capture(self._tomorrow) as kept:
            self._data.ask(f"{_BASE_URL_}{path}", params)
        return self._result(kept[-1], name)

    def _result(self, response: RawResponse, name: str) -> list[dict[str, Any]] | None:
        try:
            answer = orjson.loads(response.body)[name]
            error, result = answer["error"], answer["result"]
        except (ValueError, KeyError, TypeError) as cause:
            raise unusable(f"No {name} in the answer, or cut short", response) from cause
        if error is not None and response.status != 404:
            raise unusable("The answer reports an error", response)
        return list(result) if result else None
