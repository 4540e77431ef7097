"""Alpaca's answers: bodies become values, and statuses say whether anything happened."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import partial

import requests

from resources.broker import Answer, Outcome, SubmitResult
from resources.vendors.unusable import unusable_answer
from trading_assets.errors import (
    RateLimitedError,
    TradingError,
    TransientError,
    VendorDataError,
    VendorRefusedError,
)
from trading_assets.orders import (
    ActivityId,
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerOrderId,
    BrokerPosition,
    ClientOrderId,
    JsonObject,
    Side,
)
from trading_assets.sessions import NEW_YORK

unusable = partial(unusable_answer, "alpaca")
"""Describe an answer of this vendor that cannot be used."""

DUPLICATE_CODE = 40010001
UNDECIDED_STATUSES = frozenset({408, 409, 425})
MAX_RETRY_AFTER_SECONDS = 60.0
CASH_ONLY = frozenset({"CIL", "FEE", "CFEE", "PTC", "PTR", "CSD", "CSW", "JNLC", "ACATC"})
"""Kinds of activities that move cash and no shares."""


def parse_account(value: object) -> BrokerAccount:
    """Read Alpaca's account."""
    body = object_of(value)
    return BrokerAccount(
        account=_text(body, "account_number"),
        cash_usd=_decimal(body, "cash"),
        equity_usd=_decimal(body, "equity"),
        buying_power_usd=_decimal(body, "buying_power"),
        is_blocked=bool(body.get("trading_blocked") or body.get("account_blocked")),
        body=body,
    )


def parse_position(body: JsonObject) -> BrokerPosition:
    """Read one position; short ones become negative whatever sign Alpaca writes."""
    quantity = abs(_decimal(body, "qty"))
    return BrokerPosition(
        symbol=_text(body, "symbol"),
        quantity=-quantity if body.get("side") == "short" else quantity,
        average_cost_usd=_decimal(body, "avg_entry_price"),
        body=body,
    )


def parse_order(value: object) -> BrokerOrder:
    """Read one order.

    Raises
    ------
    VendorDataError
        If a field is missing or malformed.
    """
    body = object_of(value)
    return BrokerOrder(
        broker_order_id=BrokerOrderId(_text(body, "id")),
        client_order_id=ClientOrderId(_text(body, "client_order_id")),
        symbol=_text(body, "symbol"),
        side=_text(body, "side"),
        quantity=_optional(body, "qty"),
        order_type=_text(body, "type"),
        time_in_force=_text(body, "time_in_force"),
        limit_price_usd=_optional(body, "limit_price"),
        status=_text(body, "status"),
        filled_quantity=_optional(body, "filled_qty") or Decimal(0),
        average_fill_price_usd=_optional(body, "filled_avg_price"),
        submitted_at=_instant(body, "submitted_at") if body.get("submitted_at") else None,
        updated_at=_instant(body, "updated_at"),
        body=body,
    )


def parse_fill(body: JsonObject) -> BrokerFill:
    """Read one FILL activity."""
    return BrokerFill(
        activity_id=ActivityId(_text(body, "id")),
        broker_order_id=BrokerOrderId(_text(body, "order_id")),
        symbol=_text(body, "symbol"),
        side=_side(body),
        quantity=_decimal(body, "qty"),
        price_usd=_decimal(body, "price"),
        executed_at=_instant(body, "transaction_time"),
        body=body,
    )


def parse_activity(body: JsonObject) -> BrokerActivity:
    """Read one activity that is not a trade.

    The ``qty`` of a dividend and the like is what it was paid on, not what it added; one that was cancelled adds nothing.
    """
    kind = _text(body, "activity_type")
    is_cash = kind in CASH_ONLY or kind.startswith(("DIV", "INT"))
    is_void = str(body.get("status", "")).lower() in {"canceled", "cancelled"}
    return BrokerActivity(
        activity_id=ActivityId(_text(body, "id")),
        kind=kind,
        symbol=str(body["symbol"]) if body.get("symbol") else None,
        day=_day(body),
        cash_usd=Decimal(0) if is_void else _optional(body, "net_amount") or Decimal(0),
        shares=Decimal(0) if is_cash or is_void else _optional(body, "qty") or Decimal(0),
        body=body,
    )


def _day(body: JsonObject) -> date:
    if body.get("date") is None:
        return _instant(body, "transaction_time").astimezone(NEW_YORK).date()
    try:
        return date.fromisoformat(_text(body, "date")[:10])
    except ValueError as error:
        raise VendorDataError("The broker's answer has a malformed date", field="date") from error


def answer_of(response: requests.Response | None) -> Answer:
    """Keep what came back, if anything did."""
    return Answer(None) if response is None else Answer(response.status_code, response.text)


def refusal(response: requests.Response | None) -> SubmitResult:
    """Say what an answer other than success to a submission means."""
    answer = answer_of(response)
    code, message = _code_and_message(answer.text)
    status = answer.status or 0
    if status == 429:
        return SubmitResult(Outcome.RATE_LIMITED, answer, message, retry_after_seconds=_retry_after(response))
    if status == 401 or (status == 403 and code is None):
        return SubmitResult(Outcome.UNAUTHORISED, answer, message)
    if not 400 <= status < 500 or status in UNDECIDED_STATUSES or code is None:
        # A 4xx without Alpaca's code comes from something in between, which cannot speak for the broker.
        return SubmitResult(Outcome.AMBIGUOUS, answer, f"status {status}")
    if code == DUPLICATE_CODE and "client_order_id" in message:
        return SubmitResult(Outcome.DUPLICATE, answer, message)
    return SubmitResult(Outcome.REFUSED, answer, f"{code}: {message}")


def reading_error(path: str, response: requests.Response | None) -> TradingError:
    """Return the error that an answer other than success to anything else means."""
    answer = answer_of(response)
    code, message = _code_and_message(answer.text)
    if answer.status == 429:
        return RateLimitedError(
            "The broker's request quota is used up", retry_after_seconds=_retry_after(response), path=path
        )
    if answer.status is None or answer.status >= 500 or answer.status in UNDECIDED_STATUSES:
        return TransientError("The broker does not serve the request", path=path, status=answer.status)
    return VendorRefusedError(
        "The broker refuses the request", path=path, status=answer.status, code=code, reason=message
    )


def _code_and_message(text: str) -> tuple[int | None, str]:
    try:
        body = json.loads(text)
    except ValueError:
        return None, ""
    if not isinstance(body, dict):
        return None, ""
    code = body.get("code")
    return (code if isinstance(code, int) else None), str(body.get("message", ""))


def _retry_after(response: requests.Response | None) -> float:
    # Both stamps are the broker's own, so that no clock of ours is needed.
    if response is None:
        return 1.0
    headers = response.headers
    try:
        if "Retry-After" in headers:
            seconds = float(headers["Retry-After"])
        else:
            reset = datetime.fromtimestamp(float(headers["X-Ratelimit-Reset"]), UTC)
            seconds = (reset - parsedate_to_datetime(headers["Date"])).total_seconds()
    except (KeyError, ValueError, TypeError, OverflowError):
        seconds = 1.0
    return min(max(seconds, 1.0), MAX_RETRY_AFTER_SECONDS)


def object_of(value: object) -> JsonObject:
    """Insist on a JSON object."""
    if not isinstance(value, dict):
        raise VendorDataError("The broker's answer is not an object")
    return value


def objects(value: object) -> list[JsonObject]:
    """Insist on a JSON list of objects."""
    if not isinstance(value, list):
        raise VendorDataError("The broker's answer is not a list")
    return [object_of(item) for item in value]


def _text(body: JsonObject, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise VendorDataError("The broker's answer lacks a field", field=key)
    return value


def _side(body: JsonObject) -> Side:
    value = _text(body, "side")
    if value not in set(Side):
        raise VendorDataError("The broker booked a fill with a side that is not known", side=value)
    return Side(value)


def _decimal(body: JsonObject, key: str) -> Decimal:
    value = _optional(body, key)
    if value is None:
        raise VendorDataError("The broker's answer lacks a field", field=key)
    return value


def _optional(body: JsonObject, key: str) -> Decimal | None:
    value = body.get(key)
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise VendorDataError("The broker's answer has a malformed number", field=key) from error
    if not number.is_finite():
        raise VendorDataError("The broker's answer has a malformed number", field=key)
    return number


def _instant(body: JsonObject, key: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(body, key))
    except ValueError as error:
        raise VendorDataError("The broker's answer has a malformed time", field=key) from error
    if instant.tzinfo is None:
        raise VendorDataError("The broker's answer has a time without zone", field=key)
    return instant.astimezone(UTC)
