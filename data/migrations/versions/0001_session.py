"""Everything that one trading session writes to Postgres."""

from alembic import op

revision = "0001"
down_revision = None

UPGRADE = """
create table ingest_batches (
    batch_id text primary key,
    source text not null,
    kind text not null,
    first_session date not null,
    last_session date not null,
    fetched_at timestamptz not null,
    responses integer not null,
    rows bigint not null,
    raw_bytes bigint not null,
    raw_path text not null,
    content_hash text not null
);
comment on table ingest_batches is 'One row per fetch from a vendor; raw_path leads to the compressed response bodies';

create table quality_findings (
    finding_id bigint generated always as identity primary key,
    check_name text not null,
    severity text not null check (severity in ('warn', 'error')),
    table_name text not null,
    session date not null,
    symbol text,
    source text,
    value text,
    expectation text not null,
    found_at timestamptz not null,
    run_id text
);
create index quality_findings_session on quality_findings (session, check_name);
create unique index quality_findings_natural on quality_findings
    (check_name, table_name, session, coalesce(symbol, ''), coalesce(source, ''));

create table signals (
    strategy text not null,
    session date not null,
    symbol text not null,
    side text not null check (side in ('enter_long', 'hold_long', 'exit_long')),
    strength double precision not null check (strength between 0 and 1),
    reason text not null,
    inputs jsonb not null,
    strategy_version text not null,
    parameter_hash text not null,
    features_version text not null,
    created_at timestamptz not null,
    primary key (strategy, session, symbol)
);

create table target_positions (
    account text not null,
    session date not null,
    symbol text not null,
    strategy text not null,
    quantity numeric(20, 9) not null,
    current_quantity numeric(20, 9) not null,
    reference_price_usd numeric(20, 6) not null,
    weight_frac double precision not null,
    outcome text not null check (outcome in ('trade', 'hold', 'blocked')),
    rule text,
    reason text not null,
    created_at timestamptz not null,
    primary key (account, session, symbol)
);

create table order_intents (
    intent_id text primary key,
    client_order_id text not null unique check (length(client_order_id) <= 64),
    account text not null,
    mode text not null check (mode in ('sim', 'paper', 'live')),
    strategy text not null,
    session date not null,
    symbol text not null,
    side text not null check (side in ('buy', 'sell')),
    purpose text not null check (purpose in ('open', 'increase', 'reduce', 'close')),
    revision integer not null default 0,
    quantity numeric(20, 9) not null check (quantity > 0),
    order_type text not null check (order_type in ('market', 'limit')),
    limit_price_usd numeric(20, 6),
    time_in_force text not null check (time_in_force in ('day', 'gtc', 'opg', 'cls', 'ioc', 'fok')),
    reference_price_usd numeric(20, 6) not null,
    valid_until timestamptz not null,
    state text not null check (state in
        ('planned', 'submitting', 'unknown', 'acknowledged', 'refused', 'abandoned', 'expired')),
    attempt integer not null default 0,
    fencing_token bigint,
    broker_order_id text unique,
    refusal text,
    risk_verdict jsonb not null,
    lineage jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index order_intents_open on order_intents (account, state) where state in ('planned', 'submitting', 'unknown');
create index order_intents_session on order_intents (account, session);

create table order_events (
    event_id bigint generated always as identity primary key,
    intent_id text references order_intents (intent_id),
    client_order_id text not null,
    broker_order_id text,
    kind text not null,
    from_state text,
    to_state text,
    attempt integer,
    http_status integer,
    body jsonb,
    body_hash text,
    detail text,
    happened_at timestamptz not null
);
create index order_events_client on order_events (client_order_id, event_id);
comment on table order_events is 'Append-only: every step of every order, with the raw broker body';

create table orders (
    broker_order_id text primary key,
    client_order_id text not null unique,
    intent_id text references order_intents (intent_id),
    account text not null,
    mode text not null,
    session date not null,
    symbol text not null,
    side text not null,
    quantity numeric(20, 9) not null,
    order_type text not null,
    time_in_force text not null,
    limit_price_usd numeric(20, 6),
    status text not null,
    filled_quantity numeric(20, 9) not null default 0,
    average_fill_price_usd numeric(20, 6),
    submitted_at timestamptz,
    updated_at timestamptz not null,
    body jsonb not null
);
create index orders_account on orders (account, session);

create table fills (
    activity_id text primary key,
    account text not null,
    broker_order_id text not null,
    client_order_id text,
    intent_id text,
    session date not null,
    executed_session date not null,
    symbol text not null,
    side text not null check (side in ('buy', 'sell', 'sell_short')),
    quantity numeric(20, 9) not null check (quantity > 0),
    price_usd numeric(20, 6) not null,
    executed_at timestamptz not null,
    recorded_at timestamptz not null,
    body jsonb not null
);
create index fills_account on fills (account, executed_at);

create table accounts (
    account text primary key,
    mode text not null,
    opening_cash_usd numeric(20, 6) not null,
    opened_at timestamptz not null
);
comment on table accounts is 'Books of an account: the cash it had when this system first saw it, before any of its fills';

create table account_snapshots (
    account text not null,
    session date not null,
    cash_usd numeric(20, 6) not null,
    equity_usd numeric(20, 6) not null,
    buying_power_usd numeric(20, 6) not null,
    taken_at timestamptz not null,
    body jsonb not null,
    primary key (account, session)
);

create table positions (
    account text not null,
    session date not null,
    symbol text not null,
    quantity numeric(20, 9) not null,
    average_cost_usd numeric(20, 6) not null,
    mark_price_usd numeric(20, 6) not null,
    mark_at timestamptz not null,
    market_value_usd numeric(20, 6) not null,
    unrealised_pnl_usd numeric(20, 6) not null,
    realised_pnl_usd numeric(20, 6) not null,
    primary key (account, session, symbol)
);

create table reconciliation (
    account text not null,
    session date not null,
    item text not null,
    ours numeric(20, 6),
    brokers numeric(20, 6),
    difference numeric(20, 6) not null,
    is_match boolean not null,
    explanation text not null,
    reconciled_at timestamptz not null,
    primary key (account, session, item)
);

create table risk_metrics (
    account text not null,
    session date not null,
    metric text not null,
    value double precision,
    unit text not null,
    method text not null,
    primary key (account, session, metric)
);

create table portfolio_performance (
    account text not null,
    session date not null,
    equity_usd numeric(20, 6) not null,
    cash_usd numeric(20, 6) not null,
    market_value_usd numeric(20, 6) not null,
    return_frac double precision,
    cumulative_return_frac double precision not null,
    drawdown_frac double precision not null,
    realised_pnl_usd numeric(20, 6) not null,
    unrealised_pnl_usd numeric(20, 6) not null,
    turnover_frac double precision not null,
    primary key (account, session)
);

create table submitters (
    account text primary key,
    fencing_token bigint not null,
    holder text not null,
    taken_at timestamptz not null
);

create table trading_halts (
    halt_id bigint generated always as identity primary key,
    account text not null,
    level text not null check (level in ('entries', 'orders', 'flatten')),
    reason text not null,
    engaged_by text not null,
    engaged_at timestamptz not null,
    released_by text,
    released_at timestamptz,
    release_reason text
);

create table session_runs (
    run_id text primary key,
    session date not null,
    mode text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('succeeded', 'failed')),
    summary jsonb
);

create table audit_log (
    audit_id bigint generated always as identity primary key,
    actor text not null,
    action text not null,
    reason text,
    detail jsonb not null,
    happened_at timestamptz not null
);

comment on column signals.strategy is 'Name of the strategy';
comment on column signals.session is 'Exchange session whose close decided';
comment on column signals.symbol is 'Ticker';
comment on column signals.side is 'enter_long, hold_long or exit_long';
comment on column signals.strength is '0 to 1; 1 is the strongest';
comment on column signals.reason is 'Why, in words';
comment on column signals.inputs is 'Values of the features that decided';
comment on column signals.strategy_version is 'Hash of the strategy''s source code';
comment on column signals.parameter_hash is 'Hash of its parameters';
comment on column signals.features_version is 'Content hash of the session''s features';
comment on column signals.created_at is 'Instant (UTC) of the decision';
comment on column target_positions.account is 'Broker''s account number';
comment on column target_positions.session is 'Decision session';
comment on column target_positions.symbol is 'Ticker';
comment on column target_positions.strategy is 'Strategy behind it';
comment on column target_positions.quantity is 'Shares wanted';
comment on column target_positions.current_quantity is 'Shares held before the decision';
comment on column target_positions.reference_price_usd is 'Close that sized it, USD';
comment on column target_positions.weight_frac is 'Value wanted over equity, fraction';
comment on column target_positions.outcome is 'trade, hold or blocked';
comment on column target_positions.rule is 'Risk rule that decided, if any';
comment on column target_positions.reason is 'Why, in words';
comment on column target_positions.created_at is 'Instant (UTC) of the decision';
comment on column order_intents.intent_id is 'Hash of mode, account, strategy, session, symbol, side, purpose and revision';
comment on column order_intents.client_order_id is 'Id under which the broker accepts it at most once';
comment on column order_intents.state is 'planned, submitting, unknown, acknowledged, refused, abandoned or expired';
comment on column order_intents.quantity is 'Shares';
comment on column order_intents.reference_price_usd is 'Close that sized it, USD';
comment on column order_intents.valid_until is 'Instant (UTC) after which it is never sent';
comment on column order_intents.attempt is 'Requests sent so far';
comment on column order_intents.lineage is 'Run, code version and data versions behind it';
comment on column order_intents.risk_verdict is 'Outcome, rule and reason of the risk layer';
comment on column order_intents.purpose is 'open, increase, reduce or close';
comment on column order_intents.session is 'Decision session';
comment on column orders.broker_order_id is 'The broker''s id';
comment on column orders.client_order_id is 'Our id';
comment on column orders.session is 'Decision session';
comment on column orders.quantity is 'Shares ordered';
comment on column orders.filled_quantity is 'Shares filled so far';
comment on column orders.average_fill_price_usd is 'Mean fill price, USD';
comment on column orders.status is 'The broker''s status; moves forward only';
comment on column orders.submitted_at is 'Instant (UTC) that the broker reports';
comment on column orders.body is 'The broker''s raw order';
comment on column fills.activity_id is 'The broker''s activity id: a fill is stored once';
comment on column fills.session is 'Session whose decision led to the order';
comment on column fills.executed_session is 'Trading day of the execution (New York)';
comment on column fills.symbol is 'Ticker';
comment on column fills.side is 'buy, sell or sell_short';
comment on column fills.quantity is 'Shares';
comment on column fills.price_usd is 'Price per share, USD';
comment on column fills.executed_at is 'Instant (UTC) of the execution';
comment on column fills.recorded_at is 'Instant (UTC) at which it was stored';
comment on column fills.body is 'The broker''s raw activity';
comment on column positions.session is 'Decision session after whose fills this is held';
comment on column positions.symbol is 'Ticker';
comment on column positions.quantity is 'Shares held';
comment on column positions.average_cost_usd is 'Average cost per share, USD';
comment on column positions.mark_price_usd is 'The broker''s last price, else the last close, USD';
comment on column positions.mark_at is 'Instant (UTC) of the mark';
comment on column positions.market_value_usd is 'Quantity times mark, USD';
comment on column positions.unrealised_pnl_usd is 'Value minus cost, USD';
comment on column positions.realised_pnl_usd is 'Profit of what was sold of it, USD';
comment on column reconciliation.session is 'Decision session';
comment on column reconciliation.item is 'A symbol (shares) or cash (USD)';
comment on column reconciliation.ours is 'By our fills';
comment on column reconciliation.brokers is 'By the broker';
comment on column reconciliation.difference is 'Ours minus the broker''s';
comment on column reconciliation.is_match is 'Equal, or explained by executions not yet published';
comment on column reconciliation.explanation is 'In words';
comment on column reconciliation.reconciled_at is 'Instant (UTC) of the comparison';
comment on column risk_metrics.session is 'Session';
comment on column risk_metrics.metric is 'Name; ends in its unit where it has one';
comment on column risk_metrics.value is 'Losses and drawdowns are negative; null where the history is too short';
comment on column risk_metrics.unit is 'Unit of the value';
comment on column risk_metrics.method is 'How it was measured, over what';
comment on column portfolio_performance.session is 'Session';
comment on column portfolio_performance.equity_usd is 'Cash plus market value at the close, USD';
comment on column portfolio_performance.cash_usd is 'Cash after the fills executed up to the session, USD';
comment on column portfolio_performance.market_value_usd is 'Holdings at the close, USD';
comment on column portfolio_performance.return_frac is 'Against the session before, fraction';
comment on column portfolio_performance.cumulative_return_frac is 'Since the account was opened, fraction';
comment on column portfolio_performance.drawdown_frac is 'Equity over its highest value so far minus 1';
comment on column portfolio_performance.realised_pnl_usd is 'Since the account was opened, USD';
comment on column portfolio_performance.unrealised_pnl_usd is 'At the close, USD';
comment on column portfolio_performance.turnover_frac is 'Half of the traded notional over the equity of the session before';
"""

TABLES = (
    "audit_log session_runs trading_halts submitters portfolio_performance risk_metrics reconciliation positions "
    "account_snapshots accounts fills orders order_events order_intents target_positions signals quality_findings "
    "ingest_batches"
).split()


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(f"drop table {', '.join(TABLES)}")
