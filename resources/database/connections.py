"""Single Postgres connections: one URL in, one connection out, and failures told apart by what to do about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from trading_assets.errors import ConfigurationError, TransientError

Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Sequence[Any] | Mapping[str, Any] | None
_REFUSALS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "permission denied",
    "Permission denied",
    "could not translate host name",
    "Name or service not known",
    "failed to resolve host",
    "invalid connection option",
)


def libpq_url(url: str) -> str:
    """Return ``url`` without SQLAlchemy's driver name, as libpq and psycopg understand it."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def lock_key(name: str) -> int:
    """Return the 64-bit number of a named advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def connect(conninfo: str, *, autocommit: bool = False) -> Connection:
    """Open one connection outside any pool.

    Raises
    ------
    ConfigurationError, TransientError
        Depending on whether the server refuses or does not answer.
    """
    try:
        return psycopg.connect(libpq_url(conninfo), autocommit=autocommit)
    except psycopg.OperationalError as error:
        why = reason(error)
        if any(mark in str(error) for mark in _REFUSALS):
            raise ConfigurationError(
                f"Postgres refuses the connection: {why}. Check TRADING_DATABASE_URL"
            ) from error
        raise TransientError(
            f"Postgres{_place(conninfo)} does not answer: start it, or correct TRADING_DATABASE_URL if it names one ({why})"
        ) from error


def create_database_if_missing(url: str, name: str) -> None:
    """Create the database ``name`` on the server of ``url``, if it is not there and the user may."""
    with connect(url, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            return
        try:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except (errors.DuplicateDatabase, errors.UniqueViolation):
            return  # another process was faster
        except errors.InsufficientPrivilege as error:
            user = connection.info.user
            raise ConfigurationError(
                f'This database user may not create Dagster\'s database: let an administrator run `create database "{name}" '
                f'owner "{user}"`',
                user=user,
            ) from error


def _place(conninfo: str) -> str:
    # host and port are what somebody looks for; user and password are nobody's business in a message
    told = conninfo_to_dict(libpq_url(conninfo))
    host, port = told.get("host"), told.get("port", 5432)
    if not host:
        return ""
    return f" with its socket in {host}" if str(host).startswith("/") else f" at {host}:{port}"


def reason(error: Exception) -> str:
    """Return what the server or libpq said last, on one line."""
    lines = [line.strip() for line in reversed(str(error).splitlines()) if line.strip()]
    statements = [line for line in lines if not line.endswith("?")]  # libpq asks back whether the server runs
    return next(iter(statements or lines), "no reason given")
