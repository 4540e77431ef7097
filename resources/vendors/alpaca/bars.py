"""Alpaca's bars endpoint: many symbols a request, page by page; daily bars of one page [symbol, session]."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl
from alpaca.data.historical.stock import StockHistoricalDataClient

from resources.raw.responses import RawResponse
from resources.raw.store import PackedResponse, pack
from resources.vendors.alpaca.answers import unusable
from resources.vendors.alpaca.pages import group_of, pages
from resources.vendors.bars import field_without_figures, figures
from resources.vendors.http.fan_out import in_order
from resources.vendors.http.policy import HttpGate
from resources.vendors.protocol import Progress
from trading_assets.errors import VendorRefusedError
from trading_assets.sessions import NEW_YORK

BARS_PER_PAGE = 10_000
LONGEST_SYMBOL_LIST = 7000
"""Characters of the encoded symbol list: URLs stay below the 8 KB that proxies take."""
_NUMBERS = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
_INVALID_SYMBOL = re.compile(r"invalid symbol: ([A-Za-z0-9./-]+)")

PageBars = Mapping[str, list[dict[str, Any]]]
ParsePage = Callable[[PageBars, RawResponse], pl.DataFrame]


def fetch_bars(
    client: StockHistoricalDataClient,
    symbols: Sequence[str],
    params: Mapping[str, Any],
    parse: ParsePage,
    *,
    now: datetime,
    gate: HttpGate,
    workers: int,
    progress: Progress | None = None,
    pages_expected: int = 1,
) -> tuple[list[pl.DataFrame], list[PackedResponse]]:
    """Fetch all pages of all symbols; one parsed frame a page, and the responses.

    Pages of one request come one after the other; where many are expected, the symbols are cut into as many requests
    as there are workers. A symbol that Alpaca refuses is left out, and the rest asked for again.
    """

    def fetch(batch: list[str]) -> tuple[list[pl.DataFrame], list[PackedResponse]]:
        wanted = list(batch)
        while wanted:
            query = {**params, "symbols": ",".join(wanted)}
            try:
                return _all_pages(client, wanted, query, parse, now=now, gate=gate)
            except VendorRefusedError as error:
                # one unknown name refuses the whole request: ask again without it
                named = _INVALID_SYMBOL.search(str(error.facts.get("excerpt", "")))
                if error.facts.get("status") != 400 or not named or named[1] not in wanted:
                    raise
                wanted.remove(named[1])
        return [], []

    requests = max(1, min(workers, pages_expected))
    batches = list(symbol_batches(symbols, most=-(-len(symbols) // requests)))
    frames: list[pl.DataFrame] = []
    packed: list[PackedResponse] = []
    done = 0
    for batch, (parsed, kept) in zip(batches, in_order(fetch, batches, workers=workers), strict=True):
        frames += parsed
        packed += kept
        done += len(batch)
        if progress:
            progress(done, len(symbols))
    return frames, packed


def _all_pages(
    client: StockHistoricalDataClient,
    wanted: list[str],
    query: Mapping[str, Any],
    parse: ParsePage,
    *,
    now: datetime,
    gate: HttpGate,
) -> tuple[list[pl.DataFrame], list[PackedResponse]]:
    frames, packed = [], []
    for body, response in pages(client, "/stocks/bars", query, now=now, gate=gate):
        bars = group_of(body, "bars", response)
        if not bars.keys() <= set(wanted):
            raise unusable("Bars of a symbol that was not asked for", response)
        frames.append(parse(bars, response))
        packed.append(pack(response))
    return frames, packed


def symbol_batches(symbols: Sequence[str], *, most: int | None = None) -> Iterator[list[str]]:
    """Cut ``symbols`` into lists that fit into one URL each, of ``most`` symbols at most."""
    batch: list[str] = []
    length = 0
    for symbol in symbols:
        added = len(quote(symbol, safe="")) + 3  # and the encoded comma
        if batch and (length + added > LONGEST_SYMBOL_LIST or len(batch) == most):
            yield batch
            batch, length = [], 0
        batch.append(symbol)
        length += added
    if batch:
        yield batch


def parse_daily(bars: PageBars, response: RawResponse) -> pl.DataFrame:
    """Parse the daily bars of one page. The session is the New York date of ``t``, which is midnight there.

    Raises
    ------
    VendorDataError
        If a bar lacks a field or has one of a wrong type.
    """
    return parse_bars(bars, response, _sessions)


def parse_bars(
    bars: PageBars, response: RawResponse, times: Callable[[list[str]], pl.Series]
) -> pl.DataFrame:
    """Parse the bars of one page; ``times`` makes the time column, named as it will be, out of the texts in ``t``.

    A price or volume that is missing, null or no finite number is null.

    Raises
    ------
    VendorDataError
        If a bar lacks its time, or most bars lack a field.
    """
    try:
        rows = [row for items in bars.values() for row in items]
        stamped = times(list(map(itemgetter("t"), rows)))
        names = pl.Series(list(bars), dtype=pl.String)
        lengths = [len(items) for items in bars.values()]
        positions = pl.Series(np.repeat(np.arange(len(bars)), lengths))
        frame = pl.DataFrame(
            {
                "symbol": names.gather(positions),
                stamped.name: stamped,
                **{name: figures([row.get(key) for row in rows]) for name, key in _NUMBERS.items()},
                "vwap": figures([row.get("vw") for row in rows]),
                "trade_count": figures([row.get("n") for row in rows], pl.Int64),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        raise unusable(
            "A bar lacks a field or has a wrong one", response, reason=type(error).__name__
        ) from error
    if missing := field_without_figures(frame, _NUMBERS):
        raise unusable("Most bars lack a field", response, field=missing)
    return frame


def moments(stamps: list[str]) -> dict[str, datetime]:
    """Return the instants behind the distinct texts of a page: there are few, and parsing one takes as long as a bar."""
    return {stamp: datetime.fromisoformat(stamp) for stamp in set(stamps)}


def _sessions(stamps: list[str]) -> pl.Series:
    days = {stamp: moment.astimezone(NEW_YORK).date() for stamp, moment in moments(stamps).items()}
    return pl.Series("session", [days[stamp] for stamp in stamps], dtype=pl.Date)
