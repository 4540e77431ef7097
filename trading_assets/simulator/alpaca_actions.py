"""Alpaca's corporate actions, grouped by kind, in pages."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator import alpaca_arguments
from trading_assets.simulator.adjustment import ratio_parts
from trading_assets.simulator.alpaca_arguments import WrongArgumentError
from trading_assets.simulator.market import ASSET_NAMESPACE
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.tape import Action
from trading_assets.simulator.wire import json_answer

_MAX_ACTIONS = 1000
_KINDS = {
    "forward_split": "forward_splits",
    "reverse_split": "reverse_splits",
    "cash_dividend": "cash_dividends",
}
_PAY_LAG = timedelta(days=21)


def corporate_actions(simulation: Simulation, request: Request) -> Response:
    """Answer /v1/corporate-actions."""
    query, now = request.query_params, simulation.now()
    today = now.astimezone(NEW_YORK).date()
    limit = alpaca_arguments.limit(query.get("limit"), 100, _MAX_ACTIONS)
    start = alpaca_arguments.instant(query["start"], "start").date() if query.get("start") else today
    end = alpaca_arguments.instant(query["end"], "end").date() if query.get("end") else today
    wanted = {symbol for symbol in query.get("symbols", "").split(",") if symbol}
    kinds = {kind for kind in query.get("types", "").split(",") if kind} or set(_KINDS)
    # the interval is one of process dates: the ex-date of a split, the pay date of a dividend
    actions = [
        (kind, processed, action)
        for action in simulation.market.actions(start - _PAY_LAG, end, known_at=now)
        for kind, processed in [_processing(action)]
        if start <= processed <= end and kind in kinds and (not wanted or action.symbol in wanted)
    ]
    actions.sort(key=lambda row: (row[1], row[2].symbol, row[0]), reverse=query.get("sort") == "desc")
    begin = _offset(query.get("page_token"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for kind, processed, action in actions[begin : begin + limit]:
        groups.setdefault(_KINDS[kind], []).append(_describe(kind, processed, action))
    more = begin + limit < len(actions)
    token = base64.urlsafe_b64encode(str(begin + limit).encode()).decode() if more else None
    return json_answer({"corporate_actions": groups, "next_page_token": token})


def _offset(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise WrongArgumentError("invalid page_token") from error


def _processing(action: Action) -> tuple[str, date]:
    if action.split_ratio is None:
        return "cash_dividend", action.ex_date + _PAY_LAG
    return ("forward_split" if action.split_ratio > 1 else "reverse_split"), action.ex_date


def _describe(kind: str, processed: date, action: Action) -> dict[str, Any]:
    return dict(_fields(kind, processed, action))


def _fields(kind: str, processed: date, action: Action) -> Iterator[tuple[str, Any]]:
    ex_date = action.ex_date.isoformat()
    yield "id", str(uuid.uuid5(ASSET_NAMESPACE, f"{kind} {action.symbol} {ex_date}"))
    yield "symbol", action.symbol
    cusip = uuid.uuid5(ASSET_NAMESPACE, f"cusip {action.symbol}").hex[:9].upper()
    if kind == "reverse_split":
        yield "old_cusip", cusip
        yield "new_cusip", uuid.uuid5(ASSET_NAMESPACE, f"cusip {action.symbol} {ex_date}").hex[:9].upper()
    else:
        yield "cusip", cusip
    if action.split_ratio is not None:
        new, old = ratio_parts(action.split_ratio)
        yield "new_rate", new
        yield "old_rate", old
    else:
        yield "rate", action.cash_usd
        yield "special", False
        yield "foreign", False
    yield "process_date", processed.isoformat()
    yield "ex_date", ex_date
    yield "record_date", (action.ex_date + timedelta(days=action.split_ratio is None)).isoformat()
    yield "payable_date", processed.isoformat()
