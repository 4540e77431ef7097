"""Late corrections: the checks of sessions that are done, or done once more, along with the newest one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from resources.database.database import Database
from resources.platform import Platform
from trading_assets.errors import DataQualityError
from trading_assets.market_data.checking import (
    check_actions_by_session,
    check_bars,
    check_features,
    check_universe,
)
from trading_assets.market_data.findings import BEFORE_FEATURES, blocked_sessions
from trading_assets.tables.features import DAILY_FEATURES


def check_earlier_sessions(platform: Platform, sessions: Sequence[date], *, run_id: str) -> None:
    """Check earlier sessions again, and stop where one that was decided on must no longer be used.

    A session that failed its checks from the beginning was never decided on and does not stop later ones.

    Raises
    ------
    DataQualityError
        If a session with signals now fails a blocking check: today's features look back on it.
    """
    if not sessions:
        return
    check_universe(platform, sessions, run_id=run_id)
    check_bars(platform, sessions, run_id=run_id)
    check_actions_by_session(platform, sessions, run_id=run_id)
    _stop_if_decided(platform.database, sessions, BEFORE_FEATURES)


def check_earlier_features(platform: Platform, sessions: Sequence[date], *, run_id: str) -> None:
    """Check features that were made, or made again, of earlier sessions; stop where one that was decided on fails.

    Raises
    ------
    DataQualityError
        If a session with signals now fails a blocking check.
    """
    if sessions:
        check_features(platform, sessions, run_id=run_id)
        _stop_if_decided(platform.database, sessions, [DAILY_FEATURES.name])


def _stop_if_decided(database: Database, sessions: Sequence[date], tables: Sequence[str]) -> None:
    blocked = sorted(blocked_sessions(database, sessions, tables))
    if not blocked:
        return
    rows = database.fetch(
        "select distinct session from signals where session = any(%s) order by 1", (blocked,)
    )
    decided = [str(session) for (session,) in rows]
    if decided:
        where = f"from quality_findings where severity = 'error' and session >= '{decided[0]}'"
        raise DataQualityError(
            f"What the vendors report now of {', '.join(decided)} fails blocking checks, and decisions were made on it: "
            f'nothing new is decided. See the findings with: trading-assets sql "{where}"; have them corrected or accept '
            "them, or leave the past alone with TRADING_LOOK_BACK_SESSIONS=0, then run the session again"
        )
