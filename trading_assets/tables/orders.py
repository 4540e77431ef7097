"""Orders in Postgres: intents before anything is sent, each step of them, the broker's orders, and their executions."""

from __future__ import annotations

from trading_assets.tables.database_columns import (
    ACCOUNT,
    DECISION_SESSION,
    MODE,
    count,
    day,
    instant,
    json,
    long_count,
    number,
    numbered,
    shares,
    text,
    usd,
)
from trading_assets.tables.table import SYMBOL, DatabaseTable

_CLIENT_ORDER_ID = text("Our id, under which the broker accepts an order at most once")
_LIMIT_PRICE = usd("Limit price; null for a market order", nullable=True)

ORDER_INTENTS = DatabaseTable(
    name="order_intents",
    grain="One row per (account, session, symbol, side, purpose) that is to be traded",
    columns={
        "intent_id": text("Hash of mode, account, session, symbol, side, purpose and revision"),
        "client_order_id": _CLIENT_ORDER_ID,
        "account": ACCOUNT,
        "mode": MODE,
        "session": DECISION_SESSION,
        "symbol": SYMBOL,
        "side": text("buy or sell"),
        "purpose": text("open, increase, reduce or close"),
        "revision": count("0 for the first intent of its kind, one more for each that replaces it", ""),
        "quantity": shares("Shares, always positive"),
        "order_type": text("market or limit"),
        "limit_price_usd": _LIMIT_PRICE,
        "time_in_force": text("day, gtc, opg, cls, ioc or fok"),
        "reference_price_usd": usd("Close that sized it"),
        "valid_until": instant("Instant after which it is never sent"),
        "state": text("planned, submitting, unknown, acknowledged, refused, abandoned or expired"),
        "attempt": count("Requests sent so far", "requests", inserted=False),
        "fencing_token": long_count(
            "Token of the submitter that moved it last; null if none has", "", nullable=True, inserted=False
        ),
        "broker_order_id": text("The broker's id; null until it is known", nullable=True, inserted=False),
        "refusal": text("Why it was refused, in words; null if it was not", nullable=True, inserted=False),
        "risk_verdict": json("Outcome, rule and reason of the risk layer"),
        "lineage": json("Run, code version and data versions behind it"),
        "created_at": instant("Instant at which it was journaled"),
        "updated_at": instant("Instant of its last step"),
        "wanted_by": json("Shares that each strategy wants of it, by name; negative for a sale"),
    },
    key=("intent_id",),
)

ORDER_EVENTS = DatabaseTable(
    name="order_events",
    grain="One row per step of an order, with the raw broker body; rows are only added",
    columns={
        "event_id": numbered("Number of the event, in the order of time"),
        "intent_id": text("Intent that it is about; null for an order that is not ours", nullable=True),
        "client_order_id": _CLIENT_ORDER_ID,
        "broker_order_id": text("The broker's id, where it is known", nullable=True),
        "kind": text("What happened"),
        "from_state": text("State before; null where there was none", nullable=True),
        "to_state": text("State after; null where it stayed", nullable=True),
        "attempt": count("Requests sent so far; null where none was meant", "requests", nullable=True),
        "http_status": count("Status of the broker's answer; null without one", "", nullable=True),
        "body": json("The broker's raw answer; a text that is no JSON as a string", nullable=True),
        "body_hash": text("Hash of the answer's bytes", nullable=True),
        "detail": text("More, in words", nullable=True),
        "happened_at": instant("Instant of the event"),
    },
    key=("event_id",),
)

ORDERS = DatabaseTable(
    name="orders",
    grain="One row per order at the broker, with its state",
    columns={
        "broker_order_id": text("The broker's id"),
        "client_order_id": _CLIENT_ORDER_ID,
        "intent_id": text("Intent that it carries out", nullable=True),
        "account": ACCOUNT,
        "mode": MODE,
        "session": DECISION_SESSION,
        "symbol": SYMBOL,
        "side": text("buy or sell"),
        "quantity": shares("Shares ordered"),
        "order_type": text("market or limit"),
        "time_in_force": text("day, gtc, opg, cls, ioc or fok"),
        "limit_price_usd": _LIMIT_PRICE,
        "status": text("The broker's status; moves forward only"),
        "filled_quantity": shares("Shares filled so far"),
        "average_fill_price_usd": usd("Mean fill price; null before the first fill", nullable=True),
        "submitted_at": instant("Instant that the broker reports", nullable=True),
        "updated_at": instant("Instant of the broker's last change to it"),
        "body": json("The broker's raw order"),
    },
    key=("broker_order_id",),
)

FILLS = DatabaseTable(
    name="fills",
    grain="One row per execution, by the broker's activity id",
    columns={
        "activity_id": text("The broker's activity id: a fill is stored once"),
        "account": ACCOUNT,
        "broker_order_id": text("The broker's id of the order"),
        "client_order_id": text("Our id of the order", nullable=True),
        "intent_id": text("Intent behind the order", nullable=True),
        "session": day("Session whose decision led to the order"),
        "executed_session": day("Trading day of the execution (New York)"),
        "symbol": SYMBOL,
        "side": text("buy, sell or sell_short"),
        "quantity": shares("Shares, always positive"),
        "price_usd": usd("Price per share"),
        "executed_at": instant("Instant of the execution"),
        "recorded_at": instant("Instant at which it was stored"),
        "body": json("The broker's raw activity"),
    },
    key=("activity_id",),
)

ORDER_SLIPPAGE = DatabaseTable(
    name="order_slippage",
    grain="One row per (account, order, strategy) with fills: what it paid beyond the price that its decision was sized with",
    columns={
        "account": ACCOUNT,
        "broker_order_id": text("The broker's id of the order"),
        "strategy": text("Strategy whose part it is; unattributed for what no strategy wanted"),
        "session": DECISION_SESSION,
        "executed_session": day("Trading day of the newest of its fills (New York)"),
        "symbol": SYMBOL,
        "side": text("buy, sell or sell_short"),
        "quantity": shares("Shares filled of that part, always positive"),
        "fill_price_usd": usd("Mean price of its fills"),
        "arrival_price_usd": usd(
            "Close of the decision's session that sized it, in the scale of the fills; null where none is known",
            nullable=True,
        ),
        "arrival_value_usd": usd("Quantity times arrival price; null without one", nullable=True),
        "slippage_usd": usd(
            "Cost against arrival: positive where a purchase paid more or a sale got less; null without an arrival price",
            nullable=True,
        ),
        "slippage_bps": number("Slippage over arrival value; null without one", "bps", nullable=True),
    },
    key=("account", "broker_order_id", "strategy"),
)

SUBMITTERS = DatabaseTable(
    name="submitters",
    grain="One row per account: who may send its orders",
    columns={
        "account": ACCOUNT,
        "fencing_token": long_count(
            "One more each time somebody takes over; earlier holders may not send", ""
        ),
        "holder": text("Who holds it"),
        "taken_at": instant("Instant since when"),
    },
    key=("account",),
)

TRADING_HALTS = DatabaseTable(
    name="trading_halts",
    grain="One row per halt of trading, engaged and released with a reason",
    columns={
        "halt_id": numbered("Number of the halt"),
        "account": text("Broker's account number; * for all"),
        "level": text("entries: no new risk; flatten: only what closes a position; orders: nothing"),
        "reason": text("Why it was engaged"),
        "engaged_by": text("Who engaged it"),
        "engaged_at": instant("Instant from which it holds"),
        "released_by": text("Who released it; null while it holds", nullable=True, inserted=False),
        "released_at": instant("Instant of the release; null while it holds", nullable=True, inserted=False),
        "release_reason": text("Why it was released; null while it holds", nullable=True, inserted=False),
    },
    key=("halt_id",),
)
