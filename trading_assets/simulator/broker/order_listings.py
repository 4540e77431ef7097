"""Listings of orders and activities: a query becomes one SQL statement with bound values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OrderQuery:
    """Which orders to list; instants are exclusive bounds on the submission."""

    is_open: bool | None
    symbols: tuple[str, ...]
    side: str | None
    after: datetime | None
    until: datetime | None
    ascending: bool
    limit: int


@dataclass(frozen=True)
class ActivityQuery:
    """Which activities to list; instants are exclusive bounds."""

    kinds: tuple[str, ...]
    is_trade: bool | None
    after: datetime | None
    until: datetime | None
    day: date | None
    ascending: bool
    page_token: str | None
    page_size: int


def order_listing(query: OrderQuery) -> tuple[str, tuple[object, ...]]:
    """Return the statement that lists the bodies of orders by submission, and its values."""
    where: list[tuple[str, object]] = []
    if query.is_open is not None:
        where.append(("is_open = ?", int(query.is_open)))
    if query.side is not None:
        where.append(("side = ?", query.side))
    if query.after is not None:
        where.append(("submitted_us > ?", micros(query.after)))
    if query.until is not None:
        where.append(("submitted_us < ?", micros(query.until)))
    way = "ASC" if query.ascending else "DESC"
    conditions = ["1", *(condition for condition, _ in where), *_membership("symbol", query.symbols)]
    sql = (
        f"SELECT body FROM orders WHERE {' AND '.join(conditions)} "  # noqa: S608 (literals; values are bound)
        f"ORDER BY submitted_us {way}, number {way} LIMIT ?"
    )
    return sql, (*(value for _, value in where), *query.symbols, query.limit)


def activity_listing(query: ActivityQuery, start: int | None) -> tuple[str, tuple[object, ...]]:
    """Return the statement that lists the bodies of activities beyond number ``start``, and its values."""
    where: list[tuple[str, object]] = []
    if start is not None:
        where.append(("number > ?" if query.ascending else "number < ?", start))
    if query.is_trade is not None:
        where.append(("(kind = 'FILL') = ?", int(query.is_trade)))
    if query.after is not None:
        where.append(("at_us > ?", micros(query.after)))
    if query.until is not None:
        where.append(("at_us < ?", micros(query.until)))
    if query.day is not None:
        where.append(("new_york_date = ?", query.day.isoformat()))
    way = "ASC" if query.ascending else "DESC"
    conditions = ["1", *(condition for condition, _ in where), *_membership("kind", query.kinds)]
    sql = (
        f"SELECT body FROM activities WHERE {' AND '.join(conditions)} "  # noqa: S608 (literals; values are bound)
        f"ORDER BY number {way} LIMIT ?"
    )
    return sql, (*(value for _, value in where), *query.kinds, query.page_size)


def micros(at: datetime) -> int:
    """Return an instant as whole microseconds since 1970, as the tables keep it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def _membership(column: str, values: tuple[str, ...]) -> list[str]:
    return [f"{column} IN ({','.join('?' * len(values))})"] if values else []
