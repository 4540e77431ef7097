"""The market as one vendor shows it: the tape with that vendor's differences, and with the dirt that is switched on."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from trading_assets.simulator.faults.dirt import Dirt, DirtKind, Rule
from trading_assets.simulator.faults.dirty_rows import ROW_KINDS, Scene, spoiled
from trading_assets.simulator.market.tape import (
    NO_ROWS,
    Action,
    Rows,
    TapeMarket,
    day_number,
    day_of,
    joined_rows,
    publication,
    published_day,
)
from trading_assets.simulator.market.vendor_differences import (
    as_first_reported,
    consolidated_at_alpaca,
    name_hashes,
)

_ACTION_KINDS = frozenset(
    {DirtKind.MISSING_SPLIT, DirtKind.INVERTED_SPLIT, DirtKind.PHANTOM_SPLIT, DirtKind.MISSING_DIVIDEND}
)
_MARGIN = timedelta(days=10)
_LATEST = date(2100, 1, 1)


class VendorTape(TapeMarket):
    """One vendor's face of a market; the broker trades in the market itself.

    Parameters
    ----------
    market
        The true market.
    vendor
        polygon, alpaca or yahoo.
    dirt
        The rules that are switched on.
    """

    def __init__(self, market: TapeMarket, vendor: str, dirt: Dirt) -> None:
        # a face, not a market of its own: everything that is not asked of a vendor is the market's
        self.__dict__.update(market.__dict__)
        self._market, self._vendor, self._dirt = market, vendor, dirt
        self._names = name_hashes(market.symbols)
        # a recording is served as it was made
        self._differs = market.identity["kind"] == "synthetic"

    @property
    def identity(self) -> dict[str, object]:
        """What makes the market this one."""
        return self._market.identity

    def first_session(self) -> date:
        """Return the first session with bars."""
        return self._market.first_session()

    def last_session(self) -> date:
        """Return the last session that this market can ever show."""
        return self._market.last_session()

    def shares_outstanding(self, symbol: str, day: date) -> float | None:
        """Return the shares outstanding at the end of ``day``."""
        return self._market.shares_outstanding(symbol, day)

    def capital_at_year_start(self, symbol: str, year: int) -> float | None:
        """Return the company's market value in USD at the start of a year."""
        return self._market.capital_at_year_start(symbol, year)

    def halt(self, symbol: str, day: date) -> tuple[int, int] | None:
        """Return from when to when trading was halted."""
        return self._market.halt(symbol, day)

    def series(self, symbol: str, start: date, end: date, known_at: datetime) -> Rows:
        """Return one symbol's bars as this vendor reports them at ``known_at``."""
        rules = list(self._dirt.active(self._vendor, ROW_KINDS, symbol))
        if not rules:
            return self._reported(symbol, start, end, known_at)
        low, high = (start - _MARGIN if start.year > 1970 else start), end + _MARGIN
        rows = self._spoiled(symbol, self._reported(symbol, low, high, known_at), rules, known_at)
        return rows.take((rows.day >= day_number(start)) & (rows.day <= day_number(end)))

    def section(self, session: date, known_at: datetime) -> Rows:
        """Return the bars of every symbol on one date as this vendor reports them."""
        rows = self._differing(self._market.section(session, known_at), known_at)
        rules = list(self._dirt.active(self._vendor, ROW_KINDS))
        spoilt = [symbol for symbol in self.symbols if any(rule.covers(symbol) for rule in rules)]
        if not spoilt:
            return rows
        kept = rows.take(~np.isin(rows.place, [self.places[symbol] for symbol in spoilt]))
        found = joined_rows([kept, *(self.series(symbol, session, session, known_at) for symbol in spoilt)])
        return found.take(np.argsort(found.place, kind="stable"))

    def truth(self, symbol: str, session: date) -> Rows:
        """Return the last version of one bar in this vendor's count; dirt included."""
        rows = self._market.truth(symbol, session)
        if self._differs and self._vendor == "alpaca":
            rows = consolidated_at_alpaca(rows, self._names)
        rules = list(
            self._dirt.active(self._vendor, ROW_KINDS - {DirtKind.PHANTOM_BAR, DirtKind.STALE_PRICE}, symbol)
        )
        return self._spoiled(symbol, rows, rules, publication(session)) if rules else rows

    def actions(
        self, start: date, end: date, *, known_at: datetime, symbol: str | None = None
    ) -> list[Action]:
        """List the actions that this vendor knows of."""
        found = self._market.actions(start, end, known_at=known_at, symbol=symbol)
        for rule in self._dirt.active(self._vendor, _ACTION_KINDS, symbol):
            before = found
            found = _misreported(found, rule, start, end)
            if found != before:
                self._dirt.strike(rule)
        return found

    def _series(self, place: int, first: int, last: int, known: int) -> Rows:
        return self._market._series(place, first, last, known)

    def _section(self, day: int, known: int) -> Rows:
        return self._market._section(day, known)

    def _final(self, place: int, day: int) -> Rows:
        return self._market._final(place, day)

    def _reported(self, symbol: str, start: date, end: date, known_at: datetime) -> Rows:
        return self._differing(self._market.series(symbol, start, end, known_at), known_at)

    def _differing(self, rows: Rows, known_at: datetime) -> Rows:
        if not self._differs or len(rows.day) == 0:
            return rows
        rows = as_first_reported(rows, self._names, self._vendor, published_day(known_at))
        return consolidated_at_alpaca(rows, self._names) if self._vendor == "alpaca" else rows

    def _spoiled(self, symbol: str, rows: Rows, rules: list[Rule], known_at: datetime) -> Rows:
        def actions() -> list[Action]:
            return self._market.actions(date(1970, 1, 1), _LATEST, known_at=known_at, symbol=symbol)

        def rows_of(other: str) -> Rows:
            if len(rows.day) == 0:
                return NO_ROWS
            return self._reported(other, day_of(int(rows.day[0])), day_of(int(rows.day[-1])), known_at)

        scene = Scene(self._vendor, published_day(known_at), actions, rows_of)
        for rule in rules:
            before = rows
            rows = spoiled(rows, rule, scene)
            if rows is not before:
                self._dirt.strike(rule)
        return rows


def _misreported(actions: list[Action], rule: Rule, start: date, end: date) -> list[Action]:
    first, last = rule.days()
    if rule.kind is DirtKind.PHANTOM_SPLIT:
        if rule.symbol is None or rule.session is None or not start <= rule.session <= end:
            return actions
        invented = Action(
            symbol=rule.symbol, ex_date=rule.session, kind="split", split_ratio=rule.factor or 2.0, cash_usd=None,
            known_at=publication(rule.session),
        )  # fmt: skip
        return sorted([*actions, invented], key=lambda action: (action.ex_date, action.symbol, action.kind))
    kind = "cash_dividend" if rule.kind is DirtKind.MISSING_DIVIDEND else "split"
    found = []
    for action in actions:
        if (
            action.kind != kind
            or not rule.covers(action.symbol)
            or not first <= day_number(action.ex_date) <= last
        ):
            found.append(action)
        elif rule.kind is DirtKind.INVERTED_SPLIT and action.split_ratio:
            found.append(action._replace(split_ratio=1.0 / action.split_ratio))
    return found
