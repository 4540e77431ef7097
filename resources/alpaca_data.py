"""Alpaca: daily bars [symbol, session], corporate actions and asset flags, through alpaca-py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from resources.clock import Clock
from resources.fan_out import in_order
from resources.http import HttpGate
from resources.raw_store import PackedResponse, PackedResponses, pack
from resources.transports import attach
from resources.vendor_actions import ACTION_SCHEMA, finish_actions
from resources.vendor_bars import finish_bars, new_york_midnight, require_closed, start_of_range
from resources.vendor_listings import FLAG_COLUMNS, LISTING_SCHEMA, finish_listings
from resources.vendors import Fetched, Progress, RawResponse
from trading_assets.errors import VendorRefusedError
from trading_assets.sessions import NEW_YORK, session_close
from trading_assets.settings import SourceName

BARS_PER_PAGE = 10_000
ACTIONS_PER_PAGE = 1000
LONGEST_SYMBOL_LIST = 7000
"""Characters of the encoded symbol list: URLs stay below the 8 KB that proxies take."""
PROCESS_LAG = timedelta(days=60)
_NUMBERS = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
_INVALID_SYMBOL = re.compile(r"invalid symbol: ([A-Za-z0-9./-]+)")


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

        def fetch(batch: list[str]) -> tuple[list[pl.DataFrame], list[PackedResponse]]:
            return self._bar_pages(batch, params, now)

        batches = list(symbol_batches(symbols))
        frames, packed, done = [], [], 0
        for batch, (pages, kept) in zip(
            batches, in_order(fetch, batches, workers=self._workers), strict=True
        ):
            frames += pages
            packed += kept
            done += len(batch)
            if progress:
                progress(done, len(symbols))
        frame = finish_bars(frames, sessions)
        present = set(frame.get_column("symbol").unique())
        empty = tuple(symbol for symbol in symbols if symbol not in present)
        return Fetched(frame, PackedResponses(packed), empty)

    def corporate_actions(self, start: date, end: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch splits, dividends, spin-offs, symbol changes and removals with ex-dates from ``start`` to ``end``.

        Alpaca does not say which of its dates the interval means; its order is by process date, which for
        dividends is weeks after the ex-date. The interval asked for is therefore wider, and cut here.
        """
        params: dict[str, Any] = {
            "start": (start - timedelta(days=7)).isoformat(),
            "end": (end + PROCESS_LAG).isoformat(),
            "limit": ACTIONS_PER_PAGE,
            "sort": "asc",
        }
        rows: list[dict[str, Any]] = []
        left_out: dict[str, int] = {}
        packed: list[PackedResponse] = []
        for body, response in self._paged(self._actions, "/corporate-actions", params, self._clock.now()):
            groups = self._field(body, "corporate_actions", response)
            try:
                for kind, items in groups.items():
                    known = _ACTIONS.get(kind)
                    if known:
                        rows += [{"source": "alpaca", **known(item)} for item in items]
                    elif items:
                        left_out[kind] = left_out.get(kind, 0) + len(items)
            except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
                raise self._gate.data_error(
                    "A corporate action lacks a field or has a wrong one",
                    response,
                    reason=type(error).__name__,
                ) from error
            packed.append(pack(response))
        if progress:
            progress(1, 1)
        frame = finish_actions(pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row"), start, end)
        return Fetched(frame, PackedResponses(packed), left_out=left_out)

    def _bar_pages(
        self, batch: list[str], params: Mapping[str, Any], now: datetime
    ) -> tuple[list[pl.DataFrame], list[PackedResponse]]:
        wanted = list(batch)
        while wanted:
            query = {**params, "symbols": ",".join(wanted)}
            frames, packed = [], []
            try:
                for body, response in self._paged(self._bars, "/stocks/bars", query, now):
                    bars = self._field(body, "bars", response)
                    if not bars.keys() <= set(wanted):
                        raise self._gate.data_error("Bars of a symbol that was not asked for", response)
                    frames.append(parse_bars(bars, response, self._gate))
                    packed.append(pack(response))
            except VendorRefusedError as error:
                # one unknown name refuses the whole request: ask again without it
                named = _INVALID_SYMBOL.search(str(error.facts.get("excerpt", "")))
                if error.facts.get("status") != 400 or not named or named[1] not in wanted:
                    raise
                wanted.remove(named[1])
                continue
            return frames, packed
        return [], []

    def _paged(
        self,
        client: StockHistoricalDataClient | CorporateActionsClient,
        path: str,
        params: Mapping[str, Any],
        now: datetime,
    ) -> Iterator[tuple[dict[str, Any], RawResponse]]:
        # page by page through the client's own get: its pager keeps everything, and follows a circle for ever
        token, seen = None, set()
        while True:
            with self._gate.capture(now) as kept:
                try:
                    body = client.get(path, {**params, "page_token": token} if token else dict(params))
                except ValueError as error:
                    raise self._gate.data_error("Not JSON, or cut short", kept[-1]) from error
            if not isinstance(body, dict) or "next_page_token" not in body:
                raise self._gate.data_error("Not a page of an answer", kept[-1])
            yield body, kept[-1]
            token = body["next_page_token"]
            if not token:
                return
            if token in seen:
                raise self._gate.data_error("Pages go round in a circle", kept[-1])
            seen.add(token)

    def _field(self, body: Mapping[str, Any], name: str, response: RawResponse) -> dict[str, Any]:
        if name not in body or not isinstance(body[name], dict | None):
            raise self._gate.data_error(f"No {name} in the answer", response)
        return body[name] or {}


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
                raise self._gate.data_error("Not JSON, or cut short", kept[-1]) from error
        try:
            frame = pl.DataFrame(
                [_asset_row(asset, as_of) for asset in assets], schema=LISTING_SCHEMA, orient="row"
            )
        except (KeyError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
            raise self._gate.data_error(
                "An asset lacks a field or has a wrong one", kept[-1], reason=type(error).__name__
            ) from error
        if frame.is_empty():
            raise self._gate.data_error("The broker lists no assets at all", kept[-1])
        if progress:
            progress(1, 1)
        return Fetched(finish_listings(frame), PackedResponses([pack(response) for response in kept]))


def symbol_batches(symbols: Sequence[str]) -> Iterator[list[str]]:
    """Cut ``symbols`` into lists that fit into one URL each."""
    batch: list[str] = []
    length = 0
    for symbol in symbols:
        added = len(quote(symbol, safe="")) + 3  # and the encoded comma
        if batch and length + added > LONGEST_SYMBOL_LIST:
            yield batch
            batch, length = [], 0
        batch.append(symbol)
        length += added
    if batch:
        yield batch


def parse_bars(
    bars: Mapping[str, list[dict[str, Any]]], response: RawResponse, gate: HttpGate
) -> pl.DataFrame:
    """Parse the bars of one page. The session is the New York date of ``t``, which is midnight there.

    Raises
    ------
    VendorDataError
        If a bar lacks a field or has one of a wrong type.
    """
    try:
        rows = [row for items in bars.values() for row in items]
        stamps = list(map(itemgetter("t"), rows))
        sessions = {stamp: datetime.fromisoformat(stamp).astimezone(NEW_YORK).date() for stamp in set(stamps)}
        names = pl.Series(list(bars), dtype=pl.String)
        lengths = [len(items) for items in bars.values()]
        positions = pl.Series(np.repeat(np.arange(len(bars)), lengths))
        frame = pl.DataFrame(
            {
                "symbol": names.gather(positions),
                "session": pl.Series([sessions[stamp] for stamp in stamps], dtype=pl.Date),
                **{
                    name: pl.Series(list(map(itemgetter(key), rows)), dtype=pl.Float64)
                    for name, key in _NUMBERS.items()
                },
                "vwap": pl.Series([row.get("vw") for row in rows], dtype=pl.Float64),
                "trade_count": pl.Series([row.get("n") for row in rows], dtype=pl.Int64),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        raise gate.data_error(
            "A bar lacks a field or has a wrong one", response, reason=type(error).__name__
        ) from error
    if sum(frame.select(*_NUMBERS).null_count().row(0)):
        raise gate.data_error("A bar has a null price or volume", response)
    return frame


def _asset_row(asset: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    flags = dict(zip(FLAG_COLUMNS, ("tradable", "shortable", "easy_to_borrow", "fractionable"), strict=True))
    return {
        "symbol": asset["symbol"],
        "session": as_of,
        "name": asset.get("name"),
        "exchange": asset.get("exchange"),
        "status": "active" if asset["status"] == "active" else "delisted",
        "snapshot_session": as_of,
        **{column: bool(asset[key]) for column, key in flags.items()},
    }


def _split(item: Mapping[str, Any]) -> dict[str, Any]:
    ratio = float(item["new_rate"]) / float(item["old_rate"])
    return {"symbol": item["symbol"], "ex_date": _day(item["ex_date"]), "kind": "split", "split_ratio": ratio}


def _unit_split(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "symbol": item["old_symbol"],
        "ex_date": _day(item["effective_date"]),
        "kind": "symbol_change",
        "new_symbol": item["new_symbol"],
    }


def _stock_dividend(item: Mapping[str, Any]) -> dict[str, Any]:
    ratio = 1 + float(item["rate"])
    return {"symbol": item["symbol"], "ex_date": _day(item["ex_date"]), "kind": "split", "split_ratio": ratio}


def _cash_dividend(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "symbol": item["symbol"],
        "ex_date": _day(item["ex_date"]),
        "kind": "cash_dividend",
        "cash_usd": float(item["rate"]),
        "detail": f"{item.get('special')} {item.get('id')}",
    }


def _spin_off(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "symbol": item["source_symbol"],
        "ex_date": _day(item["ex_date"]),
        "kind": "spin_off",
        "new_symbol": item["new_symbol"],
    }


def _name_change(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "symbol": item["old_symbol"],
        "ex_date": _day(item["process_date"]),
        "kind": "symbol_change",
        "new_symbol": item["new_symbol"],
    }


def _merger(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "symbol": item["acquiree_symbol"],
        "ex_date": _day(item["effective_date"]),
        "kind": "delisting",
        "new_symbol": item.get("acquirer_symbol"),
    }


def _removal(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"symbol": item["symbol"], "ex_date": _day(item["process_date"]), "kind": "delisting"}


def _day(text: str) -> date:
    return date.fromisoformat(text)


_ACTIONS = {
    "forward_splits": _split,
    "reverse_splits": _split,
    "unit_splits": _unit_split,
    "stock_dividends": _stock_dividend,
    "cash_dividends": _cash_dividend,
    "spin_offs": _spin_off,
    "name_changes": _name_change,
    "cash_mergers": _merger,
    "stock_mergers": _merger,
    "stock_and_cash_mergers": _merger,
    "worthless_removals": _removal,
    "redemptions": _removal,
}
