"""Decisions in Postgres: signals per (strategy, session, symbol), targets per (account, session, symbol), and whose they are."""

from __future__ import annotations

from trading_assets.tables.database_columns import (
    ACCOUNT,
    DECISION_SESSION,
    instant,
    json,
    number,
    shares,
    text,
    usd,
)
from trading_assets.tables.table import SESSION, SYMBOL, DatabaseTable

_PLAN = text("Fingerprint of the plan of strategies in force; null before plans were recorded", nullable=True)
_RULE = text("Risk rule that decided, if any", nullable=True)
_REASON = text("Why, in words")
_DECIDED_AT = instant("Instant of the decision")
_REFERENCE_PRICE = usd("Close that sized it")

SIGNALS = DatabaseTable(
    name="signals",
    grain="One row per (strategy, session, symbol) on which a strategy has a view",
    columns={
        "strategy": text("Name of the strategy"),
        "session": SESSION,
        "symbol": SYMBOL,
        "side": text("enter_long, hold_long or exit_long"),
        "strength": number("0 to 1; 1 is the strongest", "fraction"),
        "reason": _REASON,
        "inputs": json("Values of the features that decided"),
        "strategy_version": text("Hash of the strategy's source code"),
        "parameter_hash": text("Hash of its parameters"),
        "features_version": text("Content hash of the session's features"),
        "created_at": _DECIDED_AT,
        "plan_fingerprint": _PLAN,
    },
    key=("strategy", "session", "symbol"),
)

TARGET_POSITIONS = DatabaseTable(
    name="target_positions",
    grain="One row per (account, session, symbol) with a signal or a holding, with the outcome and the rule behind it",
    columns={
        "account": ACCOUNT,
        "session": DECISION_SESSION,
        "symbol": SYMBOL,
        "quantity": shares("Shares wanted; negative when short"),
        "current_quantity": shares("Shares held before the decision; negative when short"),
        "reference_price_usd": _REFERENCE_PRICE,
        "weight_frac": number("Value wanted over equity", "fraction"),
        "outcome": text("trade, hold or blocked"),
        "rule": _RULE,
        "reason": _REASON,
        "created_at": _DECIDED_AT,
    },
    key=("account", "session", "symbol"),
)

ALLOCATIONS = DatabaseTable(
    name="allocations",
    grain="One row per (account, session, symbol, strategy): what each strategy wanted of a target, and was allotted",
    columns={
        "account": ACCOUNT,
        "session": DECISION_SESSION,
        "symbol": SYMBOL,
        "strategy": text("Strategy whose share it is; unattributed for shares that no strategy wanted"),
        "held_quantity": shares("Shares of the strategy before the decision"),
        "kept_quantity": shares("Shares of them that it wants to keep"),
        "wanted_usd": usd("Value that it wants to add; never negative"),
        "allotted_quantity": shares("Shares of the target that are its own"),
        "reference_price_usd": _REFERENCE_PRICE,
        "strength": number("Strength of its signal, 0 to 1", "fraction"),
        "rule": _RULE,
        "reason": _REASON,
        "plan_fingerprint": _PLAN,
        "created_at": _DECIDED_AT,
    },
    key=("account", "session", "symbol", "strategy"),
)
