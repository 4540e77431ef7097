"""HTTP policy: pacing, retries, time limits and capture; one call through a gate per vendor request."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from resources.clock import SystemClock
from resources.fan_out import sleep_unless_stopped
from resources.vendors import RawResponse
from trading_assets.errors import (
    RateLimitedError,
    TradingError,
    TransientError,
    VendorDataError,
    VendorRefusedError,
)

SECRET_PARAMETERS = frozenset(
    {"apikey", "api_key", "key", "secret", "token", "crumb", "password", "access_token"}
)
MASK = "***"
EXCERPT = 160
RETRIED_STATUSES = frozenset({408, 425})
_SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True)
class Pace:
    """At most ``requests`` within any ``seconds``."""

    requests: int
    seconds: float


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


class Pacer:
    """Grants requests at a pace, and holds all threads back while a pause lasts."""

    def __init__(
        self,
        pace: Pace | None,
        *,
        sleep: Callable[[float], None] = sleep_unless_stopped,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace = pace
        self._sleep = sleep
        self._monotonic = monotonic
        self._granted: deque[float] = deque(maxlen=pace.requests if pace else 1)
        self._not_before = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go out."""
        while True:
            with self._lock:
                now = self._monotonic()
                due = max(now, self._not_before)
                if self._pace and len(self._granted) == self._pace.requests:
                    due = max(due, self._granted[0] + self._pace.seconds)
                if due <= now:
                    self._granted.append(now)
                    return
            self._sleep(due - now)

    def pause(self, seconds: float) -> None:
        """Let no request out for ``seconds``."""
        with self._lock:
            self._not_before = max(self._not_before, self._monotonic() + seconds)


class HttpGate:
    """Sends requests under a policy, turns failures into typed errors, and keeps what came back.

    Parameters
    ----------
    policy
        Limits of this vendor.
    secrets
        Values that must never show in a URL, an error or a stored body.
    sleep, monotonic, jitter, wall_clock
        Passing of time and chance, injected by tests; ``jitter`` returns 0..1.
    """

    def __init__(
        self,
        policy: HttpPolicy,
        *,
        secrets: Sequence[str] = (),
        sleep: Callable[[float], None] = sleep_unless_stopped,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        wall_clock: Callable[[], datetime] = _SYSTEM_CLOCK.now,
    ) -> None:
        self.policy = policy
        self.monotonic = monotonic
        self._secrets = tuple(secret for secret in secrets if secret)
        self._sleep = sleep
        self._jitter = jitter
        self._wall_clock = wall_clock
        self._pacer = Pacer(policy.pace, sleep=sleep, monotonic=monotonic)
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"HttpGate({self.policy.vendor})"

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

        Raises
        ------
        RateLimitedError, TransientError, VendorRefusedError, VendorDataError
            After the last attempt, or at once where another attempt cannot help.
        """
        number = 1
        while True:
            self._pacer.wait()
            try:
                reply = attempt()
            except TransientError as error:
                failure: TradingError = error
                wait = self._backoff(number)
            else:
                self._heed_quota(reply)
                if 200 <= reply.status < 300 or reply.status in accept:
                    if keep:
                        self._keep(reply)
                    return reply
                failure, wait = self._judge(reply, number)
            if (
                not isinstance(failure, TransientError)
                or number >= self.policy.attempts
                or wait > self.policy.longest_wait_seconds
            ):
                raise failure
            if isinstance(failure, RateLimitedError):
                self._pacer.pause(wait)
            else:
                self._sleep(wait)
            number += 1

    def transient(self, url: str, cause: BaseException) -> TransientError:
        """Describe a connection that failed, without the secrets that its own message may hold."""
        return TransientError(
            "The vendor could not be reached or broke off",
            vendor=self.policy.vendor,
            url=self.clean_url(url),
            reason=type(cause).__name__,
        )

    def data_error(self, message: str, reply: RawResponse | Reply, **facts: object) -> VendorDataError:
        """Describe an answer that cannot be used."""
        return VendorDataError(
            message,
            vendor=self.policy.vendor,
            url=self.clean_url(reply.url),
            excerpt=self._excerpt(reply.body),
            **facts,
        )

    def clean_url(self, url: str) -> str:
        """Return ``url`` without secret values."""
        parts = urlsplit(url)
        query = parts.query
        if query:
            pairs = parse_qsl(query, keep_blank_values=True)
            if any(name.lower() in SECRET_PARAMETERS for name, _ in pairs):
                query = urlencode(
                    [(name, MASK if name.lower() in SECRET_PARAMETERS else value) for name, value in pairs],
                    safe="*,:",
                )
        host = parts.netloc.rpartition("@")[2]
        return self._mask(urlunsplit((parts.scheme, host, parts.path, query, "")))

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
        return text

    def _excerpt(self, body: bytes) -> str:
        return self._mask(body.decode("utf-8", "replace"))[:EXCERPT]

    def _keep(self, reply: Reply) -> None:
        kept = getattr(self._local, "kept", None)
        if kept is None:
            return
        body = reply.body
        for secret in self._secrets:
            body = body.replace(secret.encode(), MASK.encode())
        kept.append(
            RawResponse(
                url=self.clean_url(reply.url),
                status=reply.status,
                fetched_at=self._local.fetched_at,
                body=body,
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
            asked = self._asked_wait(reply)
            wait = self._backoff(number) if asked is None else asked + self._jitter() * 0.5
            return RateLimitedError(
                "The vendor's quota is used up", retry_after_seconds=round(wait, 3), **facts
            ), wait
        if reply.status >= 500 or reply.status in RETRIED_STATUSES:
            asked = self._asked_wait(reply)
            wait = self._backoff(number) if asked is None else asked
            return TransientError("The vendor is in trouble: try again later", **facts), wait
        if reply.status >= 400:
            return VendorRefusedError("The vendor refused the request: check keys and plan", **facts), 0.0
        return VendorDataError("The vendor answered with an unexpected status", **facts), 0.0

    def _backoff(self, number: int) -> float:
        # full jitter on the upper half, so that threads that failed together do not come back together
        return float(self.policy.first_backoff_seconds * 2 ** (number - 1) * (0.5 + 0.5 * self._jitter()))

    def _asked_wait(self, reply: Reply) -> float | None:
        after = reply.headers.get("retry-after")
        if after is not None:
            try:
                return max(0.0, float(after))
            except ValueError:
                moment = _http_date(after)
                if moment is not None:
                    return max(0.0, (moment - self._server_time(reply)).total_seconds())
        return self._until_reset(reply)

    def _until_reset(self, reply: Reply) -> float | None:
        try:
            reset = float(reply.headers["x-ratelimit-reset"])
        except (KeyError, ValueError):
            return None
        return max(0.0, reset - self._server_time(reply).timestamp())

    def _server_time(self, reply: Reply) -> datetime:
        # the vendor's own Date header makes waits right even where the two clocks differ
        return _http_date(reply.headers.get("date", "")) or self._wall_clock()

    def _heed_quota(self, reply: Reply) -> None:
        if reply.headers.get("x-ratelimit-remaining") == "0" and reply.status < 400:
            wait = self._until_reset(reply)
            if wait is not None and wait <= self.policy.longest_wait_seconds:
                self._pacer.pause(wait)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
