"""Polygon: whole-market daily bars [symbol, session], hourly bars, splits and dividends, and listings, with its own client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from polygon import RESTClient

from resources.clock import Clock
from resources.raw.responses import RawResponse
from resources.raw.store import PackedResponse, PackedResponses, pack
from resources.vendors.actions import ACTION_SCHEMA, finish_actions
from resources.vendors.bars import dates_to_ask, epoch_to_new_york_date, finish_bars, require_closed
from resources.vendors.http.fan_out import in_order
from resources.vendors.http.policy import HttpGate
from resources.vendors.http.transports import UrllibReply, UrllibTransport
from resources.vendors.listings import LISTING_SCHEMA, finish_listings
from resources.vendors.polygon import hours
from resources.vendors.polygon.answers import answers, bars_of, checked_answer, unusable
from resources.vendors.protocol import Fetched, Progress
from trading_assets.settings import SourceName

PAGE = 1000
DELISTED_SHOWN = timedelta(days=40)
_BAR_FIELDS = {
    "symbol": "T",
    "open": "o",
    "high": "h",
    "low": "l",
    "close": "c",
    "volume": "v",
    "end_ms": "t",
}
_PARSED_BARS = {
    "symbol": pl.String,
    **dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64),
    "end_ms": pl.Int64,
    "vwap": pl.Float64,
    "trade_count": pl.Int64,
}


class PolygonSource:
    """Market data of Polygon (now also Massive) through polygon-api-client.

    The client's raw mode is used throughout: its parsing turns truncated JSON and missing results into an
    empty list, which cannot be told from "no data".

    Parameters
    ----------
    base_url
        Vendor host or simulator.
    api_key
        Never shown: it travels in a header only.
    gate
        HTTP policy.
    clock
        Decides whether a session's bars are final.
    delay
        Time after the close from which bars are final.
    workers
        Requests in flight.
    """

    name: SourceName = "polygon"
    asks_by_symbol = False

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        gate: HttpGate,
        clock: Clock,
        delay: timedelta = timedelta(minutes=30),
        workers: int = 3,
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._delay = delay
        self._workers = workers
        self._client = RESTClient(api_key=api_key, base=base_url.rstrip("/"), retries=0, trace=False)
        self._client.client = UrllibTransport(gate, connections=workers)

    def daily_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch raw bars of the whole market, one call a session; ``symbols`` plays no part.

        Weekdays on which the exchange is closed are asked for too where they precede a session, so that
        phantom bars are seen.
        """
        del symbols  # one call answers for the whole market
        if not sessions:
            return Fetched(finish_bars([], sessions), ())
        now = self._clock.now()
        require_closed(sessions, now, self._delay)
        asked = set(sessions)

        def fetch(day: date) -> tuple[pl.DataFrame, list[PackedResponse]]:
            with self._gate.capture(now) as kept:
                self._client.get_grouped_daily_aggs(day.isoformat(), adjusted=False, raw=True)
            frame = parse_grouped(kept[-1])
            strangers = frame.filter(pl.col("session") != day).height
            if strangers:
                raise unusable(
                    "Rows of another day than the one asked for", kept[-1], rows=strangers, session=day
                )
            return frame, [pack(response) for response in kept]

        days = dates_to_ask(sessions)
        frames, packed, empty = [], [], []
        for done, (frame, kept) in enumerate(in_order(fetch, days, workers=self._workers), start=1):
            packed += kept
            if frame.height:
                frames.append(frame)
            elif days[done - 1] in asked:
                empty.append(days[done - 1].isoformat())
            if progress:
                progress(done, len(days))
        return Fetched(finish_bars(frames, sessions), PackedResponses(packed), tuple(empty))

    def hourly_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch the finished hours of ``symbols``, joined from half hours: one call a symbol for the whole range."""
        return hours.fetch(
            self._client,
            sessions,
            symbols,
            gate=self._gate,
            now=self._clock.now(),
            delay=self._delay,
            workers=self._workers,
            progress=progress,
        )

    def corporate_actions(self, start: date, end: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch splits and cash dividends with ex-dates from ``start`` to ``end``."""
        splits, split_pages = self._pages(
            lambda: self._client.list_splits(
                execution_date_gte=start.isoformat(),
                execution_date_lte=end.isoformat(),
                limit=PAGE,
                sort="execution_date",
                order="asc",
                raw=True,
            )
        )
        if progress:
            progress(1, 2)
        dividends, dividend_pages = self._pages(
            lambda: self._client.list_dividends(
                ex_dividend_date_gte=start.isoformat(),
                ex_dividend_date_lte=end.isoformat(),
                limit=PAGE,
                sort="ex_dividend_date",
                order="asc",
                raw=True,
            )
        )
        if progress:
            progress(2, 2)
        responses = split_pages + dividend_pages
        try:
            rows, foreign = _split_rows(splits), [row for row in dividends if not _in_usd(row)]
            rows += _dividend_rows([row for row in dividends if _in_usd(row)])
            frame = finish_actions(pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row"), start, end)
        except (KeyError, TypeError, ValueError, ZeroDivisionError, pl.exceptions.PolarsError) as error:
            raise unusable(
                "A corporate action lacks a field or has a wrong one",
                responses[-1].unpack(),
                reason=type(error).__name__,
            ) from error
        left_out = {"dividend not in USD": len(foreign)} if foreign else {}
        return Fetched(frame, PackedResponses(responses), left_out=left_out)

    def listings(self, as_of: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch what was listed on ``as_of``, and names delisted in the month before; broker flags stay null."""
        day, oldest = as_of.isoformat(), (as_of - DELISTED_SHOWN).isoformat()
        listed, packed = self._pages(
            lambda: self._client.list_tickers(market="stocks", date=day, active=True, limit=PAGE, raw=True)
        )
        if not listed:
            raise unusable("Nothing at all is listed", packed[-1].unpack(), day=day)
        if progress:
            progress(1, 2)
        gone, pages = self._pages(
            lambda: self._client.list_tickers(
                market="stocks",
                date=day,
                active=False,
                limit=PAGE,
                sort="delisted_utc",
                order="desc",
                raw=True,
            ),
            enough=lambda rows: _delisted_before(rows, oldest),
        )
        packed += pages
        if progress:
            progress(2, 2)
        recent = [row for row in gone if oldest <= (row.get("delisted_utc") or "")]
        try:
            names = {row["share_class_figi"]: row["ticker"] for row in listed if row.get("share_class_figi")}
            rows = [_listing_row(row, as_of, "active") for row in listed]
            rows += [
                {
                    **_listing_row(row, as_of, "delisted"),
                    "renamed_to": names.get(row.get("share_class_figi") or ""),
                }
                for row in recent
            ]
            frame = pl.DataFrame(rows, schema=LISTING_SCHEMA, orient="row")
        except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise unusable(
                "A listing lacks a field or has a wrong one",
                packed[-1].unpack(),
                reason=type(error).__name__,
            ) from error
        return Fetched(finish_listings(frame), PackedResponses(packed))

    def _pages(
        self,
        first: Callable[[], UrllibReply],
        *,
        enough: Callable[[list[dict[str, Any]]], bool] = lambda _: False,
    ) -> tuple[list[dict[str, Any]], list[PackedResponse]]:
        with self._gate.capture(self._clock.now()) as kept:
            first()
            bodies = list(answers(self._client, kept, enough=enough))
        rows = [row for body in bodies for row in body["results"]]
        return rows, [pack(response) for response in kept]


def parse_grouped(response: RawResponse) -> pl.DataFrame:
    """Parse a grouped-daily answer.

    Output: columns of the bars table; the session is the New York date of ``t``, which is the end of the
    window (16:00 New York) here, unlike in other aggregates. No rows if the vendor says it has none.

    Raises
    ------
    VendorDataError
        On truncated JSON, a wrong status, missing results or a wrong count.
    """
    body = checked_answer(response, counted=True)
    frame = bars_of(body["results"], _BAR_FIELDS, _PARSED_BARS, response)
    return frame.with_columns(session=epoch_to_new_york_date("end_ms", "ms")).drop("end_ms")


def _split_rows(splits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "symbol": row["ticker"],
            "ex_date": date.fromisoformat(row["execution_date"]),
            "kind": "split",
            "split_ratio": float(row["split_to"]) / float(row["split_from"]),
        }
        for row in splits
    ]


def _dividend_rows(dividends: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "symbol": row["ticker"],
            "ex_date": date.fromisoformat(row["ex_dividend_date"]),
            "kind": "cash_dividend",
            "cash_usd": float(row["cash_amount"]),
            "detail": f"{row.get('dividend_type')} {row.get('id')}",
        }
        for row in dividends
    ]


def _in_usd(dividend: dict[str, Any]) -> bool:
    return str(dividend.get("currency") or "USD").upper() == "USD"


def _delisted_before(rows: list[dict[str, Any]], oldest: str) -> bool:
    # newest first was asked for: only if the page keeps to that, the pages after it can be left alone
    days = [row.get("delisted_utc") or "" for row in rows]
    return bool(days) and days[-1] < oldest and days == sorted(days, reverse=True)


def _listing_row(row: dict[str, Any], as_of: date, status: str) -> dict[str, Any]:
    delisted = row.get("delisted_utc")
    return {
        "symbol": row["ticker"],
        "session": as_of,
        "name": row.get("name"),
        "exchange": row.get("primary_exchange"),
        "asset_type": row.get("type"),
        "status": status,
        "delisted_date": date.fromisoformat(delisted[:10]) if delisted else None,
        "share_class_figi": row.get("share_class_figi"),
        "composite_figi": row.get("composite_figi"),
        "cik": row.get("cik"),
        "snapshot_session": as_of,
    }
