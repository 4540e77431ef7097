"""Yahoo's quote summary: one builder a module of /v10/finance/quoteSummary."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.adjustment import ratio_parts
from trading_assets.simulator.market import ASSET_NAMESPACE
from trading_assets.simulator.tape import day_number
from trading_assets.simulator.wire import new_york_millis
from trading_assets.simulator.yahoo_picture import (
    EXCHANGES,
    Picture,
    draw,
    last_dividend,
    last_trade_seconds,
    market_state,
    quote_type,
    rating,
    ratio_of,
    rounded,
    utc_seconds,
    whole,
    without_unknown,
    year_bounds,
    year_change,
)

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
        "regularMarketVolume": int(seen.rows.volume[-1]),
        "regularMarketPreviousClose": rounded(seen.previous),
        "regularMarketSource": "FREE_REALTIME",
        "regularMarketOpen": rounded(seen.rows.open[-1]),
        "exchange": code,
        "exchangeName": full_name,
        "exchangeDataDelayedBy": 0,
        "marketState": market_state(seen.now),
        "quoteType": quote_type(seen),
        "symbol": seen.instrument.symbol,
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
        "volume": int(seen.rows.volume[-1]),
        "regularMarketVolume": int(seen.rows.volume[-1]),
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
    profile = _profile(seen)
    if "sector" in profile:
        names = ("auditRisk", "boardRisk", "compensationRisk", "shareHolderRightsRisk", "overallRisk")
        titles = ("Chief Executive Officer", "CFO")
        profile["companyOfficers"] = [_officer(seen.instrument.symbol, title) for title in titles]
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
        "symbol": item.symbol,
        "underlyingSymbol": item.symbol,
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


def _key_statistics(seen: Picture) -> dict[str, Any]:
    accounts, symbol = seen.accounts, seen.instrument.symbol
    short = accounts.shares * 0.03 * draw(symbol, "short")
    month = seen.now.astimezone(NEW_YORK).date().replace(day=1)
    value = seen.capital + accounts.debt - accounts.cash
    split = next((action for action in reversed(seen.actions) if action.split_ratio), None)
    cash, when = last_dividend(seen)
    return {
        "maxAge": 1,
        "priceHint": 2,
        "enterpriseValue": whole(value),
        "forwardPE": ratio_of(seen.price, accounts.earnings_per_share * (1.0 + accounts.growth)),
        "profitMargins": rounded(accounts.margin),
        "floatShares": whole(accounts.shares * 0.93),
        "sharesOutstanding": whole(accounts.shares),
        "sharesShort": whole(short),
        "sharesShortPriorMonth": whole(short * 0.96),
        "sharesShortPreviousMonthDate": utc_seconds(month - timedelta(days=15)),
        "dateShortInterest": utc_seconds(month),
        "sharesPercentSharesOut": ratio_of(short, accounts.shares),
        "heldPercentInsiders": 0.07,
        "heldPercentInstitutions": rounded(0.4 + 0.4 * draw(symbol, "institutions")),
        "shortRatio": ratio_of(short, seen.mean("volume", 63)),
        "shortPercentOfFloat": ratio_of(short, accounts.shares * 0.93),
        "beta": rounded(0.6 + draw(symbol, "beta")),
        "impliedSharesOutstanding": whole(accounts.shares),
        "category": None,
        "bookValue": rounded(accounts.book_per_share),
        "priceToBook": ratio_of(seen.price, accounts.book_per_share),
        "fundFamily": None,
        "legalType": None,
        "lastFiscalYearEnd": utc_seconds(date(month.year - 1, 12, 31)),
        "nextFiscalYearEnd": utc_seconds(date(month.year, 12, 31)),
        "mostRecentQuarter": utc_seconds(date(month.year - 1, 12, 31)),
        "earningsQuarterlyGrowth": rounded(accounts.growth),
        "netIncomeToCommon": whole(accounts.sales * accounts.margin),
        "trailingEps": rounded(accounts.earnings_per_share),
        "forwardEps": rounded(accounts.earnings_per_share * (1.0 + accounts.growth)),
        "lastSplitFactor": None if split is None else "{}:{}".format(*ratio_parts(split.split_ratio or 1.0)),
        **({} if split is None else {"lastSplitDate": utc_seconds(split.ex_date)}),
        "enterpriseToRevenue": ratio_of(value, accounts.sales),
        "enterpriseToEbitda": ratio_of(value, accounts.sales * (accounts.margin + 0.1)),
        "52WeekChange": rounded(year_change(seen)),
        "SandP52WeekChange": rounded(seen.market_year),
        **({"lastDividendValue": cash, "lastDividendDate": when} if cash else {}),
        "latestShareClass": None,
        "leadInvestor": None,
    }


def _financial_data(seen: Picture) -> dict[str, Any]:
    accounts, price = seen.accounts, seen.price
    score, key, _ = rating(seen)
    equity = accounts.book_per_share * accounts.shares
    income = accounts.sales * accounts.margin
    return {
        "maxAge": 86400,
        "currentPrice": rounded(price),
        "targetHighPrice": rounded(price * 1.4),
        "targetLowPrice": rounded(price * 0.8),
        "targetMeanPrice": rounded(price * 1.1),
        "targetMedianPrice": rounded(price * 1.1),
        "recommendationMean": score,
        "recommendationKey": key,
        "numberOfAnalystOpinions": 3 + int(30 * draw(seen.instrument.symbol, "analysts")),
        "totalCash": whole(accounts.cash),
        "totalCashPerShare": ratio_of(accounts.cash, accounts.shares),
        "ebitda": whole(accounts.sales * (accounts.margin + 0.1)),
        "totalDebt": whole(accounts.debt),
        "quickRatio": 0.9,
        "currentRatio": 1.2,
        "totalRevenue": whole(accounts.sales),
        "debtToEquity": rounded(100.0 * accounts.debt / equity),
        "revenuePerShare": ratio_of(accounts.sales, accounts.shares),
        "returnOnAssets": rounded(income / (equity + accounts.debt)),
        "returnOnEquity": rounded(income / equity),
        "grossProfits": whole(accounts.sales * 0.4),
        "freeCashflow": whole(income * 0.8),
        "operatingCashflow": whole(income * 1.2),
        "earningsGrowth": rounded(accounts.growth),
        "revenueGrowth": rounded(accounts.growth * 0.7),
        "grossMargins": 0.4,
        "ebitdaMargins": rounded(accounts.margin + 0.1),
        "operatingMargins": rounded(accounts.margin + 0.05),
        "profitMargins": rounded(accounts.margin),
        "financialCurrency": "USD",
    }


def _module(build: Callable[[Picture], dict[str, Any]]) -> Callable[[Picture], dict[str, Any]]:
    return lambda seen: without_unknown(build(seen))


MODULES: Mapping[str, Callable[[Picture], dict[str, Any]]] = {
    "price": _module(_price),
    "summaryDetail": _module(_summary_detail),
    "summaryProfile": _module(_profile),
    "assetProfile": _module(_asset_profile),
    "quoteType": _module(_quote_type_module),
    "defaultKeyStatistics": _module(_key_statistics),
    "financialData": _module(_financial_data),
}
"""Builders of quote-summary modules by name."""


def _key(text: str) -> str:
    return text.lower().replace(" & ", "-").replace(" ", "-")


def _officer(symbol: str, title: str) -> dict[str, Any]:
    born = 1955 + int(30 * draw(symbol, title))
    return {
        "maxAge": 1,
        "name": f"{'Ms.' if born % 2 else 'Mr.'} {symbol.title()} {title.split(maxsplit=1)[0].title()}",
        "age": 2025 - born,
        "title": title,
        "yearBorn": born,
        "fiscalYear": 2024,
        "totalPay": {"raw": 1_500_000, "fmt": "1.5M", "longFmt": "1,500,000"},
        "exercisedValue": {"raw": 0, "fmt": None, "longFmt": "0"},
        "unexercisedValue": {"raw": 0, "fmt": None, "longFmt": "0"},
    }
