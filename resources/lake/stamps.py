"""Lake stamps: rows, content hash and last change of each session, kept in the footer of the file that holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

from resources.lake.files import Part, TableFolder, read_metadata
from trading_assets.errors import LakeError

_FOOTER = "trading_assets.sessions"


@dataclass(frozen=True)
class SessionStamp:
    """What a file's footer says about one of its sessions; ``written_at`` is the ``known_at`` of its last change."""

    rows: int
    content_hash: str
    written_at: datetime


def read_stamps(folder: TableFolder, part: Part) -> dict[date, SessionStamp]:
    """Return the stamps of a part's sessions, emptied ones included; empty if the part has no file."""
    metadata = read_metadata(folder.file(part))
    if not metadata:
        return {}
    if _FOOTER not in metadata:
        raise LakeError("A file in the lake was not written by it", path=folder.file(part))
    return {
        date.fromisoformat(day): SessionStamp(rows, content_hash, datetime.fromisoformat(written_at))
        for day, (rows, content_hash, written_at) in json.loads(metadata[_FOOTER]).items()
    }


def footer(stamps: dict[date, SessionStamp]) -> dict[str, str]:
    """Return stamps as Parquet key-value metadata."""
    content = {
        day.isoformat(): (stamp.rows, stamp.content_hash, stamp.written_at.isoformat())
        for day, stamp in sorted(stamps.items())
    }
    return {_FOOTER: json.dumps(content)}
