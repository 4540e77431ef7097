"""Checks of universe, corporate actions and features name what cannot be, and stop what must not be used."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.quality.actions.values import action_values
from trading_assets.quality.checks import measure
from trading_assets.quality.features import expected_warm_up, feature_null_rate, feature_values
from trading_assets.quality.outcome import CheckOutcome, Measured, judge
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.quality.universe import universe_drift, universe_null_rate, universe_rows
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE

BEFORE, TODAY = date(2016, 6, 29), date(2016, 6, 30)
SYMBOLS = [f"S{number:03d}" for number in range(200)]
LIMITS = QualityThresholds()


def outcome(measured: Measured) -> CheckOutcome:
    return judge("check", measured, LIMITS)


def listed(session: date, symbols: list[str] = SYMBOLS, **values: object) -> pl.DataFrame:
    row = {"session": session, "name": "A", "exchange": "XNYS", "asset_type": "CS", "sector": "Tech", "status": "active",
           "is_tradable": True, "is_shortable": True, "snapshot_session": session, "batch_id": "b"} | values  # fmt: skip
    schema = {name: kind for name, kind in UNIVERSE.schema.items() if name != "known_at"}
    return pl.DataFrame([{"symbol": symbol, **row} for symbol in symbols], schema=schema)


@pytest.mark.parametrize(
    ("today", "found", "stops"),
    [
        (SYMBOLS, 0, False),
        (SYMBOLS[10:], 10, False),
        (SYMBOLS[11:], 11, True),
        ([*SYMBOLS, *(f"N{number}" for number in range(11))], 11, True),
    ],
    ids=["the same", "few gone", "many gone", "many new"],
)
def test_a_universe_that_changes_too_much_at_once_stops(today, found, stops):
    result = outcome(universe_drift(pl.concat([listed(BEFORE), listed(TODAY, today)]), [TODAY], LIMITS))
    assert (result.numbers["findings"], result.is_blocking) == (found, stops)


def test_the_first_snapshot_has_nothing_to_be_compared_with():
    assert outcome(universe_drift(listed(TODAY), [TODAY], LIMITS)).passed


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "halted"}, "status is one of"),
        ({"listed_date": TODAY, "delisted_date": BEFORE}, "delisted after it was listed"),
    ],
)
def test_listings_that_cannot_be_are_named(values, words):
    rows = pl.concat([listed(TODAY, SYMBOLS[:2], **values), listed(TODAY, SYMBOLS[2:])])
    result = outcome(universe_rows(rows, [TODAY], LIMITS))
    assert result.findings["symbol"].to_list() == SYMBOLS[:2]
    assert words in result.findings["expectation"][0]


def test_bad_tickers_repeated_rows_and_an_empty_universe_are_found():
    odd = outcome(universe_rows(listed(TODAY, ["BRK.B", "A B", "A", "A"]), [TODAY], LIMITS))
    assert odd.findings["symbol"].drop_nulls().to_list() == ["A B", "A", "A"]
    assert outcome(universe_rows(listed(BEFORE), [TODAY], LIMITS)).is_blocking


@pytest.mark.parametrize(("column", "stops"), [("is_tradable", True), ("exchange", True), ("sector", False)])
def test_a_column_that_lost_its_values_stops_when_orders_depend_on_it(column, stops):
    today = listed(TODAY).with_columns(pl.lit(None, UNIVERSE.schema[column]).alias(column))
    result = outcome(universe_null_rate(pl.concat([listed(BEFORE), today]), [TODAY], LIMITS))
    assert (result.passed, result.is_blocking) == (False, stops)
    assert result.findings["value"].to_list() == [f"{column} is null in 100.0 % of the rows, 0.0 % before"]


@pytest.mark.parametrize(("newest", "stops"), [(TODAY, True), (date(2016, 7, 5), False)])
def test_flags_that_the_broker_was_not_asked_for_in_time_are_not_lost(newest, stops):
    unknown = [pl.lit(None, pl.Boolean).alias(name) for name in ("is_tradable", "is_shortable")]
    rows = pl.concat([listed(BEFORE), listed(TODAY).with_columns(unknown)])
    result = outcome(universe_null_rate(rows, [TODAY], LIMITS, newest=newest))
    assert result.is_blocking is stops


def test_flags_of_half_the_universe_are_lost_whenever_they_are_looked_at():
    half = [
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(name).alias(name)
        for name in ("is_tradable", "is_shortable")
    ]
    rows = pl.concat([listed(BEFORE), listed(TODAY).with_columns(half)])
    assert outcome(universe_null_rate(rows, [TODAY], LIMITS, newest=date(2016, 7, 5))).is_blocking


def acts(*actions: dict[str, object]) -> pl.DataFrame:
    schema = {name: kind for name, kind in CORPORATE_ACTIONS.schema.items() if name != "known_at"}
    return pl.DataFrame(
        [
            {"symbol": "AAA", "ex_date": TODAY, "kind": "split", "source": "p", "batch_id": "b"} | row
            for row in actions
        ],
        schema=schema,
    )


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ([{"split_ratio": None}], "has a ratio above 0"),
        ([{"split_ratio": -2.0}], "has a ratio above 0"),
        ([{"split_ratio": 1.0}], "that is not 1"),
        ([{"split_ratio": 500.0}], "within [1/200, 200]"),
        ([{"kind": "cash_dividend", "cash_usd": 0.0}], "an amount above 0"),
        ([{"kind": "cash_dividend", "cash_usd": 6.0}], "at most 0.5 of the last close 10"),
        ([{"kind": "merger"}], "kind is one of"),
        ([{"kind": "symbol_change"}], "names the new symbol"),
        ([{"kind": "spin_off", "price_factor": 1.5}], "within (0, 1]"),
        ([{"split_ratio": 2.0}, {"split_ratio": 2.0, "ex_date": BEFORE}], "one split within 5 days"),
        (
            [{"kind": "spin_off", "price_factor": 0.8}, {"kind": "spin_off", "ex_date": BEFORE}],
            "one spin_off within 5 days",
        ),
    ],
)
def test_actions_that_cannot_be_are_named(actions, words):
    closes = pl.DataFrame({"symbol": ["AAA"], "close": [10.0]})
    result = outcome(action_values(acts(*actions), [TODAY], closes, LIMITS))
    assert result.findings["symbol"].drop_nulls().to_list() == ["AAA"]
    assert words in result.findings["expectation"][-1]


def test_usual_actions_pass():
    usual = [
        {"split_ratio": 0.05}, {"kind": "cash_dividend", "cash_usd": 0.2}, {"kind": "delisting"},
        {"kind": "spin_off", "price_factor": 0.8}, {"kind": "symbol_change", "new_symbol": "BBB"},
    ]  # fmt: skip
    closes = pl.DataFrame({"symbol": ["AAA"], "close": [10.0]})
    assert outcome(action_values(acts(*usual), [TODAY], closes, LIMITS)).passed


def features(session: date = TODAY, **values: float | None) -> pl.DataFrame:
    row = {"session": session, "rsi": 50.0, "atr": 1.0} | values
    kinds = {"symbol": pl.String, "session": pl.Date, "rsi": pl.Float64, "atr": pl.Float64}
    return pl.DataFrame([{"symbol": symbol, **row} for symbol in SYMBOLS], schema=kinds)


RANGES = {"rsi": (0.0, 100.0), "atr": (0.0, None)}


@pytest.mark.parametrize(
    ("name", "value"), [("rsi", 100.1), ("rsi", -1.0), ("atr", float("inf")), ("atr", float("nan"))]
)
@pytest.mark.parametrize(("count", "stops"), [(2, False), (3, True)])
def test_impossible_features_stop_their_symbols_and_many_the_session(name, value, count, stops):
    rows = pl.concat([features(**{name: value}).head(count), features().tail(-count)])
    result = outcome(feature_values(rows, RANGES, LIMITS))
    assert result.findings["symbol"].drop_nulls().to_list() == SYMBOLS[:count]
    assert result.is_blocking is stops
    assert outcome(feature_values(features(), RANGES, LIMITS)).passed


def test_a_feature_that_is_null_although_there_are_enough_bars_stops():
    def judged(bars: int, *sessions: pl.DataFrame) -> CheckOutcome:
        warm_up, known = {"rsi": 15, "atr": 15}, dict.fromkeys(SYMBOLS, bars)
        return outcome(feature_null_rate(pl.concat(sessions), [TODAY], known, warm_up, LIMITS))

    assert judged(15, features(rsi=None)).is_blocking
    assert judged(14, features(rsi=None)).passed, "its warm-up is not over"
    assert judged(14, features(BEFORE), features(rsi=None)).is_blocking, "it had values on the session before"


def test_beta_is_expected_only_where_the_benchmark_has_its_history() -> None:
    plain, relative = {"sma_20", "rsi_14"}, {"beta_252", "correlation_spy_63"}
    assert not relative & set(expected_warm_up({"AAA": 400}))
    assert relative & set(expected_warm_up({"AAA": 400, "SPY": 100})) == {"correlation_spy_63"}
    whole = expected_warm_up({"AAA": 400, "SPY": 400})
    assert plain | relative <= set(whole)
    assert whole["sma_20"] == 20


def test_each_check_of_a_table_looks_at_what_it_names_and_at_nothing_that_was_not_read():
    def drift(rows, limits) -> Measured:
        return Measured(rows.clear(), f"{rows.height} of {limits}")

    def lag(newest, rows=None) -> Measured:
        return Measured(rows.clear(), f"{newest}")

    measured = measure({"lag": lag, "drift": drift}, rows=pl.DataFrame({"a": [1, 2]}), limits=3, newest=TODAY)
    assert [(name, found.what) for name, found in measured.items()] == [
        ("lag", str(TODAY)),
        ("drift", "2 of 3"),
    ]
    with pytest.raises(TypeError, match="newest"):
        measure({"lag": lag}, rows=pl.DataFrame())
