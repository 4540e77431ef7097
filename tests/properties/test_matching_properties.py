"""Whatever is ordered, in whatever market, and however time is cut: the simulated broker's books agree."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trading_assets.sessions import session_close, session_open, sessions_between
from trading_assets.simulator.broker.engine import Engine
from trading_assets.simulator.broker.order_listings import ActivityQuery, OrderQuery
from trading_assets.simulator.broker.refusals import Refused
from trading_assets.simulator.market.price_path import trading_day
from trading_assets.simulator.market.protocol import Bar

SESSIONS = sessions_between(date(2024, 3, 4), date(2024, 3, 12))  # the clocks change on 10 March
BEFORE = date(2024, 3, 1)
SYMBOLS = ("AAA", "BBB", "CCC")
EVENING_BEFORE = datetime(2024, 3, 1, 23, 0, tzinfo=UTC)
OPENING_CASH = Decimal(100_000)

prices = st.integers(50, 20_000).map(lambda cents: cents / 100)


@st.composite
def bars(draw: st.DrawFn) -> tuple[float, float, float, float, float]:
    opened, close, one, two = (draw(prices) for _ in range(4))
    low, high = min(opened, close, one, two), max(opened, close, one, two)
    return opened, high, low, close, float(draw(st.sampled_from([0, 7, 90, 1_000, 100_000])))


@dataclass(frozen=True)
class Story:
    """A market, corporate actions and a stream of requests, all from one seed."""

    seed: int
    market: dict
    actions: list[dict]
    steps: list[tuple[int, object]]

    def __repr__(self) -> str:
        return f"story({self.seed}, {len(self.steps)} steps)"


def story(seed: int, length: int) -> Story:
    """Most requests are sensible and near the market; some are refused."""
    rng = random.Random(seed)
    market, level = {}, {symbol: rng.choice([0.8, 12.0, 60.0]) for symbol in SYMBOLS}
    for symbol in SYMBOLS:
        for session in [BEFORE, *SESSIONS]:
            opened = level[symbol] * rng.choice([1.0, rng.uniform(0.9, 1.1)])
            close = opened * rng.uniform(0.93, 1.07)
            level[symbol] = close
            low, high = min(opened, close) * rng.uniform(0.95, 1), max(opened, close) * rng.uniform(1, 1.05)
            volume = rng.choice([0, 7, 900, 100_000, 100_000])
            if session == BEFORE or rng.random() < 0.9:
                decimals = rng.choice([2, 4])
                shown = (round(value, decimals) for value in (opened, high, low, close))
                market[symbol, session] = (*shown, float(volume if session != BEFORE else 100))
    actions = [
        {"symbol": symbol, "ex_date": rng.choice(SESSIONS[2:]), "kind": "split", "split_ratio": ratio}
        for symbol, ratio in zip(SYMBOLS, rng.choices([2.0, 1.5, 0.1, None], k=3), strict=True)
        if ratio and rng.random() < 0.5
    ]
    steps = []
    for _ in range(length):
        seconds = rng.choice([0, 0, 60, rng.randrange(7200), 3600 * 16])
        if rng.random() < 0.25:
            action: object = (rng.choice(["cancel", "replace"]), rng.randrange(30), rng.uniform(0.9, 1.1))
        else:
            action = order(rng, level)
        steps.append((seconds, action))
    return Story(seed, market, actions, steps)


def order(rng: random.Random, level: dict[str, float]) -> dict[str, object]:
    symbol = rng.choice(SYMBOLS)
    kind = rng.choice(["market", "market", "limit", "limit", "stop", "stop_limit", "trailing_stop"])
    lives = ["day", "day", "gtc"] + (["opg", "cls", "ioc", "fok"] if kind in {"market", "limit"} else [])
    body: dict[str, object] = {
        "symbol": symbol,
        "side": rng.choice(["buy", "buy", "sell"]),
        "type": kind,
        "time_in_force": rng.choice(lives),
        "qty": str(rng.choice([1, 5, 50, 200])),
    }
    if kind == "market" and rng.random() < 0.4:
        body["time_in_force"] = "day"
        del body["qty"]
        name, value = rng.choice([("notional", rng.randrange(100, 90_000) / 100), ("qty", rng.random() * 9)])
        body[name] = str(round(value, 2 if name == "notional" else 9))
    if kind in {"limit", "stop_limit"}:
        body["limit_price"] = near(level[symbol], rng)
    if kind in {"stop", "stop_limit"}:
        body["stop_price"] = near(level[symbol], rng)
    if kind == "trailing_stop":
        name, value = rng.choice([("trail_price", "0.05"), ("trail_percent", "4")])
        body[name] = value
    return body


def near(level: float, rng: random.Random) -> str:
    price = level * rng.uniform(0.92, 1.08)
    return f"{price:.2f}" if price >= 1 else f"{price:.4f}"


stories = st.builds(story, st.integers(0, 2**32), st.integers(1, 70))
examples = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
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
                    return
                body = json.loads(self.engine.ledger.order_body(order_id=order_id) or b"{}")
                limit = Decimal(body["limit_price"] or 10) * Decimal(price)
                change = {"limit_price": str(limit.quantize(Decimal("0.01" if limit >= 1 else "0.0001")))}
                self.ids.append(str(self.engine.replace(order_id, change)["id"]))
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
@given(told=stories)
def test_cash_positions_orders_and_fills_agree_at_every_step(
    told: Story, bar_market: Callable, folder: Callable
) -> None:
    run = Run(lambda: bar_market(told.market, actions=told.actions), folder())
    cumulated: dict[str, Decimal] = defaultdict(Decimal)
    for step in told.steps:
        run.play(step)
        for order in run.orders():
            assert Decimal(order["filled_qty"]) >= cumulated[order["id"]]
            cumulated[order["id"]] = Decimal(order["filled_qty"])
        check_held_shares(run.engine)
    run.finish()
    check_books(run)
    check_fills(run, told.market)
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
        if row["activity_type"] == "CIL":
            cash += Decimal(row["net_amount"])
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


@settings(examples, max_examples=25)
@given(told=stories, looks=st.integers(1, 4))
def test_stopping_in_between_and_looking_more_often_change_nothing(
    told: Story, looks: int, bar_market: Callable, folder: Callable
) -> None:
    def make_market() -> object:
        return bar_market(told.market, actions=told.actions)

    first = folder()
    Run(make_market, first).engine.close()
    copies = [shutil.copytree(first, folder(), dirs_exist_ok=True) for _ in range(3)]
    leaps, glances, restarts = (Run(make_market, copy) for copy in copies)
    for number, step in enumerate(told.steps):
        leaps.play(step)
        glances.play(step, looks=looks)
        restarts.play(step)
        if number % 8 == looks:
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
def test_a_level_is_touched_when_the_path_reaches_it(
    bar: tuple, level: float, share: float, direction: str
) -> None:
    opens, closes = session_open(SESSIONS[0]), session_close(SESSIONS[0])
    day = trading_day(Bar(*bar[:4], 100.0), opens, closes)
    assert day is not None
    start = opens + (closes - opens) * share
    wanted = Decimal(str(level))
    touch = day.first_touch(wanted, direction, start)
    instants = [start + (closes - start) * part / 20 for part in range(21)]
    # Prices are seen rounded to the tick, so only those a whole tick beyond count.
    beyond = [
        at
        for at in instants
        if (wanted - day.price_at(at)) * (1 if direction == "down" else -1) >= Decimal("0.01")
    ]
    if touch is None:
        assert not beyond
        return
    assert start <= touch.at <= closes
    assert day.low <= touch.price <= day.high
    assert all(at >= touch.at for at in beyond)
    assert touch.at == start or abs(day.price_at(touch.at) - wanted) <= Decimal("0.01")
