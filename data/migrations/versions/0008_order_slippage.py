"""Slippage of orders against the price that their decision was sized with, by strategy."""

from alembic import op

revision = "0008"
down_revision = "0007"

UPGRADE = """
create table order_slippage (
    account text not null,
    broker_order_id text not null,
    strategy text not null,
    session date not null,
    executed_session date not null,
    symbol text not null,
    side text not null,
    quantity numeric(20, 9) not null check (quantity > 0),
    fill_price_usd numeric(20, 6) not null,
    arrival_price_usd numeric(20, 6),
    arrival_value_usd numeric(20, 6),
    slippage_usd numeric(20, 6),
    slippage_bps double precision,
    primary key (account, broker_order_id, strategy)
);
create index order_slippage_by_session on order_slippage (account, session);
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("drop table order_slippage")
