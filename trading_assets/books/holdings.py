"""Books: quantity, average cost, realised profit per symbol and cash, derived from fills and splits in exact decimals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction

from trading_assets.errors import DataQualityError
from trading_assets.orders import ActivityId, Side

ZERO = Decimal(0)
QUANTITY_QUANTUM = Decimal("0.000000001")
PRICE_QUANTUM = Decimal("0.000001")
_DIGITS = 50
_LARGEST_RATIO = 10_000


@dataclass(frozen=True)
class Fill:
    """One execution: ``session`` is the decision that led to it, ``executed_session`` the trading day of the fill."""

    symbol: str
    side: Side
    quantity: Decimal
    price_usd: Decimal
    session: date
    executed_session: date
    executed_at: datetime
    activity_id: ActivityId | None = None

    @property
    def signed_quantity(self) -> Decimal:
        """Shares added to the position; negative for a sale."""
        return self.quantity * self.side.sign


@dataclass(frozen=True)
class Split:
    """New shares per old share, from ``ex_date`` on."""

    symbol: str
    ex_date: date
    ratio: float


@dataclass(frozen=True)
class Holding:
    """A symbol's position; ``cost_usd`` is what the shares held cost in total (negative: proceeds of a short)."""

    quantity: Decimal = ZERO
    cost_usd: Decimal = ZERO
    realised_pnl_usd: Decimal = ZERO

    @property
    def average_cost_usd(self) -> Decimal:
        """Cost per share, to a millionth of a dollar; 0 when flat."""
        return (self.cost_usd / self.quantity).quantize(PRICE_QUANTUM) if self.quantity else ZERO


@dataclass(frozen=True)
class Books:
    """Cash and holdings after some fills; symbols that were closed stay, with their realised profit."""

    cash_usd: Decimal
    holdings: dict[str, Holding]

    @property
    def quantities(self) -> dict[str, Decimal]:
        """Shares per symbol that is not flat."""
        return {symbol: held.quantity for symbol, held in self.holdings.items() if held.quantity}

    @property
    def realised_pnl_usd(self) -> Decimal:
        """Profit of everything sold so far."""
        return sum((held.realised_pnl_usd for held in self.holdings.values()), ZERO)


def books_from_fills(
    fills: Iterable[Fill],
    opening_cash_usd: Decimal,
    *,
    splits: Sequence[Split] = (),
    through: date,
) -> Books:
    """Add up the fills executed and the splits effective up to the session ``through``; see ``books_by_session``."""
    return next(books_by_session(fills, opening_cash_usd, [through], splits=splits))[1]


def books_by_session(
    fills: Iterable[Fill],
    opening_cash_usd: Decimal,
    sessions: Iterable[date],
    *,
    splits: Sequence[Split] = (),
) -> Iterator[tuple[date, Books]]:
    """Yield the books at the end of each session.

    Average cost: a purchase adds to the cost, a sale takes the share of the cost that it sells and realises the rest of
    its proceeds; a fill that turns a position around closes it first. Cash moves by exactly quantity times price, so
    opening cash + realised profit = cash + cost of what is held, to the last digit.

    Parameters
    ----------
    fills
        In any order; they are applied by (executed_session, executed_at, activity_id).
    opening_cash_usd
        Cash before the first fill.
    sessions
        Ascending; fills executed and splits effective up to a session are in its books.
    splits
        Known splits; each applies before the fills executed on its ex-date. Quantities are rounded down to a
        billionth of a share, the cost is unchanged.

    Raises
    ------
    DataQualityError
        If a fill or split has no positive quantity, price or ratio.
    """
    due: list[tuple[date, Split | Fill]] = [
        *(
            (split.ex_date, split)
            for split in sorted(splits, key=lambda split: (split.ex_date, split.symbol))
        ),
        *(
            (fill.executed_session, fill)
            for fill in sorted(fills, key=lambda fill: (fill.executed_at, fill.activity_id))
        ),
    ]
    due.sort(key=lambda event: event[0])  # stable: on one day splits come first
    cash, holdings, done = opening_cash_usd, dict[str, Holding](), 0
    for session in sessions:
        with localcontext(prec=_DIGITS):
            while done < len(due) and due[done][0] <= session:
                event = due[done][1]
                done += 1
                if isinstance(event, Split):
                    _split(holdings, event)
                else:
                    cash -= event.signed_quantity * event.price_usd
                    holdings[event.symbol] = _filled(holdings.get(event.symbol, Holding()), event)
        yield session, Books(cash, dict(holdings))


def _split(holdings: dict[str, Holding], split: Split) -> None:
    if split.ratio <= 0:
        raise DataQualityError("A split needs a positive ratio", symbol=split.symbol, ratio=split.ratio)
    held = holdings.get(split.symbol)
    if held is not None and held.quantity:
        # vendors write 1:3 as 0.333333: the fraction behind it keeps whole shares whole
        ratio = Fraction(split.ratio).limit_denominator(_LARGEST_RATIO)
        quantity = (held.quantity * ratio.numerator / ratio.denominator).quantize(
            QUANTITY_QUANTUM, rounding=ROUND_DOWN
        )
        # a crumb that the split rounds away is a loss of what it had cost
        lost = ZERO if quantity else held.cost_usd
        holdings[split.symbol] = Holding(quantity, held.cost_usd - lost, held.realised_pnl_usd - lost)


def _filled(held: Holding, fill: Fill) -> Holding:
    if fill.quantity <= 0 or fill.price_usd <= 0:
        raise DataQualityError("A fill needs a positive quantity and price", activity_id=fill.activity_id)
    change = fill.signed_quantity
    if held.quantity * change >= 0:
        return replace(
            held, quantity=held.quantity + change, cost_usd=held.cost_usd + change * fill.price_usd
        )
    closing = max(min(change, abs(held.quantity)), -abs(held.quantity))
    left = held.quantity + closing
    # the cost of what is closed is fixed once, so that cost and profit add up exactly
    cost = held.cost_usd if not left else (held.cost_usd * -closing / held.quantity).quantize(PRICE_QUANTUM)
    closed = Holding(left, held.cost_usd - cost, held.realised_pnl_usd - closing * fill.price_usd - cost)
    opening = change - closing
    return replace(closed, quantity=left + opening, cost_usd=closed.cost_usd + opening * fill.price_usd)
