"""Dirt rules: which vendor's data are wrong, in which way, for which symbols, sessions and requests; one rule a kind."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from trading_assets.simulator.market.tape import day_number
from trading_assets.simulator.state import StateStore
from trading_assets.simulator.wire import VENDORS

FACT = "dirt"


class DirtKind(StrEnum):
    """What is wrong with the data."""

    PHANTOM_BAR = "phantom_bar"
    MISSING_SYMBOL = "missing_symbol"
    MISSING_SESSION = "missing_session"
    MISSING_HOUR = "missing_hour"
    PRICE_X10 = "price_x10"
    PRICE_SPIKE = "price_spike"
    ZERO_PRICE = "zero_price"
    NEGATIVE_PRICE = "negative_price"
    NULL_PRICE = "null_price"
    HIGH_BELOW_LOW = "high_below_low"
    CLOSE_OUTSIDE_RANGE = "close_outside_range"
    OPEN_OUTSIDE_RANGE = "open_outside_range"
    CLOSE_SHIFT = "close_shift"
    DUPLICATE_EQUAL = "duplicate_equal"
    DUPLICATE_CONTRADICTING = "duplicate_contradicting"
    STALE_PRICE = "stale_price"
    FLAT_BAR = "flat_bar"
    VOLUME_COLLAPSE = "volume_collapse"
    VOLUME_SPIKE = "volume_spike"
    ZERO_VOLUME = "zero_volume"
    NEGATIVE_VOLUME = "negative_volume"
    UNFINISHED_BAR = "unfinished_bar"
    WRONG_DATE = "wrong_date"
    EARLY_SPLIT = "early_split"
    MISSING_SPLIT = "missing_split"
    INVERTED_SPLIT = "inverted_split"
    PHANTOM_SPLIT = "phantom_split"
    MISSING_DIVIDEND = "missing_dividend"
    ADJUSTMENT_MIX_UP = "adjustment_mix_up"
    SWAPPED_SYMBOLS = "swapped_symbols"
    UNIVERSE_DRIFT = "universe_drift"
    CURRENCY_MIX_UP = "currency_mix_up"


MEANINGS = {
    DirtKind.PHANTOM_BAR: "a bar on a day without a session: the session before it once more",
    DirtKind.MISSING_SYMBOL: "no bar of the symbol at all (with session: on that one)",
    DirtKind.MISSING_SESSION: "no bar of any symbol on the session",
    DirtKind.MISSING_HOUR: "the minute and hour bars that start in `hour` (New York; default 11) are missing",
    DirtKind.PRICE_X10: "open, high, low and close times `factor` (default 10)",
    DirtKind.PRICE_SPIKE: "high and close times `factor` (default 3): a move without a cause",
    DirtKind.ZERO_PRICE: "open, high, low and close are 0",
    DirtKind.NEGATIVE_PRICE: "open, high, low and close below 0",
    DirtKind.NULL_PRICE: "open, high, low and close are null",
    DirtKind.HIGH_BELOW_LOW: "high and low exchanged",
    DirtKind.CLOSE_OUTSIDE_RANGE: "close above the high by `factor` (default 0.03 of it)",
    DirtKind.OPEN_OUTSIDE_RANGE: "open below the low by `factor` (default 0.03 of it)",
    DirtKind.CLOSE_SHIFT: "close moved by `factor` (default 0.02 of it), range widened with it: sources disagree",
    DirtKind.DUPLICATE_EQUAL: "the row twice",
    DirtKind.DUPLICATE_CONTRADICTING: "the row twice, the second with its close up by `factor` (default 0.01 of it)",
    DirtKind.STALE_PRICE: "the bar of the session before, once more under this date",
    DirtKind.FLAT_BAR: "open, high and low are the close",
    DirtKind.VOLUME_COLLAPSE: "volume times `factor` (default 0.001)",
    DirtKind.VOLUME_SPIKE: "volume times `factor` (default 1000)",
    DirtKind.ZERO_VOLUME: "volume 0",
    DirtKind.NEGATIVE_VOLUME: "volume below 0",
    DirtKind.UNFINISHED_BAR: "the daily bar as it stood at `hour` (New York; default 12), as if it were final",
    DirtKind.WRONG_DATE: "the bar dated `factor` days later (default -1: one day early)",
    DirtKind.EARLY_SPLIT: "prices divided by `factor` (default: the next split's ratio, else 2) before the ex-date",
    DirtKind.MISSING_SPLIT: "the vendor does not know the symbol's splits (with session: those of that ex-date)",
    DirtKind.INVERTED_SPLIT: "a split reported as its reverse: 2 for 1 as 1 for 2",
    DirtKind.PHANTOM_SPLIT: "a split of `factor` (default 2) for 1 reported on the session, which did not happen",
    DirtKind.MISSING_DIVIDEND: "the vendor does not know the symbol's cash dividends (with session: of that ex-date)",
    DirtKind.ADJUSTMENT_MIX_UP: "raw prices where adjusted ones were meant (Yahoo), adjusted where raw were (others)",
    DirtKind.SWAPPED_SYMBOLS: "the bars of symbol `other` under this symbol",
    DirtKind.UNIVERSE_DRIFT: "listings and bars of a share of the symbols (default half of them) are missing",
    DirtKind.CURRENCY_MIX_UP: "prices in another currency: times `factor` (default 0.79); Yahoo says GBP",
}
"""What each kind does to the data, in one line."""

_SHARES = {DirtKind.UNIVERSE_DRIFT: 0.5}


@dataclass
class Rule:
    """Data are wrong as ``kind`` says, wherever all of what is given fits.

    ``vendor`` polygon, alpaca or yahoo; ``symbol``; days from ``session`` to ``until`` (default: that session alone;
    without a session, all days); a ``share`` of the symbols, drawn from ``seed``; requests whose ``/path?query`` matches
    the regular expression ``match``; and only for the first ``times`` requests that it changed.
    """

    kind: DirtKind
    vendor: str | None = None
    symbol: str | None = None
    session: date | None = None
    until: date | None = None
    share: float | None = None
    seed: int = 0
    factor: float | None = None
    hour: int | None = None
    other: str | None = None
    match: str | None = None
    times: int | None = None
    id: int = 0
    used: int = 0

    def __post_init__(self) -> None:
        """Refuse values that could never be meant, with the name of the field."""
        self.kind = DirtKind(str(self.kind))
        for name in ("session", "until"):
            if isinstance(getattr(self, name), str):
                setattr(self, name, date.fromisoformat(getattr(self, name)))
        if self.vendor is not None and self.vendor not in VENDORS:
            raise ValueError(f"vendor: one of {', '.join(VENDORS)}")
        if self.share is None:
            self.share = _SHARES.get(self.kind, 1.0)
        if not 0 <= self.share <= 1:
            raise ValueError("share: a fraction from 0 to 1")
        if self.hour is not None and not 0 <= self.hour <= 23:
            raise ValueError("hour: 0 to 23, New York")
        if self.kind is DirtKind.SWAPPED_SYMBOLS and not (self.symbol and self.other):
            raise ValueError("swapped_symbols needs symbol and other")
        if self.kind is DirtKind.PHANTOM_SPLIT and not (self.symbol and self.session):
            raise ValueError("phantom_split needs symbol and session")
        re.compile(self.match or "")

    def covers(self, symbol: str) -> bool:
        """Say whether the rule is about a symbol."""
        if self.symbol is not None and symbol != self.symbol:
            return False
        return self.share == 1.0 or zlib.crc32(f"{self.seed} {symbol}".encode()) < (self.share or 0.0) * 2**32

    def days(self) -> tuple[int, int]:
        """Return the first and the last day number that the rule is about."""
        if self.session is None:
            return -(2**30), 2**30
        return day_number(self.session), day_number(self.until or self.session)


@dataclass
class Asked:
    """The request that is being answered, and the rules that changed its answer."""

    target: str
    used: set[int] = field(default_factory=set)


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


class Dirt:
    """The rules that are switched on, oldest first; they survive a restart."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self.rules: list[Rule] = [Rule(**rule) for rule in json.loads(store.fact(FACT) or "[]")]
        self.revision = 0

    def add(self, values: Mapping[str, Any]) -> Rule:
        """Switch a rule on.

        Raises
        ------
        ValueError
            A field is unknown, missing or impossible; the text says which.
        """
        known = {field.name for field in fields(Rule)} - {"id", "used"}
        if not {"kind"} <= set(values) <= known:
            raise ValueError(f"a rule needs kind, and may have {', '.join(sorted(known - {'kind'}))}")
        try:
            rule = Rule(**{**values, "id": max((rule.id for rule in self.rules), default=0) + 1})
        except (TypeError, re.error) as error:
            raise ValueError(str(error)) from error
        self.rules.append(rule)
        self._save()
        return rule

    def remove(self, number: int | None) -> None:
        """Switch one rule off; all of them if ``number`` is None."""
        self.rules = [] if number is None else [rule for rule in self.rules if rule.id != number]
        self._save()

    def active(self, vendor: str, kinds: frozenset[DirtKind], symbol: str | None = None) -> Iterator[Rule]:
        """Yield the rules of some kinds that apply to the present request of one vendor; to ``symbol``, if given."""
        asked = _asked.get()
        for rule in self.rules:
            if rule.kind not in kinds or rule.vendor not in {None, vendor}:
                continue
            if rule.times is not None and rule.used >= rule.times:
                continue
            if rule.match is not None and (asked is None or not re.search(rule.match, asked.target)):
                continue
            if symbol is None or rule.covers(symbol):
                yield rule

    def struck(self, vendor: str, kind: DirtKind, symbol: str) -> Rule | None:
        """Return the first rule of one kind that applies to a symbol in the present request, and note its use."""
        for rule in self.active(vendor, frozenset({kind}), symbol):
            self.strike(rule)
            return rule
        return None

    def missing_hours(self, vendor: str, symbol: str) -> list[tuple[int, int, int]]:
        """Return which hours' bars a vendor lacks: first and last day number, and the hour in New York."""
        found = []
        for rule in self.active(vendor, frozenset({DirtKind.MISSING_HOUR}), symbol):
            self.strike(rule)
            found.append((*rule.days(), 11 if rule.hour is None else rule.hour))
        return found

    def strike(self, rule: Rule) -> None:
        """Note that a rule changed the answer to the present request."""
        asked = _asked.get()
        if asked is not None:
            asked.used.add(rule.id)

    def finish(self, asked: Asked) -> None:
        """Count the request for every rule that changed its answer."""
        for rule in self.rules:
            if rule.id in asked.used:
                rule.used += 1
        if asked.used:
            self._save()

    def listing(self) -> list[dict[str, object]]:
        """List the rules as plain data."""
        return [asdict(rule) for rule in self.rules]

    def _save(self) -> None:
        self.revision += 1
        self._store.remember(FACT, json.dumps(self.listing(), default=str))


class DirtMiddleware:
    """Tells the rules which request is being answered."""

    def __init__(self, app: ASGIApp, dirt: Dirt) -> None:
        self.app = app
        self.dirt = dirt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not self.dirt.rules:
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        asked = Asked(scope["path"] + (f"?{query}" if query else ""))
        token = _asked.set(asked)
        try:
            await self.app(scope, receive, send)
        finally:
            _asked.reset(token)
            self.dirt.finish(asked)
