"""Risk limits: what a new position must satisfy and how large it may be at most; per symbol and for the whole book."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

MAX_LEVERAGE = 2
"""No plan may allow a larger sum of positions; times the equity."""
UNKNOWN_SECTOR = "unknown"


class RiskLimits(BaseModel):
    """Limits of the book; fractions are of equity unless said otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_position_frac: Decimal = Field(
        default=Decimal("0.10"), gt=0, le=1, description="largest position; a larger one is cut; fraction"
    )
    max_positions: int = Field(
        default=25, ge=1, description="no position is opened beyond this many; positions"
    )
    max_gross_frac: Decimal = Field(
        default=Decimal("0.95"), gt=0, le=MAX_LEVERAGE, description="largest sum of positions; fraction"
    )
    max_sector_frac: Decimal | None = Field(
        default=None, gt=0, description="largest sum of positions in a sector that buys more of it; fraction"
    )
    max_new_positions: int | None = Field(
        default=None, ge=0, description="positions opened in a session at most; positions"
    )
    max_daily_turnover_frac: Decimal | None = Field(
        default=None,
        gt=0,
        description="half of what a session's orders buy and sell, beyond which nothing is bought; fraction",
    )
    min_order_usd: Decimal = Field(
        default=Decimal(0), ge=0, description="smaller purchases are not made; USD"
    )
    no_trade_frac: Decimal = Field(
        default=Decimal(0),
        ge=0,
        lt=1,
        description="a position is cut only when it is so much larger than max_position_frac; fraction",
    )
    min_price_usd: Decimal = Field(
        default=Decimal(5), ge=0, description="cheaper shares are not bought; USD per share"
    )
    max_volume_frac: Decimal = Field(
        default=Decimal("0.01"),
        gt=0,
        le=1,
        description="an order is at most this share of the mean dollar volume of 20 sessions; fraction",
    )
    max_order_usd: Decimal = Field(
        default=Decimal(50_000), gt=0, description="largest order that takes on risk; USD"
    )
    cash_buffer_frac: Decimal = Field(
        default=Decimal("0.02"),
        ge=0,
        lt=1,
        description="cash kept for prices that rise between the decision and the fill; fraction",
    )


class Entry(NamedTuple):
    """What the limits look at before a position is opened or increased; ``held_usd`` is what is held of the symbol.

    ``sector_usd`` is what is held of its sector, ``opened`` the positions that this decision opened so far, and
    ``traded_usd`` what it buys and sells so far.
    """

    price_usd: Decimal | None
    dollar_volume_usd: Decimal | None
    equity_usd: Decimal
    gross_usd: Decimal
    positions: int
    available_usd: Decimal
    held_usd: Decimal = Decimal(0)
    sector: str = UNKNOWN_SECTOR
    sector_usd: Decimal = Decimal(0)
    opened: int = 0
    traded_usd: Decimal = Decimal(0)


class Cap(NamedTuple):
    """Largest notional that one rule allows, and how to say it."""

    rule: str
    notional_usd: Decimal
    words: str


def refusal(entry: Entry, limits: RiskLimits) -> tuple[str, str] | None:
    """Name the first rule that forbids a new position whatever its size.

    Returns
    -------
    tuple or None
        Rule and reason in words.
    """
    if entry.price_usd is None:
        return "no_bar", "no accepted bar in this session: no new risk"
    if entry.equity_usd <= 0:
        return "no_equity", f"equity is {entry.equity_usd} USD"
    if entry.price_usd < limits.min_price_usd:
        return "min_price", f"close {entry.price_usd} is below {limits.min_price_usd} USD"
    if entry.dollar_volume_usd is None:
        return "liquidity_unknown", "the mean dollar volume of 20 sessions is not known"
    return _no_place(entry, limits) if entry.held_usd == 0 else None


def _no_place(entry: Entry, limits: RiskLimits) -> tuple[str, str] | None:
    if entry.positions >= limits.max_positions:
        return "max_positions", f"{entry.positions} of {limits.max_positions} positions are taken"
    most = limits.max_new_positions
    if most is not None and entry.opened >= most:
        return "max_new_positions", f"{entry.opened} of {most} new positions of the session are taken"
    return None


def caps(entry: Entry, limits: RiskLimits) -> list[Cap]:
    """List the largest notional that each rule allows for a new position, in USD, never below 0."""
    equity = entry.equity_usd
    volume = entry.dollar_volume_usd or Decimal(0)
    rules = [
        (
            "max_position",
            equity * limits.max_position_frac - entry.held_usd,
            f"{percent(limits.max_position_frac)} of equity",
        ),
        (
            "max_gross",
            equity * limits.max_gross_frac - entry.gross_usd,
            f"gross exposure up to {percent(limits.max_gross_frac)} of equity",
        ),
        (
            "liquidity",
            volume * limits.max_volume_frac,
            f"{percent(limits.max_volume_frac)} of the mean dollar volume",
        ),
        ("max_order", limits.max_order_usd, f"orders up to {limits.max_order_usd} USD"),
        ("buying_power", entry.available_usd, f"{entry.available_usd:.2f} USD of cash to spend"),
    ]
    if limits.max_sector_frac is not None:
        words = f"{percent(limits.max_sector_frac)} of equity in the sector {entry.sector}, of which {entry.sector_usd:.2f} USD are held"
        rules.append(("max_sector", equity * limits.max_sector_frac - entry.sector_usd, words))
    if limits.max_daily_turnover_frac is not None:
        words = f"a turnover of {percent(limits.max_daily_turnover_frac)} of equity, of which {entry.traded_usd / 2:.2f} USD are used"
        rules.append(("max_turnover", 2 * equity * limits.max_daily_turnover_frac - entry.traded_usd, words))
    return [Cap(rule, max(notional, Decimal(0)), words) for rule, notional, words in rules]


def percent(fraction: Decimal) -> str:
    """Write a fraction as a percentage for people."""
    return f"{(fraction * 100).normalize():f} %"
