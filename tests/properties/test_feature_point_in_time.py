"""A feature row knows its session and nothing later, and does not depend on what else is computed with it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.features import tiles
from trading_assets.features.build import build_daily_features, build_resumable
from trading_assets.features.state import CARRIED_SCHEMA
from trading_assets.indicators.registry import FEATURES, WINDOW_BARS

FIRST = date(2020, 1, 1)
ACTION_SCHEMA = {
    "symbol": pl.String,
    "ex_date": pl.Date,
    "kind": pl.String,
    "split_ratio": pl.Float64,
    "cash_usd": pl.Float64,
    "new_symbol": pl.String,
    "share_ratio": pl.Float64,
    "price_factor": pl.Float64,
}
SYMBOLS = ("AAA", "BBB", "SPY")
NOTHING = pl.DataFrame(schema=CARRIED_SCHEMA)


def market(seed: int, days: int) -> pl.DataFrame:
    # Fat tails, flat stretches, days without volume, symbols that list late, delist early and skip sessions.
    rng = np.random.default_rng(seed)
    frames = []
    for symbol in SYMBOLS:
        moves = rng.standard_t(3, days) * 0.02
        flat = rng.integers(0, days + 1, 2)
        moves[flat.min() : flat.max()] *= rng.random() < 0.5
        close = np.round(rng.uniform(2, 300) * np.exp(np.clip(np.cumsum(moves), -3, 3)), 4)
        open_ = np.round(close * np.exp(rng.normal(0, 0.01, days)), 4)
        spread = rng.exponential(0.01, days) * (rng.random() < 0.8)
        frame = pl.DataFrame(
            {
                "symbol": [symbol] * days,
                "session": [FIRST + timedelta(days=i) for i in range(days)],
                "open": open_,
                "high": np.maximum(open_, close) * (1 + spread),
                "low": np.minimum(open_, close) / (1 + spread),
                "close": close,
                "volume": rng.integers(0, 10**6, days) * (rng.random(days) < 0.9).astype(float),
            }
        )
        listed, delisted = sorted(rng.integers(0, days + 1, 2)) if rng.random() < 0.3 else (0, days)
        traded = (rng.random(days) < 0.97) & (np.arange(days) >= listed) & (np.arange(days) < delisted)
        frames.append(frame.filter(pl.Series(traded)))
    return pl.concat(frames)


actions_lists = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS),
        st.integers(0, 320).map(lambda offset: FIRST + timedelta(days=offset)),
        st.sampled_from(["split", "cash_dividend", "spin_off"]),
        st.sampled_from([2.0, 3.0, 0.1, 1.5, 1.054]),
        st.floats(0.01, 1.5),
    ),
    max_size=8,
    unique_by=lambda row: row[:3],
)
seeds = st.integers(0, 2**32)
lengths = st.integers(1, 320)


def frame_of(actions: list[tuple]) -> pl.DataFrame:
    rows = [(symbol, day, kind, *terms(kind, ratio, cash)) for symbol, day, kind, ratio, cash in actions]
    return pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row")


def terms(kind: str, ratio: float, cash: float) -> tuple[object, ...]:
    """Return split_ratio, cash_usd, new_symbol, share_ratio, price_factor; half the spin-offs are told in shares."""
    if kind == "split":
        return (ratio, None, None, None, None)
    if kind == "cash_dividend":
        return (None, cash, None, None, None)
    return (None, None, "SPY", 0.3, None) if ratio < 2 else (None, None, "NEW", None, 1 / ratio)


def sessions_of(bars: pl.DataFrame) -> list[date]:
    return bars["session"].unique().sort().to_list()


@settings(max_examples=25, deadline=None)
@given(seeds, lengths, actions_lists, st.data())
def test_one_session_or_the_whole_range_give_the_same_bits(seed, days, actions, data) -> None:
    bars, known = market(seed, days), frame_of(actions)
    if bars.is_empty():
        return
    sessions = sessions_of(bars)
    whole = build_daily_features(bars, known, sessions=sessions)
    session = data.draw(st.sampled_from(sessions))
    assert whole.height == bars.height
    assert_frame_equal(
        build_daily_features(bars, known, sessions=[session]), whole.filter(session=session), check_exact=True
    )


@settings(max_examples=25, deadline=None)
@given(seeds, lengths, actions_lists, st.data())
def test_what_happens_after_a_session_changes_nothing_at_or_before_it(seed, days, actions, data) -> None:
    bars, known = market(seed, days), frame_of(actions)
    if bars.is_empty():
        return
    sessions = sessions_of(bars)
    session = data.draw(st.sampled_from(sessions))
    past = [day for day in sessions if day <= session]
    later = pl.col("session") > session
    corrupted = bars.with_columns(
        *(
            pl.when(later).then(pl.col(name) * 7.5).otherwise(name)
            for name in ("open", "high", "low", "close")
        ),
        volume=pl.when(later).then(0.0).otherwise("volume"),
    )
    rest = known.filter(pl.col("ex_date") <= session)
    extra = frame_of([("AAA", session + timedelta(days=1), "split", 4.0, 0.0)])
    expected = build_daily_features(bars, known, sessions=past)
    for future_bars, future_actions in (
        (bars.filter(~later), rest),
        (bars, rest),
        (corrupted, known),
        (bars, pl.concat([rest, extra])),
    ):
        assert_frame_equal(
            build_daily_features(future_bars, future_actions, sessions=past), expected, check_exact=True
        )


@settings(max_examples=25, deadline=None)
@given(seeds, lengths, actions_lists, st.integers(1, 4), st.integers(1, 4))
def test_tiles_threads_and_other_symbols_change_no_bit(seed, days, actions, symbols, threads) -> None:
    bars, known = market(seed, days), frame_of(actions)
    if bars.is_empty():
        return
    sessions = sessions_of(bars)
    expected = build_daily_features(bars, known, sessions=sessions, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_LEAST_SYMBOLS", symbols)
        patch.setattr(tiles, "_MOST_SYMBOLS", symbols)
        assert_frame_equal(
            build_daily_features(bars, known, sessions=sessions, threads=threads), expected, check_exact=True
        )
    only = bars.filter(pl.col("symbol").is_in(["BBB", "SPY"]))
    assert_frame_equal(
        build_daily_features(only, known, sessions=sessions),
        expected.filter(pl.col("symbol") != "AAA"),
        check_exact=True,
    )


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(2, 320), st.sampled_from([2.0, 3.0, 0.1, 1.5]), st.data())
def test_a_split_changes_scales_and_nothing_else(seed, days, ratio, data) -> None:
    bars = market(seed, days).filter(symbol="AAA")
    if bars.height < 2:
        return
    sessions = sessions_of(bars)
    ex_date = data.draw(st.sampled_from(sessions[1:]))
    after = pl.col("session") >= ex_date
    split = bars.with_columns(
        *(
            pl.when(after).then(pl.col(name) / ratio).otherwise(name)
            for name in ("open", "high", "low", "close")
        ),
        volume=pl.when(after).then(pl.col("volume") * ratio).otherwise("volume"),
    )
    without = build_daily_features(bars, frame_of([]), sessions=sessions)
    known = frame_of([("AAA", ex_date, "split", ratio, 0.0)])
    with_split = build_daily_features(split, known, sessions=sessions)
    back = (
        with_split.with_columns(
            pl.when(after).then(pl.col(name) * ratio).otherwise(name).alias(name)
            for name, feature in FEATURES.items()
            if feature.scale == "price" or name == "close"
        )
        .with_columns(
            price_factor=pl.when(after).then(pl.col("price_factor") * ratio).otherwise("price_factor")
        )
        .with_columns(
            pl.when(after).then(pl.col(name) / ratio).otherwise(name).alias(name)
            for name in ("volume", "volume_sma_20", "share_factor")
        )
    )
    # Quotients of deviations magnify the last bits of prices that hardly moved; the others keep them.
    unstable = {"bb_position", "zscore_20", "volatility_20", "rsi_14", "adx_14", "stoch_k", "stoch_d"}
    stable = [name for name in without.columns if name not in unstable]
    assert_frame_equal(back.select(stable), without.select(stable), rel_tol=1e-11, abs_tol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds, lengths, actions_lists)
def test_values_stay_in_the_range_that_the_registry_states(seed, days, actions) -> None:
    bars = market(seed, days)
    if bars.is_empty():
        return
    rows = build_daily_features(bars, frame_of(actions), sessions=sessions_of(bars))
    for name, feature in FEATURES.items():
        low, high = feature.valid_range
        values = rows[name].drop_nulls()
        assert values.is_finite().all(), name
        assert low is None or values.is_empty() or values.min() >= low - 1e-9, name
        assert high is None or values.is_empty() or values.max() <= high + 1e-9, name


def test_an_action_learned_late_leaves_the_sessions_before_its_ex_date_as_they_were() -> None:
    bars = market(11, 300)
    sessions = sessions_of(bars)
    ex_date = sessions[200]
    before = build_daily_features(bars, frame_of([]), sessions=sessions)
    learned = build_daily_features(bars, frame_of([("AAA", ex_date, "split", 2.0, 0.0)]), sessions=sessions)
    early = pl.col("session") < ex_date
    assert_frame_equal(learned.filter(early), before.filter(early), check_exact=True)
    assert not learned.filter(~early)["sma_20"].equals(before.filter(~early)["sma_20"])


def test_a_corrected_bar_leaves_the_averages_of_windows_without_it_as_they_were() -> None:
    bars = market(12, 300)
    sessions = sessions_of(bars)
    own = bars.filter(symbol="AAA")["session"]
    corrected = bars.with_columns(
        close=pl.when((pl.col("symbol") == "AAA") & (pl.col("session") == own[50]))
        .then(pl.col("low"))
        .otherwise("close")
    )
    names = ["sma_20", "sma_50", "bb_upper", "volatility_20", "zscore_20", "dollar_volume_20", "return_63"]
    after = pl.col("session") >= own[50 + 64]
    before, now = (
        build_daily_features(frame, frame_of([]), sessions=sessions).filter(after).select(names)
        for frame in (bars, corrected)
    )
    assert bars["close"].sum() != corrected["close"].sum()
    assert_frame_equal(now, before, check_exact=True)


def carried_at(bars: pl.DataFrame, known: pl.DataFrame, *days: date) -> pl.DataFrame:
    return build_resumable(bars, known, sessions=[], carried=NOTHING, checkpoints=days)[1]


def since(bars: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """Return the bars from each symbol's carried one on."""
    first = bars.join(carried.select("symbol", "bar_session"), on="symbol", how="left", maintain_order="left")
    is_kept = pl.col("session") >= pl.col("bar_session")
    return first.filter(is_kept.fill_null(value=True)).drop("bar_session")


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(300, 620), actions_lists, st.data())
def test_what_is_carried_and_the_bars_since_give_the_bits_of_the_whole_history(
    seed, days, actions, data
) -> None:
    bars, known = market(seed, days), frame_of(actions)
    sessions = sessions_of(bars)
    if len(sessions) < 300:
        return
    checkpoint, later = sorted(data.draw(st.lists(st.integers(0, len(sessions) - 1), min_size=2, max_size=2)))
    carried = carried_at(bars, known, sessions[checkpoint])
    rest = since(bars, carried)
    rows, states = build_resumable(
        rest, known, sessions=sessions[checkpoint:], carried=carried, checkpoints=[sessions[later]]
    )
    assert_frame_equal(states, carried_at(bars, known, sessions[later]), check_exact=True)

    # windows are those of the whole history once the bars since hold them
    held = rest.with_columns(number=pl.int_range(1, pl.len() + 1).over("symbol"))
    is_first = pl.col("symbol").is_in(carried.filter(pl.col("bars") > 1)["symbol"].implode())
    compared = held.filter((pl.col("number") >= WINDOW_BARS) | ~is_first).select("symbol", "session")
    whole = build_daily_features(bars, known, sessions=sessions[checkpoint:])
    assert_frame_equal(
        rows.join(compared, on=["symbol", "session"], how="semi", maintain_order="left"),
        whole.join(compared, on=["symbol", "session"], how="semi", maintain_order="left"),
        check_exact=True,
    )


def test_a_symbol_with_one_bar_keeps_the_benchmark_of_that_bar_when_the_next_one_comes_later() -> None:
    bars = market(1, 371).filter(pl.col("symbol") != "BBB")
    sessions = sessions_of(bars)
    lone = pl.col("session").is_in([sessions[100], *sessions[108:]])
    bars = pl.concat([bars, bars.filter(lone, symbol="AAA").with_columns(symbol=pl.lit("BBB"))])
    bars, known = bars.sort("symbol", "session"), frame_of([])
    carried = carried_at(bars, known, sessions[107])
    assert carried.filter(symbol="BBB").select("bars", "bar_session").row(0) == (1, sessions[100])
    days = [sessions[107], sessions[-1]]
    rows, states = build_resumable(
        since(bars, carried), known, sessions=sessions[107:], carried=carried, checkpoints=days
    )
    assert_frame_equal(states, carried_at(bars, known, *days), check_exact=True)
    asked = ["session", "correlation_spy_63"]
    whole = build_daily_features(bars, known, sessions=sessions[107:]).filter(symbol="BBB").select(asked)
    assert whole["correlation_spy_63"].is_not_null().any()
    assert_frame_equal(rows.filter(symbol="BBB").select(asked), whole, check_exact=True)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 320), actions_lists, st.data())
def test_what_is_carried_at_a_session_knows_nothing_later(seed, days, actions, data) -> None:
    bars, known = market(seed, days), frame_of(actions)
    if bars.is_empty():
        return
    session = data.draw(st.sampled_from(sessions_of(bars)))
    past = bars.filter(pl.col("session") <= session)
    then = known.filter(pl.col("ex_date") <= session)
    extra = frame_of([("AAA", session + timedelta(days=1), "split", 4.0, 0.0)])
    expected = carried_at(past, then, session)
    for later_bars, later_actions in ((bars, then), (bars, pl.concat([then, extra])), (past, known)):
        assert_frame_equal(carried_at(later_bars, later_actions, session), expected, check_exact=True)
