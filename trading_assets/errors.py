"""Errors, grouped by what the caller must do about them."""

from __future__ import annotations

from dataclasses import dataclass


class TradingError(Exception):
    """Base of every error that this system raises on purpose.

    Keyword facts are kept on ``facts`` and appended to the message, so that logs and the UI can show
    them without parsing text.
    """

    def __init__(self, message: str, **facts: object) -> None:
        self.message = message
        self.facts = facts
        super().__init__(message)

    def __str__(self) -> str:
        if not self.facts:
            return self.message
        return f"{self.message} ({', '.join(f'{key}={value}' for key, value in self.facts.items())})"


class ConfigurationError(TradingError):
    """Stop: a setting is missing, wrong or contradictory. The message names the key and the fix."""


class TransientError(TradingError):
    """Retry later: the other side was busy, slow or unreachable, and nothing was changed."""


class RateLimitedError(TransientError):
    """Retry after ``retry_after_seconds``: the vendor's quota is used up."""

    def __init__(self, message: str, *, retry_after_seconds: float, **facts: object) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message, retry_after_seconds=retry_after_seconds, **facts)


class VendorDataError(TradingError):
    """Do not store: the vendor answered with something truncated, malformed or contradictory."""


class VendorRefusedError(TradingError):
    """Fix keys or plan: the vendor understood the request and refused it (401, 403, 404, 422)."""


class DataQualityError(TradingError):
    """Block downstream: the data are there and wrong."""


class LakeError(TradingError):
    """Stop: a frame does not fit its table's schema, or the lake's files contradict each other."""


class StrategyError(TradingError):
    """Mend the strategy: its code failed, so nothing is decided on it. The message names strategy and error."""


class BrokerRejectedError(TradingError):
    """Do not retry, show: the broker understood the order and refused it."""


class UnknownOutcomeError(TradingError):
    """Look the order up by its client id before anything else: the request may or may not have landed."""


class ReconciliationError(TradingError):
    """Halt trading: our books and the broker's differ."""


@dataclass(frozen=True)
class Problem:
    """A stretch of a sentence that was not understood: characters ``start`` to ``end``, why, and what to write instead."""

    start: int
    end: int
    text: str
    message: str
    suggestions: tuple[str, ...] = ()


class NotUnderstoodError(TradingError):
    """Ask again, show: a sentence for the screener has words or an order of words that it does not know."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


class ServiceError(TradingError):
    """Stop: a local service (Postgres, simulator, Dagster, app) did not start or died."""
