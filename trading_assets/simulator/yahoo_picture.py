"""Yahoo's picture of one company at an instant: the facts behind quotes and quote summaries.

Prices are this market's. Accounting figures of a synthetic company are drawn from its name and hang together;
a market without them (a replay) leaves the keys out, as Yahoo does for what it does not know.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from trading_assets.sessions import NEW_YORK, is_session, session_close, session_open
from trading_assets.simulator.adjustment import effective_actions, scaled, split_factors
from trading_assets.simulator.market import Instrument
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.tape import Action, Rows, day_number, day_of, published_day
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
    """Yearly figures of a company in USD; not-a-number where nobody knows."""

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
    """Return what is known of ``symbol`` now; None if it never traded."""
    place = simulation.market.places.get(symbol)
    if place is None:
        return None
    now = simulation.now()
    newest = day_of(published_day(now))
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
    accounts = _accounts(symbol, shares, float(adjusted.close[0]))
    return Picture(simulation.market.instruments()[place], now, adjusted, year, actions, accounts)


def _accounts(symbol: str, shares: float | None, price: float) -> Accounts:
    if shares is None:
        return Accounts(*[UNKNOWN] * 8)
    earnings = price * (0.02 + 0.06 * draw(symbol, "earnings"))
    book = price / (1.2 + 5.0 * draw(symbol, "book"))
    margin = 0.04 + 0.2 * draw(symbol, "margin")
    sales = earnings * shares / margin
    growth = -0.1 + 0.4 * draw(symbol, "growth")
    return Accounts(
        shares, earnings, book, sales, margin, growth, book * shares * draw(symbol, "debt"), 0.1 * sales
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


def earnings_seconds(seen: Picture) -> tuple[int, int]:
    """Return when earnings were and will be reported, in seconds since 1970."""
    # a report every 91 days, on a day of its own
    phase = int(91 * draw(seen.instrument.symbol, "report"))
    today = day_number(seen.now.astimezone(NEW_YORK).date())
    last = today - (today - phase) % 91
    return new_york_millis(last, 7) // 1000, new_york_millis(last + 91, 7) // 1000


def rating(seen: Picture) -> tuple[float, str, str]:
    """Return the mean rating of the analysts, its key, and its label."""
    score = round(1.4 + 1.8 * draw(seen.instrument.symbol, "rating"), 1)
    key, label = ("buy", "Buy") if score < 2.5 else ("hold", "Hold")
    return score, key, f"{score} - {label}"


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
