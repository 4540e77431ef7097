"""What changed an account besides its trades, in Postgres: the broker's activities, what they became, and differences."""

from __future__ import annotations

from trading_assets.tables.database_columns import ACCOUNT, day, instant, json, numbered, shares, text, usd
from trading_assets.tables.table import SHARES, Column, DatabaseTable

_IN_ITS_UNIT = "shares or USD"

ACCOUNT_ACTIVITIES = DatabaseTable(
    name="account_activities",
    grain="One row per activity of the broker that is no trade, whatever its kind; changed only if the broker corrects or cancels it",
    columns={
        "activity_id": text("The broker's id"),
        "account": ACCOUNT,
        "kind": text("The broker's activity type: an open set"),
        "symbol": text("Symbol that it concerns; null for the account as a whole", nullable=True),
        "activity_date": day("Day under which the broker booked it (New York)"),
        "cash_usd": usd("Cash that it added; negative for what it took away"),
        "shares": shares("Shares that it added; negative for what it took away"),
        "recorded_at": instant("Instant at which it was stored"),
        "body": json("The broker's raw activity"),
    },
    key=("activity_id",),
)

BOOKINGS = DatabaseTable(
    name="bookings",
    grain="One row per change of an account that is no trade: what the rules made of activities and known actions",
    columns={
        "account": ACCOUNT,
        "booking_id": text("Made from the activity, action or difference behind it"),
        "kind": text(
            "split, spin_off, symbol_change, merger, delisting, cash_in_lieu, dividend, interest, fee, transfer, correction"
        ),
        "effective_date": day("Day before whose fills it takes effect"),
        "symbol": text("Whose holders it concerns; null for the account as a whole", nullable=True),
        "kept_ratio": text("Shares left of each one held, as a fraction"),
        "into_symbol": text("Symbol that takes over or is received", nullable=True),
        "into_ratio": text("Shares of it per share held, as a fraction"),
        "shares": shares("Shares added whatever is held"),
        "cash_usd": usd("Cash that the account got; negative for what it paid"),
        "activities": json("Ids of the broker's activities behind it"),
        "action_ex_date": day(
            "Ex-date of the known corporate action behind it; null if none is known", nullable=True
        ),
        "note": text("In words"),
        "booked_at": instant("Instant at which the rules were last applied"),
    },
    key=("account", "booking_id"),
)

BOOK_DIFFERENCES = DatabaseTable(
    name="book_differences",
    grain="One row per difference between our books and the broker's that nothing explained when it was seen",
    columns={
        "difference_id": numbered("Number of the difference"),
        "account": ACCOUNT,
        "item": text("A symbol (shares) or cash (USD)"),
        "ours": Column(SHARES, "By our books when it was found", _IN_ITS_UNIT, nullable=False),
        "brokers": Column(SHARES, "By the broker when it was found", _IN_ITS_UNIT, nullable=False),
        "difference": Column(SHARES, "Ours minus the broker's", _IN_ITS_UNIT, nullable=False),
        "state": text(
            "open: it halts trading; released: a person let trading go on without it; accepted: booked; gone: equal since"
        ),
        "found_at": instant("Instant at which it was first seen"),
        "seen_at": instant("Instant at which it was last seen"),
        "price_usd": usd("What a share of an accepted difference cost", nullable=True),
        "booked_on": day("Day after whose fills an accepted difference is booked", nullable=True),
        "decided_by": text("Who released or accepted it", nullable=True, inserted=False),
        "decided_at": instant("Instant of that", nullable=True, inserted=False),
        "reason": text("Why", nullable=True, inserted=False),
    },
    key=("difference_id",),
)
