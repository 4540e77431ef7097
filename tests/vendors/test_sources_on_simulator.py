"""All three sources against the market simulator, through the vendors' own clients: they tell of one market."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest
import requests

from resources.clock import SimulatorClock
from resources.raw.store import RawStore
from resources.vendors.bars import BAR_SCHEMA
from resources.vendors.registry import action_sources, reference_source, sources_for
from trading_assets.errors import DataQualityError, TransientError, VendorDataError
from trading_assets.quality.actions.merged import NEAR_DAYS, merge_actions
from trading_assets.sessions import next_session, sessions_between
from trading_assets.settings import load_settings

NOW = datetime(2024, 6, 28, 21, 0, tzinfo=UTC)
SESSIONS = sessions_between(date(2023, 7, 3), date(2024, 6, 28))


@pytest.fixture(scope="module")
def simulated(start_simulator):
    return start_simulator(seed=7, symbols=60, at=NOW.isoformat())


@pytest.fixture
def wired(simulated, tmp_path):
    """Settings, simulator URL and clock: what the builders of sources take."""
    settings = load_settings(env_file=None, data=tmp_path, sim_url=simulated.base_url)
    return settings, simulated.base_url, SimulatorClock(simulated.base_url)


@pytest.fixture
def symbols(wired):
    return reference_source(*wired).listings(SESSIONS[-1]).frame.get_column("symbol").to_list()


def fault(simulated, **rule):
    requests.post(f"{simulated.base_url}/sim/faults", json=rule, timeout=10).raise_for_status()


def test_the_three_sources_agree_on_a_year_of_raw_bars(wired, symbols):
    frames = {
        name: source.daily_bars(SESSIONS, symbols).frame for name, source in sources_for(*wired).items()
    }
    for frame in frames.values():
        assert frame.schema == BAR_SCHEMA
        assert frame.equals(frame.sort("symbol", "session"))
        assert set(SESSIONS) <= set(frame.get_column("session").unique())
    polygon = frames.pop("polygon").filter(pl.col("symbol").is_in(symbols))
    polygons = action_sources(*wired)["polygon"].corporate_actions(SESSIONS[0], SESSIONS[-1])
    splits = polygons.frame.filter(kind="split")
    assert splits.height > 0  # so that undoing Yahoo's adjustment is put to the test
    for frame in frames.values():
        both = polygon.join(frame, on=["symbol", "session"], suffix="_other")
        assert both.height > 0.99 * polygon.height
        apart = both.select((pl.col("close_other") / pl.col("close") - 1).abs().quantile(0.999)).item()
        assert apart < 0.005


def test_listings_carry_the_brokers_flags(wired):
    listed = reference_source(*wired).listings(SESSIONS[-1]).frame
    assert listed.get_column("symbol").is_unique().all()
    assert listed.get_column("is_tradable").any()
    assert not listed.get_column("is_shortable").is_null().any()
    assert set(listed.get_column("status").unique()) <= {"active", "delisted"}


def test_polygon_yahoo_and_alpaca_tell_of_the_same_dividends_and_splits(wired, symbols):
    told = {
        name: source.corporate_actions(SESSIONS[0], SESSIONS[-1]).frame
        for name, source in action_sources(*wired).items()
    }
    told["yahoo"] = sources_for(*wired)["yahoo"].daily_bars(SESSIONS, symbols).actions
    plain = pl.col("kind").is_in(["split", "cash_dividend"]) & pl.col("symbol").is_in(symbols)
    spun = told["alpaca"].filter(kind="spin_off").select("symbol", "ex_date")
    frames = {
        name: frame.filter(plain).join(spun, on=["symbol", "ex_date"], how="anti")
        for name, frame in told.items()
    }
    polygon = frames.pop("polygon")
    assert {*polygon["kind"]} == {"split", "cash_dividend"}
    for name, frame in frames.items():
        key = ["symbol", "ex_date", "kind"]
        assert frame.select(key).equals(polygon.select(key)), name
        for value, tolerance in (("cash_usd", 0.01), ("split_ratio", 1e-6)):
            assert (polygon[value] - frame[value]).abs().max() < tolerance, (name, value)


@pytest.mark.parametrize(
    ("name", "path"), [("polygon", "grouped"), ("yahoo", "finance/chart"), ("alpaca", "stocks/bars")]
)
def test_faults_of_the_simulator_are_got_over_or_raised(simulated, wired, name, path, monkeypatch):
    source = sources_for(*wired)[name]
    quick = replace(source._gate.policy, attempts=3, first_backoff_seconds=0.01)
    monkeypatch.setattr(source._gate, "policy", quick)
    fault(simulated, match=path, kind="429", times=1, retry_after=0.05)
    fault(simulated, match=path, kind="500", times=1)
    assert source.daily_bars(SESSIONS[-1:], ["SPY"]).frame.height > 0
    for kind in ("truncated", "html_504"):
        fault(simulated, match=path, kind=kind, times=9)
        try:
            with pytest.raises((TransientError, VendorDataError)):
                source.daily_bars(SESSIONS[-1:], ["SPY"])
        finally:
            requests.delete(f"{simulated.base_url}/sim/faults", timeout=10).raise_for_status()


def test_the_same_fetch_twice_is_one_batch(wired, tmp_path):
    store = RawStore(tmp_path / "raw")
    for name, source in sources_for(*wired).items():
        first = store.write(name, "daily_bars", source.daily_bars(SESSIONS[-3:], ["SPY"]).responses)
        again = store.write(name, "daily_bars", source.daily_bars(SESSIONS[-3:], ["SPY"]).responses)
        assert (first.batch_id, first.created, again.created) == (again.batch_id, True, False)


def test_the_session_of_tomorrow_is_refused_by_all(wired):
    for source in sources_for(*wired).values():
        with pytest.raises(DataQualityError, match="not final"):
            source.daily_bars([date(2024, 7, 1)], ["SPY"])


def test_spin_offs_symbol_changes_and_ends_of_listings_are_told_once_however_the_vendors_tell_them(
    start_simulator, tmp_path
):
    url = start_simulator(seed=7, symbols=400, at=NOW.isoformat()).base_url
    settings = load_settings(env_file=None, data=tmp_path, sim_url=url)
    wired, days = (settings, url, SimulatorClock(url)), sessions_between(date(2022, 7, 1), NOW.date())
    told = {
        name: source.corporate_actions(days[0], days[-1]).frame
        for name, source in action_sources(*wired).items()
    }
    spun = told["alpaca"].filter(kind="spin_off")
    told["yahoo"] = sources_for(*wired)["yahoo"].daily_bars(days, spun["symbol"].to_list()).actions
    as_split = told["yahoo"].join(spun, on=["symbol", "ex_date"], suffix="_told").filter(kind="split")
    assert as_split.height == spun.height > 0, "Yahoo tells spin-offs as splits"
    reported = pl.concat(
        [frame.with_columns(source=pl.lit(name), batch_id=pl.lit(name)) for name, frame in told.items()]
    )
    merged = merge_actions(reported, ("polygon", "yahoo", "alpaca"))
    both = merged.actions.join(as_split, on=["symbol", "ex_date"], suffix="_yahoo")
    assert both["kind"].to_list() == ["spin_off"] * spun.height
    assert (both["price_factor"] * both["split_ratio_yahoo"] - 1).abs().max() < 1e-12
    assert both["new_symbol"].null_count() == both["share_ratio"].null_count() == 0
    assert merged.disagreements.filter(~pl.col("value").str.starts_with("cash_dividend")).is_empty()

    for kind in ("symbol_change", "delisting"):
        for row in told["alpaca"].filter(kind=kind).iter_rows(named=True):
            listed = reference_source(*wired).listings(next_session(next_session(row["ex_date"]))).frame
            [found] = listed.filter(symbol=row["symbol"]).iter_rows(named=True)
            assert found["status"] == "delisted", row
            assert abs((next_session(found["delisted_date"]) - row["ex_date"]).days) <= NEAR_DAYS[kind], row
            assert found["renamed_to"] == (row["new_symbol"] if kind == "symbol_change" else None), row
