"""Parsing Yahoo's time series of statements, and the dividends and splits of a chart, into rows of company tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from yfinance.const import fundamentals_keys

from resources.raw.responses import RawResponse
from resources.vendors.json_body import parse_json
from resources.vendors.yahoo.answers import only_result, unusable
from resources.vendors.yahoo.company_values import number
from trading_assets.tables.companies import FINANCIAL_STATEMENTS

FREQUENCIES = ("annual", "quarterly")
STATEMENTS: Mapping[str, str] = {
    key: statement
    for statement, group in (
        ("income", "financials"),
        ("balance_sheet", "balance-sheet"),
        ("cash_flow", "cash-flow"),
    )
    for key in fundamentals_keys[group]
}
"""Statement by Yahoo's name of a line; the names are the client's."""
PEG = "trailingPegRatio"
STATEMENT_COLUMNS = ("symbol", *(
    name for name in FINANCIAL_STATEMENTS.columns if name not in {"symbol", "session", "batch_id", "known_at"}
))  # fmt: skip
STATEMENT_SCHEMA = pl.Schema({name: FINANCIAL_STATEMENTS.schema[name] for name in STATEMENT_COLUMNS})
_PER_SHARE = frozenset(
    f"{kind}{part}"
    for kind in ("Basic", "Diluted")
    for part in ("AccountingChange", "ContinuousOperations", "DiscontinuousOperations", "Extraordinary")
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


class Statements(NamedTuple):
    """Statement lines of one symbol; ``peg_ratio`` came along with them."""

    rows: pl.DataFrame
    peg_ratio: float | None
    left_out: Counter[str]


class Events(NamedTuple):
    """Dividends and splits of one symbol."""

    dividends: list[dict[str, Any]]
    splits: list[dict[str, Any]]
    left_out: Counter[str]


@lru_cache(maxsize=2)
def series_types(frequency: str) -> str:
    """Return the list of lines to ask for at one frequency."""
    names = [frequency + key for key in STATEMENTS]
    return ",".join([*names, PEG] if frequency == "annual" else names)


def item_name(key: str) -> str:
    """Return our spelling of a line: total_revenue for TotalRevenue, ebitda for EBITDA."""
    return "_".join(word.lower() for word in _WORD.findall(key))


def item_unit(key: str) -> str:
    """Return the unit of a line."""
    if "EPS" in key or key.endswith("PerShare") or key in _PER_SHARE:
        return "currency per share"
    if key.endswith(("Shares", "SharesNumber", "ShareIssued")):
        return "shares"
    return "fraction" if key == "TaxRateForCalcs" else "currency"


ITEMS: Mapping[str, tuple[str, str, str]] = {
    key: (statement, item_name(key), item_unit(key)) for key, statement in STATEMENTS.items()
}
"""Statement, our spelling and unit by Yahoo's name of a line."""


def parse_statements(response: RawResponse, symbol: str) -> Statements:
    """Parse one answer of the fundamentals time series; no rows if Yahoo lists every line without values.

    Raises
    ------
    VendorDataError
        On a body that is cut short, about another symbol, or with a value that lacks its date, number or currency.
    """
    try:
        envelope = parse_json(response.body)
        series = envelope.get("timeseries") or envelope["finance"]
        error, result = series.get("error"), series["result"]  # a good answer need not name an error
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise unusable("Not a time series, or cut short", response, symbol=symbol) from cause
    if error is not None:
        if response.status == 404 and isinstance(error, Mapping) and error.get("code") == "Not Found":
            return Statements(pl.DataFrame(schema=STATEMENT_SCHEMA), None, Counter())
        raise unusable("The time series reports an error", response, symbol=symbol)
    if response.status != 200 or not isinstance(result, list) or not result:
        raise unusable("No time series in the answer", response, symbol=symbol)
    try:
        return _statements(result, symbol)
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise unusable(
            "A time series lacks a field or has a wrong one",
            response,
            symbol=symbol,
            reason=f"{type(cause).__name__}: {cause}"[:120],
        ) from cause


def _statements(result: Iterable[Mapping[str, Any]], symbol: str) -> Statements:
    left_out: Counter[str] = Counter()
    lines: dict[tuple[str, str, date], tuple[Any, ...]] = {}
    peg: float | None = None
    for series in result:
        (named,), (kind,) = series["meta"]["symbol"], series["meta"]["type"]
        if named not in {symbol, symbol.replace(".", "-")}:
            raise ValueError(f"it is about {named}")
        points = series.get(kind)
        if points is None:
            continue
        if kind == PEG:
            values = [number(point["reportedValue"]["raw"]) for point in points if point]
            peg = values[-1] if values else None
            continue
        frequency = next((name for name in FREQUENCIES if kind.startswith(name)), "")
        item = ITEMS.get(kind.removeprefix(frequency)) if frequency else None
        if item is None:
            left_out[f"unknown statement line {kind}"] += len(points)
            continue
        statement, name, unit = item
        for point in points:
            if point is None:
                left_out["statement line without a value"] += 1
                continue
            value = number(point["reportedValue"]["raw"])
            if value is None:
                left_out["statement line without a value"] += 1
                continue
            period_end = _day(point["asOfDate"])
            key = (frequency, name, period_end)
            if key in lines:
                left_out["statement line twice, the last one is kept"] += 1
            lines[key] = (symbol, statement, frequency, period_end, name, value, unit, point["currencyCode"])
    rows = pl.DataFrame(list(lines.values()), schema=STATEMENT_SCHEMA, orient="row")
    return Statements(rows, peg, left_out)


def parse_events(response: RawResponse, symbol: str) -> Events:
    """Parse the dividends and splits of one chart.

    A dividend is listed in shares of now; ``cash_usd`` undoes the splits after it.

    Raises
    ------
    VendorDataError
        On a body that is cut short, about another symbol, or with an event that is none.
    """
    result = only_result(response, "chart", symbol=symbol, what="chart", answer="chart answer")
    if result is None:
        return Events([], [], Counter())
    try:
        return _events(result, symbol)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, ZeroDivisionError) as cause:
        raise unusable(
            "A chart's events lack a field or have a wrong one",
            response,
            symbol=symbol,
            reason=f"{type(cause).__name__}: {cause}"[:120],
        ) from cause


def _events(chart: Mapping[str, Any], symbol: str) -> Events:
    meta = chart["meta"]
    if meta["symbol"] not in {symbol, symbol.replace(".", "-")}:
        raise ValueError(f"it is about {meta['symbol']}")
    try:
        zone = ZoneInfo(str(meta["exchangeTimezoneName"]))
    except ZoneInfoNotFoundError as cause:
        raise ValueError("no such time zone") from cause
    events = chart.get("events") or {}
    left_out: Counter[str] = Counter()
    for kind in events.keys() - {"dividends", "splits"}:
        left_out[f"unknown event {kind}"] += len(events[kind])
    splits: dict[date, dict[str, Any]] = {}
    for event in sorted((events.get("splits") or {}).values(), key=lambda item: int(item["date"])):
        new, old = float(event["numerator"]), float(event["denominator"])
        if not (new > 0 and old > 0):
            raise ValueError("split ratio")
        ex_date = _exchange_day(event["date"], zone)
        splits[ex_date] = {"ex_date": ex_date, "split_ratio": new / old, "new_shares": new, "old_shares": old}
    dividends: dict[date, dict[str, Any]] = {}
    for event in (events.get("dividends") or {}).values():
        if event.get("currency", meta.get("currency")) != "USD":
            left_out["dividend in another currency than USD"] += 1
            continue
        amount, ex_date = float(event["amount"]), _exchange_day(event["date"], zone)
        ratio = 1.0
        for day, split in splits.items():
            ratio *= split["split_ratio"] if day > ex_date else 1.0
        paid = dividends.setdefault(ex_date, {"ex_date": ex_date, "cash_usd": 0.0, "adjusted_cash_usd": 0.0})
        paid["cash_usd"] = round(paid["cash_usd"] + amount * ratio, 6)
        paid["adjusted_cash_usd"] += amount
    return Events(list(dividends.values()), list(splits.values()), left_out)


@lru_cache(maxsize=1024)
def _day(text: str) -> date:
    return date.fromisoformat(text)


def _exchange_day(seconds: object, zone: ZoneInfo) -> date:
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise TypeError("seconds since 1970")
    return datetime.fromtimestamp(seconds, zone).date()
