"""Yahoo: daily bars [symbol, session] from its chart endpoint, un-adjusted to raw prices, through yfinance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import polars as pl
import yfinance
from curl_cffi import requests as curl
from yfinance.const import _BASE_URL_
from yfinance.data import YfData

from resources.clock import Clock
from resources.fan_out import in_order
from resources.http import HttpGate, Reply
from resources.raw_store import PackedResponse, PackedResponses, pack
from resources.vendor_bars import finish_bars, new_york_midnight, require_closed, start_of_range
from resources.vendors import Fetched, Progress, RawResponse
from trading_assets.errors import TransientError, VendorRefusedError
from trading_assets.sessions import NEW_YORK
from trading_assets.settings import SourceName

CHART_PATH = "/v8/finance/chart/"
NO_DATA = frozenset({404})
CHARTS_PER_FRAME = 512
PRICE_DECIMALS = 4
_PRICES = ("open", "high", "low", "close")
_ARRAYS = (*_PRICES, "volume")


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


@dataclass(frozen=True)
class Chart:
    """One parsed chart: bar times (epoch seconds) and raw open, high, low, close and volume; null rows dropped."""

    symbol: str
    zone: str
    times: np.ndarray
    values: np.ndarray
    null_rows: int


class YahooSource:
    """Daily bars of Yahoo, one chart call a symbol.

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
            with self._gate.capture(now) as kept:
                self._get(f"{_BASE_URL_}{CHART_PATH}{quote(yahoo_symbol(symbol))}", params)
            return parse_chart(kept[-1], symbol, self._gate), [pack(response) for response in kept]

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

    def _get(self, url: str, params: Mapping[str, object]) -> None:
        try:
            self._data.get(url, params=params)
        except VendorRefusedError as error:
            if error.facts.get("status") != 401:
                raise
            self._data.forget()  # a crumb of last week; a new one is asked for, once
            self._data.get(url, params=params)


def yahoo_symbol(symbol: str) -> str:
    """Return Yahoo's spelling: share classes with a dash, BRK-B for BRK.B."""
    return symbol.replace(".", "-")


def parse_chart(response: RawResponse, symbol: str, gate: HttpGate) -> Chart | None:
    """Parse one chart answer into raw prices; ``None`` if Yahoo says that it has no such symbol or no bars.

    A bar before the ex-date of a split is multiplied by the split's ratio (volume divided), for all splits in
    the answer; prices are rounded to 4 decimals, which undoes Yahoo's single precision.

    Raises
    ------
    VendorDataError
        On truncated JSON, another symbol or granularity than asked for, or arrays of unequal length.
    """
    try:
        chart = orjson.loads(response.body)["chart"]
        error, result = chart["error"], chart["result"]
    except (ValueError, KeyError, TypeError) as cause:
        raise gate.data_error("Not a chart, or cut short", response, symbol=symbol) from cause
    if error is not None:
        if response.status == 404 and isinstance(error, Mapping) and error.get("code") == "Not Found":
            return None
        raise gate.data_error("The chart answer reports an error", response, symbol=symbol)
    if response.status != 200 or not isinstance(result, list) or len(result) != 1:
        raise gate.data_error("Not exactly one chart in the answer", response, symbol=symbol)
    return _parse_result(result[0], response, symbol, gate)


def _parse_result(
    result: Mapping[str, Any], response: RawResponse, symbol: str, gate: HttpGate
) -> Chart | None:
    try:
        meta, (quotes,) = result["meta"], result["indicators"]["quote"]
        if meta["symbol"] not in {symbol, yahoo_symbol(symbol)} or meta.get("dataGranularity", "1d") != "1d":
            raise gate.data_error("A chart of something else than asked for", response, symbol=symbol)
        zone = str(meta["exchangeTimezoneName"])
        if not result.get("timestamp"):
            if any(quotes.get(name) for name in _ARRAYS):
                raise gate.data_error("Prices without times", response, symbol=symbol)
            return None
        times = np.array(result["timestamp"], dtype=np.int64)
        arrays = [np.array(quotes[name], dtype=np.float64) for name in _ARRAYS]  # null becomes NaN
        if {len(array) for array in arrays} != {len(times)}:
            raise gate.data_error("Arrays of unequal length", response, symbol=symbol)
        values = np.stack(arrays)
        _undo_splits(values, times, (result.get("events") or {}).get("splits") or {}, ZoneInfo(zone))
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError) as cause:
        raise gate.data_error(
            "A chart lacks a field or has a wrong one", response, symbol=symbol, reason=type(cause).__name__
        ) from cause
    whole = np.isfinite(values).all(axis=0)
    nulls = len(times) - int(whole.sum())
    if nulls:
        times, values = times[whole], values[:, whole]
    return Chart(symbol, zone, times, values, nulls)


def _undo_splits(values: np.ndarray, times: np.ndarray, splits: Mapping[str, Any], zone: ZoneInfo) -> None:
    for split in splits.values():
        ratio = float(split["numerator"]) / float(split["denominator"])
        if not 0 < ratio < np.inf:
            raise ValueError("split ratio")
        ex_midnight = datetime.fromtimestamp(int(split["date"]), zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        before = times < ex_midnight.timestamp()
        values[:4, before] *= ratio
        values[4, before] /= ratio
    np.round(values[:4], PRICE_DECIMALS, out=values[:4])
    np.round(values[4], 0, out=values[4])


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
                    **{name: values[number] for number, name in enumerate(_ARRAYS)},
                    "vwap": pl.Series([None], dtype=pl.Float64).new_from_index(0, values.shape[1]),
                    "trade_count": pl.Series([None], dtype=pl.Int64).new_from_index(0, values.shape[1]),
                }
            ).filter(pl.col("session").is_between(start_of_range(sessions), max(sessions)))
        )
    return pl.concat(parts)
