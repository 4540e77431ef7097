"""One word that is no number, in one field of one row, costs that row: the vendor's answer goes on without it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.quality.rows import rule_expression
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.sessions import session_open

DAY = date(2016, 7, 5)
CLOSE = datetime(2016, 7, 5, 20, tzinfo=UTC)
FIELDS = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
GOOD = {"o": 2.0, "h": 3.0, "l": 1.0, "c": 2.5, "v": 100}
WRONG = {
    "null": None,
    "missing": ...,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "text": "2.5",
    "truth": True,
    "list": [2.5],
}


def polygon(rows):
    stamp = int(CLOSE.timestamp() * 1000)
    results = [{"T": symbol, "t": stamp, **row} for symbol, row in rows.items()]
    return {"status": "OK", "resultsCount": len(results), "results": results}


def alpaca(rows):
    return {
        "bars": {symbol: [{"t": "2016-07-05T04:00:00Z", **row}] for symbol, row in rows.items()},
        "next_page_token": None,
    }


def yahoo(symbol, row):
    meta = {"symbol": symbol, "exchangeTimezoneName": "America/New_York", "dataGranularity": "1d"}
    quote = {name: [row.get(key)] for name, key in FIELDS.items()}
    stamp = int(session_open(DAY).timestamp())
    result = {"meta": meta, "timestamp": [stamp], "indicators": {"quote": [quote]}}
    return {"chart": {"result": [result], "error": None}}


@pytest.fixture
def fetch(make_source, vendor_server, answer):
    """Fetch the bars of A, B and C of a vendor that tells these rows."""

    def fetched(vendor: str, rows: dict) -> pl.DataFrame:
        def respond(request):
            if vendor == "yahoo":
                symbol = request.path.rpartition("/")[2]
                body = yahoo(symbol, rows[symbol])
            else:
                asked = rows if vendor == "alpaca" or DAY.isoformat() in request.path else {}
                body = polygon(asked) if vendor == "polygon" else alpaca(asked)
            return answer(json.dumps(body).encode())  # as Python's own servers write NaN

        vendor_server.respond = respond
        return make_source(vendor).daily_bars([DAY], list(rows)).frame

    return fetched


@pytest.mark.parametrize("vendor", ["polygon", "yahoo", "alpaca"])
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("field", FIELDS)
def test_the_row_is_refused_by_name_and_the_others_go_on(fetch, vendor, field, wrong):
    row = {**GOOD, FIELDS[field]: WRONG[wrong]}
    if wrong == "missing":
        del row[FIELDS[field]]
    frame = fetch(vendor, {"A": GOOD, "B": row, "C": GOOD})
    assert frame.select("symbol", *FIELDS).rows() == [
        (
            symbol,
            *(None if (symbol, name) == ("B", field) else float(GOOD[key]) for name, key in FIELDS.items()),
        )
        for symbol in "ABC"
    ]
    rules = frame.select("symbol", rule=rule_expression([DAY], QualityThresholds())).rows()
    refused = "null_volume" if field == "volume" else "null_price"
    assert rules == [("A", None), ("B", refused), ("C", None)]


def test_a_symbol_that_did_not_trade_costs_no_other_symbol_its_bars(fetch):
    halted = {**dict.fromkeys("ohlc"), "v": 0}
    frame = fetch("yahoo", {"A": GOOD, "HALT": halted, "C": GOOD})
    assert frame["symbol"].to_list() == ["A", "C"]


@pytest.mark.parametrize("vendor", ["polygon", "alpaca"])
@pytest.mark.parametrize("field", ["vw", "n"])
@pytest.mark.parametrize("wrong", [word for word in WRONG if word != "missing"])
def test_what_may_be_null_is_null(fetch, vendor, field, wrong):
    frame = fetch(
        vendor, {"A": {**GOOD, "vw": 2.0, "n": 7}, "B": {**GOOD, "vw": 2.0, "n": 7, field: WRONG[wrong]}}
    )
    name = {"vw": "vwap", "n": "trade_count"}[field]
    assert frame[name].is_null().to_list() == [False, True]
    assert frame.drop(name, "symbol").n_unique() == 1
