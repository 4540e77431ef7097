"""Assets from targets to reconciled positions: intents, orders, fills, positions, reconciliation; per decision session."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import dagster as dg

from resources.database.database import Database
from resources.platform import Platform
from trading_assets import __version__
from trading_assets import sessions as calendar
from trading_assets.assets.check_results import result_of, specs_of
from trading_assets.assets.metadata import preview
from trading_assets.assets.outcome import Outcome
from trading_assets.assets.session_asset import session_asset
from trading_assets.execution.account_bookings import actions_so_far
from trading_assets.execution.booked import newest_session
from trading_assets.execution.fills import ingest_fills
from trading_assets.execution.held_names import check_holdings
from trading_assets.execution.intent_planning import plan_and_store_intents
from trading_assets.execution.reconciliation import reconcile
from trading_assets.execution.submission import submit_planned
from trading_assets.execution.trading_account import TradingAccount, account_of
from trading_assets.execution.valuation import store_positions
from trading_assets.quality.checks import HOLDING_CHECKS
from trading_assets.tables.accounts import POSITIONS, RECONCILIATION
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.orders import FILLS, ORDER_INTENTS, ORDERS

GROUP = "execution"
AFTER_OPEN = timedelta(minutes=2)


def rows_metadata(database: Database, sql: str, *parameters: object) -> dict[str, Any]:
    """Return a preview of the rows of a query."""
    return {"preview": preview(database.fetch_polars(sql, parameters), rows=20)}


@session_asset(
    group=GROUP,
    kinds={"postgres"},
    table=ORDER_INTENTS,
    deps=["target_positions"],
)
def order_intents(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """What will be sent, journaled before anything is sent, with a client order id that a re-run repeats."""
    account, rows = account_of(platform), 0
    conflicts: list[str] = []
    for session in sessions:
        report = plan_and_store_intents(
            account,
            session,
            lineage={
                "run_id": context.run.run_id,
                "code_version": __version__,
                "bars_version": platform.lake.content_hash(DAILY_BARS, session),
                "features_version": platform.lake.content_hash(DAILY_FEATURES, session),
            },
        )
        rows += report.planned
        conflicts.extend(report.conflicts)
    shown = rows_metadata(
        platform.database,
        "select symbol, side, purpose, quantity::float8, reference_price_usd::float8, state, client_order_id from order_intents"
        " where account = %s and session = %s order by side desc, symbol",
        account.number,
        sessions[-1],
    )
    return Outcome(rows=rows, metadata={**shown, "conflicts": dg.MetadataValue.json(conflicts)})


@session_asset(
    group=GROUP,
    kinds={"alpaca", "postgres"},
    table=ORDERS,
    deps=["order_intents"],
)
def orders(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """Each planned intent is sent once: claimed before the request, settled by look-up when the answer is unknown.

    Running it again sends nothing twice; intents past their validity are never sent.
    """
    account = account_of(platform, holder=context.run.run_id)
    report = submit_planned(account)
    facts = {key: value for key, value in asdict(report).items() if key not in {"fills", "account"} and value}
    shown = rows_metadata(
        platform.database,
        "select symbol, side, quantity::float8, status, filled_quantity::float8, average_fill_price_usd::float8, client_order_id"
        " from orders where account = %s and session = %s order by side desc, symbol",
        account.number,
        sessions[-1],
    )
    count = _count(account, "orders", sessions)
    return Outcome(rows=count, metadata={**shown, "submission": dg.MetadataValue.json(facts)})


@session_asset(
    group=GROUP,
    kinds={"alpaca", "postgres"},
    table=FILLS,
    deps=["orders"],
)
def fills(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """Executions from the broker's account activities, stored once.

    Orders decided at a close fill at the next open. If that still lies ahead, the fills come with the fill sensor.
    """
    account = account_of(platform)
    opening = calendar.session_open(calendar.next_session(sessions[-1])) + AFTER_OPEN
    has_opened = platform.clock.advance_to(opening)
    report = ingest_fills(account)
    facts: dict[str, Any] = {
        "new": report.new,
        "open_orders": report.open_orders,
        "waiting_for_open": "" if has_opened else opening.isoformat(),
        "pending": dg.MetadataValue.json(list(report.pending)),
        "contradictions": dg.MetadataValue.json(list(report.contradictions)),
    }
    shown = rows_metadata(
        platform.database,
        "select executed_at, symbol, side, quantity::float8, price_usd::float8, activity_id from fills"
        " where account = %s and session = %s order by executed_at, symbol",
        account.number,
        sessions[-1],
    )
    return Outcome(rows=_count(account, "fills", sessions), metadata={**shown, **facts})


@session_asset(
    group=GROUP,
    kinds={"postgres"},
    table=POSITIONS,
    deps=["fills", "corporate_actions"],
    checks=specs_of("positions", HOLDING_CHECKS, blocking=False),
)
def positions(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """Quantities and average cost from fills and bookings, marked at the broker's last price, else the last close."""
    account = account_of(platform)
    rows = sum(store_positions(account, platform.lake, session) for session in sessions)
    shown = rows_metadata(
        platform.database,
        "select symbol, quantity::float8, average_cost_usd::float8, mark_price_usd::float8, unrealised_pnl_usd::float8 from positions"
        " where account = %s and session = %s order by market_value_usd desc",
        account.number,
        sessions[-1],
    )
    outcome = check_holdings(platform, account.number, sessions, run_id=context.run.run_id)
    return Outcome(rows=rows, metadata=shown, checks=[result_of("positions", outcome)])


@session_asset(
    group=GROUP,
    kinds={"alpaca", "postgres"},
    table=RECONCILIATION,
    deps=["positions"],
    checks=[
        dg.AssetCheckSpec(
            "books_equal_broker",
            asset="reconciliation",
            blocking=True,
            description="Find positions or cash in which our books and the broker's differ; any difference halts trading.",
        )
    ],
)
def reconciliation(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """Books from fills and bookings against the broker's positions and cash. What nothing explains halts trading; nothing is invented.

    Both sides are those of now: run for an older session again, the outcome is recorded under the newest one.
    """
    account = account_of(platform)
    session = max(sessions[-1], newest_session(account.database, account.number) or sessions[-1])
    report = reconcile(
        account,
        session,
        actions=actions_so_far(platform.lake, account),
    )
    differences = [f"{item.item}: ours {item.ours}, broker's {item.brokers}" for item in report.differences]
    shown = rows_metadata(
        platform.database,
        "select item, ours::float8, brokers::float8, difference::float8, is_match, explanation from reconciliation"
        " where account = %s and session = %s order by is_match, item",
        account.number,
        session,
    )
    check = dg.AssetCheckResult(
        check_name="books_equal_broker",
        passed=report.is_match,
        severity=dg.AssetCheckSeverity.ERROR,
        description="equal" if report.is_match else "; ".join(differences),
    )
    return Outcome(rows=len(report.items), metadata=shown, checks=[check])


def _count(account: TradingAccount, table: str, sessions: list[date]) -> int:
    statement = f"select count(*)::int from {table} where account = %s and session = any(%s)"  # noqa: S608 (our own table names)
    return int(account.database.fetch(statement, (account.number, sessions))[0][0])
