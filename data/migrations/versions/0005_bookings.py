"""What changes an account besides its trades: activities of the broker, what they became, and accepted differences."""

from alembic import op

revision = "0005"
down_revision = "0004"

UPGRADE = """
create table account_activities (
    activity_id text primary key,
    account text not null,
    kind text not null,
    symbol text,
    activity_date date not null,
    cash_usd numeric(20, 6) not null,
    shares numeric(20, 9) not null,
    recorded_at timestamptz not null,
    body jsonb not null
);
create index account_activities_by_day on account_activities (account, activity_date);

create table bookings (
    account text not null,
    booking_id text not null,
    kind text not null,
    effective_date date not null,
    symbol text,
    kept_ratio text not null,
    into_symbol text,
    into_ratio text not null,
    shares numeric(20, 9) not null,
    cash_usd numeric(20, 6) not null,
    activities jsonb not null,
    action_ex_date date,
    note text not null,
    booked_at timestamptz not null,
    primary key (account, booking_id)
);

create table book_differences (
    difference_id bigint generated always as identity primary key,
    account text not null,
    item text not null,
    ours numeric(20, 9) not null,
    brokers numeric(20, 9) not null,
    difference numeric(20, 9) not null check (difference <> 0),
    state text not null check (state in ('open', 'released', 'accepted', 'gone')),
    found_at timestamptz not null,
    seen_at timestamptz not null,
    price_usd numeric(20, 6),
    booked_on date,
    decided_by text,
    decided_at timestamptz,
    reason text,
    check ((state = 'accepted') = (booked_on is not null))
);
create unique index book_differences_standing on book_differences (account, item) where state in ('open', 'released');

alter table positions add column mark_from text not null default 'the broker''s price';
alter table positions alter column mark_from drop default;
alter table portfolio_performance add column income_usd numeric(20, 6) not null default 0;
alter table portfolio_performance add column transferred_usd numeric(20, 6) not null default 0;
alter table portfolio_performance alter column income_usd drop default, alter column transferred_usd drop default;
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("alter table positions drop column mark_from")
    op.execute("alter table portfolio_performance drop column income_usd, drop column transferred_usd")
    op.execute("drop table book_differences, bookings, account_activities")
