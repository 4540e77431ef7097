"""Query parameters of the trading endpoints: text from a URL becomes a checked query, or a refusal."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from starlette.requests import Request

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.broker.format import parse_instant
from trading_assets.simulator.broker.order_listings import ActivityQuery, OrderQuery
from trading_assets.simulator.broker.refusals import bad_parameter

MAX_ORDERS = 500
MAX_ACTIVITIES = 100
_PERIOD_DAYS = {"D": 1, "W": 7, "M": 31, "A": 366}


def order_query(request: Request) -> OrderQuery:
    """Read the parameters of GET /v2/orders; raises Refused."""
    status = _choice(request, "status", "open", ("open", "closed", "all"))
    symbols = request.query_params.get("symbols", "")
    return OrderQuery(
        is_open={"open": True, "closed": False, "all": None}[status],
        symbols=tuple(symbol for symbol in symbols.split(",") if symbol),
        side=_choice(request, "side", "", ("", "buy", "sell")) or None,
        after=_instant(request, "after"),
        until=_instant(request, "until"),
        ascending=_choice(request, "direction", "desc", ("asc", "desc")) == "asc",
        limit=_size(request, "limit", 50, MAX_ORDERS),
    )


def activity_query(request: Request) -> ActivityQuery:
    """Read the parameters of GET /v2/account/activities; raises Refused."""
    kinds = request.path_params.get("kind") or request.query_params.get("activity_types", "")
    category = _choice(request, "category", "", ("", "trade_activity", "non_trade_activity"))
    on = day(request, "date")
    after, until = _instant(request, "after"), _instant(request, "until")
    if on is not None and (after is not None or until is not None):
        raise bad_parameter("date cannot be combined with after or until")
    return ActivityQuery(
        kinds=tuple(kind for kind in kinds.split(",") if kind),
        is_trade=None if not category else category == "trade_activity",
        after=after,
        until=until,
        day=on,
        ascending=_choice(request, "direction", "desc", ("asc", "desc")) == "asc",
        page_token=request.query_params.get("page_token") or None,
        page_size=_size(request, "page_size", MAX_ACTIVITIES, MAX_ACTIVITIES),
    )


def history_span(request: Request, at: datetime) -> tuple[date, date]:
    """Read the first and last day of a portfolio history that is asked for at ``at``; raises Refused."""
    if request.query_params.get("timeframe", "1D") != "1D":
        raise bad_parameter("this simulator keeps daily equity only: timeframe must be 1D")
    end_at = _instant(request, "end")
    end = day(request, "date_end") or (end_at or at).astimezone(NEW_YORK).date()
    start_at = _instant(request, "start")
    if start_at is not None:
        return start_at.astimezone(NEW_YORK).date(), end
    period = request.query_params.get("period", "1M")
    if period == "all":
        return date(1998, 1, 1), end
    if not period[:-1].isdigit() or period[-1] not in _PERIOD_DAYS:
        raise bad_parameter(f"invalid period: {period}")
    return end - timedelta(days=min(int(period[:-1]) * _PERIOD_DAYS[period[-1]], 20_000)), end


def _choice(request: Request, name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = request.query_params.get(name, default)
    if value not in allowed:
        raise bad_parameter(f"invalid {name}: {value}")
    return value


def _size(request: Request, name: str, default: int, largest: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= largest:
        raise bad_parameter(f"{name} must be between 1 and {largest}")
    return int(text)


def _instant(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        raise bad_parameter(f"invalid {name}: {text}") from None


def day(request: Request, name: str) -> date | None:
    """Read a date, None if it is not given; raises Refused."""
    at = _instant(request, name)
    if at is None:
        return None
    return at.astimezone(NEW_YORK).date()
