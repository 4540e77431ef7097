"""Yahoo: daily and hourly bars from its chart endpoint, un-adjusted to raw prices, through yfinance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import quote

import numpy as np
import polars as pl
from yfinance.const import _BASE_URL_

from resources.clock import Clock
from resources.raw.store import PackedResponse, PackedResponses, pack
from resources.vendors.bars import finish_bars, new_york_midnight, require_closed, start_of_range
from resources.vendors.http.fan_out import in_order
from resources.vendors.http.policy import HttpGate
from resources.vendors.protocol import Fetched, Progress
from resources.vendors.yahoo import hours
from resources.vendors.yahoo.chart import ARRAYS, CHART_PATH, Chart, parse_chart, yahoo_symbol
from resources.vendors.yahoo.dividends_and_splits import events_frame
from resources.vendors.yahoo.transport import yahoo_data
from trading_assets.sessions import NEW_YORK, session_close, session_open
from trading_assets.settings import SourceName

CHARTS_PER_FRAME = 512
_LEAST_CHARTS = 20
_CLOSING_SECONDS = 600
"""Most symbols trade in the last ten minutes of a session, and in its closing auction."""


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
    asks_by_symbol = True

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
        self._data = yahoo_data(gate, base_url, cache)

    def daily_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch bars of ``symbols`` and undo Yahoo's split adjustment.

        Yahoo's prices are always adjusted for every split up to the moment of asking. So each chart is asked
        for up to now, whatever the last session is: the splits that have to be undone are then in the same
        answer. Bars of a session that was still going on, by the last trades that the charts tell, are left out.
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
        actions: list[Mapping[str, object]] = []
        last_trades: list[int] = []
        results = in_order(fetch, symbols, workers=self._workers, ahead=16)
        for done, (symbol, (chart, kept)) in enumerate(zip(symbols, results, strict=True), start=1):
            packed += kept
            if chart is None or not len(chart.times):
                empty.append(symbol)
            else:
                pending.append(chart)
            null_rows += chart.null_rows if chart else 0
            actions += chart.actions if chart else ()
            last_trades += [chart.last_trade] if chart and chart.last_trade is not None else []
            if len(pending) >= CHARTS_PER_FRAME or (done == len(symbols) and pending):
                frames.append(_charts_frame(pending, sessions))
                pending = []
            if progress:
                progress(done, len(symbols))
        frame = finish_bars(frames, sessions)
        left_out = {"null prices or volume": null_rows} if null_rows else {}
        if is_going_on(max(sessions), last_trades):
            finished = frame.filter(pl.col("session") != max(sessions))
            left_out[f"{max(sessions)} was still going on by the last trades"] = (
                frame.height - finished.height
            )
            frame = finished
        return Fetched(
            frame,
            PackedResponses(packed),
            tuple(empty),
            left_out,
            actions=events_frame(actions, start_of_range(sessions), max(sessions)),
        )

    def hourly_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch the finished hours of ``symbols``, joined from half hours with Yahoo's split adjustment undone."""
        now = self._clock.now()
        return hours.fetch(
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
            self._data.ask(f"{_BASE_URL_}{CHART_PATH}{quote(yahoo_symbol(symbol))}", params)
        chart = parse_chart(kept[-1], symbol, interval=str(params["interval"]))
        return chart, [pack(response) for response in kept]


def is_going_on(session: date, last_trades: Sequence[int]) -> bool:
    """Say whether a session had not ended when charts of it were made: most symbols' last trade lies before its end.

    Parameters
    ----------
    session
        Newest session that was asked for.
    last_trades
        Epoch seconds of the symbols' last trades, of any day; fewer than 20 on that session say nothing.
    """
    opened, closed = session_open(session).timestamp(), session_close(session).timestamp()
    of_session = [moment for moment in last_trades if opened <= moment <= closed + _CLOSING_SECONDS]
    return len(of_session) >= _LEAST_CHARTS and median(of_session) < closed - _CLOSING_SECONDS


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
                    **{
                        name: pl.Series(values[number], nan_to_null=True)
                        for number, name in enumerate(ARRAYS)
                    },
                    "vwap": pl.Series([None], dtype=pl.Float64).new_from_index(0, values.shape[1]),
                    "trade_count": pl.Series([None], dtype=pl.Int64).new_from_index(0, values.shape[1]),
                }
            ).filter(pl.col("session").is_between(start_of_range(sessions), max(sessions)))
        )
    return pl.concat(parts)
