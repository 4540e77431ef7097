"""Polygon's reference data: tickers as of a date, splits and dividends, in pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.faults.dirt import DirtKind
from trading_assets.simulator.market.adjustment import ratio_parts
from trading_assets.simulator.market.protocol import Instrument
from trading_assets.simulator.market.tape import Action, day_of, published_day
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer, parse_day, request_id, whole_number

_BEGINNING, _END = date(1970, 1, 1), date(2100, 1, 1)
_MAX_LIMIT = 1000
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda value, bound: value == bound,
    ".gt": lambda value, bound: value > bound,
    ".gte": lambda value, bound: value >= bound,
    ".lt": lambda value, bound: value < bound,
    ".lte": lambda value, bound: value <= bound,
}
Row = dict[str, Any]
Builder = Callable[[Simulation, Mapping[str, str]], tuple[str, list[Row]]]


def tickers(simulation: Simulation, request: Request) -> Response:
    """Answer /v3/reference/tickers: what was listed (or, active=false, no longer listed) on a date."""
    return _page(simulation, request, _ticker_rows, order="asc", default_limit=100)


def ticker(simulation: Simulation, request: Request) -> Response:
    """Answer /v3/reference/tickers/{ticker}: details as of a date."""
    place = simulation.market.places.get(request.path_params["ticker"])
    day = _as_of(simulation, request.query_params.get("date"))
    item = None if place is None else simulation.market.instruments()[place]
    identifier = request_id(request, simulation.now())
    if item is None or item.listed > day:
        body = {"status": "NOT_FOUND", "request_id": identifier, "message": "Ticker not found."}
        return json_answer(body, 404)
    gone = item.delisted is not None and item.delisted < day
    details = _listing(item, day, gone=gone)
    del details["last_updated_utc"]
    details |= _details(simulation, item, day)
    return json_answer({"results": details, "status": "OK", "request_id": identifier})


def ticker_events(simulation: Simulation, request: Request) -> Response:
    """Answer /vX/reference/tickers/{ticker, CUSIP or FIGI}/events: the tickers that a company had, newest first."""
    market, now = simulation.market, simulation.now()
    today, wanted = now.astimezone(NEW_YORK).date(), request.path_params["identifier"]
    listed = [item for item in market.instruments() if item.listed <= today]
    chosen = [
        item for item in listed if wanted in {item.symbol, _figi(item.company or item.symbol, "composite")}
    ]
    identifier = request_id(request, now)
    if not chosen:
        body = {"status": "NOT_FOUND", "request_id": identifier, "message": "Ticker not found."}
        return json_answer(body, 404)
    company = chosen[0].company or chosen[0].symbol
    names = sorted(
        (item for item in listed if (item.company or item.symbol) == company),
        key=lambda item: item.listed,
        reverse=True,
    )
    events = [
        {"ticker_change": {"ticker": item.symbol}, "type": "ticker_change", "date": item.listed.isoformat()}
        for item in names
    ]
    types = request.query_params.get("types", "ticker_change").split(",")
    results = {
        "name": names[0].name,
        "composite_figi": _figi(company, "composite"),
        "cik": _cik(company),
        "events": events if "ticker_change" in types else [],
    }
    return json_answer({"results": results, "status": "OK", "request_id": identifier})


def splits(simulation: Simulation, request: Request) -> Response:
    """Answer /v3/reference/splits: newest execution date first."""
    return _page(simulation, request, _split_rows, order="desc", default_limit=10)


def dividends(simulation: Simulation, request: Request) -> Response:
    """Answer /v3/reference/dividends: newest ex-date first."""
    return _page(simulation, request, _dividend_rows, order="desc", default_limit=10)


def _ticker_rows(simulation: Simulation, arguments: Mapping[str, str]) -> tuple[str, list[Row]]:
    day = _as_of(simulation, arguments.get("date"))
    active = arguments.get("active", "true").lower() != "false"
    wanted = arguments.get("type")
    search = arguments.get("search", "").lower()
    rows = []
    for item in simulation.market.instruments():
        gone = item.delisted is not None and item.delisted < day
        if item.listed > day or gone == active or (wanted and item.asset_type != wanted):
            continue
        if simulation.dirt.struck("polygon", DirtKind.UNIVERSE_DRIFT, item.symbol):
            continue
        if search and search not in item.symbol.lower() and search not in item.name.lower():
            continue
        rows.append(_listing(item, day, gone=gone))
    return "ticker", [row for row in rows if _matches(row, arguments, "ticker")]


def _split_rows(simulation: Simulation, arguments: Mapping[str, str]) -> tuple[str, list[Row]]:
    rows: list[Row] = []
    for action in _actions(simulation, arguments, "execution_date"):
        if action.kind == "split" and action.split_ratio:
            new, old = ratio_parts(action.split_ratio)
            rows.append(
                {
                    "execution_date": action.ex_date.isoformat(),
                    "split_from": old,
                    "split_to": new,
                    "ticker": action.symbol,
                }
            )
    reverse = arguments.get("reverse_split")
    if reverse is not None:
        rows = [row for row in rows if (row["split_from"] > row["split_to"]) == (reverse.lower() == "true")]
    return "execution_date", [row for row in rows if _matches(row, arguments, "execution_date", "ticker")]


def _dividend_rows(simulation: Simulation, arguments: Mapping[str, str]) -> tuple[str, list[Row]]:
    rows = [
        {
            "cash_amount": action.cash_usd,
            "declaration_date": action.known_at.astimezone(NEW_YORK).date().isoformat(),
            "dividend_type": "CD",
            "ex_dividend_date": action.ex_date.isoformat(),
            "frequency": 4,
            "pay_date": (action.ex_date + timedelta(days=21)).isoformat(),
            "record_date": (action.ex_date + timedelta(days=1)).isoformat(),
            "ticker": action.symbol,
        }
        for action in _actions(simulation, arguments, "ex_dividend_date")
        if action.kind == "cash_dividend"
    ]
    names = ("ex_dividend_date", "declaration_date", "record_date", "pay_date", "cash_amount", "ticker")
    return "ex_dividend_date", [row for row in rows if _matches(row, arguments, *names)]


def _as_of(simulation: Simulation, text: str | None) -> date:
    # nobody knows who will be listed tomorrow
    today = simulation.now().astimezone(NEW_YORK).date()
    return min(parse_day(text or "") or today, today)


def _actions(simulation: Simulation, arguments: Mapping[str, str], name: str) -> list[Action]:
    start, end = _BEGINNING, _END
    if name in arguments:
        start = end = parse_day(arguments[name]) or _END
    for suffix in (".gte", ".gt"):
        start = max(start, parse_day(arguments.get(name + suffix, "")) or start)
    for suffix in (".lte", ".lt"):
        end = min(end, parse_day(arguments.get(name + suffix, "")) or end)
    return simulation.market.actions(start, end, known_at=simulation.now(), symbol=arguments.get("ticker"))


def _listing(item: Instrument, day: date, *, gone: bool) -> Row:
    row: Row = {
        "ticker": item.symbol,
        "name": item.name,
        "market": "stocks",
        "locale": "us",
        "primary_exchange": item.mic,
        "type": item.asset_type,
        "active": not gone,
        "currency_name": "usd",
        **_identity(item.company),
        "last_updated_utc": f"{day.isoformat()}T00:00:00Z",
    }
    if gone and item.delisted is not None:
        row["delisted_utc"] = f"{item.delisted.isoformat()}T00:00:00Z"
    return row


def _details(simulation: Simulation, item: Instrument, day: date) -> Row:
    # facts that this market does not know are absent, as they are at Polygon
    market, now = simulation.market, simulation.now()
    [first, *_] = [*market.tickers_before(item.symbol, now), item.symbol]
    listed = market.instruments()[market.places[first]].listed
    details: Row = {"ticker_root": item.symbol, "list_date": listed.isoformat()}
    if item.sector is not None:
        details |= {
            "phone_number": "(555) 010-0100",
            "address": {
                "address1": "1 MARKET STREET",
                "city": "NEW YORK",
                "state": "NY",
                "postal_code": "10005",
            },
            "description": f"{item.name} is an invented company of the {item.sector} sector ({item.industry}).",
            "sic_code": f"{_number(item.sector, 'sic') % 9000 + 1000}",
            "sic_description": (item.industry or item.sector).upper(),
            "homepage_url": f"https://{item.symbol.lower()}.example.com",
            "total_employees": _number(item.symbol, "employees") % 60_000 + 50,
            "branding": {
                "logo_url": f"https://{item.symbol.lower()}.example.com/logo.svg",
                "icon_url": f"https://{item.symbol.lower()}.example.com/icon.png",
            },
        }
    shares = simulation.market.shares_outstanding(item.symbol, day)
    if shares is not None:
        newest = day_of(min(published_day(simulation.now()), (day - _BEGINNING).days))
        closes = simulation.market.series(
            item.symbol, newest - timedelta(days=14), newest, simulation.now()
        ).close
        if len(closes):
            details["market_cap"] = round(shares * float(closes[-1]))
        details["share_class_shares_outstanding"] = round(shares)
        details["weighted_shares_outstanding"] = round(shares)
    return details


def _matches(row: Row, arguments: Mapping[str, str], *names: str) -> bool:
    for name in names:
        for suffix, compare in _COMPARE.items():
            bound: Any = arguments.get(name + suffix)
            if bound is None or bound == "":
                continue
            if isinstance(row[name], float):
                bound = float(bound)
            if not compare(row[name], bound):
                return False
    return True


def _arguments(request: Request) -> dict[str, str]:
    arguments = dict(request.query_params)
    arguments.pop("apiKey", None)
    cursor = arguments.pop("cursor", None)
    if cursor:
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        arguments |= dict(parse_qsl(text))
    return arguments


def _page(
    simulation: Simulation, request: Request, build: Builder, *, order: str, default_limit: int
) -> Response:
    arguments = _arguments(request)
    begin = whole_number(arguments.pop("page_marker", None), 0, 0, 10**9) or 0
    limit = whole_number(arguments.get("limit"), default_limit, 1, _MAX_LIMIT) or default_limit
    # what is known changes on the minute, never within it
    minute = simulation.now().replace(second=0, microsecond=0)
    query = tuple(sorted({"order": order, **arguments}.items()))
    rows = _sorted_rows(simulation, build, (minute, simulation.dirt.revision), query)
    identifier = request_id(request, simulation.now())
    if rows is None:
        error = f"'sort' cannot be '{arguments['sort']}'."
        return json_answer({"status": "ERROR", "request_id": identifier, "error": error}, 400)
    page = rows[begin : begin + limit]
    body: Row = {"results": page, "status": "OK", "request_id": identifier}
    if build is _ticker_rows:
        body["count"] = len(page)
    if begin + limit < len(rows):
        text = urlencode({**arguments, "page_marker": begin + limit})
        cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        body["next_url"] = f"{request.base_url}{request.url.path[1:]}?cursor={cursor}"
    return json_answer(body)


@lru_cache(maxsize=4)
def _sorted_rows(
    simulation: Simulation, build: Builder, moment: tuple[datetime, int], query: tuple[tuple[str, str], ...]
) -> list[Row] | None:
    # every row of a listing, kept while its pages are fetched; None if it cannot be sorted as asked
    del moment
    arguments = dict(query)
    default, rows = build(simulation, arguments)
    sort = arguments.get("sort", default)
    if rows and sort not in rows[0]:
        return None
    return sorted(rows, key=lambda row: (row[sort], row["ticker"]), reverse=arguments["order"] == "desc")


def _number(text: str, purpose: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{purpose} {text}".encode(), digest_size=6).digest())


def _identity(company: str) -> Row:
    # a recording does not know whose its symbols are
    if not company:
        return {}
    return {
        "cik": _cik(company),
        "composite_figi": _figi(company, "composite"),
        "share_class_figi": _figi(company, "share class"),
    }


def _cik(company: str) -> str:
    return f"{_number(company, 'cik') % 2_000_000:010d}"


def _figi(symbol: str, purpose: str) -> str:
    alphabet, number, letters = "0123456789BCDFGHJKLMNPQRSTVWXYZ", _number(symbol, purpose), ""
    for _ in range(8):
        number, digit = divmod(number, len(alphabet))
        letters += alphabet[digit]
    return f"BBG0{letters}"
