"""Rate headers: what one answer says about waiting, quota and the vendor's clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the vendor asks to wait: Retry-After (seconds or date), else the quota's reset.

    Parameters
    ----------
    headers
        Names in lower case.
    now
        Our clock; the vendor's own Date header is taken instead where it is there.
    """
    after = headers.get("retry-after")
    if after is not None:
        try:
            return max(0.0, float(after))
        except ValueError:
            moment = http_date(after)
            if moment is not None:
                return max(0.0, (moment - _vendor_now(headers, now)).total_seconds())
    return until_reset(headers, now)


def until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until the quota is full again, where the vendor says so (epoch seconds)."""
    try:
        reset = float(headers["x-ratelimit-reset"])
    except (KeyError, ValueError):
        return None
    return max(0.0, reset - _vendor_now(headers, now).timestamp())


def whole(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header that is a whole number, e.g. ``x-ratelimit-remaining``."""
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def http_date(text: str) -> datetime | None:
    """Return the instant of an HTTP date, ``None`` if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _vendor_now(headers: Mapping[str, str], now: datetime) -> datetime:
    # the vendor's own Date makes waits right even where the two clocks differ
    return http_date(headers.get("date", "")) or now
