"""Round trips: what each position of an account earned from its opening to its end, by strategy."""

from alembic import op

revision = "0007"
down_revision = "0006"

UPGRADE = """
create table round_trips (
    account text not null,
    trip integer not null,
    strategy text not null,
    symbol text not null,
    side text not null check (side in ('long', 'short')),
    quantity numeric(20, 9) not null,
    opened_session date not null,
    opened_at timestamptz,
    closed_session date,
    closed_at timestamptz,
    holding_sessions integer not null check (holding_sessions >= 0),
    entry_price_usd numeric(20, 6) not null,
    exit_price_usd numeric(20, 6) not null,
    gross_profit_usd numeric(20, 6) not null,
    income_usd numeric(20, 6) not null,
    fees_usd numeric(20, 6) not null,
    net_profit_usd numeric(20, 6) not null,
    closed_by text,
    primary key (account, trip)
);
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("drop table round_trips")
