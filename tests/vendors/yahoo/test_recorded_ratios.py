"""Ratios of companies that were recorded from Yahoo: the vendor's at its own price, and in our units."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from resources.raw.responses import RawResponse
from resources.vendors.yahoo.company_parse import parse_summary
from trading_assets.features.ratios import FACT_SCHEMA, SOURCE_COLUMNS, with_fundamentals
from trading_assets.sectors import OF_VENDOR, SECTORS

TAKEN_AT = datetime(2025, 2, 22, 14, tzinfo=UTC)
FRIDAY, MONDAY = date(2025, 2, 21), date(2025, 2, 24)
COMPANIES = ("AAPL", "AMZN", "BABA", "GOOG", "SPOT")


def summary(shared_data, symbol: str) -> dict:
    return json.loads((shared_data / f"wire/yahoo/quoteSummary-all-{symbol}.json").read_text())


def modules(shared_data, symbol: str) -> dict:
    return summary(shared_data, symbol)["body"]["quoteSummary"]["result"][0]


def fact(shared_data, symbol: str) -> pl.DataFrame:
    recorded = summary(shared_data, symbol)
    response = RawResponse(
        recorded["url"], recorded["status"], TAKEN_AT, json.dumps(recorded["body"]).encode()
    )
    [told] = parse_summary(response, symbol, FRIDAY).rows["key_statistics"]
    known = {name: told.get(name) for name in SOURCE_COLUMNS}
    price = modules(shared_data, symbol)["price"]["regularMarketPrice"]
    stamp = {
        "symbol": symbol,
        "session": FRIDAY,
        "known_at": TAKEN_AT,
        "price_usd": price,
        "quoted_on": FRIDAY,
    }
    return pl.DataFrame([stamp | known], schema=FACT_SCHEMA)


def ratios(facts: pl.DataFrame, session: date, close: float, split: float | None = None) -> dict:
    rows = pl.DataFrame({"symbol": facts["symbol"], "session": [session], "close": [close]})
    actions = pl.DataFrame(
        {"symbol": facts["symbol"], "ex_date": [MONDAY], "kind": ["split"], "split_ratio": [split]},
        schema_overrides={"split_ratio": pl.Float64},
    )
    return with_fundamentals(rows, facts, actions).row(0, named=True)


@pytest.mark.parametrize("symbol", COMPANIES)
def test_at_the_vendors_price_the_price_to_earnings_is_its_price_over_its_earnings(shared_data, symbol):
    told = modules(shared_data, symbol)
    close = told["price"]["regularMarketPrice"]
    found = ratios(fact(shared_data, symbol), FRIDAY, close)
    assert found["pe"] == told["summaryDetail"]["trailingPE"]
    assert found["pe"] == pytest.approx(close / told["defaultKeyStatistics"]["trailingEps"], rel=1e-6)
    assert found["market_cap"] == told["summaryDetail"]["marketCap"]


@pytest.mark.parametrize("symbol", COMPANIES)
def test_after_a_split_and_a_move_it_is_the_new_price_over_a_new_shares_earnings(shared_data, symbol):
    told = modules(shared_data, symbol)
    close = told["price"]["regularMarketPrice"] / 4 * 1.03
    found = ratios(fact(shared_data, symbol), MONDAY, close, split=4.0)
    assert found["pe"] == pytest.approx(close / (told["defaultKeyStatistics"]["trailingEps"] / 4), rel=1e-6)
    assert found["market_cap"] == pytest.approx(told["summaryDetail"]["marketCap"] * 1.03)


def test_percent_and_fractions_of_the_vendor_are_ratios_and_fractions(shared_data):
    found = ratios(fact(shared_data, "AAPL"), FRIDAY, 245.55)
    # debt to equity is told in percent: 145 is 1.45 times the equity; return on equity is a fraction already
    assert found["debt_to_equity"] == pytest.approx(1.45)
    assert found["roe"] == pytest.approx(1.3652)
    assert found["margin"] == pytest.approx(0.24295)
    assert found["dividend_yield"] == pytest.approx(1.0 / 245.55, abs=5e-5)  # told with four decimals
    assert found["pb"] == pytest.approx(245.55 / 4.438, rel=1e-6)


def test_ratios_between_two_currencies_are_null_and_those_in_one_are_not(shared_data):
    for symbol in ("BABA", "SPOT"):
        found = ratios(fact(shared_data, symbol), FRIDAY, 100.0)
        assert (found["pb"], found["ps"]) == (None, None)
        assert None not in {found["pe"], found["roe"], found["debt_to_equity"]}


def test_every_recorded_sector_is_one_of_the_eleven(shared_data):
    words = set()
    for path in (shared_data / "wire/yahoo").glob("quoteSummary-*.json"):
        result = (json.loads(path.read_text())["body"].get("quoteSummary") or {}).get("result") or [{}]
        if word := result[0].get("assetProfile", {}).get("sector"):
            words.add(word)
    assert len(words) >= 3
    assert {OF_VENDOR[word] for word in words} <= {sector.name for sector in SECTORS}
