"""Accounts in Postgres: their books per session, what the broker says of them, performance, risk, and whose profit it is."""

from __future__ import annotations

import polars as pl

from trading_assets.tables.database_columns import (
    ACCOUNT,
    DECISION_SESSION,
    MODE,
    count,
    day,
    instant,
    json,
    number,
    shares,
    text,
    usd,
)
from trading_assets.tables.table import MONEY, SESSION, SYMBOL, Column, DatabaseTable

_BY_SESSION = {"account": ACCOUNT, "session": SESSION}
_IN_ITS_UNIT = "shares or USD"

ACCOUNTS = DatabaseTable(
    name="accounts",
    grain="One row per account: the cash it had when this system first saw it, before any of its fills",
    columns={
        "account": ACCOUNT,
        "mode": MODE,
        "opening_cash_usd": usd("Cash when it was opened"),
        "opened_at": instant("Instant at which this system first saw it"),
    },
    key=("account",),
)

ACCOUNT_SNAPSHOTS = DatabaseTable(
    name="account_snapshots",
    grain="One row per (account, session): the account as the broker reported it when the session was reconciled",
    columns={
        "account": ACCOUNT,
        "session": DECISION_SESSION,
        "cash_usd": usd("Cash"),
        "equity_usd": usd("Cash plus market value"),
        "buying_power_usd": usd("What may be bought for"),
        "taken_at": instant("Instant of the report"),
        "body": json("The broker's raw account"),
    },
    key=("account", "session"),
)

POSITIONS = DatabaseTable(
    name="positions",
    grain="One row per (account, session, symbol) held after the session's fills",
    columns={
        "account": ACCOUNT,
        "session": DECISION_SESSION,
        "symbol": SYMBOL,
        "quantity": shares("Shares held; negative when short"),
        "average_cost_usd": usd("Average cost per share"),
        "mark_price_usd": usd("The broker's last price, else the last close"),
        "mark_at": instant("Instant of the mark"),
        "market_value_usd": usd("Quantity times mark"),
        "unrealised_pnl_usd": usd("Value minus cost"),
        "realised_pnl_usd": usd("Profit of what was sold of it"),
        "mark_from": text("What the mark is: the broker's price, or the close of which session"),
    },
    key=("account", "session", "symbol"),
)

RECONCILIATION = DatabaseTable(
    name="reconciliation",
    grain="One row per (account, session, item): a symbol's shares or the cash, ours against the broker's",
    columns={
        "account": ACCOUNT,
        "session": DECISION_SESSION,
        "item": text("A symbol (shares) or cash (USD)"),
        "ours": Column(MONEY, "By our fills", _IN_ITS_UNIT),
        "brokers": Column(MONEY, "By the broker", _IN_ITS_UNIT),
        "difference": Column(MONEY, "Ours minus the broker's", _IN_ITS_UNIT, nullable=False),
        "is_match": Column(pl.Boolean, "Equal, or explained by executions not yet published", nullable=False),
        "explanation": text("In words"),
        "reconciled_at": instant("Instant of the comparison"),
    },
    key=("account", "session", "item"),
)

RISK_METRICS = DatabaseTable(
    name="risk_metrics",
    grain="One row per (account, session, metric)",
    columns={
        **_BY_SESSION,
        "metric": text("Name; ends in its unit where it has one"),
        "value": number(
            "Losses and drawdowns are negative; null where the history is too short",
            "as the column unit says",
            nullable=True,
        ),
        "unit": text("Unit of the value"),
        "method": text("How it was measured, over what"),
    },
    key=("account", "session", "metric"),
)

PORTFOLIO_PERFORMANCE = DatabaseTable(
    name="portfolio_performance",
    grain="One row per (account, session): equity, return and drawdown at the close",
    columns={
        **_BY_SESSION,
        "equity_usd": usd("Cash plus market value at the close"),
        "cash_usd": usd("Cash after the fills executed up to the session"),
        "market_value_usd": usd("Holdings at the close"),
        "return_frac": number(
            "Against the session before, the first against the opening cash, what was put in left out; null if that is not positive",
            "fraction",
            nullable=True,
        ),
        "cumulative_return_frac": number("Returns since the account was opened, chained", "fraction"),
        "drawdown_frac": number("That growth over its highest value so far minus 1", "fraction"),
        "realised_pnl_usd": usd("Since the account was opened"),
        "unrealised_pnl_usd": usd("At the close"),
        "turnover_frac": number(
            "Half of the traded notional over the equity of the session before", "fraction"
        ),
        "income_usd": usd("Dividends, interest and fees since the account was opened"),
        "transferred_usd": usd("Money and shares put in since then, less what was taken out"),
    },
    key=("account", "session"),
)

STRATEGY_ATTRIBUTION = DatabaseTable(
    name="strategy_attribution",
    grain="One row per (account, session, strategy): what it holds and has earned at the close",
    columns={
        **_BY_SESSION,
        "strategy": text("Strategy whose part it is; unattributed for what no strategy wanted"),
        "positions": count("Symbols that it holds", "symbols"),
        "cash_usd": usd("Cash that its executions brought in; negative for what they cost"),
        "market_value_usd": usd("Its holdings at the close"),
        "realised_pnl_usd": usd("Profit of what it sold, since its first execution"),
        "unrealised_pnl_usd": usd("Value of its holdings minus their cost, at the close"),
        "pnl_usd": usd("Cash plus market value: all that it has earned"),
    },
    key=("account", "session", "strategy"),
)

ROUND_TRIPS = DatabaseTable(
    name="round_trips",
    grain="One row per round trip of an account, by strategy, first in, first out; made anew with every session",
    columns={
        "account": ACCOUNT,
        "trip": count("Number in the order of exits; what is still held comes last", ""),
        "strategy": text("Strategy whose shares they are; unattributed for what no strategy wanted"),
        "symbol": SYMBOL,
        "side": text("long or short"),
        "quantity": shares("Shares, always positive; in the scale of the exit"),
        "opened_session": day("Day of the execution that opened it"),
        "opened_at": instant("Instant of that; null if a booking opened it", nullable=True),
        "closed_session": day("Day on which it ended; null while the shares are held", nullable=True),
        "closed_at": instant("Instant of the execution that closed it; null without one", nullable=True),
        "holding_sessions": count("From the opening to the end, or to the newest session", "sessions"),
        "entry_price_usd": usd("Price per share at which it was opened, in the scale of the exit"),
        "exit_price_usd": usd(
            "Price per share at which it ended; the newest close while the shares are held"
        ),
        "gross_profit_usd": usd("Profit of prices alone"),
        "income_usd": usd("Dividends and cash in lieu; negative for what a short position paid"),
        "fees_usd": usd("Fees that the broker booked for its executions"),
        "net_profit_usd": usd("Gross profit plus income minus fees"),
        "closed_by": text(
            "trade, another strategy, or the booking that ended it; null while the shares are held",
            nullable=True,
        ),
    },
    key=("account", "trip"),
)
