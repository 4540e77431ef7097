"""Processes of this machine: what tells one from another, and how to end one for certain."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

_POLL_SECONDS = 0.01
_HAS_PROC = Path("/proc/self/stat").is_file()
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


def detached() -> dict[str, Any]:
    """Return arguments for :class:`subprocess.Popen` that keep a child out of the terminal's reach: Ctrl-C is not for it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True, "umask": 0o077}


def adopt_child(process: subprocess.Popen[bytes]) -> None:
    """Remember a child that outlives the function that started it, so that it is reaped when it ends."""
    _CHILDREN[process.pid] = process


def _reap(pid: int) -> None:
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del _CHILDREN[pid]


@lru_cache(maxsize=1)
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _linux_identity(pid: int) -> str | None:
    # Ticks since boot, not a time of day: setting the clock must not make living processes look like others.
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else f"{_boot_id()}/{fields[19]}"


def process_identity(pid: int) -> str | None:
    """Return what tells this process from any other that ever had its number; ``None`` when it has ended.

    It is the process's create time: on Linux in ticks since a named boot, elsewhere as psutil reports it.
    A process that has ended but was not yet waited for counts as ended.
    """
    _reap(pid)
    if _HAS_PROC:
        return _linux_identity(pid)
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None


def is_running(pid: int, identity: str) -> bool:
    """Say whether the very process that had this identity still runs."""
    return process_identity(pid) == identity


def wait_until_ended(pid: int, identity: str, seconds: float) -> bool:
    """Wait up to ``seconds`` for the process to end; say whether it has."""
    deadline = time.monotonic() + seconds
    while is_running(pid, identity):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def end_process(pid: int, identity: str, *, patience_seconds: float = 10.0) -> None:
    """Ask the process and what it had started to end (SIGTERM), then kill what is left."""
    if not is_running(pid, identity):
        return
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    wait_until_ended(pid, identity, patience_seconds)
    _, left = psutil.wait_procs(family, timeout=patience_seconds)
    for member in left:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(left, timeout=patience_seconds)


def sees_our_files(pid: int) -> bool:
    """Say whether a path means the same file to that process: false for one in a container of its own."""
    own, other = Path("/proc/self/ns/mnt"), Path(f"/proc/{pid}/ns/mnt")
    try:
        return not _HAS_PROC or other.readlink() == own.readlink()
    except OSError:
        return False


def find_process(argument: str) -> int | None:
    """Return the number of a process that has ``argument`` as one word of its command line, if there is one."""
    for process in psutil.process_iter(["cmdline"]):
        if argument in (process.info["cmdline"] or ()) and sees_our_files(process.pid):
            return process.pid
    return None
