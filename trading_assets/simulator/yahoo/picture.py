"""Yahoo's picture of one company at an instant: the facts behind quotes and quote summaries.

Prices and books are this market's, and ratios are taken between the two. A fund has no books, and a market without
companies (a replay) has none at all: the keys are left out then, as Yahoo does for what it does not know.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from trading_assets.sessions import NEW_YORK, is_session, session_close, session_open
from trading_assets.simulator.market.adjustment import effective_actions, scaled, split_factors
from trading_assets.simulator.market.company_books import Books, company_books
from trading_assets.simulator.market.protocol import Instrument
from trading_assets.simulator.market.tape import Action, Rows, day_number, day_of, published_day
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import new_york_millis

EXCHANGES = {
    "XNAS": ("NMS", "NasdaqGS"),
    "XNYS": ("NYQ", "NYSE"),
    "ARCX": ("PCX", "NYSEArca"),
    "XASE": ("ASE", "NYSE American"),
    "BATS": ("BTS", "BATS"),
}
"""Yahoo's exchange code and name by market identifier."""

_YEAR = 252
_DAYS_BACK = 400
UNKNOWN = math.nan


@dataclass(frozen=True)
class Accounts:
    """Figures of the last four quarters and of the last balance in USD; not-a-number where nobody knows."""

    shares: float
    earnings_per_share: float
    book_per_share: float
    sales: float
    margin: float
    growth: float
    debt: float
    cash: float


@dataclass(frozen=True)
class Picture:
    """One instrument as seen at an instant; prices adjusted for the splits so far."""

    instrument: Instrument
    now: datetime
    rows: Rows
    market_year: float
    actions: list[Action]
    accounts: Accounts
    books: Books | None
    seed: int

    @property
    def price(self) -> float:
        """Last close."""
        return float(self.rows.close[-1])

    @property
    def previous(self) -> float:
        """Close before the last one."""
        return float(self.rows.close[max(-2, -len(self.rows.close))])

    @property
    def change(self) -> float:
        """Last close against the one before, as a fraction."""
        return self.price / self.previous - 1.0 if self.previous else 0.0

    @property
    def capital(self) -> float:
        """Market value of the company."""
        return self.accounts.shares * self.price

    @property
    def dividend(self) -> float:
        """Cash dividends per share of the last year, in today's shares."""
        since = self.now.astimezone(NEW_YORK).date() - timedelta(days=365)
        return sum(
            action.cash_usd
            / math.prod(a.split_ratio for a in self.actions if a.split_ratio and a.ex_date > action.ex_date)
            for action in self.actions
            if action.cash_usd and action.ex_date > since
        )

    def mean(self, column: str, sessions: int) -> float:
        """Average of a column over the last sessions."""
        return float(np.mean(getattr(self.rows, column)[-sessions:]))


def picture(simulation: Simulation, symbol: str) -> Picture | None:
    """Return what is known of ``symbol`` now; None if it never traded or trades no more."""
    place = simulation.market.places.get(symbol)
    if place is None:
        return None
    now = simulation.now()
    newest = day_of(published_day(now))
    instrument = simulation.market.instruments()[place]
    if instrument.delisted is not None and instrument.delisted < newest:
        return None
    rows = simulation.market.series(symbol, newest - timedelta(days=_DAYS_BACK), newest, now)
    rows = rows.take(slice(-_YEAR, None))
    if len(rows.day) == 0:
        return None
    actions = effective_actions(simulation.market, symbol, now)
    factors = split_factors(rows, actions)
    adjusted = scaled(rows, factors, factors)
    market = simulation.market.series("SPY", newest - timedelta(days=365), newest, now).close
    year = float(market[-1] / market[0] - 1.0) if len(market) > 1 else 0.0
    shares = simulation.market.shares_outstanding(symbol, newest)
    books = company_books(simulation.market, symbol, now)
    return Picture(
        instrument=instrument,
        now=now,
        rows=adjusted,
        market_year=year,
        actions=actions,
        accounts=_accounts(books, shares),
        books=books,
        seed=int(str(simulation.market.identity.get("seed", 0))),
    )


def _accounts(books: Books | None, shares: float | None) -> Accounts:
    outstanding = UNKNOWN if shares is None else float(round(shares))
    if books is None:
        return Accounts(outstanding, *[UNKNOWN] * 7)
    sales = books.trailing("TotalRevenue")
    return Accounts(
        shares=outstanding,
        earnings_per_share=books.earnings_per_share,
        book_per_share=books.newest("StockholdersEquity") / outstanding,
        sales=sales,
        margin=books.trailing("NetIncome") / sales,
        growth=0.2 * math.tanh(5.0 * books.growth("TotalRevenue")),
        debt=books.newest("TotalDebt"),
        cash=books.newest("CashAndCashEquivalents"),
    )


def without_unknown(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields whose value is known; null stays."""
    return {
        name: value for name, value in fields.items() if not (isinstance(value, float) and math.isnan(value))
    }


def rounded(value: float) -> float:
    """Round as Yahoo does, to six decimals."""
    return round(float(value), 6)


def whole(value: float) -> int | float:
    """Round to a whole number; not-a-number stays."""
    return value if math.isnan(value) else round(value)


def ratio_of(value: float, base: float, *, positive: bool = False) -> float:
    """Return value over base, not-a-number where that means nothing."""
    return rounded(value / base) if base and (base > 0 or not positive) else UNKNOWN


def draw(symbol: str, purpose: str) -> float:
    """Draw a number in [0, 1) that belongs to a symbol and a purpose."""
    digest = hashlib.blake2b(f"{purpose} {symbol}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def year_bounds(seen: Picture) -> tuple[float, float]:
    """Return the lowest and highest price of the last year."""
    return float(seen.rows.low.min()), float(seen.rows.high.max())


def year_change(seen: Picture) -> float:
    """Return the change of the price over the last year, as a fraction."""
    first = float(seen.rows.close[0])
    return seen.price / first - 1.0 if first else 0.0


def is_fund(seen: Picture) -> bool:
    """Say whether it is a fund."""
    return seen.instrument.asset_type == "ETF"


def quote_type(seen: Picture) -> str:
    """Return Yahoo's word for the kind of instrument."""
    return "ETF" if is_fund(seen) else "EQUITY"


def last_trade_seconds(seen: Picture) -> int:
    """Return the end of the last session in seconds since 1970."""
    return new_york_millis(int(seen.rows.day[-1]), 16) // 1000


def last_dividend(seen: Picture) -> tuple[float, int]:
    """Return cash per share and ex-date (seconds since 1970) of the last dividend; zeros if none."""
    last = next((action for action in reversed(seen.actions) if action.cash_usd), None)
    return (0.0, 0) if last is None else (last.cash_usd or 0.0, utc_seconds(last.ex_date))


def utc_seconds(day: date) -> int:
    """Return the start of a day, UTC, in seconds since 1970."""
    return day_number(day) * 86_400


def earnings_seconds(seen: Picture) -> tuple[float, float]:
    """Return when earnings were and will be reported, in seconds since 1970; not-a-number for a fund."""
    if seen.books is None:
        return UNKNOWN, UNKNOWN
    return int(seen.books.reported_at.timestamp()), int(seen.books.next_report_at.timestamp())


def market_state(now: datetime) -> str:
    """Return the state of the market in Yahoo's word."""
    local = now.astimezone(NEW_YORK)
    day = local.date()
    if not is_session(day):
        return "CLOSED"
    if session_open(day) <= local < session_close(day):
        return "REGULAR"
    if local < session_open(day):
        return "PRE" if local.time() >= time(4) else "CLOSED"
    return "POST" if local.time() < time(20) else "CLOSED"
