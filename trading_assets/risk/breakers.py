"""Circuit breakers: losses of the account after which nothing is bought; judged on its equity, one growth per close."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from trading_assets.indicators.kernel import FloatArray

_DIGITS = 9
"""Of a loss that is compared with its limit: growth is the product of many returns."""


class Breakers(BaseModel):
    """Losses that stop all new risk; what is not set is not judged. Exits are allowed at all times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_drawdown_frac: Decimal | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="fall below the highest close that stops until `resume`; fraction",
    )
    max_loss_frac: Decimal | None = Field(
        default=None, gt=0, lt=1, description="loss since the opening that stops until `resume`; fraction"
    )
    max_weekly_loss_frac: Decimal | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="loss against last week's close that stops for the week; fraction",
    )
    max_daily_loss_frac: Decimal | None = Field(
        default=None, gt=0, lt=1, description="loss of a session that stops its decision; fraction"
    )
    resumes_after_sessions: int | None = Field(
        default=None,
        ge=1,
        description="in a backtest, sessions after which somebody resumes; unset: nobody ever does",
    )


@dataclass(frozen=True)
class Tripped:
    """A breaker that forbids new risk: since the close of ``session``, and if it ``is_latched`` until somebody resumes."""

    rule: str
    reason: str
    session: date
    is_latched: bool


def judge(
    breakers: Breakers, sessions: Sequence[date], growth: FloatArray, measured_from: date | None = None
) -> Tripped | None:
    """Say whether a breaker forbids new risk after the last session.

    A latched breaker needs no memory: it has tripped if it would have at any close since ``measured_from``.

    Parameters
    ----------
    breakers
        What is judged. Of two that are latched the one that tripped first is named; they come before those of a week or a day.
    sessions
        Sessions so far, ascending.
    growth
        Equity as time-weighted growth: 1 at the opening, then one value at the close of each session.
    measured_from
        Session after whose close somebody resumed last: highs and losses that latch count from that close, not from before.

    Returns
    -------
    Tripped or None
        Look-ahead: the last session's close.
    """
    if not sessions:
        return None
    start = bisect_right(sessions, measured_from) if measured_from else 0
    curve = growth[start:]
    latched = [
        found
        for found in (
            _drawdown(breakers.max_drawdown_frac, sessions, curve, start),
            _loss(breakers.max_loss_frac, sessions, curve, start),
        )
        if found is not None
    ]
    if latched:
        return min(latched, key=lambda found: found.session)
    return _weekly(breakers.max_weekly_loss_frac, sessions, growth) or _daily(
        breakers.max_daily_loss_frac, sessions, growth
    )


def _first(losses: FloatArray, limit: Decimal) -> int | None:
    found = np.flatnonzero(np.round(losses, _DIGITS) >= float(limit))
    return int(found[0]) if len(found) else None


def _losses(values: FloatArray, base: FloatArray | float) -> FloatArray:
    bases = np.broadcast_to(np.asarray(base, dtype=np.float64), values.shape)
    losses = np.zeros(len(values))
    there = bases > 0
    losses[there] = 1.0 - values[there] / bases[there]
    return losses


def _close(sessions: Sequence[date], place: int) -> str:
    return f"the close of {sessions[place - 1]}" if place else "the opening"


def _drawdown(
    limit: Decimal | None, sessions: Sequence[date], curve: FloatArray, start: int
) -> Tripped | None:
    if limit is None:
        return None
    falls = _losses(curve, np.maximum.accumulate(curve))
    at = _first(falls, limit)
    if at is None:
        return None
    day, high = sessions[start + at - 1], _close(sessions, start + int(np.argmax(curve[: at + 1])))
    reason = (
        f"equity at the close of {day} is {falls[at]:.2%} below its highest, at {high}; at most {limit:.2%}"
    )
    return Tripped("drawdown", reason, day, is_latched=True)


def _loss(limit: Decimal | None, sessions: Sequence[date], curve: FloatArray, start: int) -> Tripped | None:
    if limit is None:
        return None
    losses = _losses(curve, float(curve[0]))
    at = _first(losses, limit)
    if at is None:
        return None
    day = sessions[start + at - 1]
    reason = f"equity at the close of {day} is {losses[at]:.2%} below that at {_close(sessions, start)}; at most {limit:.2%}"
    return Tripped("cumulative_loss", reason, day, is_latched=True)


def _weekly(limit: Decimal | None, sessions: Sequence[date], growth: FloatArray) -> Tripped | None:
    if limit is None:
        return None
    begin, week = len(sessions), sessions[-1].isocalendar()[:2]
    while begin and sessions[begin - 1].isocalendar()[:2] == week:
        begin -= 1
    losses = _losses(growth[begin:], float(growth[begin]))
    at = _first(losses, limit)
    if at is None:
        return None
    day = sessions[begin + at - 1]
    reason = f"equity at the close of {day} is {losses[at]:.2%} below that at {_close(sessions, begin)}, before the week; at most {limit:.2%}"
    return Tripped("weekly_loss", reason, day, is_latched=False)


def _daily(limit: Decimal | None, sessions: Sequence[date], growth: FloatArray) -> Tripped | None:
    if limit is None:
        return None
    (loss,) = _losses(growth[-1:], float(growth[-2]))
    if round(float(loss), _DIGITS) < float(limit):
        return None
    reason = f"equity at the close of {sessions[-1]} is {loss:.2%} below that of the session before; at most {limit:.2%}"
    return Tripped("daily_loss", reason, sessions[-1], is_latched=False)
