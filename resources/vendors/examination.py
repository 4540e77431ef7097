"""Examination of the sources: every probe of every source at the same time, one finding each, never longer than a limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from resources.clock import monotonic_seconds
from resources.vendors.endpoints import Reach
from resources.vendors.http.policy import HttpGate
from resources.vendors.probing import Answered, Ask, PaceUsedUpError
from resources.vendors.registry import VENDORS
from trading_assets.errors import (
    ConfigurationError,
    RateLimitedError,
    TradingError,
    TransientError,
    VendorDataError,
    VendorRefusedError,
)
from trading_assets.settings import Settings

LIMIT_SECONDS = 10.0
WORST_CLOCK_SECONDS = 60.0
BAD_CLOCK_SECONDS = 5.0
Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class SourceFinding:
    """What one probe of one source found, and the mend if it is not well."""

    source: str
    kind: str
    verdict: Verdict
    detail: str
    mend: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class _Work:
    source: str
    kind: str
    ask: Ask


def examine_sources(
    settings: Settings,
    reach: Reach,
    *,
    session: date,
    now: datetime,
    others: Mapping[tuple[str, str], Callable[[], str]] | None = None,
    seconds: float = LIMIT_SECONDS,
) -> Iterator[SourceFinding]:
    """Yield the findings of all configured sources, in their order; each stands alone.

    Parameters
    ----------
    settings, reach
        Which sources, with which keys, and where.
    session
        A past session.
    now
        The present.
    others
        Further questions by subject and kind, asked along with the sources.
    seconds
        What has not answered by then is reported as such.
    """
    work: list[_Work] = []
    gates: dict[str, HttpGate] = {}
    broken: dict[str, SourceFinding] = {}
    for name in settings.sources:
        try:
            probes = VENDORS[name].probes(settings, reach, session, now)
        except ConfigurationError as error:
            broken[name] = SourceFinding(
                name, "key", "fail", str(error), f"put {VENDORS[name].keys} into .env"
            )
            continue
        gates[name] = probes.gate
        work += [_Work(name, kind, ask) for kind, ask in probes.kinds().items()]
    for (subject, kind), question in (others or {}).items():
        work.append(_Work(subject, kind, _as_ask(question)))
    answers = _ask_all(work, seconds)
    for subject in [*settings.sources, *dict.fromkeys(item.source for item in work)]:
        if subject in broken:
            yield broken.pop(subject)
        yield from answers.pop(subject, [])
        gate = gates.pop(subject, None)
        if gate is not None:
            yield from _about_vendor(subject, gate, settings)


def _as_ask(question: Callable[[], str]) -> Ask:
    return lambda: Answered(question())


def _ask_all(work: list[_Work], seconds: float) -> dict[str, list[SourceFinding]]:
    # threads that nobody waits for: a vendor that hangs must not keep the command from ending
    found: queue.Queue[tuple[_Work, SourceFinding]] = queue.Queue()
    began = monotonic_seconds()
    for item in work:
        threading.Thread(target=lambda one=item: found.put((one, _finding(one))), daemon=True).start()
    done: dict[_Work, SourceFinding] = {}
    while len(done) < len(work) and (left := began + seconds - monotonic_seconds()) > 0:
        try:
            item, finding = found.get(timeout=left)
        except queue.Empty:
            break
        done[item] = finding
    findings: dict[str, list[SourceFinding]] = {}
    for item in work:
        late = SourceFinding(
            item.source, item.kind, "fail", f"no answer within {seconds:.0f} seconds",
            "look at the network and at the vendor's status page, then run this again",
        )  # fmt: skip
        findings.setdefault(item.source, []).append(done.get(item, late))
    return findings


def _finding(item: _Work) -> SourceFinding:
    began = monotonic_seconds()
    try:
        answered = item.ask()
        verdict: Verdict = "warn" if answered.mend else "pass"
        detail, mend = answered.detail, answered.mend
    except TradingError as error:
        verdict, detail, mend = _judge(item, error)
    except Exception as error:  # noqa: BLE001 (one broken source must not hide the others)
        verdict, detail = "fail", f"{type(error).__name__} in the probe"
        mend = "please report this: a vendor's answer that nobody thought of"
    return SourceFinding(item.source, item.kind, verdict, detail, mend, round(monotonic_seconds() - began, 2))


def _judge(item: _Work, error: TradingError) -> tuple[Verdict, str, str]:
    said = _said(error)
    if isinstance(error, PaceUsedUpError):
        return "warn", said, "another run is asking this vendor: try again when it has finished"
    if isinstance(error, RateLimitedError):
        return "warn", said, "wait as long as the vendor says; lower the pace if it happens often"
    if isinstance(error, VendorRefusedError):
        return "fail", said, _refusal_mend(item, error.facts.get("status"))
    if isinstance(error, TransientError):
        return "fail", said, "look at the network and at the vendor's status page, then run this again"
    if isinstance(error, VendorDataError):
        return "fail", said, "the vendor answers, but not what it should: try again later"
    return "fail", said, "follow what the error says"


_SHOWN_FACTS = ("status", "reason", "retry_after_seconds", "free_in_seconds", "excerpt")


def _said(error: TradingError) -> str:
    # without the URL, which makes the line unreadable and says nothing that subject and kind do not
    facts = [
        f"{name}={error.facts[name]}" for name in _SHOWN_FACTS if error.facts.get(name) not in {None, ""}
    ]
    return f"{error.message} ({', '.join(facts)})" if facts else error.message


def _refusal_mend(item: _Work, status: object) -> str:
    key = next((vendor.keys for vendor in VENDORS.values() if vendor.name == item.source), "the key")
    if status == 401:
        return f"the key is unknown or has expired: correct {key} in .env"
    if status == 403:
        return (
            f"the key is known, but its plan does not include {item.kind}: upgrade the plan, or leave {item.source} out of "
            "TRADING_SOURCES (TRADING_HOURLY_SOURCES for hourly bars)"
        )
    return f"check {key} and the plan"


def _about_vendor(name: str, gate: HttpGate, settings: Settings) -> Iterator[SourceFinding]:
    seen = gate.observed
    if seen.clock_ahead_seconds is not None:
        skew = seen.clock_ahead_seconds
        size = abs(skew)
        verdict: Verdict = (
            "pass" if size <= BAD_CLOCK_SECONDS else "warn" if size <= WORST_CLOCK_SECONDS else "fail"
        )
        words = "behind" if skew > 0 else "ahead of"
        detail = (
            f"within {max(1, round(size))} s of the vendor's"
            if verdict == "pass"
            else f"{size:,.0f} s {words} the vendor's"
        )
        mend = "" if verdict == "pass" else "let the system set its clock over the network (NTP)"
        yield SourceFinding(name, "clock", verdict, detail, mend)
    ours, limit = gate.per_minute, seen.limit
    said = "the vendor names no limit" if limit is None else f"the vendor allows {limit:,} a minute"
    left = "" if seen.remaining is None else f", {seen.remaining:,} left"
    key = f"TRADING_{name.upper()}_PER_MINUTE"
    if settings.mode == "sim":
        yield SourceFinding(name, "pace", "pass", "none towards the simulator")
    elif limit is not None and (ours is None or ours > limit):
        own = "no limit of our own" if ours is None else f"{ours:,} a minute"
        yield SourceFinding(name, "pace", "warn", f"{own}; {said}{left}", f"set {key}={limit}")
    else:
        own = f"no limit of our own ({key}=0)" if ours is None else f"{ours:,} a minute"
        yield SourceFinding(name, "pace", "pass", f"{own}; {said}{left}")
