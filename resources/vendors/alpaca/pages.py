"""Alpaca's pages: one JSON answer after the other through the client's own get, until there is no token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from alpaca.common.rest import RESTClient

from resources.raw.responses import RawResponse
from resources.vendors.alpaca.answers import unusable
from resources.vendors.http.policy import HttpGate


def pages(
    client: RESTClient, path: str, params: Mapping[str, Any], *, now: datetime, gate: HttpGate
) -> Iterator[tuple[dict[str, Any], RawResponse]]:
    """Yield each page as JSON, with the response that it came from.

    The client's own pager keeps everything, and follows a circle for ever.

    Raises
    ------
    VendorDataError
        If a page is not JSON, has no token field, was there before, or was announced and then holds nothing.
    """
    token, seen, asked_again = None, set(), False
    while True:
        with gate.capture(now) as kept:
            try:
                body = client.get(path, {**params, "page_token": token} if token else dict(params))
            except ValueError as error:
                raise unusable("Not JSON, or cut short", kept[-1]) from error
        if not isinstance(body, dict) or "next_page_token" not in body:
            raise unusable("Not a page of an answer", kept[-1])
        if token and not body["next_page_token"] and _holds_nothing(body):
            # the page before said that there is more: an empty end would be a gap that nobody sees
            if asked_again:
                raise unusable("A page that was announced holds nothing, twice", kept[-1])
            asked_again = True
            continue
        yield body, kept[-1]
        token = body["next_page_token"]
        if not token:
            return
        if token in seen:
            raise unusable("Pages go round in a circle", kept[-1])
        seen.add(token)


def _holds_nothing(body: Mapping[str, Any]) -> bool:
    return not any(value for name, value in body.items() if name != "next_page_token")


def group_of(body: Mapping[str, Any], name: str, response: RawResponse) -> dict[str, Any]:
    """Return the object ``name`` of a page; Alpaca writes null where it is empty.

    Raises
    ------
    VendorDataError
        If it is missing or something else.
    """
    if name not in body or not isinstance(body[name], dict | None):
        raise unusable(f"No {name} in the answer", response)
    return body[name] or {}
