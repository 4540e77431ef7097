"""Polygon's answers: JSON with a status and a number of results, and the pages that follow one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from polygon import RESTClient

from resources.raw.responses import RawResponse
from resources.vendors.bars import field_without_figures, figures
from resources.vendors.json_body import parse_json
from resources.vendors.unusable import unusable_answer
from trading_assets.tables.bars import OHLCV

unusable = partial(unusable_answer, "polygon")
"""Describe an answer of this vendor that cannot be used."""

GOOD_STATUS = frozenset({"OK", "DELAYED"})


def answers(
    client: RESTClient,
    kept: list[RawResponse],
    *,
    counted: bool = False,
    enough: Callable[[list[dict[str, Any]]], bool] = lambda _: False,
) -> Iterator[dict[str, Any]]:
    """Yield the last answer of ``kept``, which the gate captures into, and those of the pages after it.

    Raises
    ------
    VendorDataError
        If an answer is not whole, the pages go round in a circle, or one was announced and then holds nothing.
    """
    seen: set[str] = set()
    path, asked_again = "", False
    while True:
        body = checked_answer(kept[-1], counted=counted)
        if path and not body["results"] and not body.get("next_url"):
            # the page before said that there is more: an empty end would be a gap that nobody sees
            if asked_again:
                raise unusable("A page that was announced holds nothing, twice", kept[-1])
            asked_again = True
            client._get(path=path, raw=True)
            continue
        yield body
        next_url = body.get("next_url")
        if not next_url or enough(body["results"]):
            return
        parts = urlsplit(next_url)
        path = f"{parts.path}?{parts.query}"
        if path in seen:
            raise unusable("Pages go round in a circle", kept[-1])
        seen.add(path)
        # the path alone, as the client itself pages: the host stays ours, and so does the key
        client._get(path=path, raw=True)


def checked_answer(response: RawResponse, *, counted: bool = False) -> dict[str, Any]:
    """Parse an answer and prove that its results are all there.

    Answers with bars (``counted``) carry ``resultsCount``; reference answers may carry a ``count`` of the page.

    Raises
    ------
    VendorDataError
        On truncated JSON, a wrong status, missing results or a wrong count.
    """
    try:
        body = parse_json(response.body)
    except ValueError as error:
        raise unusable("Not JSON, or cut short", response) from error
    if not isinstance(body, dict) or body.get("status") not in GOOD_STATUS:
        raise unusable("Not an answer with a good status", response)
    count = body.get("resultsCount" if counted else "count")
    rows = body.get("results")
    if rows is None:
        if count != 0:
            raise unusable("Results are missing, and no count says that there are none", response)
        rows = []
    if not isinstance(rows, list) or (counted and count is None) or count not in {None, len(rows)}:
        raise unusable("The number of results differs from the count", response, count=count)
    return {**body, "results": rows}


def bars_of(
    rows: list[dict[str, Any]],
    fields: Mapping[str, str],
    schema: Mapping[str, type[pl.DataType]],
    response: RawResponse,
    **facts: object,
) -> pl.DataFrame:
    """Turn results into columns: ``fields`` (by name, the vendor's key), and ``vwap`` and ``trade_count``.

    A price or volume that is missing, null or no finite number is null.

    Raises
    ------
    VendorDataError
        If a bar lacks its symbol or time, or most bars lack a field; ``facts`` are named in it.
    """
    wanted = {**fields, "vwap": "vw", "trade_count": "n"}
    identity = [name for name in fields if name not in OHLCV]
    try:
        frame = pl.DataFrame(
            {
                name: [row[key] for row in rows]
                if name in identity
                else figures([row.get(key) for row in rows], schema[name])
                for name, key in wanted.items()
            },
            schema=schema,
            strict=True,
        )
    except (KeyError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
        raise unusable(
            "A bar lacks a field or has a wrong one", response, **facts, reason=type(error).__name__
        ) from error
    if sum(frame.select(identity).null_count().row(0)):
        raise unusable("A bar has no symbol or time", response, **facts)
    if missing := field_without_figures(frame, fields):
        raise unusable("Most bars lack a field", response, **facts, field=missing)
    return frame
