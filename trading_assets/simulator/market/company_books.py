"""Books of the synthetic companies: quarterly statements, a pure function of (seed, symbol, quarter).

A company's size follows its market value of the years before, never of the time that a statement is about. Revenue
minus costs is income, assets are liabilities plus equity, and the change of the balance from one quarter to the next is
what the cash-flow statement says. A statement is known from its reporting date on; some are restated with the next one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import numpy as np

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.market.company_statements import rounded_thousands, statements
from trading_assets.simulator.market.tape import Floats, TapeMarket, day_of, published_day

QUARTERS_SHOWN = 5
YEARS_SHOWN = 4
_KEPT = 4 * YEARS_SHOWN + 8


@dataclass(frozen=True)
class Books:
    """Reported quarters of one company, oldest first; amounts in USD by Yahoo's name of the line.

    ``flows`` are about a quarter, ``stocks`` about its end. ``is_year_end`` marks the ends of fiscal years.
    """

    ends: tuple[date, ...]
    reported_at: datetime
    next_report_at: datetime
    is_year_end: tuple[bool, ...]
    flows: Mapping[str, Floats]
    stocks: Mapping[str, Floats]
    shares: float
    fiscal_month: int

    def trailing(self, line: str) -> float:
        """Return the sum of a flow over the last four quarters."""
        return float(self.flows[line][-4:].sum())

    def newest(self, line: str) -> float:
        """Return a line of the balance at the end of the last quarter."""
        return float(self.stocks[line][-1])

    def growth(self, line: str) -> float:
        """Return the change of a flow against the same quarter a year before, as a fraction of its size then."""
        before = float(self.flows[line][-5])
        return (float(self.flows[line][-1]) - before) / abs(before) if before else math.nan

    @property
    def earnings_per_share(self) -> float:
        """Diluted earnings of the last four quarters per share."""
        return self.trailing("NetIncome") / diluted(self.shares)

    def annual(self) -> dict[str, list[tuple[date, float]]]:
        """Return every line by fiscal year, the last four complete ones, oldest first."""
        ends = [n for n, last in enumerate(self.is_year_end) if last and n >= 4][-YEARS_SHOWN:]
        lines: dict[str, list[tuple[date, float]]] = {}
        for name, values in self.flows.items():
            lines[name] = [(self.ends[n], float(values[n - 3 : n + 1].sum())) for n in ends]
        for name, values in self.stocks.items():
            lines[name] = [(self.ends[n], float(values[n])) for n in ends]
        lines["BeginningCashPosition"] = [
            (self.ends[n], float(self.stocks["CashAndCashEquivalents"][n - 4])) for n in ends
        ]
        return lines | self._per_share(lines["NetIncome"])

    def quarterly(self) -> dict[str, list[tuple[date, float]]]:
        """Return every line by quarter, the last five, oldest first."""
        shown = range(len(self.ends) - QUARTERS_SHOWN, len(self.ends))
        everything = {**self.flows, **self.stocks}
        lines = {
            name: [(self.ends[n], float(values[n])) for n in shown] for name, values in everything.items()
        }
        lines["BeginningCashPosition"] = [
            (self.ends[n], float(self.stocks["CashAndCashEquivalents"][n - 1])) for n in shown
        ]
        return lines | self._per_share(lines["NetIncome"])

    def _per_share(self, income: list[tuple[date, float]]) -> dict[str, list[tuple[date, float]]]:
        return {
            "BasicAverageShares": [(end, self.shares) for end, _ in income],
            "DilutedAverageShares": [(end, diluted(self.shares)) for end, _ in income],
            "OrdinarySharesNumber": [(end, self.shares) for end, _ in income],
            "ShareIssued": [(end, self.shares) for end, _ in income],
            "BasicEPS": [(end, round(value / self.shares, 2)) for end, value in income],
            "DilutedEPS": [(end, round(value / diluted(self.shares), 2)) for end, value in income],
        }


def diluted(shares: float) -> float:
    """Return the shares outstanding if all options were exercised."""
    return float(round(1.01 * shares))


def company_books(market: TapeMarket, symbol: str, now: datetime) -> Books | None:
    """Return what a company has reported by ``now``; None for a fund, or where the market knows no companies."""
    place = market.places.get(symbol)
    newest = day_of(published_day(now))
    shares = None if place is None else market.shares_outstanding(symbol, newest)
    if place is None or shares is None or market.instruments()[place].asset_type == "ETF":
        return None
    seed = int(str(market.identity.get("seed", 0)))
    local = now.astimezone(NEW_YORK).date()
    last = local.year * 4 + (local.month - 1) // 3 - 1
    while report_instant(seed, symbol, last) > now:
        last -= 1
    first = last - _KEPT + 1
    years = range(first // 4 - 3, last // 4 + 1)
    capitals = tuple(market.capital_at_year_start(symbol, year) or math.nan for year in years)
    paid = [0.0] * _KEPT
    for action in market.actions(quarter_end(first - 1), quarter_end(last), known_at=now, symbol=symbol):
        quarter = action.ex_date.year * 4 + (action.ex_date.month - 1) // 3 - first
        if action.kind == "cash_dividend" and action.cash_usd and 0 <= quarter < _KEPT:
            outstanding = market.shares_outstanding(symbol, action.ex_date) or 0.0
            paid[quarter] += rounded_thousands(action.cash_usd * outstanding)
    return _books(seed, symbol, last, capitals=capitals, paid=tuple(paid), shares=float(round(shares)))


def quarter_end(quarter: int) -> date:
    """Return the last day of quarter number ``quarter`` (years since 0 times four)."""
    year, part = divmod(quarter + 1, 4)
    return date(year, 3 * part + 1, 1) - timedelta(days=1)


def report_instant(seed: int, symbol: str, quarter: int) -> datetime:
    """Return when the statement of a quarter is published, UTC: 18 to 57 days after its end, not on a weekend."""
    lag = 18 + int(27 * uniform(seed, symbol, "lag")) + int(5 * uniform(seed, symbol, f"lag {quarter}"))
    lag += 7 if quarter % 4 == fiscal_month(seed, symbol) // 3 - 1 else 0
    day = quarter_end(quarter) + timedelta(days=lag)
    day += timedelta(days=max(0, 8 - day.isoweekday()) if day.isoweekday() > 5 else 0)
    hour = time(7) if uniform(seed, symbol, "hour") < 0.5 else time(16, 15)
    return datetime.combine(day, hour, NEW_YORK).astimezone(UTC)


def fiscal_month(seed: int, symbol: str) -> int:
    """Return the month in which a company's fiscal year ends; December for most."""
    draw = uniform(seed, symbol, "fiscal year")
    return 12 if draw < 0.7 else (3, 6, 9)[int((draw - 0.7) * 10)]


def uniform(seed: int, symbol: str, purpose: str) -> float:
    """Draw a number in [0, 1) that belongs to a seed, a symbol and a purpose."""
    digest = hashlib.blake2b(f"{seed} {purpose} {symbol}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


@lru_cache(maxsize=16_384)
def _books(
    seed: int,
    symbol: str,
    last: int,
    *,
    capitals: tuple[float, ...],
    paid: tuple[float, ...],
    shares: float,
) -> Books:
    first = last - _KEPT + 1
    quarters = range(first, last + 1)
    month = fiscal_month(seed, symbol)
    sales, noise = _sales(seed, symbol, first, last, capitals)
    flows, stocks = statements(
        sales,
        noise,
        np.array(paid),
        lambda purpose, low, high: low + (high - low) * uniform(seed, symbol, purpose),
    )
    return Books(
        ends=tuple(quarter_end(quarter) for quarter in quarters),
        reported_at=report_instant(seed, symbol, last),
        next_report_at=report_instant(seed, symbol, last + 1),
        is_year_end=tuple(3 * (quarter % 4 + 1) == month for quarter in quarters),
        flows=flows,
        stocks=stocks,
        shares=shares,
        fiscal_month=month,
    )


def _sales(
    seed: int, symbol: str, first: int, last: int, capitals: tuple[float, ...]
) -> tuple[Floats, Floats]:
    """Return the level of yearly sales at each quarter, and each quarter's deviation from it."""
    logs = np.log(np.array(capitals))
    smooth = (logs[2:] + logs[1:-1] + logs[:-2]) / 3.0  # known at the start of each year
    levels, factors = [], []
    seasons = [uniform(seed, symbol, f"season {part}") - 0.5 for part in range(4)]
    mean = sum(seasons) / 4
    for quarter in range(first, last + 1):
        year, part = quarter // 4 - first // 4 + 1, quarter % 4
        step = (part + 1) / 4
        levels.append(smooth[year - 1] * (1 - step) + smooth[year] * step)
        shock = 0.06 * (uniform(seed, symbol, f"sales {quarter}") - 0.5)
        if quarter == last and uniform(seed, symbol, f"restates {quarter}") < 0.1:
            shock += 0.08 * (uniform(seed, symbol, f"first version {quarter}") - 0.5)
        factors.append((1.0 + 0.2 * (seasons[part] - mean)) * (1.0 + shock))
    ratio = 0.2 + 0.6 * uniform(seed, symbol, "sales")
    return ratio * np.exp(np.array(levels)), np.array(factors)
