"""Yahoo's quote summary: one builder a module of /v10/finance/quoteSummary."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.market.protocol import ASSET_NAMESPACE
from trading_assets.simulator.market.tape import day_number
from trading_assets.simulator.wire import new_york_millis, whole_numbers
from trading_assets.simulator.yahoo.people import (
    esg,
    institutions,
    major_holders,
    officers,
    rating_changes,
    trend,
)
from trading_assets.simulator.yahoo.picture import (
    EXCHANGES,
    Picture,
    draw,
    is_fund,
    last_dividend,
    last_trade_seconds,
    market_state,
    quote_type,
    ratio_of,
    rounded,
    utc_seconds,
    whole,
    without_unknown,
    year_bounds,
)
from trading_assets.simulator.yahoo.spelling import as_yahoo
from trading_assets.simulator.yahoo.statistics import calendar_events, financial_data, key_statistics

SECTORS = {
    "Communication Services": "Communication Services",
    "Consumer Discretionary": "Consumer Cyclical",
    "Consumer Staples": "Consumer Defensive",
    "Energy": "Energy",
    "Financials": "Financial Services",
    "Health Care": "Healthcare",
    "Industrials": "Industrials",
    "Information Technology": "Technology",
    "Materials": "Basic Materials",
    "Real Estate": "Real Estate",
    "Utilities": "Utilities",
}
"""Yahoo's name by GICS sector."""


def _price(seen: Picture) -> dict[str, Any]:
    code, full_name = EXCHANGES[seen.instrument.mic]
    price = rounded(seen.price)
    return {
        "maxAge": 1,
        "preMarketChangePercent": 0.0,
        "preMarketChange": 0.0,
        "preMarketTime": last_trade_seconds(seen),
        "preMarketPrice": price,
        "preMarketSource": "FREE_REALTIME",
        "postMarketChangePercent": 0.0,
        "postMarketChange": 0.0,
        "postMarketTime": last_trade_seconds(seen) + 14_400,
        "postMarketPrice": price,
        "postMarketSource": "FREE_REALTIME",
        "regularMarketChangePercent": rounded(seen.change),
        "regularMarketChange": rounded(seen.price - seen.previous),
        "regularMarketTime": last_trade_seconds(seen),
        "priceHint": 2,
        "regularMarketPrice": price,
        "regularMarketDayHigh": rounded(seen.rows.high[-1]),
        "regularMarketDayLow": rounded(seen.rows.low[-1]),
        "regularMarketVolume": whole_numbers(seen.rows.volume[-1:]).item(),
        "regularMarketPreviousClose": rounded(seen.previous),
        "regularMarketSource": "FREE_REALTIME",
        "regularMarketOpen": rounded(seen.rows.open[-1]),
        "exchange": code,
        "exchangeName": full_name,
        "exchangeDataDelayedBy": 0,
        "marketState": market_state(seen.now),
        "quoteType": quote_type(seen),
        "symbol": as_yahoo(seen.instrument.symbol),
        "underlyingSymbol": None,
        "shortName": seen.instrument.name[:30],
        "longName": seen.instrument.name,
        "currency": "USD",
        "quoteSourceName": "Nasdaq Real Time Price",
        "currencySymbol": "$",
        "fromCurrency": None,
        "toCurrency": None,
        "lastMarket": None,
        "marketCap": whole(seen.capital),
    }


def _summary_detail(seen: Picture) -> dict[str, Any]:
    year_low, year_high = year_bounds(seen)
    accounts, price = seen.accounts, seen.price
    payer: dict[str, Any] = {}
    if seen.dividend:
        payer = {
            "dividendRate": rounded(seen.dividend),
            "dividendYield": ratio_of(seen.dividend, price),
            "exDividendDate": last_dividend(seen)[1],
            "fiveYearAvgDividendYield": rounded(100.0 * seen.dividend / price),
        }
    return {
        "maxAge": 1,
        "priceHint": 2,
        "previousClose": rounded(seen.previous),
        "open": rounded(seen.rows.open[-1]),
        "dayLow": rounded(seen.rows.low[-1]),
        "dayHigh": rounded(seen.rows.high[-1]),
        "regularMarketPreviousClose": rounded(seen.previous),
        "regularMarketOpen": rounded(seen.rows.open[-1]),
        "regularMarketDayLow": rounded(seen.rows.low[-1]),
        "regularMarketDayHigh": rounded(seen.rows.high[-1]),
        **payer,
        "payoutRatio": ratio_of(seen.dividend, accounts.earnings_per_share),
        "beta": rounded(0.6 + draw(seen.instrument.symbol, "beta")),
        "trailingPE": ratio_of(price, accounts.earnings_per_share, positive=True),
        "forwardPE": ratio_of(price, accounts.earnings_per_share * (1.0 + accounts.growth)),
        "volume": whole_numbers(seen.rows.volume[-1:]).item(),
        "regularMarketVolume": whole_numbers(seen.rows.volume[-1:]).item(),
        "averageVolume": round(seen.mean("volume", 63)),
        "averageVolume10days": round(seen.mean("volume", 10)),
        "averageDailyVolume10Day": round(seen.mean("volume", 10)),
        "bid": rounded(price - 0.01),
        "ask": rounded(price + 0.01),
        "bidSize": 2,
        "askSize": 2,
        "marketCap": whole(seen.capital),
        "fiftyTwoWeekLow": rounded(year_low),
        "fiftyTwoWeekHigh": rounded(year_high),
        "priceToSalesTrailing12Months": ratio_of(seen.capital, accounts.sales),
        "fiftyDayAverage": rounded(seen.mean("close", 50)),
        "twoHundredDayAverage": rounded(seen.mean("close", 200)),
        "trailingAnnualDividendRate": rounded(seen.dividend),
        "trailingAnnualDividendYield": ratio_of(seen.dividend, seen.previous),
        "currency": "USD",
        "fromCurrency": None,
        "toCurrency": None,
        "lastMarket": None,
        "coinMarketCapLink": None,
        "algorithm": None,
        "tradeable": False,
    }


def _profile(seen: Picture) -> dict[str, Any]:
    item = seen.instrument
    sector = SECTORS.get(item.sector or "", item.sector)
    if sector is None:
        return {"maxAge": 86400}
    industry = item.industry or sector
    return {
        "address1": "1 Market Street",
        "city": "New York",
        "state": "NY",
        "zip": "10005",
        "country": "United States",
        "phone": "555 010 0100",
        "website": f"https://{item.symbol.lower()}.example.com",
        "industry": industry,
        "industryKey": _key(industry),
        "industryDisp": industry,
        "sector": sector,
        "sectorKey": _key(sector),
        "sectorDisp": sector,
        "longBusinessSummary": f"{item.name} is an invented company of the {sector} sector ({industry}).",
        "fullTimeEmployees": 50 + int(60_000 * draw(item.symbol, "employees")),
        "companyOfficers": [],
        "irWebsite": f"https://{item.symbol.lower()}.example.com/investors",
        "executiveTeam": [],
        "maxAge": 86400,
    }


def _asset_profile(seen: Picture) -> dict[str, Any]:
    if is_fund(seen):
        text = f"{seen.instrument.name} is an invented exchange-traded fund."
        return {
            "phone": "555 010 0100",
            "longBusinessSummary": text,
            "companyOfficers": [],
            "executiveTeam": [],
            "maxAge": 86400,
        }
    profile = _profile(seen)
    if "sector" in profile:
        names = ("auditRisk", "boardRisk", "compensationRisk", "shareHolderRightsRisk", "overallRisk")
        profile["companyOfficers"] = officers(seen)
        profile |= {name: 1 + int(10 * draw(seen.instrument.symbol, name)) for name in names}
        first = seen.now.astimezone(NEW_YORK).date().replace(day=1)
        profile["governanceEpochDate"] = utc_seconds(first)
        profile["compensationAsOfEpochDate"] = utc_seconds(date(first.year - 1, 12, 31))
    return profile


def _quote_type_module(seen: Picture) -> dict[str, Any]:
    item = seen.instrument
    local = seen.now.astimezone(NEW_YORK)
    return {
        "exchange": EXCHANGES[item.mic][0],
        "quoteType": quote_type(seen),
        "symbol": as_yahoo(item.symbol),
        "underlyingSymbol": as_yahoo(item.symbol),
        "shortName": item.name[:30],
        "longName": item.name,
        "firstTradeDateEpochUtc": new_york_millis(day_number(item.listed), 9, 30) // 1000,
        "timeZoneFullName": "America/New_York",
        "timeZoneShortName": local.tzname(),
        "uuid": str(uuid.uuid5(ASSET_NAMESPACE, f"yahoo {item.symbol}")),
        "messageBoardId": f"finmb_{draw(item.symbol, 'board') * 1e8:.0f}",
        "gmtOffSetMilliseconds": int((local.utcoffset() or timedelta(0)).total_seconds()) * 1000,
        "maxAge": 1,
    }


def _companies_only(
    build: Callable[[Picture], dict[str, Any] | None],
) -> Callable[[Picture], dict[str, Any] | None]:
    return lambda seen: None if seen.books is None else build(seen)


def _module(
    build: Callable[[Picture], dict[str, Any] | None],
) -> Callable[[Picture], dict[str, Any] | None]:
    def built(seen: Picture) -> dict[str, Any] | None:
        fields = build(seen)
        return None if fields is None else without_unknown(fields)

    return built


MODULES: Mapping[str, Callable[[Picture], dict[str, Any] | None]] = {
    "price": _module(_price),
    "summaryDetail": _module(_summary_detail),
    "summaryProfile": _module(_profile),
    "assetProfile": _module(_asset_profile),
    "quoteType": _module(_quote_type_module),
    "defaultKeyStatistics": _module(key_statistics),
    "financialData": _module(financial_data),
    "calendarEvents": calendar_events,
    "institutionOwnership": _companies_only(institutions),
    "majorHoldersBreakdown": _companies_only(major_holders),
    "recommendationTrend": _companies_only(lambda seen: {"trend": trend(seen), "maxAge": 86400}),
    "upgradeDowngradeHistory": _companies_only(
        lambda seen: {"history": rating_changes(seen), "maxAge": 86400}
    ),
    "esgScores": esg,
}
"""Builders of quote-summary modules by name; None where Yahoo has no such module of the instrument."""


def _key(text: str) -> str:
    return text.lower().replace(" & ", "-").replace(" ", "-")
