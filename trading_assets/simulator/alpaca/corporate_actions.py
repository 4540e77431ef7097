"""Alpaca's corporate actions: one row an event, grouped by Alpaca's thirteen kinds, in pages."""

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
from trading_assets.simulator.alpaca import arguments
from trading_assets.simulator.alpaca.arguments import WrongArgumentError
from trading_assets.simulator.market.adjustment import ratio_parts
from trading_assets.simulator.market.protocol import ASSET_NAMESPACE
from trading_assets.simulator.market.tape import Action
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer

_MAX_ACTIONS = 1000
_GROUPS = {
    "reverse_split": "reverse_splits",
    "forward_split": "forward_splits",
    "unit_split": "unit_splits",
    "cash_dividend": "cash_dividends",
    "stock_dividend": "stock_dividends",
    "spin_off": "spin_offs",
    "cash_merger": "cash_mergers",
    "stock_merger": "stock_mergers",
    "stock_and_cash_merger": "stock_and_cash_mergers",
    "redemption": "redemptions",
    "name_change": "name_changes",
    "worthless_removal": "worthless_removals",
    "rights_distribution": "rights_distributions",
}
_PAY_LAG = timedelta(days=21)


def corporate_actions(simulation: Simulation, request: Request) -> Response:
    """Answer /v1/corporate-actions."""
    query, now = request.query_params, simulation.now()
    today = now.astimezone(NEW_YORK).date()
    limit = arguments.limit(query.get("limit"), 100, _MAX_ACTIONS)
    start = arguments.instant(query["start"], "start").date() if query.get("start") else today
    end = arguments.instant(query["end"], "end").date() if query.get("end") else today
    wanted = {symbol for symbol in query.get("symbols", "").split(",") if symbol}
    kinds = {kind for kind in query.get("types", "").split(",") if kind} or set(_GROUPS)
    for kind in sorted(kinds - set(_GROUPS)):
        raise WrongArgumentError(f"invalid corporate action type: {kind}")
    # the interval is one of process dates: the ex-date, but the pay date of a dividend
    actions = [
        (kind, processed, action)
        for action in simulation.market.actions(start - _PAY_LAG, end, known_at=now)
        for kind, processed in [_processing(action)]
        if start <= processed <= end
        and kind in kinds
        and (not wanted or {action.symbol, action.new_symbol} & wanted)
    ]
    actions.sort(key=lambda row: (row[1], row[2].symbol, row[0]), reverse=query.get("sort") == "desc")
    begin = _offset(query.get("page_token"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for kind, processed, action in actions[begin : begin + limit]:
        groups.setdefault(_GROUPS[kind], []).append(dict(_fields(kind, processed, action)))
    more = begin + limit < len(actions)
    token = base64.urlsafe_b64encode(str(begin + limit).encode()).decode() if more else None
    return json_answer({"corporate_actions": groups, "next_page_token": token})


def _offset(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise WrongArgumentError("invalid page_token") from error


def _processing(action: Action) -> tuple[str, date]:
    if action.kind == "split":
        return ("forward_split" if (action.split_ratio or 1.0) > 1 else "reverse_split"), action.ex_date
    if action.kind == "cash_dividend":
        return "cash_dividend", action.ex_date + _PAY_LAG
    kinds = {"spin_off": "spin_off", "symbol_change": "name_change"}
    return kinds.get(action.kind) or action.detail or "worthless_removal", action.ex_date


def _fields(kind: str, processed: date, action: Action) -> Iterator[tuple[str, Any]]:
    yield "id", str(uuid.uuid5(ASSET_NAMESPACE, f"{kind} {action.symbol} {action.ex_date.isoformat()}"))
    yield from _PARTIES[kind](action)
    yield "process_date", processed.isoformat()
    if kind.endswith("merger"):
        yield "effective_date", action.ex_date.isoformat()
    elif kind not in {"name_change", "worthless_removal"}:
        yield "ex_date", action.ex_date.isoformat()
        yield "record_date", (action.ex_date + timedelta(days=kind == "cash_dividend")).isoformat()
    if kind not in {"name_change", "worthless_removal"}:
        yield "payable_date", processed.isoformat()


def _split(action: Action) -> Iterator[tuple[str, Any]]:
    new, old = ratio_parts(action.split_ratio or 1.0)
    yield "symbol", action.symbol
    if new >= old:
        yield "cusip", _cusip(action.symbol)
    else:
        yield "old_cusip", _cusip(action.symbol)
        yield "new_cusip", _cusip(f"{action.symbol} {action.ex_date.isoformat()}")
    yield "new_rate", new
    yield "old_rate", old


def _dividend(action: Action) -> Iterator[tuple[str, Any]]:
    yield "symbol", action.symbol
    yield "cusip", _cusip(action.symbol)
    yield "rate", action.cash_usd
    yield "special", False
    yield "foreign", False


def _spin_off(action: Action) -> Iterator[tuple[str, Any]]:
    yield "source_symbol", action.symbol
    yield "source_cusip", _cusip(action.symbol)
    yield "source_rate", 1
    yield "new_symbol", action.new_symbol
    yield "new_cusip", _cusip(str(action.new_symbol))
    yield "new_rate", action.share_ratio


def _name_change(action: Action) -> Iterator[tuple[str, Any]]:
    yield "old_symbol", action.symbol
    yield "old_cusip", _cusip(action.symbol)
    yield "new_symbol", action.new_symbol
    yield "new_cusip", _cusip(str(action.new_symbol))


def _removal(action: Action) -> Iterator[tuple[str, Any]]:
    yield "symbol", action.symbol
    yield "cusip", _cusip(action.symbol)


def _cash_merger(action: Action) -> Iterator[tuple[str, Any]]:
    # the acquirer is private
    yield "acquiree_symbol", action.symbol
    yield "acquiree_cusip", _cusip(action.symbol)
    yield "rate", action.cash_usd


def _stock_merger(action: Action) -> Iterator[tuple[str, Any]]:
    yield "acquirer_symbol", action.new_symbol
    yield "acquirer_cusip", _cusip(str(action.new_symbol))
    yield "acquirer_rate", action.share_ratio
    yield "acquiree_symbol", action.symbol
    yield "acquiree_cusip", _cusip(action.symbol)
    yield "acquiree_rate", 1


def _stock_and_cash_merger(action: Action) -> Iterator[tuple[str, Any]]:
    yield from _stock_merger(action)
    yield "cash_rate", action.cash_usd


_PARTIES = {
    "forward_split": _split,
    "reverse_split": _split,
    "cash_dividend": _dividend,
    "spin_off": _spin_off,
    "name_change": _name_change,
    "worthless_removal": _removal,
    "cash_merger": _cash_merger,
    "stock_merger": _stock_merger,
    "stock_and_cash_merger": _stock_and_cash_merger,
}


def _cusip(name: str) -> str:
    return uuid.uuid5(ASSET_NAMESPACE, f"cusip {name}").hex[:9].upper()
