"""Yahoo's statistics of one company or fund: books against prices, short interest, targets and coming events."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.market.adjustment import ratio_parts
from trading_assets.simulator.yahoo.people import analyst_count, insider_share, institution_share, rating
from trading_assets.simulator.yahoo.picture import (
    Picture,
    draw,
    earnings_seconds,
    last_dividend,
    ratio_of,
    rounded,
    utc_seconds,
    whole,
    year_change,
)


def _fund_statistics(seen: Picture) -> dict[str, Any]:
    return {
        "maxAge": 1,
        "priceHint": 2,
        "category": "Invented Blend",
        "fundFamily": "Simulated Funds",
        "legalType": "Exchange Traded Fund",
        "fundInceptionDate": utc_seconds(seen.instrument.listed),
        "beta3Year": rounded(0.9 + 0.2 * draw(seen.instrument.symbol, "beta")),
        "totalAssets": whole(seen.capital),
        "yield": ratio_of(seen.dividend, seen.price),
        "annualReportExpenseRatio": 0.0009,
        "sharesOutstanding": whole(seen.accounts.shares),
    }


def key_statistics(seen: Picture) -> dict[str, Any]:
    """Return the module defaultKeyStatistics."""
    if seen.books is None:
        return _fund_statistics(seen)
    accounts, symbol, books = seen.accounts, seen.instrument.symbol, seen.books
    ebitda = books.trailing("EBITDA")
    year_ends = [end for end, last in zip(books.ends, books.is_year_end, strict=True) if last]
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
        "heldPercentInsiders": insider_share(seen),
        "heldPercentInstitutions": institution_share(seen),
        "shortRatio": ratio_of(short, seen.mean("volume", 63)),
        "shortPercentOfFloat": ratio_of(short, accounts.shares * 0.93),
        "beta": rounded(0.6 + draw(symbol, "beta")),
        "impliedSharesOutstanding": whole(accounts.shares),
        "category": None,
        "bookValue": rounded(accounts.book_per_share),
        "priceToBook": ratio_of(seen.price, accounts.book_per_share),
        "fundFamily": None,
        "legalType": None,
        "lastFiscalYearEnd": utc_seconds(year_ends[-1]),
        "nextFiscalYearEnd": utc_seconds(_year_later(year_ends[-1])),
        "mostRecentQuarter": utc_seconds(books.ends[-1]),
        "earningsQuarterlyGrowth": rounded(books.growth("NetIncome")),
        "netIncomeToCommon": whole(books.trailing("NetIncome")),
        "trailingEps": rounded(accounts.earnings_per_share),
        "forwardEps": rounded(accounts.earnings_per_share * (1.0 + accounts.growth)),
        "lastSplitFactor": None if split is None else "{}:{}".format(*ratio_parts(split.split_ratio or 1.0)),
        **({} if split is None else {"lastSplitDate": utc_seconds(split.ex_date)}),
        "enterpriseToRevenue": ratio_of(value, accounts.sales),
        "enterpriseToEbitda": ratio_of(value, ebitda),
        "52WeekChange": rounded(year_change(seen)),
        "SandP52WeekChange": rounded(seen.market_year),
        **({"lastDividendValue": cash, "lastDividendDate": when} if cash else {}),
        "latestShareClass": None,
        "leadInvestor": None,
    }


def financial_data(seen: Picture) -> dict[str, Any] | None:
    """Return the module financialData; None for a fund."""
    books = seen.books
    if books is None:
        return None
    accounts, price = seen.accounts, seen.price
    score, key, _ = rating(seen)
    equity, liabilities = books.newest("StockholdersEquity"), books.newest("CurrentLiabilities")
    quarter = {name: float(values[-1]) for name, values in books.flows.items()}
    return {
        "maxAge": 86400,
        "currentPrice": rounded(price),
        "targetHighPrice": rounded(price * 1.4),
        "targetLowPrice": rounded(price * 0.8),
        "targetMeanPrice": rounded(price * 1.1),
        "targetMedianPrice": rounded(price * 1.1),
        "recommendationMean": score,
        "recommendationKey": key,
        "numberOfAnalystOpinions": analyst_count(seen),
        "totalCash": whole(accounts.cash),
        "totalCashPerShare": ratio_of(accounts.cash, accounts.shares),
        "ebitda": whole(books.trailing("EBITDA")),
        "totalDebt": whole(accounts.debt),
        "quickRatio": ratio_of(books.newest("CurrentAssets") - books.newest("Inventory"), liabilities),
        "currentRatio": ratio_of(books.newest("CurrentAssets"), liabilities),
        "totalRevenue": whole(accounts.sales),
        "debtToEquity": rounded(100.0 * accounts.debt / equity),
        "revenuePerShare": ratio_of(accounts.sales, accounts.shares),
        "returnOnAssets": ratio_of(0.625 * books.trailing("OperatingIncome"), books.newest("TotalAssets")),
        "returnOnEquity": ratio_of(books.trailing("NetIncome"), equity),
        "grossProfits": whole(books.trailing("GrossProfit")),
        "freeCashflow": whole(books.trailing("FreeCashFlow")),
        "operatingCashflow": whole(books.trailing("OperatingCashFlow")),
        "earningsGrowth": rounded(books.growth("NetIncome")),
        "revenueGrowth": rounded(books.growth("TotalRevenue")),
        "grossMargins": ratio_of(books.trailing("GrossProfit"), accounts.sales),
        "ebitdaMargins": ratio_of(books.trailing("EBITDA"), accounts.sales),
        "operatingMargins": ratio_of(quarter["OperatingIncome"], quarter["TotalRevenue"]),
        "profitMargins": rounded(accounts.margin),
        "financialCurrency": "USD",
    }


def calendar_events(seen: Picture) -> dict[str, Any]:
    """Return the module calendarEvents."""
    _, when = last_dividend(seen)
    paid = {"exDividendDate": when, "dividendDate": when + 21 * 86_400} if when else {}
    if seen.books is None:
        return {"maxAge": 1, "earnings": {"earningsDate": []}, **paid}
    last, coming = earnings_seconds(seen)
    eps = seen.accounts.earnings_per_share / 4.0 * (1.0 + seen.accounts.growth)
    sales = seen.accounts.sales / 4.0 * (1.0 + seen.accounts.growth)
    return {
        "maxAge": 1,
        "earnings": {
            "earningsDate": [coming, coming + 345_600],
            "earningsCallDate": [last + 5400],
            "isEarningsDateEstimate": True,
            "earningsAverage": rounded(eps),
            "earningsLow": rounded(eps - 0.1 * abs(eps)),
            "earningsHigh": rounded(eps + 0.1 * abs(eps)),
            "revenueAverage": whole(sales),
            "revenueLow": whole(sales * 0.95),
            "revenueHigh": whole(sales * 1.05),
        },
        **paid,
    }


def _year_later(end: date) -> date:
    return (end + timedelta(days=1)).replace(year=(end + timedelta(days=1)).year + 1) - timedelta(days=1)
