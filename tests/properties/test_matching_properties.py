"""Whatever is ordered, in whatever market, and however time is cut: the simulated broker's books agree."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trading_assets.sessions import session_close, session_open, sessions_between
from trading_assets.simulator.engine import Engine
from trading_assets.simulator.ledger import ActivityQuery, OrderQuery
from trading_assets.simulator.market import Bar
from trading_assets.simulator.price_path import trading_day
from trading_assets.simulator.refusals import Refused

SESSIONS = sessions_between(date(2024, 3, 4), date(2024, 3, 12))  # the clocks change on 10 March
SYMBOLS = ("AAA", "BBB", "CCC")
EVENING_BEFORE = datetime(2024, 3, 1, 23, 0, tzinfo=UTC)
OPENING_CASH = Decimal(100_000)

prices = st.integers(50, 20_000).map(lambda cents: cents / 100)


@st.composite
def bars(draw: st.DrawFn) -> tuple[float, float, float, float, float]:
    opened, close, one, two = (draw(prices) for _ in range(4))
    low, high = min(opened, close, one, two), max(opened, close, one, two)
    return opened, high, low, close, float(draw(st.sampled_from([0, 7, 90, 1_000, 100_000])))


@st.composite
def markets(draw: st.DrawFn) -> dict:
    found = {}
    for symbol in SYMBOLS:
        for session in SESSIONS:
            bar = draw(st.none() | bars() | bars() | bars())
            if bar is not None:
                found[symbol, session] = bar
    found.setdefault(("AAA", SESSIONS[0]), (10.0, 11.0, 9.0, 10.5, 1000.0))
    return found


@st.composite
def orders(draw: st.DrawFn) -> dict:
    kind = draw(st.sampled_from(["market", "market", "limit", "stop", "stop_limit", "trailing_stop"]))
    body: dict[str, object] = {
        "symbol": draw(st.sampled_from(SYMBOLS)),
        "side": draw(st.sampled_from(["buy", "buy", "sell"])),
        "type": kind,
        "time_in_force": draw(st.sampled_from(["day", "day", "gtc", "opg", "cls", "ioc", "fok"])),
    }
    size = draw(st.integers(0, 9))
    if size == 0:
        body["notional"] = str(draw(st.integers(100, 500_000)) / 100)
    elif size == 1:
        body["qty"] = str(Decimal(draw(st.integers(1, 10**11))) / 10**9)
    else:
        body["qty"] = str(draw(st.integers(1, 400)))
    for name in ("limit_price", "stop_price"):
        if name.removesuffix("_price") in kind.replace("trailing_stop", ""):
            body[name] = str(draw(prices))
    if kind == "trailing_stop":
        name, value = draw(st.sampled_from([("trail_price", "0.75"), ("trail_percent", "5")]))
        body[name] = value
    return body


steps = st.lists(
    st.tuples(
        st.integers(0, 60 * 60 * 9),  # seconds that pass before it
        st.one_of(
            orders(),
            orders(),
            orders(),
            st.tuples(st.sampled_from(["cancel", "replace"]), st.integers(0, 30), prices),
        ),
    ),
    max_size=25,
)
splits = st.lists(
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(SYMBOLS),
            "ex_date": st.sampled_from(SESSIONS),
            "kind": st.just("split"),
            "split_ratio": st.sampled_from([2.0, 1.5, 0.1]),
        }
    ),
    max_size=2,
    unique_by=lambda action: (action["symbol"], action["ex_date"]),
)
examples = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


class Run:
    """One account that a list of steps is played to."""

    def __init__(self, make_market: Callable[[], object], folder: Path) -> None:
        self.make_market = make_market
        self.folder = folder
        self.clock = EVENING_BEFORE
        self.ids: list[str] = []
        self.open()

    def open(self) -> None:
        self.engine = Engine(self.make_market(), self.folder, lambda: self.clock, float(OPENING_CASH))

    def restart(self) -> None:
        self.engine.close()
        self.open()

    def play(self, step: tuple[int, object], *, looks: int = 0) -> None:
        seconds, action = step
        for look in range(1, looks + 1):
            self.engine.advance(self.clock + timedelta(seconds=seconds) * look / (looks + 1))
        self.clock += timedelta(seconds=seconds)
        try:
            if isinstance(action, dict):
                self.ids.append(str(self.engine.submit(action)["id"]))
            elif self.ids:
                verb, which, price = action
                order_id = self.ids[which % len(self.ids)]
                if verb == "cancel":
                    self.engine.cancel(order_id)
                else:
                    self.ids.append(str(self.engine.replace(order_id, {"limit_price": str(price)})["id"]))
        except Refused as refusal:
            assert refusal.status in {400, 403, 404, 422}  # noqa: PT017 (refusals are allowed, errors are not)

    def finish(self) -> None:
        self.clock = session_close(SESSIONS[-1]) + timedelta(hours=1)
        self.engine.advance(self.clock)

    def orders(self) -> list[dict]:
        query = OrderQuery(None, (), None, None, None, ascending=True, limit=500)
        return json.loads(self.engine.ledger.order_bodies(query))

    def activities(self) -> list[dict]:
        query = ActivityQuery((), None, None, None, None, ascending=True, page_token=None, page_size=10_000)
        return json.loads(self.engine.ledger.activity_bodies(query) or b"")

    def dump(self) -> dict[str, list]:
        self.engine.close()
        with sqlite3.connect(self.folder / "broker.sqlite") as database:
            tables = ("orders", "activities", "positions", "equity", "facts")
            found = {name: database.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in tables}
        database.close()
        found["facts"] = [row for row in found["facts"] if row[0] != "cursor"]
        return found


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    base = tmp_path_factory.mktemp("accounts")
    return lambda: Path(tempfile.mkdtemp(dir=base))


@examples
@given(market=markets(), steps=steps, actions=splits)
def test_cash_positions_orders_and_fills_agree_at_every_step(
    market: dict, steps: list, actions: list, bar_market: Callable, folder: Callable
) -> None:
    run = Run(lambda: bar_market(market, actions=actions, **{symbol: {} for symbol in SYMBOLS}), folder())
    cumulated: dict[str, Decimal] = defaultdict(Decimal)
    for step in steps:
        run.play(step)
        for order in run.orders():
            assert Decimal(order["filled_qty"]) >= cumulated[order["id"]]
            cumulated[order["id"]] = Decimal(order["filled_qty"])
        check_held_shares(run.engine)
    run.finish()
    check_books(run)
    check_fills(run, market)
    run.engine.close()


def check_held_shares(engine: Engine) -> None:
    for symbol in SYMBOLS:
        held = sum((o.remaining_shares for o in engine.book.of(symbol) if o.is_closing), Decimal(0))
        assert held <= abs(engine.account.shares(symbol))


def check_books(run: Run) -> None:
    account, activities = run.engine.account, run.activities()
    fills = [row for row in activities if row["activity_type"] == "FILL"]
    cash, shares = OPENING_CASH, defaultdict(Decimal)
    for row in activities:
        if row["activity_type"] == "SPLIT":
            shares[row["symbol"]] += Decimal(row["qty"])
            continue
        signed = Decimal(row["qty"]) * (1 if row["side"] == "buy" else -1)
        cash -= signed * Decimal(row["price"])
        shares[row["symbol"]] += signed
    assert account.cash_usd == cash
    assert {symbol: p.shares for symbol, p in account.positions.items()} == {
        symbol: qty for symbol, qty in shares.items() if qty
    }
    values = run.engine.balances(run.clock)
    marks = run.engine.marks(run.clock)
    assert values.equity == cash + sum(
        (qty * marks[symbol] for symbol, qty in shares.items() if qty), Decimal(0)
    )
    for order in run.orders():
        mine = [row for row in fills if row["order_id"] == order["id"]]
        total = sum((Decimal(row["qty"]) for row in mine), Decimal(0))
        assert Decimal(order["filled_qty"]) == total
        running = Decimal(0)
        for row in mine:
            running += Decimal(row["qty"])
            assert Decimal(row["cum_qty"]) == running
        if total:
            paid = sum((Decimal(row["qty"]) * Decimal(row["price"]) for row in mine), Decimal(0))
            assert abs(Decimal(order["filled_avg_price"]) - paid / total) <= Decimal("0.0000005")


def check_fills(run: Run, market: dict) -> None:
    orders = {order["id"]: order for order in run.orders()}
    times = [row["transaction_time"] for row in run.activities() if row["activity_type"] == "FILL"]
    assert times == sorted(times, key=datetime.fromisoformat)
    for row in run.activities():
        if row["activity_type"] != "FILL":
            continue
        at = datetime.fromisoformat(row["transaction_time"])
        session = at.date()
        order, price = orders[row["order_id"]], Decimal(row["price"])
        opened, high, low, close, volume = market[row["symbol"], session]
        assert session_open(session) <= at <= session_close(session)
        assert at >= datetime.fromisoformat(order["submitted_at"])
        assert Decimal(str(low)) <= price <= Decimal(str(high))
        assert Decimal(row["qty"]) <= max(Decimal(str(volume)) / 10, 1)
        limit = order["limit_price"]
        if limit is not None and not run.engine.quotes.entitlements(SESSIONS[-1], date(2024, 3, 1)):
            assert price <= Decimal(limit) if order["side"] == "buy" else price >= Decimal(limit)
        if order["time_in_force"] == "opg":
            assert (at, price) == (session_open(session), Decimal(str(opened)))
        if order["time_in_force"] == "cls":
            assert (at, price) == (session_close(session), Decimal(str(close)))


@examples
@given(market=markets(), steps=steps, actions=splits, looks=st.integers(1, 4))
def test_stopping_in_between_and_looking_more_often_change_nothing(
    market: dict, steps: list, actions: list, looks: int, bar_market: Callable, folder: Callable
) -> None:
    def make_market() -> object:
        return bar_market(market, actions=actions, **{symbol: {} for symbol in SYMBOLS})

    first = folder()
    Run(make_market, first).engine.close()
    copies = [shutil.copytree(first, folder(), dirs_exist_ok=True) for _ in range(3)]
    leaps, glances, restarts = (Run(make_market, copy) for copy in copies)
    for step in steps:
        leaps.play(step)
        glances.play(step, looks=looks)
        restarts.play(step)
        restarts.restart()
    for run in (leaps, glances, restarts):
        run.finish()
    expected = leaps.dump()
    assert glances.dump() == expected
    assert restarts.dump() == expected


@given(
    bar=bars(),
    level=prices,
    share=st.floats(0, 1, exclude_max=True),
    direction=st.sampled_from(["down", "up"]),
)
@example(bar=(10.0, 10.0, 10.0, 10.0, 100.0), level=10.0, share=0.5, direction="down")
def test_a_level_is_touched_no_earlier_than_the_path_reaches_it(
    bar: tuple, level: float, share: float, direction: str
) -> None:
    opens, closes = session_open(SESSIONS[0]), session_close(SESSIONS[0])
    day = trading_day(Bar(*bar[:4], 100.0), opens, closes)
    assert day is not None
    start = opens + (closes - opens) * share
    wanted = Decimal(str(level))
    touch = day.first_touch(wanted, direction, start)
    seen = [day.price_at(start + (closes - start) * tenth / 10) for tenth in range(11)]
    crossed = [price <= wanted if direction == "down" else price >= wanted for price in seen]
    if touch is None:
        assert not any(crossed)
        return
    assert start <= touch.at <= closes
    assert day.low <= touch.price <= day.high
    first = crossed.index(True) if any(crossed) else 10
    assert touch.at <= start + (closes - start) * first / 10 + timedelta(microseconds=1)
