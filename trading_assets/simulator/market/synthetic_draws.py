"""Draws of the synthetic market: yearly facts of a block of companies, daily returns of market and sectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from trading_assets.simulator.market.listings import FUNDS, SECTOR_NAMES, SECTOR_WEIGHTS
from trading_assets.simulator.market.tape import Floats, day_number

FIRST_YEAR = 1998
LAST_YEAR = 2045
YEARS = LAST_YEAR - FIRST_YEAR + 1
BLOCK = 256
"""Companies that are drawn together."""
ARCHETYPES = 64
"""Different paths of company-specific volatility."""
NEVER = 2**30
"""Day number after every other."""


@dataclass(frozen=True)
class Block:
    """Yearly facts of up to 256 instruments; arrays are (instruments,) or (instruments, years)."""

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    is_fund: bool
    sector: NDArray[np.int64]
    industry: NDArray[np.int64]
    beta: Floats
    loading: Floats
    noise: Floats
    archetype: NDArray[np.int64]
    shares: Floats
    turnover: Floats
    listed: NDArray[np.int64]
    delisted: NDArray[np.int64]
    annual: Floats
    dividend_yield: Floats
    dividend_slots: NDArray[np.int64]
    level: Floats
    split_scale: Floats
    split_slot: NDArray[np.int64]
    split_ratio: Floats


@dataclass(frozen=True)
class Factors:
    """Log returns of the market and the sectors by weekday, volatility by archetype; sums by year."""

    daily: list[tuple[Floats, Floats, Floats]]
    yearly: tuple[Floats, Floats]


def weekdays_of(year: int) -> NDArray[np.int32]:
    """Return the day numbers of the weekdays of a year, holidays included."""
    days = np.arange(day_number(date(year, 1, 1)), day_number(date(year, 12, 31)) + 1, dtype=np.int32)
    return days[(days + 3) % 7 < 5]


def factor_paths(seed: int, weekdays: list[NDArray[np.int32]]) -> Factors:
    """Draw the market's and the sectors' returns and the paths of volatility, year after year."""
    sectors, width = len(SECTOR_NAMES), 1 + len(SECTOR_NAMES) + ARCHETYPES
    state = np.zeros(width)
    daily = []
    for number, days in enumerate(weekdays):
        rng = np.random.default_rng([seed, 5, FIRST_YEAR + number])
        pushes = 0.11 * rng.standard_normal((366, width))
        shocks = rng.standard_t(5, (366, 1 + sectors)) / np.sqrt(5 / 3)
        logs = np.empty((len(days), width))
        for row in range(len(days)):
            state = 0.97 * state + pushes[row]
            logs[row] = state
        volatility = np.exp(logs - 0.10)
        shocks = shocks[: len(days)]
        market = 0.00026 + 0.0085 * volatility[:, 0] * shocks[:, 0]
        parts = 0.0055 * volatility[:, 1 : 1 + sectors] * shocks[:, 1:]
        daily.append((market, parts, volatility[:, 1 + sectors :]))
    market_sums = np.zeros(YEARS)
    sector_sums = np.zeros((YEARS, sectors))
    for number, (market, parts, _) in enumerate(daily):
        market_sums[number], sector_sums[number] = market.sum(), parts.sum(axis=0)
    return Factors(daily, (market_sums, sector_sums))


def draw_block(
    seed: int, number: int, names: list[tuple[str, str]], market: Floats, sectors: Floats
) -> Block:
    """Draw the yearly facts of block ``number``, whose members are ``names``; block 0 holds the funds."""
    rng = np.random.default_rng([seed, 1, number])
    width, is_fund = len(names), number == 0
    sector = rng.choice(len(SECTOR_NAMES), BLOCK, p=SECTOR_WEIGHTS)
    industry = rng.integers(0, 1 << 20, BLOCK)
    beta = np.clip(rng.normal(1.0, 0.35, BLOCK), 0.1, 2.2)
    loading = np.clip(rng.normal(1.0, 0.3, BLOCK), 0.2, 2.0)
    noise = np.exp(rng.normal(-4.2, 0.35, BLOCK))
    archetype = rng.integers(0, ARCHETYPES, BLOCK)
    price = np.exp(rng.normal(3.6, 0.7, BLOCK))
    capital = np.exp(rng.normal(22.3, 1.5, BLOCK))
    turnover = np.exp(rng.normal(-5.0, 0.4, BLOCK))
    listed, delisted = _lifetimes(rng)
    dividend_yield = np.where(rng.random(BLOCK) < 0.55, rng.uniform(0.005, 0.045, BLOCK), 0.0)
    dividend_slots = rng.integers(8, 62, BLOCK)[:, None] + 64 * np.arange(4)
    annual = (noise[:, None] * np.sqrt(261.0)) * rng.standard_normal((BLOCK, YEARS)) * 0.8
    annual += 0.02 - 0.5 * (0.8 * noise[:, None] * np.sqrt(261.0)) ** 2
    if is_fund:
        sector[:width] = [fund.sector for fund in FUNDS[:width]]
        beta[:width] = [fund.beta for fund in FUNDS[:width]]
        loading[:width] = [fund.loading for fund in FUNDS[:width]]
        noise[:width] = [fund.noise for fund in FUNDS[:width]]
        annual[:] = 0.015
        price[:], capital[:], turnover[:] = 60.0, 4e10, 0.015
        listed[:], delisted[:], dividend_yield[:] = day_number(date(FIRST_YEAR, 1, 2)), NEVER, 0.014
    growth = (
        beta[:, None] * market + loading[:, None] * sectors[:, sector].T + annual - dividend_yield[:, None]
    )
    level = np.log(price)[:, None] + np.hstack([np.zeros((BLOCK, 1)), np.cumsum(growth, axis=1)[:, :-1]])
    scale, slot, ratio = _splits(rng, level, allowed=not is_fund)
    part = slice(0, width)
    return Block(
        symbols=tuple(symbol for symbol, _ in names),
        names=tuple(name for _, name in names),
        is_fund=is_fund,
        sector=sector[part],
        industry=industry[part],
        beta=beta[part],
        loading=loading[part],
        noise=noise[part],
        archetype=archetype[part],
        shares=np.rint(capital / price)[part],
        turnover=turnover[part],
        listed=listed[part],
        delisted=delisted[part],
        annual=annual[part],
        dividend_yield=dividend_yield[part],
        dividend_slots=dividend_slots[part],
        level=level[part],
        split_scale=scale[part],
        split_slot=slot[part],
        split_ratio=ratio[part],
    )


def _lifetimes(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # three in ten were listed after 1998, 15 in a hundred leave before 2028, evenly over the years
    low, high = day_number(date(FIRST_YEAR, 1, 2)), day_number(date(2028, 1, 1))
    old = rng.integers(day_number(date(1975, 1, 1)), low, BLOCK)
    young = rng.integers(low, high, BLOCK)
    listed = np.where(rng.random(BLOCK) < 0.3, young, old)
    leave = rng.integers(low, high, BLOCK)
    leaves = (rng.random(BLOCK) < 0.15) & (leave > listed + 500)
    return listed, np.where(leaves, leave, NEVER)


def _splits(
    rng: np.random.Generator, level: Floats, *, allowed: bool
) -> tuple[Floats, NDArray[np.int64], Floats]:
    # at most one split a year, decided on the raw price at the start of the year
    chance = rng.random(level.shape)
    slot = rng.integers(20, 240, level.shape)
    scale, ratio = np.ones(level.shape), np.ones(level.shape)
    sizes = np.array([2.0, 3.0, 4.0, 5.0, 10.0, 20.0])
    current = np.ones(len(level))
    for y in range(level.shape[1]):
        scale[:, y] = current
        price = np.exp(level[:, y]) * current
        forward = sizes[np.abs(sizes - (price / 70.0)[:, None]).argmin(axis=1)]
        odd = np.where((price > 40) & (chance[:, y] < 0.012), 1.5, 1.0)
        chosen = np.where((price > 280) & (chance[:, y] < 0.6), forward, odd)
        chosen = np.where((price > 110) & (price <= 280) & (chance[:, y] < 0.10), forward, chosen)
        chosen = np.where((price < 3) & (chance[:, y] < 0.6), 0.1, chosen)
        ratio[:, y] = chosen if allowed else 1.0
        current = current / ratio[:, y]
    return scale, slot, ratio


def year_actions(
    block: Block, c: int, y: int, kept: float
) -> Iterator[tuple[str, int, float | None, float | None]]:
    """Yield (kind, weekday of the year, split ratio, cash) of one company's splits and dividends in one year.

    ``kept`` is what spin-offs before the year left of the price, as a fraction.
    """
    ratio, slot = float(block.split_ratio[c, y]), int(block.split_slot[c, y])
    if ratio != 1.0:
        yield "split", slot, ratio, None
    rate = float(block.dividend_yield[c])
    if rate > 0.0:
        price = float(np.exp(block.level[c, y]) * block.split_scale[c, y]) * kept
        for ex in block.dividend_slots[c].tolist():
            cash = round(price * rate / 4 / (ratio if ex >= slot else 1.0), 2)
            if cash > 0:
                yield "cash_dividend", ex, None, cash
