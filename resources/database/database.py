"""Postgres as the product sees it: pooled transactions, frames, advisory locks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from resources.database.connections import Connection, Parameters, connect, libpq_url, lock_key, reason
from trading_assets.errors import TransientError, UnknownOutcomeError

if TYPE_CHECKING:
    import polars as pl


APPLICATION = "trading-assets process"
HOLDER = """
select a.application_name, a.state_change from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32) | l.objid::bigint = %s
  and l.database = (select oid from pg_database where datname = current_database())
"""


class LockHolder(NamedTuple):
    """Who holds an advisory lock: the process, None if it does not say, and since when."""

    process: int | None
    since: datetime


class Database:
    """Connections to one database, opened on first use and shared between threads.

    Parameters
    ----------
    url
        As given by :meth:`resources.database.server.PostgresEndpoint.url`, with or without a driver name.
    max_connections
        At most so many at once; further threads wait up to ``connect_seconds``.
    connect_seconds
        Give up connecting after this long.
    """

    def __init__(self, url: str, *, max_connections: int = 10, connect_seconds: float = 10.0) -> None:
        defaults: dict[str, str | int] = {
            "application_name": f"{APPLICATION} {os.getpid()}",
            "connect_timeout": max(2, round(connect_seconds)),
        }
        given = conninfo_to_dict(libpq_url(url))
        self.conninfo = make_conninfo(libpq_url(url), **{k: v for k, v in defaults.items() if k not in given})
        self._connect_seconds = connect_seconds
        self._opening = threading.Lock()
        self._opened = False
        self._pool = ConnectionPool(
            self.conninfo,
            min_size=0,
            max_size=max_connections,
            timeout=connect_seconds,
            max_idle=60,
            open=False,
            configure=_configure,
            check=ConnectionPool.check_connection,
            name="trading",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections for good."""
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection in a transaction: committed at the end of the block, rolled back on an error.

        Raises
        ------
        TransientError
            The server is away, restarting or overloaded, or ended the transaction: nothing was stored.
        UnknownOutcomeError
            The connection broke while committing.
        ConfigurationError
            The server refuses this user, password or database.
        """
        with self._lease() as connection:
            try:
                yield connection
            except psycopg.OperationalError as error:
                raise _transient(error) from error
            try:
                connection.commit()
            except psycopg.OperationalError as error:
                if isinstance(error, errors.SerializationFailure | errors.DeadlockDetected):
                    raise _transient(error) from error
                raise UnknownOutcomeError(
                    "The connection to Postgres broke while committing: read the rows again before repeating"
                ) from error

    def execute(self, statement: str, parameters: Parameters = None) -> int:
        """Run one statement in a transaction of its own and return the number of rows it touched."""
        with self.connection() as connection:
            return connection.execute(statement.encode(), parameters).rowcount

    def fetch(self, statement: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.connection() as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def fetch_polars(self, statement: str, parameters: Parameters = None) -> pl.DataFrame:
        """Return the rows of a query as a frame whose types depend on the query alone, not on the rows."""
        from resources.database.frames import query_frame  # polars takes 0.2 s to import

        with self.connection() as connection:
            return query_frame(connection, statement, parameters)

    @contextmanager
    def advisory_lock(self, name: str, *, wait_seconds: float | None = None) -> Iterator[None]:
        """Hold the lock ``name`` among all processes of this database while the block runs.

        Raises
        ------
        TransientError
            Somebody else held it for ``wait_seconds``, or the connection that held it broke meanwhile.
        """
        timeout = str(round((wait_seconds or 0) * 1000))  # 0 waits for ever
        with self._session() as connection:
            try:
                connection.execute("select set_config('lock_timeout', %s, false)", (timeout,))
                connection.execute("select pg_advisory_lock(%s)", (lock_key(name),))
            except errors.LockNotAvailable as error:
                raise TransientError(
                    "Another process holds the lock", lock=name, waited_seconds=wait_seconds
                ) from error
            finally:
                if not connection.closed:
                    connection.execute("reset lock_timeout")
            with _unlocking(connection, name):
                yield

    @contextmanager
    def try_advisory_lock(self, name: str) -> Iterator[bool]:
        """Like :meth:`advisory_lock` without waiting: yield whether the lock was free and is now held."""
        with self._session() as connection:
            row = connection.execute("select pg_try_advisory_lock(%s)", (lock_key(name),)).fetchone()
            if row is None or not row[0]:
                yield False
                return
            with _unlocking(connection, name):
                yield True

    def lock_holder(self, name: str) -> LockHolder | None:
        """Return who holds the lock ``name`` at this moment."""
        found = self.fetch(HOLDER, (lock_key(name),))
        if not found:
            return None
        application, since = found[0]
        number = str(application).removeprefix(f"{APPLICATION} ")
        return LockHolder(int(number) if number.isdigit() else None, since)

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        with self._lease() as connection:
            connection.autocommit = True
            try:
                yield connection
            except psycopg.OperationalError as error:
                raise _transient(error) from error
            finally:
                if not connection.closed:
                    connection.autocommit = False

    @contextmanager
    def _lease(self) -> Iterator[Connection]:
        self._open()
        try:
            connection = self._pool.getconn()
        except PoolTimeout as error:
            self._diagnose()
            raise TransientError(
                f"All {self._pool.max_size} database connections of this process were busy for {self._connect_seconds:g} s"
            ) from error
        try:
            yield connection
        except BaseException:
            with suppress(psycopg.OperationalError):  # a broken connection has nothing left to roll back
                connection.rollback()
            raise
        finally:
            self._pool.putconn(connection)

    def _open(self) -> None:
        if self._opened:
            return
        with self._opening:
            if not self._opened:
                self._diagnose()  # the pool itself would retry in silence and only say "timeout"
                self._pool.open()
                self._opened = True

    def _diagnose(self) -> None:
        connect(self.conninfo).close()


@contextmanager
def _unlocking(connection: Connection, name: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(
            psycopg.OperationalError
        ):  # the block's own error says more; a broken session holds no lock
            connection.execute("select pg_advisory_unlock(%s)", (lock_key(name),))
        raise
    try:
        connection.execute("select pg_advisory_unlock(%s)", (lock_key(name),))
    except psycopg.OperationalError as error:
        raise TransientError(
            "A lock was lost while it was held: repeat what was done under it", lock=name
        ) from error


def _configure(connection: Connection) -> None:
    connection.execute("set timezone to 'UTC'")
    connection.commit()


def _transient(error: psycopg.OperationalError) -> TransientError:
    return TransientError(f"Postgres ended the transaction, nothing of it was stored: {reason(error)}")
