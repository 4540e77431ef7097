"""Sizes, exits, limits and breakers of a live account: decided as in a backtest, and a latched breaker halts until `resume`."""

from __future__ import annotations

import pytest

from trading_assets.execution.breakers import ENGAGED_BY
from trading_assets.execution.halts import active_halts, release_halts
from trading_assets.execution.live_market import LiveMarket
from trading_assets.execution.session_decision import decide_session
from trading_assets.execution.trading_account import account_of
from trading_assets.orders import HaltLevel
from trading_assets.portfolio.exits import EXIT_RULES
from trading_assets.research.backtests import past_market, run_backtest
from trading_assets.research.plan_in_force import load_plan
from trading_assets.runs.session import run_session
from trading_assets.sessions import shift

SESSIONS = 6
PLAN = """\
strategies:
  fast:
    kind: momentum
    capital_frac: 0.5
    sizing: {kind: volatility_target, risk_frac: 0.03, max_frac: 0.2}
    exits: {stop_loss_frac: 0.01, take_profit_frac: 0.02, trailing_stop_frac: 0.015, max_holding_sessions: 3, cooldown_sessions: 1}
  slow:
    kind: momentum
    capital_frac: 0.5
    parameters: {entry_rank: 12}
    sizing: {kind: inverse_volatility, max_frac: 0.15, min_frac: 0.02}
    exits: {atr_stop_mult: 0.5, max_holding_sessions: 4}
limits: {max_sector_frac: 0.3, max_new_positions: 8, max_daily_turnover_frac: 0.4, min_order_usd: 200, no_trade_frac: 0.01}
breakers: {max_daily_loss_frac: 0.002}
"""
LIVE = """
select session, symbol, quantity, current_quantity, reference_price_usd, outcome, rule, reason from target_positions order by 1, 2
"""


@pytest.fixture(scope="module")
def traded(install):
    """An installation that traded some sessions by a plan with every kind of rule, opened."""
    installation = install()
    file = installation.data / "strategies.yaml"
    file.write_text(PLAN)
    installation.market = {**installation.market, "strategies": file}
    with installation.opened() as platform:
        for place in range(SESSIONS):
            assert run_session(platform, shift(installation.session, place)).reconciled is True
        yield installation, platform


def test_a_backtest_decides_by_every_rule_what_was_decided_live_row_by_row(traded):
    _, platform = traded
    live = platform.database.fetch(LIVE)
    sessions = sorted({row[0] for row in live})
    assert len(sessions) == SESSIONS
    market = past_market(platform.database, platform.lake, sessions[0], sessions[-1])
    decided = run_backtest(
        market, load_plan(platform.settings.strategies), keeps_decisions=True
    ).result.decisions
    assert [row for decision in decided for row in decision.rows()] == live
    wanted = platform.database.fetch("select distinct rule from allocations where rule is not null")
    assert {rule for (rule,) in wanted} & {*EXIT_RULES}, (
        "no exit rule ended anything: the test proves nothing"
    )


def test_a_latched_breaker_halts_entries_once_and_a_resume_holds_for_the_same_fall(traded):
    installation, platform = traded
    database, account = platform.database, account_of(platform)
    newest = shift(installation.session, SESSIONS - 1)
    lowest = database.fetch(
        "select min(drawdown_frac) from portfolio_performance where session < %s", (newest,)
    )[0][0]
    assert lowest < 0, "the account never lost: the test proves nothing"
    file = installation.data / "latched.yaml"
    file.write_text(PLAN.replace("max_daily_loss_frac: 0.002", f"max_drawdown_frac: {-lowest * 0.99:.9f}"))
    plan = load_plan(file)
    market = LiveMarket(account, platform.lake)
    for _ in range(2):
        targets = decide_session(account, market, plan, newest).targets
    assert targets.filter(outcome="blocked", rule="drawdown").height > 0
    assert targets.filter(outcome="trade")["quantity"].sum() <= targets["current_quantity"].sum()
    with database.connection() as connection:
        (halt,) = active_halts(connection, account.number)
        assert halt.level == HaltLevel.ENTRIES
        assert halt.reason.startswith("drawdown: equity at the close of ")
        release_halts(
            connection, account.number, reason="looked at", released_by="tester", now=platform.clock.now()
        )
    audited = database.fetch(
        "select count(*) from audit_log where action = 'halt' and reason = %s", (halt.reason,)
    )
    assert audited == [(1,)]
    again = decide_session(account, market, plan, newest).targets
    assert again.filter(rule="drawdown").is_empty()
    assert database.fetch("select count(*) from trading_halts where engaged_by = %s", (ENGAGED_BY,)) == [(1,)]
