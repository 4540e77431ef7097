"""Two strategies trade in one account: one order a symbol, shares and profits that add up, whatever kills a run between."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar
from unittest.mock import patch

import polars as pl
import pytest
import requests

from trading_assets.decision.decide import decide
from trading_assets.execution.halts import engage_halt
from trading_assets.execution.intent_planning import plan_and_store_intents
from trading_assets.execution.live_market import LiveMarket
from trading_assets.execution.trading_account import account_of
from trading_assets.orders import HaltLevel
from trading_assets.research.backtests import past_market
from trading_assets.research.plan_in_force import load_plan
from trading_assets.risk.targets import Book
from trading_assets.runs.session import run_session
from trading_assets.sessions import session_close, shift
from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters
from trading_assets.strategies.registry import STRATEGIES, Registered

PLAN = """\
strategies:
  momentum: {capital_frac: 0.5, sizing: {position_frac: 0.05}}
  contrary: {capital_frac: 0.4, sizing: {position_frac: 0.1}}
limits: {max_position_frac: 0.2}
"""
SHARES = """
select a.symbol, sum(a.allotted_quantity), t.quantity from allocations a join target_positions t using (account, session, symbol)
where a.session = %s group by a.symbol, t.quantity order by 1
"""


class ContraryParameters(StrategyParameters):
    """None."""


@dataclass(frozen=True)
class Contrary:
    """Wants every second liquid symbol on every second day, and gives it up on the next: it crosses whatever else trades."""

    name: ClassVar[str] = "contrary"
    feature_columns: ClassVar[tuple[str, ...]] = ("close", "dollar_volume_20")
    lookback_sessions: ClassVar[int] = 0
    parameters: ContraryParameters = field(default_factory=ContraryParameters)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        wants = (pl.col("session").dt.ordinal_day() + pl.col("symbol").hash(1) % 2) % 2 == 0
        return (
            features.filter(pl.col("dollar_volume_20") > 5e6)
            .select(
                "symbol",
                "session",
                side=pl.when(wants).then(pl.lit("enter_long")).otherwise(pl.lit("exit_long")),
                strength=pl.lit(0.9),
                reason=pl.lit("it is its day"),
                inputs=pl.lit("{}"),
            )
            .cast(SIGNAL_SCHEMA)
        )


@contextmanager
def traded_by_both(installation):
    """Open an installation in which the two trade."""
    file = installation.data / "strategies.yaml"
    file.write_text(PLAN)
    installation.market = {**installation.market, "strategies": file}
    with (
        patch.dict(STRATEGIES, {"contrary": Registered(Contrary, ContraryParameters)}),
        installation.opened() as platform,
    ):
        yield platform


@pytest.fixture(scope="module")
def begun(install):
    """An installation in which the two traded a first session, stopped; to be copied."""
    installation = install()
    with traded_by_both(installation) as platform:
        assert run_session(platform, installation.session).reconciled is True
    return installation


@pytest.fixture
def both(install, begun):
    """A copy of it, opened."""
    installation = install(begun)
    with traded_by_both(installation) as platform:
        yield installation, platform


def profit(platform, session) -> tuple[Decimal, Decimal]:
    """Return the profit of the strategies together, and that of the account."""
    (pair,) = platform.database.fetch(
        "select (select sum(pnl_usd) from strategy_attribution where session = %s),"
        " (select equity_usd - opening_cash_usd from portfolio_performance join accounts using (account) where session = %s)",
        (session, session),
    )
    return pair


def test_orders_are_netted_and_profits_add_up_to_the_accounts_to_the_cent(both):
    installation, platform = both
    database = platform.database
    crossed = against = 0
    for offset in range(4):
        session = shift(installation.session, offset)
        if offset:
            assert run_session(platform, session).reconciled is True
        for symbol, allotted, target in database.fetch(SHARES, (session,)):
            assert allotted == target, symbol
        orders = database.fetch(
            "select symbol, case side when 'buy' then quantity else -quantity end, wanted_by from order_intents where session = %s",
            (session,),
        )
        assert max(Counter(symbol for symbol, *_ in orders).values(), default=1) == 1
        for symbol, quantity, wanted_by in orders:
            assert sum(map(Decimal, wanted_by.values())) == quantity, symbol
            against += len({Decimal(change) > 0 for change in wanted_by.values()}) == 2
        crossed += len(
            database.fetch(
                "select symbol from allocations left join order_intents using (account, session, symbol) where session = %s"
                " group by symbol having bool_or(allotted_quantity > held_quantity) and bool_or(allotted_quantity < held_quantity)",
                (session,),
            )
        )
        together, account = profit(platform, session)
        assert abs(together - account) < Decimal("0.01")
        # fees and interest are none in this market, so round trips alone make the profit
        assert abs(
            database.fetch("select coalesce(sum(net_profit_usd), 0) from round_trips")[0][0] - account
        ) < Decimal("0.01")
    closed = "select strategy, count(closed_session) from round_trips group by 1 order by 1"
    (contrary, sold), (momentum, _) = database.fetch(closed)
    assert (contrary, momentum) == ("contrary", "momentum")
    assert sold > 0, "nothing was sold: the test proves nothing"
    assert crossed > 0, "the two never went against each other: the test proves nothing"
    assert against > 0
    held = dict(database.fetch("select symbol, quantity from positions where session = %s", (session,)))
    brokers = {position.symbol: position.quantity for position in platform.broker.positions()}
    assert held == brokers
    assert {name for (name,) in database.fetch("select distinct strategy from strategy_attribution")} == {
        "momentum",
        "contrary",
    }
    assert database.fetch("select count(*) from trading_halts") == [(0,)]


def test_an_old_session_again_repeats_its_decision_and_its_ids(both):
    installation, platform = both
    first = installation.session
    run_session(platform, shift(first, 1))
    decided = "select * from allocations where session = %s order by symbol, strategy"
    ids = "select client_order_id, state, wanted_by from order_intents order by 1"
    columns = pl.exclude("created_at")
    before = platform.database.fetch_polars(decided, (first,)).select(columns), platform.database.fetch(ids)
    run_session(platform, first)
    assert platform.database.fetch_polars(decided, (first,)).select(columns).equals(before[0])
    assert platform.database.fetch(ids) == before[1]


def test_a_halt_after_the_orders_were_sent_changes_nobodys_shares(both):
    installation, platform = both
    session, account = installation.session, account_of(platform)
    owned = "select strategy, symbol, allotted_quantity from allocations where session = %s order by 1, 2"
    told = "select strategy, pnl_usd, cash_usd from strategy_attribution where session = %s order by 1"
    before = platform.database.fetch(owned, (session,)), platform.database.fetch(told, (session,))
    with platform.database.connection() as connection:
        engage_halt(
            connection,
            account.number,
            HaltLevel.ENTRIES,
            "a person looks",
            engaged_by="test",
            now=platform.clock.now(),
        )
    run_session(platform, session)
    targets = platform.database.fetch(
        "select outcome from target_positions where session = %s and quantity > 0", (session,)
    )
    assert targets == [], "decided anew, under the halt"
    assert platform.database.fetch(owned, (session,)) == before[0]
    assert platform.database.fetch(told, (session,)) == before[1]
    assert any(shares > 0 for _, _, shares in before[0])


def test_a_plan_renamed_before_anything_was_sent_renames_who_wanted_the_order(both):
    installation, platform = both
    session, account = shift(installation.session, 1), account_of(platform)
    with platform.database.connection() as connection:
        engage_halt(
            connection,
            account.number,
            HaltLevel.ORDERS,
            "nothing is sent",
            engaged_by="test",
            now=platform.clock.now(),
        )
    run_session(platform, session)
    wanted = "select symbol, quantity, wanted_by from order_intents where session = %s order by 1"
    before = platform.database.fetch(wanted, (session,))
    assert before
    renamed = {symbol: {f"{name}2": change for name, change in by.items()} for symbol, _, by in before}
    with platform.database.connection() as connection:
        connection.execute("update allocations set strategy = strategy || '2' where session = %s", (session,))
    plan_and_store_intents(account, session, lineage={"run": "again"})
    after = platform.database.fetch(wanted, (session,))
    assert {symbol: by for symbol, _, by in after} == renamed
    assert [row[:2] for row in after] == [row[:2] for row in before]


def test_the_same_decision_code_on_history_decides_what_was_decided_live(both):
    installation, platform = both
    session = installation.session
    live = platform.database.fetch_polars(
        "select symbol, quantity, outcome, rule, reason from target_positions where session = %s order by symbol",
        (session,),
    )
    signals = platform.database.fetch_polars(
        "select strategy, symbol, side, strength, reason from signals where session = %s", (session,)
    )
    plan = load_plan(platform.settings.strategies)
    cash = Decimal(100_000)
    history = past_market(platform.database, platform.lake, session, session).history
    symbols = set(signals["symbol"])
    then = history.shown(history.first, symbols, history.close_usd[history.first])
    decided = decide(plan, signals, {}, Book({}, cash, cash), then)
    assert decided.targets.select(live.columns).equals(live)
    seen = LiveMarket(account_of(platform), platform.lake).read(session, symbols)
    shown = ("last_close", "traded", "dollar_volume", "volatility")
    assert seen.volatility
    for name in shown:
        assert getattr(seen, name) == getattr(then, name), name


def test_a_strategy_without_capital_gives_up_its_shares_and_one_that_is_forgotten_stops_the_run(both):
    installation, platform = both
    first = installation.session
    file = platform.settings.strategies
    file.write_text("strategies: {momentum: {capital_frac: 0.5}}\n")
    with pytest.raises(Exception, match="leaves out contrary, which still holds shares"):
        run_session(platform, shift(first, 1))
    file.write_text("strategies:\n  momentum: {capital_frac: 0.5}\n  contrary: {capital_frac: 0}\n")
    assert run_session(platform, shift(first, 1)).reconciled is True
    left = platform.database.fetch(
        "select sum(allotted_quantity) from allocations where strategy = 'contrary' and session = %s",
        (shift(first, 1),),
    )
    assert left == [(0,)]
    together, account = profit(platform, shift(first, 1))
    assert abs(together - account) < Decimal("0.01")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_while_sending_the_orders_of_two_strategies_each_is_placed_once_and_shared_out(install):
    installation = install()
    file = installation.data / "strategies.yaml"
    file.write_text(
        "strategies:\n  fast: {kind: momentum, capital_frac: 0.5, parameters: {entry_rank: 6, hold_rank_multiple: 1}}\n"
        "  slow: {kind: momentum, capital_frac: 0.5}\n"
    )
    installation.market = {**installation.market, "strategies": file}
    with installation.opened() as platform:
        market, database = platform.simulator_url, platform.database
        for rule in (
            {"match": "by_client_order_id", "kind": "slow", "method": "GET", "seconds": 9, "times": 9},
            {"match": "^/v2/orders$", "kind": "reset_after_accept", "method": "POST", "after": 3, "times": 1},
        ):
            requests.post(f"{market}/sim/faults", json=rule, timeout=30).raise_for_status()
        killed = installation.start("run", "--session", installation.session.isoformat())
        while not database.fetch("select 1 from order_intents where state = 'unknown'"):
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.02)
        os.kill(killed.pid, 9)
        killed.wait(30)
        requests.delete(f"{market}/sim/faults", timeout=30).raise_for_status()
        assert {"planned", "acknowledged", "unknown"} == {
            state for (state,) in database.fetch("select state from order_intents")
        }
        assert run_session(platform, installation.session).reconciled is True
        placed = requests.get(
            f"{market}/v2/orders", params={"status": "all", "limit": 500}, timeout=30,
            headers={"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"},
        ).json()  # fmt: skip
        planned = database.fetch("select client_order_id from order_intents order by 1")
        assert sorted((order["client_order_id"],) for order in placed) == planned
        following = shift(installation.session, 1)
        platform.clock.advance_to(session_close(following) + timedelta(hours=1))
        assert run_session(platform, following).reconciled is True
        together, account = profit(platform, following)
        assert abs(together - account) < Decimal("0.01")
        both = "select count(*) from order_intents where wanted_by ? 'fast' and wanted_by ? 'slow'"
        assert database.fetch(both)[0][0] > 3
