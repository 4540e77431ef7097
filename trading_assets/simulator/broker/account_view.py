"""What the account endpoints show: balances, positions and the daily equity curve, in Alpaca's shape."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.broker.account import INITIAL_MARGIN_FRAC, MULTIPLIER, Position
from trading_assets.simulator.broker.engine import Engine
from trading_assets.simulator.broker.format import cents, number, stamp
from trading_assets.simulator.broker.ledger import ClosingBalance
from trading_assets.simulator.broker.quotes import window
from trading_assets.simulator.market.protocol import Instrument

EXCHANGES = {
    "XNYS": "NYSE",
    "XNAS": "NASDAQ",
    "ARCX": "ARCA",
    "XASE": "AMEX",
    "BATS": "BATS",
    "OTCM": "OTC",
}
_MICRO = Decimal("0.000001")
_FRACTION = Decimal("0.00001")


def exchange(instrument: Instrument) -> str:
    """Return Alpaca's name of the instrument's exchange; the empty name that Alpaca uses for an unknown one."""
    return EXCHANGES.get(instrument.mic, "")


def account_body(engine: Engine, at: datetime) -> dict[str, object]:
    """Return the body of GET /v2/account."""
    values = engine.balances(at)
    last = last_balance(engine, at)
    free = max(values.equity - values.initial_margin, Decimal(0))
    account = engine.account
    return {
        "id": account.id,
        "admin_configurations": {},
        "user_configurations": None,
        "account_number": account.number,
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "buying_power": cents(values.buying_power),
        "regt_buying_power": cents(values.buying_power),
        "effective_buying_power": cents(values.buying_power),
        "non_marginable_buying_power": cents(max(free - values.held, Decimal(0))),
        "options_buying_power": "0",
        "options_approved_level": 0,
        "options_trading_level": 0,
        "cash": cents(values.cash),
        "accrued_fees": "0",
        "portfolio_value": cents(values.equity),
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "created_at": stamp(account.created_at),
        "trade_suspended_by_user": bool(engine.configuration["suspend_trade"]),
        "multiplier": number(MULTIPLIER),
        "shorting_enabled": not engine.configuration["no_shorting"],
        "equity": cents(values.equity),
        "last_equity": number(last.equity),
        "long_market_value": cents(values.long_value),
        "short_market_value": cents(values.short_value),
        "position_market_value": cents(values.long_value - values.short_value),
        "initial_margin": cents(values.initial_margin),
        "maintenance_margin": cents(values.maintenance_margin),
        "last_maintenance_margin": cents(last.maintenance_margin),
        "sma": cents(values.equity - (values.long_value - values.short_value) * INITIAL_MARGIN_FRAC),
        "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
        "balance_asof": last.session.isoformat(),
    }


def last_balance(engine: Engine, at: datetime) -> ClosingBalance:
    """Return the balance at the close of the last session before today; the opening cash if there is none."""
    today = at.astimezone(NEW_YORK).date()
    found = engine.ledger.closing_balances(today - timedelta(days=14), today - timedelta(days=1))
    if found:
        return found[-1]
    opening = Decimal(engine.ledger.fact("opening_cash_usd") or 0)
    opened_on = engine.account.created_at.astimezone(NEW_YORK).date()
    return ClosingBalance(opened_on, opening, opening, Decimal(0))


def position_bodies(engine: Engine, at: datetime) -> list[dict[str, object]]:
    """Return the body of GET /v2/positions, sorted by symbol."""
    return [
        position_body(engine, engine.account.positions[symbol], at)
        for symbol in sorted(engine.account.positions)
    ]


def position_body(engine: Engine, position: Position, at: datetime) -> dict[str, object]:
    """Return one position, valued now."""
    symbol, shares = position.symbol, position.shares
    instrument = engine.quotes.instrument(symbol)
    price = engine.marks(at)[symbol]
    midnight = datetime.combine(at.astimezone(NEW_YORK).date(), time(), NEW_YORK).astimezone(UTC)
    yesterday = engine.quotes.last_close(symbol, midnight) or price
    gain, day_gain = shares * price - position.cost_usd, shares * (price - yesterday)
    available = abs(shares) - engine.book.held_shares(symbol)
    return {
        "asset_id": instrument.asset_id if instrument else None,
        "symbol": symbol,
        "exchange": exchange(instrument) if instrument else "",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": number(shares),
        "avg_entry_price": number(position.average_price.quantize(_MICRO)),
        "side": "long" if shares > 0 else "short",
        "market_value": number((shares * price).quantize(_MICRO)),
        "cost_basis": number(position.cost_usd.quantize(_MICRO)),
        "unrealized_pl": number(gain.quantize(_MICRO)),
        "unrealized_plpc": number((gain / abs(position.cost_usd)).quantize(_FRACTION)),
        "unrealized_intraday_pl": number(day_gain.quantize(_MICRO)),
        "unrealized_intraday_plpc": number((day_gain / abs(shares * yesterday)).quantize(_FRACTION)),
        "current_price": number(price),
        "lastday_price": number(yesterday),
        "change_today": number((price / yesterday - 1).quantize(_FRACTION)),
        "qty_available": number(max(available, Decimal(0)) * (1 if shares > 0 else -1)),
    }


def history_body(engine: Engine, start: date, end: date) -> dict[str, object]:
    """Return daily equity from ``start`` to ``end``; each point is stamped with the session's open."""
    rows = engine.ledger.closing_balances(start, end)
    before = engine.ledger.closing_balances(start - timedelta(days=14), start - timedelta(days=1))
    base = before[-1].equity if before else Decimal(engine.ledger.fact("opening_cash_usd") or 0)
    gains = [row.equity - base for row in rows]
    return {
        "timestamp": [int(window(row.session).open_at.timestamp()) for row in rows],
        "equity": [float(row.equity.quantize(_MICRO)) for row in rows],
        "profit_loss": [float(gain.quantize(_MICRO)) for gain in gains],
        "profit_loss_pct": [float((gain / base).quantize(_MICRO)) if base else None for gain in gains],
        "base_value": float(base),
        "base_value_asof": (before[-1].session if before else start).isoformat(),
        "timeframe": "1D",
        "cashflow": {},
    }
