"""Yahoo's fields of company data: which column each goes to and how it is read; one map a quote-summary module.

`KNOWN` lists, by module, the fields that are known and not stored: repeated elsewhere, empty for companies and
funds, or in a unit that no recorded answer proves. Anything else is unknown, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["number", "usd", "mixed", "percent", "integer", "text", "flag", "date", "instant", "ratio"]
"""How a value is read.

usd
    An amount in the currency of the prices; null unless that is the dollar.
mixed
    A ratio between a price and the books; null if they are in different currencies, where Yahoo's is wrong.
percent
    Percent, stored as a fraction.
date
    Seconds since 1970: the UTC date at midnight, else the exchange's date.
ratio
    Text such as 4:1.
"""


class Field(NamedTuple):
    """Where a vendor's field is stored, and how it is read."""

    column: str
    kind: Kind = "number"


Fields = Mapping[str, Field]

PROFILE: Fields = {
    "sector": Field("sector", "text"),
    "industry": Field("industry", "text"),
    "fullTimeEmployees": Field("employee_count", "integer"),
    "longBusinessSummary": Field("summary", "text"),
    "website": Field("website", "text"),
    "irWebsite": Field("investor_website", "text"),
    "phone": Field("phone", "text"),
    "address1": Field("address", "text"),
    "city": Field("city", "text"),
    "state": Field("state", "text"),
    "zip": Field("postal_code", "text"),
    "country": Field("country", "text"),
    "auditRisk": Field("audit_risk", "integer"),
    "boardRisk": Field("board_risk", "integer"),
    "compensationRisk": Field("compensation_risk", "integer"),
    "shareHolderRightsRisk": Field("shareholder_rights_risk", "integer"),
    "overallRisk": Field("overall_risk", "integer"),
    "governanceEpochDate": Field("governance_date", "date"),
}
QUOTE_TYPE: Fields = {
    "longName": Field("name", "text"),
    "shortName": Field("short_name", "text"),
    "quoteType": Field("asset_type", "text"),
    "exchange": Field("exchange", "text"),
    "timeZoneFullName": Field("time_zone", "text"),
    "firstTradeDateEpochUtc": Field("first_trade_date", "date"),
}
FUND_FACTS: Fields = {
    "fundFamily": Field("fund_family", "text"),
    "category": Field("fund_category", "text"),
    "legalType": Field("fund_legal_type", "text"),
    "fundInceptionDate": Field("fund_inception_date", "date"),
}
SUMMARY_DETAIL: Fields = {
    "currency": Field("currency", "text"),
    "marketCap": Field("market_cap_usd", "usd"),
    "trailingPE": Field("trailing_pe"),
    "forwardPE": Field("forward_pe"),
    "priceToSalesTrailing12Months": Field("price_to_sales", "mixed"),
    "dividendRate": Field("dividend_rate_usd", "usd"),
    "dividendYield": Field("dividend_yield_frac"),
    "trailingAnnualDividendRate": Field("trailing_dividend_rate_reported"),
    "trailingAnnualDividendYield": Field("trailing_dividend_yield_frac", "mixed"),
    "fiveYearAvgDividendYield": Field("five_year_dividend_yield_frac", "percent"),
    "payoutRatio": Field("payout_ratio_frac"),
    "exDividendDate": Field("ex_dividend_date", "date"),
    "beta": Field("beta"),
    "fiftyTwoWeekLow": Field("low_52_week_usd", "usd"),
    "fiftyTwoWeekHigh": Field("high_52_week_usd", "usd"),
    "fiftyDayAverage": Field("average_50_day_usd", "usd"),
    "twoHundredDayAverage": Field("average_200_day_usd", "usd"),
    "averageVolume": Field("average_volume_shares"),
    "averageVolume10days": Field("average_volume_10_day_shares"),
    "totalAssets": Field("fund_assets_usd", "usd"),
    "navPrice": Field("fund_nav_usd", "usd"),
    "yield": Field("fund_yield_frac"),
}
KEY_STATISTICS: Fields = {
    "enterpriseValue": Field("enterprise_value_reported"),
    "priceToBook": Field("price_to_book", "mixed"),
    "pegRatio": Field("peg_ratio"),
    "enterpriseToRevenue": Field("ev_to_revenue"),
    "enterpriseToEbitda": Field("ev_to_ebitda"),
    "trailingEps": Field("trailing_eps_usd", "usd"),
    "forwardEps": Field("forward_eps_usd", "usd"),
    "netIncomeToCommon": Field("net_income_reported"),
    "earningsQuarterlyGrowth": Field("quarterly_earnings_growth_frac"),
    "profitMargins": Field("profit_margin_frac"),
    "bookValue": Field("book_value_per_share_reported"),
    "sharesOutstanding": Field("shares_outstanding"),
    "impliedSharesOutstanding": Field("implied_shares_outstanding"),
    "floatShares": Field("float_shares"),
    "sharesShort": Field("shares_short"),
    "sharesShortPriorMonth": Field("shares_short_prior"),
    "dateShortInterest": Field("short_interest_date", "date"),
    "sharesShortPreviousMonthDate": Field("short_interest_prior_date", "date"),
    "shortRatio": Field("short_ratio_days"),
    "shortPercentOfFloat": Field("short_of_float_frac"),
    "sharesPercentSharesOut": Field("short_of_outstanding_frac"),
    "heldPercentInsiders": Field("held_by_insiders_frac"),
    "heldPercentInstitutions": Field("held_by_institutions_frac"),
    "52WeekChange": Field("change_52_week_frac"),
    "SandP52WeekChange": Field("index_change_52_week_frac"),
    "lastDividendValue": Field("last_dividend_usd", "usd"),
    "lastDividendDate": Field("last_dividend_date", "date"),
    "lastSplitFactor": Field("last_split_ratio", "ratio"),
    "lastSplitDate": Field("last_split_date", "date"),
    "lastFiscalYearEnd": Field("last_fiscal_year_end", "date"),
    "nextFiscalYearEnd": Field("next_fiscal_year_end", "date"),
    "mostRecentQuarter": Field("most_recent_quarter", "date"),
    "beta3Year": Field("beta_three_year"),
    "annualReportExpenseRatio": Field("fund_expense_ratio_frac"),
}
FINANCIAL_DATA: Fields = {
    "financialCurrency": Field("reporting_currency", "text"),
    "targetHighPrice": Field("target_high_usd", "usd"),
    "targetLowPrice": Field("target_low_usd", "usd"),
    "targetMeanPrice": Field("target_mean_usd", "usd"),
    "targetMedianPrice": Field("target_median_usd", "usd"),
    "recommendationMean": Field("recommendation_mean"),
    "recommendationKey": Field("recommendation", "text"),
    "numberOfAnalystOpinions": Field("analyst_count", "integer"),
    "totalCash": Field("total_cash_reported"),
    "totalCashPerShare": Field("cash_per_share_reported"),
    "totalDebt": Field("total_debt_reported"),
    "debtToEquity": Field("debt_to_equity", "percent"),
    "currentRatio": Field("current_ratio"),
    "quickRatio": Field("quick_ratio"),
    "totalRevenue": Field("total_revenue_reported"),
    "revenuePerShare": Field("revenue_per_share_reported"),
    "grossProfits": Field("gross_profit_reported"),
    "ebitda": Field("ebitda_reported"),
    "operatingCashflow": Field("operating_cash_flow_reported"),
    "freeCashflow": Field("free_cash_flow_reported"),
    "revenueGrowth": Field("revenue_growth_frac"),
    "earningsGrowth": Field("earnings_growth_frac"),
    "grossMargins": Field("gross_margin_frac"),
    "ebitdaMargins": Field("ebitda_margin_frac"),
    "operatingMargins": Field("operating_margin_frac"),
    "returnOnAssets": Field("return_on_assets_frac"),
    "returnOnEquity": Field("return_on_equity_frac"),
}
CALENDAR: Fields = {"dividendDate": Field("dividend_date", "date")}
EARNINGS: Fields = {
    "isEarningsDateEstimate": Field("is_next_earnings_estimated", "flag"),
    "earningsAverage": Field("eps_estimate_reported"),
    "earningsLow": Field("eps_estimate_low_reported"),
    "earningsHigh": Field("eps_estimate_high_reported"),
    "revenueAverage": Field("revenue_estimate_reported"),
    "revenueLow": Field("revenue_estimate_low_reported"),
    "revenueHigh": Field("revenue_estimate_high_reported"),
}
MAJOR_HOLDERS: Fields = {
    "institutionsFloatPercentHeld": Field("float_held_by_institutions_frac"),
    "institutionsCount": Field("institution_count", "integer"),
}
HOLDER: Fields = {
    "organization": Field("holder", "text"),
    "reportDate": Field("reported_date", "date"),
    "position": Field("held_shares"),
    "value": Field("value_usd", "usd"),
    "pctHeld": Field("held_frac"),
    "pctChange": Field("change_frac"),
}
OFFICER: Fields = {
    "name": Field("name", "text"),
    "title": Field("title", "text"),
    "age": Field("age", "integer"),
    "yearBorn": Field("born_year", "integer"),
    "fiscalYear": Field("fiscal_year", "integer"),
    "totalPay": Field("total_pay_reported"),
    "exercisedValue": Field("exercised_reported"),
    "unexercisedValue": Field("unexercised_reported"),
}
RECOMMENDATION: Fields = {
    "strongBuy": Field("strong_buy", "integer"),
    "buy": Field("buy", "integer"),
    "hold": Field("hold", "integer"),
    "sell": Field("sell", "integer"),
    "strongSell": Field("strong_sell", "integer"),
}
RATING_CHANGE: Fields = {
    "epochGradeDate": Field("graded_at", "instant"),
    "firm": Field("firm", "text"),
    "action": Field("action", "text"),
    "toGrade": Field("to_grade", "text"),
    "fromGrade": Field("from_grade", "text"),
}
ESG: Fields = {
    "totalEsg": Field("total_score"),
    "environmentScore": Field("environment_score"),
    "socialScore": Field("social_score"),
    "governanceScore": Field("governance_score"),
    "percentile": Field("percentile_frac", "percent"),
    "highestControversy": Field("controversy_level"),
    "esgPerformance": Field("performance", "text"),
    "peerGroup": Field("peer_group", "text"),
    "peerCount": Field("peer_count", "integer"),
    "ratingYear": Field("rated_year", "integer"),
    "ratingMonth": Field("rated_month", "integer"),
}
ESG_PEERS: Fields = {
    "min": Field("peer_score_min"),
    "avg": Field("peer_score_mean"),
    "max": Field("peer_score_max"),
}
QUOTE: Fields = {
    "regularMarketTime": Field("quoted_at", "instant"),
    "marketState": Field("market_state", "text"),
    "currency": Field("currency", "text"),
    "financialCurrency": Field("reporting_currency", "text"),
    "exchange": Field("exchange", "text"),
    "quoteType": Field("asset_type", "text"),
    "exchangeDataDelayedBy": Field("delay_minutes", "integer"),
    "regularMarketPrice": Field("price_usd", "usd"),
    "regularMarketPreviousClose": Field("previous_close_usd", "usd"),
    "regularMarketOpen": Field("open_usd", "usd"),
    "regularMarketDayHigh": Field("high_usd", "usd"),
    "regularMarketDayLow": Field("low_usd", "usd"),
    "regularMarketVolume": Field("volume_shares"),
    "regularMarketChange": Field("change_usd", "usd"),
    "regularMarketChangePercent": Field("change_frac", "percent"),
    "bid": Field("bid_usd", "usd"),
    "ask": Field("ask_usd", "usd"),
    "bidSize": Field("bid_size"),
    "askSize": Field("ask_size"),
    "preMarketPrice": Field("pre_market_price_usd", "usd"),
    "preMarketTime": Field("pre_market_at", "instant"),
    "postMarketPrice": Field("post_market_price_usd", "usd"),
    "postMarketTime": Field("post_market_at", "instant"),
    "marketCap": Field("market_cap_usd", "usd"),
    "sharesOutstanding": Field("shares_outstanding"),
    "averageDailyVolume10Day": Field("average_volume_10_day_shares"),
    "averageDailyVolume3Month": Field("average_volume_3_month_shares"),
    "fiftyTwoWeekLow": Field("low_52_week_usd", "usd"),
    "fiftyTwoWeekHigh": Field("high_52_week_usd", "usd"),
    "fiftyTwoWeekChangePercent": Field("change_52_week_frac", "percent"),
    "fiftyDayAverage": Field("average_50_day_usd", "usd"),
    "twoHundredDayAverage": Field("average_200_day_usd", "usd"),
    "trailingPE": Field("trailing_pe"),
    "forwardPE": Field("forward_pe"),
    "priceToBook": Field("price_to_book", "mixed"),
    "priceEpsCurrentYear": Field("price_to_current_year_eps", "mixed"),
    "epsTrailingTwelveMonths": Field("trailing_eps_usd", "usd"),
    "epsForward": Field("forward_eps_usd", "usd"),
    "epsCurrentYear": Field("current_year_eps_reported"),
    "bookValue": Field("book_value_per_share_reported"),
    "dividendRate": Field("dividend_rate_usd", "usd"),
    "dividendYield": Field("dividend_yield_frac", "percent"),
    "trailingAnnualDividendRate": Field("trailing_dividend_rate_reported"),
    "trailingAnnualDividendYield": Field("trailing_dividend_yield_frac", "mixed"),
    "dividendDate": Field("dividend_date", "date"),
    "earningsTimestamp": Field("last_earnings_at", "instant"),
    "earningsTimestampStart": Field("next_earnings_from", "instant"),
    "earningsTimestampEnd": Field("next_earnings_to", "instant"),
    "isEarningsDateEstimate": Field("is_next_earnings_estimated", "flag"),
    "averageAnalystRating": Field("analyst_rating", "text"),
    "netAssets": Field("fund_assets_usd", "usd"),
    "netExpenseRatio": Field("fund_expense_ratio_frac", "percent"),
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COINS = "algorithm circulatingSupply coinMarketCapLink fromCurrency lastMarket maxSupply startDate toCurrency volume24Hr volumeAllCurrencies"
KNOWN: Mapping[str, frozenset[str]] = {
    "assetProfile": _names(
        "address2 companyOfficers compensationAsOfEpochDate executiveTeam fax industryDisp industryKey maxAge name "
        "sectorDisp sectorKey"
    ),
    "quoteType": _names(
        "gmtOffSetMilliseconds maxAge messageBoardId symbol timeZoneShortName underlyingSymbol uuid"
    ),
    "summaryDetail": _names(
        f"{_COINS} allTimeHigh allTimeLow ask askSize averageDailyVolume10Day bid bidSize dayHigh dayLow expireDate maxAge "
        "nonDilutedMarketCap open openInterest previousClose priceHint regularMarketDayHigh regularMarketDayLow "
        "regularMarketOpen regularMarketPreviousClose regularMarketVolume strikePrice tradeable volume ytdReturn"
    ),
    "defaultKeyStatistics": _names(
        "annualHoldingsTurnover beta category fiveYearAverageReturn forwardPE fundFamily fundInceptionDate lastCapGain "
        "latestShareClass leadInvestor legalType maxAge morningStarOverallRating morningStarRiskRating priceHint "
        "threeYearAverageReturn totalAssets yield ytdReturn"
    ),
    "financialData": _names("currentPrice maxAge profitMargins"),
    "calendarEvents": _names("earnings exDividendDate maxAge"),
    "calendarEvents.earnings": _names("earningsCallDate earningsDate"),
    "majorHoldersBreakdown": _names("insidersPercentHeld institutionsPercentHeld maxAge"),
    "institutionOwnership": _names("maxAge"),
    "companyOfficers": _names("maxAge"),
    "recommendationTrend": _names("period"),
    "upgradeDowngradeHistory": _names("currentPriceTarget priceTargetAction priorPriceTarget"),
    "esgScores": _names(
        "adult alcoholic animalTesting catholic coal controversialWeapons environmentPercentile furLeather gambling gmo "
        "governancePercentile maxAge militaryContract nuclear palmOil peerEnvironmentPerformance "
        "peerEsgScorePerformance peerGovernancePerformance peerHighestControversyPerformance peerSocialPerformance "
        "pesticides relatedControversy smallArms socialPercentile tobacco"
    ),
    "esgScores.peers": frozenset(),
    "quote": _names(
        f"{_COINS} beta coinImageUrl contractSymbol corporateActions cryptoTradeable customPriceAlertConfidence displayName "
        "earningsCallTimestampEnd earningsCallTimestampStart esgPopulated exchangeTimezoneName exchangeTimezoneShortName "
        "expireDate expireIsoDate fiftyDayAverageChange fiftyDayAverageChangePercent fiftyTwoWeekHighChange "
        "fiftyTwoWeekHighChangePercent fiftyTwoWeekLowChange fiftyTwoWeekLowChangePercent fiftyTwoWeekRange "
        "firstTradeDateMilliseconds fullExchangeName gmtOffSetMilliseconds hasPrePostMarketData headSymbolAsString "
        "ipoExpectedDate language logoUrl longName market messageBoardId openInterest postMarketChange "
        "postMarketChangePercent preMarketChange preMarketChangePercent priceHint quoteSourceName region "
        "regularMarketDayRange shortName sourceInterval symbol tradeable trailingThreeMonthNavReturns "
        "trailingThreeMonthReturns triggerable twoHundredDayAverageChange twoHundredDayAverageChangePercent typeDisp "
        "underlyingExchangeSymbol underlyingSymbol ytdReturn"
    ),
}
"""Fields that are known and not stored, by module."""
