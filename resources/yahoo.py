"""Yahoo: daily and hourly bars from its chart endpoint, un-adjusted to raw prices, through yfinance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import numpy as np
import polars as pl
import yfinance
from curl_cffi import requests as curl
from yfinance.const import _BASE_URL_
from yfinance.data import YfData

from resources import yahoo_hourly
from resources.clock import Clock
from resources.fan_out import in_order
from resources.http import HttpGate, Reply
from resources.raw_store import PackedResponse, PackedResponses, pack
from resources.vendor_bars import finish_bars, new_york_midnight, require_closed, start_of_range
from resources.vendors import Fetched, Progress
from resources.yahoo_chart import ARRAYS, CHART_PATH, Chart, parse_chart, yahoo_symbol
from trading_assets.errors import TransientError, VendorRefusedError
from trading_assets.sessions import NEW_YORK
from trading_assets.settings import SourceName

NO_DATA = frozenset({404})
CHARTS_PER_FRAME = 512


class CurlTransport(curl.Session[curl.Response]):
    """The session that yfinance sends through: browser fingerprint, the gate's policy, and a fixed host if given.

    yfinance hard-codes Yahoo's hosts in many places; rewriting them here is the one way to point all of it at
    another base URL.
    """

    def __init__(self, gate: HttpGate, base_url: str | None) -> None:
        super().__init__(impersonate="chrome", trust_env=base_url is None)
        self._gate = gate
        self._base = base_url.rstrip("/") if base_url else None

    def request(self, method: Any, url: str, **options: Any) -> curl.Response:  # type: ignore[override] # curl_cffi lists forty options
        """Send one request through the gate. Chart answers raise typed errors; cookie and crumb answers return."""
        params = options.pop("params", None)
        full_url = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}" if params else url
        if self._base:
            parts = urlsplit(full_url)
            full_url = f"{self._base}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            options["allow_redirects"] = False
        policy = self._gate.policy
        # curl takes (connect, rest) and bounds their sum, so a body that trickles in is cut too
        options["timeout"] = (policy.connect_seconds, policy.read_seconds)
        latest: list[curl.Response] = []

        def attempt() -> Reply:
            try:
                response = super(CurlTransport, self).request(method, full_url, **options)
            except curl.exceptions.RequestException as error:
                raise self._gate.transient(full_url, error) from None  # its text holds the URL and the crumb
            latest[:] = [response]
            headers = {name.lower(): value for name, value in response.headers.items() if value is not None}
            return Reply(full_url, response.status_code, headers, response.content)

        if CHART_PATH in url:
            reply = self._gate.send(attempt, accept=NO_DATA)
            # "no data" is judged by our parser; yfinance would ask again with other cookies
            latest[0].status_code = 200 if reply.status in NO_DATA else reply.status
        else:
            attempt()
        return latest[0]


class ChartData(YfData):  # type: ignore[misc] # yfinance is untyped
    """yfinance's transport with one session of its own, whose cookie and crumb are asked for once.

    The library shares one instance a process, and asks again before every request after a failure. Charts need
    neither cookie nor crumb, so a failure to get them is no failure of the charts.
    """

    @classmethod
    def private(cls, session: CurlTransport) -> ChartData:
        """Make an instance that no other part of the process shares."""
        instance: ChartData = type.__call__(cls, session=session)
        instance._credentials = None
        return instance

    _credentials: tuple[str | None, str] | None

    def _get_cookie_and_crumb(self, timeout: float = 30) -> tuple[str | None, str]:
        if self._credentials is None:
            try:
                self._credentials = super()._get_cookie_and_crumb(timeout)
            except (TransientError, yfinance.exceptions.YFRateLimitError, OSError):
                self._credentials = (None, self._cookie_strategy)
        return self._credentials

    def forget(self) -> None:
        """Drop cookie and crumb, so that the next request asks for new ones."""
        self._credentials = self._cookie = self._crumb = None


class YahooSource:
    """Bars of Yahoo, one chart call a symbol.

    Parameters
    ----------
    base_url
        Simulator, or ``None`` for Yahoo's own hosts.
    gate
        HTTP policy.
    clock
        Decides whether a session's bars are final.
    cache
        Folder for yfinance's cookie and time zone cache.
    delay
        Time after the close from which bars are final.
    workers
        Requests in flight.
    """

    name: SourceName = "yahoo"

    def __init__(
        self,
        base_url: str | None,
        *,
        gate: HttpGate,
        clock: Clock,
        cache: Path,
        delay: timedelta = timedelta(minutes=30),
        workers: int = 8,
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._delay = delay
        self._workers = workers
        yfinance.config.debug.hide_exceptions = False
        yfinance.config.network.retries = 0
        cache.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(cache))
        self._data = ChartData.private(CurlTransport(gate, base_url))

    def daily_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch bars of ``symbols`` and undo Yahoo's split adjustment.

        Yahoo's prices are always adjusted for every split up to the moment of asking. So each chart is asked
        for up to now, whatever the last session is: the splits that have to be undone are then in the same
        answer.
        """
        if not sessions or not symbols:
            return Fetched(finish_bars([], sessions), ())
        now = self._clock.now()
        require_closed(sessions, now, self._delay)
        first = new_york_midnight(start_of_range(sessions))
        # the end of today, so that asking twice a day is the same request
        last = new_york_midnight(now.astimezone(NEW_YORK).date() + timedelta(days=1))
        params = {
            "period1": int(first.timestamp()),
            "period2": int(last.timestamp()),
            "interval": "1d",
            "includePrePost": "false",
            "events": "div,splits",
        }

        def fetch(symbol: str) -> tuple[Chart | None, list[PackedResponse]]:
            return self._chart(symbol, params, now)

        frames, packed, empty, null_rows, pending = [], [], [], 0, []
        results = in_order(fetch, symbols, workers=self._workers, ahead=16)
        for done, (symbol, (chart, kept)) in enumerate(zip(symbols, results, strict=True), start=1):
            packed += kept
            if chart is None or not len(chart.times):
                empty.append(symbol)
            else:
                pending.append(chart)
            null_rows += chart.null_rows if chart else 0
            if len(pending) >= CHARTS_PER_FRAME or (done == len(symbols) and pending):
                frames.append(_charts_frame(pending, sessions))
                pending = []
            if progress:
                progress(done, len(symbols))
        return Fetched(
            finish_bars(frames, sessions),
            PackedResponses(packed),
            tuple(empty),
            {"null prices or volume": null_rows} if null_rows else {},
        )

    def hourly_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch the finished hours of ``symbols``, joined from half hours with Yahoo's split adjustment undone."""
        now = self._clock.now()
        return yahoo_hourly.fetch(
            lambda symbol, params: self._chart(symbol, params, now),
            sessions,
            symbols,
            now=now,
            delay=self._delay,
            workers=self._workers,
            progress=progress,
        )

    def _chart(
        self, symbol: str, params: Mapping[str, object], now: datetime
    ) -> tuple[Chart | None, list[PackedResponse]]:
        with self._gate.capture(now) as kept:
            self._get(f"{_BASE_URL_}{CHART_PATH}{quote(yahoo_symbol(symbol))}", params)
        chart = parse_chart(kept[-1], symbol, self._gate, interval=str(params["interval"]))
        return chart, [pack(response) for response in kept]

    def _get(self, url: str, params: Mapping[str, object]) -> None:
        try:
            self._data.get(url, params=params)
        except VendorRefusedError as error:
            if error.facts.get("status") != 401:
                raise
            self._data.forget()  # a crumb of last week; a new one is asked for, once
            self._data.get(url, params=params)


def _charts_frame(charts: Sequence[Chart], sessions: Sequence[date]) -> pl.DataFrame:
    # only the asked range: a chart reaches up to now, see daily_bars
    parts = []
    for zone in {chart.zone for chart in charts}:
        chosen = [chart for chart in charts if chart.zone == zone]
        values = np.concatenate([chart.values for chart in chosen], axis=1)
        lengths = [len(chart.times) for chart in chosen]
        positions = pl.Series(np.repeat(np.arange(len(chosen)), lengths))
        moments = pl.from_epoch(pl.Series(np.concatenate([chart.times for chart in chosen])), time_unit="s")
        parts.append(
            pl.DataFrame(
                {
                    "symbol": pl.Series([chart.symbol for chart in chosen]).gather(positions),
                    "session": moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date(),
                    **{name: values[number] for number, name in enumerate(ARRAYS)},
                    "vwap": pl.Series([None], dtype=pl.Float64).new_from_index(0, values.shape[1]),
                    "trade_count": pl.Series([None], dtype=pl.Int64).new_from_index(0, values.shape[1]),
                }
            ).filter(pl.col("session").is_between(start_of_range(sessions), max(sessions)))
        )
    return pl.concat(parts)
