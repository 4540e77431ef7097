"""Yahoo's chart events: the dividends and splits that a chart tells, as rows per (symbol, ex-date, kind)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from resources.vendors.actions import ACTION_SCHEMA, finish_actions

CASH_DECIMALS = 6


def chart_events(events: Mapping[str, Any], symbol: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return the actions that one chart tells.

    Amounts of dividends come adjusted for every later split, those included by which Yahoo tells spin-offs: that is
    undone, so the chart must reach up to now.

    Raises
    ------
    KeyError, TypeError, ValueError, ZeroDivisionError
        If an event lacks a field or has a wrong one.
    """
    splits = [
        (_day(item, zone), float(item["numerator"]) / float(item["denominator"]))
        for item in (events.get("splits") or {}).values()
    ]
    rows: list[dict[str, Any]] = [
        {"symbol": symbol, "ex_date": day, "kind": "split", "split_ratio": ratio} for day, ratio in splits
    ]
    for key, item in (events.get("dividends") or {}).items():
        day, cash = _day(item, zone), float(item["amount"])
        for ex_date, ratio in splits:
            if ex_date > day:
                cash *= ratio
        rows.append(
            {
                "symbol": symbol,
                "ex_date": day,
                "kind": "cash_dividend",
                "cash_usd": round(cash, CASH_DECIMALS),
                "detail": str(key),
            }
        )
    return rows


def events_frame(rows: Sequence[Mapping[str, Any]], start: date, end: date) -> pl.DataFrame:
    """Return the actions of many charts with ex-dates from ``start`` to ``end``, as all sources of actions do."""
    return finish_actions(pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row"), start, end)


def _day(item: Mapping[str, Any], zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(int(item["date"]), zone).date()
