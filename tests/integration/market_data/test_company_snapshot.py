"""Company data through the product: a snapshot as an asset, seen by the universe from its session on, and never before."""

from __future__ import annotations

import json
from datetime import timedelta

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from resources.dagster_home import dagster_instance
from trading_assets.companies.ingest import company_symbols, ingest_companies, snapshot_is_due
from trading_assets.companies.known import companies_as_of
from trading_assets.errors import ConfigurationError
from trading_assets.market_data.universe import ingest_universe
from trading_assets.runs.hours import complete_hours
from trading_assets.runs.session import run_companies, run_session
from trading_assets.sectors import OF_VENDOR, SECTORS
from trading_assets.sessions import session_close, shift
from trading_assets.tables.companies import (
    COMPANY_INFO,
    COMPANY_TABLES,
    FINANCIAL_STATEMENTS,
    KEY_STATISTICS,
    MARKET_DATA,
)
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS
from trading_assets.tables.listings import UNIVERSE

pytestmark = pytest.mark.slow

FACTS = ["sector", "industry", "market_cap_usd"]


@pytest.fixture(scope="module")
def taken(install):
    """An installation with history and one snapshot of its latest session, taken by the command line; stopped."""
    installation = install()
    printed = installation.command("snapshot", "--json").stdout
    return installation, json.loads(printed)


def listed(platform, session):
    return platform.lake.scan(UNIVERSE, start=session, end=session).sort("symbol").collect()


def features(platform, table, session):
    return platform.lake.scan(table, start=session, end=session).collect()


def test_the_command_says_the_session_and_the_rows_of_each_kind(taken):
    installation, printed = taken
    assert printed["session"] == installation.session.isoformat()
    assert set(printed["rows"]) == set(COMPANY_TABLES)
    assert all(rows > 0 for rows in printed["rows"].values())


def test_every_row_leads_to_the_vendors_bytes(taken, install):
    with install(taken[0]).opened() as platform:
        batches = {
            batch
            for table in COMPANY_TABLES.values()
            for batch in platform.lake.scan(table).select("batch_id").unique().collect()["batch_id"]
        }
        [batch] = batches
        bodies = platform.raw_batches.read(batch)
        symbols = company_symbols(platform.lake, taken[0].session)
        assert len(bodies) == 4 * len(symbols) + 1
        assert platform.raw_batches.record(batch).rows == sum(taken[1]["rows"].values())


def test_the_snapshot_is_materialised_with_its_numbers(taken, install):
    installation = install(taken[0])
    with (
        installation.opened() as platform,
        dagster_instance(platform.settings, platform.postgres) as instance,
    ):
        for name, table in COMPANY_TABLES.items():
            event = instance.get_latest_materialization_event(dg.AssetKey(name))
            metadata = event.asset_materialization.metadata
            assert event.asset_materialization.partition == installation.session.isoformat()
            assert metadata["dagster/row_count"].value == taken[1]["rows"][table.name]
            assert metadata["left_out"].value["rating older than a year"] > 0
            assert metadata["batch_id"].value.startswith("yahoo-companies-")


def test_the_universe_knows_the_facts_from_the_snapshots_session_on(taken, install):
    installation = install(taken[0])
    session = installation.session
    with installation.opened() as platform:
        ingest_universe(platform, [shift(session, -1), session])
        before, on = listed(platform, shift(session, -1)), listed(platform, session)
        assert before.select(pl.col(FACTS).is_null().all()).row(0) == (True, True, True)
        facts = companies_as_of(platform.lake, KEY_STATISTICS, session).select("symbol", "market_cap_usd")
        told = on.select("symbol", "market_cap_usd").drop_nulls()
        assert told.height > 30
        assert_frame_equal(told, facts.join(told.select("symbol"), on="symbol", how="semi"))
        stocks = on.filter(status="active", asset_type="CS")
        assert stocks.select(pl.col("sector", "industry").is_not_null().all()).row(0) == (True, True)
        assert set(stocks["sector"]) <= {sector.name for sector in SECTORS}
        assert set(platform.lake.scan(COMPANY_INFO).collect()["sector"]) - {None} <= set(OF_VENDOR)


def test_a_later_snapshot_changes_nothing_before_it(taken, install):
    installation = install(taken[0])
    session = installation.session
    later = shift(session, 5)
    with installation.opened() as platform:
        ingest_universe(platform, [session])
        universe, earlier = listed(platform, session), {}
        for name, table in COMPANY_TABLES.items():
            earlier[name] = platform.lake.content_hash(table, session)
        assert not snapshot_is_due(platform.lake, shift(session, 4))
        assert snapshot_is_due(platform.lake, later)
        platform.clock.advance_to(session_close(later) + timedelta(hours=1))
        ingest_universe(platform, [later])
        assert run_companies(platform) == later
        assert {
            name: platform.lake.content_hash(table, session) for name, table in COMPANY_TABLES.items()
        } == earlier
        ingest_universe(platform, [session, later])
        assert_frame_equal(listed(platform, session), universe)
        prices = listed(platform, later)["market_cap_usd"].to_list()
        assert prices != universe["market_cap_usd"].to_list()
        ages = companies_as_of(platform.lake, COMPANY_INFO, shift(session, 3))["age_days"]
        assert set(ages) == {(shift(session, 3) - session).days}


def test_a_snapshot_is_never_dated_back(taken, install):
    installation = install(taken[0])
    with installation.opened() as platform:
        platform.clock.advance_to(session_close(shift(installation.session, 1)) + timedelta(hours=1))
        kept = platform.lake.content_hash(FINANCIAL_STATEMENTS, installation.session)
        with pytest.raises(ConfigurationError, match="only tells what is true now"):
            ingest_companies(platform, installation.session)
        assert platform.lake.content_hash(FINANCIAL_STATEMENTS, installation.session) == kept


def test_the_same_answers_again_change_nothing(taken, install):
    installation = install(taken[0])
    with installation.opened() as platform:
        before = {name: platform.lake.scan(table).collect() for name, table in COMPANY_TABLES.items()}
        run_companies(platform)
        for name, table in COMPANY_TABLES.items():
            assert_frame_equal(platform.lake.scan(table).collect(), before[name], check_row_order=False)


def test_a_session_run_uses_the_facts_and_sql_reads_them(taken, install):
    installation = install(taken[0])
    with installation.opened() as platform:
        assert platform.latest_session() == installation.session
        run_session(platform, installation.session)
        assert listed(platform, installation.session)["market_cap_usd"].null_count() < 5
        daily = features(platform, DAILY_FEATURES, installation.session)
        told = companies_as_of(platform.lake, KEY_STATISTICS, installation.session)
        both = daily.join(told, on="symbol").filter(pl.col("trailing_pe").is_not_null())
        assert both.height > 20
        # the newest session knows the snapshot that was taken after its close, and its price is the vendor's
        assert set(both[AGE_COLUMN]) == {0}
        assert both["pe"].to_list() == pytest.approx(both["trailing_pe"].to_list(), rel=1e-6)
        with dagster_instance(platform.settings, platform.postgres) as instance:
            event = instance.get_latest_materialization_event(dg.AssetKey(DAILY_FEATURES.name))
        metadata = event.asset_materialization.metadata
        assert metadata["symbols_with_fundamentals"].value == daily[AGE_COLUMN].count()
        assert metadata["oldest_fundamentals_days"].value == 0
        # the session before does not
        earlier = features(platform, DAILY_FEATURES, shift(installation.session, -1))
        assert earlier.height > 20
        assert all(earlier[name].null_count() == earlier.height for name in FUNDAMENTALS)
    known = (
        "select count(*) as n, count(k.trailing_pe) as with_pe from daily_bars b asof left join key_statistics k "
        f"on b.symbol = k.symbol and b.session >= k.session where b.session = '{installation.session}'"
    )
    [row] = json.loads(installation.command("sql", known, "--json").stdout)
    assert row["n"] >= row["with_pe"] > 20


def test_the_hours_know_it_from_the_next_session_on(taken, install):
    installation = install(taken[0])
    session, following = installation.session, shift(installation.session, 1)
    with installation.opened() as platform:
        platform.clock.advance_to(session_close(following) + timedelta(hours=1))
        assert complete_hours(platform, [session, following]) == [session, following]
        before, after = (features(platform, HOURLY_FEATURES, day) for day in (session, following))
        assert before.height > 20
        assert all(before[name].null_count() == before.height for name in FUNDAMENTALS)
        assert set(after[AGE_COLUMN].drop_nulls()) == {(following - session).days}
        told = companies_as_of(platform.lake, KEY_STATISTICS, session).select("symbol", "trailing_pe")
        quoted = companies_as_of(platform.lake, MARKET_DATA, session).select("symbol", "price_usd")
        both = after.join(told, on="symbol").join(quoted, on="symbol").drop_nulls("pe")
        assert both["symbol"].n_unique() > 5
        moved = both["trailing_pe"] * both["close"] / both["price_usd"]
        assert both["pe"].to_list() == pytest.approx(moved.to_list(), rel=1e-9)
