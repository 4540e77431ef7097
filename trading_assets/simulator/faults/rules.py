"""Fault rules: which of the next requests go wrong, how, and how often each rule has struck; one rule a fault."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from trading_assets.simulator.state import StateStore
from trading_assets.simulator.wire import VENDORS, vendor_of

FACT = "faults"


class FaultKind(StrEnum):
    """What goes wrong."""

    TOO_MANY_REQUESTS = "429"
    TOO_MANY_REQUESTS_BARE = "429_bare"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    UNAVAILABLE_BARE = "503_bare"
    HTML_504 = "html_504"
    SLOW = "slow"
    SLOW_BODY = "slow_body"
    TRUNCATED_JSON = "truncated_json"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    RESET = "reset"
    RESET_AFTER_ACCEPT = "reset_after_accept"


MEANINGS = {
    FaultKind.TOO_MANY_REQUESTS: "429 in the vendor's words, with Retry-After and X-Ratelimit headers",
    FaultKind.TOO_MANY_REQUESTS_BARE: "429 in the vendor's words, without any header that says how long",
    FaultKind.SERVER_ERROR: "500 with a JSON body",
    FaultKind.UNAVAILABLE: "503 with Retry-After",
    FaultKind.UNAVAILABLE_BARE: "503 without Retry-After and without a body",
    FaultKind.HTML_504: "504 with the HTML page of a gateway",
    FaultKind.SLOW: "nothing for `seconds`, then the right answer",
    FaultKind.SLOW_BODY: "status and headers at once, then the body in drops over `seconds`",
    FaultKind.TRUNCATED_JSON: "the first half of the body as a complete HTTP answer: its length is right, its JSON is not",
    FaultKind.TRUNCATED: "the connection closes in the middle of the body",
    FaultKind.EMPTY: "a well-formed answer of that endpoint without any rows",
    FaultKind.WRONG_CONTENT_TYPE: "an HTML page with status 200, as of a maintenance or login page",
    FaultKind.RESET: "the connection is reset before the request has any effect",
    FaultKind.RESET_AFTER_ACCEPT: "the request takes effect, then the connection is reset instead of an answer",
}


@dataclass
class Fault:
    """A rule: requests whose path and query match ``match`` go wrong, from the ``after``-th match on, ``times`` times.

    ``match`` is a regular expression that is searched for in ``/path?query``, ``method`` and ``vendor`` narrow it.
    Of the matches that are due, each strikes with ``probability``, drawn from ``seed`` and the number of the match.
    """

    match: str
    kind: FaultKind
    times: int = 1
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    method: str | None = None
    vendor: str | None = None
    retry_after: float = 1.0
    seconds: float = 5.0
    id: int = 0
    seen: int = 0
    used: int = 0

    def __post_init__(self) -> None:
        """Refuse values that could never be meant, with the name of the field."""
        self.kind = FaultKind(str(self.kind))
        if not isinstance(self.match, str):
            raise ValueError("match: a regular expression that is searched for in /path?query")  # noqa: TRY004 (JSON)
        re.compile(self.match)
        if self.method is not None:
            self.method = str(self.method).upper()
        if self.vendor is not None and self.vendor not in VENDORS:
            raise ValueError(f"vendor: one of {', '.join(VENDORS)}")
        for name, low in (("times", 1), ("after", 0), ("seed", 0)):
            _require_number(name, getattr(self, name), int, low, 1_000_000_000)
        _require_number("probability", self.probability, (int, float), 0, 1)
        _require_number("retry_after", self.retry_after, (int, float), 0, 86_400)
        _require_number("seconds", self.seconds, (int, float), 0, 600)

    def concerns(self, method: str, target: str) -> bool:
        """Say whether this rule is about a request, and not used up."""
        return (
            self.used < self.times
            and self.method in {None, method}
            and self.vendor in {None, vendor_of(target)}
            and re.search(self.match, target) is not None
        )

    def strikes(self) -> bool:
        """Count one match, and say whether it goes wrong."""
        self.seen += 1
        # one draw a match, so that the same rule strikes the same matches again, also after a restart
        drawn = random.Random(f"{self.seed}:{self.seen}").random()  # noqa: S311 (chance of a simulation)
        if self.seen <= self.after or drawn >= self.probability:
            return False
        self.used += 1
        return True


class Faults:
    """The rules that are switched on, oldest first; they survive a restart of the simulator.

    Parameters
    ----------
    store
        Keeps them.
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self.rules = [Fault(**rule) for rule in json.loads(store.fact(FACT) or "[]")]

    def add(self, values: Mapping[str, Any]) -> Fault:
        """Switch a rule on.

        Raises
        ------
        ValueError
            Says which field is wrong, and what it may be.
        """
        known = {field.name for field in fields(Fault)} - {"id", "seen", "used"}
        if not {"match", "kind"} <= set(values) <= known:
            raise ValueError(f"a fault needs match and kind, and may have {', '.join(sorted(known))}")
        if str(values["kind"]) not in set(FaultKind):
            raise ValueError(f"kind: one of {', '.join(FaultKind)}")
        try:
            rule = Fault(**values, id=1 + max((rule.id for rule in self.rules), default=0))
        except re.error as error:
            raise ValueError(f"match: not a regular expression: {error}") from error
        self.rules.append(rule)
        self._save()
        return rule

    def remove(self, number: int | None = None) -> None:
        """Switch one rule off, or all of them."""
        self.rules = [] if number is None else [rule for rule in self.rules if rule.id != number]
        self._save()

    def take(self, method: str, target: str) -> Fault | None:
        """Return the first rule that strikes, and count what was seen and used."""
        concerned = [rule for rule in self.rules if rule.concerns(method, target)]
        if not concerned:
            return None
        struck = next((rule for rule in concerned if rule.strikes()), None)
        self._save()
        return struck

    def listing(self) -> list[dict[str, object]]:
        """List the rules as plain data: ``seen`` counts matches, ``used`` those that went wrong."""
        return [asdict(rule) for rule in self.rules]

    def _save(self) -> None:
        self._store.remember(FACT, json.dumps(self.listing()))


def _require_number(name: str, value: object, kind: type | tuple[type, ...], low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:  # type: ignore[operator] # a number by then
        whole = "a whole number" if kind is int else "a number"
        raise ValueError(f"{name}: {whole} from {low:,} to {high:,}")
