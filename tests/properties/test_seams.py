"""A ticker that is used again is another instrument: nothing is computed across its long silence."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.decision.market import FEATURES, market_shown
from trading_assets.features.adjust import action_outcomes, adjusted_as_seen_from
from trading_assets.features.build import build_daily_features, build_resumable
from trading_assets.features.seams import SILENCE
from trading_assets.features.state import CARRIED_SCHEMA
from trading_assets.sessions import sessions_between

DAYS = sessions_between(date(2014, 1, 2), date(2017, 6, 30))
ACTIONS = {
    "symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64, "cash_usd": pl.Float64,
    "new_symbol": pl.String, "share_ratio": pl.Float64, "price_factor": pl.Float64,
}  # fmt: skip


def walk(symbol: str, days: list[date], seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = np.round(rng.uniform(5, 200) * np.exp(np.cumsum(rng.normal(0, 0.02, len(days)))), 2)
    return pl.DataFrame(
        {
            "symbol": symbol, "session": days, "open": close, "high": close + 0.5, "low": np.maximum(close - 0.5, 0.01),
            "close": close, "volume": rng.integers(1, 10**6, len(days)).astype(float),
        }
    )  # fmt: skip


def actions(*rows: tuple[str, date, str, float]) -> pl.DataFrame:
    named = [
        {
            "symbol": symbol,
            "ex_date": day,
            "kind": kind,
            "split_ratio" if kind == "split" else "cash_usd": amount,
        }
        for symbol, day, kind, amount in rows
    ]
    return pl.DataFrame([dict.fromkeys(ACTIONS) | row for row in named], schema=ACTIONS)


@st.composite
def reused(draw):
    """A ticker of two or three companies, one after the other, among others that trade on, and actions of each."""
    parts, first = [], 0
    for _ in range(draw(st.integers(2, 3))):
        length = draw(st.integers(1, 300))
        parts.append(DAYS[first : first + length])
        first += length + draw(st.integers(22, 120))
    bars = pl.concat([walk("USED", part, 10 + number) for number, part in enumerate(parts)])
    inside = [(draw(st.sampled_from(part)), part) for part in parts]
    known = actions(
        *(("USED", day, draw(st.sampled_from(["split", "cash_dividend"])), 0.5) for day, _ in inside),
        ("SPY", DAYS[100], "cash_dividend", 0.5),
    )
    others = [walk("SPY", DAYS, 1), walk("USE", DAYS, 2), walk("USEDX", DAYS[:200], 3)]
    market = pl.concat([bars, *others]).sort("symbol", "session")
    return market, known, parts


def without(market: pl.DataFrame, known: pl.DataFrame, part: list[date]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the market in which the ticker was one company's only."""
    others = pl.col("symbol") != "USED"
    return (
        market.filter(others | pl.col("session").is_between(part[0], part[-1])),
        known.filter(others | pl.col("ex_date").is_between(part[0], part[-1])),
    )


@settings(max_examples=12)
@given(market=reused(), cut=st.floats(0.05, 0.95))
def test_each_instrument_has_the_features_of_its_own_bars_alone(market, cut):
    bars, known, parts = market
    features = build_daily_features(bars, known, sessions=DAYS)
    assert features.select("symbol", "session").equals(bars.select("symbol", "session"))
    for part in parts:
        alone = build_daily_features(*without(bars, known, part), sessions=part)
        own = (pl.col("symbol") == "USED") & pl.col("session").is_between(part[0], part[-1])
        assert_frame_equal(features.filter(own), alone.filter(own), check_exact=True)
    nobody = build_daily_features(*without(bars, known, [DAYS[0]]), sessions=DAYS)
    others = pl.col("symbol") != "USED"
    assert_frame_equal(features.filter(others), nobody.filter(others), check_exact=True)

    # a checkpoint before, in or after the silence carries on the instrument that was the last one then
    day = DAYS[int(cut * (len(DAYS) - 1))]
    before = bars.filter(pl.col("session") <= day)
    nothing = pl.DataFrame(schema=CARRIED_SCHEMA)
    _, states = build_resumable(before, known, sessions=[], carried=nothing, checkpoints=[day])
    assert states["symbol"].is_sorted()
    assert states["symbol"].is_unique().all()
    last = before.group_by("symbol", maintain_order=True).last()
    assert states.select("symbol", "bar_session").equals(last.select("symbol", bar_session="session"))


@settings(max_examples=25)
@given(market=reused())
def test_prices_of_an_earlier_instrument_know_nothing_of_a_later_ones_actions(market):
    bars, known, parts = market
    seen = adjusted_as_seen_from(bars, known, DAYS[-1])
    for part in parts:
        alone = adjusted_as_seen_from(*without(bars, known, part), DAYS[-1])
        own = (pl.col("symbol") == "USED") & pl.col("session").is_between(part[0], part[-1])
        assert_frame_equal(seen.filter(own), alone.filter(own), check_exact=True)


def test_a_decision_knows_what_began_anew() -> None:
    traded = {"ANEW": [*DAYS[:50], *DAYS[80:100]], "HALTED": [*DAYS[:70], *DAYS[85:100]], "NEW": DAYS[90:100]}
    closes = pl.concat([walk(symbol, days, 1) for symbol, days in traded.items()]).select(
        "symbol", "session", "close"
    )
    nothing = {"bookings": [], "ahead": [], "restricted": {}, "new_risk_blocked": None, "frozen": {}}
    features = pl.DataFrame(schema={"symbol": pl.String, **dict.fromkeys(FEATURES, pl.Float64)})
    seen = market_shown(DAYS[99], closes=closes, features=features, sector={}, **nothing)
    assert seen.begun_anew == {"ANEW"}
    assert seen.traded == {*traded}


@given(market=reused())
@settings(max_examples=10)
def test_each_action_tells_what_it_did_to_its_own_instrument(market):
    bars, known, parts = market
    told = action_outcomes(bars, known).filter(symbol="USED").sort("ex_date", "kind")
    alone = [action_outcomes(*without(bars, known, part)).filter(symbol="USED") for part in parts]
    assert_frame_equal(told, pl.concat(alone).sort("ex_date", "kind"), check_exact=True)


def test_a_halt_of_a_month_is_none() -> None:
    days = [*DAYS[:100], *[day for day in DAYS if day > DAYS[99] + SILENCE]]
    assert days[100] - days[99] > SILENCE
    short = [*DAYS[:100], *[day for day in DAYS if day >= DAYS[99] + timedelta(days=28)]]
    assert short[100] - short[99] <= SILENCE
    for traded, is_anew in ((days, True), (short, False)):
        rows = build_daily_features(walk("A", traded, 5), actions(), sessions=[traded[105]])
        assert (rows["sma_20"][0] is None) is is_anew
