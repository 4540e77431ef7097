"""Yahoo's quote: one result of /v7/finance/quote a symbol."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.market.tape import day_number
from trading_assets.simulator.wire import new_york_millis, whole_numbers
from trading_assets.simulator.yahoo.people import rating
from trading_assets.simulator.yahoo.picture import (
    EXCHANGES,
    UNKNOWN,
    Picture,
    draw,
    earnings_seconds,
    is_fund,
    last_dividend,
    last_trade_seconds,
    market_state,
    quote_type,
    ratio_of,
    rounded,
    whole,
    without_unknown,
    year_bounds,
    year_change,
)
from trading_assets.simulator.yahoo.spelling import as_yahoo


def quote(seen: Picture) -> dict[str, Any]:
    """Return one result of /v7/finance/quote."""
    year_low, year_high = year_bounds(seen)
    fifty, two_hundred = seen.mean("close", 50), seen.mean("close", 200)
    accounts, price = seen.accounts, seen.price
    code, full_name = EXCHANGES[seen.instrument.mic]
    times = earnings_seconds(seen)
    offset = int((seen.now.astimezone(NEW_YORK).utcoffset() or timedelta(0)).total_seconds())
    return without_unknown(
        {
            "language": "en-US",
            "region": "US",
            "quoteType": quote_type(seen),
            "typeDisp": "ETF" if is_fund(seen) else "Equity",
            "quoteSourceName": "Nasdaq Real Time Price",
            "triggerable": True,
            "customPriceAlertConfidence": "HIGH",
            "currency": "USD",
            "corporateActions": [],
            "postMarketTime": last_trade_seconds(seen) + 14_400,
            "regularMarketTime": last_trade_seconds(seen),
            "exchange": code,
            "messageBoardId": f"finmb_{draw(seen.instrument.symbol, 'board') * 1e8:.0f}",
            "exchangeTimezoneName": "America/New_York",
            "exchangeTimezoneShortName": seen.now.astimezone(NEW_YORK).tzname(),
            "gmtOffSetMilliseconds": offset * 1000,
            "market": "us_market",
            "esgPopulated": False,
            "regularMarketChangePercent": rounded(100.0 * seen.change),
            "regularMarketPrice": rounded(price),
            "shortName": seen.instrument.name[:30],
            "longName": seen.instrument.name,
            "marketState": market_state(seen.now),
            "firstTradeDateMilliseconds": new_york_millis(day_number(seen.instrument.listed), 9, 30),
            "priceHint": 2,
            "postMarketChangePercent": 0.0,
            "postMarketPrice": rounded(price),
            "postMarketChange": 0.0,
            "regularMarketChange": rounded(price - seen.previous),
            "regularMarketDayHigh": rounded(seen.rows.high[-1]),
            "regularMarketDayRange": f"{rounded(seen.rows.low[-1])} - {rounded(seen.rows.high[-1])}",
            "regularMarketDayLow": rounded(seen.rows.low[-1]),
            "regularMarketVolume": whole_numbers(seen.rows.volume[-1:]).item(),
            "regularMarketPreviousClose": rounded(seen.previous),
            "bid": rounded(price - 0.01),
            "ask": rounded(price + 0.01),
            "bidSize": 2,
            "askSize": 2,
            "fullExchangeName": full_name,
            "financialCurrency": "USD",
            "regularMarketOpen": rounded(seen.rows.open[-1]),
            "averageDailyVolume3Month": round(seen.mean("volume", 63)),
            "averageDailyVolume10Day": round(seen.mean("volume", 10)),
            "fiftyTwoWeekLowChange": rounded(price - year_low),
            "fiftyTwoWeekLowChangePercent": ratio_of(price - year_low, year_low),
            "fiftyTwoWeekRange": f"{rounded(year_low)} - {rounded(year_high)}",
            "fiftyTwoWeekHighChange": rounded(price - year_high),
            "fiftyTwoWeekHighChangePercent": ratio_of(price - year_high, year_high),
            "fiftyTwoWeekLow": rounded(year_low),
            "fiftyTwoWeekHigh": rounded(year_high),
            "fiftyTwoWeekChangePercent": rounded(100.0 * year_change(seen)),
            "dividendDate": last_dividend(seen)[1] or UNKNOWN,
            "earningsTimestamp": times[0],
            "earningsTimestampStart": times[1],
            "earningsTimestampEnd": times[1] + 345_600,
            "earningsCallTimestampStart": times[0] + 5400,
            "earningsCallTimestampEnd": times[0] + 5400,
            "isEarningsDateEstimate": UNKNOWN if seen.books is None else True,
            "trailingAnnualDividendRate": rounded(seen.dividend),
            "trailingPE": ratio_of(price, accounts.earnings_per_share, positive=True),
            "dividendRate": rounded(seen.dividend) if seen.dividend else UNKNOWN,
            "trailingAnnualDividendYield": ratio_of(seen.dividend, seen.previous),
            "dividendYield": rounded(100.0 * seen.dividend / price) if seen.dividend else UNKNOWN,
            "epsTrailingTwelveMonths": rounded(accounts.earnings_per_share),
            "epsForward": rounded(accounts.earnings_per_share * (1.0 + accounts.growth)),
            "epsCurrentYear": rounded(accounts.earnings_per_share * (1.0 + accounts.growth / 2)),
            "priceEpsCurrentYear": ratio_of(price, accounts.earnings_per_share * (1.0 + accounts.growth / 2)),
            "sharesOutstanding": whole(accounts.shares),
            "bookValue": rounded(accounts.book_per_share),
            "fiftyDayAverage": rounded(fifty),
            "fiftyDayAverageChange": rounded(price - fifty),
            "fiftyDayAverageChangePercent": ratio_of(price - fifty, fifty),
            "twoHundredDayAverage": rounded(two_hundred),
            "twoHundredDayAverageChange": rounded(price - two_hundred),
            "twoHundredDayAverageChangePercent": ratio_of(price - two_hundred, two_hundred),
            "marketCap": whole(seen.capital),
            "netAssets": whole(seen.capital) if is_fund(seen) else UNKNOWN,
            "netExpenseRatio": 0.09 if is_fund(seen) else UNKNOWN,
            "forwardPE": ratio_of(price, accounts.earnings_per_share * (1.0 + accounts.growth)),
            "priceToBook": ratio_of(price, accounts.book_per_share),
            "sourceInterval": 15,
            "exchangeDataDelayedBy": 0,
            "averageAnalystRating": UNKNOWN if seen.books is None else rating(seen)[2],
            "tradeable": False,
            "cryptoTradeable": False,
            "hasPrePostMarketData": True,
            "displayName": seen.instrument.name.split(" ")[0],
            "symbol": as_yahoo(seen.instrument.symbol),
        }
    )
