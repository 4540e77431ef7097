"""Company tables: the ten kinds of company data as dated snapshots; one constant a table, grain in each.

A snapshot is dated by the newest closed session at the time it is taken. "As known at S" is the newest one dated S
or earlier. Amounts of a company's books are in the currency it reports in, which a column beside them names (columns in
``_reported``). Where prices are quoted in another currency than dollars, columns in ``_usd`` are null; where the two
currencies differ, ratios that the vendor takes between them are null.
"""

from __future__ import annotations

import polars as pl

from trading_assets.table import BATCH_ID, KNOWN_AT, SYMBOL, UTC_INSTANT, Column, Table

SNAPSHOT = Column(
    pl.Date, "Session that the snapshot is dated: the newest closed one when it was taken", nullable=False
)
REPORTED = "reporting currency"


def _text(description: str) -> Column:
    return Column(pl.String, description)


def _usd(description: str) -> Column:
    return Column(pl.Float64, description, "USD")


def _reported(description: str) -> Column:
    return Column(pl.Float64, description, REPORTED)


def _frac(description: str) -> Column:
    return Column(pl.Float64, description, "fraction")


def _ratio(description: str, unit: str = "") -> Column:
    return Column(pl.Float64, description, unit)


def _shares(description: str) -> Column:
    return Column(pl.Float64, description, "shares")


def _count(description: str, unit: str = "") -> Column:
    return Column(pl.Int64, description, unit)


def _day(description: str) -> Column:
    return Column(pl.Date, description)


def _instant(description: str) -> Column:
    return Column(UTC_INSTANT, description, "UTC")


def _flag(description: str) -> Column:
    return Column(pl.Boolean, description)


def _required(column: Column) -> Column:
    return Column(column.dtype, column.description, column.unit, nullable=False)


def _snapshot(name: str, grain: str, columns: dict[str, Column], *key: str) -> Table:
    return Table(
        name=name,
        grain=grain,
        columns={
            "symbol": SYMBOL,
            "session": SNAPSHOT,
            **{column: _required(columns[column]) for column in key},
            **{column: what for column, what in columns.items() if column not in key},
            "batch_id": BATCH_ID,
            "known_at": KNOWN_AT,
        },
        key=("symbol", "session", *key),
        provenance=("batch_id", "known_at"),
        versioned=True,
        tags=("companies",),
    )


_REPORTING_CURRENCY = _text("ISO code of the currency that the company reports in")
_RANK = Column(pl.Int32, "Place in the vendor's list, from 1")

COMPANY_INFO = _snapshot(
    "company_info",
    "One row per (symbol, snapshot): who the company or fund is",
    {
        "name": _text("Full name"),
        "short_name": _text("Short name"),
        "asset_type": _text("EQUITY, ETF, MUTUALFUND, ..."),
        "exchange": _text("Exchange in the vendor's code, e.g. NMS, NYQ, PCX"),
        "time_zone": _text("Time zone of the exchange"),
        "first_trade_date": _day("First day of trading, exchange date"),
        "currency": _text("ISO code of the currency of its prices"),
        "reporting_currency": _REPORTING_CURRENCY,
        "sector": _text("Sector, in the vendor's words"),
        "industry": _text("Industry, in the vendor's words"),
        "employee_count": _count("Full-time employees", "people"),
        "summary": _text("What it does"),
        "website": _text("Web site"),
        "investor_website": _text("Web site for investors"),
        "phone": _text("Telephone number"),
        "address": _text("Street; lines joined with a comma"),
        "city": _text("City"),
        "state": _text("State or province"),
        "postal_code": _text("Postal code"),
        "country": _text("Country"),
        "audit_risk": _count("Governance risk of the audit, 1 (low) to 10", "decile"),
        "board_risk": _count("Governance risk of the board, 1 (low) to 10", "decile"),
        "compensation_risk": _count("Governance risk of the compensation, 1 (low) to 10", "decile"),
        "shareholder_rights_risk": _count(
            "Governance risk of the shareholders' rights, 1 (low) to 10", "decile"
        ),
        "overall_risk": _count("Governance risk overall, 1 (low) to 10", "decile"),
        "governance_date": _day("Date of the governance risks"),
        "fund_family": _text("Family of a fund"),
        "fund_category": _text("Category of a fund"),
        "fund_legal_type": _text("Legal type of a fund"),
        "fund_inception_date": _day("Day on which a fund began"),
    },
)

KEY_STATISTICS = _snapshot(
    "key_statistics",
    "One row per (symbol, snapshot): valuation, profitability, balance, dividends, short interest, targets",
    {
        "currency": _text("ISO code of the currency of its prices"),
        "reporting_currency": _REPORTING_CURRENCY,
        "market_cap_usd": _usd("Market capitalisation"),
        "enterprise_value_reported": _reported("Market capitalisation plus debt minus cash"),
        "trailing_pe": _ratio("Price / earnings of the last four quarters; null without earnings"),
        "forward_pe": _ratio("Price / expected earnings of the next fiscal year"),
        "peg_ratio": _ratio("Trailing price/earnings / expected growth in percent"),
        "price_to_sales": _ratio("Market capitalisation / revenue of the last four quarters"),
        "price_to_book": _ratio("Price / book value per share"),
        "ev_to_revenue": _ratio("Enterprise value / revenue of the last four quarters"),
        "ev_to_ebitda": _ratio("Enterprise value / EBITDA of the last four quarters"),
        "trailing_eps_usd": _usd("Earnings per share of the last four quarters, diluted"),
        "forward_eps_usd": _usd("Expected earnings per share of the next fiscal year"),
        "total_revenue_reported": _reported("Revenue of the last four quarters"),
        "revenue_per_share_reported": _reported("Revenue of the last four quarters per share"),
        "gross_profit_reported": _reported("Gross profit of the last four quarters"),
        "ebitda_reported": _reported("EBITDA of the last four quarters"),
        "net_income_reported": _reported("Net income to common shares of the last four quarters"),
        "operating_cash_flow_reported": _reported("Operating cash flow of the last four quarters"),
        "free_cash_flow_reported": _reported("Levered free cash flow of the last four quarters"),
        "revenue_growth_frac": _frac("Revenue of the last quarter against the same quarter a year before"),
        "earnings_growth_frac": _frac("Earnings per share of the last quarter against a year before"),
        "quarterly_earnings_growth_frac": _frac("Net income of the last quarter against a year before"),
        "gross_margin_frac": _frac("Gross profit / revenue"),
        "ebitda_margin_frac": _frac("EBITDA / revenue"),
        "operating_margin_frac": _frac("Operating income / revenue"),
        "profit_margin_frac": _frac("Net income / revenue"),
        "return_on_assets_frac": _frac("Operating income after a standard tax / average assets"),
        "return_on_equity_frac": _frac("Net income / average equity"),
        "total_cash_reported": _reported("Cash and short-term investments, last quarter"),
        "cash_per_share_reported": _reported("The same per share"),
        "total_debt_reported": _reported("Debt, last quarter"),
        "debt_to_equity": _ratio("Debt / equity, last quarter"),
        "current_ratio": _ratio("Current assets / current liabilities"),
        "quick_ratio": _ratio("(Current assets - inventory) / current liabilities"),
        "book_value_per_share_reported": _reported("Equity per share, last quarter"),
        "dividend_rate_usd": _usd("Expected cash dividends of a year per share"),
        "dividend_yield_frac": _frac("The same / price"),
        "trailing_dividend_rate_reported": _reported("Cash dividends of the last year per share"),
        "trailing_dividend_yield_frac": _frac("The same / previous close"),
        "five_year_dividend_yield_frac": _frac("Average dividend yield of five years"),
        "payout_ratio_frac": _frac("Dividends / earnings"),
        "ex_dividend_date": _day("Newest announced ex-date of a dividend"),
        "dividend_date": _day("Day on which that dividend is paid"),
        "last_dividend_usd": _usd("Last cash dividend per share"),
        "last_dividend_date": _day("Its ex-date"),
        "last_split_ratio": _ratio("New shares per old share in the last split", "shares per share"),
        "last_split_date": _day("Its ex-date"),
        "shares_outstanding": _shares("Shares outstanding of this class"),
        "implied_shares_outstanding": _shares("Shares outstanding, all classes converted to this one"),
        "float_shares": _shares("Shares that trade freely"),
        "shares_short": _shares("Shares sold short"),
        "shares_short_prior": _shares("Shares sold short at the report before"),
        "short_interest_date": _day("Settlement date of the short interest"),
        "short_interest_prior_date": _day("Settlement date of the report before"),
        "short_ratio_days": _ratio("Shares sold short / average daily volume", "days"),
        "short_of_float_frac": _frac("Shares sold short / float"),
        "short_of_outstanding_frac": _frac("Shares sold short / shares outstanding"),
        "held_by_insiders_frac": _frac("Shares held by insiders / shares outstanding"),
        "held_by_institutions_frac": _frac("Shares held by institutions / shares outstanding"),
        "float_held_by_institutions_frac": _frac("Shares held by institutions / float"),
        "institution_count": _count("Institutions that hold it"),
        "beta": _ratio("Slope of monthly returns against the market's, five years"),
        "beta_three_year": _ratio("The same over three years; funds"),
        "change_52_week_frac": _frac("Change of the price in 52 weeks"),
        "index_change_52_week_frac": _frac("Change of the S&P 500 in 52 weeks"),
        "low_52_week_usd": _usd("Lowest price in 52 weeks"),
        "high_52_week_usd": _usd("Highest price in 52 weeks"),
        "average_50_day_usd": _usd("Mean close of 50 sessions"),
        "average_200_day_usd": _usd("Mean close of 200 sessions"),
        "average_volume_shares": _shares("Mean daily volume of three months"),
        "average_volume_10_day_shares": _shares("Mean daily volume of ten sessions"),
        "target_high_usd": _usd("Highest price target of the analysts"),
        "target_low_usd": _usd("Lowest price target"),
        "target_mean_usd": _usd("Mean price target"),
        "target_median_usd": _usd("Median price target"),
        "recommendation_mean": _ratio("Mean rating: 1 strong buy to 5 strong sell"),
        "recommendation": _text("The same in a word: strong_buy, buy, hold, underperform, sell or none"),
        "analyst_count": _count("Analysts with an opinion"),
        "last_fiscal_year_end": _day("End of the last fiscal year"),
        "next_fiscal_year_end": _day("End of the fiscal year that goes on"),
        "most_recent_quarter": _day("End of the newest reported quarter"),
        "next_earnings_at": _instant("Next earnings report, or the first instant of the time it may come"),
        "is_next_earnings_estimated": _flag("That instant is an estimate"),
        "eps_estimate_reported": _reported("Expected earnings per share of that report"),
        "eps_estimate_low_reported": _reported("Lowest expectation"),
        "eps_estimate_high_reported": _reported("Highest expectation"),
        "revenue_estimate_reported": _reported("Expected revenue of that report"),
        "revenue_estimate_low_reported": _reported("Lowest expectation"),
        "revenue_estimate_high_reported": _reported("Highest expectation"),
        "fund_assets_usd": _usd("Assets of a fund"),
        "fund_nav_usd": _usd("Net asset value per share of a fund"),
        "fund_yield_frac": _frac("Distribution yield of a fund"),
        "fund_expense_ratio_frac": _frac("Yearly expenses of a fund / its assets"),
    },
)

DIVIDEND_HISTORY = _snapshot(
    "dividend_history",
    "One row per (symbol, snapshot, ex-date): every cash dividend that the vendor lists",
    {
        "ex_date": _day("First session that trades without the dividend, exchange date"),
        "cash_usd": _usd("Cash per share as it was paid: the vendor's figure with later splits undone"),
        "adjusted_cash_usd": _usd("Cash per share in shares of the snapshot, as the vendor lists it"),
    },
    "ex_date",
)

SPLIT_HISTORY = _snapshot(
    "split_history",
    "One row per (symbol, snapshot, ex-date): every split that the vendor lists; some are spin-offs told as a ratio",
    {
        "ex_date": _day("First session in new shares, exchange date"),
        "split_ratio": Column(pl.Float64, "New shares per old share", "shares per share", nullable=False),
        "new_shares": _ratio("Numerator as the vendor writes it", "shares"),
        "old_shares": _ratio("Denominator as the vendor writes it", "shares"),
    },
    "ex_date",
)

INSTITUTIONAL_HOLDERS = _snapshot(
    "institutional_holders",
    "One row per (symbol, snapshot, rank): the largest institutional holders",
    {
        "rank": _RANK,
        "holder": Column(pl.String, "Name of the institution", nullable=False),
        "reported_date": _day("Date of the report that the position is from"),
        "held_shares": _shares("Shares held"),
        "value_usd": _usd("Their value at the vendor's price"),
        "held_frac": _frac("Shares held / shares outstanding"),
        "change_frac": _frac("Change of the position since the report before"),
    },
    "rank",
)

FINANCIAL_STATEMENTS = _snapshot(
    "financial_statements",
    "One row per (symbol, snapshot, statement, frequency, period, item): statements as reported or restated by then",
    {
        "statement": _text("income, balance_sheet or cash_flow"),
        "frequency": _text("annual or quarterly"),
        "period_end": _day("Last day of the period"),
        "item": _text("Line of the statement, e.g. total_revenue, net_income, total_assets"),
        "value": Column(pl.Float64, "Value in the unit that `unit` names", nullable=False),
        "unit": Column(pl.String, "currency, currency per share, shares or fraction", nullable=False),
        "currency": _text("ISO code of the currency; also stated where the unit is shares"),
    },
    "statement",
    "frequency",
    "period_end",
    "item",
)

OFFICERS = _snapshot(
    "officers",
    "One row per (symbol, snapshot, rank): officers and their pay",
    {
        "rank": _RANK,
        "name": Column(pl.String, "Name", nullable=False),
        "title": _text("Title"),
        "age": _count("Age", "years"),
        "born_year": _count("Year of birth"),
        "fiscal_year": _count("Fiscal year of the pay"),
        "total_pay_reported": _reported("Salary, bonuses and the like in that year"),
        "exercised_reported": _reported("Value of options exercised in that year"),
        "unexercised_reported": _reported("Value of options not exercised at its end"),
        "reporting_currency": _REPORTING_CURRENCY,
    },
    "rank",
)

ANALYST_RECOMMENDATIONS = _snapshot(
    "analyst_recommendations",
    "One row per (symbol, snapshot, months ago): how many analysts recommended what",
    {
        "months_ago": Column(pl.Int32, "0 = the month of the snapshot", "months"),
        "strong_buy": _count("Analysts who say strong buy"),
        "buy": _count("Analysts who say buy"),
        "hold": _count("Analysts who say hold"),
        "sell": _count("Analysts who say sell"),
        "strong_sell": _count("Analysts who say strong sell"),
    },
    "months_ago",
)

ANALYST_RATING_CHANGES = _snapshot(
    "analyst_rating_changes",
    "One row per (symbol, snapshot, instant, firm): ratings given in the 370 days before the snapshot",
    {
        "graded_at": _instant("Instant of the rating"),
        "firm": _text("Firm that rates"),
        "action": _text("up, down, main (maintained), reit (reiterated) or init"),
        "to_grade": _text("Rating, in the firm's words"),
        "from_grade": _text("Rating before"),
    },
    "graded_at",
    "firm",
)

ESG_SCORES = _snapshot(
    "esg_scores",
    "One row per (symbol, snapshot): environmental, social and governance risk; only for those that are rated",
    {
        "total_score": _ratio("Unmanaged risk: 0 none, above 40 severe"),
        "environment_score": _ratio("Environmental part of it"),
        "social_score": _ratio("Social part of it"),
        "governance_score": _ratio("Governance part of it"),
        "percentile_frac": _frac("Share of the rated companies with a lower risk"),
        "controversy_level": _ratio("Highest controversy: 0 none to 5 severe"),
        "performance": _text("Verdict against the peers: UNDER_PERF, AVG_PERF, OUT_PERF, ..."),
        "peer_group": _text("Peers that it is compared with"),
        "peer_count": _count("How many they are"),
        "peer_score_min": _ratio("Lowest total risk of the peers"),
        "peer_score_mean": _ratio("Mean total risk of the peers"),
        "peer_score_max": _ratio("Highest total risk of the peers"),
        "rated_year": _count("Year of the rating"),
        "rated_month": _count("Month of the rating"),
    },
)

MARKET_DATA = _snapshot(
    "market_data",
    "One row per (symbol, snapshot): the vendor's quote at the snapshot",
    {
        "quoted_at": _instant("Instant of the last regular trade"),
        "market_state": _text("PRE, REGULAR, POST, CLOSED, ..."),
        "currency": _text("ISO code of the currency of its prices"),
        "reporting_currency": _REPORTING_CURRENCY,
        "exchange": _text("Exchange in the vendor's code"),
        "asset_type": _text("EQUITY, ETF, MUTUALFUND, ..."),
        "delay_minutes": _count("Delay of the quote", "minutes"),
        "price_usd": _usd("Last regular price"),
        "previous_close_usd": _usd("Close of the session before"),
        "open_usd": _usd("First price of the session"),
        "high_usd": _usd("Highest price of the session"),
        "low_usd": _usd("Lowest price of the session"),
        "volume_shares": _shares("Shares traded in the session"),
        "change_usd": _usd("Price - previous close"),
        "change_frac": _frac("The same / previous close"),
        "bid_usd": _usd("Best bid"),
        "ask_usd": _usd("Best offer"),
        "bid_size": _ratio("Size of the best bid", "round lots"),
        "ask_size": _ratio("Size of the best offer", "round lots"),
        "pre_market_price_usd": _usd("Last price before the open"),
        "pre_market_at": _instant("Its instant"),
        "post_market_price_usd": _usd("Last price after the close"),
        "post_market_at": _instant("Its instant"),
        "market_cap_usd": _usd("Market capitalisation"),
        "shares_outstanding": _shares("Shares outstanding"),
        "average_volume_10_day_shares": _shares("Mean daily volume of ten sessions"),
        "average_volume_3_month_shares": _shares("Mean daily volume of three months"),
        "low_52_week_usd": _usd("Lowest price in 52 weeks"),
        "high_52_week_usd": _usd("Highest price in 52 weeks"),
        "change_52_week_frac": _frac("Change of the price in 52 weeks"),
        "average_50_day_usd": _usd("Mean close of 50 sessions"),
        "average_200_day_usd": _usd("Mean close of 200 sessions"),
        "trailing_pe": _ratio("Price / earnings of the last four quarters"),
        "forward_pe": _ratio("Price / expected earnings of the next fiscal year"),
        "price_to_book": _ratio("Price / book value per share"),
        "price_to_current_year_eps": _ratio("Price / expected earnings of the fiscal year that goes on"),
        "trailing_eps_usd": _usd("Earnings per share of the last four quarters"),
        "forward_eps_usd": _usd("Expected earnings per share of the next fiscal year"),
        "current_year_eps_reported": _reported("Expected earnings per share of the fiscal year that goes on"),
        "book_value_per_share_reported": _reported("Equity per share, last quarter"),
        "dividend_rate_usd": _usd("Expected cash dividends of a year per share"),
        "dividend_yield_frac": _frac("The same / price"),
        "trailing_dividend_rate_reported": _reported("Cash dividends of the last year per share"),
        "trailing_dividend_yield_frac": _frac("The same / previous close"),
        "dividend_date": _day("Day on which the newest dividend is paid"),
        "last_earnings_at": _instant("Earnings report nearest to the quote, past or next"),
        "next_earnings_from": _instant("Earliest instant of the next earnings report"),
        "next_earnings_to": _instant("Latest instant of the next earnings report"),
        "is_next_earnings_estimated": _flag("Those instants are an estimate"),
        "analyst_rating": _text("Mean rating with its label, e.g. 2.0 - Buy"),
        "fund_assets_usd": _usd("Net assets of a fund"),
        "fund_expense_ratio_frac": _frac("Yearly expenses of a fund / its assets"),
    },
)

COMPANY_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        COMPANY_INFO,
        KEY_STATISTICS,
        DIVIDEND_HISTORY,
        SPLIT_HISTORY,
        INSTITUTIONAL_HOLDERS,
        FINANCIAL_STATEMENTS,
        OFFICERS,
        ANALYST_RECOMMENDATIONS,
        ANALYST_RATING_CHANGES,
        ESG_SCORES,
        MARKET_DATA,
    )
}
"""The ten kinds; analyst recommendations are two tables: how many recommend what, and who changed his mind."""
