"""Alpaca's answers: pages of bars, corporate actions and the broker's flags."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from alpaca.data.models.corporate_actions import CorporateActionsSet

from resources.vendors.alpaca.bars import symbol_batches
from resources.vendors.alpaca.corporate_actions import KINDS
from resources.vendors.alpaca.source import AlpacaAssets
from resources.vendors.bars import BAR_SCHEMA
from resources.vendors.listings import FLAG_COLUMNS
from trading_assets.errors import DataQualityError, VendorDataError, VendorRefusedError

DAY = date(2016, 7, 5)


def bar(day=DAY, **fields):
    return {
        "t": f"{day}T04:00:00Z",
        "o": 1.5,
        "h": 2.5,
        "l": 1,
        "c": 2,
        "v": 100,
        "n": 7,
        "vw": 1.9,
        **fields,
    }


def page(token=None, **bars):
    return {"bars": bars, "next_page_token": token}


@pytest.fixture
def alpaca(make_source):
    return make_source("alpaca")


@pytest.fixture
def serve(vendor_server, answer):
    def install(*pages):
        vendor_server.script = [answer.of(item) for item in pages]

    return install


def test_pages_are_followed_to_the_end_and_sorted(alpaca, serve, vendor_server):
    serve(page("two", B=[bar()]), page("three", B=[bar(c=3)], A=[]), page(A=[bar(vw=None, n=None)]))
    fetched = alpaca.daily_bars([DAY], ["A", "B"])
    assert fetched.frame.schema == BAR_SCHEMA
    assert fetched.frame.select("symbol", "close", "vwap").rows() == [
        ("A", 2.0, None),
        ("B", 2.0, 1.9),
        ("B", 3.0, 1.9),
    ]
    assert [request.query.get("page_token") for request in vendor_server.requests] == [None, "two", "three"]
    assert len(fetched.responses) == 3


def test_raw_unrenamed_bars_of_the_tape_are_asked_for(alpaca, serve, vendor_server):
    serve(page())
    alpaca.daily_bars([date(2016, 7, 1), DAY], ["A"])
    asked = vendor_server.requests[0].query
    assert (asked["adjustment"], asked["feed"], asked["asof"]) == ("raw", "sip", "-")
    assert (asked["start"], asked["end"]) == ("2016-07-01T00:00:00-04:00", "2016-07-05T20:00:00+00:00")


def test_the_session_of_a_bar_is_its_new_york_day_in_summer_and_winter(alpaca, serve):
    winter = {"t": "2016-03-11T05:00:00Z"}
    serve(page(A=[bar(**winter), bar(date(2016, 3, 14))]))
    frame = alpaca.daily_bars([date(2016, 3, 11), date(2016, 3, 14)], ["A"]).frame
    assert frame.get_column("session").to_list() == [date(2016, 3, 11), date(2016, 3, 14)]


def test_a_phantom_bar_on_a_holiday_is_kept(alpaca, serve):
    serve(page(A=[bar(date(2016, 7, 4)), bar()]))
    assert alpaca.daily_bars([DAY], ["A"]).frame.height == 2


def test_symbols_without_a_bar_are_named(alpaca, serve):
    serve({"bars": None, "next_page_token": None})
    assert alpaca.daily_bars([DAY], ["A", "B"]).empty == ("A", "B")


def test_one_unknown_symbol_does_not_cost_the_others(alpaca, vendor_server, answer):
    def respond(request):
        if "NO.WAY" in request.query["symbols"].split(","):
            return answer.of({"message": "invalid symbol: NO.WAY"}, status=400)
        return answer.of(page(A=[bar()]))

    vendor_server.respond = respond
    fetched = alpaca.daily_bars([DAY], ["A", "NO.WAY"])
    assert fetched.frame.get_column("symbol").to_list() == ["A"]
    assert fetched.empty == ("NO.WAY",)


@pytest.mark.parametrize(
    "message", ["invalid symbol: B", "subscription does not permit querying recent SIP data"]
)
def test_another_refusal_is_raised(alpaca, vendor_server, answer, message):
    vendor_server.respond = lambda _: answer.of({"message": message}, status=400)
    with pytest.raises(VendorRefusedError):
        alpaca.daily_bars([DAY], ["A"])
    assert len(vendor_server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"bars": {}},
        {"next_page_token": None},
        {"bars": [], "next_page_token": None},
        page(A=None),
        page(A=[{"o": 1}]),
        page(A=[bar(c=None), bar(c=None)]),
        page(A=[bar(c="2"), bar(c="2"), bar()]),
        page(A=[7]),
        page(A=[bar(t="yesterday")]),
        page(A=[bar(t=None)]),
        page(Z=[bar()]),
    ],
    ids=str,
)
def test_a_contradictory_page_is_refused(alpaca, serve, body):
    serve(body)
    with pytest.raises(VendorDataError):
        alpaca.daily_bars([DAY], ["A"])


def test_a_bad_second_page_loses_the_first_rather_than_hiding_the_gap(alpaca, serve, vendor_server, answer):
    serve(page("two", A=[bar()]))
    vendor_server.script.append(answer(b'{"bars": {"A": [{"t": "2016'))
    with pytest.raises(VendorDataError):
        alpaca.daily_bars([DAY], ["A"])


def test_urls_stay_short_and_no_symbol_is_lost():
    symbols = [f"SYM{number}.WS" for number in range(3000)]
    batches = list(symbol_batches(symbols))
    assert [symbol for batch in batches for symbol in batch] == symbols
    assert all(len("%2C".join(batch)) <= 7000 for batch in batches)
    assert list(symbol_batches([])) == []


def test_an_unfinished_session_is_refused(alpaca, vendor_server):
    with pytest.raises(DataQualityError, match="not final"):
        alpaca.daily_bars([date(2016, 7, 6)], ["A"])
    assert vendor_server.requests == []


# --- corporate actions -------------------------------------------------------------------------------------------


ON_DAY = {"process_date": "2016-07-05", "ex_date": "2016-07-05", "effective_date": "2016-07-05"}
PAID = {"symbol": "A", "rate": 0.25, "special": False, "ex_date": "2016-07-05", "id": "1"}
MERGED = {"acquirer_symbol": "BUY", "acquirer_rate": 1, "acquiree_rate": 4, **ON_DAY}
ACTIONS = {
    "forward_splits": [{"symbol": "B", "new_rate": 4, "old_rate": 1, **ON_DAY}],
    "reverse_splits": [{"symbol": "C", "new_rate": 1, "old_rate": 10, **ON_DAY}],
    "stock_dividends": [{"symbol": "D", "rate": 0.05, **ON_DAY}],
    "unit_splits": [
        {
            "old_symbol": "EU",
            "old_rate": 2,
            "new_symbol": "E",
            "new_rate": 1,
            "alternate_symbol": "EW",
            "alternate_rate": 0.5,
            **ON_DAY,
        }
    ],
    "cash_dividends": [
        PAID,
        {**PAID, "rate": 1.0, "special": True, "id": "2"},
        {**PAID, "ex_date": "2016-06-01"},
    ],
    "spin_offs": [{"source_symbol": "F", "source_rate": 4, "new_symbol": "NEW", "new_rate": 1, **ON_DAY}],
    "rights_distributions": [{"source_symbol": "R", "new_symbol": "R.RT", "rate": 0.5, **ON_DAY}],
    "name_changes": [{"old_symbol": "FB", "new_symbol": "META", "process_date": "2016-07-05"}],
    "cash_mergers": [{"acquiree_symbol": "M1", "rate": 42.5, **ON_DAY}],
    "stock_mergers": [{**MERGED, "acquiree_symbol": "M2"}],
    "stock_and_cash_mergers": [{**MERGED, "acquiree_symbol": "M3", "cash_rate": 10}],
    "redemptions": [{"symbol": "P", "rate": 25.0, "process_date": "2016-07-05"}],
    "worthless_removals": [{"symbol": "W", "process_date": "2016-07-05"}],
}


def test_each_of_the_thirteen_kinds_becomes_a_row_and_dates_outside_the_range_do_not(
    alpaca, vendor_server, answer
):
    pages = [
        {"corporate_actions": {}, "next_page_token": "two"},
        {"corporate_actions": {**ACTIONS, "partial_calls": [{}]}, "next_page_token": None},
    ]
    vendor_server.script = [answer.of(item) for item in pages]
    fetched = alpaca.corporate_actions(date(2016, 7, 1), DAY)
    columns = ["symbol", "kind", "split_ratio", "cash_usd", "new_symbol", "share_ratio", "reports"]
    assert fetched.frame.select(columns).rows() == [
        ("A", "cash_dividend", None, 1.25, None, None, 1),
        ("B", "split", 4.0, None, None, None, 1),
        ("C", "split", 0.1, None, None, None, 1),
        ("D", "split", 1.05, None, None, None, 1),
        ("EU", "symbol_change", None, None, "E", 0.5, 1),
        ("F", "spin_off", None, None, "NEW", 0.25, 1),
        ("FB", "symbol_change", None, None, "META", None, 1),
        ("M1", "delisting", None, 42.5, None, None, 1),
        ("M2", "delisting", None, None, "BUY", 0.25, 1),
        ("M3", "delisting", None, 2.5, "BUY", 0.25, 1),
        ("P", "delisting", None, 25.0, None, None, 1),
        ("R", "spin_off", None, None, "R.RT", 0.5, 1),
        ("W", "delisting", None, 0.0, None, None, 1),
    ]
    assert fetched.frame.get_column("ex_date").unique().to_list() == [DAY]
    assert fetched.left_out == {"partial_calls": 1}


def test_the_interval_asked_for_is_always_given_and_reaches_to_the_days_of_payment(
    alpaca, serve, vendor_server
):
    """Without dates Alpaca answers for today alone, and it means process dates."""
    serve({"corporate_actions": None, "next_page_token": None})
    assert alpaca.corporate_actions(date(2016, 7, 1), DAY).frame.is_empty()
    asked = vendor_server.requests[0].query
    assert (asked["start"], asked["end"], asked["limit"]) == ("2016-06-24", "2016-09-03", "1000")


def test_two_versions_of_a_split_are_one_row_that_says_so(alpaca, serve):
    split = {"symbol": "B", "new_rate": 4, "old_rate": 1, **ON_DAY}
    serve(
        {
            "corporate_actions": {"forward_splits": [split, split, {**split, "new_rate": 5}]},
            "next_page_token": None,
        }
    )
    assert alpaca.corporate_actions(DAY, DAY).frame.select("split_ratio", "reports").rows() == [(4.0, 2)]


def test_every_kind_that_the_client_knows_is_mapped():
    import inspect
    import re

    kinds = set(re.findall(r'== "(\w+)"', inspect.getsource(CorporateActionsSet.__init__)))
    assert len(kinds) == 13
    assert kinds == set(KINDS) == set(ACTIONS)


@pytest.mark.parametrize(
    "action",
    [{"symbol": "B", "new_rate": 4, "old_rate": 0, "ex_date": "2016-07-05"}, {"symbol": "B", "new_rate": 4}],
)
def test_an_action_with_a_wrong_field_is_refused(alpaca, serve, action):
    serve({"corporate_actions": {"forward_splits": [action]}, "next_page_token": None})
    with pytest.raises(VendorDataError):
        alpaca.corporate_actions(DAY, DAY)


# --- the broker's list -------------------------------------------------------------------------------------------


def test_assets_carry_the_brokers_flags(vendor_server, answer, make_gate, after_close):
    flags = {"tradable": True, "shortable": False, "easy_to_borrow": False, "fractionable": True}
    assets = [
        {"symbol": "B", "name": "B Inc", "exchange": "NYSE", "status": "active", **flags},
        {"symbol": "A", "name": "A Inc", "exchange": "NASDAQ", "status": "inactive", **flags},
    ]
    vendor_server.respond = lambda _: answer.of(assets)
    source = AlpacaAssets(vendor_server.url, "k", "s", gate=make_gate("alpaca"), clock=after_close)
    frame = source.listings(DAY).frame
    assert frame.select("symbol", "status", *FLAG_COLUMNS).rows() == [
        ("A", "delisted", True, False, False, True),
        ("B", "active", True, False, False, True),
    ]
    assert vendor_server.requests[0].path == "/v2/assets"
    for broken in ([{"symbol": "A"}], [], {"message": "no"}, [None]):
        vendor_server.respond = lambda _, broken=broken: answer.of(broken)
        with pytest.raises(VendorDataError):
            source.listings(DAY)


def test_bars_of_many_symbols_keep_their_symbols(alpaca, serve):
    """A page holds one list a symbol; lists of different length must not shift."""
    days = [date(2016, 6, 30), date(2016, 7, 1), DAY]
    serve(page(A=[bar(day, c=1) for day in days], B=[], C=[bar(c=3)], D=[bar(day, c=4) for day in days[1:]]))
    frame = alpaca.daily_bars(days, ["A", "B", "C", "D"]).frame
    got = frame.group_by("symbol", maintain_order=True).agg(pl.len(), pl.col("close").unique().first())
    assert got.rows() == [("A", 3, 1.0), ("C", 1, 3.0), ("D", 2, 4.0)]
