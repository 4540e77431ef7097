"""yfinance, unmodified, reads every kind of company data from the simulator; our adapter reads the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
import requests

from resources.clock import SimulatorClock
from resources.vendors.http.policy import HttpGate, HttpPolicy
from resources.vendors.yahoo.company import YahooCompanies
from trading_assets.tables.companies import COMPANY_TABLES

NOW = datetime(2024, 6, 28, 22, 0, tzinfo=UTC)
SESSION = date(2024, 6, 28)
MODULES = "assetProfile,summaryDetail,defaultKeyStatistics,financialData"

# yfinance 1.7 uses arguments that pandas 3 deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace")


@pytest.fixture(scope="module")
def simulated(start_simulator):
    return start_simulator(seed=7, symbols=60, years=3, at=NOW.isoformat())


@pytest.fixture(scope="module")
def snapshot(simulated, tmp_path_factory):
    source = YahooCompanies(
        simulated.base_url,
        gate=HttpGate(HttpPolicy("yahoo")),
        clock=SimulatorClock(simulated.base_url),
        cache=tmp_path_factory.mktemp("yfinance"),
    )
    listed = requests.get(
        f"{simulated.base_url}/v3/reference/tickers?limit=1000&date=2024-06-28&apiKey=any", timeout=30
    ).json()["results"]
    return source.companies(sorted(row["ticker"] for row in listed), SESSION)


@pytest.fixture(scope="module")
def company(snapshot):
    """A company that has split, pays dividends, is rated, and earns money."""
    symbols = [
        set(snapshot.frames[name]["symbol"]) for name in ("split_history", "dividend_history", "esg_scores")
    ]
    earning = snapshot.frames["key_statistics"].filter(pl.col("trailing_pe") > 0)["symbol"]
    return min(set.intersection(set(earning), *symbols[1:]) & (symbols[0] or set(earning)))


@pytest.fixture(scope="module")
def yahoo(simulated, tmp_path_factory, to_simulator):
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))
    session = to_simulator(simulated.base_url)

    def ticker(symbol):
        yfinance.config.debug.hide_exceptions = (
            True  # its default, which our own adapter changes in this process
        )
        return yfinance.Ticker(symbol, session=session)

    return ticker


def rows(snapshot, table, symbol):
    return snapshot.frames[table].filter(symbol=symbol)


def test_the_client_reads_info_and_officers(yahoo, snapshot, company):
    info = yahoo(company).info
    [facts] = rows(snapshot, "key_statistics", company).to_dicts()
    assert facts["peg_ratio"] is None or facts["peg_ratio"] > 0
    [about] = rows(snapshot, "company_info", company).to_dicts()
    assert (info["sector"], info["industry"]) == (about["sector"], about["industry"])
    assert info["marketCap"] == facts["market_cap_usd"]
    assert info["totalRevenue"] == facts["total_revenue_reported"]
    assert info["trailingPE"] == facts["trailing_pe"]
    assert info["debtToEquity"] == pytest.approx(100 * facts["debt_to_equity"])
    officers = [(row["name"], row["title"]) for row in info["companyOfficers"]]
    assert officers == rows(snapshot, "officers", company).select("name", "title").rows()


@pytest.mark.parametrize(
    ("attribute", "statement", "frequency", "periods"),
    [
        ("income_stmt", "income", "annual", 4),
        ("quarterly_income_stmt", "income", "quarterly", 5),
        ("balance_sheet", "balance_sheet", "annual", 4),
        ("quarterly_balance_sheet", "balance_sheet", "quarterly", 5),
        ("cash_flow", "cash_flow", "annual", 4),
        ("quarterly_cash_flow", "cash_flow", "quarterly", 5),
    ],
)
def test_the_client_reads_statements(yahoo, snapshot, company, attribute, statement, frequency, periods):
    theirs = getattr(yahoo(company), attribute)
    ours = rows(snapshot, "financial_statements", company).filter(statement=statement, frequency=frequency)
    assert theirs.shape[1] == periods == ours["period_end"].n_unique()
    assert theirs.shape[0] == ours["item"].n_unique()
    assert sorted(theirs.stack().tolist()) == pytest.approx(sorted(ours["value"]))
    newest = ours.filter(period_end=theirs.columns[0].date()).select("item", "value").rows_by_key("item")
    label = {"income": "Net Income", "balance_sheet": "Total Assets", "cash_flow": "Free Cash Flow"}[
        statement
    ]
    assert theirs.loc[label].iloc[0] == newest[label.lower().replace(" ", "_")][0][0]


def test_the_client_reads_holders_and_analysts(yahoo, snapshot, company):
    ticker = yahoo(company)
    holders = rows(snapshot, "institutional_holders", company)
    assert list(ticker.institutional_holders["Holder"]) == holders["holder"].to_list()
    assert list(ticker.institutional_holders["Shares"]) == holders["held_shares"].to_list()
    trend = rows(snapshot, "analyst_recommendations", company)
    assert list(ticker.recommendations["buy"]) == trend["buy"].to_list()
    assert len(ticker.upgrades_downgrades) >= rows(snapshot, "analyst_rating_changes", company).height > 0


def test_the_client_reads_esg_of_those_that_are_rated(yahoo, snapshot, company):
    [scores] = rows(snapshot, "esg_scores", company).to_dicts()
    assert yahoo(company).sustainability.loc["totalEsg", "esgScores"] == scores["total_score"]
    unrated = next(symbol for symbol in snapshot.empty["esg_scores"] if symbol != "SPY")
    assert yahoo(unrated).sustainability.empty


def test_the_client_reads_dividends_and_splits(yahoo, snapshot, company):
    dividends, splits = yahoo(company).dividends, yahoo(company).splits
    ours = rows(snapshot, "dividend_history", company)
    assert [stamp.date() for stamp in dividends.index] == ours["ex_date"].to_list()
    assert dividends.tolist() == pytest.approx(ours["adjusted_cash_usd"].to_list())
    assert splits.tolist() == rows(snapshot, "split_history", company)["split_ratio"].to_list()


def test_ratios_of_the_snapshot_are_those_of_its_own_numbers(snapshot):
    facts = snapshot.frames["key_statistics"].join(
        snapshot.frames["market_data"].select("symbol", "price_usd"), on="symbol"
    )
    companies = facts.filter(pl.col("reporting_currency") == "USD")
    assert companies.height > 30
    for row in companies.iter_rows(named=True):
        cap, price = row["market_cap_usd"], row["price_usd"]
        assert cap == pytest.approx(row["shares_outstanding"] * price, rel=1e-6)
        assert row["price_to_sales"] == pytest.approx(cap / row["total_revenue_reported"], rel=1e-5)
        assert row["price_to_book"] == pytest.approx(price / row["book_value_per_share_reported"], rel=1e-5)
        if row["trailing_eps_usd"] > 0:
            assert row["trailing_pe"] == pytest.approx(price / row["trailing_eps_usd"], rel=1e-4)
        else:
            assert row["trailing_pe"] is None


def test_nothing_is_left_out_that_nobody_told_us_of(snapshot):
    funds = {f"companies without {frequency} statements" for frequency in ("annual", "quarterly")}
    assert set(snapshot.left_out) == {"rating older than a year", *funds}


def test_every_kind_is_filled_and_what_is_missing_is_named(snapshot):
    every = set(snapshot.frames["market_data"]["symbol"])
    assert len(every) > 40
    for name, frame in snapshot.frames.items():
        assert frame.columns == [c for c in COMPANY_TABLES[name].columns if c not in {"batch_id", "known_at"}]
        assert frame.height > 0, name
        assert set(frame["symbol"]) | set(snapshot.empty.get(name, ())) == every, name
        assert set(frame["session"]) == {SESSION}


def test_a_new_quarter_appears_on_its_reporting_date(start_simulator, tmp_path):
    moving = start_simulator(seed=7, symbols=30, years=2, at="2024-07-10T22:00:00+00:00")
    clock = SimulatorClock(moving.base_url)
    source = YahooCompanies(
        moving.base_url, gate=HttpGate(HttpPolicy("yahoo")), clock=clock, cache=tmp_path / "yfinance"
    )

    def newest(symbol, session):
        frame = source.companies([symbol], session).frames["financial_statements"]
        return frame.filter(frequency="quarterly")["period_end"].max()

    [row] = requests.get(
        f"{moving.base_url}/v3/reference/tickers?limit=1&type=CS&apiKey=any", timeout=30
    ).json()["results"]
    symbol = row["ticker"]
    reports = source.companies([symbol], date(2024, 7, 10)).frames["key_statistics"]["next_earnings_at"][0]
    assert newest(symbol, date(2024, 7, 10)) == date(2024, 3, 31)
    clock.advance_to(reports - timedelta(minutes=1))
    assert newest(symbol, date(2024, 7, 10)) == date(2024, 3, 31)
    clock.advance_to(reports)
    assert newest(symbol, date(2024, 7, 10)) == date(2024, 6, 30)


def test_a_replayed_market_has_no_company_data(start_simulator, tmp_path):
    bars = pl.DataFrame(
        {
            "symbol": ["OLD"] * 3,
            "session": [date(2016, 6, day) for day in (28, 29, 30)],
            **{name: [10.0, 10.5, 11.0] for name in ("open", "high", "low", "close")},
            "volume": [1000.0] * 3,
        }
    )
    bars.write_parquet(tmp_path / "bars.parquet")
    replayed = start_simulator(replay=tmp_path / "bars.parquet", at="2016-06-30T22:00:00+00:00")
    answer = requests.get(f"{replayed.base_url}/v10/finance/quoteSummary/OLD?modules={MODULES}", timeout=30)
    assert answer.status_code == 404
    assert answer.json()["quoteSummary"]["error"] == {
        "code": "Not Found",
        "description": "No fundamentals data found for symbol: OLD",
    }
    source = YahooCompanies(
        replayed.base_url,
        gate=HttpGate(HttpPolicy("yahoo")),
        clock=SimulatorClock(replayed.base_url),
        cache=tmp_path / "yfinance",
    )
    snapshot = source.companies(["OLD"], date(2016, 6, 30))
    assert {name for name, frame in snapshot.frames.items() if frame.height} == {"market_data"}
    assert all(snapshot.empty[name] == ("OLD",) for name in COMPANY_TABLES if name != "market_data")
