"""A further kind of bars is one more record: five-minute and weekly bars are fetched, consolidated and checked by it alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from resources.clock import ManualClock
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from resources.platform import Platform
from resources.raw.responses import RawResponse
from resources.raw.store import RawStore
from resources.vendors.protocol import Fetched, Progress
from trading_assets.errors import DataQualityError
from trading_assets.market_data.checking import check_bars
from trading_assets.market_data.compared import with_due
from trading_assets.market_data.consolidation import consolidate_bars
from trading_assets.market_data.grains import KeptBars
from trading_assets.market_data.ingest import ingest_bars
from trading_assets.market_data.progress import finished_until, reached
from trading_assets.market_data.selection import kept_symbols
from trading_assets.quality.checks import ROW_CHECKS
from trading_assets.quality.intraday import bars_missing, matches_daily, stored_early
from trading_assets.quality.outcome import CheckOutcome
from trading_assets.sessions import session_close, session_open, shift
from trading_assets.settings import Settings
from trading_assets.tables.bars import OHLCV, bar_grain, stored_schema
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.hourly import BAR_START
from trading_assets.tables.table import Table

SOURCES = ("polygon", "yahoo")
SYMBOLS = ("AAA", "BBB", "SPY")
DAY = date(2024, 7, 3)  # a half day
BARS = 42
FIVE_MINUTES = timedelta(minutes=5)


def five_minutes(session: date) -> list[tuple[datetime, datetime]]:
    opens = session_open(session)
    starts = [
        opens + FIVE_MINUTES * number for number in range((session_close(session) - opens) // FIVE_MINUTES)
    ]
    return [(start, start + FIVE_MINUTES) for start in starts]


def week(session: date) -> list[tuple[datetime, datetime]]:
    return [(session_open(shift(session, -session.weekday())), session_close(session))]


FIVE_MINUTE_BARS = KeptBars(
    bar_grain(
        "five_minute",
        "five-minute bar",
        five_minutes,
        per="five minutes",
        quarantined="quarantined_five_minute_bars",
        start=BAR_START,
    ),
    sources=lambda _: SOURCES,
    fetch=lambda vendor: vendor.five_minute_bars,
    checks={
        "bars_missing": bars_missing,
        "stored_early": stored_early,
        **ROW_CHECKS,
        "matches_daily": matches_daily,
    },
    compare=with_due,
    sessions_at_once=21,
    reference_sessions=2,
    look_back_sessions=1,
    selection=kept_symbols,
)
WEEKLY_BARS = KeptBars(
    bar_grain("weekly", "week", week, per="week", quarantined="quarantined_weekly_bars"),
    sources=lambda _: SOURCES,
    fetch=lambda vendor: vendor.weekly_bars,
    checks=ROW_CHECKS,
    compare=lambda _, checked: checked,
    sessions_at_once=52,
    reference_sessions=10,
    look_back_sessions=10,
)


class Vendor:
    """Answers with those of its five-minute bars that are final."""

    asks_by_symbol = False

    def __init__(self, bars: pl.DataFrame, clock: ManualClock, delay: timedelta) -> None:
        self.bars, self.clock, self.delay = bars, clock, delay

    def five_minute_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        now = self.clock.now()
        asked = pl.col("session").is_in(sessions) & pl.col("symbol").is_in(symbols)
        final = self.bars.filter(asked, pl.col("bar_end") + self.delay <= now)
        return Fetched(final, [RawResponse("https://bars.example", 200, now, b"{}")])


@pytest.fixture
def platform(tmp_path, fresh_database) -> Platform:
    """The evening of the day, with a real lake and daily bars of the day and of the one before."""
    made = Platform(
        settings=Settings(_env_file=None, data=tmp_path, sources=SOURCES, hourly_symbols=2),
        simulator_url=None,
        postgres=None,
        database=fresh_database,
        clock=ManualClock(session_close(DAY) + timedelta(hours=3)),
        lake=Lake(tmp_path / "lake", FileLocks(tmp_path / "locks")),
        raw=RawStore(tmp_path / "raw"),
    )
    days = dated([shift(DAY, -1), DAY], volume=1_000.0 * BARS)
    store(made, DAILY_BARS, days.with_columns(source=pl.lit("polygon"), source_count=pl.lit(1)))
    return made


def priced(keys: list[dict[str, object]], volume: float) -> pl.DataFrame:
    values = {
        "open": 50.0,
        "high": 50.5,
        "low": 49.5,
        "close": 50.1,
        "volume": volume,
        "vwap": None,
        "trade_count": None,
    }
    return pl.DataFrame(keys).with_columns(
        pl.lit(values[name], column.dtype).alias(name) for name, column in OHLCV.items()
    )


def dated(sessions: Sequence[date], volume: float) -> pl.DataFrame:
    return priced([{"symbol": symbol, "session": day} for symbol in SYMBOLS for day in sessions], volume)


def timed() -> pl.DataFrame:
    keys = [
        {"symbol": symbol, "bar_start": start, "bar_end": end, "session": DAY}
        for symbol in SYMBOLS
        for start, end in five_minutes(DAY)
    ]
    return priced(keys, 1_000.0)


def store(platform: Platform, table: Table, frame: pl.DataFrame) -> None:
    given = frame.with_columns(batch_id=pl.lit("b"), reports=pl.lit(1))
    rows = given.select(
        (pl.col(name) if name in given.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in stored_schema(table).items()
    )
    platform.lake.write_sessions(table, rows, sorted(set(rows["session"])), known_at=platform.clock.now())


def spoiled(frame: pl.DataFrame, where: pl.Expr, **values: object) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then(pl.lit(value)).otherwise(name).cast(frame.schema[name]).alias(name)
        for name, value in values.items()
    )


def fetched(platform: Platform, **bars: pl.DataFrame) -> None:
    delay = platform.settings.data_delay
    platform.bar_sources = {name: Vendor(frame, platform.clock, delay) for name, frame in bars.items()}
    for source in bars:
        ingest_bars(platform, source, [DAY], FIVE_MINUTE_BARS)


def judged(platform: Platform, sessions: Sequence[date], kept: KeptBars) -> dict[str, CheckOutcome]:
    consolidate_bars(platform, sessions, kept)
    outcomes = {outcome.name: outcome for outcome in check_bars(platform, sessions, kept, run_id="test")}
    assert list(outcomes) == list(kept.checks)
    assert {outcome.table for outcome in outcomes.values()} == {kept.bars.accepted.name}
    return outcomes


def noticed(outcomes: dict[str, CheckOutcome]) -> set[str]:
    return {name for name, outcome in outcomes.items() if not outcome.passed}


def stored(platform: Platform, table: Table) -> pl.DataFrame:
    return platform.lake.scan(table).sort(table.key).collect()


def test_five_minute_bars_go_from_the_vendors_to_the_accepted_ones(platform):
    kind = FIVE_MINUTE_BARS.bars
    with pytest.raises(
        DataQualityError, match=r"five-minute bars of 2024-07-03 were fetched .* five minute bars"
    ):
        consolidate_bars(platform, [DAY], FIVE_MINUTE_BARS)
    starts = [start for start, _ in five_minutes(DAY)]
    first, second, third = (pl.col("bar_start") == start for start in starts[:3])
    own = pl.col("symbol") == "AAA"
    polygon = spoiled(timed(), own & second, high=1.0)
    polygon = spoiled(polygon, own & third, close=9_000.0, high=9_000.0)
    polygon = spoiled(polygon, own & first, bar_start=starts[0] + timedelta(minutes=3))
    fetched(platform, polygon=polygon, yahoo=timed())
    outcomes = judged(platform, [DAY], FIVE_MINUTE_BARS)
    assert outcomes["matches_daily"].numbers["compared"] == len(SYMBOLS)
    assert noticed(outcomes) == {
        "phantom_session", "high_at_least_low", "unexplained_jump"
    }  # fmt: skip
    bars = stored(platform, kind.accepted)
    assert bars.select("symbol", "bar_start").rows() == [
        (symbol, start) for symbol in SYMBOLS for start in starts
    ]
    assert bars.filter(own)["source"].to_list() == ["yahoo"] * 3 + ["polygon"] * (BARS - 3)
    refused = stored(platform, kind.quarantined)
    assert refused.select("bar_start", "source", "rule").rows() == [
        (starts[0] + timedelta(minutes=3), "polygon", "phantom_session"),
        (starts[1], "polygon", "high_below_low"),
        (starts[2], "polygon", "unexplained_jump"),
    ]
    whole = finished_until([DAY], platform.clock.now(), timedelta(0), grain=kind)
    assert reached(platform.database, kind.accepted.name, [DAY]) == whole == {DAY: session_close(DAY)}


def test_five_minutes_that_nobody_has_stop_the_session_and_those_to_come_do_not(platform):
    platform.clock = ManualClock(session_open(DAY) + platform.settings.data_delay + 2 * FIVE_MINUTES)
    fetched(platform, polygon=timed(), yahoo=timed())
    assert noticed(judged(platform, [DAY], FIVE_MINUTE_BARS)) == set()
    assert stored(platform, FIVE_MINUTE_BARS.bars.accepted)["bar_start"].n_unique() == 2
    hole = timed().filter(pl.col("bar_start") != five_minutes(DAY)[7][0])
    platform.clock = ManualClock(session_close(DAY) + timedelta(hours=3))
    fetched(platform, polygon=hole, yahoo=hole)
    outcomes = judged(platform, [DAY], FIVE_MINUTE_BARS)
    assert outcomes["bars_missing"].is_blocking
    assert outcomes["bars_missing"].findings["bar_start"].to_list() == [five_minutes(DAY)[7][0]]
    assert outcomes["bars_missing"].numbers["five-minute bars"] == BARS


def test_weekly_bars_are_dated_on_the_last_session_of_their_week(platform):
    kind = WEEKLY_BARS.bars
    weeks = [date(2024, 3, 15), date(2024, 3, 22), date(2024, 3, 28)]  # the last one ends before Good Friday
    good_friday = date(2024, 3, 29)
    right = dated(weeks, volume=5_000.0)
    bad = spoiled(right, (pl.col("symbol") == "BBB") & (pl.col("session") == weeks[1]), volume=-1.0)
    phantom = dated([good_friday], volume=5_000.0).head(1)
    store(platform, kind.vendor["polygon"], pl.concat([bad, phantom]))
    store(platform, kind.vendor["yahoo"], right)
    following = date(2024, 4, 5)
    store(platform, kind.vendor["yahoo"], dated([following], volume=5_000.0))
    sessions = [*weeks, following]
    assert noticed(judged(platform, sessions, WEEKLY_BARS)) == {"phantom_session", "positive_prices"}
    bars = stored(platform, kind.accepted)
    assert bars.filter(symbol="BBB").select("session", "source", "source_count").rows() == [
        (weeks[0], "polygon", 2), (weeks[1], "yahoo", 1), (weeks[2], "polygon", 2), (following, "yahoo", 1)
    ]  # fmt: skip
    refused = stored(platform, kind.quarantined)
    assert refused.select("symbol", "session", "rule").rows() == [
        ("AAA", good_friday, "phantom_session"), ("BBB", weeks[1], "negative_volume")
    ]  # fmt: skip
