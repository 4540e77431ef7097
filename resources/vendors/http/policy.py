"""HTTP policy: pacing, retries, time limits and capture; one call through a gate per vendor request."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from resources.clock import SystemClock
from resources.raw.responses import RawResponse
from resources.vendors.http.fan_out import sleep_unless_stopped
from resources.vendors.http.masking import Mask
from resources.vendors.http.pacing import Pace, Pacer
from resources.vendors.http.rate_headers import asked_wait, http_date, until_reset, whole
from resources.vendors.unusable import EXCERPT, unusable
from resources.vendors.usage import Counts, Usage
from trading_assets.errors import (
    RateLimitedError,
    TradingError,
    TransientError,
    VendorDataError,
    VendorRefusedError,
)

RETRIED_STATUSES = frozenset({408, 425})
_SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True)
class HttpPolicy:
    """How one vendor is called.

    ``pace`` is ``None`` for no limit of our own. ``total_seconds`` bounds one attempt from connect to last
    byte; a body that trickles in is cut there. A wait that the vendor asks for is honoured up to
    ``longest_wait_seconds``; a longer one is reported to the caller instead of slept.
    """

    vendor: str
    pace: Pace | None = None
    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    attempts: int = 5
    first_backoff_seconds: float = 0.5
    longest_wait_seconds: float = 120.0


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, read to its last byte. Header names are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Observed:
    """What the latest answers said: requests a minute that the vendor allows and that are left, and its clock."""

    limit: int | None = None
    remaining: int | None = None
    clock_ahead_seconds: float | None = None


class HttpGate:
    """Sends requests under a policy, turns failures into typed errors, and keeps what came back.

    Parameters
    ----------
    policy
        Limits of this vendor.
    secrets
        Values that must never show in a URL, an error or a stored body.
    pace_file
        Where processes share the pace; ``None`` for this process alone.
    sleep, monotonic, jitter, wall_clock
        Passing of time and chance, injected by tests; ``jitter`` returns 0..1.
    """

    def __init__(
        self,
        policy: HttpPolicy,
        *,
        secrets: Sequence[str] = (),
        pace_file: Path | None = None,
        sleep: Callable[[float], None] = sleep_unless_stopped,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        wall_clock: Callable[[], datetime] = _SYSTEM_CLOCK.now,
    ) -> None:
        self.policy = policy
        self.monotonic = monotonic
        self._mask = Mask(secrets)
        self._sleep = sleep
        self._jitter = jitter
        self._wall_clock = wall_clock
        self._pacer = Pacer(policy.pace, file=pace_file, sleep=sleep, monotonic=monotonic)
        self.usage = Usage()
        self.observed = Observed()
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"HttpGate({self.policy.vendor})"

    @property
    def vendor(self) -> str:
        """Name of the vendor."""
        return self.policy.vendor

    @property
    def per_minute(self) -> int | None:
        """Our own pace, ``None`` for none."""
        pace = self.policy.pace
        return None if pace is None else round(pace.requests * 60 / pace.seconds)

    @property
    def remaining(self) -> int | None:
        """What the vendor last said was left of its quota."""
        return self.observed.remaining

    def delay(self) -> float:
        """Return the seconds until the pace would let a request out."""
        return self._pacer.delay()

    @contextmanager
    def capture(self, fetched_at: datetime) -> Iterator[list[RawResponse]]:
        """Collect the accepted answers of this thread, stamped with ``fetched_at``."""
        kept: list[RawResponse] = []
        self._local.kept, self._local.fetched_at = kept, fetched_at
        try:
            yield kept
        finally:
            self._local.kept = None

    def send(
        self,
        attempt: Callable[[], Reply],
        *,
        accept: frozenset[int] = frozenset(),
        keep: bool = True,
        attempts: int | None = None,
    ) -> Reply:
        """Call ``attempt`` until it succeeds, is refused, or the attempts are used up.

        Parameters
        ----------
        attempt
            Sends once within the policy's time limits; raises `TransientError` when no full answer came.
        accept
            Statuses outside 2xx that the caller reads itself.
        keep
            Whether the answer belongs to the captured ones.
        attempts
            How often to try at most; the policy's number if not given.

        Raises
        ------
        RateLimitedError, TransientError, VendorRefusedError, VendorDataError
            After the last attempt, or at once where another attempt cannot help.
        """
        allowed, number = attempts or self.policy.attempts, 1
        while True:
            waited = self._pacer.wait()
            failure, wait = self._once(attempt, accept, keep=keep, number=number)
            self.usage.add(Counts(requests=1, retries=int(number > 1), waited_seconds=waited))
            if isinstance(failure, Reply):
                return failure
            limited = isinstance(failure, RateLimitedError)
            final = not isinstance(failure, TransientError) or number >= allowed
            final = final or wait > self.policy.longest_wait_seconds
            self.usage.add(Counts(rate_limited=int(limited), failures=int(final)))
            if final:
                raise failure
            if limited:
                self._pacer.pause(wait)
            else:
                self._sleep(wait)
                self.usage.add(Counts(waited_seconds=wait))
            number += 1

    def _once(
        self, attempt: Callable[[], Reply], accept: frozenset[int], *, keep: bool, number: int
    ) -> tuple[Reply | TradingError, float]:
        try:
            reply = attempt()
        except TransientError as error:
            return error, self._backoff(number)
        self.usage.add(Counts(received_bytes=len(reply.body)))
        self._observe(reply)
        if 200 <= reply.status < 300 or reply.status in accept:
            if keep:
                self._keep(reply)
            return reply, 0.0
        return self._judge(reply, number)

    def transient(self, url: str, cause: BaseException) -> TransientError:
        """Describe a connection that failed, without the secrets that its own message may hold."""
        return TransientError(
            "The vendor could not be reached or broke off: check the network, then try again",
            vendor=self.policy.vendor,
            url=self.clean_url(url),
            reason=type(cause).__name__,
        )

    def clean_url(self, url: str) -> str:
        """Return ``url`` without secret values."""
        return self._mask.url(url)

    def _excerpt(self, body: bytes) -> str:
        return self._mask.text(body.decode("utf-8", "replace"))[:EXCERPT]

    def _keep(self, reply: Reply) -> None:
        kept = getattr(self._local, "kept", None)
        if kept is None:
            return
        kept.append(
            RawResponse(
                url=self.clean_url(reply.url),
                status=reply.status,
                fetched_at=self._local.fetched_at,
                body=self._mask.body(reply.body),
                request_id=reply.headers.get("x-request-id"),
            )
        )

    def _judge(self, reply: Reply, number: int) -> tuple[TradingError, float]:
        facts = {
            "vendor": self.policy.vendor,
            "status": reply.status,
            "url": self.clean_url(reply.url),
            "request_id": reply.headers.get("x-request-id"),
            "excerpt": self._excerpt(reply.body),
        }
        if reply.status == 429:
            asked = asked_wait(reply.headers, self._wall_clock())
            wait = self._backoff(number) if asked is None else asked + self._jitter() * 0.5
            return RateLimitedError(
                f"The vendor's quota is used up: try again later, or lower TRADING_{self.vendor.upper()}_PER_MINUTE",
                retry_after_seconds=round(wait, 3),
                **facts,
            ), wait
        if reply.status >= 500 or reply.status in RETRIED_STATUSES:
            asked = asked_wait(reply.headers, self._wall_clock())
            wait = self._backoff(number) if asked is None else asked
            return TransientError("The vendor is in trouble: try again later", **facts), wait
        if reply.status >= 400:
            return VendorRefusedError("The vendor refused the request: check keys and plan", **facts), 0.0
        return VendorDataError(unusable("An unexpected status"), **facts), 0.0

    def _backoff(self, number: int) -> float:
        # full jitter on the upper half, so that threads that failed together do not come back together
        return float(self.policy.first_backoff_seconds * 2 ** (number - 1) * (0.5 + 0.5 * self._jitter()))

    def _observe(self, reply: Reply) -> None:
        headers, now = reply.headers, self._wall_clock()
        limit, left = whole(headers, "x-ratelimit-limit"), whole(headers, "x-ratelimit-remaining")
        said = http_date(headers.get("date", ""))
        before = self.observed
        self.observed = Observed(
            before.limit if limit is None else limit,
            before.remaining if left is None else left,
            before.clock_ahead_seconds if said is None else (said - now).total_seconds(),
        )
        if left == 0 and reply.status < 400:
            wait = until_reset(headers, now)
            if wait is not None and wait <= self.policy.longest_wait_seconds:
                self._pacer.pause(wait)
