"""Yahoo's picture of one company at an instant: quote and quote-summary modules from the same facts.

Prices are this market's. Accounting figures of a synthetic company are drawn from its name and hang together;
a market without them (a replay) leaves the keys out, as Yahoo does for what it does not know.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from trading_assets.sessions import NEW_YORK, is_session, session_close, session_open
from trading_assets.simulator.adjustment import effective_actions, ratio_parts, scaled, split_factors
from trading_assets.simulator.market import ASSET_NAMESPACE, Instrument
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.tape import Action, Rows, day_number, day_of, published_day
from trading_assets.simulator.wire import new_york_millis

EXCHANGES = {
    "XNAS": ("NMS", "NasdaqGS"),
    "XNYS": ("NYQ", "NYSE"),
    "ARCX": ("PCX", "NYSEArca"),
    "XASE": ("ASE", "NYSE American"),
    "BATS": ("BTS", "BATS"),
}
"""Yahoo's exchange code and name by market identifier."""

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

_YEAR = 252
_DAYS_BACK = 400
_UNKNOWN = math.nan


@dataclass(frozen=True)
class Accounts:
    """Yearly figures of a company in USD; not-a-number where nobody knows."""

    shares: float
    earnings_per_share: float
    book_per_share: float
    sales: float
    margin: float
    growth: float
    debt: float
    cash: float


@dataclass(frozen=True)
class Picture:
    """One instrument as seen at an instant; prices adjusted for the splits so far."""

    instrument: Instrument
    now: datetime
    rows: Rows
    market_year: float
    actions: list[Action]
    accounts: Accounts

    @property
    def price(self) -> float:
        """Last close."""
        return float(self.rows.close[-1])

    @property
    def previous(self) -> float:
        """Close before the last one."""
        return float(self.rows.close[max(-2, -len(self.rows.close))])

    @property
    def change(self) -> float:
        """Last close against the one before, as a fraction."""
        return self.price / self.previous - 1.0 if self.previous else 0.0

    @property
    def capital(self) -> float:
        """Market value of the company."""
        return self.accounts.shares * self.price

    @property
    def dividend(self) -> float:
        """Cash dividends per share of the last year, in today's shares."""
        since = self.now.astimezone(NEW_YORK).date() - timedelta(days=365)
        return sum(
            action.cash_usd
            / math.prod(a.split_ratio for a in self.actions if a.split_ratio and a.ex_date > action.ex_date)
            for action in self.actions
            if action.cash_usd and action.ex_date > since
        )

    def mean(self, column: str, sessions: int) -> float:
        """Average of a column over the last sessions."""
        return float(np.mean(getattr(self.rows, column)[-sessions:]))


def picture(simulation: Simulation, symbol: str) -> Picture | None:
    """Return what is known of ``symbol`` now; None if it never traded."""
    place = simulation.market.places.get(symbol)
    if place is None:
        return None
    now = simulation.now()
    newest = day_of(published_day(now))
    rows = simulation.market.series(symbol, newest - timedelta(days=_DAYS_BACK), newest, now)
    rows = rows.take(slice(-_YEAR, None))
    if len(rows.day) == 0:
        return None
    actions = effective_actions(simulation.market, symbol, now)
    factors = split_factors(rows, actions)
    adjusted = scaled(rows, factors, factors)
    market = simulation.market.series("SPY", newest - timedelta(days=365), newest, now).close
    year = float(market[-1] / market[0] - 1.0) if len(market) > 1 else 0.0
    shares = simulation.market.shares_outstanding(symbol, newest)
    accounts = _accounts(symbol, shares, float(adjusted.close[0]))
    return Picture(simulation.market.instruments()[place], now, adjusted, year, actions, accounts)


def quote(seen: Picture) -> dict[str, Any]:
    """Return one result of /v7/finance/quote."""
    year_low, year_high = _bounds(seen)
    fifty, two_hundred = seen.mean("close", 50), seen.mean("close", 200)
    accounts, price = seen.accounts, seen.price
    code, full_name = EXCHANGES[seen.instrument.mic]
    times = _earnings_times(seen)
    offset = int((seen.now.astimezone(NEW_YORK).utcoffset() or timedelta(0)).total_seconds())
    return _known(
        {
            "language": "en-US",
            "region": "US",
            "quoteType": _quote_type(seen),
            "typeDisp": "ETF" if _is_fund(seen) else "Equity",
            "quoteSourceName": "Nasdaq Real Time Price",
            "triggerable": True,
            "customPriceAlertConfidence": "HIGH",
            "currency": "USD",
            "corporateActions": [],
            "postMarketTime": _last_trade(seen) + 14_400,
            "regularMarketTime": _last_trade(seen),
            "exchange": code,
            "messageBoardId": f"finmb_{_draw(seen.instrument.symbol, 'board') * 1e8:.0f}",
            "exchangeTimezoneName": "America/New_York",
            "exchangeTimezoneShortName": seen.now.astimezone(NEW_YORK).tzname(),
            "gmtOffSetMilliseconds": offset * 1000,
            "market": "us_market",
            "esgPopulated": False,
            "regularMarketChangePercent": _r(100.0 * seen.change),
            "regularMarketPrice": _r(price),
            "shortName": seen.instrument.name[:30],
            "longName": seen.instrument.name,
            "marketState": _market_state(seen.now),
            "firstTradeDateMilliseconds": new_york_millis(day_number(seen.instrument.listed), 9, 30),
            "priceHint": 2,
            "postMarketChangePercent": 0.0,
            "postMarketPrice": _r(price),
            "postMarketChange": 0.0,
            "regularMarketChange": _r(price - seen.previous),
            "regularMarketDayHigh": _r(seen.rows.high[-1]),
            "regularMarketDayRange": f"{_r(seen.rows.low[-1])} - {_r(seen.rows.high[-1])}",
            "regularMarketDayLow": _r(seen.rows.low[-1]),
            "regularMarketVolume": int(seen.rows.volume[-1]),
            "regularMarketPreviousClose": _r(seen.previous),
            "bid": _r(price - 0.01),
            "ask": _r(price + 0.01),
            "bidSize": 2,
            "askSize": 2,
            "fullExchangeName": full_name,
            "financialCurrency": "USD",
            "regularMarketOpen": _r(seen.rows.open[-1]),
            "averageDailyVolume3Month": round(seen.mean("volume", 63)),
            "averageDailyVolume10Day": round(seen.mean("volume", 10)),
            "fiftyTwoWeekLowChange": _r(price - year_low),
            "fiftyTwoWeekLowChangePercent": _ratio(price - year_low, year_low),
            "fiftyTwoWeekRange": f"{_r(year_low)} - {_r(year_high)}",
            "fiftyTwoWeekHighChange": _r(price - year_high),
            "fiftyTwoWeekHighChangePercent": _ratio(price - year_high, year_high),
            "fiftyTwoWeekLow": _r(year_low),
            "fiftyTwoWeekHigh": _r(year_high),
            "fiftyTwoWeekChangePercent": _r(100.0 * _year_change(seen)),
            "dividendDate": _last_dividend(seen)[1] or _UNKNOWN,
            "earningsTimestamp": times[0],
            "earningsTimestampStart": times[1],
            "earningsTimestampEnd": times[1] + 345_600,
            "earningsCallTimestampStart": times[0] + 5400,
            "earningsCallTimestampEnd": times[0] + 5400,
            "isEarningsDateEstimate": True,
            "trailingAnnualDividendRate": _r(seen.dividend),
            "trailingPE": _ratio(price, accounts.earnings_per_share, positive=True),
            "dividendRate": _r(seen.dividend) if seen.dividend else _UNKNOWN,
            "trailingAnnualDividendYield": _ratio(seen.dividend, seen.previous),
            "dividendYield": _r(100.0 * seen.dividend / price) if seen.dividend else _UNKNOWN,
            "epsTrailingTwelveMonths": _r(accounts.earnings_per_share),
            "epsForward": _r(accounts.earnings_per_share * (1.0 + accounts.growth)),
            "epsCurrentYear": _r(accounts.earnings_per_share * (1.0 + accounts.growth / 2)),
            "priceEpsCurrentYear": _ratio(price, accounts.earnings_per_share * (1.0 + accounts.growth / 2)),
            "sharesOutstanding": _whole(accounts.shares),
            "bookValue": _r(accounts.book_per_share),
            "fiftyDayAverage": _r(fifty),
            "fiftyDayAverageChange": _r(price - fifty),
            "fiftyDayAverageChangePercent": _ratio(price - fifty, fifty),
            "twoHundredDayAverage": _r(two_hundred),
            "twoHundredDayAverageChange": _r(price - two_hundred),
            "twoHundredDayAverageChangePercent": _ratio(price - two_hundred, two_hundred),
            "marketCap": _whole(seen.capital),
            "forwardPE": _ratio(price, accounts.earnings_per_share * (1.0 + accounts.growth)),
            "priceToBook": _ratio(price, accounts.book_per_share),
            "sourceInterval": 15,
            "exchangeDataDelayedBy": 0,
            "averageAnalystRating": _rating(seen)[2],
            "tradeable": False,
            "cryptoTradeable": False,
            "hasPrePostMarketData": True,
            "displayName": seen.instrument.name.split(" ")[0],
            "symbol": seen.instrument.symbol,
        }
    )


def _price(seen: Picture) -> dict[str, Any]:
    code, full_name = EXCHANGES[seen.instrument.mic]
    price = _r(seen.price)
    return {
        "maxAge": 1,
        "preMarketChangePercent": 0.0,
        "preMarketChange": 0.0,
        "preMarketTime": _last_trade(seen),
        "preMarketPrice": price,
        "preMarketSource": "FREE_REALTIME",
        "postMarketChangePercent": 0.0,
        "postMarketChange": 0.0,
        "postMarketTime": _last_trade(seen) + 14_400,
        "postMarketPrice": price,
        "postMarketSource": "FREE_REALTIME",
        "regularMarketChangePercent": _r(seen.change),
        "regularMarketChange": _r(seen.price - seen.previous),
        "regularMarketTime": _last_trade(seen),
        "priceHint": 2,
        "regularMarketPrice": price,
        "regularMarketDayHigh": _r(seen.rows.high[-1]),
        "regularMarketDayLow": _r(seen.rows.low[-1]),
        "regularMarketVolume": int(seen.rows.volume[-1]),
        "regularMarketPreviousClose": _r(seen.previous),
        "regularMarketSource": "FREE_REALTIME",
        "regularMarketOpen": _r(seen.rows.open[-1]),
        "exchange": code,
        "exchangeName": full_name,
        "exchangeDataDelayedBy": 0,
        "marketState": _market_state(seen.now),
        "quoteType": _quote_type(seen),
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
        "marketCap": _whole(seen.capital),
    }


def _summary_detail(seen: Picture) -> dict[str, Any]:
    year_low, year_high = _bounds(seen)
    accounts, price = seen.accounts, seen.price
    payer: dict[str, Any] = {}
    if seen.dividend:
        payer = {
            "dividendRate": _r(seen.dividend),
            "dividendYield": _ratio(seen.dividend, price),
            "exDividendDate": _last_dividend(seen)[1],
            "fiveYearAvgDividendYield": _r(100.0 * seen.dividend / price),
        }
    return {
        "maxAge": 1,
        "priceHint": 2,
        "previousClose": _r(seen.previous),
        "open": _r(seen.rows.open[-1]),
        "dayLow": _r(seen.rows.low[-1]),
        "dayHigh": _r(seen.rows.high[-1]),
        "regularMarketPreviousClose": _r(seen.previous),
        "regularMarketOpen": _r(seen.rows.open[-1]),
        "regularMarketDayLow": _r(seen.rows.low[-1]),
        "regularMarketDayHigh": _r(seen.rows.high[-1]),
        **payer,
        "payoutRatio": _ratio(seen.dividend, accounts.earnings_per_share),
        "beta": _r(0.6 + _draw(seen.instrument.symbol, "beta")),
        "trailingPE": _ratio(price, accounts.earnings_per_share, positive=True),
        "forwardPE": _ratio(price, accounts.earnings_per_share * (1.0 + accounts.growth)),
        "volume": int(seen.rows.volume[-1]),
        "regularMarketVolume": int(seen.rows.volume[-1]),
        "averageVolume": round(seen.mean("volume", 63)),
        "averageVolume10days": round(seen.mean("volume", 10)),
        "averageDailyVolume10Day": round(seen.mean("volume", 10)),
        "bid": _r(price - 0.01),
        "ask": _r(price + 0.01),
        "bidSize": 2,
        "askSize": 2,
        "marketCap": _whole(seen.capital),
        "fiftyTwoWeekLow": _r(year_low),
        "fiftyTwoWeekHigh": _r(year_high),
        "priceToSalesTrailing12Months": _ratio(seen.capital, accounts.sales),
        "fiftyDayAverage": _r(seen.mean("close", 50)),
        "twoHundredDayAverage": _r(seen.mean("close", 200)),
        "trailingAnnualDividendRate": _r(seen.dividend),
        "trailingAnnualDividendYield": _ratio(seen.dividend, seen.previous),
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
        "fullTimeEmployees": 50 + int(60_000 * _draw(item.symbol, "employees")),
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
        profile |= {name: 1 + int(10 * _draw(seen.instrument.symbol, name)) for name in names}
        first = seen.now.astimezone(NEW_YORK).date().replace(day=1)
        profile["governanceEpochDate"] = _utc_seconds(first)
        profile["compensationAsOfEpochDate"] = _utc_seconds(date(first.year - 1, 12, 31))
    return profile


def _quote_type_module(seen: Picture) -> dict[str, Any]:
    item = seen.instrument
    local = seen.now.astimezone(NEW_YORK)
    return {
        "exchange": EXCHANGES[item.mic][0],
        "quoteType": _quote_type(seen),
        "symbol": item.symbol,
        "underlyingSymbol": item.symbol,
        "shortName": item.name[:30],
        "longName": item.name,
        "firstTradeDateEpochUtc": new_york_millis(day_number(item.listed), 9, 30) // 1000,
        "timeZoneFullName": "America/New_York",
        "timeZoneShortName": local.tzname(),
        "uuid": str(uuid.uuid5(ASSET_NAMESPACE, f"yahoo {item.symbol}")),
        "messageBoardId": f"finmb_{_draw(item.symbol, 'board') * 1e8:.0f}",
        "gmtOffSetMilliseconds": int((local.utcoffset() or timedelta(0)).total_seconds()) * 1000,
        "maxAge": 1,
    }


def _key_statistics(seen: Picture) -> dict[str, Any]:
    accounts, symbol = seen.accounts, seen.instrument.symbol
    short = accounts.shares * 0.03 * _draw(symbol, "short")
    month = seen.now.astimezone(NEW_YORK).date().replace(day=1)
    value = seen.capital + accounts.debt - accounts.cash
    split = next((action for action in reversed(seen.actions) if action.split_ratio), None)
    cash, when = _last_dividend(seen)
    return {
        "maxAge": 1,
        "priceHint": 2,
        "enterpriseValue": _whole(value),
        "forwardPE": _ratio(seen.price, accounts.earnings_per_share * (1.0 + accounts.growth)),
        "profitMargins": _r(accounts.margin),
        "floatShares": _whole(accounts.shares * 0.93),
        "sharesOutstanding": _whole(accounts.shares),
        "sharesShort": _whole(short),
        "sharesShortPriorMonth": _whole(short * 0.96),
        "sharesShortPreviousMonthDate": _utc_seconds(month - timedelta(days=15)),
        "dateShortInterest": _utc_seconds(month),
        "sharesPercentSharesOut": _ratio(short, accounts.shares),
        "heldPercentInsiders": 0.07,
        "heldPercentInstitutions": _r(0.4 + 0.4 * _draw(symbol, "institutions")),
        "shortRatio": _ratio(short, seen.mean("volume", 63)),
        "shortPercentOfFloat": _ratio(short, accounts.shares * 0.93),
        "beta": _r(0.6 + _draw(symbol, "beta")),
        "impliedSharesOutstanding": _whole(accounts.shares),
        "category": None,
        "bookValue": _r(accounts.book_per_share),
        "priceToBook": _ratio(seen.price, accounts.book_per_share),
        "fundFamily": None,
        "legalType": None,
        "lastFiscalYearEnd": _utc_seconds(date(month.year - 1, 12, 31)),
        "nextFiscalYearEnd": _utc_seconds(date(month.year, 12, 31)),
        "mostRecentQuarter": _utc_seconds(date(month.year - 1, 12, 31)),
        "earningsQuarterlyGrowth": _r(accounts.growth),
        "netIncomeToCommon": _whole(accounts.sales * accounts.margin),
        "trailingEps": _r(accounts.earnings_per_share),
        "forwardEps": _r(accounts.earnings_per_share * (1.0 + accounts.growth)),
        "lastSplitFactor": None if split is None else "{}:{}".format(*ratio_parts(split.split_ratio or 1.0)),
        **({} if split is None else {"lastSplitDate": _utc_seconds(split.ex_date)}),
        "enterpriseToRevenue": _ratio(value, accounts.sales),
        "enterpriseToEbitda": _ratio(value, accounts.sales * (accounts.margin + 0.1)),
        "52WeekChange": _r(_year_change(seen)),
        "SandP52WeekChange": _r(seen.market_year),
        **({"lastDividendValue": cash, "lastDividendDate": when} if cash else {}),
        "latestShareClass": None,
        "leadInvestor": None,
    }


def _financial_data(seen: Picture) -> dict[str, Any]:
    accounts, price = seen.accounts, seen.price
    score, key, _ = _rating(seen)
    equity = accounts.book_per_share * accounts.shares
    income = accounts.sales * accounts.margin
    return {
        "maxAge": 86400,
        "currentPrice": _r(price),
        "targetHighPrice": _r(price * 1.4),
        "targetLowPrice": _r(price * 0.8),
        "targetMeanPrice": _r(price * 1.1),
        "targetMedianPrice": _r(price * 1.1),
        "recommendationMean": score,
        "recommendationKey": key,
        "numberOfAnalystOpinions": 3 + int(30 * _draw(seen.instrument.symbol, "analysts")),
        "totalCash": _whole(accounts.cash),
        "totalCashPerShare": _ratio(accounts.cash, accounts.shares),
        "ebitda": _whole(accounts.sales * (accounts.margin + 0.1)),
        "totalDebt": _whole(accounts.debt),
        "quickRatio": 0.9,
        "currentRatio": 1.2,
        "totalRevenue": _whole(accounts.sales),
        "debtToEquity": _r(100.0 * accounts.debt / equity),
        "revenuePerShare": _ratio(accounts.sales, accounts.shares),
        "returnOnAssets": _r(income / (equity + accounts.debt)),
        "returnOnEquity": _r(income / equity),
        "grossProfits": _whole(accounts.sales * 0.4),
        "freeCashflow": _whole(income * 0.8),
        "operatingCashflow": _whole(income * 1.2),
        "earningsGrowth": _r(accounts.growth),
        "revenueGrowth": _r(accounts.growth * 0.7),
        "grossMargins": 0.4,
        "ebitdaMargins": _r(accounts.margin + 0.1),
        "operatingMargins": _r(accounts.margin + 0.05),
        "profitMargins": _r(accounts.margin),
        "financialCurrency": "USD",
    }


def _module(build: Callable[[Picture], dict[str, Any]]) -> Callable[[Picture], dict[str, Any]]:
    return lambda seen: _known(build(seen))


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


def _accounts(symbol: str, shares: float | None, price: float) -> Accounts:
    if shares is None:
        return Accounts(*[_UNKNOWN] * 8)
    earnings = price * (0.02 + 0.06 * _draw(symbol, "earnings"))
    book = price / (1.2 + 5.0 * _draw(symbol, "book"))
    margin = 0.04 + 0.2 * _draw(symbol, "margin")
    sales = earnings * shares / margin
    growth = -0.1 + 0.4 * _draw(symbol, "growth")
    return Accounts(
        shares, earnings, book, sales, margin, growth, book * shares * _draw(symbol, "debt"), 0.1 * sales
    )


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in fields.items() if not (isinstance(value, float) and math.isnan(value))
    }


def _r(value: float) -> float:
    return round(float(value), 6)


def _whole(value: float) -> int | float:
    return value if math.isnan(value) else round(value)


def _ratio(value: float, base: float, *, positive: bool = False) -> float:
    return _r(value / base) if base and (base > 0 or not positive) else _UNKNOWN


def _draw(symbol: str, purpose: str) -> float:
    digest = hashlib.blake2b(f"{purpose} {symbol}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def _bounds(seen: Picture) -> tuple[float, float]:
    return float(seen.rows.low.min()), float(seen.rows.high.max())


def _year_change(seen: Picture) -> float:
    first = float(seen.rows.close[0])
    return seen.price / first - 1.0 if first else 0.0


def _is_fund(seen: Picture) -> bool:
    return seen.instrument.asset_type == "ETF"


def _quote_type(seen: Picture) -> str:
    return "ETF" if _is_fund(seen) else "EQUITY"


def _last_trade(seen: Picture) -> int:
    return new_york_millis(int(seen.rows.day[-1]), 16) // 1000


def _last_dividend(seen: Picture) -> tuple[float, int]:
    last = next((action for action in reversed(seen.actions) if action.cash_usd), None)
    return (0.0, 0) if last is None else (last.cash_usd or 0.0, _utc_seconds(last.ex_date))


def _utc_seconds(day: date) -> int:
    return day_number(day) * 86_400


def _earnings_times(seen: Picture) -> tuple[int, int]:
    # a report every 91 days, on a day of its own
    phase = int(91 * _draw(seen.instrument.symbol, "report"))
    today = day_number(seen.now.astimezone(NEW_YORK).date())
    last = today - (today - phase) % 91
    return new_york_millis(last, 7) // 1000, new_york_millis(last + 91, 7) // 1000


def _rating(seen: Picture) -> tuple[float, str, str]:
    score = round(1.4 + 1.8 * _draw(seen.instrument.symbol, "rating"), 1)
    key, label = ("buy", "Buy") if score < 2.5 else ("hold", "Hold")
    return score, key, f"{score} - {label}"


def _market_state(now: datetime) -> str:
    local = now.astimezone(NEW_YORK)
    day = local.date()
    if not is_session(day):
        return "CLOSED"
    if session_open(day) <= local < session_close(day):
        return "REGULAR"
    if local < session_open(day):
        return "PRE" if local.time() >= time(4) else "CLOSED"
    return "POST" if local.time() < time(20) else "CLOSED"


def _key(text: str) -> str:
    return text.lower().replace(" & ", "-").replace(" ", "-")


def _officer(symbol: str, title: str) -> dict[str, Any]:
    born = 1955 + int(30 * _draw(symbol, title))
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
