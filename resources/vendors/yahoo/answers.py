"""Yahoo's answers: one named envelope with an error and a list of exactly one result."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from resources.raw.responses import RawResponse
from resources.vendors.json_body import parse_json
from resources.vendors.unusable import unusable_answer

unusable = partial(unusable_answer, "yahoo")
"""Describe an answer of this vendor that cannot be used."""


def only_result(
    response: RawResponse, key: str, *, symbol: str, what: str, answer: str
) -> Mapping[str, Any] | None:
    """Return the one result of an answer; ``None`` if Yahoo says that it has nothing of the symbol.

    Parameters
    ----------
    response
        Accepted answer.
    key
        Name of the envelope.
    symbol
        What was asked for.
    what, answer
        What the result and the answer are called in errors.

    Raises
    ------
    VendorDataError
        If the answer is cut short, reports another error, or has not exactly one result.
    """
    try:
        envelope = parse_json(response.body)[key]
        error, result = envelope["error"], envelope["result"]
    except (ValueError, KeyError, TypeError) as cause:
        raise unusable(f"Not a {what}, or cut short", response, symbol=symbol) from cause
    if error is not None:
        if response.status == 404 and isinstance(error, Mapping) and error.get("code") == "Not Found":
            return None
        raise unusable(f"The {answer} reports an error", response, symbol=symbol)
    if (
        response.status != 200
        or not isinstance(result, list)
        or len(result) != 1
        or not isinstance(result[0], Mapping)
    ):
        raise unusable(f"Not exactly one {what} in the answer", response, symbol=symbol)
    return result[0]
