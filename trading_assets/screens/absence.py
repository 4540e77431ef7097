"""Why a symbol is not in the market that a screen looks at: one sentence per (symbol, session), from what the lake says of it."""

from __future__ import annotations

from datetime import date, datetime
from difflib import get_close_matches

import polars as pl

from resources.lake.lake import Lake
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.listings import UNIVERSE


def why_absent(lake: Lake, symbol: str, session: date, *, as_of: datetime | None = None) -> str:
    """Say why a symbol has no features at a session.

    Parameters
    ----------
    lake
        Where bars, refused bars and the universe are.
    symbol
        Symbol asked about.
    session
        Session that was screened.
    as_of
        Instant: what was known then. Without it, what is known now.
    """
    where = {"start": session, "end": session, "symbols": [symbol], "as_of": as_of}
    if lake.scan(DAILY_BARS, **where).collect().height:  # type: ignore[arg-type] # one value per parameter
        return f"{symbol} has a bar at session {session}, but the features of that session were not made: see `quality list`"
    refused = lake.scan(QUARANTINED_BARS, **where).collect()  # type: ignore[arg-type] # the same
    if refused.height:
        row = refused.row(0, named=True)
        return f"{symbol}: the bar of {row['source']} was refused by the check {row['rule']}, which expected {row['expectation']}"
    first, last = _traded(lake, symbol, as_of)
    if first is None or last is None:
        near = get_close_matches(symbol, _listed(lake, session, as_of), n=3)
        hint = f": did you mean {', '.join(near)}?" if near else ""
        return f"{symbol} has no bars at all{hint or ', an unknown symbol or one that no source covers'}"
    if session < first:
        return f"{symbol} has no bar at session {session}: its first one is of {first}"
    if session > last:
        return f"{symbol} has no bar at session {session}: its last one is of {last}{_renamed(lake, symbol, session, as_of)}"
    return f"{symbol} has no accepted bar at session {session}: it did not trade, or no source reported it"


def is_known(lake: Lake, symbol: str, *, as_of: datetime | None = None) -> bool:
    """Say whether any bar of a symbol was ever there, accepted or refused."""
    return any(
        lake.scan(table, symbols=[symbol], as_of=as_of, columns=["symbol"]).head(1).collect().height
        for table in (DAILY_BARS, QUARANTINED_BARS)
    )


def _traded(lake: Lake, symbol: str, as_of: datetime | None) -> tuple[date | None, date | None]:
    own = lake.scan(DAILY_BARS, symbols=[symbol], as_of=as_of)
    first, last = own.select(first=pl.col("session").min(), last=pl.col("session").max()).collect().row(0)
    return first, last


def _listed(lake: Lake, session: date, as_of: datetime | None) -> list[str]:
    names: list[str] = (
        lake.scan(UNIVERSE, start=session, end=session, as_of=as_of).collect()["symbol"].to_list()
    )
    return names


def _renamed(lake: Lake, symbol: str, session: date, as_of: datetime | None) -> str:
    rows = lake.scan(UNIVERSE, end=session, symbols=[symbol], as_of=as_of)
    named = rows.filter(pl.col("renamed_to").is_not_null()).select(pl.col("renamed_to").last()).collect()
    return f"; it trades as {named.item()} since" if named.height and named.item() else ""
