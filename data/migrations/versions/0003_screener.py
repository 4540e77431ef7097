"""Saved screens: what people saved under which name, every version of it."""

from alembic import op

revision = "0003"
down_revision = "0002"

UPGRADE = """
create table saved_screens (
    name text not null,
    version integer not null check (version > 0),
    screen jsonb,
    saved_at timestamptz not null,
    saved_by text not null check (length(trim(saved_by)) > 0),
    is_removed boolean not null,
    primary key (name, version),
    check (is_removed = (screen is null))
);
create index saved_screens_known on saved_screens (name, saved_at);
comment on table saved_screens is
    'One row per saved version of a screen; rows are only added, and the newest version of a name is in force';
comment on column saved_screens.name is 'Name of the screen';
comment on column saved_screens.version is '1 for the first, one more for each change or removal';
comment on column saved_screens.screen is 'Filter, sort, top, name and description as JSON (format 1); null if removed';
comment on column saved_screens.saved_at is 'Instant from which the version is in force';
comment on column saved_screens.saved_by is 'Who saved or removed it';
comment on column saved_screens.is_removed is 'The version takes the screen away; a later one may bring it back';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("drop table saved_screens")
