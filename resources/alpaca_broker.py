"""Alpaca's trading API through alpaca-py's own client: one request a call, every answer classified."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from requests.adapters import HTTPAdapter

from resources.broker import (
    Answer,
    BrokerAccount,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    JsonObject,
    OrderRequest,
    Outcome,
    SubmitResult,
)
from trading_assets.errors import (
    ConfigurationError,
    RateLimitedError,
    TransientError,
    UnknownOutcomeError,
    VendorDataError,
    VendorRefusedError,
)

PAPER_URL = "https://paper-api.alpaca.markets"
LIVE_URL = "https://api.alpaca.markets"
DUPLICATE_CODE = 40010001
ORDERS_PAGE = 500
FILLS_PAGE = 100
ORDERS_OVERLAP = timedelta(milliseconds=1)
UNDECIDED_STATUSES = frozenset({408, 409, 425})
MAX_RETRY_AFTER_SECONDS = 60.0


class _TimedAdapter(HTTPAdapter):
    # alpaca-py passes no timeout, so that a silent peer would hold the submitter for ever.
    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = self._timeout
        return super().send(request, *args, **kwargs)


class AlpacaBroker:
    """The ``Broker`` protocol over Alpaca.

    Parameters
    ----------
    base_url
        Alpaca's paper or live host, or the market simulator.
    api_key, secret_key
        Never shown: errors carry the broker's answer only.
    live_account
        In live mode, the account number that the broker must report; ``account`` refuses any other.
    timeout_seconds
        Bound on connecting and on each wait for bytes.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        secret_key: str,
        live_account: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._client = TradingClient(
            api_key, secret_key, paper=live_account is None, raw_data=True, url_override=base_url.rstrip("/")
        )
        self._client._retry = 0  # alpaca-py repeats POST on 504 by itself and offers no other switch
        self._session = self._client._session
        self._session.mount("http://", _TimedAdapter(timeout_seconds))
        self._session.mount("https://", _TimedAdapter(timeout_seconds))
        self._session.hooks["response"].append(self._remember)
        self._live_account = live_account
        self._last: requests.Response | None = None
        self._lock = threading.Lock()

    def account(self) -> BrokerAccount:
        """Return the account.

        Raises
        ------
        ConfigurationError
            If live trading was configured for another account number.
        """
        body = _object(self._get("/account"))
        number = _text(body, "account_number")
        if self._live_account is not None and number != self._live_account:
            raise ConfigurationError(
                "The broker's account is not TRADING_LIVE_ACCOUNT: check the keys or the setting"
            )
        return BrokerAccount(
            account=number,
            cash_usd=_decimal(body, "cash"),
            equity_usd=_decimal(body, "equity"),
            buying_power_usd=_decimal(body, "buying_power"),
            is_blocked=bool(body.get("trading_blocked") or body.get("account_blocked")),
            body=body,
        )

    def positions(self) -> Sequence[BrokerPosition]:
        """List what the account holds."""
        found = []
        for body in _objects(self._get("/positions")):
            quantity = abs(_decimal(body, "qty"))
            found.append(
                BrokerPosition(
                    symbol=_text(body, "symbol"),
                    quantity=-quantity if body.get("side") == "short" else quantity,
                    average_cost_usd=_decimal(body, "avg_entry_price"),
                    body=body,
                )
            )
        return found

    def submit(self, order: OrderRequest) -> SubmitResult:
        """Send the order once and say what the answer means."""
        payload: dict[str, object] = {
            "symbol": order.symbol,
            "qty": _plain(order.quantity),
            "side": order.side,
            "type": order.order_type,
            "time_in_force": order.time_in_force,
            "client_order_id": order.client_order_id,
        }
        if order.limit_price_usd is not None:
            payload["limit_price"] = _plain(order.limit_price_usd)
        with self._lock:
            self._last = None
            try:
                body = self._client.post("/orders", payload)
            except APIError:
                return _refusal(self._last)
            except (requests.RequestException, ValueError) as error:
                return SubmitResult(Outcome.AMBIGUOUS, _answer(self._last), type(error).__name__)
            answer = _answer(self._last)
        if answer.status is None or not 200 <= answer.status < 300:
            return SubmitResult(Outcome.AMBIGUOUS, answer, f"unexpected status {answer.status}")
        try:
            return SubmitResult(Outcome.ACCEPTED, answer, order=parse_order(_object(body)))
        except VendorDataError as error:
            return SubmitResult(Outcome.AMBIGUOUS, answer, error.message)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """Look an order up by the id that we gave it."""
        try:
            return parse_order(
                _object(self._get("/orders:by_client_order_id", {"client_order_id": client_order_id}))
            )
        except VendorRefusedError as error:
            if error.facts.get("status") == 404 and error.facts.get("code") is not None:
                return None
            raise

    def orders(self, since: datetime) -> Sequence[BrokerOrder]:
        """List orders submitted after ``since``; pages by time, because Alpaca has no page token here."""
        found: dict[str, BrokerOrder] = {}
        after = since
        while True:
            page = [
                parse_order(body)
                for body in _objects(
                    self._get(
                        "/orders",
                        {
                            "status": "all",
                            "after": _iso(after),
                            "direction": "asc",
                            "limit": ORDERS_PAGE,
                            "nested": "false",
                        },
                    )
                )
            ]
            fresh = [order for order in page if order.broker_order_id not in found]
            found.update((order.broker_order_id, order) for order in fresh)
            stamps = [order.submitted_at for order in page if order.submitted_at]
            if len(page) < ORDERS_PAGE or not stamps:
                return list(found.values())
            # `after` is strict: step back a little, so that orders of one instant are not cut by a page.
            step = max(stamps) - ORDERS_OVERLAP
            if not fresh or step <= after:
                raise VendorDataError("More orders share one instant than fit a page", at=_iso(after))
            after = step

    def fills(self, since: datetime) -> Sequence[BrokerFill]:
        """List executions after ``since`` over all pages."""
        found: dict[str, BrokerFill] = {}
        token: str | None = None
        while True:
            query: dict[str, object] = {
                "after": _iso(since),
                "direction": "asc",
                "page_size": FILLS_PAGE,
            }
            if token is not None:
                query["page_token"] = token
            page = [_fill(body) for body in _objects(self._get("/account/activities/FILL", query))]
            fresh = [fill for fill in page if fill.activity_id not in found]
            found.update((fill.activity_id, fill) for fill in fresh)
            if len(page) < FILLS_PAGE:
                return list(found.values())
            if not fresh:
                raise VendorDataError("The broker repeats a page of fills", page_token=token)
            token = page[-1].activity_id

    def cancel(self, broker_order_id: str) -> bool:
        """Ask to cancel one order; False if it is gone or can no longer be cancelled."""
        try:
            self._call("DELETE", f"/orders/{broker_order_id}")
        except VendorRefusedError as error:
            if error.facts.get("status") in {404, 422}:
                return False
            raise
        except (TransientError, VendorDataError) as error:
            raise UnknownOutcomeError(
                "Whether the cancellation arrived is open: read the order again",
                broker_order_id=broker_order_id,
            ) from error
        return True

    def _remember(self, response: requests.Response, *_: object, **__: object) -> None:
        self._last = response

    def _get(self, path: str, query: Mapping[str, object] | None = None) -> object:
        return self._call("GET", path, query)

    def _call(
        self, method: Literal["GET", "DELETE"], path: str, query: Mapping[str, object] | None = None
    ) -> object:
        call = self._client.get if method == "GET" else self._client.delete
        with self._lock:
            self._last = None
            try:
                body: object = call(path, dict(query) if query else None)
            except APIError as error:
                raise _reading_error(path, self._last) from error
            except requests.JSONDecodeError as error:
                raise VendorDataError("The broker's answer is not JSON", path=path) from error
            except requests.RequestException as error:
                raise TransientError(
                    "The broker does not answer", path=path, cause=type(error).__name__
                ) from error
            return body


def parse_order(body: JsonObject) -> BrokerOrder:
    """Read one Alpaca order.

    Raises
    ------
    VendorDataError
        If a field is missing or malformed.
    """
    return BrokerOrder(
        broker_order_id=_text(body, "id"),
        client_order_id=_text(body, "client_order_id"),
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


def _fill(body: JsonObject) -> BrokerFill:
    return BrokerFill(
        activity_id=_text(body, "id"),
        broker_order_id=_text(body, "order_id"),
        symbol=_text(body, "symbol"),
        side=_text(body, "side"),
        quantity=_decimal(body, "qty"),
        price_usd=_decimal(body, "price"),
        executed_at=_instant(body, "transaction_time"),
        body=body,
    )


def _answer(response: requests.Response | None) -> Answer:
    return Answer(None) if response is None else Answer(response.status_code, response.text)


def _refusal(response: requests.Response | None) -> SubmitResult:
    answer = _answer(response)
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


def _reading_error(path: str, response: requests.Response | None) -> Exception:
    answer = _answer(response)
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


def _object(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise VendorDataError("The broker's answer is not an object")
    return value


def _objects(value: object) -> list[JsonObject]:
    if not isinstance(value, list):
        raise VendorDataError("The broker's answer is not a list")
    return [_object(item) for item in value]


def _text(body: JsonObject, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise VendorDataError("The broker's answer lacks a field", field=key)
    return value


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


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
