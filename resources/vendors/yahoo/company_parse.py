"""Parsing Yahoo's quote summaries and quotes: one answer into rows of the company tables, by table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from resources.raw.responses import RawResponse
from resources.vendors.json_body import parse_json
from resources.vendors.yahoo import company_fields as fields
from resources.vendors.yahoo.answers import only_result, unusable
from resources.vendors.yahoo.company_fields import Fields
from resources.vendors.yahoo.company_values import Reader, instant, plain
from trading_assets.errors import VendorDataError
from trading_assets.sessions import NEW_YORK

MODULES = (
    "assetProfile",
    "quoteType",
    "summaryDetail",
    "defaultKeyStatistics",
    "financialData",
    "calendarEvents",
    "majorHoldersBreakdown",
    "institutionOwnership",
    "recommendationTrend",
    "upgradeDowngradeHistory",
    "esgScores",
)
"""Modules of one quote summary that the company tables are made from."""
STATISTICS = (
    "summaryDetail",
    "defaultKeyStatistics",
    "financialData",
    "calendarEvents",
    "majorHoldersBreakdown",
)
"""Those of them that key statistics are made from."""
RATING_DAYS = 370
QUOTELESS = "NONE"
"""Kind of a symbol that Yahoo remembers and no longer quotes."""
Row = dict[str, Any]


@dataclass
class Answers:
    """Rows by table, what the vendor has nothing for, and what was left out, of one or many symbols."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    empty: dict[str, list[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    def put(self, table: str, symbol: str, rows: Sequence[Row]) -> None:
        """Add a symbol's rows of one table; none means that the vendor has none."""
        if rows:
            self.rows.setdefault(table, []).extend({"symbol": symbol, **row} for row in rows)
        else:
            self.empty.setdefault(table, []).append(symbol)


def parse_summary(response: RawResponse, symbol: str, session: date) -> Answers:
    """Parse one quote summary; what it has no module for is named as empty.

    Raises
    ------
    VendorDataError
        On a body that is cut short, about another symbol, or that holds a value of another kind than the field has.
    """
    modules = _summary_modules(response, symbol)
    answers = Answers()
    try:
        _check_symbol(modules, symbol)
        reader = _reader(modules)
        known_modules = (*MODULES, "summaryProfile", "price")
        for name in modules.keys() - set(known_modules):
            reader.left_out[f"unknown module {name}"] += 1
        answers.put("company_info", symbol, _info(modules, reader))
        answers.put("key_statistics", symbol, _statistics(modules, reader))
        answers.put("institutional_holders", symbol, _holders(modules, reader))
        answers.put("officers", symbol, _officers(modules, reader))
        answers.put("analyst_recommendations", symbol, _recommendations(modules, reader))
        answers.put("analyst_rating_changes", symbol, _rating_changes(modules, reader, session))
        answers.put("esg_scores", symbol, _esg(modules, reader))
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise _unusable("A quote summary", cause, response, symbol) from cause
    answers.left_out.update(reader.left_out)
    return answers


def parse_quotes(response: RawResponse, symbols: Mapping[str, str]) -> Answers:
    """Parse quotes of several symbols; ``symbols`` maps the vendor's spelling to ours."""
    try:
        envelope = parse_json(response.body)["quoteResponse"]
        error, result = envelope["error"], envelope["result"]
    except (ValueError, KeyError, TypeError) as cause:
        raise unusable("Not quotes, or cut short", response) from cause
    if error is not None or response.status != 200 or not isinstance(result, list):
        raise unusable("The quotes answer reports an error", response)
    answers = Answers()
    seen: dict[str, list[Row]] = {}
    for item in result:
        name = str(item.get("symbol")) if isinstance(item, Mapping) else ""
        symbol = symbols.get(name)
        if symbol is None or symbol in seen:
            raise unusable("A quote that was not asked for, or twice", response, symbol=name)
        try:
            seen[symbol] = _quote(item, answers.left_out)
        except (ValueError, KeyError, TypeError) as cause:
            raise _unusable("A quote", cause, response, symbol) from cause
    for symbol in symbols.values():
        answers.put("market_data", symbol, seen.get(symbol, []))
    return answers


def _summary_modules(response: RawResponse, symbol: str) -> Mapping[str, Any]:
    what = "quote summary"
    return only_result(response, "quoteSummary", symbol=symbol, what=what, answer=what) or {}


def _unusable(what: str, cause: Exception, response: RawResponse, symbol: str) -> VendorDataError:
    return unusable(
        f"{what} lacks a field or has a wrong one", response, symbol=symbol, reason=str(cause)[:120]
    )


def _check_symbol(modules: Mapping[str, Any], symbol: str) -> None:
    named = (modules.get("quoteType") or {}).get("symbol")
    if named is not None and named not in {symbol, symbol.replace(".", "-")}:
        raise ValueError(f"it is about {named}")


def _reader(modules: Mapping[str, Any]) -> Reader:
    zone = (modules.get("quoteType") or {}).get("timeZoneFullName")
    try:
        exchange_zone = ZoneInfo(zone) if zone else NEW_YORK
    except (ZoneInfoNotFoundError, ValueError) as cause:
        raise ValueError(f"no such time zone: {zone}") from cause
    prices = (modules.get("summaryDetail") or {}).get("currency")
    return Reader(
        exchange_zone, prices, (modules.get("financialData") or {}).get("financialCurrency") or prices
    )


def _module(modules: Mapping[str, Any], name: str, which: Fields, reader: Reader, *more: Fields) -> Row:
    values = modules.get(name)
    if values is None:
        return {}
    everything = dict(which)
    for also in more:
        everything |= also
    return reader.row(values, everything, name)


def _info(modules: Mapping[str, Any], reader: Reader) -> list[Row]:
    if not modules.get("quoteType") and not modules.get("assetProfile"):
        return []
    row = _module(modules, "assetProfile", fields.PROFILE, reader)
    second = reader.read(
        (modules.get("assetProfile") or {}).get("address2"), fields.Field("address", "text"), "address2"
    )
    if second:
        row["address"] = f"{row['address']}, {second}" if row.get("address") else second
    row |= _module(modules, "quoteType", fields.QUOTE_TYPE, reader)
    statistics = modules.get("defaultKeyStatistics") or {}
    row |= {
        what.column: reader.read(statistics.get(name), what, name) for name, what in fields.FUND_FACTS.items()
    }
    row["currency"] = reader.price_currency
    row["reporting_currency"] = (modules.get("financialData") or {}).get("financialCurrency")
    return [row]


def _statistics(modules: Mapping[str, Any], reader: Reader) -> list[Row]:
    if not any(modules.get(name) for name in STATISTICS):
        return []
    row = _module(modules, "summaryDetail", fields.SUMMARY_DETAIL, reader)
    row |= _module(modules, "defaultKeyStatistics", fields.KEY_STATISTICS, reader)
    row |= _module(modules, "financialData", fields.FINANCIAL_DATA, reader)
    row |= _module(modules, "calendarEvents", fields.CALENDAR, reader)
    earnings = (modules.get("calendarEvents") or {}).get("earnings")
    if earnings:
        row |= reader.row(earnings, fields.EARNINGS, "calendarEvents.earnings")
        days = earnings.get("earningsDate") or []
        row["next_earnings_at"] = instant(plain(days[0])) if days else None
    row |= _module(modules, "majorHoldersBreakdown", fields.MAJOR_HOLDERS, reader)
    return [row]


def _listed(modules: Mapping[str, Any], module: str, name: str) -> list[Any]:
    values = modules.get(module)
    if values is None:
        return []
    listed = values[name]
    if not isinstance(listed, list):
        raise TypeError(f"{module}.{name} is not a list")
    return listed


def _holders(modules: Mapping[str, Any], reader: Reader) -> list[Row]:
    listed = _listed(modules, "institutionOwnership", "ownershipList")
    rows = [reader.row(item, fields.HOLDER, "institutionOwnership") for item in listed]
    return [{"rank": rank, **row} for rank, row in enumerate(rows, start=1)]


def _officers(modules: Mapping[str, Any], reader: Reader) -> list[Row]:
    profile = modules.get("assetProfile") or {}
    listed = profile.get("companyOfficers") or []
    rows = [reader.row(item, fields.OFFICER, "companyOfficers") for item in listed]
    currency = (modules.get("financialData") or {}).get("financialCurrency")
    return [{"rank": rank, **row, "reporting_currency": currency} for rank, row in enumerate(rows, start=1)]


def _recommendations(modules: Mapping[str, Any], reader: Reader) -> list[Row]:
    rows = []
    for item in _listed(modules, "recommendationTrend", "trend"):
        period = str(item["period"])
        if not period.endswith("m"):
            reader.left_out[f"unknown period of recommendations {period}"] += 1
            continue
        row = reader.row(item, fields.RECOMMENDATION, "recommendationTrend")
        rows.append({"months_ago": abs(int(period[:-1])), **row})
    return rows


def _rating_changes(modules: Mapping[str, Any], reader: Reader, session: date) -> list[Row]:
    since = datetime.combine(session - timedelta(days=RATING_DAYS), time(), UTC)
    rows: dict[tuple[datetime, str], Row] = {}
    for item in _listed(modules, "upgradeDowngradeHistory", "history"):
        graded_at = instant(plain(item["epochGradeDate"]))
        if graded_at < since:
            reader.left_out["rating older than a year"] += 1
            continue
        row = reader.row(item, fields.RATING_CHANGE, "upgradeDowngradeHistory")
        if (graded_at, row["firm"]) in rows or row["firm"] is None:
            reader.left_out["rating without a firm, or twice"] += 1
            continue
        rows[graded_at, row["firm"]] = row
    return list(rows.values())


def _esg(modules: Mapping[str, Any], reader: Reader) -> list[Row]:
    scores = modules.get("esgScores")
    if not scores or "totalEsg" not in scores:
        return []
    row = reader.row(scores, fields.ESG, "esgScores")
    peers = scores.get("peerEsgScorePerformance")
    return [row | (reader.row(peers, fields.ESG_PEERS, "esgScores.peers") if peers else {})]


def _quote(item: Mapping[str, Any], left_out: Counter[str]) -> list[Row]:
    if item.get("quoteType") == QUOTELESS:
        return []
    zone = item.get("exchangeTimezoneName")
    prices = item.get("currency")
    reader = Reader(
        ZoneInfo(str(zone)) if zone else NEW_YORK, prices, item.get("financialCurrency") or prices, left_out
    )
    return [reader.row(item, fields.QUOTE, "quote")]
