"""A session followed hour by hour on the simulator, through the vendors' own clients: rows only come, and stay."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from resources.clock import SimulatorClock
from resources.vendors.registry import reference_source, sources_for
from trading_assets.errors import DataQualityError
from trading_assets.sessions import session_close, session_hours, session_open, shift
from trading_assets.settings import load_settings

DELAY = timedelta(minutes=30)
VENDORS = ("polygon", "yahoo", "alpaca")


@pytest.fixture(scope="module")
def follow(start_simulator, tmp_path_factory):
    """Follow a session on a simulator of its own: by instant after each hour, every vendor's answer."""

    def run(session: date):
        opening = session_open(session) - timedelta(minutes=30)
        simulated = start_simulator(seed=7, symbols=40, at=opening.isoformat())
        settings = load_settings(
            env_file=None, data=tmp_path_factory.mktemp("data"), sim_url=simulated.base_url
        )
        wiring = settings, simulated.base_url, SimulatorClock(simulated.base_url)
        symbols = reference_source(*wiring).listings(shift(session, -1)).frame["symbol"].to_list()
        sources = sources_for(*wiring)
        with pytest.raises(DataQualityError, match="No hour"):
            sources["polygon"].hourly_bars([session], symbols)
        seen = []
        for number, (_, end) in enumerate(session_hours(session), start=1):
            # a minute before it is final, and just then
            for instant, hours in ((end + DELAY - timedelta(minutes=1), number - 1), (end + DELAY, number)):
                now = simulated.advance_to(instant)
                if hours:
                    fetched = {
                        name: source.hourly_bars([session], symbols) for name, source in sources.items()
                    }
                    seen.append((now, hours, fetched))
        daily = {name: source.daily_bars([session], symbols).frame for name, source in sources.items()}
        return symbols, seen, daily

    return run


@pytest.fixture(
    scope="module", params=[date(2024, 3, 11), date(2026, 11, 27)], ids=["summer time", "half a day"]
)
def followed(follow, request):
    return request.param, *follow(request.param)


def test_a_bar_comes_when_it_is_final_and_never_changes_or_leaves(followed):
    session, symbols, seen, _ = followed
    final = seen[-1][2]
    for name in VENDORS:
        whole = final[name].frame
        assert whole["bar_start"].n_unique() == len(session_hours(session))
        assert whole["symbol"].n_unique() >= len(symbols) - 3
        for now, hours, fetched in seen:
            frame = fetched[name].frame
            assert frame.filter(pl.col("bar_end") + DELAY > now).is_empty()
            assert frame["bar_start"].n_unique() == hours
            due = whole.filter(pl.col("bar_end") <= session_hours(session)[hours - 1][1])
            assert_frame_equal(frame, due)


def test_the_hours_of_a_session_add_up_to_its_day(followed):
    session, _, seen, daily = followed
    for name in VENDORS:
        summed = (
            seen[-1][2][name]
            .frame.group_by("symbol", maintain_order=True)
            .agg(
                pl.col("open").first(),
                pl.col("high").max(),
                pl.col("low").min(),
                pl.col("close").last(),
                pl.col("volume").sum(),
            )
        )
        both = summed.join(daily[name].filter(session=session), on="symbol", suffix="_day")
        assert both.height >= 35
        for column, tolerance in {
            "open": 1e-3,
            "high": 1e-3,
            "low": 1e-3,
            "close": 1e-3,
            "volume": 0.02,
        }.items():
            apart = both.select((pl.col(column) / pl.col(f"{column}_day") - 1).abs().max()).item()
            assert apart <= tolerance, (name, column)


def test_the_three_vendors_tell_of_the_same_hours(followed):
    _, _, seen, _ = followed
    polygon, *others = (seen[-1][2][name].frame for name in VENDORS)
    for other in others:
        both = polygon.join(other, on=["symbol", "bar_start"], suffix="_other")
        assert both.height >= 0.99 * polygon.height
        assert both.select((pl.col("close_other") / pl.col("close") - 1).abs().max()).item() < 0.005


def test_after_an_early_close_there_are_no_hours(followed):
    session, _, seen, _ = followed
    starts = seen[-1][2]["polygon"].frame["bar_start"]
    assert starts.max() == session_close(session) - timedelta(hours=1)
    assert seen[-1][2]["polygon"].left_out.keys() == {"before or after the session"}
