"""What PostgreSQL complains about, and what its user should do."""

from __future__ import annotations

import re

_ADVICE = (
    (
        r"No space left on device",
        "the disk is full: free some space and start again; nothing stored was lost",
    ),
    (r"Read-only file system", "the disk is read-only: choose a writable TRADING_DATA"),
    (
        r"incompatible with server|was initialized by PostgreSQL version",
        "the folder was made by another PostgreSQL version: move it away and restore a backup, or set TRADING_DATABASE_URL",
    ),
    (r"could not look up effective user ID", "this user has no name in /etc/passwd: start with a named user"),
    (
        r"invalid permissions|Permission denied|has wrong ownership|Operation not permitted",
        "the folder must belong to the user that starts the server and be closed to others (mode 0700)",
    ),
    (
        r"could not create shared memory|Cannot allocate memory",
        "the machine is out of memory: close other programs",
    ),
    (
        r"lock file .* already exists|pre-existing shared memory",
        "another server uses the folder: end it and start again",
    ),
    (
        r"could not locate a valid checkpoint record|invalid checkpoint record|PANIC",
        "the folder is damaged: move it away and restore a backup",
    ),
)


_COMPLAINT = re.compile(r"FATAL|PANIC|ERROR|error:|could not|No space left|Cannot allocate")


def advice_for(text: str) -> str | None:
    """Return what to do about the output of a PostgreSQL program; ``None`` when it is nothing known."""
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, text)), None)


def complaint(text: str) -> str:
    """Return the last line that complains."""
    lines = [line.strip() for line in text.splitlines() if _COMPLAINT.search(line)]
    return lines[-1] if lines else "it ended without a word"
