"""Every chart is a valid specification that draws, on no row, one row, rows with holes and five years."""

from __future__ import annotations

import json
from datetime import date

import altair as alt
import numpy as np
import polars as pl
import pytest
import vl_convert

from app.bar_grid import STATES, Grid, alphabetical, cells, columns
from app.charts.bars import allocation_frame, allocation_spec, recommendations_spec
from app.charts.candle_bars import candle_frame
from app.charts.candles import candle_spec
from app.charts.equity import equity_frame, equity_spec, underwater_spec
from app.charts.heatmap import heatmap_frame, heatmap_spec
from app.charts.indicators import CHOICES, DEFAULT
from trading_assets.features.build import build_daily_features
from trading_assets.indicators.registry import FEATURES
from trading_assets.indicators.series import with_indicators
from trading_assets.palette import palette
from trading_assets.sessions import sessions_between
from trading_assets.tables.listings import CORPORATE_ACTIONS

DAYS = sessions_between(date(2019, 1, 2), date(2024, 12, 31))
SIZES = (0, 1, 40, 1260)


def draw(spec: dict, frame: pl.DataFrame) -> str:
    alt.Chart.from_dict({"data": {"name": "rows"}, **spec})
    dated = frame.with_columns(pl.col(pl.Date).dt.epoch("ms"))
    whole = json.loads(json.dumps(spec)) | {"data": {"values": json.loads(dated.write_json())}}
    for row in whole.get("vconcat", []):
        row["width"] = 600
    return vl_convert.vegalite_to_svg(whole, vl_version="6.1")


def bars(count: int, *, holes: bool = False) -> pl.DataFrame:
    random = np.random.default_rng(5)
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.02, count)))
    opening = close * np.exp(random.normal(0, 0.01, count))
    frame = pl.DataFrame(
        {
            "session": DAYS[:count], "open": opening, "high": np.maximum(opening, close) * 1.01,
            "low": np.minimum(opening, close) * 0.99, "close": close, "volume": random.uniform(1e5, 1e6, count),
        },
        schema_overrides={"session": pl.Date},
    )  # fmt: skip
    benchmark = pl.Series(100 * np.exp(np.cumsum(random.normal(0, 0.01, count))))
    scaled = frame.with_columns(price_scale=1.0, share_scale=1.0)
    frame = with_indicators(scaled, benchmark).drop("price_scale", "share_scale")
    if holes:
        gap = pl.int_range(pl.len()) % 7 == 3
        frame = frame.with_columns(
            pl.when(gap).then(float("nan")).otherwise(pl.col("volume")).alias("volume"),
            pl.when(gap).then(None).otherwise(pl.col("rsi_14")).alias("rsi_14"),
        )
    return frame


@pytest.mark.parametrize(
    ("count", "theme"), [(0, "light"), (0, "dark"), (1, "dark"), (40, "light"), (1260, "dark")]
)
def test_candles_draw_whatever_there_is(count, theme):
    frame = candle_frame(bars(count, holes=count == 40))
    svg = draw(candle_spec(frame.height, 252, palette(theme)), frame)
    assert svg.count('aria-roledescription="bar"') >= min(count, 252)


@pytest.mark.parametrize(
    ("chosen", "log"),
    [([], True), (["rsi_14"], False), (["bb_upper", "sma_20"], True), (["macd", "stoch_k", "beta_252"], False), (list(CHOICES), True)],
    ids=["none", "rsi", "bands", "panes", "all"],
)  # fmt: skip
def test_candles_draw_with_any_indicators_and_scale(chosen, log):
    frame = candle_frame(bars(60))
    spec = candle_spec(60, 21, palette("light"), indicators=chosen, log=log)
    svg = draw(spec, frame)
    below = [row for row in spec["vconcat"] if "title" in row]
    own = [name for name in chosen if CHOICES[name].pane == "own"]
    assert len(below) == len(own) + 3, "price, volume and the whole history are always there"
    assert ("RSI · 0-100" in svg) == ("rsi_14" in chosen)
    assert ("Bollinger band" in svg) == ("bb_upper" in chosen)


def test_every_feature_of_the_registry_can_be_drawn_and_only_once():
    drawn = [name for choice in CHOICES.values() for name in choice.columns]
    assert sorted(drawn) == sorted(set(FEATURES) - {"close", "volume"})
    assert {name: CHOICES[name].pane for name in DEFAULT} == {
        "sma_50": "price", "sma_200": "price", "rsi_14": "own", "macd": "own",
    }  # fmt: skip
    assert CHOICES["macd"].columns == ("macd", "macd_signal", "macd_histogram")
    assert CHOICES["bb_upper"].columns == ("bb_upper", "bb_middle", "bb_lower")
    assert CHOICES["bb_position"].pane == "own"


def test_an_indicator_on_the_chart_is_the_feature_of_the_newest_session():
    count = 300
    frame = bars(count)
    rows = frame.select("session", "open", "high", "low", "close", "volume").with_columns(
        symbol=pl.lit("AAA")
    )
    spy = rows.with_columns(pl.col("open", "high", "low", "close") * 3, symbol=pl.lit("SPY"))
    scaled = rows.with_columns(price_scale=1.0, share_scale=1.0)
    shown = with_indicators(scaled, spy["close"])
    none = pl.DataFrame(schema=CORPORATE_ACTIONS.schema)
    made = build_daily_features(pl.concat([rows, spy]), none, sessions=[DAYS[count - 1]])
    row = made.row(by_predicate=pl.col("symbol") == "AAA", named=True)
    for name in CHOICES:
        assert shown[name][-1] == pytest.approx(row[name], rel=1e-9), name


def test_candle_frame_counts_back_from_the_newest_bar_and_keeps_five_years():
    frame = candle_frame(bars(1400))
    assert frame["ago"].to_list()[-3:] == [-2, -1, 0]
    assert frame.height == 1260
    assert frame["ago"][0] == -1259
    assert frame["change"][0] is not None, "the bar before the first shown one is known"


def test_candle_frame_has_no_weekend_gaps_and_marks_the_first_session_of_each_period():
    frame = candle_frame(bars(300))
    ticks = dict(frame.select("session", "tick").iter_rows())
    assert ticks[date(2019, 1, 2)] == 1
    assert ticks[date(2019, 4, 1)] == 2
    assert ticks[date(2019, 2, 1)] == 3
    assert ticks[date(2019, 1, 7)] == 4, "a Monday"
    assert ticks[date(2019, 1, 8)] == 5
    assert frame["ago"].diff().drop_nulls().unique().to_list() == [1]


def test_candle_frame_averages_our_fills_of_a_session_and_sends_no_nan():
    fills = pl.DataFrame(
        {"session": [DAYS[3], DAYS[3], DAYS[5]], "side": ["buy", "buy", "sell"], "price": [10.0, 12.0, 20.0]}
    )
    frame = candle_frame(bars(40, holes=True), fills)
    assert frame.filter(session=DAYS[3])["buy"].to_list() == [11.0]
    assert frame.filter(session=DAYS[5])["sell"].to_list() == [20.0]
    assert frame["buy"].count() == 1
    floats = frame.select(pl.col(pl.Float32))
    assert not any(floats[name].is_nan().any() for name in floats.columns)
    assert frame["volume"].null_count() > 0


def test_five_years_of_candles_fit_in_the_websocket_budget():
    drawn = ["sma_20", "sma_50", "sma_200", "bb_upper", "rsi_14", "macd", "atr_14"]
    columns = [name for choice in drawn for name in CHOICES[choice].columns]
    frame = candle_frame(bars(1260).select("session", "open", "high", "low", "close", "volume", *columns))
    sent = frame.estimated_size()
    spec = json.dumps(candle_spec(1260, 252, palette("light"), indicators=drawn))
    assert sent + len(spec) < 300_000


@pytest.mark.parametrize("count", SIZES)
def test_equity_and_drawdown_draw_whatever_there_is(count):
    random = np.random.default_rng(3)
    equity = 1e5 * np.exp(np.cumsum(random.normal(0, 0.01, count)))
    peak = np.maximum.accumulate(equity)
    frame = equity_frame(
        pl.DataFrame(
            {
                "session": DAYS[:count], "equity_usd": equity, "drawdown_frac": equity / peak - 1,
                "return_frac": [None, *[float("nan")] * (count - 1)][:count],
            },
            schema_overrides={"session": pl.Date, "return_frac": pl.Float64},
        )
    )  # fmt: skip
    curve = draw(equity_spec(count, palette("light"), opening_usd=1e5), frame)
    water = draw(underwater_spec(palette("dark")), frame)
    assert curve.count('aria-roledescription="point"') >= count
    assert "area" in water


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("symbols", "sessions"), [(1, 1), (40, 60), (300, 504)])
def test_the_heatmap_draws_a_cell_for_each_row_and_week(symbols, sessions, theme):
    random = np.random.default_rng(3)
    expected = np.ones((symbols, sessions), dtype=np.uint8)
    stored = (random.random((symbols, sessions)) > 0.05).astype(np.uint8)
    names = tuple(f"S{number:03d}" for number in range(symbols))
    grid = Grid(names, tuple(DAYS[:sessions]), expected, stored)
    rows = alphabetical(names)
    frame = heatmap_frame(cells(grid, rows))
    colours = palette(theme)
    starts = [first for first, _ in columns(grid.sessions)]
    facts = (("state", "State", ""), ("missing", "Missing", ",d"))
    labels = list(dict.fromkeys(rows))
    spec = heatmap_spec(labels, starts, STATES, colours.ramp, colours, tooltip=facts, clickable=True)
    svg = draw(spec, frame)
    assert svg.count('aria-roledescription="rect mark"') == len(labels) * len(starts)


def test_allocation_adds_up_to_the_equity_and_names_what_it_cannot_place():
    values = [float(1000 - i) for i in range(20)]
    positions = pl.DataFrame(
        {"market_value_usd": values, "sector": [None if i % 2 else f"S{i}" for i in range(20)]}
    )
    shares = allocation_frame(positions, 25_000.0, "sector")
    assert shares["value_usd"].sum() == pytest.approx(25_000)
    assert shares["weight_frac"].sum() == pytest.approx(1)
    assert shares["group"].to_list()[-1] == "Cash"
    assert shares["group"][0] == "Unknown"
    many = allocation_frame(
        positions.with_columns(sector=pl.lit("S") + pl.int_range(20).cast(str)), 25_000.0, "sector"
    )
    assert many["group"].to_list()[-2:] == ["9 others", "Cash"]
    assert draw(allocation_spec(shares.height, shares["weight_frac"].to_list(), palette("dark")), shares).count(
        'aria-roledescription="bar"'
    ) == shares.height  # fmt: skip


def test_hourly_candles_name_the_hours_in_the_readers_zone_and_mark_what_happened():
    from trading_assets.sessions import session_hours

    hours = [(day, *hour) for day in DAYS[-30:] for hour in session_hours(day)]
    daily = bars(len(hours)).drop("session")
    frame = daily.with_columns(
        pl.Series("session", [day for day, _, _ in hours]),
        pl.Series("bar_start", [start for _, start, _ in hours], dtype=pl.Datetime("us", "UTC")),
        pl.Series("bar_end", [end for _, _, end in hours], dtype=pl.Datetime("us", "UTC")),
    )
    first = frame.filter(pl.col("session") == DAYS[-10])["bar_start"][0]
    events = pl.DataFrame(
        {"bar_start": [first, first], "letter": ["S", "D"], "note": ["split 4 for 1", "dividend $1"]}
    )
    shown = candle_frame(
        frame,
        None,
        events.cast({"bar_start": frame.schema["bar_start"]}),
        at="bar_start",
        zone="America/Chicago",
    )
    marked = shown.filter(pl.col("event").is_not_null())
    assert marked.select("session", "event", "event_note").rows() == [
        (DAYS[-10], "SD", "split 4 for 1, dividend $1")
    ]
    assert shown["label"][-1] == f"{DAYS[-1]:%a %d %b %Y} 14:00 to 15:00 CST"
    assert shown.filter(pl.col("tick") <= 5)["session"].n_unique() == 30, "each session begins with a tick"
    assert (shown["tick"] <= 5).sum() == 30
    drawn = shown.drop("bar_start", "bar_end")
    svg = draw(candle_spec(shown.height, 60, palette("dark"), hourly=True, title="Price (USD)"), drawn)
    assert svg.count('aria-roledescription="bar"') >= 60
    assert "SD" in svg


@pytest.mark.parametrize("months", [1, 4])
def test_recommendations_stack_every_rating_of_every_month(months):
    kinds = ["strong buy", "buy", "hold", "sell", "strong sell"]
    rows = [(ago, f"{ago} months ago", kind, 3) for ago in range(months) for kind in kinds]
    frame = pl.DataFrame(rows, schema=["months_ago", "month", "rating", "analysts"], orient="row")
    svg = draw(recommendations_spec(months, palette("light")), frame)
    assert svg.count('aria-roledescription="bar"') == months * len(kinds)
