"""Yahoo's company data: what is no data, what is refused, and what is counted, against a local server."""

from __future__ import annotations

import json
from datetime import date

import pytest

from resources.vendors.yahoo.company import YahooCompanies
from resources.vendors.yahoo.company_series import item_name
from trading_assets.errors import VendorDataError, VendorRefusedError
from trading_assets.tables.companies import COMPANY_TABLES

SESSION = date(2016, 7, 5)
SUMMARY = {
    "quoteType": {"symbol": "A", "longName": "Alpha", "quoteType": "EQUITY"},
    "summaryDetail": {"currency": "USD", "marketCap": {"raw": 10, "fmt": "10"}, "trailingPE": "Infinity"},
    "defaultKeyStatistics": {"sharesOutstanding": {"raw": 5, "fmt": "5", "longFmt": "5"}, "beta": {}},
    "esgScores": {"maxAge": 1},
}
POINT = {
    "asOfDate": "2016-03-31",
    "periodType": "3M",
    "currencyCode": "USD",
    "reportedValue": {"raw": 7, "fmt": "7"},
}


def good(answer, summary=SUMMARY):
    def respond(request):
        symbol = request.path.rpartition("/")[2]
        if "quoteSummary" in request.path:
            return answer.of({"quoteSummary": {"result": [summary], "error": None}})
        if "timeseries" in request.path:
            kinds = request.query["type"].split(",")
            result = [{"meta": {"symbol": [symbol], "type": [kind]}} for kind in kinds]
            if "quarterlyNetIncome" in kinds:
                result[kinds.index("quarterlyNetIncome")] |= {"timestamp": [1], "quarterlyNetIncome": [POINT]}
            return answer.of({"timeseries": {"result": result, "error": None}})
        if "chart" in request.path:
            meta = {"symbol": symbol, "exchangeTimezoneName": "America/New_York", "currency": "USD"}
            return answer.of({"chart": {"result": [{"meta": meta}], "error": None}})
        quotes = [{"symbol": name, "regularMarketPrice": 2.0} for name in request.query["symbols"].split(",")]
        return answer.of({"quoteResponse": {"result": quotes, "error": None}})

    return respond


@pytest.fixture
def source(vendor_server, make_gate, after_close, tmp_path):
    return YahooCompanies(
        vendor_server.url, gate=make_gate("yahoo"), clock=after_close, cache=tmp_path / "yf", workers=1
    )


def only_row(snapshot, table):
    [row] = snapshot.frames[table].to_dicts()
    return row


def test_plain_and_wrapped_values_are_the_same_and_infinity_is_none(vendor_server, answer, source):
    vendor_server.respond = good(answer)
    facts = only_row(source.companies(["A"], SESSION), "key_statistics")
    assert (facts["market_cap_usd"], facts["shares_outstanding"]) == (10.0, 5.0)
    assert facts["trailing_pe"] is None
    assert facts["beta"] is None


def test_what_has_no_module_is_named_as_empty(vendor_server, answer, source):
    vendor_server.respond = good(answer)
    snapshot = source.companies(["A"], SESSION)
    filled = {"company_info", "key_statistics", "financial_statements", "market_data"}
    assert {name for name, frame in snapshot.frames.items() if frame.height} == filled
    assert {name: ("A",) for name in COMPANY_TABLES if name not in filled} == snapshot.empty


def test_five_requests_a_symbol_and_each_body_is_kept(vendor_server, answer, source):
    vendor_server.respond = good(answer)
    snapshot = source.companies(["A"], SESSION)
    assert len(vendor_server.requests) == len(snapshot.responses) == 5
    assert all("crumb=***" in response.url or "crumb" not in response.url for response in snapshot.responses)


def test_share_classes_are_asked_for_in_the_vendors_spelling_and_stored_in_ours(
    vendor_server, answer, source
):
    vendor_server.respond = good(answer, SUMMARY | {"quoteType": {"symbol": "BRK-B"}})
    snapshot = source.companies(["BRK.B"], SESSION)
    assert all("BRK-B" in f"{request.path} {request.query}" for request in vendor_server.requests)
    assert {frame["symbol"][0] for frame in snapshot.frames.values() if frame.height} == {"BRK.B"}


def test_fields_that_nobody_told_us_of_are_counted(vendor_server, answer, source):
    summary = SUMMARY | {"summaryDetail": SUMMARY["summaryDetail"] | {"moonPhase": 3}, "horoscope": {}}
    vendor_server.respond = good(answer, summary)
    left_out = source.companies(["A"], SESSION).left_out
    assert left_out["unknown field summaryDetail.moonPhase"] == 1
    assert left_out["unknown module horoscope"] == 1


def test_no_fundamentals_at_all_is_no_data(vendor_server, answer, source):
    fine = good(answer)
    error = {"code": "Not Found", "description": "No fundamentals data found for symbol: A"}

    def respond(request):
        if "quoteSummary" in request.path:
            return answer.of({"quoteSummary": {"result": None, "error": error}}, status=404)
        return fine(request)

    vendor_server.respond = respond
    snapshot = source.companies(["A"], SESSION)
    assert snapshot.empty["company_info"] == snapshot.empty["key_statistics"] == ("A",)


@pytest.mark.parametrize("part", ["quoteSummary", "timeseries", "chart", "v7"])
@pytest.mark.parametrize(
    "body", [b'{"quoteSummary": {"resu', b"<html>busy</html>", b"{}", b'{"chart": {"result": []}}']
)
def test_what_is_cut_short_or_something_else_is_refused(vendor_server, answer, source, part, body):
    fine = good(answer)
    vendor_server.respond = lambda request: answer(body) if part in request.path else fine(request)
    with pytest.raises(VendorDataError):
        source.companies(["A"], SESSION)


@pytest.mark.parametrize(
    ("module", "values"),
    [
        ("quoteType", {"symbol": "OTHER"}),
        ("summaryDetail", {"currency": "USD", "marketCap": "a lot"}),
        ("summaryDetail", {"currency": "USD", "marketCap": {"fmt": "10"}}),
        ("defaultKeyStatistics", {"lastSplitFactor": "four"}),
        ("calendarEvents", {"dividendDate": "soon"}),
        ("institutionOwnership", {"maxAge": 1}),
        ("recommendationTrend", {"trend": [{"strongBuy": 1}]}),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_name(vendor_server, answer, source, module, values):
    vendor_server.respond = good(answer, SUMMARY | {module: values})
    with pytest.raises(VendorDataError, match="lacks a field or has a wrong one"):
        source.companies(["A"], SESSION)


def test_a_refused_crumb_is_asked_for_again_once(vendor_server, answer, source):
    unauthorised = {
        "finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}
    }
    vendor_server.respond = good(answer)
    vendor_server.script = [answer.of(unauthorised, status=401)]
    assert source.companies(["A"], SESSION).frames["market_data"].height == 1
    vendor_server.script = [answer.of(unauthorised, status=401)] * 2
    with pytest.raises(VendorRefusedError):
        source.companies(["A"], SESSION)


def test_a_quote_that_was_not_asked_for_is_refused(vendor_server, answer, source):
    fine = good(answer)
    stranger = {"quoteResponse": {"result": [{"symbol": "B"}], "error": None}}
    vendor_server.respond = lambda request: answer.of(stranger) if "v7" in request.path else fine(request)
    with pytest.raises(VendorDataError, match="not asked for"):
        source.companies(["A"], SESSION)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("TotalRevenue", "total_revenue"),
        ("EBITDA", "ebitda"),
        ("DilutedEPS", "diluted_eps"),
        ("NetPPEPurchaseAndSale", "net_ppe_purchase_and_sale"),
        ("TotalLiabilitiesNetMinorityInterest", "total_liabilities_net_minority_interest"),
    ],
)
def test_lines_are_spelled_our_way(theirs, ours):
    assert item_name(theirs) == ours


def test_the_same_point_in_time_gives_the_same_batch(vendor_server, answer, source):
    vendor_server.respond = good(answer)
    bodies = [
        json.dumps([response.url, response.body.decode()])
        for response in source.companies(["A"], SESSION).responses
    ]
    again = [
        json.dumps([response.url, response.body.decode()])
        for response in source.companies(["A"], SESSION).responses
    ]
    assert bodies == again
