"""The hourly path through the whole product: range, session that goes on, twice the same, and bad hours stopped."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from resources.dagster_home import dagster_instance
from trading_assets.errors import ConfigurationError, DataQualityError
from trading_assets.market_data.checking import check_bars
from trading_assets.market_data.consolidation import consolidate_bars
from trading_assets.market_data.findings import blocked_sessions, require_clean_session
from trading_assets.market_data.grains import HOURLY
from trading_assets.market_data.selection import selected_symbols
from trading_assets.runs.hours import backfill_with_hours, complete_hours, hourly_assets, newest_hours
from trading_assets.runs.in_process import execute_job, quiet_dagster
from trading_assets.sessions import next_session, session_hours, sessions_between, shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS, VENDOR_HOURLY_BARS

pytestmark = pytest.mark.slow

TABLES = (*VENDOR_HOURLY_BARS.values(), HOURLY_BARS, QUARANTINED_HOURLY_BARS, HOURLY_FEATURES)
LAST = date(
    2024, 5, 1
)  # of the installation's history; its simulator stands in the evening of the session after
DAYS = sessions_between(shift(LAST, -2), LAST)


def stored(platform, table) -> pl.DataFrame:
    return platform.lake.scan(table).sort(table.key).collect()


def values(platform, table) -> pl.DataFrame:
    return stored(platform, table).drop("batch_id", "known_at", strict=False)


@pytest.fixture(scope="module")
def ranged(install):
    """An installation with three sessions of hours, made in one run; stopped."""
    installation = install()
    with installation.opened() as platform:
        assert complete_hours(platform, DAYS) == DAYS
    return installation


def test_a_range_is_one_run_and_a_second_call_finds_nothing_to_do(ranged, install):
    with install(ranged).opened() as platform:
        for table in VENDOR_HOURLY_BARS.values():
            batches = stored(platform, table)["batch_id"].unique()
            assert len(batches) == 1, "one fetch for the whole range"
        bars = stored(platform, HOURLY_BARS)
        hours = sorted(set(bars.select("bar_start", "bar_end").rows()))
        assert hours == [hour for day in DAYS for hour in session_hours(day)]
        assert bars["source_count"].max() == 3
        features = stored(platform, HOURLY_FEATURES)
        assert features.select("symbol", "bar_start").equals(bars.select("symbol", "bar_start"))
        assert features.filter(symbol="SPY")["rsi_14"].null_count() == 14
        assert complete_hours(platform, DAYS) == []


def test_made_again_nothing_changes(ranged, install):
    with install(ranged).opened() as platform:
        before = {table.name: stored(platform, table) for table in TABLES}
        with (
            quiet_dagster(platform.settings),
            dagster_instance(platform.settings, platform.postgres) as instance,
        ):
            execute_job("hourly_job", platform, instance, partition_key=LAST.isoformat())
        for table in TABLES:
            assert_frame_equal(stored(platform, table), before[table.name])


def test_a_session_alone_gives_the_bars_of_the_range(ranged, install):
    with install().opened() as platform:
        for day in DAYS:
            complete_hours(platform, [day])
        alone = {table.name: values(platform, table) for table in TABLES}
    with install(ranged).opened() as platform:
        for table in TABLES:
            assert_frame_equal(alone[table.name], values(platform, table))


def test_a_session_that_goes_on_grows_by_its_finished_hours(ranged, install):
    with install(ranged).opened() as platform:
        today = next_session(next_session(LAST))
        hours = session_hours(today)
        delay = timedelta(minutes=platform.settings.data_delay_minutes)
        kept = {}
        for done in (1, 2, 5, len(hours)):
            platform.clock.advance_to(hours[done - 1][1] + delay)
            assert complete_hours(platform, [today]) == [today]
            assert complete_hours(platform, [today]) == []
            for table in (HOURLY_BARS, HOURLY_FEATURES):
                rows = stored(platform, table).filter(session=today)
                assert rows["bar_start"].n_unique() == done
                if table.name in kept:
                    earlier = rows.filter(pl.col("bar_start").is_in(kept[table.name]["bar_start"].implode()))
                    assert_frame_equal(earlier, kept[table.name])
                kept[table.name] = rows
        assert (
            platform.lake.scan(HOURLY_BARS)
            .filter(pl.col("bar_end") + delay > pl.col("known_at"))
            .collect()
            .is_empty()
        )
        assert (
            platform.database.fetch("select 1 from quality_findings where table_name = 'hourly_bars'") == []
        )


def test_symbols_are_chosen_by_what_was_traded_before_the_session(ranged, install):
    with install(ranged).opened() as platform:
        lake, database = platform.lake, platform.database
        (first, *_), session = DAYS, LAST
        before = lake.scan(DAILY_BARS, start=shift(session, -20), end=shift(session, -1)).collect()
        most = (
            before.group_by("symbol")
            .agg(usd=(pl.col("close") * pl.col("volume")).sum())
            .sort("usd", descending=True)["symbol"]
            .head(5)
        )
        chosen = selected_symbols(lake, database, [session], 5)
        assert set(chosen["symbol"]) == {*most, "SPY"}
        assert selected_symbols(lake, database, [first, session], 5).filter(session=session).equals(chosen)
        quiet = before.group_by("symbol").agg(pl.col("volume").sum()).sort("volume")["symbol"][0]
        database.execute(
            "insert into positions values ('a', %s, %s, 5, 1, 1, now(), 5, 0, 0, 'close')",
            (shift(session, -1), quiet),
        )
        held = selected_symbols(lake, database, [shift(session, -2), session], 5)
        assert held.filter(symbol=quiet)["session"].to_list() == [session]
        with pytest.raises(DataQualityError, match="backfill"):
            selected_symbols(lake, database, [date(2020, 5, 1)], 5)


def test_backfill_on_the_command_line_takes_the_hours_too(install):
    installation = install()
    names = [*(table.name for table in VENDOR_HOURLY_BARS.values()), "hourly_bars", "hourly_features"]
    arguments = (
        "backfill",
        "--start",
        str(DAYS[0]),
        "--end",
        str(DAYS[1]),
        "--assets",
        ",".join(names),
        "--json",
    )
    printed = json.loads(installation.command(*arguments).stdout)
    assert printed["sessions"] == 2
    assert set(printed["assets"]) == set(names)
    assert printed["assets"]["hourly_features"]["rows"] > 400
    assert json.loads(installation.command(*arguments).stdout)["sessions"] == 0
    refused = installation.command(*arguments[:-2], "hourly_bar,orders", exit_code=2)
    assert "hourly_features" in refused.stderr


def test_a_session_run_on_the_command_line_has_its_hours(install):
    installation = install()
    printed = json.loads(installation.command("run", "--json").stdout)
    assert {"hourly_bars", "hourly_features", "alpaca_hourly_bars"} <= set(printed["assets"])
    assert printed["reconciled"] is True
    with installation.opened() as platform:
        assert set(stored(platform, HOURLY_BARS)["session"]) == {installation.session}
        assert newest_hours(platform)[-1] == installation.session
    later = shift(installation.session, 2)
    installation.command("run", "--session", later.isoformat())
    with installation.opened() as platform:
        days = sessions_between(installation.session, later)
        assert set(stored(platform, HOURLY_BARS)["session"]) == set(days)


OPEN = session_hours(LAST)[0][0]
BAD = {
    "an hour before the open": ("phantom_session", {"bar_start": OPEN - timedelta(hours=1)}),
    "a bar off the hours": ("phantom_session", {"bar_start": OPEN + timedelta(minutes=47)}),
    "a high below the low": ("high_at_least_low", {"high": 1.0}),
    "a price of nothing": ("positive_prices", {"low": 0.0}),
    "a negative volume": ("positive_prices", {"volume": -1.0}),
    "a wild price": ("unexplained_jump", {"close": 9_000.0, "high": 9_000.0}),
    "two reports": ("duplicates", {"reports": 2}),
    "another close": ("cross_source_difference", {"close": pl.col("close") * 1.02, "high": pl.col("high") * 1.03}),
}  # fmt: skip


def plant(platform, right: pl.DataFrame, **columns: object) -> None:
    """Store something wrong in Polygon's hours of the last session in place of what is right, and judge them again."""
    table = VENDOR_HOURLY_BARS["polygon"]
    bad = right.filter(pl.col("symbol") == "SPY").head(1).with_columns(**columns).cast(right.schema)
    both = pl.concat([right.join(bad, on=table.key, how="anti"), bad])
    platform.lake.write_sessions(table, both, [LAST], known_at=platform.clock.now())
    consolidate_bars(platform, [LAST], HOURLY)


def test_a_bad_hour_is_found_by_name_and_another_source_stands_in(ranged, install):
    with install(ranged).opened() as platform:
        polygon = VENDOR_HOURLY_BARS["polygon"]
        right = platform.lake.scan(polygon, start=LAST, end=LAST).drop("known_at").collect()
        for what, (check, columns) in BAD.items():
            plant(platform, right, **columns)
            outcomes = {
                outcome.name: outcome for outcome in check_bars(platform, [LAST], HOURLY, run_id="test")
            }
            assert list(outcomes) == list(HOURLY.checks)
            noticed = [name for name, outcome in outcomes.items() if not outcome.passed]
            assert noticed in ([check], [check, "hourly_matches_daily"]), what
            found = platform.database.fetch(
                "select symbol, bar_start from quality_findings where table_name = 'hourly_bars' and check_name = %s"
                " and symbol is not null",
                (check,),
            )
            assert [symbol for symbol, _ in found] == ["SPY"], what
            assert isinstance(found[0][1], datetime), what
            refused = stored(platform, QUARANTINED_HOURLY_BARS)
            spy = stored(platform, HOURLY_BARS).filter(symbol="SPY", session=LAST)
            assert spy.height == 7, "another source has the hour"
            if check == "cross_source_difference":
                assert refused.is_empty(), "a difference is recorded, and the best source kept"
                assert spy["close_difference_frac"].max() == pytest.approx(0.02)
            else:
                assert refused["source"].to_list() == ["polygon"], what
                assert spy["source"].to_list()[0] == "yahoo" or check == "phantom_session", what
                assert spy["high"].max() < 9_000


def test_an_hour_without_bars_stops_the_hourly_features_and_nothing_that_trades(ranged, install):
    with install(ranged).opened() as platform:
        second = session_hours(LAST)[1][0]
        for table in VENDOR_HOURLY_BARS.values():
            rows = platform.lake.scan(table, start=LAST, end=LAST).collect().drop("known_at")
            kept = rows.filter(pl.col("bar_start") != second)
            platform.lake.write_sessions(table, kept, [LAST], known_at=platform.clock.now())
        consolidate_bars(platform, [LAST], HOURLY)
        outcomes = {outcome.name: outcome for outcome in check_bars(platform, [LAST], HOURLY, run_id="test")}
        assert outcomes["hours_missing"].is_blocking
        assert blocked_sessions(platform.database, [LAST], ("hourly_bars",)) == {LAST}
        require_clean_session(platform.database, LAST)
        assert not outcomes["hourly_matches_daily"].is_blocking
        # a run over several sessions makes the features of the others, and says what stopped this one
        platform.database.execute("delete from hourly_progress where asset = 'hourly_features'")
        platform.lake.write_sessions(
            HOURLY_FEATURES, stored(platform, HOURLY_FEATURES).clear(), DAYS, known_at=platform.clock.now()
        )
        complete_hours(platform, DAYS, ["hourly_features"])
        assert set(stored(platform, HOURLY_FEATURES)["session"]) == set(DAYS[:-1])
        with pytest.raises(DataQualityError, match="Blocking checks failed on the hours"):
            complete_hours(platform, [LAST], ["hourly_features"])


def test_an_hour_stored_before_it_was_final_is_found(ranged, install):
    with install(ranged).opened() as platform:
        tomorrow = next_session(next_session(LAST))
        rows = platform.lake.scan(HOURLY_BARS, start=LAST, end=LAST).collect().drop("known_at")
        ahead = timedelta(days=(tomorrow - LAST).days)
        early = rows.with_columns(pl.col("bar_start", "bar_end") + ahead, session=pl.lit(tomorrow))
        platform.lake.write_sessions(HOURLY_BARS, early, [tomorrow], known_at=platform.clock.now())
        outcomes = {
            outcome.name: outcome for outcome in check_bars(platform, [tomorrow], HOURLY, run_id="test")
        }
        assert outcomes["unfinished_hour"].is_blocking


def test_bars_cannot_be_consolidated_before_they_are_fetched(install):
    with install().opened() as platform, pytest.raises(DataQualityError, match="were fetched"):
        complete_hours(platform, [LAST], ["hourly_bars"])


def test_the_assets_of_the_hours_are_those_of_the_settings(ranged, install):
    with install(ranged).opened() as platform:
        assert hourly_assets(platform.settings)[-2:] == ("hourly_bars", "hourly_features")
        assert len(hourly_assets(platform.settings)) == 5
        with pytest.raises(ConfigurationError):
            backfill_with_hours(platform, LAST, LAST, ["hourly_bars", "positions"])
