"""Several strategies in one account: who wanted what of each order, what each strategy was allotted, and its profit."""

from alembic import op

revision = "0004"
down_revision = "0003"

UPGRADE = """
create table allocations (
    account text not null,
    session date not null,
    symbol text not null,
    strategy text not null,
    held_quantity numeric(20, 9) not null,
    kept_quantity numeric(20, 9) not null,
    wanted_usd numeric(20, 6) not null check (wanted_usd >= 0),
    allotted_quantity numeric(20, 9) not null,
    reference_price_usd numeric(20, 6) not null,
    strength double precision not null,
    rule text,
    reason text not null,
    plan_fingerprint text,
    created_at timestamptz not null,
    primary key (account, session, symbol, strategy)
);

create table strategy_attribution (
    account text not null,
    session date not null,
    strategy text not null,
    positions integer not null,
    cash_usd numeric(20, 6) not null,
    market_value_usd numeric(20, 6) not null,
    realised_pnl_usd numeric(20, 6) not null,
    unrealised_pnl_usd numeric(20, 6) not null,
    pnl_usd numeric(20, 6) not null,
    primary key (account, session, strategy)
);

-- until now one strategy was alone: what the account wanted was what it wanted
insert into allocations (account, session, symbol, strategy, held_quantity, kept_quantity, wanted_usd, allotted_quantity,
    reference_price_usd, strength, rule, reason, created_at)
select account, session, symbol, strategy, current_quantity,
    case when abs(quantity) < abs(current_quantity) then quantity else current_quantity end,
    greatest(quantity - current_quantity, 0) * reference_price_usd, quantity, reference_price_usd, 0, rule, reason, created_at
from target_positions;
alter table target_positions drop column strategy;

alter table order_intents add column wanted_by jsonb;
update order_intents set wanted_by =
    jsonb_build_object(strategy, trim_scale(case side when 'buy' then quantity else -quantity end)::text);
alter table order_intents alter column wanted_by set not null;
alter table order_intents drop column strategy;

alter table signals add column plan_fingerprint text;
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("alter table signals drop column plan_fingerprint")
    op.execute("alter table order_intents add column strategy text")
    op.execute("update order_intents set strategy = (select min(key) from jsonb_object_keys(wanted_by) key)")
    op.execute("alter table order_intents alter column strategy set not null, drop column wanted_by")
    op.execute("alter table target_positions add column strategy text")
    op.execute(
        "update target_positions t set strategy = coalesce((select min(a.strategy) from allocations a"
        " where (a.account, a.session, a.symbol) = (t.account, t.session, t.symbol)), 'momentum')"
    )
    op.execute("alter table target_positions alter column strategy set not null")
    op.execute("drop table strategy_attribution, allocations")
