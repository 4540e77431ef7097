"""The market as a live decision sees it: what the lake accepted of the session, and whatever forbids or holds back trades."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.books.bookings import Action
from trading_assets.books.rules import Rulings
from trading_assets.decision.market import CLOSES, FEATURES, LOOK_BACK_SESSIONS, market_shown, scale_changes
from trading_assets.errors import DataQualityError
from trading_assets.execution import halts
from trading_assets.execution.account_bookings import actions_so_far, rulings
from trading_assets.execution.book_differences import Difference, standing_differences
from trading_assets.execution.closes import last_closes
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.execution.waiting import unsettled_before
from trading_assets.market_data.findings import require_clean_session
from trading_assets.market_data.known_actions import known_actions
from trading_assets.research.restrictions import restrictions
from trading_assets.risk.targets import Market
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE


@dataclass(frozen=True)
class LiveMarket:
    """A `MarketReader` of one account; findings, halts and orders that are not settled are those of now."""

    account: TradingAccount
    lake: Lake

    def actions(self, symbols: Collection[str], start: date, end: date) -> list[Action]:
        """Return the corporate actions of symbols with ex-dates in a range."""
        return known_actions(self.lake, symbols, start, end)

    def read(self, session: date, symbols: Collection[str]) -> Market:
        """Return what the session showed of the symbols."""
        first, following = calendar.shift(session, -LOOK_BACK_SESSIONS), calendar.next_session(session)
        names = sorted(symbols) or [""]
        ruled = rulings(self.account, actions_so_far(self.lake, self.account))
        with self.account.database.connection() as connection:
            standing = standing_differences(connection, self.account.number)
        # what was received for another symbol may have to be valued by that one's last close
        sources = {str(booking.symbol) for booking in ruled.bookings if booking.into in symbols}
        closes = self.closes_of({*symbols, *sources}, first, session)
        features = self.lake.scan(
            DAILY_FEATURES, start=session, end=session, symbols=names, columns=["symbol", *FEATURES]
        )
        listed = self.lake.scan(
            UNIVERSE, start=session, end=session, symbols=names, columns=["symbol", "sector"]
        )
        unsettled = unsettled_before(
            self.account.database, self.account.number, session, self.account.clock.now()
        )
        unpriced = self._unpriced({*symbols} - {*closes["symbol"]})
        shown = market_shown(
            session,
            closes=closes,
            features=features.collect(),
            sector=dict(listed.drop_nulls().collect().iter_rows()),
            bookings=[*scale_changes(self.actions(symbols, first, session)), *ruled.bookings],
            ahead=self.actions(symbols, session + timedelta(days=1), following),
            restricted={
                **restrictions(self.account.database, self.lake, [session], symbols).get(session, {}),
                **_unknown_to_the_market(ruled, since=first),
            },
            new_risk_blocked=self._blocked(session, unsettled),
            frozen={
                **_unbooked(ruled),
                **_booked_since(ruled, session),
                **_differing(standing),
                **dict.fromkeys(
                    unpriced,
                    ("no_price", "it has no close: it is valued at the broker's price, else at nothing"),
                ),
                **{symbol: ("unsettled_order", why) for symbol, why in unsettled.items()},
            },
        )
        return replace(shown, last_close={**unpriced, **shown.last_close})

    def closes_of(self, symbols: Collection[str], start: date, end: date) -> pl.DataFrame:
        """Return the accepted raw closes of symbols in a range, and the last one before it of those without any."""
        return last_closes(self.lake, symbols, start, end, columns=CLOSES)

    def _unpriced(self, symbols: Collection[str]) -> dict[str, float]:
        """Return what the broker says held symbols without a close are worth."""
        held = (
            [position for position in self.account.broker.positions() if position.symbol in symbols]
            if symbols
            else []
        )
        return {position.symbol: float(str(position.body.get("current_price") or 0)) for position in held}

    def _blocked(self, session: date, unsettled: Mapping[str, str]) -> str | None:
        try:
            require_clean_session(self.account.database, session)
        except DataQualityError as error:
            return str(error)
        with self.account.database.connection() as connection:
            engaged = halts.active_halts(connection, self.account.number)
        if engaged:
            return f"trading is halted: {engaged[0].reason}"
        # what they will cost is not in the cash yet
        return f"earlier orders are not settled: {', '.join(sorted(unsettled))}" if unsettled else None


def _unbooked(ruled: Rulings) -> dict[str, tuple[str, str]]:
    return {
        item.item: ("action_not_booked", f"the broker has not booked it yet: {item.action}")
        for item in ruled.expected
        if item.is_position
    }


def _booked_since(ruled: Rulings, session: date) -> dict[str, tuple[str, str]]:
    # the decision counts the shares of its session: what has changed since would be ordered wrongly
    found = [item for item in ruled.bookings if item.day > session and (item.moves_position or item.shares)]
    return {
        symbol: (
            "booked_since",
            f"the broker booked a {item.kind.replace('_', ' ')} of it on {item.day}, after the session",
        )
        for item in found
        for symbol in (item.symbol, item.into)
        if symbol is not None
    }


def _differing(standing: Mapping[str, Difference]) -> dict[str, tuple[str, str]]:
    return {
        symbol: ("books_differ", f"books and broker differ: {difference}")
        for symbol, difference in standing.items()
    }


def _unknown_to_the_market(ruled: Rulings, *, since: date) -> dict[str, str]:
    # as long as features look back on it
    return {
        str(
            booking.symbol
        ): f"the broker booked a {booking.kind} of it on {booking.day} that the market data do not know"
        for booking in ruled.bookings
        if booking.action is None
        and booking.day >= since
        and (booking.price_ratio is not None or booking.moves_position)
    }
