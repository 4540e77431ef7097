"""Backtests: every one that was run, so that nobody can count the lucky ones only."""

from alembic import op

revision = "0006"
down_revision = "0005"

UPGRADE = """
create table backtests (
    backtest_id text primary key,
    study_id text not null,
    study text not null check (study in ('backtest', 'sweep', 'walk_forward')),
    strategy text not null,
    kind text not null,
    trial_hash text not null,
    strategy_version text not null,
    parameter_hash text not null,
    parameters jsonb not null,
    plan_fingerprint text not null,
    start_session date not null,
    end_session date not null,
    cash_usd numeric(20, 6) not null,
    costs jsonb not null,
    code_version text not null,
    data_hash text not null,
    session_sharpe double precision,
    figures jsonb not null,
    seconds double precision not null,
    run_at timestamptz not null
);
create index backtests_by_kind on backtests (kind, run_at);
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("drop table backtests")
