"""The replayed market: versions by the day they were collected, actions read from adjusted closes, dirt kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.errors import ConfigurationError
from trading_assets.simulator.market import replay
from trading_assets.simulator.market.intraday import intraday, rows_behind
from trading_assets.simulator.market.replay import ReplayMarket
from trading_assets.simulator.market.replay_actions import classify
from trading_assets.simulator.market.tape import day_number, publication

LATER = datetime(2030, 1, 1, tzinfo=UTC)
MON, TUE, WED = date(2016, 6, 27), date(2016, 6, 28), date(2016, 6, 29)
COLUMNS = ("symbol", "session", "known_on", "open", "high", "low", "close", "adj_close", "volume")


def write(path, rows):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS), orient="row")
    frame.with_columns(pl.col(*COLUMNS[3:]).cast(pl.Float64)).write_parquet(path)
    return ReplayMarket(path)


def row(symbol, session, known_on, close, *, adjusted=None, volume=1000):
    return (symbol, session, known_on, close, close, close, close, adjusted or close, volume)


def test_a_bar_is_served_from_ten_past_four_of_its_collection_day_in_its_newest_version(tmp_path):
    market = write(
        tmp_path / "bars.parquet",
        [
            row("B", MON, MON, 10.0),
            row("B", MON, TUE, 10.0, volume=1100),
            row("B", MON, WED, 10.5, volume=1100),
        ],
    )

    def close_and_volume(instant):
        return market.daily_bars(MON, MON, known_at=instant).select("close", "volume").rows()

    assert close_and_volume(publication(MON) - timedelta(seconds=1)) == []
    assert close_and_volume(publication(MON)) == [(10.0, 1000.0)]
    assert close_and_volume(publication(WED) - timedelta(seconds=1)) == [(10.0, 1100.0)]
    assert close_and_volume(LATER) == [(10.5, 1100.0)]
    assert market.bar("B", MON).close == 10.5, "orders fill at the last version, whatever is known"


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(0, 4), st.integers(0, 3), st.integers(1, 9)),
        min_size=1, max_size=40, unique_by=lambda r: r[:3],
    ),
    asked=st.integers(-1, 9),
)  # fmt: skip
def test_any_file_in_any_order_reads_as_a_plain_filter_would(tmp_path_factory, rows, asked):
    table = [row(s, MON + timedelta(d), MON + timedelta(d + k), float(c)) for s, d, k, c in rows]
    market = write(tmp_path_factory.mktemp("replay") / "bars.parquet", table)
    day = MON + timedelta(asked)
    newest = {}
    for symbol, session, known_on, *_, close, _, _ in sorted(table, key=lambda r: r[2]):
        if known_on <= day:
            newest[symbol, session] = close
    wanted = [(symbol, session, close) for (symbol, session), close in sorted(newest.items())]
    frame = market.daily_bars(MON, MON + timedelta(10), known_at=publication(day))
    assert frame.select("symbol", "session", "close").rows() == wanted
    for session in {session for _, session in newest}:
        section = (
            market.daily_bars(session, session, known_at=publication(day)).select("symbol", "close").rows()
        )
        assert section == [(symbol, close) for symbol, when, close in wanted if when == session]


@pytest.mark.parametrize(
    ("factor", "close", "move", "split", "cash"),
    [
        (3.0, 10.4, 2.61, 1 / 3, None),  # Alcoa, one for three
        (0.142857, 702.6, 0.140, 7.0, None),  # Netflix, seven for one
        (0.142857, 707.61, 0.993, None, None),  # the same, collected a day early
        (0.5, 128.71, 0.5, 2.0, None),
        (0.666667, 47.74, 0.67, 1.5, None),
        (0.99584, 125.01, 1.0, None, 0.52),  # Apple's dividend
        (0.71872, 51.55, 0.75, None, 14.5),  # a large distribution at a merger
        (0.952381, 31.67, 0.96, 1.05, None),  # a stock dividend of five percent
        (0.95, 20.0, 0.95, None, 1.0),  # a cash dividend of five percent
        (50.0, 1.0, 1.01, None, None),  # a mistake: the price did not move
    ],
)
def test_a_factor_is_told_apart_by_its_size_its_ratio_and_what_the_price_did(
    factor, close, move, split, cash
):
    ratio, amount = classify(np.array([factor]), np.array([close]), np.array([move]), np.array([1e-6]))
    assert ratio[0] == pytest.approx(np.nan if split is None else split, nan_ok=True)
    assert amount[0] == pytest.approx(np.nan if cash is None else cash, abs=0.006, nan_ok=True)


def test_an_action_is_known_when_its_ex_dates_collection_is(tmp_path):
    market = write(
        tmp_path / "bars.parquet",
        [row("B", MON, MON, 40.0), row("B", MON, TUE, 40.0, adjusted=20.0), row("B", TUE, TUE, 20.4)],
    )
    known = market.corporate_actions(MON, WED, known_at=publication(TUE))
    assert known.select("symbol", "ex_date", "kind", "split_ratio", "cash_usd").rows() == [
        ("B", TUE, "split", 2.0, None)
    ]
    assert market.corporate_actions(MON, WED, known_at=publication(TUE) - timedelta(seconds=1)).is_empty()


THU = date(2016, 6, 30)


def told(market, symbol="B"):
    found = market.actions(MON, LATER.date(), known_at=LATER, symbol=symbol)
    return [(a.ex_date, a.split_ratio or a.cash_usd, a.known_at) for a in found]


def test_without_collection_days_the_adjusted_closes_are_of_one_day_and_an_action_is_known_on_its_ex_date(
    tmp_path,
):
    """A quarter paid on Tuesday, two for one on Thursday: adjusted as seen from Thursday."""
    path = tmp_path / "bars.csv"
    path.write_text(
        "symbol,session,open,high,low,close,volume,adj_close\n"
        "B,2016-06-30,5,5,5,5,10,5\nB,2016-06-27,10,10,10,10,10,4.875\nB,2016-06-28,10,10,10,10,10,5\n"
        "B,2016-06-29,10,10,10,10,10,5\nC,2016-06-27,9,9,9,9,9,9\nC,2016-06-28,9,9,9,9,9,9\n"
    )
    market = ReplayMarket(path)
    assert told(market) == [(TUE, 0.25, publication(TUE)), (THU, 2.0, publication(THU))]
    assert told(market, "C") == []


def test_each_collection_is_in_its_own_scale_and_tells_what_lies_between_its_own_rows(tmp_path):
    """Two downloads of the whole history: the second one sees a split that the first one did not know."""
    first = [row("B", MON, TUE, 10.0, adjusted=9.8), row("B", TUE, TUE, 10.0)]
    second = [
        row("B", MON, THU, 10.0, adjusted=4.9),
        row("B", TUE, THU, 10.0, adjusted=5.0),
        row("B", WED, THU, 5.0),
        row("B", THU, THU, 5.1),
    ]
    market = write(tmp_path / "bars.parquet", [*first, *second])
    assert told(market) == [(TUE, 0.2, publication(TUE)), (WED, 2.0, publication(THU))]


def test_a_bar_that_is_adjusted_ahead_of_its_ex_date_tells_the_action_once_and_on_its_day(tmp_path):
    rows = [
        row("B", MON, MON, 10.0),
        row("B", MON, TUE, 10.0, adjusted=9.8),
        row("B", TUE, TUE, 10.0, adjusted=9.8),
        row("B", TUE, WED, 10.0, adjusted=9.8),
        row("B", WED, WED, 9.9),
    ]
    assert told(write(tmp_path / "bars.parquet", rows)) == [(WED, 0.2, publication(WED))]


def test_adjusted_closes_that_were_each_collected_alone_are_refused_by_name(tmp_path):
    alone = [row(symbol, day, day, 10.0, adjusted=9.8) for symbol in "BC" for day in (MON, TUE)]
    path = tmp_path / "bars.parquet"
    with pytest.raises(ConfigurationError, match=r"adjusted closes of B, C .* leave out known_on"):
        write(path, [*alone, row("D", MON, MON, 5.0), row("D", TUE, TUE, 5.0)])
    pl.read_parquet(path).drop("known_on").write_parquet(path)
    assert told(ReplayMarket(path)) == []


def test_a_stray_row_that_was_collected_alone_is_no_action_and_its_symbol_is_named(tmp_path):
    market = write(
        tmp_path / "bars.parquet",
        [
            *(row("A", MON, day, 40.0, adjusted=39.0 if day == TUE else None) for day in (MON, TUE)),
            row("A", TUE, TUE, 39.0),
            row("B", MON, MON, 40.0), row("B", MON, WED, 40.0, adjusted=20.0),
        ],
    )  # fmt: skip
    assert (told(market, "A"), told(market)) == ([(TUE, 1.0, publication(TUE))], [])
    assert market.unread == ("B",)


def test_nothing_is_read_across_the_silence_of_a_ticker_that_was_used_again(tmp_path):
    later = MON + timedelta(days=40)
    path = tmp_path / "bars.parquet"
    rows = [
        row("B", MON, MON, 10.0, adjusted=5.0),
        row("B", TUE, TUE, 10.0, adjusted=5.0),
        row("B", later, later, 50.0),
    ]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").drop("known_on").write_parquet(path)
    assert told(ReplayMarket(path)) == []


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(0, 3), st.integers(0, 2), st.sampled_from([1.0, 0.5, 0.98])),
        min_size=1, max_size=30, unique_by=lambda r: r[:3],
    ),
    chunk=st.integers(1, 9),
)  # fmt: skip
def test_actions_are_the_same_however_the_file_is_read(tmp_path_factory, rows, chunk):
    table = [
        row(symbol, MON + timedelta(day), MON + timedelta(day + later), 10.0, adjusted=10.0 * factor)
        for symbol, day, later, factor in rows
    ]
    table += [row("Z", MON, WED, 10.0, adjusted=9.0), row("Z", TUE, WED, 10.0)]
    path = tmp_path_factory.mktemp("replay") / "bars.parquet"
    found = []
    for size in (250_000, chunk):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(replay, "_CHUNK_ROWS", size)
            try:
                market = write(path, table)
            except ConfigurationError as error:
                found.append(str(error))
            else:
                found.append([market.unread, *market.actions(MON, LATER.date(), known_at=LATER)])
    assert found[0] == found[1]


def test_zero_prices_are_served_as_they_are_but_nobody_trades_at_them(tmp_path):
    market = write(tmp_path / "bars.parquet", [row("B", MON, MON, 0.0), row("B", TUE, TUE, 5.0)])
    assert market.daily_bars(MON, MON, known_at=LATER)["close"].to_list() == [0.0]
    assert market.bar("B", MON) is None
    assert market.bar("B", TUE).close == 5.0


def test_a_csv_without_collection_days_is_known_on_its_sessions(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text(
        "symbol,session,open,high,low,close,volume\nB,2016-06-28,1,2,1,2,10\nA,2016-06-27,1,2,1,2,10\n"
    )
    market = ReplayMarket(path)
    assert market.symbols == ("A", "B")
    assert market.daily_bars(MON, WED, known_at=publication(MON))["symbol"].to_list() == ["A"]
    assert market.daily_bars(MON, WED, known_at=publication(TUE)).height == 2


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("symbol,session,open,high,low,close,volume\nA,soon,1,2,1,2,10\n", "session is String"),
        ("symbol,session,open,high,low,close,volume\nA,2016-06-27,1,x,1,2,10\n", "high is String"),
        ("symbol,session,open,high,low,close,volume\n,2016-06-27,1,2,1,2,10\nA,2016-06-27,1,2,1,2,10\n", "without symbol"),
        ("symbol,session\n", "lacks open"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_with_the_reason(tmp_path, content, complaint):
    path = tmp_path / "bars.csv"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=complaint):
        ReplayMarket(path)


@pytest.fixture(scope="module")
def recorded(shared_data):
    return ReplayMarket(shared_data / "us_daily_2015_2017.parquet")


@pytest.mark.slow
def test_the_recorded_market_is_served_with_its_dirt(recorded, shared_data):
    source = pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
    phantom = date(2016, 1, 18)  # a holiday
    for day in (date(2016, 6, 30), phantom):
        collected = day + timedelta(days=1)
        wanted = (
            source.filter(pl.col("session") == day, pl.col("known_on") <= collected)
            .sort("symbol", "known_on").unique("symbol", keep="last").sort("symbol")
            .select("symbol", "open", "high", "low", "close", pl.col("volume").cast(pl.Float64)).collect()
        )  # fmt: skip
        served = recorded.daily_bars(day, day, known_at=publication(collected)).select(wanted.columns)
        assert served.equals(wanted)
        assert not served.is_empty()
    everything = recorded.daily_bars(date(2015, 3, 20), date(2017, 3, 31), known_at=LATER)
    assert everything["close"].max() > 200_000
    assert everything["close"].min() == 0.0


def test_the_recorded_market_has_the_splits_that_happened(recorded):
    known = {
        "AA": (date(2016, 10, 6), 1 / 3),
        "NFLX": (date(2015, 7, 15), 7.0),
        "NKE": (date(2015, 12, 24), 2.0),
        "SBUX": (date(2015, 4, 9), 2.0),  # adjusted to the cent: 47.61 of 95.23
    }
    for symbol, (ex_date, ratio) in known.items():
        [split] = [
            a
            for a in recorded.actions(date(2015, 1, 1), LATER.date(), known_at=LATER, symbol=symbol)
            if a.split_ratio
        ]
        assert (split.ex_date, split.split_ratio) == (ex_date, pytest.approx(ratio))
    assert recorded.unread == ("IART", "SGNL"), "one restated row each, collected without the next session"
    apple = recorded.actions(date(2015, 1, 1), LATER.date(), known_at=LATER, symbol="AAPL")
    assert [round(a.cash_usd, 2) for a in apple] == [0.52, 0.52, 0.52, 0.52, 0.57, 0.57, 0.57, 0.57]


def test_a_recording_of_daily_bars_gets_intraday_bars_that_add_up_to_them(recorded, shared_data):
    session = date(2016, 6, 30)
    evening = publication(session) + timedelta(hours=4)
    source = pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet").filter(session=session)
    liquid = source.filter(pl.col("volume") > 1000, pl.col("low") > 0, pl.col("high") >= pl.col("low")).sort(
        "symbol", "known_on"
    )
    wanted = liquid.unique("symbol", keep="first", maintain_order=True).collect().sample(40, seed=3)
    for symbol in wanted["symbol"]:
        rows = rows_behind(recorded, symbol, day_number(session), day_number(session), evening)
        bars = intraday(rows, 30, evening, extended=False)
        row = [float(column[0]) for column in rows[2:]]
        assert row[4] == bars.volume.sum()
        assert (min(row[:4]), max(row[:4])) == (bars.low.min(), bars.high.max())
        assert (row[0], row[3]) == (bars.open[0], bars.close[-1])
