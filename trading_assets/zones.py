"""Time zones in which instants are shown: what the header of a column calls one."""

from __future__ import annotations

from datetime import tzinfo


def zone_word(zone: tzinfo) -> str:
    """Return what headers call a zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> from zoneinfo import ZoneInfo
    >>> zone_word(ZoneInfo("America/New_York")), zone_word(UTC)
    ('New York', 'UTC')
    """
    return str(zone).rpartition("/")[2].replace("_", " ")
