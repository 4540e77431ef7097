"""Late corrections and missed sessions: the session run makes the lake what a fresh fetch would give."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import polars as pl
import pytest
import requests
from polars.testing import assert_frame_equal

from resources.dagster_home import dagster_instance
from trading_assets.errors import DataQualityError
from trading_assets.runs.history import backfill
from trading_assets.runs.session import run_session
from trading_assets.sessions import next_session, session_close, sessions_between, shift
from trading_assets.tables.daily import DAILY_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.registry import TABLES
from trading_assets.tables.screens import SCREENER_EVENTS, SCREENER_RESULTS

pytestmark = pytest.mark.slow

AFTER_CLOSE = timedelta(hours=1)
DATA = ("universe", *(table.name for table in VENDOR_DAILY_BARS.values()), "corporate_actions", "daily_bars", "daily_features")  # fmt: skip
MADE_OF_BARS = [
    table for table in TABLES.values() if "company" not in table.tags and "hourly" not in table.tags
]


def correct(platform, session: date, symbol: str, **fields: float) -> None:
    body = {"symbol": symbol, "session": session.isoformat(), "fields": fields}
    requests.post(f"{platform.simulator_url}/sim/corrections", json=body, timeout=30).raise_for_status()


def content(platform, first: date, last: date) -> dict[str, pl.DataFrame]:
    """Read what the tables say, without when it was known and from which batch."""
    rows = {}
    for table in MADE_OF_BARS:
        frame = platform.lake.scan(table, start=first, end=last).collect().sort(table.key)
        rows[table.name] = frame.drop(table.provenance, strict=False)
    return rows


def signals(platform) -> list[tuple]:
    return platform.database.fetch("select session, symbol, side, strength, features_version, created_at from signals order by 1, 2")  # fmt: skip


def materialised(platform, name: str) -> set[str]:
    with dagster_instance(platform.settings, platform.postgres) as instance:
        return set(instance.get_materialized_partitions(dg.AssetKey(name)))


def newest_versions(platform, name: str, days: list[date]) -> dict[date, str]:
    with dagster_instance(platform.settings, platform.postgres) as instance:
        versions = {}
        for day in days:
            found = instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[day.isoformat()]), limit=1
            )
            versions[day] = found.records[0].asset_materialization.tags["dagster/data_version"]
        return versions


@pytest.fixture
def corrected(install, first_session):
    """An installation that ran its session, after which vendors corrected bars of it and of six sessions before."""
    installation = install(first_session)
    with installation.opened() as platform:
        second = next_session(installation.session)
        platform.clock.advance_to(session_close(second) + AFTER_CLOSE)
        bars = platform.lake.scan(DAILY_BARS, start=shift(second, -8), end=installation.session).collect()
        for place, day in enumerate(sorted(bars["session"].unique())):
            row = bars.filter(session=day).sort("symbol").row(place, named=True)
            middle = (
                round((row["high"] + row["low"]) / 2, 2) + 0.01
            )  # inside the day's range, and another one
            correct(
                platform,
                day,
                row["symbol"],
                close=middle,
                high=row["high"] + 0.02,
                volume=row["volume"] + 7.0,
            )
        yield installation, platform, second


def test_corrections_within_the_look_back_are_taken_over_and_give_what_a_fresh_fetch_gives(
    corrected, install
):
    installation, platform, second = corrected
    first, oldest = installation.history[0], shift(second, -platform.settings.look_back_sessions)
    before = content(platform, first, installation.session)
    decided = signals(platform)
    platform_before = platform.clock.now()
    summary = run_session(platform, second)
    assert summary.reconciled is True
    after = content(platform, first, installation.session)
    for name, frame in before.items():
        kept = after[name].filter(pl.col(TABLES[name].partition_by) < oldest)
        was = frame.filter(pl.col(TABLES[name].partition_by) < oldest)
        assert_frame_equal(kept, was)
    changed = platform.lake.scan(DAILY_BARS, start=first, end=installation.session).filter(
        pl.col("known_at") >= platform_before
    )
    assert sorted(changed.collect()["session"]) == sessions_between(oldest, installation.session)
    assert not after["daily_features"].equals(before["daily_features"])

    # decisions of the past are not rewritten; every other asset's newest version is what the lake has
    assert [row for row in signals(platform) if row[0] <= installation.session] == decided
    days = sessions_between(oldest, second)
    for name in ("polygon_daily_bars", "daily_bars", "daily_features"):
        versions = newest_versions(platform, name, days)
        assert versions == {day: platform.lake.content_hash(TABLES[name], day) for day in days}, name

    # what was not looked back on comes from an older fetch, so it is left out of the comparison with a fresh one
    fresh = install(None)
    with fresh.opened() as other:
        other.clock.advance_to(platform.clock.now())
        for item in requests.get(f"{platform.simulator_url}/sim/corrections", timeout=30).json()[
            "corrections"
        ]:
            if date.fromisoformat(item["session"]) >= oldest:
                correct(other, date.fromisoformat(item["session"]), item["symbol"], **item["fields"])
        backfill(other, first, second, DATA)
        rows, expected = content(platform, oldest, second), content(other, oldest, second)
        for name in {*rows} - {"universe", "instruments", SCREENER_RESULTS.name, SCREENER_EVENTS.name}:
            assert_frame_equal(rows[name], expected[name])


def test_a_backfill_told_to_fetch_again_takes_over_corrections_of_any_age_and_leaves_decisions(install):
    installation = install()
    day = installation.history[0]
    with installation.opened() as platform:
        decided = signals(platform)
        symbol = platform.lake.scan(DAILY_BARS, start=day, end=day).collect()["symbol"][0]
        correct(platform, day, symbol, volume=1_234_567.0)
    span = ("backfill", "--start", day.isoformat(), "--end", day.isoformat())
    assert "Nothing was missing" in installation.command(*span).stdout
    assert "1 session" in installation.command(*span, "--again").stdout
    with installation.opened() as platform:
        bars = platform.lake.scan(DAILY_BARS, start=day, end=day).collect()
        assert bars.filter(pl.col("symbol") == symbol)["volume"].item() == 1_234_567.0
        assert signals(platform) == decided


def test_a_run_without_corrections_changes_nothing_of_the_past(install, first_session):
    installation = install(first_session)
    with installation.opened() as platform:
        before = {name: platform.lake.scan(table).collect() for name, table in TABLES.items()}
        second = next_session(installation.session)
        platform.clock.advance_to(session_close(second) + AFTER_CLOSE)
        run_session(platform, second)
        for name, table in TABLES.items():
            day = pl.col(table.partition_by)
            now = platform.lake.scan(table).filter(day < second).collect().sort(table.key)
            assert_frame_equal(now, before[name].filter(day < second).sort(table.key))


def test_a_correction_that_ruins_a_session_that_was_decided_on_stops_the_next_one_until_it_is_taken_back(
    install, first_session
):
    installation = install(first_session)
    with installation.opened() as platform:
        second = next_session(installation.session)
        platform.clock.advance_to(session_close(second) + AFTER_CLOSE)
        bars = platform.lake.scan(DAILY_BARS, start=installation.session, end=installation.session).collect()
        ruined = bars.sort("symbol").head(12)
        for row in ruined.iter_rows(named=True):
            correct(platform, installation.session, row["symbol"], close=0.0)
        failed = installation.command("run", exit_code=1)
        for words in (
            "What the vendors report now",
            str(installation.session),
            "TRADING_LOOK_BACK_SESSIONS=0",
        ):
            assert words in failed.stderr, failed.stderr
        assert platform.database.fetch(
            "select count(*) from order_intents where session = %s", (second,)
        ) == [(0,)]
        platform.clock.advance_to(platform.clock.now() + timedelta(minutes=5))
        for row in ruined.iter_rows(named=True):
            correct(platform, installation.session, row["symbol"], close=row["close"])
        assert run_session(platform, second).reconciled is True
        again = platform.lake.scan(DAILY_BARS, start=installation.session, end=installation.session).collect()
        assert_frame_equal(again.drop("known_at", "batch_id"), bars.drop("known_at", "batch_id"))


def test_a_session_that_failed_and_is_mended_in_the_look_back_gets_what_it_lacks_and_no_decision_is_rewritten(
    install,
):
    installation = install()
    lacking = ("daily_features", "screener_results", "screener_events", "signals", "pair_statistics")
    with installation.opened() as platform:
        sick = installation.session
        bad = {"kind": "zero_price", "session": sick.isoformat(), "share": 0.5}
        requests.post(f"{platform.simulator_url}/sim/dirt", json=bad, timeout=30).raise_for_status()
        with pytest.raises(DataQualityError, match="positive_prices"):
            run_session(platform, sick)
        later = next_session(sick)
        platform.clock.advance_to(session_close(later) + AFTER_CLOSE)
        assert run_session(platform, later).reconciled is True
        for name in lacking:
            assert sick.isoformat() not in materialised(platform, name), name
            assert later.isoformat() in materialised(platform, name), name
        assert backfill(platform, sick, later) == []
        assert sick.isoformat() not in materialised(platform, "signals")
        decided = signals(platform)
        assert {later} <= {row[0] for row in decided}
        assert sick not in {row[0] for row in decided}

        requests.delete(f"{platform.simulator_url}/sim/dirt", timeout=30).raise_for_status()
        newest = next_session(later)
        platform.clock.advance_to(session_close(newest) + AFTER_CLOSE)
        assert run_session(platform, newest).reconciled is True
        for name in lacking:
            assert sick.isoformat() in materialised(platform, name), name
        now = signals(platform)
        assert {sick, newest} <= {row[0] for row in now}
        assert [row for row in now if row[0] not in {sick, newest}] == decided
        for table in (DAILY_FEATURES, SCREENER_RESULTS):
            assert platform.lake.row_counts(table, sick, sick)[sick] > 0


def test_after_seven_sessions_off_one_of_them_half_done_one_run_fills_exactly_what_is_missing(
    install, first_session, monkeypatch
):
    installation = install(first_session)
    first = installation.session
    with installation.opened() as platform:
        half = shift(first, 1)
        platform.clock.advance_to(session_close(half) + AFTER_CLOSE)
        monkeypatch.setattr(
            "trading_assets.feature_store.history.build_resumable", lambda *_args, **_options: 1 / 0
        )
        with pytest.raises(Exception, match="daily_features"):
            run_session(platform, half)
        monkeypatch.undo()
        assert half.isoformat() in materialised(platform, "daily_bars")
        assert half.isoformat() not in materialised(platform, "daily_features")

        newest = shift(first, 8)
        platform.clock.advance_to(session_close(newest) + AFTER_CLOSE)
        known = {name: platform.lake.scan(table, end=first).collect() for name, table in TABLES.items()}
        summary = run_session(platform, newest)
        assert summary.reconciled is True
        days = {day.isoformat() for day in sessions_between(half, newest)}
        for name in (
            *DATA,
            "screener_results",
            "screener_events",
            "signals",
            "pair_statistics",
            "portfolio_performance",
            "risk_metrics",
        ):
            assert days <= materialised(platform, name), name
        for name in ("order_intents", "orders", "fills"):
            assert materialised(platform, name) & days == {newest.isoformat()}, (
                "no orders for days that are over"
            )
        for name, table in TABLES.items():
            if table not in MADE_OF_BARS:
                continue
            now = platform.lake.scan(table, end=first).collect().sort(table.key)
            assert_frame_equal(now, known[name].sort(table.key))
        assert set(platform.lake.row_counts(DAILY_FEATURES, half, newest)) == set(
            sessions_between(half, newest)
        )
        valued = platform.database.fetch(
            "select session from portfolio_performance where session >= %s order by 1", (first,)
        )
        assert [session for (session,) in valued] == sessions_between(first, newest)
        seven = content(platform, half, newest)

    # the same as if the sessions had been backfilled in time
    other = install()
    with other.opened() as platform:
        platform.clock.advance_to(session_close(newest) + AFTER_CLOSE)
        backfill(platform, installation.history[0], newest)
        expected = content(platform, half, newest)
        for name in {*seven} - {"universe", "instruments"}:
            assert_frame_equal(seven[name], expected[name])


def test_without_look_back_the_past_is_left_alone(corrected, monkeypatch):
    installation, platform, second = corrected
    before = content(platform, installation.history[0], installation.session)
    printed = installation.command("run", "--json", TRADING_LOOK_BACK_SESSIONS="0").stdout
    assert f'"session": "{second}"' in printed
    after = content(platform, installation.history[0], installation.session)
    for name, frame in before.items():
        assert_frame_equal(after[name], frame)
