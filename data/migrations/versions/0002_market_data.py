"""What complete market data needs in Postgres: accepted findings, vendor quotas, retention of raw bodies."""

from alembic import op

revision = "0002"
down_revision = "0001"

UPGRADE = """
alter table quality_findings add column bar_start timestamptz;
drop index quality_findings_natural;
create unique index quality_findings_natural on quality_findings
    (check_name, table_name, session, coalesce(symbol, ''), coalesce(source, ''), coalesce(bar_start, 'epoch'),
     md5(coalesce(value, '')));
comment on column quality_findings.severity is
    'error: without a symbol it blocks the session, with one it stops new risk in the symbol; warn: information';
comment on column quality_findings.bar_start is 'Start of the hourly bar; null for a daily one';

create table finding_acceptances (
    acceptance_id bigint generated always as identity primary key,
    check_name text not null,
    table_name text not null,
    session date not null,
    bar_start timestamptz,
    symbol text,
    source text,
    value text,
    reason text not null check (length(trim(reason)) > 0),
    accepted_by text not null,
    accepted_at timestamptz not null,
    revoked_by text,
    revoked_at timestamptz,
    revoke_reason text
);
create index finding_acceptances_session on finding_acceptances (session, check_name);
comment on table finding_acceptances is
    'One row per decision of a person that findings are no reason to stop; null symbol and source stand for any';
comment on column finding_acceptances.value is
    'Value that was looked at; a finding with another value is a new one. Null stands for any';

create view open_findings as
select f.* from quality_findings f where not exists (
    select from finding_acceptances a
    where a.revoked_at is null and a.check_name = f.check_name and a.table_name = f.table_name and a.session = f.session
        and (a.symbol is null or a.symbol = f.symbol) and (a.source is null or a.source = f.source)
        and (a.bar_start is null or a.bar_start = f.bar_start) and (a.value is null or a.value = f.value)
);
comment on view open_findings is 'Findings that no acceptance in force covers; what an acceptance leaves null it leaves open';

create table vendor_usage (
    vendor text not null,
    day date not null,
    requests bigint not null,
    retries bigint not null,
    rate_limited bigint not null,
    failures bigint not null,
    received_bytes bigint not null,
    waited_seconds double precision not null,
    per_minute integer,
    remaining integer,
    updated_at timestamptz not null,
    primary key (vendor, day)
);
comment on table vendor_usage is 'One row per vendor and UTC day: requests sent, answered with 429, retried, failed';
comment on column vendor_usage.per_minute is 'Our own pace; null for none';
comment on column vendor_usage.remaining is 'What the vendor said was left of its quota, last time it said so';

create table hourly_progress (
    session date not null,
    asset text not null,
    finished_until timestamptz not null,
    updated_at timestamptz not null,
    primary key (session, asset)
);
comment on table hourly_progress is 'One row per (session, hourly asset): how far into the session it has got';
comment on column hourly_progress.finished_until is 'End of the last hour that was finished when it was made';

alter table ingest_batches add column raw_removed_at timestamptz, add column raw_removed_reason text,
    add column last_fetched_at timestamptz, add column refused text;
update ingest_batches set last_fetched_at = fetched_at;
alter table ingest_batches alter column last_fetched_at set not null;
comment on column ingest_batches.raw_removed_at is 'When retention removed the raw bodies; null while they are there';
comment on column ingest_batches.raw_removed_reason is 'Why they were removed; null while they are there';
comment on column ingest_batches.last_fetched_at is
    'When the vendor last sent just these bytes; retention counts from here';
comment on column ingest_batches.refused is
    'Why nothing of the batch was stored, in words; null if it was believed';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("drop view open_findings")
    op.execute(
        "alter table ingest_batches drop column raw_removed_at, drop column raw_removed_reason, drop column last_fetched_at,"
        " drop column refused"
    )
    op.execute("drop table hourly_progress, vendor_usage, finding_acceptances")
    op.execute("drop index quality_findings_natural; alter table quality_findings drop column bar_start")
    op.execute(
        "create unique index quality_findings_natural on quality_findings"
        " (check_name, table_name, session, coalesce(symbol, ''), coalesce(source, ''))"
    )
