"""The decision of a session: books and market as they stood at its close, the signals, and the targets that risk allows."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from resources.database.rows import replace_rows
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.books.holdings import books_from_fills
from trading_assets.books.performance import marks_by_session, value_books
from trading_assets.errors import DataQualityError
from trading_assets.execution import halts
from trading_assets.execution.booked import account_fills, known_splits, opening
from trading_assets.execution.valuation import MARK_LOOK_BACK, accepted_closes
from trading_assets.execution.waiting import unsettled_before
from trading_assets.market_data.acceptance import accepted_findings
from trading_assets.market_data.findings import require_clean_session, restricted_symbols
from trading_assets.quality.outcome import covered, findings_frame
from trading_assets.quality.rows import values_text
from trading_assets.risk.targets import Book, Market, target_positions
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE


def decide(platform: Platform, account: str, session: date, *, strategy: str) -> pl.DataFrame:
    """Make and store the target positions of a session.

    The books are those before the session's own orders: fills of earlier decisions. So the same session gives the
    same targets whenever it is run again.
    """
    signals = platform.database.fetch_polars(
        "select symbol, side, strength, reason from signals where strategy = %s and session = %s order by symbol",
        (strategy, session),
    )
    cash, opened = opening(platform.database, account)
    fills = [fill for fill in account_fills(platform.database, account) if fill.session < session]
    splits = known_splits(platform.lake, {fill.symbol for fill in fills}, opened, session)
    books = books_from_fills(fills, cash, splits=splits, through=session)
    symbols = {*books.quantities, *signals["symbol"].to_list()}
    marks = accepted_closes(platform, symbols, calendar.shift(session, -MARK_LOOK_BACK), session)
    _, scaled = next(marks_by_session(marks, [session], splits))
    valued = value_books(books, scaled)
    now = platform.clock.now()
    unsettled = unsettled_before(platform.database, account, session, now)
    targets = target_positions(
        signals,
        Book(quantities=books.quantities, equity_usd=valued.equity_usd, cash_usd=valued.cash_usd),
        Market(
            last_close={symbol: float(price) for symbol, price in scaled.items()},
            traded=_traded(platform, session, symbols),
            dollar_volume=_dollar_volume(platform, session, symbols),
            restricted=restrictions(platform, session, symbols),
            new_risk_blocked=_blocked(platform, account, session, unsettled),
            frozen=_frozen(platform, session, symbols, unsettled),
        ),
        strategy=strategy,
    )
    rows = targets.with_columns(account=pl.lit(account), session=pl.lit(session), created_at=pl.lit(now))
    replace_rows(platform.database, "target_positions", rows, where={"account": account, "session": session})
    return targets


def _traded(platform: Platform, session: date, symbols: set[str]) -> frozenset[str]:
    bars = platform.lake.scan(
        DAILY_BARS, start=session, end=session, symbols=sorted(symbols) or [""], columns=["symbol"]
    ).collect()
    return frozenset(bars["symbol"].to_list())


def _dollar_volume(platform: Platform, session: date, symbols: set[str]) -> dict[str, float]:
    columns = ["symbol", "dollar_volume_20"]
    features = platform.lake.scan(
        DAILY_FEATURES, start=session, end=session, symbols=sorted(symbols) or [""], columns=columns
    )
    return dict(features.drop_nulls().collect().iter_rows())


def _frozen(
    platform: Platform, session: date, symbols: set[str], unsettled: dict[str, str]
) -> dict[str, tuple[str, str]]:
    # An order counts shares of today; executed after the split, it would trade another part of the position.
    following = calendar.next_session(session)
    splits = known_splits(platform.lake, symbols, session + timedelta(days=1), following)
    return {
        **{
            split.symbol: ("split_ahead", f"it splits {split.ratio:g} for 1 on {split.ex_date}")
            for split in splits
        },
        **{symbol: ("unsettled_order", why) for symbol, why in unsettled.items()},
    }


def restrictions(platform: Platform, session: date, symbols: set[str]) -> dict[str, str]:
    """Return which of the symbols get no new risk on a session, each with the reason; they may be sold all the same.

    A refused bar restricts its symbol until a person accepts the finding about it.
    """
    names = sorted(symbols) or [""]
    refused = platform.lake.scan(QUARANTINED_BARS, start=session, end=session, symbols=names).collect()
    accepted = accepted_findings(platform.database, DAILY_BARS.name, [session])
    is_known = covered(findings_frame(refused, value=values_text()), accepted)
    standing = refused.filter(~is_known).select("symbol", "rule")
    listed = (
        platform.lake.scan(
            UNIVERSE, start=session, end=session, symbols=names, columns=["symbol", "is_tradable"]
        )
        .filter(~pl.col("is_tradable"))
        .collect()
    )
    return {
        **restricted_symbols(platform.database, session, calendar.next_session(session)),
        **dict.fromkeys(listed["symbol"].to_list(), "the broker does not trade it"),
        **{symbol: f"a source's bar was refused: {rule}" for symbol, rule in standing.iter_rows()},
    }


def _blocked(platform: Platform, account: str, session: date, unsettled: dict[str, str]) -> str | None:
    try:
        require_clean_session(platform.database, session)
    except DataQualityError as error:
        return str(error)
    with platform.database.connection() as connection:
        engaged = halts.active_halts(connection, account)
    if engaged:
        return f"trading is halted: {engaged[0].reason}"
    # what they will cost is not in the cash yet
    return f"earlier orders are not settled: {', '.join(sorted(unsettled))}" if unsettled else None
