"""Every body that was recorded from Yahoo, read by the parsers of the kinds that are stored: rows, or why there are none.

``recorded_yahoo.csv`` holds the whole table; the test computes it again from the bodies.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from resources.raw.responses import RawResponse
from resources.vendors.yahoo.chart import parse_chart
from resources.vendors.yahoo.company_parse import MODULES, parse_quotes, parse_summary
from resources.vendors.yahoo.company_series import parse_events, parse_statements
from trading_assets.errors import VendorDataError

EXPECTED = Path(__file__).with_name("recorded_yahoo.csv")
RECORDED_ON = date(2025, 2, 24)
NOT_STORED = "no kind that is stored"
READ_ELSEWHERE = {
    **dict.fromkeys(
        [f"{name}{end}" for name in ("incomeStatementHistory", "balanceSheetHistory", "cashflowStatementHistory")
         for end in ("", "Quarterly")],
        "statements are read from the time series: these modules hold totals only, most of them zero",
    ),
    **dict.fromkeys(("price", "summaryProfile"), "the same fields are read from quotes and assetProfile"),
}  # fmt: skip


def response_of(path: Path) -> RawResponse:
    recorded = json.loads(path.read_text())
    fetched_at = datetime(2025, 2, 24, 22, tzinfo=UTC)
    return RawResponse(recorded["url"], recorded["status"], fetched_at, json.dumps(recorded["body"]).encode())


def symbol_in(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def of_chart(response: RawResponse) -> dict[str, int]:
    symbol = symbol_in(response.url)
    interval = parse_qs(urlsplit(response.url).query).get("interval", ["1d"])[0]
    chart = parse_chart(response, symbol, interval=interval)
    events = parse_events(response, symbol)
    found = {f"bars {interval}": len(chart.times) if chart else 0}
    found |= {"dividend_history": len(events.dividends), "split_history": len(events.splits)}
    return {kind: rows for kind, rows in found.items() if rows or kind.startswith("bars")}


def of_quotes(response: RawResponse) -> dict[str, int]:
    symbols = parse_qs(urlsplit(response.url).query)["symbols"][0].split(",")
    read = parse_quotes(response, {symbol: symbol for symbol in symbols})
    return {"market_data": len(read.rows.get("market_data", []))}


def of_summary(response: RawResponse) -> dict[str, int]:
    read = parse_summary(response, symbol_in(response.url), RECORDED_ON)
    return {table: len(rows) for table, rows in read.rows.items()}


def of_statements(response: RawResponse) -> dict[str, int]:
    return {"financial_statements": parse_statements(response, symbol_in(response.url)).rows.height}


READERS = {
    "chart": of_chart,
    "historical": of_chart,
    "quote": of_quotes,
    "quoteSummary": of_summary,
    "fundamentalsTimeSeries": of_statements,
}


def lines_of(path: Path) -> list[tuple[str, str, str, str]]:
    """Read one body: (body, kind, rows, why there are none) for each kind in it."""
    response, prefix = response_of(path), path.name.split("-", 1)[0]
    try:
        found = READERS[prefix](response)
    except VendorDataError as error:
        return [(path.name, prefix, "0", f"refused: {error.message.split('. ')[0]}")]
    if prefix == "quoteSummary" and not found:
        modules = parse_qs(urlsplit(response.url).query)["modules"][0].split(",")
        why = "no data" if set(modules) & set(MODULES) else READ_ELSEWHERE.get(modules[0], NOT_STORED)
        return [(path.name, ",".join(modules), "0", why)]
    return [(path.name, kind, str(rows), "" if rows else "no data") for kind, rows in sorted(found.items())]


@pytest.fixture(scope="module")
def recorded(shared_data):
    return sorted((shared_data / "wire" / "yahoo").glob("*.json"))


def test_every_recorded_body_gives_the_rows_that_the_table_says(recorded):
    found = [line for path in recorded for line in lines_of(path)]
    with EXPECTED.open(newline="") as file:
        expected = [tuple(line) for line in csv.reader(file)][1:]
    assert found == expected
    assert len({body for body, *_ in found}) == len(recorded) == 263


def test_what_is_refused_was_made_up_to_be_refused_or_is_of_another_kind(recorded):
    refused = {
        body: why for path in recorded for body, _, _, why in lines_of(path) if why.startswith("refused")
    }
    assert all(".fake." in body or "interval" in body for body in refused), refused


def test_apples_statistics_are_read_in_our_units(shared_data):
    path = shared_data / "wire" / "yahoo" / "quoteSummary-all-AAPL.json"
    read = parse_summary(response_of(path), "AAPL", RECORDED_ON)
    [facts], [info] = read.rows["key_statistics"], read.rows["company_info"]
    assert facts["market_cap_usd"] == 3_688_676_720_640
    assert facts["debt_to_equity"] == pytest.approx(1.45)  # Yahoo writes 145
    assert facts["dividend_yield_frac"] == pytest.approx(0.0041)
    assert facts["five_year_dividend_yield_frac"] == pytest.approx(0.006)  # Yahoo writes 0.6
    assert facts["last_split_ratio"] == 4.0
    assert facts["last_split_date"] == date(2020, 8, 31)
    assert facts["ex_dividend_date"] == date(2025, 2, 10)
    assert facts["next_earnings_at"] == datetime(2025, 4, 30, 10, 59, tzinfo=UTC)
    assert info["first_trade_date"] == date(1980, 12, 12)
    assert info["employee_count"] > 100_000
    [largest, *_] = read.rows["institutional_holders"]
    assert (largest["rank"], largest["holder"], largest["reported_date"]) == (
        1,
        "Vanguard Group Inc",
        date(2024, 12, 31),
    )
    assert largest["held_frac"] == pytest.approx(0.0929)
    assert {row["months_ago"]: row["buy"] for row in read.rows["analyst_recommendations"]} == {
        0: 21, 1: 21, 2: 24, 3: 24,
    }  # fmt: skip


def test_ratios_between_two_currencies_are_left_out_and_counted(shared_data):
    path = shared_data / "wire" / "yahoo" / "quoteSummary-all-BABA.json"
    read = parse_summary(response_of(path), "BABA", RECORDED_ON)
    [facts] = read.rows["key_statistics"]
    assert (facts["currency"], facts["reporting_currency"]) == ("USD", "CNY")
    assert facts["price_to_book"] is None  # Yahoo divides dollars by yuan: 0.33
    assert facts["price_to_sales"] is None
    assert facts["market_cap_usd"] == 341_542_830_080
    assert facts["total_revenue_reported"] == 981_767_028_736
    assert read.left_out["ratio between two currencies"] == 3


def test_amounts_in_other_currencies_are_not_stored_as_dollars(shared_data):
    path = shared_data / "wire" / "yahoo" / "quote-OCDO.L.json"
    read = parse_quotes(response_of(path), {"OCDO.L": "OCDO.L"})
    [quote] = read.rows["market_data"]
    assert quote["currency"] == "GBp"
    assert all(value is None for name, value in quote.items() if name.endswith("_usd"))
    assert read.left_out["amount in another currency than USD, or in one that is not named"] > 10


def test_a_dividend_is_stored_as_it_was_paid_and_as_it_is_listed(shared_data):
    path = shared_data / "wire" / "yahoo" / "chart-AAPL-2020-08-31-to-2020-11-07.json"
    events = parse_events(response_of(path), "AAPL")
    assert [(row["ex_date"], row["split_ratio"]) for row in events.splits] == [(date(2020, 8, 31), 4.0)]
    assert [(row["ex_date"], row["cash_usd"]) for row in events.dividends] == [(date(2020, 11, 6), 0.205)]


def test_apples_income_of_2024_is_what_it_reported(shared_data):
    path = shared_data / "wire" / "yahoo" / "fundamentalsTimeSeries-AAPL-all-annual.json"
    rows = parse_statements(response_of(path), "AAPL").rows
    facts = {
        (row["statement"], row["item"]): (row["value"], row["unit"])
        for row in rows.iter_rows(named=True)
        if row["period_end"] == date(2024, 9, 30)
    }
    assert facts["income", "total_revenue"] == (391_035_000_000, "currency")
    assert facts["income", "diluted_eps"] == (6.08, "currency per share")
    assert facts["balance_sheet", "total_assets"] == (364_980_000_000, "currency")
    assert facts["balance_sheet", "ordinary_shares_number"][1] == "shares"
    assert facts["cash_flow", "free_cash_flow"] == (108_807_000_000, "currency")
