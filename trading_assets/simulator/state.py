"""Simulator state: one SQLite file per market; its identity, clock and vendor corrections survive a kill."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from trading_assets.errors import ConfigurationError, ServiceError

FILE_NAME = "simulator.sqlite"


@dataclass(frozen=True)
class Correction:
    """A vendor's correction of one bar: the fields that change, and the instant from which it is known."""

    symbol: str
    session: date
    known_at: datetime
    fields: dict[str, float]


class StateStore:
    """Facts that must survive a restart, in ``folder``; one process at a time.

    Parameters
    ----------
    folder
        Created if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._connection = sqlite3.connect(
            folder / FILE_NAME, timeout=0.5, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute("BEGIN EXCLUSIVE")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS corrections (number INTEGER PRIMARY KEY, symbol TEXT NOT NULL, "
                "session TEXT NOT NULL, known_at TEXT NOT NULL, fields TEXT NOT NULL)"
            )
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise ServiceError(
                "Another simulator already serves this state folder; stop it, or give this one a folder "
                "of its own with --state",
                state=str(folder),
            ) from error

    def fact(self, name: str) -> str | None:
        """Return a stored fact, None if it was never stored."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Store a fact; it survives the end of the process, whatever ends it."""
        self._connection.execute(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def claim(self, identity: dict[str, object]) -> None:
        """Bind this folder to one market, or check that it is the one it was bound to.

        Raises
        ------
        ConfigurationError
            The folder holds the orders and clock of a different market.
        """
        wanted = json.dumps(identity, sort_keys=True)
        stored = self.fact("market")
        if stored is None:
            self.remember("market", wanted)
        elif stored != wanted:
            raise ConfigurationError(
                f"The simulator state in {self.folder} belongs to a different market. It holds {stored}, "
                f"asked for was {wanted}. Start with the same options as before, choose another folder with "
                "--state, or delete this folder to begin again (its orders and positions are lost)"
            )

    def add_correction(self, correction: Correction) -> None:
        """Append a vendor correction."""
        self._connection.execute(
            "INSERT INTO corrections (symbol, session, known_at, fields) VALUES (?, ?, ?, ?)",
            (
                correction.symbol,
                correction.session.isoformat(),
                correction.known_at.isoformat(),
                json.dumps(correction.fields),
            ),
        )

    def corrections(self) -> list[Correction]:
        """List every correction in the order it was made."""
        rows = self._connection.execute(
            "SELECT symbol, session, known_at, fields FROM corrections ORDER BY number"
        )
        return [
            Correction(symbol, date.fromisoformat(day), datetime.fromisoformat(known), json.loads(fields))
            for symbol, day, known, fields in rows
        ]

    def close(self) -> None:
        """Let another process open the folder."""
        self._connection.close()
