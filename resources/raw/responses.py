"""Raw responses: what a vendor answered, as it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RawResponse:
    """One response as it came: enough to parse it again, nothing secret."""

    url: str
    status: int
    fetched_at: datetime
    body: bytes
    request_id: str | None = None
