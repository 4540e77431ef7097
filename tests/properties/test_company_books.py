"""Statements of the simulated companies: they balance, agree with each other, and never know the future."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.simulator.market.company_books import company_books, diluted
from trading_assets.simulator.market.synthetic import SyntheticMarket

MARKET = SyntheticMarket(7, 60, date(2022, 1, 3))
COMPANIES = [
    item.symbol for item in MARKET.instruments() if item.asset_type == "CS" and item.delisted is None
]
symbols = st.sampled_from(COMPANIES)
instants = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minutes: datetime(2022, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
SUMS = {
    "GrossProfit": ("TotalRevenue", "-CostOfRevenue"),
    "OperatingIncome": ("GrossProfit", "-OperatingExpense"),
    "OperatingExpense": ("ResearchAndDevelopment", "SellingGeneralAndAdministration"),
    "PretaxIncome": ("OperatingIncome", "InterestIncome", "-InterestExpense"),
    "NetIncome": ("PretaxIncome", "-TaxProvision"),
    "EBITDA": ("PretaxIncome", "InterestExpense", "ReconciledDepreciation"),
    "TotalAssets": ("CurrentAssets", "TotalNonCurrentAssets"),
    "StockholdersEquity": ("TotalAssets", "-TotalLiabilitiesNetMinorityInterest"),
    "TotalDebt": ("CurrentDebt", "LongTermDebt"),
    "OperatingCashFlow": ("NetIncomeFromContinuingOperations", "DepreciationAndAmortization", "ChangeInWorkingCapital"),
    "ChangesInCash": ("OperatingCashFlow", "InvestingCashFlow", "FinancingCashFlow"),
    "FreeCashFlow": ("OperatingCashFlow", "CapitalExpenditure"),
    "EndCashPosition": ("BeginningCashPosition", "ChangesInCash"),
}  # fmt: skip
"""Lines that are sums of others, on every statement, yearly and quarterly."""


def total(lines, names, place):
    return sum(
        -lines[name[1:]][place][1] if name.startswith("-") else lines[name][place][1] for name in names
    )


@settings(max_examples=60, deadline=None)
@given(symbols, instants)
def test_every_line_is_the_sum_of_its_parts_to_the_dollar(symbol, now):
    books = company_books(MARKET, symbol, now)
    for lines in (books.annual(), books.quarterly()):
        for line, parts in SUMS.items():
            for place, (_, value) in enumerate(lines[line]):
                assert value == total(lines, parts, place), (line, place)


@settings(max_examples=60, deadline=None)
@given(symbols, instants)
def test_earnings_per_share_times_shares_is_the_income(symbol, now):
    lines = company_books(MARKET, symbol, now).quarterly()
    for (_, eps), (_, income), (_, shares) in zip(
        lines["DilutedEPS"], lines["NetIncome"], lines["DilutedAverageShares"], strict=True
    ):
        assert eps * shares == pytest.approx(income, abs=0.0051 * shares)
        assert shares == diluted(lines["OrdinarySharesNumber"][0][1])


@settings(max_examples=60, deadline=None)
@given(symbols, instants)
def test_a_year_is_its_four_quarters_and_ends_as_its_last(symbol, now):
    books = company_books(MARKET, symbol, now)
    years, quarters = books.annual(), books.quarterly()
    end, revenue = years["TotalRevenue"][-1]
    shown = [day for day, _ in quarters["TotalRevenue"]]
    if end == shown[-1] or end == shown[-2]:
        last = shown.index(end)
        assert revenue == sum(value for _, value in quarters["TotalRevenue"][last - 3 : last + 1])
        assert years["TotalAssets"][-1] == quarters["TotalAssets"][last]
    assert [day.month for day, _ in years["TotalRevenue"]] == [books.fiscal_month] * 4


@settings(max_examples=60, deadline=None)
@given(symbols, instants)
def test_a_quarter_is_known_from_its_reporting_date_on(symbol, now):
    books = company_books(MARKET, symbol, now)
    assert books.ends[-1] < books.reported_at.date()
    assert books.reported_at <= now < books.next_report_at
    assert books.next_report_at.weekday() < 5
    assert company_books(MARKET, symbol, books.next_report_at - timedelta(seconds=1)).ends == books.ends
    assert company_books(MARKET, symbol, books.next_report_at).ends[-2] == books.ends[-1]


@settings(max_examples=60, deadline=None)
@given(symbols, instants, st.integers(1, 400))
def test_what_was_reported_stays_except_the_last_quarter_until_the_next_report(symbol, now, days):
    earlier, later = (
        company_books(MARKET, symbol, now),
        company_books(MARKET, symbol, now + timedelta(days=days)),
    )
    for line in ("TotalRevenue", "NetIncome", "TotalAssets", "CashDividendsPaid"):
        before = dict(earlier.quarterly()[line][:-1])
        after = dict(later.quarterly()[line])
        assert {day: after[day] for day in before if day in after} == {
            day: value for day, value in before.items() if day in after
        }


def test_some_quarters_are_restated_with_the_next_report():
    restated = 0
    for symbol in COMPANIES:
        books = company_books(MARKET, symbol, datetime(2025, 6, 1, tzinfo=UTC))
        later = company_books(MARKET, symbol, books.next_report_at)
        first, second = books.quarterly()["TotalRevenue"][-1], later.quarterly()["TotalRevenue"][-2]
        assert first[0] == second[0]
        restated += first[1] != second[1]
    assert 0 < restated < len(COMPANIES) / 3


def test_books_do_not_depend_on_how_many_companies_and_years_are_served():
    now = datetime(2025, 6, 1, tzinfo=UTC)
    other = SyntheticMarket(7, 90, date(2018, 1, 2))
    for symbol in COMPANIES[:20]:
        ours, theirs = (company_books(market, symbol, now).quarterly() for market in (MARKET, other))
        assert ours == theirs


def test_ratios_to_the_price_are_those_of_a_market():
    now = datetime(2025, 6, 2, 22, tzinfo=UTC)
    day = date(2025, 6, 2)
    ratios = []
    for symbol in COMPANIES:
        close = MARKET.series(symbol, day, day, now).close
        books = company_books(MARKET, symbol, now)
        if len(close):
            ratios.append(float(close[0]) * books.shares / books.newest("StockholdersEquity"))
    ratios.sort()
    assert ratios[0] > 0.3
    assert 1.0 < ratios[len(ratios) // 2] < 6.0


def test_funds_have_no_books():
    assert company_books(MARKET, "SPY", datetime(2025, 6, 2, tzinfo=UTC)) is None
