"""Pair statistics of an installation: formed at the first session of a month, from what was known before it."""

from __future__ import annotations

from datetime import date

import dagster as dg
import numpy as np
import polars as pl
import pytest
from statsmodels.tsa.stattools import coint

from resources.dagster_home import dagster_instance
from trading_assets.pairs.formation import SYMBOLS_A_SECTOR, formation_at
from trading_assets.research.pair_formation import form_pairs
from trading_assets.runs.history import backfill
from trading_assets.runs.session import run_companies
from trading_assets.sectors import OF_VENDOR
from trading_assets.sessions import sessions_between
from trading_assets.tables.companies import COMPANY_INFO
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.pairs import PAIR_STATISTICS

pytestmark = pytest.mark.slow

SESSION = date(2024, 5, 2)
FORMED = date(2024, 5, 1)  # the only first session of a month with 252 sessions of history before it


@pytest.fixture(scope="module")
def formed(install):
    """An installation with history and a company snapshot, which made the pairs of its month since; stopped."""
    installation = install()
    with installation.opened() as platform:
        assert platform.lake.scan(PAIR_STATISTICS).collect().is_empty(), "no sector was known before"
        run_companies(platform)
        backfill(platform, FORMED, FORMED, ["pair_statistics"], again=True)
    return installation


@pytest.fixture(scope="module")
def platform(formed):
    with formed.opened() as platform:
        yield platform


@pytest.fixture(scope="module")
def pairs(platform) -> pl.DataFrame:
    return platform.lake.scan(PAIR_STATISTICS).collect().sort("rank")


def test_pairs_are_formed_at_the_first_session_of_a_month_with_a_year_before_it(pairs):
    assert pairs["session"].unique().to_list() == [FORMED]
    assert pairs.select("first_session", "last_session").unique().row(0) == (
        date(2023, 5, 1),
        date(2024, 4, 30),
    )
    assert len(sessions_between(date(2023, 5, 1), date(2024, 4, 30))) == 252


def test_all_pairs_of_a_sector_are_there_once(platform, pairs):
    told = platform.lake.scan(COMPANY_INFO, columns=["symbol", "sector"]).collect()
    sectors = dict(told.with_columns(pl.col("sector").replace(OF_VENDOR)).iter_rows())
    for symbol, other, sector in pairs.select("symbol", "other_symbol", "sector").iter_rows():
        assert symbol < other
        assert sectors[symbol] == sectors[other] == sector
    for (sector,), own in pairs.group_by("sector"):
        members = {*own["symbol"], *own["other_symbol"]}
        assert own.height == len(members) * (len(members) - 1) // 2, sector
        assert len(members) <= SYMBOLS_A_SECTOR
    assert pairs.height > 20
    assert pairs["rank"].to_list() == list(range(1, pairs.height + 1))
    assert pairs["p_value"].is_sorted()
    assert pairs["adjusted_p_value"].is_sorted()


def test_the_numbers_are_those_of_statsmodels_on_the_stored_features(platform, pairs):
    window = platform.lake.scan(DAILY_FEATURES, start=date(2023, 5, 1), end=date(2024, 4, 30)).collect()
    logs = {
        symbol: np.log((own["close"] / own["price_factor"]).to_numpy()) + np.log(own["price_factor"][-1])
        for (symbol,), own in window.sort("session").group_by("symbol")
    }
    for row in pairs.head(5).vstack(pairs.tail(5)).iter_rows(named=True):
        here, there = logs[row["symbol"]], logs[row["other_symbol"]]
        forth, back = coint(here, there), coint(there, here)
        assert row["statistic"] == pytest.approx(min(forth[0], back[0]), abs=1e-8)
        assert row["p_value_symbol"] == pytest.approx(forth[1], abs=1e-6)
        assert row["p_value_other"] == pytest.approx(back[1], abs=1e-6)
        y, x = (here, there) if row["dependent_symbol"] == row["symbol"] else (there, here)
        slope, constant = np.polyfit(x, y, 1)
        spread = y - slope * x - constant
        assert row["hedge_ratio"] == pytest.approx(slope, rel=1e-9)
        assert row["spread_mean"] == pytest.approx(constant, rel=1e-9)
        assert row["z_score"] == pytest.approx(spread[-1] / spread.std(ddof=1), rel=1e-8)


def test_sectors_that_were_told_later_are_named(platform, pairs):
    assert pairs["sector_session"].unique().to_list() == [SESSION]
    assert (pairs["sector_session"] > pairs["last_session"]).all()


def test_dagster_shows_what_was_formed_and_the_check(formed, platform):
    with dagster_instance(platform.settings, platform.postgres) as instance:
        key = dg.AssetKey("pair_statistics")
        told = instance.get_latest_materialization_event(key).asset_materialization
    assert told.partition == FORMED.isoformat()
    assert told.metadata["formation"].value == "2023-05-01 to 2024-04-30"
    assert told.metadata["symbols"].value > 5


def test_a_formation_does_not_see_its_own_session(platform, pairs):
    later = pl.col("session") >= FORMED
    changed = platform.lake.scan(DAILY_FEATURES, start=FORMED).filter(later).collect()
    platform.lake.write_sessions(
        DAILY_FEATURES,
        changed.with_columns(close=pl.col("close") * 3, price_factor=pl.col("price_factor") * 0.1),
        changed["session"].unique().sort().to_list(),
        known_at=platform.clock.now(),
    )
    again = form_pairs(platform.lake, platform.database, formation_at(FORMED)).rows
    assert again.sort("rank").equals(pairs)


def test_a_symbol_that_is_in_doubt_or_lacks_a_bar_is_left_out(platform, pairs):
    doubted, gap = pairs["symbol"][0], pairs["other_symbol"][0]
    platform.database.execute(
        "insert into quality_findings (check_name, table_name, session, symbol, value, expectation, severity, found_at, run_id)"
        " values ('price_step', 'daily_bars', '2023-11-01', %s, 'x', 'y', 'error', now(), 'test')",
        (doubted,),
    )
    day = date(2023, 12, 5)
    rows = platform.lake.scan(DAILY_FEATURES, start=day, end=day).filter(pl.col("symbol") != gap).collect()
    platform.lake.write_sessions(DAILY_FEATURES, rows, [day], known_at=platform.clock.now())
    formed = form_pairs(platform.lake, platform.database, formation_at(FORMED))
    left = {*formed.rows["symbol"], *formed.rows["other_symbol"]}
    assert not {doubted, gap} & left
    assert formed.left_out["prices in doubt"] >= 1
    assert formed.left_out["bars missing"] >= 1


def test_too_little_history_gives_no_pairs(platform):
    formed = form_pairs(platform.lake, platform.database, formation_at(date(2024, 4, 1)))
    assert formed.rows.is_empty()
    assert formed.left_out["bars missing"] > 0
