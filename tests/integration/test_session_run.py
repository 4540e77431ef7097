"""A session through the whole product: run, run again, corrected by a vendor, and stopped by bad data."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import duckdb
import polars as pl
import pytest
import requests
from polars.testing import assert_frame_equal

from resources.lake.catalog import query
from trading_assets.runs.session import run_session
from trading_assets.sessions import next_session, session_close, shift
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.registry import TABLES
from trading_assets.tables.screens import SCREENER_RESULTS

pytestmark = pytest.mark.slow

KEYS = [
    "session", "mode", "assets", "checks", "orders", "no_orders_because", "fills", "reconciled", "equity_usd", "seconds", "peak_memory_mib",
]  # fmt: skip
ASSETS = {
    "universe", "corporate_actions", "polygon_daily_bars", "yahoo_daily_bars", "alpaca_daily_bars", "daily_bars", "instruments",
    "daily_features", "screener_results", "screener_events", "signals", "pair_statistics", "target_positions", "order_intents", "orders", "fills", "positions",
    "reconciliation", "risk_metrics", "portfolio_performance", "strategy_attribution", "round_trips", "order_slippage", "query_catalog", "polygon_hourly_bars",
    "yahoo_hourly_bars", "alpaca_hourly_bars", "hourly_bars", "hourly_features",
}  # fmt: skip
BOOKS = {
    "signals": "created_at",
    "target_positions": "created_at",
    "order_intents": "none",
    "order_events": "none",
    "orders": "none",
    "fills": "none",
    "positions": "mark_at",
    "portfolio_performance": "none",
    "risk_metrics": "none",
}
"""Tables that a re-run may not change, and the column that says when it was made."""


@pytest.fixture(scope="module")
def finished(install):
    """An installation whose session was run by the command line, and what the command printed; stopped."""
    installation = install()
    printed = installation.command("run", "--json").stdout
    return installation, json.loads(printed)


@pytest.fixture
def rerun(finished, install):
    """A copy of the finished installation."""
    return install(finished[0])


def broker(platform, path: str, **query: object):
    headers = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}
    answer = requests.get(f"{platform.simulator_url}{path}", params=query, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def broker_orders(platform) -> dict[str, dict]:
    return {
        order["client_order_id"]: order for order in broker(platform, "/v2/orders", status="all", limit=500)
    }


def correct(platform, session, symbol: str, **fields: float) -> None:
    """Let all vendors correct a bar."""
    body = {"symbol": symbol, "session": session.isoformat(), "fields": fields}
    requests.post(f"{platform.simulator_url}/sim/corrections", json=body, timeout=30).raise_for_status()


def hashes(platform, session) -> dict[str, str]:
    return {name: platform.lake.content_hash(table, session) for name, table in TABLES.items()}


def books(platform) -> dict[str, list[tuple]]:
    rows = {}
    for table, made_at in BOOKS.items():
        frame = platform.database.fetch_polars(f"select to_jsonb(t) - %s as row from {table} t", (made_at,))
        rows[table] = sorted(map(str, frame["row"]))
    return rows


def decisions(platform) -> dict[str, list[tuple]]:
    """Read the books without positions: those of an older session are marked at its closes once it is past."""
    return {table: rows for table, rows in books(platform).items() if table != "positions"}


def history_files(platform) -> dict[str, bytes]:
    root = platform.lake.history_root
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.parquet")}


def test_the_first_run_in_an_empty_folder_fills_the_history_and_trades(install):
    ran = install(None).command("run", "--json")
    summary = json.loads(ran.stdout)
    assert "sessions from 2023-04-05 to 2024-05-01 are filled first" in ran.stderr
    assert summary["session"] == "2024-05-02"
    assert summary["orders"]["filled"] == summary["fills"] > 5
    assert summary["no_orders_because"] == ""
    assert summary["reconciled"] is True
    assert summary["assets"]["hourly_bars"]["rows"] > 0


def test_the_summary_has_the_promised_keys_and_says_what_was_done(finished):
    installation, summary = finished
    assert list(summary) == KEYS
    assert set(summary["assets"]) == ASSETS
    assert all(set(facts) == {"rows", "seconds"} for facts in summary["assets"].values())
    assert summary["session"] == installation.session.isoformat()
    assert summary["mode"] == "sim"
    assert summary["checks"]["failed"] == 0
    assert summary["checks"]["passed"] >= 7
    assert summary["reconciled"] is True
    assert set(summary["orders"]) == {"filled"}
    assert summary["orders"]["filled"] == summary["fills"] == summary["assets"]["orders"]["rows"] > 5
    assert 95_000 < summary["equity_usd"] < 105_000
    assert 0 < summary["seconds"] < 300
    assert summary["peak_memory_mib"] > 100


def test_what_we_hold_is_what_the_broker_has_and_everything_is_materialised(finished):
    import dagster as dg

    from resources.dagster_home import dagster_instance

    installation, _ = finished
    day = installation.session.isoformat()
    with installation.opened() as platform:
        ours = dict(
            platform.database.fetch("select symbol, quantity from positions where session = %s", (day,))
        )
        theirs = {row["symbol"]: float(row["qty"]) for row in broker(platform, "/v2/positions")}
        assert {symbol: float(quantity) for symbol, quantity in ours.items()} == theirs
        orders = broker_orders(platform)
        assert {order["status"] for order in orders.values()} == {"filled"}
        intents = platform.database.fetch("select client_order_id, quantity, side, symbol from order_intents")
        assert {(i, float(q), side, symbol) for i, q, side, symbol in intents} == {
            (name, float(order["qty"]), order["side"], order["symbol"]) for name, order in orders.items()
        }
        cash = platform.database.fetch("select ours from reconciliation where item = 'cash'")
        assert float(cash[0][0]) == pytest.approx(float(broker(platform, "/v2/account")["cash"]), abs=0.005)
        ran = platform.database.fetch("select session::text, outcome, summary->>'fills' from session_runs")
        assert ran == [(day, "succeeded", str(len(orders)))]
        with dagster_instance(platform.settings, platform.postgres) as instance:
            for name in ASSETS:
                assert day in instance.get_materialized_partitions(dg.AssetKey(name)), name
            event = instance.get_latest_materialization_event(dg.AssetKey("daily_bars"))
            metadata = event.asset_materialization.metadata
            assert (
                metadata["dagster/row_count"].value
                == platform.lake.row_counts(DAILY_BARS)[installation.session]
            )
            tags = event.asset_materialization.tags
            assert tags["dagster/data_version"] == platform.lake.content_hash(
                DAILY_BARS, installation.session
            )


def test_sql_joins_bars_features_signals_and_fills_as_plain_parquet_shows_them(finished):
    installation, summary = finished
    joined = installation.command(
        "sql", "--json",
        "select f.symbol, f.quantity::double as quantity, b.close, d.rsi_14, s.strength from fills f"
        " join daily_bars b on (b.symbol, b.session) = (f.symbol, f.session)"
        " join daily_features d on (d.symbol, d.session) = (f.symbol, f.session)"
        " join signals s on (s.symbol, s.session) = (f.symbol, f.session)",
    ).stdout  # fmt: skip
    rows = json.loads(joined)
    assert len(rows) == summary["fills"]
    assert all(row["close"] > 0 and 0 < row["rsi_14"] < 100 and 0 < row["strength"] <= 1 for row in rows)

    columns = ", ".join(f'"{name}"' for name in DAILY_FEATURES.schema)
    order = "order by symbol, session"
    glob = f"{installation.data}/lake/daily_features/**/*.parquet"
    plain = duckdb.sql(f"select {columns} from read_parquet('{glob}') {order}").pl()
    view = query(installation.data / "trading.duckdb", f"select {columns} from daily_features {order}")
    assert_frame_equal(plain, view)
    assert plain.height == sum(1 for _ in plain.unique(["symbol", "session"]).iter_rows()) > 9_000
    installation.command(
        "sql", f"select {columns} from daily_features {order}", "--format", "parquet", "--out", str(installation.data / "f.parquet")
    )  # fmt: skip
    assert_frame_equal(pl.read_parquet(installation.data / "f.parquet"), plain)


def test_the_same_session_again_changes_nothing(rerun, finished):
    session = rerun.session
    with rerun.opened() as platform:
        before = hashes(platform, session), books(platform), history_files(platform), broker_orders(platform)
        again = json.loads(rerun.command("run", "--session", session.isoformat(), "--json").stdout)
        after = hashes(platform, session), books(platform), history_files(platform), broker_orders(platform)
        for name, earlier, later in zip(("lake", "books", "history", "broker"), before, after, strict=True):
            assert later == earlier, name
    first = finished[1]
    for key in ("session", "checks", "orders", "fills", "reconciled", "equity_usd"):
        assert again[key] == first[key], key
    hours = {
        "polygon_hourly_bars",
        "yahoo_hourly_bars",
        "alpaca_hourly_bars",
        "hourly_bars",
        "hourly_features",
    }
    assert set(first["assets"]) - set(again["assets"]) == hours  # complete: there was nothing to do for them
    assert {name: facts["rows"] for name, facts in again["assets"].items()} == {
        name: facts["rows"] for name, facts in first["assets"].items() if name not in hours
    }


def test_a_vendors_correction_changes_exactly_its_rows_and_what_was_known_before_stays_readable(rerun):
    session = rerun.session
    with rerun.opened() as platform:
        lake, vendor = platform.lake, VENDOR_DAILY_BARS["polygon"]
        bars = {table.name: lake.scan(table).collect().sort(table.key) for table in (vendor, DAILY_BARS)}
        orders, intents = broker_orders(platform), books(platform)["order_intents"]
        today = bars["daily_bars"].filter(pl.col("session") == session, pl.col("source") == "polygon")
        held = [row[0] for row in platform.database.fetch("select symbol from fills order by 1 limit 1")]
        corrected = {symbol: volume + 1000 for symbol, volume in today.select("symbol", "volume").iter_rows()
                     if symbol in held or symbol == today["symbol"][0]}  # fmt: skip
        before = platform.clock.now()
        platform.clock.advance_to(before + timedelta(hours=1))
        for symbol, volume in corrected.items():
            correct(platform, session, symbol, volume=volume)
        summary = run_session(platform, session)
        assert summary.reconciled is True

        for table in (vendor, DAILY_BARS):
            earlier = bars[table.name]
            changed = lake.scan(table).filter(pl.col("known_at") > before).collect()
            assert dict(changed.select("symbol", "volume").iter_rows()) == corrected, table.name
            assert changed["session"].unique().to_list() == [session]
            superseded = lake.history(table).collect()
            was = earlier.filter(pl.col("session") == session, pl.col("symbol").is_in(list(corrected)))
            assert_frame_equal(superseded.drop("superseded_at").sort(table.key), was)
            assert_frame_equal(lake.scan(table, as_of=before).collect().sort(table.key), earlier)

        catalog = rerun.data / "trading.duckdb"
        select = f"select symbol, volume from {{}} where session = '{session}' order by symbol"
        then = bars["daily_bars"].filter(pl.col("session") == session).select("symbol", "volume")
        macro = f"daily_bars_as_of('{before.isoformat()}'::timestamptz)"
        assert_frame_equal(query(catalog, select.format(macro)), then)
        printed = rerun.command(
            "sql", select.format("daily_bars"), "--as-of", before.isoformat(), "--format", "csv"
        ).stdout
        assert_frame_equal(pl.read_csv(printed.encode()), then)
        assert dict(query(catalog, select.format("daily_bars")).iter_rows()) == {
            **dict(then.iter_rows()),
            **corrected,
        }
        assert broker_orders(platform) == orders
        assert books(platform)["order_intents"] == intents


def test_a_few_bad_bars_are_set_aside_and_nothing_is_bought_on_them(install):
    installation = install()
    session = installation.session
    with installation.opened() as platform:
        wanted = _would_buy(platform, session)
        correct(platform, session, wanted[0], close=0.0)
        summary = run_session(platform, session)
        lake = platform.lake
        refused = lake.scan(QUARANTINED_BARS, start=session).collect()
        assert set(refused["symbol"]) == {wanted[0]}
        assert set(refused["rule"]) == {"non_positive_price"}
        assert set(refused["source"]) == {"polygon", "yahoo", "alpaca"}
        for table in (DAILY_BARS, DAILY_FEATURES, SCREENER_RESULTS):
            assert wanted[0] not in set(lake.scan(table, start=session).collect()["symbol"]), table.name
        assert summary.checks["failed"] > 0
        assert summary.reconciled is True
        traded = {order["symbol"] for order in broker_orders(platform).values()}
        assert wanted[0] not in traded
        assert traded
        found = platform.database.fetch(
            "select symbol, value from quality_findings where check_name = 'positive_prices'"
        )
        assert [symbol for symbol, _ in found] == [wanted[0]] * len(found) != []


def _would_buy(platform, session) -> list[str]:
    """List what was bought, or will be wanted: strong symbols of the session before."""
    rows = platform.database.fetch(
        "select symbol from signals where side = 'enter_long' or side = 'hold_long' group by 1, session"
        " having session = (select max(session) from signals) order by 1"
    )
    return [symbol for (symbol,) in rows]


def test_bad_bars_on_many_symbols_stop_the_session_before_any_intent_until_they_are_corrected(install):
    installation = install()
    session = installation.session
    with installation.opened() as platform:
        lake = platform.lake
        symbols = (
            lake.scan(DAILY_BARS, start=session - timedelta(days=7)).collect()["symbol"].unique().sort()[:12]
        )
        closes = {}
        for place, symbol in enumerate(symbols):
            bar = _vendor_bar(platform, symbol, session)
            closes[symbol] = bar
            bad = ({"close": 0.0}, {"high": bar["l"] / 2}, {"close": bar["c"] * 100, "high": bar["c"] * 100})[
                place % 3
            ]
            correct(platform, session, symbol, **bad)
        before = {name: lake.scan(table, end=session - timedelta(days=1)).collect().sort(table.key)
                  for name, table in TABLES.items()}  # fmt: skip
        failed = installation.command("run", exit_code=1)
        assert failed.stdout == ""
        for words in (
            "Blocking checks stopped the run",
            "positive_prices",
            "no order was planned",
            "trading-assets quality list",
        ):
            assert words in failed.stderr, failed.stderr
        assert "Traceback" not in failed.stderr
        shown = json.loads(
            installation.command("quality", "list", "--session", str(session), "--json").stdout
        )
        assert shown[0]["symbol"] is None, "what blocks the session comes first"
        assert {row["symbol"] for row in shown} - {None} <= set(symbols)
        for table in ("order_intents", "orders", "target_positions", "fills"):
            assert platform.database.fetch(f"select count(*) from {table}") == [(0,)], table
        assert broker_orders(platform) == {}
        rules = set(lake.scan(QUARANTINED_BARS, start=session).collect()["rule"])
        assert {"non_positive_price", "high_below_low", "unexplained_jump"} <= rules
        assert lake.scan(DAILY_FEATURES, start=session).collect().is_empty()
        for name, table in TABLES.items():
            assert_frame_equal(
                lake.scan(table, end=session - timedelta(days=1)).collect().sort(table.key), before[name]
            )
        ran = platform.database.fetch("select outcome from session_runs")
        assert ran == [("failed",)]

        platform.clock.advance_to(platform.clock.now() + timedelta(minutes=5))
        for symbol, bar in closes.items():
            correct(platform, session, symbol, close=bar["c"], high=bar["h"])
        summary = run_session(platform, session)
        assert summary.reconciled is True
        assert summary.fills == len(broker_orders(platform)) > 0
        assert set(symbols) <= set(lake.scan(DAILY_FEATURES, start=session).collect()["symbol"])
        assert platform.database.fetch("select count(*) from quality_findings where severity = 'error'") == [
            (0,)
        ]


def _vendor_bar(platform, symbol: str, session) -> dict[str, float]:
    answer = requests.get(
        f"{platform.simulator_url}/v2/aggs/ticker/{symbol}/range/1/day/{session}/{session}",
        params={"apiKey": "k"},
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json()["results"][0]


def test_no_key_is_written_or_printed_anywhere(finished):
    installation, _ = finished
    pattern = re.compile(rb"planted-(key-id|secret)-471\d")
    checked = 0
    for path in installation.data.rglob("*"):
        if path.is_file():
            checked += 1
            assert not pattern.search(path.read_bytes()), path
    assert checked > 100


def test_a_trade_that_is_not_ours_is_reported_and_halts_trading(rerun):
    session = rerun.session
    with rerun.opened() as platform:
        ours = {symbol for (symbol,) in platform.database.fetch("select symbol from fills")}
        foreign = next(
            asset["symbol"]
            for asset in broker(platform, "/v2/assets")
            if asset["tradable"] and asset["symbol"] not in ours
        )
        order = {"symbol": foreign, "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
        headers = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}
        placed = requests.post(f"{platform.simulator_url}/v2/orders", json=order, headers=headers, timeout=30)
        assert placed.status_code == 200
        platform.clock.advance_to(platform.clock.now() + timedelta(hours=1))
        failed = rerun.command("run", "--session", session.isoformat(), exit_code=1)
        assert "Reconciliation: Our books and the broker's differ" in failed.stderr
        assert f"{foreign}: ours 0, broker's 3" in failed.stderr
        mend = re.search(r'trading-assets sql "(.+)"', failed.stderr)[1]
        assert foreign in {row["item"] for row in json.loads(rerun.command("sql", mend, "--json").stdout)}
        assert platform.database.fetch("select level from trading_halts where released_at is null") == [
            ("orders",)
        ]


def test_a_session_that_was_over_before_the_account_was_opened_is_refused_before_anything_is_fetched(rerun):
    before = shift(rerun.session, -1)
    with rerun.opened() as platform:
        stored = platform.database.fetch("select count(*) from ingest_batches")
        failed = rerun.command("run", "--session", before.isoformat(), exit_code=2)
        assert f"Session {before} was over before account" in failed.stderr
        assert f"(its first session is {rerun.session}): nothing can be decided for it" in failed.stderr
        assert f"trading-assets backfill --start {before} --end {before}" in " ".join(failed.stderr.split())
        assert platform.database.fetch("select count(*) from ingest_batches") == stored


def test_sessions_go_on_from_each_other_and_an_older_one_again_changes_nothing(rerun):
    first = rerun.session
    second = next_session(first)
    with rerun.opened() as platform:
        platform.clock.advance_to(session_close(second) + timedelta(hours=1))
        summary = run_session(platform, second)
        assert summary.reconciled is True
        before = (
            hashes(platform, first),
            hashes(platform, second),
            decisions(platform),
            broker_orders(platform),
        )
        summary = run_session(platform, first)
        assert summary.reconciled is True
        after = (
            hashes(platform, first),
            hashes(platform, second),
            decisions(platform),
            broker_orders(platform),
        )
        for name, earlier, later in zip(
            ("first", "second", "decisions", "broker"), before, after, strict=True
        ):
            assert later == earlier, name
