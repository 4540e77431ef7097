"""Corporate actions of one day merged and checked again, as after a person's decision about one of them."""

from __future__ import annotations

from datetime import date

from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.checking import check_actions
from trading_assets.market_data.corporate_actions import merge_range


def settle_actions(platform: Platform, ex_date: date, *, run_id: str) -> None:
    """Merge what the vendors reported of a day with what was decided, and replace the findings about it."""
    session = ex_date if calendar.is_session(ex_date) else calendar.next_session(ex_date)
    merge_range(platform, ex_date, session)
    check_actions(platform, [session], run_id=run_id, ahead=False)
