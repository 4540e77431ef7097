"""A decision starts from what the broker really did: late fills, open orders and splits never double a position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from trading_assets.execution.fills import ingest_fills
from trading_assets.execution.intent_planning import plan_and_store_intents
from trading_assets.execution.submission import submit_planned
from trading_assets.execution.trading_account import open_account
from trading_assets.execution.waiting import unsettled_before
from trading_assets.runs.history import backfill
from trading_assets.runs.session import run_session
from trading_assets.sessions import next_session, session_close, session_open

pytestmark = pytest.mark.slow


@dataclass
class ClockOfOthers:
    """The simulator's clock as a real one is seen: it goes on, and nobody here can move it."""

    clock: object

    def now(self):
        return self.clock.now()

    def advance_to(self, instant) -> bool:
        return self.now() >= instant


class LatePublisher:
    """A broker that publishes the executions of one symbol only when it is told to."""

    def __init__(self, broker, symbol: str) -> None:
        self._broker, self.withheld = broker, symbol

    def __getattr__(self, name: str):
        return getattr(self._broker, name)

    def fills(self, since):
        return [fill for fill in self._broker.fills(since) if fill.symbol != self.withheld]


@pytest.fixture
def desk(open_desk, start_simulator):
    return open_desk(start_simulator(seed=7, symbols=20, at="2024-05-01T18:00:00-04:00"))


def shares(platform) -> dict[str, int]:
    return {position.symbol: int(position.quantity) for position in platform.broker.positions()}


def test_positions_are_not_bought_again_when_nobody_fetched_their_fills(install):
    with install().opened() as platform:
        first = platform.latest_session()
        market, platform.clock = platform.clock, ClockOfOthers(platform.clock)
        assert run_session(platform, first).fills == 0
        latest = next_session(first)
        market.advance_to(session_close(latest) + timedelta(hours=1))
        held = shares(platform)
        assert held
        summary = run_session(platform, latest)
        assert summary.reconciled is True
        rows = platform.database.fetch(
            "select symbol, current_quantity from target_positions where session = %s and current_quantity <> 0",
            (latest,),
        )
        assert {symbol: int(quantity) for symbol, quantity in rows} == held
        bought_twice = platform.database.fetch(
            "select symbol from order_intents where side = 'buy' group by symbol having count(*) > 1"
        )
        assert bought_twice == []


def test_a_held_symbol_that_splits_before_the_next_open_is_not_traded_and_still_reconciles(install):
    eve = date(2024, 5, 29)
    installation = install()
    with installation.opened() as platform:
        before = date(2024, 5, 28)
        platform.clock.advance_to(session_close(before) + timedelta(hours=1))
        backfill(platform, installation.session, before)
        account = open_account(platform.database, platform.broker, platform.clock, mode="sim")
        platform.database.execute(
            "insert into target_positions values (%s, %s, 'THL', 50, 0, 100, 0.05, 'trade', null, 'test', %s)",
            (account.number, before, platform.clock.now()),
        )
        platform.database.execute(
            "insert into allocations values (%s, %s, 'THL', 'momentum', 0, 0, 5000, 50, 100, 1, null, 'test', null, %s)",
            (account.number, before, platform.clock.now()),
        )
        plan_and_store_intents(account, before, lineage={})
        submit_planned(account)
        platform.clock.advance_to(session_close(eve) + timedelta(hours=1))
        assert shares(platform) == {"THL": 50}

        assert run_session(platform, eve).reconciled is True
        target = "select quantity::int, current_quantity::int, rule from target_positions where symbol = 'THL' and session = %s"
        assert platform.database.fetch(target, (eve,)) == [(50, 50, "split_ahead")]
        assert shares(platform)["THL"] == 250
        assert platform.database.fetch("select level from trading_halts") == []
        exposure, value = platform.database.fetch(
            "select (select value from risk_metrics where metric = 'total_exposure_usd' and session = %s),"
            " (select sum(market_value_usd)::float8 from positions where session = %s)",
            (eve, eve),
        )[0]
        assert exposure == pytest.approx(value, rel=0.05)


def test_an_older_session_again_leaves_every_record_of_the_books_as_it_was(install):
    records = {
        "account_snapshots": "cash_usd, equity_usd",
        "reconciliation": "item, ours, brokers",
        "positions": "symbol, quantity, mark_price_usd",
        "portfolio_performance": "equity_usd",
        "risk_metrics": "metric, value",
    }

    def books(platform) -> dict[str, list[tuple]]:
        return {
            table: platform.database.fetch(f"select session, {columns} from {table} order by 1, 2")
            for table, columns in records.items()
        }

    with install().opened() as platform:
        older = platform.latest_session()
        for session in (older, next_session(older)):
            assert run_session(platform, session).reconciled is True
        before = books(platform)
        assert run_session(platform, older).reconciled is True
        after = books(platform)
        for table in records:
            assert after[table] == before[table], table


def test_an_order_that_is_still_open_or_whose_fills_are_not_published_is_named_as_unsettled(desk):
    first, second = desk.symbols[:2]
    following = next_session(desk.session)
    desk.aim({first: 10, second: 5})
    desk.plan()

    def unsettled() -> set[str]:
        return set(unsettled_before(desk.database, desk.account, following, desk.clock.now()))

    assert unsettled() == {first, second}
    desk.submit()
    assert unsettled() == {first, second}
    assert unsettled_before(desk.database, desk.account, desk.session, desk.clock.now()) == {}
    desk.clock.advance_to(session_open(following) + timedelta(minutes=2))
    late = LatePublisher(desk.broker, second)
    ingest_fills(desk.trading(late))
    assert unsettled() == {second}
    ingest_fills(desk.trading())
    assert unsettled() == set()


def test_a_fill_published_days_after_fills_of_other_orders_is_not_lost(desk):
    first, second = desk.symbols[:2]
    late = LatePublisher(desk.broker, first)
    desk.aim({first: 10})
    desk.plan()
    desk.submit(broker=late)
    for symbol_shares in ({second: 1}, {second: 2}, {second: 3}, {second: 4}):
        desk.session = next_session(desk.session)
        desk.clock.advance_to(session_close(desk.session) + timedelta(hours=1))
        desk.aim(symbol_shares, current={second: symbol_shares[second] - 1})
        desk.plan()
        desk.submit(broker=late)
    desk.clock.advance_to(session_open(next_session(desk.session)) + timedelta(minutes=2))
    assert ingest_fills(desk.trading(late)).pending
    found = ingest_fills(desk.trading())
    assert (found.new, found.pending) == (1, ())
    rows = desk.database.fetch("select symbol, sum(quantity)::int from fills group by symbol order by 1")
    assert rows == sorted({first: 10, second: 4}.items())
