"""Alpaca's corporate actions: each of its thirteen kinds as a row per (symbol, ex-date, kind)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
from alpaca.data.historical.corporate_actions import CorporateActionsClient

from resources.clock import Clock
from resources.raw.store import PackedResponse, PackedResponses, pack
from resources.vendors.actions import ACTION_SCHEMA, finish_actions
from resources.vendors.alpaca.answers import unusable
from resources.vendors.alpaca.pages import group_of, pages
from resources.vendors.http.policy import HttpGate
from resources.vendors.protocol import Fetched, Progress

ACTIONS_PER_PAGE = 1000
PROCESS_LEAD = timedelta(days=7)
PROCESS_LAG = timedelta(days=60)
Item = Mapping[str, Any]


def fetch_actions(
    client: CorporateActionsClient,
    start: date,
    end: date,
    *,
    gate: HttpGate,
    clock: Clock,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch actions with ex-dates from ``start`` to ``end``.

    Without dates Alpaca answers for today alone. The interval that it is asked for is one of process dates, which for
    a split is the ex-date and for a dividend the day of payment, weeks later: so it is wider, and cut here. A
    dividend that is paid later than `PROCESS_LAG` after its ex-date is not seen.

    Raises
    ------
    VendorDataError
        If an action lacks a field or has a wrong one.
    """
    params = {
        "start": (start - PROCESS_LEAD).isoformat(),
        "end": (end + PROCESS_LAG).isoformat(),
        "limit": ACTIONS_PER_PAGE,
        "sort": "asc",
    }
    rows: list[dict[str, Any]] = []
    left_out: dict[str, int] = {}
    packed: list[PackedResponse] = []
    for body, response in pages(client, "/corporate-actions", params, now=clock.now(), gate=gate):
        try:
            for kind, items in group_of(body, "corporate_actions", response).items():
                if kind in KINDS:
                    rows += [KINDS[kind](item) for item in items]
                elif items:
                    left_out[kind] = left_out.get(kind, 0) + len(items)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise unusable(
                "A corporate action lacks a field or has a wrong one", response, reason=type(error).__name__
            ) from error
        packed.append(pack(response))
        if progress:
            progress(len(packed), len(packed) + bool(body["next_page_token"]))
    frame = finish_actions(pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row"), start, end)
    return Fetched(frame, PackedResponses(packed), left_out=left_out)


def _split(item: Item) -> dict[str, Any]:
    return _row(
        item["symbol"], item["ex_date"], "split", split_ratio=_ratio(item["new_rate"], item["old_rate"])
    )


def _stock_dividend(item: Item) -> dict[str, Any]:
    return _row(item["symbol"], item["ex_date"], "split", split_ratio=1 + float(item["rate"]))


def _unit_split(item: Item) -> dict[str, Any]:
    # a unit ends: its shares trade on under one symbol, its warrants under the alternate one
    return _row(
        item["old_symbol"],
        item["effective_date"],
        "symbol_change",
        new_symbol=item["new_symbol"],
        share_ratio=_ratio(item["new_rate"], item["old_rate"]),
    )


def _cash_dividend(item: Item) -> dict[str, Any]:
    detail = f"{item.get('special')} {item.get('id')}"
    return _row(item["symbol"], item["ex_date"], "cash_dividend", cash_usd=float(item["rate"]), detail=detail)


def _spin_off(item: Item) -> dict[str, Any]:
    return _row(
        item["source_symbol"],
        item["ex_date"],
        "spin_off",
        new_symbol=item["new_symbol"],
        share_ratio=_ratio(item["new_rate"], item["source_rate"]),
    )


def _rights(item: Item) -> dict[str, Any]:
    # rights are shares of something new, as in a spin-off
    return _row(
        item["source_symbol"],
        item["ex_date"],
        "spin_off",
        new_symbol=item["new_symbol"],
        share_ratio=float(item["rate"]),
    )


def _name_change(item: Item) -> dict[str, Any]:
    return _row(item["old_symbol"], item["process_date"], "symbol_change", new_symbol=item["new_symbol"])


def _cash_merger(item: Item) -> dict[str, Any]:
    return _row(
        item["acquiree_symbol"],
        item["effective_date"],
        "delisting",
        new_symbol=item.get("acquirer_symbol"),
        cash_usd=float(item["rate"]),
    )


def _stock_merger(item: Item) -> dict[str, Any]:
    return _row(
        item["acquiree_symbol"],
        item["effective_date"],
        "delisting",
        new_symbol=item["acquirer_symbol"],
        share_ratio=_ratio(item["acquirer_rate"], item["acquiree_rate"]),
    )


def _stock_and_cash_merger(item: Item) -> dict[str, Any]:
    return {**_stock_merger(item), "cash_usd": _ratio(item["cash_rate"], item["acquiree_rate"])}


def _redemption(item: Item) -> dict[str, Any]:
    return _row(item["symbol"], item["process_date"], "delisting", cash_usd=float(item["rate"]))


def _worthless_removal(item: Item) -> dict[str, Any]:
    return _row(item["symbol"], item["process_date"], "delisting", cash_usd=0.0)


def _row(symbol: str, day: str, kind: str, **values: object) -> dict[str, Any]:
    return {"symbol": symbol, "ex_date": date.fromisoformat(day), "kind": kind, **values}


def _ratio(new: object, old: object) -> float:
    return float(str(new)) / float(str(old))


KINDS: dict[str, Callable[[Item], dict[str, Any]]] = {
    "forward_splits": _split,
    "reverse_splits": _split,
    "unit_splits": _unit_split,
    "stock_dividends": _stock_dividend,
    "cash_dividends": _cash_dividend,
    "spin_offs": _spin_off,
    "rights_distributions": _rights,
    "name_changes": _name_change,
    "cash_mergers": _cash_merger,
    "stock_mergers": _stock_merger,
    "stock_and_cash_mergers": _stock_and_cash_merger,
    "redemptions": _redemption,
    "worthless_removals": _worthless_removal,
}
"""By the name of Alpaca's group. What it adds later is counted as left out, by name."""
