"""JSON as vendors send it: what is within the standard, fast, and the bare NaN and Infinity of some encoders."""

from __future__ import annotations

import json
from typing import Any

import orjson


def parse_json(body: bytes) -> Any:
    """Return what a body says; NaN and infinities, which JSON has no word for, are floats.

    Raises
    ------
    ValueError
        If it is no JSON, or cut short.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body)
