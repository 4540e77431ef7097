"""How far bars within a session have got: one row per (session, asset) in Postgres, with the end of the last bar it covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from resources.database.database import Database
from resources.database.writes import insert_many
from trading_assets.tables.bars import BarGrain
from trading_assets.tables.operations import HOURLY_PROGRESS

MOVE_ON = "(session, asset) do update set finished_until = excluded.finished_until, updated_at = excluded.updated_at"


def finished_until(
    sessions: Sequence[date], now: datetime, delay: timedelta, *, grain: BarGrain
) -> dict[date, datetime]:
    """Return the end of the last finished bar of each session that has one."""
    ends = {session: [end for _, end in grain.periods(session) if end + delay <= now] for session in sessions}
    return {session: finished[-1] for session, finished in ends.items() if finished}


def record_reach(database: Database, asset: str, until: Mapping[date, datetime], now: datetime) -> None:
    """Note that an asset covers each session's bars up to an instant."""
    rows = [
        {"session": session, "asset": asset, "finished_until": end, "updated_at": now}
        for session, end in until.items()
    ]
    with database.connection() as connection:
        insert_many(connection, HOURLY_PROGRESS, rows, conflict=MOVE_ON)


def reached(database: Database, asset: str, sessions: Sequence[date]) -> dict[date, datetime]:
    """Return how far an asset covers each of the sessions that it has begun."""
    return dict(
        database.fetch(
            "select session, finished_until from hourly_progress where asset = %s and session = any(%s)",
            (asset, list(sessions)),
        )
    )


def common_reach(database: Database, assets: Sequence[str], sessions: Sequence[date]) -> dict[date, datetime]:
    """Return how far all of the assets cover each session; sessions that one of them has not begun are left out."""
    each = [reached(database, asset, sessions) for asset in assets]
    return {
        session: min(reach[session] for reach in each)
        for session in sessions
        if all(session in reach for reach in each)
    }


def unfinished_sessions(
    database: Database,
    asset: str,
    sessions: Sequence[date],
    now: datetime,
    delay: timedelta,
    *,
    grain: BarGrain,
) -> list[date]:
    """List the sessions with a finished bar that the asset does not cover yet."""
    due, there = finished_until(sessions, now, delay, grain=grain), reached(database, asset, sessions)
    return [
        session
        for session in sessions
        if session in due and there.get(session, due[session] - timedelta(1)) < due[session]
    ]
