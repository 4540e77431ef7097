"""Alpaca's trading API through alpaca-py's own client: one request a call, every answer classified."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from requests.adapters import HTTPAdapter

from resources.broker import Answer, Outcome, SubmitResult
from resources.vendors.alpaca.access import alpaca_keys, trading_host
from resources.vendors.alpaca.answers import (
    answer_of,
    objects,
    parse_account,
    parse_activity,
    parse_fill,
    parse_order,
    parse_position,
    reading_error,
    refusal,
)
from resources.vendors.endpoints import reach_of
from trading_assets.errors import (
    ConfigurationError,
    TransientError,
    UnknownOutcomeError,
    VendorDataError,
    VendorRefusedError,
)
from trading_assets.orders import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerOrderId,
    BrokerPosition,
    ClientOrderId,
    JsonObject,
    OrderRequest,
)
from trading_assets.settings import Settings

ORDERS_PAGE = 500
ACTIVITIES_PAGE = 100
ORDERS_OVERLAP = timedelta(milliseconds=1)


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
        account = parse_account(self._get("/account"))
        if self._live_account is not None and account.account != self._live_account:
            raise ConfigurationError(
                "The broker's account is not TRADING_LIVE_ACCOUNT: check the keys or the setting"
            )
        return account

    def positions(self) -> Sequence[BrokerPosition]:
        """List what the account holds."""
        return [parse_position(body) for body in objects(self._get("/positions"))]

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
                return refusal(self._last)
            except requests.JSONDecodeError:
                return SubmitResult(Outcome.AMBIGUOUS, answer_of(self._last), "the answer is not JSON")
            except requests.RequestException as error:
                return SubmitResult(Outcome.AMBIGUOUS, Answer(None), type(error).__name__)
            answer = answer_of(self._last)
        if answer.status is None or not 200 <= answer.status < 300:
            return SubmitResult(Outcome.AMBIGUOUS, answer, f"unexpected status {answer.status}")
        try:
            return SubmitResult(Outcome.ACCEPTED, answer, order=parse_order(body))
        except VendorDataError as error:
            return SubmitResult(Outcome.AMBIGUOUS, answer, error.message)

    def order_by_client_id(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        """Look an order up by the id that we gave it."""
        try:
            return parse_order(self._get("/orders:by_client_order_id", {"client_order_id": client_order_id}))
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
                for body in objects(
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
        return [
            parse_fill(body) for body in self._activities("/account/activities/FILL", {"after": _iso(since)})
        ]

    def activities(self, since: datetime) -> Sequence[BrokerActivity]:
        """List dividends, fees, splits and the like after ``since`` over all pages."""
        query = {"after": _iso(since), "category": "non_trade_activity"}
        return [parse_activity(body) for body in self._activities("/account/activities", query)]

    def _activities(self, path: str, query: Mapping[str, object]) -> list[JsonObject]:
        found: dict[str, JsonObject] = {}
        token: str | None = None
        while True:
            paging = {"direction": "asc", "page_size": ACTIVITIES_PAGE}
            page = objects(self._get(path, {**query, **paging, **({"page_token": token} if token else {})}))
            before = len(found)
            found.update((str(body.get("id")), body) for body in page)
            if len(page) < ACTIVITIES_PAGE:
                return list(found.values())
            if len(found) == before:
                raise VendorDataError("The broker repeats a page of activities", page_token=token)
            token = str(page[-1].get("id"))

    def cancel(self, broker_order_id: BrokerOrderId) -> bool:
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
                raise reading_error(path, self._last) from error
            except requests.JSONDecodeError as error:
                raise VendorDataError("The broker's answer is not JSON", path=path) from error
            except requests.RequestException as error:
                raise TransientError(
                    "The broker does not answer", path=path, cause=type(error).__name__
                ) from error
            return body


def broker_for(settings: Settings, simulator_url: str | None) -> AlpacaBroker:
    """Return the broker of this mode: the simulator, Alpaca's paper account, or the live account."""
    key, secret = alpaca_keys(settings)
    return AlpacaBroker(
        trading_host(settings, reach_of(settings, simulator_url)),
        api_key=key,
        secret_key=secret,
        live_account=settings.live_account,
    )


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
