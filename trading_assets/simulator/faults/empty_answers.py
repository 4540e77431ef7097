"""Empty answers: the answer of an endpoint with its rows taken out, well-formed as the vendor writes it."""

from __future__ import annotations

from typing import Any

import orjson

from trading_assets.simulator.wire import vendor_of

_POLYGON_COUNTS = ("queryCount", "resultsCount", "count")
_KEPT_WITHOUT_ROWS = ("meta",)


def emptied(path: str, body: bytes) -> bytes:
    """Return ``body`` without its rows; an answer that is no JSON object or list becomes an empty text."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return b""
    if isinstance(answer, list):
        return b"[]"
    if not isinstance(answer, dict):
        return b""
    vendor = vendor_of(path)
    if vendor == "polygon":
        answer = _polygon(answer)
    elif vendor == "yahoo":
        answer = {name: _yahoo(name, part) for name, part in answer.items()}
    else:
        answer = {
            name: None if name == "next_page_token" else _nothing(part) for name, part in answer.items()
        }
    return orjson.dumps(answer)


def _polygon(answer: dict[str, Any]) -> dict[str, Any]:
    counts = {name: 0 for name in _POLYGON_COUNTS if name in answer}
    rest = {name: value for name, value in answer.items() if name not in {"results", "next_url", "count"}}
    if "resultsCount" in counts:
        return {**rest, "queryCount": 0, "resultsCount": 0}  # aggregates then have no list at all
    return {**rest, "results": []}


def _yahoo(name: str, part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    result = part.get("result")
    if name == "chart" and result:
        metas = [item.get("meta", {}) for item in result]
        empty: list[dict[str, Any]] = [
            {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}} for meta in metas
        ]
    elif name == "quoteSummary" and result:
        empty = [{}]
    elif name == "timeseries" and result:
        empty = [{key: item[key] for key in _KEPT_WITHOUT_ROWS if key in item} for item in result]
    else:
        empty = []
    return {**part, "result": empty}


def _nothing(part: Any) -> Any:
    if isinstance(part, dict):
        return {}
    return [] if isinstance(part, list) else part
