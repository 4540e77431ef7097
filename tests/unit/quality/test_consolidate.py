"""Consolidation keeps the best possible bar per symbol and session and says why it refused the others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from trading_assets.quality.consolidate import Before, Consolidated, consolidate
from trading_assets.quality.reports import one_row_per_key
from trading_assets.quality.rows import RULES
from trading_assets.sessions import closures_between, sessions_between
from trading_assets.tables.bars import OHLCV
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.hourly import HOURLY, HOURLY_BARS, QUARANTINED_HOURLY_BARS

SESSIONS = sessions_between(date(2016, 5, 23), date(2016, 6, 10))
MEMORIAL_DAY = date(2016, 5, 30)
SCHEMA = {
    "symbol": pl.String(),
    "session": pl.Date(),
    **{n: c.dtype for n, c in OHLCV.items()},
    "batch_id": pl.String(),
}


def bar(
    close: float | None = 10.0, session: date = SESSIONS[0], symbol: str = "AAA", **values: object
) -> dict:
    whole = {"open": close, "high": close, "low": close, "close": close, "volume": 1000.0}
    return {
        "symbol": symbol,
        "session": session,
        **whole,
        "vwap": None,
        "trade_count": None,
        "batch_id": "b",
    } | values


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def series(*closes: float, symbol: str = "AAA", untraded: tuple[int, ...] = ()) -> pl.DataFrame:
    return frame(
        *(
            bar(close, SESSIONS[day], symbol, volume=0.0 if day in untraded else 1000.0)
            for day, close in enumerate(closes)
        )
    )


def consolidated(*frames: pl.DataFrame, **options: object) -> Consolidated:
    names = ("polygon", "yahoo", "alpaca")[: len(frames)]
    return consolidate(dict(zip(names, frames, strict=True)), priority=names, sessions=SESSIONS, **options)


def refused_days(result: Consolidated) -> list[int]:
    assert set(result.quarantined["rule"]) <= {"unexplained_jump"}
    return [SESSIONS.index(day) for day in result.quarantined["session"]]


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ("phantom_session", bar(session=MEMORIAL_DAY)),
        ("phantom_session", bar(session=date(2016, 5, 28))),
        ("null_price", bar(None)),
        ("null_price", bar(high=float("nan"))),
        ("null_volume", bar(volume=None)),
        ("non_positive_price", bar(0.0)),
        ("non_positive_price", bar(low=-1.0)),
        ("negative_volume", bar(volume=-1.0)),
        ("high_below_low", bar(high=9.0)),
        ("outside_range", bar(high=10.5, low=10.2)),
        ("outside_range", bar(0.49, open=0.5, high=0.5, low=0.5)),
        ("absurd_price", bar(36_100.0)),
    ],
)
def test_each_rule_refuses_its_bar(rule, row):
    result = consolidated(frame(row, bar(symbol="BBB")))
    assert result.quarantined.select("symbol", "rule").rows() == [("AAA", rule)]
    assert result.bars["symbol"].to_list() == ["BBB"]
    assert rule in RULES


@pytest.mark.parametrize(
    "row",
    [
        bar(10.0, high=10.5, low=10.01),
        bar(25_000.0, symbol="BRK.A"),
        bar(volume=0.0),
        bar(5000.0, open=5000.4, high=5000.0, low=5000.0),
    ],
    ids=["a cent of rounding", "Berkshire", "not traded", "32-bit rounding"],
)
def test_odd_but_possible_bars_are_kept(row):
    result = consolidated(frame(row))
    assert result.bars.height == 1
    assert result.quarantined.is_empty()


def test_a_spike_is_refused_and_the_next_bar_is_not():
    assert refused_days(consolidated(series(10, 11, 228_000 / 100, 10.5, 11))) == [2]


def test_a_real_step_is_accepted_on_its_second_traded_day():
    assert refused_days(consolidated(series(10, 100, 101, 99))) == [1]


def test_a_step_is_not_confirmed_by_a_bar_without_trades():
    result = consolidated(series(7.88, 9000, 9000, 7.88, 8.6, untraded=(2, 3)))
    assert refused_days(result) == [1, 2]
    assert result.quarantined["reference_close"].to_list() == [7.88, 7.88]


@pytest.mark.parametrize(
    ("closes", "refused"), [((10, 40.0), []), ((10, 40.1), [1]), ((10, 2.5), []), ((10, 2.49), [1])]
)
def test_the_band_is_a_quarter_to_four_times(closes, refused):
    assert refused_days(consolidated(series(*closes))) == refused


def test_a_known_split_explains_the_step_and_hides_no_other():
    actions = pl.DataFrame(
        {
            "symbol": ["AAA", "AAA", "BBB"],
            "ex_date": [SESSIONS[2], SESSIONS[2], SESSIONS[1]],
            "kind": ["split", "cash_dividend", "split"],
            "split_ratio": [1 / 100, None, 7.0],
        }
    )
    assert refused_days(consolidated(series(0.04, 0.04, 4.23, 4.1), corporate_actions=actions)) == []
    late = consolidated(series(0.04, 0.04, 0.04, 4.1, 4.2), corporate_actions=actions)
    assert refused_days(late) == [2]  # due, and the price did not move: doubtful until the next traded bar
    other = consolidated(series(50, 7, 35, symbol="BBB"), corporate_actions=actions)
    assert refused_days(other) == [2]


def test_a_reverse_split_of_three_that_nobody_told_is_within_the_band():
    assert refused_days(consolidated(series(10.4, 31.78, 31.37))) == []


def test_references_come_from_before_the_range():
    before = Before(
        accepted=frame(bar(10.0, date(2016, 5, 20))).select("symbol", "session", *OHLCV),
        vendor={"polygon": frame(bar(10.0, date(2016, 5, 19)), bar(95.0, date(2016, 5, 20)))},
    )
    assert refused_days(consolidated(series(100, 101), before=before)) == []
    fresh = Before(accepted=before.accepted, vendor={"polygon": before.vendor["polygon"].head(1)})
    assert refused_days(consolidated(series(100, 10), before=fresh)) == [0]


def test_the_best_source_with_a_possible_bar_wins_bar_by_bar():
    first = frame(bar(10.0), bar(0.0, symbol="BBB"), bar(2000.0, SESSIONS[1]))
    second = frame(bar(10.1), bar(20.0, symbol="BBB"), bar(10.2, SESSIONS[1]), bar(30.0, symbol="CCC"))
    result = consolidated(first, second)
    assert result.bars.select("symbol", "session", "close", "source", "source_count").rows() == [
        ("AAA", SESSIONS[0], 10.0, "polygon", 2),
        ("AAA", SESSIONS[1], 10.2, "yahoo", 1),
        ("BBB", SESSIONS[0], 20.0, "yahoo", 1),
        ("CCC", SESSIONS[0], 30.0, "yahoo", 1),
    ]
    assert result.quarantined.select("symbol", "source", "rule").rows() == [
        ("AAA", "polygon", "unexplained_jump"),
        ("BBB", "polygon", "non_positive_price"),
    ]


def test_differences_are_relative_to_the_lowest_and_null_for_one_source():
    rows = [
        frame(bar(close, volume=volume)) for close, volume in ((10.0, 110.0), (10.2, 100.0), (10.1, 105.0))
    ]
    only = frame(bar(5.0, symbol="BBB"))
    both = consolidated(pl.concat([rows[0], only]), *rows[1:]).bars
    assert both["close_difference_frac"].to_list() == [pytest.approx(0.02), None]
    assert both["volume_difference_frac"].to_list() == [pytest.approx(0.1), None]


def test_the_same_bar_twice_is_kept_once_and_two_different_bars_not_at_all():
    result = consolidated(frame(bar(), bar(), bar(5.0, symbol="BBB"), bar(6.0, symbol="BBB")))
    assert result.bars["symbol"].to_list() == ["AAA"]
    assert result.quarantined.select("symbol", "rule").rows() == [("AAA", "duplicate"), ("BBB", "duplicate")]


def test_bars_of_sessions_outside_the_range_are_left_alone():
    result = consolidate(
        {"yahoo": series(10, 10, 10)}, priority=["yahoo"], sessions=[SESSIONS[0], SESSIONS[2]]
    )
    assert result.bars["session"].to_list() == [SESSIONS[0], SESSIONS[2]]
    assert result.quarantined.is_empty()


@pytest.mark.parametrize("frames", [(), (frame(),), (frame(), frame())])
def test_nothing_reported_gives_empty_tables_with_their_columns(frames):
    result = consolidated(*frames)
    for table, rows in ((DAILY_BARS, result.bars), (QUARANTINED_BARS, result.quarantined)):
        assert rows.is_empty()
        assert rows.schema == {name: kind for name, kind in table.schema.items() if name != "known_at"}


@pytest.mark.slow
def test_the_real_market_loses_its_phantoms_and_absurd_prices_and_little_else(shared_data):
    start, end = date(2015, 3, 20), date(2016, 6, 30)
    bars = (
        pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
        .filter(pl.col("known_on") <= end)
        .filter(
            pl.struct("symbol", "session").ne_missing(pl.struct("symbol", "session").shift(-1))
        )  # sorted by known_on
        .select("symbol", "session", "open", "high", "low", "close", pl.col("volume").cast(pl.Float64))
        .with_columns(
            vwap=pl.lit(None, pl.Float64), trade_count=pl.lit(None, pl.Int64), batch_id=pl.lit("file")
        )
        .collect()
    )
    result = consolidate({"yahoo": bars}, priority=["yahoo"], sessions=sessions_between(start, end))
    assert result.bars.height + result.quarantined.height == bars.height == 1_967_109
    counts = dict(result.quarantined.group_by("rule").len().iter_rows())
    assert counts == {
        "phantom_session": 119,
        "non_positive_price": 10,
        "outside_range": 1,
        "absurd_price": 33,
        "unexplained_jump": 441,
    }
    phantoms = (
        result.quarantined.filter(pl.col("rule") == "phantom_session")["session"].unique().sort().to_list()
    )
    assert phantoms == [day for day in closures_between(start, end) if day in set(bars["session"])]
    assert len(phantoms) == 11
    assert set(result.quarantined.filter(pl.col("rule") == "absurd_price")["symbol"]) == {
        "GMC",
        "HCM",
        "PXS",
        "WAFDW",
    }
    assert result.bars["close"].max() == pytest.approx(4518.0, rel=0.05)  # Seaboard, which is real
    assert result.bars["close"].min() > 0


def test_two_different_reports_of_the_session_before_confirm_nothing():
    before = frame(bar(2.0), bar(2.5))
    today = frame(bar(10.0, SESSIONS[1]))
    accepted = frame(bar(2.0))
    result = consolidate(
        {"yahoo": today},
        priority=["yahoo"],
        sessions=[SESSIONS[1]],
        before=Before(accepted=accepted, vendor={"yahoo": before}),
    )
    assert result.bars.is_empty()
    assert result.quarantined["rule"].to_list() == ["unexplained_jump"]


def test_a_vendor_that_contradicts_itself_is_not_used_for_that_key():
    reported = one_row_per_key(frame(bar(10.0), bar(11.0), bar(5.0, symbol="BBB"), bar(5.0, symbol="BBB")))
    assert dict(reported.select("symbol", "reports").iter_rows()) == {"AAA": 2, "BBB": 1}
    result = consolidated(reported, frame(bar(10.5)))
    assert dict(result.bars.select("symbol", "source").iter_rows()) == {"AAA": "yahoo", "BBB": "polygon"}
    assert result.quarantined.select("symbol", "source", "rule").rows() == [("AAA", "polygon", "duplicate")]


HOURS = [
    datetime(2016, 5, 23, 13, 30, tzinfo=UTC),
    *(datetime(2016, 5, 23, h, tzinfo=UTC) for h in range(14, 20)),
]


def hours(*closes: float, first: datetime | None = None, **values: object) -> pl.DataFrame:
    starts = [first or HOURS[0], *HOURS[1:]]
    rows = [
        bar(close, SESSIONS[0], **values) | {"bar_start": start, "bar_end": start + timedelta(hours=1)}
        for close, start in zip(closes, starts, strict=False)
    ]
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(rows, schema=SCHEMA | {"bar_start": instant, "bar_end": instant})


def test_hours_are_judged_and_chosen_like_days():
    first = hours(10.0, 10.1, 99.0, 10.2)
    second = hours(10.0, 10.3, 10.2)
    result = consolidated(first, second, grain=HOURLY, bar_starts=HOURS)
    assert result.bars.select("bar_start", "close", "source", "source_count").rows() == [
        (HOURS[0], 10.0, "polygon", 2),
        (HOURS[1], 10.1, "polygon", 2),
        (HOURS[2], 10.2, "yahoo", 1),
        (HOURS[3], 10.2, "polygon", 1),
    ]
    assert result.quarantined.select("bar_start", "rule").rows() == [(HOURS[2], "unexplained_jump")]
    for table, rows in ((HOURLY_BARS, result.bars), (QUARANTINED_HOURLY_BARS, result.quarantined)):
        assert rows.schema == {name: kind for name, kind in table.schema.items() if name != "known_at"}


def test_an_hour_off_the_grid_is_a_phantom():
    result = consolidated(
        hours(10.0, 10.1, first=datetime(2016, 5, 23, 13, tzinfo=UTC)), grain=HOURLY, bar_starts=HOURS
    )
    assert result.quarantined["rule"].to_list() == ["phantom_session"]
    assert result.bars["bar_start"].to_list() == [HOURS[1]]


def test_a_split_explains_the_step_of_the_first_hour_of_its_day():
    actions = pl.DataFrame(
        {"symbol": ["AAA"], "ex_date": [SESSIONS[0]], "kind": ["split"], "split_ratio": [10.0]}
    )
    before = Before(
        accepted=hours(10.0).with_columns(bar_start=pl.lit(HOURS[0] - timedelta(days=3))), vendor={}
    )
    options = {"grain": HOURLY, "bar_starts": HOURS, "before": before}
    assert consolidated(hours(1.0, 1.01), corporate_actions=actions, **options).quarantined.is_empty()
    assert consolidated(hours(1.0, 1.01), **options).quarantined["bar_start"].to_list() == [HOURS[0]]


@pytest.mark.parametrize(
    ("factor", "close", "refused"), [(1 / 8, 1.25, []), (None, 1.25, []), (None, 45.0, [1])]
)
def test_a_spin_off_explains_a_fall_and_nothing_else(factor, close, refused):
    actions = pl.DataFrame(
        {"symbol": ["AAA"], "ex_date": [SESSIONS[1]], "kind": ["spin_off"], "split_ratio": [None], "price_factor": [factor]},
        schema_overrides={"split_ratio": pl.Float64, "price_factor": pl.Float64},
    )  # fmt: skip
    assert refused_days(consolidated(series(10, close), corporate_actions=actions)) == refused
    assert refused_days(consolidated(series(10, 1.25))) == [1]


def test_bars_fetched_before_they_were_final_are_refused_and_another_source_takes_over():
    early = {"polygon": [SESSIONS[1]]}
    result = consolidated(series(10, 10.1), series(10, 10.2), unfinished=early)
    assert result.bars["source"].to_list() == ["polygon", "yahoo"]
    assert result.quarantined.select("session", "rule").rows() == [(SESSIONS[1], "unfinished_bar")]


def test_a_person_can_take_a_doubtful_bar_with_just_its_values():
    def decision(symbol: str, session: date, text: str, source: str | None = None) -> pl.DataFrame:
        row = {"symbol": symbol, "session": session, "source": source, "value": text}
        return pl.DataFrame([row], schema_overrides={"source": pl.String})

    def text(close: float) -> str:
        return f"open {close} high {close} low {close} close {close} volume 1000.0"

    crash = series(10.0, 2.0)
    taken = decision("AAA", SESSIONS[1], text(2.0))
    assert consolidated(crash, taken=taken).bars["close"].to_list() == [10.0, 2.0]
    assert refused_days(consolidated(series(10.0, 1.9), taken=taken)) == [1]
    assert refused_days(consolidated(crash, taken=decision("AAA", SESSIONS[1], text(2.0), "yahoo"))) == [1]
    dear = frame(bar(36_100.0))
    assert consolidated(dear, taken=decision("AAA", SESSIONS[0], text(36_100.0))).quarantined.is_empty()
    impossible = frame(bar(0.0))
    assert consolidated(impossible, taken=decision("AAA", SESSIONS[0], text(0.0))).bars.is_empty()
