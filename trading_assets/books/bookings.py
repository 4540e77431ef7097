"""Bookings: what changed an account besides its trades, in terms of one share held, so that it can be shared out to strategies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from trading_assets.orders import ActivityId

ZERO = Decimal(0)
_LARGEST_RATIO = 10_000


class BookingKind(StrEnum):
    """What a booking is; the first five change positions."""

    SPLIT = "split"
    SPIN_OFF = "spin_off"
    SYMBOL_CHANGE = "symbol_change"
    MERGER = "merger"
    DELISTING = "delisting"
    CASH_IN_LIEU = "cash_in_lieu"
    DIVIDEND = "dividend"
    INTEREST = "interest"
    FEE = "fee"
    TRANSFER = "transfer"
    CORRECTION = "correction"

    @property
    def is_transfer(self) -> bool:
        """Whether it is money or shares put in or taken out, and no profit."""
        return self in {BookingKind.TRANSFER, BookingKind.CORRECTION}

    @property
    def is_income(self) -> bool:
        """Whether its cash is earned or paid by holding, not by selling."""
        return self in {BookingKind.DIVIDEND, BookingKind.INTEREST, BookingKind.FEE}


@dataclass(frozen=True)
class Action:
    """A corporate action as the market data know it; the columns of ``corporate_actions``."""

    symbol: str
    ex_date: date
    kind: str
    split_ratio: float | None = None
    cash_usd: float | None = None
    new_symbol: str | None = None
    share_ratio: float | None = None
    price_factor: float | None = None

    def __str__(self) -> str:
        match self.kind:
            case "split":
                ratio = self.shares_per_share
                what = f"split {ratio.numerator} for {ratio.denominator}"
            case "cash_dividend":
                what = f"dividend of {self.cash_usd:g} USD a share"
            case "spin_off":
                what = f"spin-off of {self.new_symbol or 'another company'}"
            case "symbol_change":
                what = f"new symbol {self.new_symbol}"
            case _ if self.is_merger:
                paid = [f"{self.cash_usd:g} USD"] if self.cash_usd else []
                paid += (
                    [f"{self.share_ratio:g} {self.new_symbol}"]
                    if self.new_symbol and self.share_ratio
                    else []
                )
                what = f"merger for {' and '.join(paid)} a share" if paid else "merger"
            case _:
                what = self.kind.replace("_", " ")
        return f"{self.symbol}: {what} on {self.ex_date}"

    @property
    def is_merger(self) -> bool:
        """Whether the end of a listing pays its holders."""
        return self.kind == "delisting" and bool(self.cash_usd or self.new_symbol)

    @property
    def name(self) -> str:
        """How what follows from it is named."""
        return f"action/{self.symbol}/{self.ex_date}/{self.kind}"

    @property
    def price_ratio(self) -> Fraction | None:
        """By how much earlier prices must be divided to compare with those since; None: not at all, or not known."""
        if self.kind == "split" and self.split_ratio:
            return self.shares_per_share
        if self.kind == "spin_off" and self.price_factor:
            return 1 / Fraction(str(self.price_factor))
        return None

    @property
    def shares_per_share(self) -> Fraction:
        """New shares per old one; vendors write 1:3 as 0.333333, and the fraction behind it keeps whole shares whole."""
        return Fraction(self.split_ratio or 1.0).limit_denominator(_LARGEST_RATIO)


@dataclass(frozen=True)
class Booking:
    """One change of an account that is no trade. It takes effect before the fills of its ``day``, a correction after them.

    Attributes
    ----------
    booking_id
        Made from the activities (or the action, or the difference) behind it; never changes.
    symbol
        Whose holders it concerns; None for the account as a whole.
    kept_shares
        Shares of ``symbol`` that are left of each one held.
    into, into_shares
        Symbol that takes over or is received, and its shares per share of ``symbol`` held.
    cost_along_frac
        Part of the cost that goes along into ``into``; at a merger, of the cost that its cash does not cover.
    cost_sold_frac
        Part of the cost that belongs to a fraction of a share which is paid in cash.
    shares, price_usd
        Shares added whatever is held (transfers and corrections), and what one of them costs. What is taken out leaves at
        what it had cost.
    cash_usd
        Cash that the account got (negative: paid).
    entitled_on
        The holders before the fills of this day share the cash; ``day`` if None.
    price_ratio
        By how much earlier prices of ``symbol`` must be divided to compare with those since; None: not at all.
    activity_ids, action, note
        Lineage: the broker's activities, the known corporate action, and the rule in words.
    sequence
        Place among the bookings of a day.
    """

    booking_id: str
    kind: BookingKind
    day: date
    symbol: str | None = None
    kept_shares: Fraction = Fraction(1)
    into: str | None = None
    into_shares: Fraction = Fraction(0)
    cost_along_frac: Fraction = Fraction(0)
    cost_sold_frac: Fraction = Fraction(0)
    shares: Decimal = ZERO
    price_usd: Decimal = ZERO
    cash_usd: Decimal = ZERO
    entitled_on: date | None = None
    price_ratio: Fraction | None = None
    activity_ids: tuple[ActivityId, ...] = ()
    action: Action | None = None
    note: str = ""
    sequence: int = 0

    @property
    def moves_position(self) -> bool:
        """Whether what is held of ``symbol`` changes by terms per share."""
        return self.kept_shares != 1 or self.into is not None or self.cost_sold_frac != 0


@dataclass(frozen=True)
class Activity:
    """Something other than a trade that the broker booked, as it is stored; ``cash_usd`` and ``shares`` are what it added.

    ``price_usd`` is what one share was put in at, where the broker says it.
    """

    activity_id: ActivityId
    kind: str
    symbol: str | None
    day: date
    cash_usd: Decimal = ZERO
    shares: Decimal = ZERO
    price_usd: Decimal | None = None


def in_decimal(value: Fraction) -> Decimal:
    """Return a fraction as a decimal, to as many digits as the context has."""
    return Decimal(value.numerator) / Decimal(value.denominator)
