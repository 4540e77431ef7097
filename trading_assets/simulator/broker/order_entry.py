"""Order entry: a submitted JSON body becomes a checked request, or a refusal. Pure; knows no account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from trading_assets.simulator.broker.format import number
from trading_assets.simulator.broker.refusals import MALFORMED, Refused, bad_parameter, unprocessable
from trading_assets.simulator.market.price_path import tick_usd

TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
MAX_CLIENT_ORDER_ID = 128
MAX_SHARE_DECIMALS = 9
_NEEDS_LIMIT = ("limit", "stop_limit")
_NEEDS_STOP = ("stop", "stop_limit")


@dataclass(frozen=True)
class OrderRequest:
    """A well-formed order."""

    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_price: Decimal | None
    trail_percent: Decimal | None
    extended_hours: bool
    client_order_id: str | None

    @property
    def is_fractional(self) -> bool:
        """Whether it asks for part of a share."""
        return self.notional is not None or (self.qty is not None and self.qty % 1 != 0)


def parse_order(body: object) -> OrderRequest:
    """Read the body of POST /v2/orders; raises Refused."""
    if not isinstance(body, Mapping):
        raise Refused(400, MALFORMED, "request body format is invalid")
    order_class = body.get("order_class") or "simple"
    if order_class != "simple" or body.get("legs"):
        raise bad_parameter(f"order_class {order_class} is not supported by this simulator")
    request = OrderRequest(
        symbol=_text(body, "symbol"),
        side=_one_of(body, "side", ("buy", "sell")),
        type=_one_of(body, "type", TYPES),
        time_in_force=_one_of(body, "time_in_force", TIMES_IN_FORCE),
        qty=amount(body, "qty"),
        notional=amount(body, "notional"),
        limit_price=amount(body, "limit_price"),
        stop_price=amount(body, "stop_price"),
        trail_price=amount(body, "trail_price"),
        trail_percent=amount(body, "trail_percent"),
        extended_hours=bool(body.get("extended_hours")),
        client_order_id=client_order_id(body),
    )
    check_request(request)
    return request


def check_request(request: OrderRequest) -> None:
    """Check that the parts of an order fit each other; raises Refused."""
    _check_size(request)
    _check_prices(request)
    _check_time_in_force(request)


def client_order_id(body: Mapping[str, object]) -> str | None:
    """Read the caller's own id; raises Refused if it is too long."""
    value = body.get("client_order_id")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_CLIENT_ORDER_ID:
        raise bad_parameter(f"client_order_id must be no more than {MAX_CLIENT_ORDER_ID} characters")
    return value


def amount(body: Mapping[str, object], name: str) -> Decimal | None:
    """Read a positive number, written as a number or a string; raises Refused."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise bad_parameter(f"{name} must be a number")
    try:
        result = Decimal(str(value))
    except InvalidOperation:
        raise bad_parameter(f"{name} must be a number") from None
    if not result.is_finite() or result <= 0:
        raise bad_parameter(f"{name} must be > 0")
    return result.normalize()


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise bad_parameter(f"{name} is required")
    return value


def _one_of(body: Mapping[str, object], name: str, allowed: tuple[str, ...]) -> str:
    value = _text(body, name)
    if value not in allowed:
        raise bad_parameter(f"invalid {name}: {value}")
    return value


def _check_size(request: OrderRequest) -> None:
    if request.qty is None and request.notional is None:
        raise bad_parameter("qty or notional is required")
    if request.qty is not None and request.notional is not None:
        raise bad_parameter("only one of qty or notional is accepted")
    if request.qty is not None and _decimals(request.qty) > MAX_SHARE_DECIMALS:
        raise bad_parameter(f"qty must be limited to {MAX_SHARE_DECIMALS} decimal places")
    if request.notional is not None and _decimals(request.notional) > 2:
        raise unprocessable("notional value must be limited to 2 decimal places")
    if request.is_fractional and request.time_in_force != "day":
        raise unprocessable("fractional orders must be DAY orders")
    if request.notional is not None and request.type == "trailing_stop":
        raise unprocessable("notional orders cannot be trailing stop orders")


def _check_prices(request: OrderRequest) -> None:
    kind = request.type
    words = kind.replace("_", " ")
    has_limit, has_stop = request.limit_price is not None, request.stop_price is not None
    if has_limit and kind not in _NEEDS_LIMIT:
        raise bad_parameter(f"{words} orders require no limit price")
    if has_stop and kind not in _NEEDS_STOP:
        raise bad_parameter(f"{words} orders require no stop price")
    if not has_limit and kind in _NEEDS_LIMIT:
        raise bad_parameter(f"{words} orders require a limit price")
    if not has_stop and kind in _NEEDS_STOP:
        raise bad_parameter(f"{words} orders require a stop price")
    trails = (request.trail_price is not None) + (request.trail_percent is not None)
    if kind == "trailing_stop" and trails != 1:
        raise bad_parameter("trailing stop orders require exactly one of trail_price or trail_percent")
    if kind != "trailing_stop" and trails:
        raise bad_parameter(f"{words} orders require no trail")
    if request.trail_percent is not None and request.trail_percent >= 100:
        raise bad_parameter("trail_percent must be < 100")
    for name in ("limit_price", "stop_price"):
        price: Decimal | None = getattr(request, name)
        if price is not None and price % tick_usd(price) != 0:
            raise unprocessable(
                f"invalid {name} {number(price)}. sub-penny increment does not fulfill minimum pricing criteria"
            )


def _check_time_in_force(request: OrderRequest) -> None:
    if request.time_in_force in {"opg", "cls"} and request.type not in {"market", "limit"}:
        raise unprocessable(f"{request.time_in_force} orders must be market or limit orders")
    if request.type == "trailing_stop" and request.time_in_force not in {"day", "gtc"}:
        raise unprocessable("trailing stop orders must be DAY or GTC orders")
    if request.time_in_force in {"ioc", "fok"} and request.type not in {"market", "limit"}:
        raise unprocessable(f"{request.time_in_force} orders must be market or limit orders")
    if request.extended_hours and not (request.type == "limit" and request.time_in_force in {"day", "gtc"}):
        raise unprocessable("extended hours order must be DAY or GTC limit orders")


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
