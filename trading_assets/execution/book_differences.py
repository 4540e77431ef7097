"""Differences between books and broker that nothing explains: numbered, and gone, released or accepted, each with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from resources.database.audit import audit
from resources.database.writes import insert
from trading_assets.books.bookings import Booking, BookingKind
from trading_assets.books.differences import Item
from trading_assets.books.expected import CASH
from trading_assets.books.holdings import QUANTITY_QUANTUM
from trading_assets.errors import ConfigurationError
from trading_assets.execution.journal import Connection, rows_of
from trading_assets.sessions import NEW_YORK, is_session, latest_closed_session, session_open
from trading_assets.tables.bookings import BOOK_DIFFERENCES


@dataclass(frozen=True)
class Difference:
    """A standing difference of one item, ours minus the broker's; ``is_released`` when a person let trading go on with it."""

    difference_id: int
    item: str
    difference: Decimal
    is_released: bool

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"(number {self.difference_id})"

    def __str__(self) -> str:
        unit = "USD" if self.item == CASH else "shares"
        return f"difference {self.difference_id}: {self.item} {self.difference.normalize():+f} {unit}"


def note_differences(
    connection: Connection, account: str, items: Iterable[Item], now: datetime
) -> dict[str, Difference]:
    """Store what differs now, and return it by item.

    One that stands already keeps its number and what a person said of it, also while executions not yet published or known
    actions move the amount; another amount is a new difference; what is equal now is gone.
    """
    standing = standing_differences(connection, account)
    found: dict[str, Difference] = {}
    for item in items:
        known, amount = standing.pop(item.item, None), item.difference.quantize(QUANTITY_QUANTUM)
        if item.is_match:
            _gone(connection, known, now)
        elif known is not None and (item.is_as_known or known.difference == amount):
            connection.execute(
                "update book_differences set seen_at = %s where difference_id = %s",
                (now, known.difference_id),
            )
            found[item.item] = known
        else:
            _gone(connection, known, now)
            found[item.item] = _new(connection, account, item, amount, now)
    for known in standing.values():
        _gone(connection, known, now)
    return found


def standing_differences(connection: Connection, account: str) -> dict[str, Difference]:
    """Read the differences that stand, by item."""
    rows = rows_of(
        connection,
        "select difference_id, item, difference, state = 'released' as is_released from book_differences"
        " where account = %s and state in ('open', 'released') order by difference_id",
        (account,),
    )
    return {row["item"]: Difference(**row) for row in rows}


def release_differences(
    connection: Connection, account: str, *, reason: str, released_by: str, now: datetime
) -> list[Difference]:
    """Let trading go on although the books differ: the same differences halt no more, but nothing is ordered of their symbols."""
    released = [item for item in standing_differences(connection, account).values() if not item.is_released]
    for item in released:
        connection.execute(
            "update book_differences set state = 'released', decided_by = %s, decided_at = %s, reason = %s"
            " where difference_id = %s",
            (released_by, now, reason, item.difference_id),
        )
    return released


def accept_difference(
    connection: Connection,
    account: str,
    difference_id: int,
    *,
    price_usd: Decimal,
    reason: str,
    accepted_by: str,
    now: datetime,
) -> Difference:
    """Book a standing difference as a correction, so that the books equal the broker's from now on.

    Parameters
    ----------
    price_usd
        What a share cost, if shares come in; those that leave, leave at what they had cost. A correction is no profit: it
        counts as put in or taken out. It is booked under the last session that is over, or under today while one goes on.

    Raises
    ------
    ConfigurationError
        If no difference of that number stands.
    """
    standing = {item.difference_id: item for item in standing_differences(connection, account).values()}
    if difference_id not in standing:
        there = "; ".join(map(str, standing.values()))
        raise ConfigurationError(
            f"Difference {difference_id} does not stand: it was never found, or is explained or accepted. "
            + (f"What stands: {there}" if there else "No other does: there is nothing to accept")
        )
    found = standing[difference_id]
    connection.execute(
        "update book_differences set state = 'accepted', decided_by = %(by)s, decided_at = %(now)s, reason = %(reason)s,"
        " booked_on = %(day)s, price_usd = %(price)s where difference_id = %(id)s",
        {
            "by": accepted_by, "now": now, "reason": reason, "day": _booking_day(now), "price": price_usd,
            "id": difference_id,
        },
    )  # fmt: skip
    detail = {
        "account": account,
        "item": found.item,
        "difference": f"{found.difference:f}",
        "price_usd": f"{price_usd:f}",
    }
    audit(connection, accepted_by, "accept_difference", reason=reason, detail=detail, now=now)
    return found


def corrections(connection: Connection, account: str) -> list[Booking]:
    """Return the accepted differences as bookings."""
    rows = rows_of(
        connection,
        "select difference_id, item, difference, price_usd, booked_on, reason, decided_by from book_differences"
        " where account = %s and state = 'accepted' order by difference_id",
        (account,),
    )
    return [
        Booking(
            booking_id=f"difference/{row['difference_id']}",
            kind=BookingKind.CORRECTION,
            day=row["booked_on"],
            symbol=None if row["item"] == CASH else row["item"],
            shares=Decimal(0) if row["item"] == CASH else -row["difference"],
            price_usd=row["price_usd"],
            cash_usd=-row["difference"] if row["item"] == CASH else Decimal(0),
            note=f"accepted by {row['decided_by']}: {row['reason']}",
        )
        for row in rows
    ]


def sentence(differences: Sequence[Difference]) -> str:
    """Say what differs, ours minus the broker's."""
    return "Books and broker differ (ours minus broker's): " + ", ".join(
        f"{item.item} {item.difference.normalize():+f} {item.name}" for item in differences
    )


def _new(connection: Connection, account: str, item: Item, amount: Decimal, now: datetime) -> Difference:
    row = {
        "account": account,
        "item": item.item,
        "ours": item.ours,
        "brokers": item.brokers,
        "difference": amount,
        "state": "open",
        "found_at": now,
        "seen_at": now,
        "price_usd": None,
        "booked_on": None,
    }
    stored = insert(connection, BOOK_DIFFERENCES, row, returning="difference_id").fetchone()
    return Difference(int(stored[0]) if stored else 0, item.item, amount, is_released=False)


def _booking_day(now: datetime) -> date:
    # a decision made before the next opening must know it
    today = now.astimezone(NEW_YORK).date()
    return today if is_session(today) and now >= session_open(today) else latest_closed_session(now)


def _gone(connection: Connection, known: Difference | None, now: datetime) -> None:
    if known is not None:
        connection.execute(
            "update book_differences set state = 'gone', seen_at = %s where difference_id = %s",
            (now, known.difference_id),
        )
