"""The product's schema: brought to the newest migration on start, by one process at a time."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import psycopg

import data
from resources.database.connections import Connection, connect, lock_key
from trading_assets.errors import ConfigurationError, ServiceError

FOLDER = Path(data.__file__).parent / "migrations"


def migrate(url: str) -> str:
    """Bring the schema of the database at ``url`` to the newest migration and return its number.

    Costs one connection and one query when it is there already; Alembic is imported only when it is not.

    Raises
    ------
    ConfigurationError
        The database was made by a newer version of this software.
    ServiceError
        A migration failed; the database is as it was before.
    """
    newest, known = _chain()
    with connect(url) as connection:
        if _version(connection) == newest:
            return newest
        connection.execute("select pg_advisory_xact_lock(%s)", (lock_key("migrate"),))
        version = _version(connection)  # another starter may have been faster
        if version == newest:
            return newest
        if version is not None and version not in known:
            raise ConfigurationError(
                f"The database has schema version {version}, which this version of the software does not know: "
                "update the software, or restore a backup made by this version",
                newest_known=newest,
            )
        _upgrade(url)
    return newest


def _version(connection: Connection) -> str | None:
    with connection.transaction():
        if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("select version_num from alembic_version").fetchone()
        return str(row[0]) if row else None


@lru_cache(maxsize=1)
def _chain() -> tuple[str, frozenset[str]]:
    # Read, not imported: importing a migration imports Alembic and SQLAlchemy (0.3 s of every start).
    revisions: dict[str, str | None] = {}
    for path in FOLDER.glob("versions/*.py"):
        text = path.read_text(encoding="utf-8")
        own = re.search(r"^revision\b[^=]*=\s*[\"'](\w+)[\"']", text, re.MULTILINE)
        below = re.search(r"^down_revision\b[^=]*=\s*(?:[\"'](\w+)[\"']|None)", text, re.MULTILINE)
        if own is None or below is None:
            raise ServiceError("A migration names no revision", file=path.name)
        revisions[own[1]] = below[1]
    heads = set(revisions) - set(revisions.values())
    if len(heads) != 1:
        raise ServiceError("The migrations do not form one chain", heads=sorted(heads))
    return heads.pop(), frozenset(revisions)


def _upgrade(url: str) -> None:
    from alembic import command  # takes 0.3 s, needed once per schema change
    from alembic.config import Config  # the same
    from sqlalchemy import NullPool, create_engine  # the same
    from sqlalchemy.exc import SQLAlchemyError  # the same

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (SQLAlchemyError, psycopg.Error) as error:
        raise ServiceError(f"A migration failed, and nothing was changed: {error}") from error
    finally:
        engine.dispose()


def sqlalchemy_url(url: str) -> str:
    """Return ``url`` with psycopg named as the driver, which SQLAlchemy needs to know."""
    return f"postgresql+psycopg://{url.partition('://')[2]}"
