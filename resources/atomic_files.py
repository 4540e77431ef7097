"""Files that are replaced at once: a reader, or a crash at any moment, sees the old or the new content."""

from __future__ import annotations

import os
from pathlib import Path


def replace_bytes(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write ``content`` beside ``path``, force it to the disk and rename it into place."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def replace_text(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Replace a text file; see :func:`replace_bytes`."""
    replace_bytes(path, content.encode(), mode=mode)


def replace_text_if_changed(path: Path, content: str, *, mode: int = 0o600) -> bool:
    """Replace a text file unless it has this content already; say whether it was replaced."""
    if path.is_file() and path.read_text(encoding="utf-8") == content:
        return False
    replace_text(path, content, mode=mode)
    return True
