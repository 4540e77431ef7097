"""Portfolio: what Postgres knows about one account, a frame each; amounts in USD as 64-bit floats for display."""

from __future__ import annotations

from datetime import date

import polars as pl

from app.queries.cached import cached_by
from app.queries.installation import database_version, read, settings


@cached_by(lambda *_: f"{settings().mode} {database_version()}")
def account() -> str | None:
    """Return the account of this mode that was opened last."""
    rows = read(
        "select account from accounts where mode = %s order by opened_at desc limit 1", (settings().mode,)
    )
    return None if rows.is_empty() else str(rows["account"][0])


@cached_by(lambda *_: database_version())
def performance(of: str) -> pl.DataFrame:
    """Return equity, return and drawdown, one row per session."""
    return read(
        "select session, equity_usd::float8, cash_usd::float8, market_value_usd::float8, return_frac, cumulative_return_frac,"
        " drawdown_frac, realised_pnl_usd::float8, unrealised_pnl_usd::float8, turnover_frac, transferred_usd::float8"
        " from portfolio_performance where account = %s order by session",
        (of,),
    )


@cached_by(lambda *_: database_version())
def positions(of: str, session: date) -> pl.DataFrame:
    """Return the open positions after the fills of a session's orders, largest first."""
    return read(
        "select symbol, quantity::float8, average_cost_usd::float8, mark_price_usd::float8, mark_at,"
        " market_value_usd::float8, unrealised_pnl_usd::float8, realised_pnl_usd::float8"
        " from positions where account = %s and session = %s and quantity <> 0 order by market_value_usd desc",
        (of, session),
    )


@cached_by(lambda *_: database_version())
def snapshots(of: str) -> pl.DataFrame:
    """Return cash, equity and buying power as the broker reported them, one row per session."""
    return read(
        "select session, cash_usd::float8, equity_usd::float8, buying_power_usd::float8, taken_at"
        " from account_snapshots where account = %s order by session",
        (of,),
    )


@cached_by(lambda *_: database_version())
def opening_cash(of: str) -> float | None:
    """Return the cash with which the books of the account were opened."""
    rows = read("select opening_cash_usd::float8 as cash from accounts where account = %s", (of,))
    return None if rows.is_empty() else float(rows["cash"][0])


@cached_by(lambda *_: database_version())
def fills(of: str, limit: int = 200) -> pl.DataFrame:
    """Return the newest fills."""
    return read(
        "select executed_at, symbol, side, quantity::float8, price_usd::float8, (quantity * price_usd)::float8 as value_usd,"
        " session, executed_session, client_order_id"
        " from fills where account = %s order by executed_at desc, symbol limit %s",
        (of, limit),
    )


@cached_by(lambda *_: database_version())
def orders(of: str, limit: int = 200) -> pl.DataFrame:
    """Return the newest intents with what became of them at the broker."""
    return read(
        "select i.created_at, i.session, i.symbol, i.side, i.purpose, i.quantity::float8, i.order_type, i.time_in_force,"
        " coalesce(o.status, i.state) as status, o.filled_quantity::float8, o.average_fill_price_usd::float8,"
        " i.risk_verdict::jsonb ->> 'reason' as reason, i.refusal,"
        " (select string_agg(strategy, ', ' order by strategy) from jsonb_object_keys(i.wanted_by) strategy) as strategies,"
        " i.client_order_id"
        " from order_intents i left join orders o using (client_order_id)"
        " where i.account = %s order by i.session desc, i.side desc, i.symbol limit %s",
        (of, limit),
    )


@cached_by(lambda *_: database_version())
def strategies(of: str) -> pl.DataFrame:
    """Return what each strategy holds and has earned, at the newest session that was attributed."""
    return read(
        "select session, strategy, positions, market_value_usd::float8, realised_pnl_usd::float8, unrealised_pnl_usd::float8,"
        " pnl_usd::float8 from strategy_attribution where account = %s"
        " and session = (select max(session) from strategy_attribution where account = %s) order by pnl_usd desc, strategy",
        (of, of),
    )


@cached_by(lambda *_: database_version())
def reconciliation(of: str) -> pl.DataFrame:
    """Return the newest comparison with the broker's books, differences first."""
    return read(
        "select session, item, ours::float8, brokers::float8, difference::float8, is_match, explanation, reconciled_at"
        " from reconciliation where account = %s"
        " and session = (select max(session) from reconciliation where account = %s)"
        " order by is_match, item <> 'cash', item",
        (of, of),
    )


@cached_by(lambda *_: database_version())
def risk_metrics(of: str) -> pl.DataFrame:
    """Return the risk metrics of the newest session that has any."""
    return read(
        "select session, metric, value, unit, method from risk_metrics where account = %s"
        " and session = (select max(session) from risk_metrics where account = %s) order by metric",
        (of, of),
    )
