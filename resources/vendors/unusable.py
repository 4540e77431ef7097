"""Unusable answers: the error about one that arrived whole and still cannot be stored."""

from __future__ import annotations

from resources.raw.responses import RawResponse
from trading_assets.errors import VendorDataError

EXCERPT = 160
"""So many characters of the answer are shown with the error."""


def unusable(what: str) -> str:
    """Return the message about an answer in which something is wrong, with what to do."""
    return f"{what}. Nothing of it was stored: try again, and tell the vendor if it stays so"


def unusable_answer(vendor: str, message: str, response: RawResponse, **facts: object) -> VendorDataError:
    """Describe a captured answer that cannot be used; what a gate captures has no secrets in it."""
    return VendorDataError(
        unusable(message),
        vendor=vendor,
        url=response.url,
        excerpt=response.body.decode("utf-8", "replace")[:EXCERPT],
        **facts,
    )
