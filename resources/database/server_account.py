"""The account that the embedded Postgres runs under: the user's own, or ``pgserver`` when the user is root.

PostgreSQL refuses to run as root. As root, this module makes a system account without login or home (``useradd``),
gives it the data folder, and lets it *pass through* the parent folders that it cannot pass: with an access-control entry
for this one account where the file system has them, else with ``chmod o+x`` (never ``o+r``). Each change is logged.
Nothing of this happens for an ordinary user.
"""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache, reduce
from logging import getLogger
from operator import or_
from pathlib import Path
from stat import S_IMODE, S_IXOTH
from typing import Any

from trading_assets.errors import ServiceError

_LOG = getLogger(__name__)
ACCOUNT = "pgserver"


@dataclass(frozen=True)
class ServerAccount:
    """Who the server runs as; ``uid`` is ``None`` for the present user."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @property
    def popen_options(self) -> dict[str, Any]:
        """Arguments for :class:`subprocess.Popen` that change to this account."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def let_pass(self, path: Path) -> None:
        """Let this account reach ``path`` through its parent folders, opening no more than that."""
        if self.uid is None:
            return
        for folder in path.resolve().parents:
            if not _may_pass(folder, self.uid):
                _open(folder, self)


@lru_cache(maxsize=1)
def server_account() -> ServerAccount:
    """Return the account for the server, made first when it is needed and missing.

    Raises
    ------
    ServiceError
        When this user has no account name, or root cannot make the account.
    """
    if sys.platform == "win32":
        return ServerAccount("postgres")
    import pwd  # does not exist on Windows

    if os.geteuid() != 0:
        try:
            return ServerAccount(pwd.getpwuid(os.geteuid()).pw_name)
        except KeyError as error:
            raise ServiceError(
                f"User number {os.geteuid()} has no name, which PostgreSQL needs: add it to /etc/passwd (in a "
                "container: start it with a named user), or set TRADING_DATABASE_URL"
            ) from error
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        _make_account()
        entry = pwd.getpwnam(ACCOUNT)
    return ServerAccount(ACCOUNT, entry.pw_uid, entry.pw_gid)


def _make_account() -> None:
    import pwd  # does not exist on Windows

    _LOG.warning("Running as root: making the system account %s for the embedded Postgres", ACCOUNT)
    attempts = (
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", ACCOUNT],  # BusyBox
    )
    reasons = []
    for command in attempts:
        try:
            answer = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (constants)
            reasons.append(answer.stderr.strip())
        except FileNotFoundError as error:
            reasons.append(str(error))
        try:
            pwd.getpwnam(ACCOUNT)
        except KeyError:
            continue
        return  # made by this command, or by another process meanwhile
    raise ServiceError(
        f"PostgreSQL does not run as root, and the account {ACCOUNT} for it cannot be made: run as an ordinary user, make "
        f"the account yourself, or set TRADING_DATABASE_URL ({'; '.join(reasons)})"
    )


# -- access-control entries (Linux): version 2, then (tag, permissions, id) sorted by tag -------------------------

_ACL = "system.posix_acl_access"
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NAMED_GROUP = 0x08
_MASKED = (_USER, _GROUP, _NAMED_GROUP)
_NOBODY = 0xFFFFFFFF
_PASS = 1
Entry = tuple[int, int, int]


def _entries(folder: Path) -> list[Entry]:
    mode = folder.stat().st_mode
    plain = [(_OWNER, mode >> 6 & 7, _NOBODY), (_GROUP, mode >> 3 & 7, _NOBODY), (_OTHER, mode & 7, _NOBODY)]
    if sys.platform != "linux":
        return plain
    try:
        value = os.getxattr(folder, _ACL)
    except OSError as error:
        if error.errno in {errno.ENODATA, errno.ENOTSUP}:
            return plain
        raise
    return list(struct.iter_unpack("<HHI", value[4:]))


def _may_pass(folder: Path, uid: int) -> bool:
    entries = _entries(folder)
    mask = next((permissions for tag, permissions, _ in entries if tag == _MASK), 7)
    named = [permissions & mask for tag, permissions, owner in entries if tag == _USER and owner == uid]
    if folder.stat().st_uid == uid:
        return True
    return bool(named[0] & _PASS) if named else bool(folder.stat().st_mode & S_IXOTH)


def _open(folder: Path, account: ServerAccount) -> None:
    try:
        _add_entry(folder, account)
        _LOG.warning("Let the account %s pass through %s (access-control entry)", account.name, folder)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        folder.chmod(S_IMODE(folder.stat().st_mode) | S_IXOTH)
        _LOG.warning(
            "Let every account pass through %s (chmod o+x): its file system has no finer means", folder
        )


def _add_entry(folder: Path, account: ServerAccount) -> None:
    if sys.platform != "linux" or account.uid is None:
        raise OSError(errno.ENOTSUP, "no access-control entries here")
    entries = _entries(folder)
    mask = next((permissions for tag, permissions, _ in entries if tag == _MASK), 7)
    # A wider mask must not bring entries to life that the old one held back: cut them to the old mask first.
    kept = [
        (tag, permissions & mask if tag in _MASKED else permissions, owner)
        for tag, permissions, owner in entries
        if tag != _MASK and (tag, owner) != (_USER, account.uid)
    ]
    kept.append((_USER, _PASS, account.uid))
    widest = reduce(or_, (permissions for tag, permissions, _ in kept if tag in _MASKED))
    kept.append((_MASK, widest, _NOBODY))
    kept.sort(key=lambda entry: (entry[0], entry[2]))
    os.setxattr(folder, _ACL, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in kept))
