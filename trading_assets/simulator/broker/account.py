"""The simulated account: cash, positions and Regulation T margin. Pure arithmetic on decimals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from trading_assets.simulator.broker.matching import SHARE_STEP

MULTIPLIER = Decimal(2)
INITIAL_MARGIN_FRAC = Decimal("0.5")
SHORT_MINIMUM_EQUITY_USD = Decimal(2000)
SHORT_HOLD_FACTOR = Decimal("1.03")


@dataclass
class Position:
    """Signed shares of one symbol (negative: short) and the average price at which they were opened."""

    symbol: str
    shares: Decimal
    average_price: Decimal

    @property
    def cost_usd(self) -> Decimal:
        """What the open shares cost (negative: brought in)."""
        return self.shares * self.average_price


@dataclass
class Account:
    """Cash, positions and identity of the one account."""

    id: str
    number: str
    created_at: datetime
    cash_usd: Decimal
    positions: dict[str, Position] = field(default_factory=dict)

    def shares(self, symbol: str) -> Decimal:
        """Return the signed shares held."""
        position = self.positions.get(symbol)
        return position.shares if position else Decimal(0)

    def trade(self, symbol: str, signed_shares: Decimal, price: Decimal) -> None:
        """Book an execution: exact cash, average price over the shares that opened."""
        self.cash_usd -= signed_shares * price
        position = self.positions.get(symbol)
        if position is None:
            self.positions[symbol] = Position(symbol, signed_shares, price)
            return
        after = position.shares + signed_shares
        if (position.shares > 0) == (signed_shares > 0):
            position.average_price = (position.cost_usd + signed_shares * price) / after
        elif after and (after > 0) != (position.shares > 0):
            # Through zero: what is left was opened now.
            position.average_price = price
        position.shares = after
        if not after:
            del self.positions[symbol]

    def split(self, symbol: str, ratio: Decimal) -> tuple[Decimal, Decimal]:
        """Multiply a position by a split's ratio; return the shares that this added, and the fraction to be paid in cash."""
        position = self.positions[symbol]
        before = position.shares
        position.shares, fraction = whole_stays_whole(before, before * ratio)
        position.average_price /= ratio
        if not position.shares:
            del self.positions[symbol]
        return position.shares - before, fraction

    def take_out(self, symbol: str) -> Position:
        """Remove a whole position without a trade, and return it."""
        return self.positions.pop(symbol)

    def put_in(self, symbol: str, shares: Decimal, price: Decimal) -> Decimal:
        """Add signed shares that cost ``price`` each without a trade; returns the shares added, rounded."""
        rounded = shares.quantize(SHARE_STEP).normalize()
        if rounded:
            cash = self.cash_usd
            self.trade(symbol, rounded, price)
            self.cash_usd = cash
        return rounded


def whole_stays_whole(held: Decimal, exact: Decimal) -> tuple[Decimal, Decimal]:
    """Return what a corporate action makes of shares, and the fraction of a share that is paid in cash instead.

    Who held whole shares gets whole shares; who held fractions keeps them.
    """
    kept = exact.to_integral_value(ROUND_DOWN) if not held % 1 else exact.quantize(SHARE_STEP)
    return kept.normalize(), (exact - kept if not held % 1 else Decimal(0))


@dataclass(frozen=True)
class Balances:
    """The account valued at one set of marks, in USD."""

    cash: Decimal
    long_value: Decimal
    short_value: Decimal
    held: Decimal

    @property
    def equity(self) -> Decimal:
        """Cash plus the signed value of all positions."""
        return self.cash + self.long_value + self.short_value

    @property
    def initial_margin(self) -> Decimal:
        """Regulation T requirement of the positions."""
        return (self.long_value - self.short_value) * INITIAL_MARGIN_FRAC

    @property
    def maintenance_margin(self) -> Decimal:
        """Requirement to keep the positions: 30 % of their value."""
        return (self.long_value - self.short_value) * Decimal("0.3")

    @property
    def buying_power(self) -> Decimal:
        """What may be opened now: twice the excess equity, less what open orders hold."""
        return max((self.equity - self.initial_margin) * MULTIPLIER - self.held, Decimal(0))


def balances(account: Account, marks: Mapping[str, Decimal], held_usd: Decimal) -> Balances:
    """Value the account at ``marks`` (one price for each held symbol)."""
    values = [position.shares * marks[symbol] for symbol, position in account.positions.items()]
    return Balances(
        cash=account.cash_usd,
        long_value=sum((value for value in values if value > 0), Decimal(0)),
        short_value=sum((value for value in values if value < 0), Decimal(0)),
        held=held_usd,
    )
