"""Steps, spikes, swaps and lone extremes: what is named, what explains it, and what each session may know."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.checks import run_check
from trading_assets.quality.moves import trailing_median
from trading_assets.quality.outcome import ACCEPTED_SCHEMA
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS

DAYS = sessions_between(date(2016, 4, 1), date(2016, 6, 30))
SYMBOLS = [f"S{number:02d}" for number in range(40)]
FIRST, AT = 25, 40
NOTHING = pl.DataFrame(
    schema={name: kind for name, kind in QUARANTINED_BARS.schema.items() if name != "known_at"}
)
NAMES = ("price_step", "came_back", "symbols_swapped", "lone_extreme", "volume_surge")


def made(seed: int = 1) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    frames = []
    for symbol in SYMBOLS:
        close = random.uniform(20, 200) * np.exp(random.normal(0, 0.01, len(DAYS)).cumsum())
        start = np.r_[close[0], close[:-1]] * np.exp(random.normal(0, 0.003, len(DAYS)))
        frames.append(
            pl.DataFrame(
                {
                    "symbol": symbol,
                    "session": DAYS,
                    "open": start,
                    "high": np.maximum(start, close) * 1.004,
                    "low": np.minimum(start, close) * 0.996,
                    "close": close,
                    "volume": random.lognormal(14, 0.3, len(DAYS)),
                }
            )
        )
    rest = {name: pl.lit(None, kind) for name, kind in DAILY_BARS.schema.items()}
    known = {"source": pl.lit("polygon"), "source_count": pl.lit(1, pl.Int32)}
    rows = pl.concat(frames)
    rows = rows.with_columns(
        **{name: value for name, value in (rest | known).items() if name not in rows.columns}
    )
    return rows.select(name for name in DAILY_BARS.schema if name != "known_at")


def scaled(
    bars: pl.DataFrame, first: int, last: int | None, symbol: str = "S00", **factors: float
) -> pl.DataFrame:
    """Multiply columns of a symbol from one place to another."""
    days = DAYS[first : None if last is None else last + 1]
    here = (pl.col("symbol") == symbol) & pl.col("session").is_in(days)
    return bars.with_columns(
        pl.when(here).then(pl.col(name) * factor).otherwise(name).alias(name)
        for name, factor in factors.items()
    )


def prices(factor: float, volume: float = 1.0) -> dict[str, float]:
    return {**dict.fromkeys(("open", "high", "low", "close"), factor), "volume": volume}


def verdicts(
    bars: pl.DataFrame, first: int = FIRST, last: int = len(DAYS) - 1, *, later: bool = True, **more: object
) -> set[tuple[str, str, date]]:
    """Check, session by session wanted at once, and return the findings about symbols: check, symbol, session."""
    part = DAYS[first : last + 1]
    checked = CheckedBars(
        bars.filter(pl.col("session").is_in(part)),
        NOTHING,
        part,
        before=bars.filter(pl.col("session").is_in(DAYS[max(first - 21, 0) : first])),
        after=bars.filter(pl.col("session").is_in(DAYS[last + 1 : last + 6])) if later else None,
        **more,
    )
    rows = [
        (name, *row)
        for name in NAMES
        for row in run_check(name, checked).findings.select("symbol", "session").iter_rows()
        if row[0] is not None
    ]
    assert len({*rows}) == len(rows)
    return {*rows}


def action(**values: object) -> pl.DataFrame:
    row = {
        "symbol": "S00",
        "ex_date": DAYS[AT],
        "kind": "split",
        "split_ratio": None,
        "cash_usd": None,
        "price_factor": None,
    }
    floats = dict.fromkeys(("split_ratio", "cash_usd", "price_factor"), pl.Float64())
    return pl.DataFrame([row | values], schema_overrides=floats)


def test_nothing_is_found_in_a_quiet_market():
    assert verdicts(made()) == set()


@pytest.mark.parametrize("volume", [1.0, 2.0], ids=["old shares", "new shares"])
@pytest.mark.parametrize("factor", [0.5, 0.78, 1.27, 3.0, 0.01], ids=str)
def test_a_level_that_stays_is_a_step_on_the_first_of_its_sessions(factor, volume):
    bars = scaled(made(), AT, None, **prices(factor, volume))
    assert verdicts(bars) == {("price_step", "S00", DAYS[AT])}


@pytest.mark.parametrize("sessions", [1, 2, 5])
def test_a_spike_is_a_step_until_it_comes_back_and_then_marked_on_its_own_sessions(sessions):
    last = AT + sessions - 1
    bars = scaled(made(), AT, last, **prices(0.6))
    for evening in range(AT, last + 1):
        found = verdicts(bars, AT, evening, later=False)
        assert found == {("price_step", "S00", DAYS[AT])}
    assert verdicts(bars, last + 1, last + 1, later=False) == set(), "the way back is no step"
    assert verdicts(bars) == {("came_back", "S00", day) for day in DAYS[AT : last + 1]}
    one_by_one = set().union(*(verdicts(bars, place, place) for place in range(AT - 2, last + 3)))
    assert one_by_one == verdicts(bars)


def test_what_stays_for_more_than_five_sessions_has_stepped_twice():
    bars = scaled(made(), AT, AT + 6, **prices(0.6))
    assert verdicts(bars) == {("price_step", "S00", DAYS[AT]), ("price_step", "S00", DAYS[AT + 7])}


def test_what_goes_on_after_a_long_silence_is_not_compared_with_what_was_before():
    bars = scaled(made(), AT, None, **prices(0.6))
    silent = (pl.col("symbol") == "S00") & pl.col("session").is_between(DAYS[AT - 24], DAYS[AT - 1])
    assert ("price_step", "S00", DAYS[AT]) in verdicts(bars)
    assert (DAYS[AT] - DAYS[AT - 25]).days > 30
    assert verdicts(bars.filter(~silent), 12) == set()


def test_news_trades_and_a_step_on_five_times_the_usual_volume_is_news():
    bars = scaled(made(), AT, None, **prices(0.7))
    assert verdicts(bars)
    assert verdicts(scaled(bars, AT, AT, volume=8.0)) == set()


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (0.5, {"split_ratio": 2.0}),
        (0.755, {"kind": "spin_off", "price_factor": 0.755}),
        (0.755, {"kind": "spin_off"}),
    ],
    ids=["split", "spin-off", "spin-off by an unknown part"],
)
def test_a_known_action_explains_a_step(factor, told):
    bars = scaled(made(), AT, None, **prices(factor))
    assert verdicts(bars)
    assert verdicts(bars, actions=action(**told)) == set()
    late = action(**told, ex_date=DAYS[AT + 8])
    assert ("price_step", "S00", DAYS[AT]) in verdicts(bars, actions=late)


def test_a_split_that_is_dated_a_day_late_leaves_a_spike_between():
    bars = scaled(made(), AT, None, **prices(0.5))
    late = action(split_ratio=2.0, ex_date=DAYS[AT + 1])
    assert verdicts(bars, actions=late) == {("came_back", "S00", DAYS[AT])}


def test_a_special_dividend_explains_a_step_by_its_amount_and_no_other():
    bars = scaled(made(), AT, None, **prices(0.75))
    before = bars.filter(symbol="S00", session=DAYS[AT - 1])["close"][0]
    assert verdicts(bars, actions=action(kind="cash_dividend", cash_usd=before / 4)) == set()
    assert verdicts(bars, actions=action(kind="cash_dividend", cash_usd=before / 50))


def test_what_the_sector_did_as_well_is_no_step():
    bars = made()
    for symbol in SYMBOLS[:15]:
        bars = scaled(bars, AT, None, symbol, **prices(0.85))
    listed = pl.DataFrame({"symbol": SYMBOLS, "sector": ["Energy"] * 15 + ["Utilities"] * 25})
    universe = bars.select("symbol", "session").join(listed, on="symbol").with_columns(
        status=pl.lit("active"), listed_date=pl.lit(None, pl.Date), delisted_date=pl.lit(None, pl.Date)
    )  # fmt: skip
    assert len(verdicts(bars)) == 15
    assert verdicts(bars, universe=universe) == set()


def test_symbols_that_have_each_others_bar_are_swapped():
    bars = made()
    closes = bars.filter(session=DAYS[AT - 1]).sort("close")
    cheap, dear = closes["symbol"][5], closes["symbol"][30]
    day = pl.col("session") == DAYS[AT]
    swapped = bars.with_columns(
        symbol=pl.when(day).then(pl.col("symbol").replace({cheap: dear, dear: cheap})).otherwise("symbol")
    ).sort("symbol", "session")
    found = verdicts(swapped)
    assert {("symbols_swapped", cheap, DAYS[AT]), ("symbols_swapped", dear, DAYS[AT])} <= found
    assert {(symbol, session) for _, symbol, session in found} == {(cheap, DAYS[AT]), (dear, DAYS[AT])}


@pytest.mark.parametrize("change", [{"low": 0.01}, {"high": 100.0}], ids=str)
def test_a_price_alone_far_from_the_others_is_named(change):
    assert verdicts(scaled(made(), AT, AT, **change)) == {("lone_extreme", "S00", DAYS[AT])}


def test_a_hundred_times_the_volume_is_a_unit_unless_the_price_moved():
    bars = scaled(made(), AT, AT, volume=100.0)
    assert verdicts(bars) == {("volume_surge", "S00", DAYS[AT])}
    assert verdicts(scaled(bars, AT, None, open=1.1, high=1.1, low=1.1, close=1.1)) == set()


def test_an_accepted_step_is_stored_and_stops_nothing():
    bars, part = scaled(made(), AT, None, **prices(0.78)), [DAYS[AT]]
    checked = CheckedBars(
        bars.filter(pl.col("session").is_in(part)),
        NOTHING,
        part,
        before=bars.filter(pl.col("session") < DAYS[AT]),
    )
    first = run_check("price_step", checked)
    accepted = first.findings.with_columns(check_name=pl.lit("price_step")).select(ACCEPTED_SCHEMA.names())
    again = run_check(
        "price_step",
        CheckedBars(checked.bars, NOTHING, part, before=checked.before, accepted=accepted),
    )
    assert not first.passed
    assert again.passed
    assert again.findings.equals(first.findings)


def test_a_jump_that_a_person_took_is_no_step():
    bars = scaled(made(), AT, None, **prices(0.18))
    taken = {"check_name": "unexplained_jump", "session": DAYS[AT], "symbol": "S00"}
    assert verdicts(bars) == {("price_step", "S00", DAYS[AT])}
    assert verdicts(bars, accepted=pl.DataFrame([taken], schema=ACCEPTED_SCHEMA)) == set()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(SYMBOLS[:6]),
            st.integers(FIRST, len(DAYS) - 8),
            st.sampled_from([0, 1, 2, 4, 7]),
            st.sampled_from([0.5, 0.7, 1.3, 2.0, 1.05]),
        ),
        max_size=6,
    ),
    st.integers(FIRST + 5, len(DAYS) - 10),
)
def test_a_range_is_judged_as_its_sessions_one_by_one_and_later_bars_only_tell_what_came_back(faults, cut):
    bars = made()
    for symbol, first, sessions, factor in faults:
        bars = scaled(bars, first, first + sessions - 1 if sessions else None, symbol, **prices(factor))
    whole = verdicts(bars)
    parts = verdicts(bars, FIRST, cut) | verdicts(bars, cut + 1)
    assert parts == whole
    known = bars.filter(pl.col("session") <= DAYS[cut])
    then = verdicts(known, FIRST, cut)
    now = {row for row in whole if row[2] <= DAYS[cut]}
    only_then = {(symbol, session) for name, symbol, session in then - now if name == "price_step"}
    assert {name for name, _, _ in then - now} <= {"price_step"}
    assert {name for name, _, _ in now - then} <= {"came_back"}
    assert all(session > DAYS[cut - 5] for _, session in only_then)


def test_the_median_of_the_bars_before_is_that_of_numpy():
    bars = made().filter(pl.col("symbol").is_in(SYMBOLS[:3])).sort("symbol", "session")
    values = bars["volume"].to_numpy()
    places = np.arange(bars.height)
    found = trailing_median(bars, values, places)
    for place in places:
        own = place % len(DAYS)
        before = values[place - min(own, 20) : place]
        assert np.isnan(found[place]) if own < 10 else found[place] == np.median(before)
