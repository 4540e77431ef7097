"""The market simulator's admin endpoint from outside: its health, and the fault and dirt rules that are switched on."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from trading_assets.errors import ConfigurationError, TransientError, VendorRefusedError

Subject = Literal["faults", "dirt"]
_RULES: dict[Subject, str] = {"faults": "faults", "dirt": "rules"}
_TIMEOUTS = (2.0, 10.0)
CATCHING_UP = "catching-up"
"""The kind of a clock that stands behind the present until it is told to join it."""


@dataclass(frozen=True)
class SimulatorHealth:
    """What the simulator says of itself: ``now`` in UTC, ``clock`` its kind, ``market`` what identifies what it plays."""

    now: datetime
    clock: str
    market: dict[str, Any]
    symbols: int
    first_session: str
    last_session: str


@dataclass(frozen=True)
class PlantedRules:
    """The kinds that can be switched on, each with its meaning, and the rules that are, oldest first."""

    kinds: dict[str, str]
    rules: list[dict[str, Any]]


class SimulatorAdmin:
    """Reads and switches what a simulator on this machine does wrong.

    Parameters
    ----------
    base_url
        Where it answers; a loopback address.

    Raises
    ------
    ConfigurationError
        The address is another machine's.
    """

    def __init__(self, base_url: str) -> None:
        if not _is_loopback(base_url):
            raise ConfigurationError(
                "TRADING_SIM_URL: a simulator is switched on this machine only", url=base_url
            )
        self.base_url = base_url.rstrip("/")

    def health(self) -> SimulatorHealth:
        """Return how it stands.

        Raises
        ------
        TransientError
            It does not answer, or it is not a simulator of this version.
        """
        told = self._call("GET", "health")
        try:
            return SimulatorHealth(
                now=datetime.fromisoformat(told["now"]).astimezone(UTC),
                clock=str(told["clock"]),
                market=dict(told["market"]),
                symbols=int(told["symbols"]),
                first_session=str(told["first_session"]),
                last_session=str(told["last_session"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange("health") from error

    def join_the_present(self) -> None:
        """Let a clock that began behind the present go on from there; nothing happens to any other. Errors as above."""
        self._call("POST", "clock", body={"advance_to": "present"})

    def planted(self, subject: Subject) -> PlantedRules:
        """Return kinds and rules; errors as in :meth:`health`."""
        told = self._call("GET", subject)
        try:
            return PlantedRules(dict(told["kinds"]), list(told[_RULES[subject]]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange(subject) from error

    def plant(self, subject: Subject, rule: Mapping[str, object]) -> None:
        """Switch a rule on.

        Raises
        ------
        VendorRefusedError
            The rule is impossible; the message is the simulator's own.
        TransientError
            It does not answer.
        """
        self._call("POST", subject, body=rule)

    def clean(self, subject: Subject, number: int | None = None) -> None:
        """Switch one rule off, or all of them; errors as in :meth:`plant`."""
        self._call("DELETE", subject, query={} if number is None else {"id": number})

    def _call(
        self, method: str, path: str, *, body: Mapping[str, object] | None = None, query: Mapping[str, int] | None = None
    ) -> dict[str, Any]:  # fmt: skip
        url = f"{self.base_url}/sim/{path}"
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy has no part in a conversation with this machine
                answer = session.request(
                    method, url, json=body, params=query, timeout=_TIMEOUTS, allow_redirects=False
                )
        except requests.RequestException as error:
            raise TransientError("The market simulator does not answer", url=url) from error
        try:
            told = answer.json()
        except ValueError as error:
            raise self._strange(path) from error
        if answer.status_code == 422 and isinstance(told, dict) and "error" in told:
            raise VendorRefusedError(str(told["error"]))
        if answer.status_code != 200 or not isinstance(told, dict):
            raise self._strange(path)
        return told

    def _strange(self, path: str) -> TransientError:
        return TransientError(
            "What answers there is no market simulator of this version", url=f"{self.base_url}/sim/{path}"
        )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
