"""Bad data of every kind: caught by the name of its check, orders blocked or the symbol left alone, the past untouched.

Each kind is planted into what the vendors' fetches left in the lake, judged by the product's own consolidation and
checks, and taken out again; a few go through the command line on the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pytest

from resources.raw.responses import RawResponse
from resources.vendors.protocol import Fetched
from trading_assets.errors import DataQualityError, VendorDataError
from trading_assets.market_data.acceptance import accept
from trading_assets.market_data.checking import check_actions, check_bars, check_features, check_universe
from trading_assets.market_data.consolidation import consolidate_bars
from trading_assets.market_data.corrections import check_earlier_features, check_earlier_sessions
from trading_assets.market_data.fetches import newest_fetches
from trading_assets.market_data.findings import blocked_sessions, require_clean_session, restricted_symbols
from trading_assets.market_data.ingest import store_fetched
from trading_assets.quality.checks import CHECKS, FEATURE_CHECKS, UNIVERSE_CHECKS
from trading_assets.quality.outcome import CheckOutcome
from trading_assets.research.restrictions import restrictions
from trading_assets.runs.history import backfill
from trading_assets.sessions import is_session, next_session, session_close, shift
from trading_assets.tables.daily import DAILY_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE
from trading_assets.tables.registry import TABLES
from trading_assets.tables.table import Table

pytestmark = pytest.mark.slow
PRICES = ("open", "high", "low", "close")


@dataclass
class Market:
    """What the vendors left of one session: frames to be spoiled, by table, and what they were."""

    platform: object
    session: date
    original: dict[str, pl.DataFrame]

    @property
    def symbols(self) -> list[str]:
        return self.original[DAILY_BARS.name]["symbol"].to_list()

    @property
    def closed_day(self) -> date:
        """The newest day before the session on which the exchange was closed."""
        day = self.session
        while is_session(day):
            day -= timedelta(days=1)
        return day

    def write(self, table: Table, frame: pl.DataFrame, *days: date) -> None:
        kept = [column for column in table.columns if column != "known_at"]
        now = self.platform.clock.now()
        self.platform.lake.write_sessions(table, frame.select(kept), days or [self.session], known_at=now)

    def spoil(self, change: Callable[[pl.DataFrame], pl.DataFrame], *sources: str) -> None:
        """Change the bars that these sources reported; all of them without names."""
        for source in sources or VENDOR_DAILY_BARS:
            table = VENDOR_DAILY_BARS[source]
            frame = change(self.original[table.name])
            self.write(table, frame, *sorted({self.session, *frame["session"]}))

    def rewrite(self, table: Table, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Change the session's rows of a table."""
        self.write(table, change(self.original[table.name]))

    def before(self, source: str) -> pl.DataFrame:
        """What a source reported on the session before, dated as today."""
        day = shift(self.session, -1)
        rows = self.platform.lake.scan(VENDOR_DAILY_BARS[source], start=day, end=day).collect()
        return rows.with_columns(session=pl.lit(self.session))

    def act(self, *actions: dict[str, object]) -> None:
        """Let corporate actions be known, of the session unless they say otherwise."""
        rows = [
            {"ex_date": self.session, "source": "polygon", "batch_id": "planted"} | action
            for action in actions
        ]
        schema = {name: kind for name, kind in CORPORATE_ACTIONS.schema.items() if name != "known_at"}
        self.write(
            CORPORATE_ACTIONS, pl.DataFrame(rows, schema=schema), *sorted({row["ex_date"] for row in rows})
        )

    def batches(self, statement: str) -> None:
        """Change what is known of the session's fetches."""
        self.platform.database.execute(
            f"update ingest_batches set {statement} where kind = 'daily_bars' and last_session = %s",
            (self.session,),
        )

    def judge(self) -> dict[str, CheckOutcome]:
        """Consolidate and check everything; the outcomes by name."""
        consolidate_bars(self.platform, [self.session])
        checks = (check_universe, check_actions, check_bars, check_features)
        return {
            item.name: item for run in checks for item in run(self.platform, [self.session], run_id="planted")
        }

    def restore(self) -> None:
        following = next_session(self.session)
        for table in (UNIVERSE, DAILY_FEATURES, DAILY_BARS):
            self.write(table, self.original[table.name])
        self.write(DAILY_BARS, self.original[DAILY_BARS.name].clear(), following)
        for table in VENDOR_DAILY_BARS.values():
            self.write(table, self.original[table.name], self.session, self.closed_day)
        self.write(CORPORATE_ACTIONS, self.original[CORPORATE_ACTIONS.name], self.session, following)
        self.batches("last_fetched_at = fetched_at")
        self.platform.database.execute("update ingest_batches set kind = 'daily_bars' where kind = 'planted'")

    def hashes(self) -> dict[tuple[str, date], str]:
        """Content of every table on the sessions before."""
        days = [shift(self.session, -offset) for offset in (1, 2, 5, 20)]
        lake = self.platform.lake
        return {(name, day): lake.content_hash(table, day) for name, table in TABLES.items() for day in days}


Plant = Callable[[Market], None]


@dataclass(frozen=True)
class Kind:
    """One kind of badness: the check that must name it, and whether it blocks the session or only its symbols."""

    name: str
    check: str
    plant: Plant
    blocks: bool = True
    restricts: bool = True

    def __str__(self) -> str:
        return self.name


def some(count: int) -> pl.Expr:
    """The first symbols."""
    return pl.int_range(pl.len()) < count


def changed(count: int, *sources: str, **values: pl.Expr | float) -> Plant:
    """Change columns of the first symbols."""

    def plant(market: Market) -> None:
        exprs = [
            pl.when(some(count)).then(value).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        ]
        market.spoil(lambda frame: frame.sort("symbol").with_columns(exprs), *sources)

    return plant


def scaled(count: int, factor: float, *sources: str, volume: float = 1.0) -> Plant:
    """Multiply the prices of the first symbols."""
    return changed(
        count, *sources, **{name: pl.col(name) * factor for name in PRICES}, volume=pl.col("volume") * volume
    )


def dropped(share: float, *sources: str) -> Plant:
    return lambda market: market.spoil(lambda frame: frame.head(round(frame.height * (1 - share))), *sources)


def repeated(count: int) -> Plant:
    def plant(market: Market) -> None:
        for source in VENDOR_DAILY_BARS:
            old = market.before(source).sort("symbol").head(count)
            market.spoil(
                lambda frame, old=old: pl.concat([old, frame.join(old, on="symbol", how="anti")]), source
            )

    return plant


def swapped(*sources: str) -> Plant:
    """Give every one of the first six symbols the bar of its neighbour."""

    def plant(market: Market) -> None:
        names = market.symbols[:6]
        other = dict(zip(names, [*names[1:], names[0]], strict=True))
        market.spoil(
            lambda frame: frame.with_columns(pl.col("symbol").replace(other)).sort("symbol"), *sources
        )

    return plant


def exchanged(market: Market) -> None:
    """Let two symbols whose prices differ by a fifth to two thirds have each other's bar, at all sources."""
    bars = market.original[DAILY_BARS.name].select("symbol", "close")
    pairs = bars.join(bars, how="cross", suffix="_other").with_columns(
        part=pl.col("close") / pl.col("close_other")
    )
    first, second = pairs.filter(pl.col("part").is_between(0.4, 0.8)).sort("part").row(0)[::2][:2]
    other = {first: second, second: first}
    market.spoil(lambda frame: frame.with_columns(pl.col("symbol").replace(other)).sort("symbol"))


def came_back(market: Market) -> None:
    """Let one symbol lie elsewhere, and the session after be as the one before the plant."""
    following = pl.lit(next_session(market.session))
    market.write(
        DAILY_BARS,
        market.original[DAILY_BARS.name].with_columns(session=following),
        next_session(market.session),
    )
    scaled(1, 0.6)(market)


def phantoms(count: int) -> Plant:
    """Add bars on the closed day before the session."""

    def plant(market: Market) -> None:
        day = pl.lit(market.closed_day)
        market.spoil(lambda frame: pl.concat([frame, frame.head(count).with_columns(session=day)]))

    return plant


def acts(*actions: dict[str, object]) -> Plant:
    """Let actions be known, of the first symbols in order."""
    return lambda market: market.act(
        *({"symbol": market.symbols[place]} | action for place, action in enumerate(actions))
    )


def told_twice(market: Market) -> None:
    days = (market.session, next_session(market.session))
    market.act(
        *({"symbol": market.symbols[0], "kind": "split", "split_ratio": 2.0, "ex_date": day} for day in days)
    )


def universe(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Plant:
    return lambda market: market.rewrite(UNIVERSE, change)


def feature(**values: pl.Expr | float | None) -> Plant:
    def plant(market: Market) -> None:
        exprs = [
            pl.when(some(3)).then(value).otherwise(pl.col(name)).alias(name) for name, value in values.items()
        ]
        market.rewrite(DAILY_FEATURES, lambda frame: frame.sort("symbol").with_columns(exprs))

    return plant


def twins(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, frame.with_columns(symbol=pl.lit("NEW") + pl.col("symbol"))])


NAN = float("nan")
KINDS = [
    Kind("prices of zero", "positive_prices", changed(3, close=0.0)),
    Kind("one price of zero", "positive_prices", changed(1, close=0.0), blocks=False),
    Kind("negative prices", "positive_prices", changed(3, low=-1.0)),
    Kind("prices that are no numbers", "positive_prices", changed(3, open=NAN)),
    Kind("negative volumes", "positive_prices", changed(3, volume=-100.0)),
    Kind("volumes that are no numbers", "positive_prices", changed(3, volume=NAN)),
    Kind("high below low", "high_at_least_low", changed(3, high=pl.col("low") * 0.9)),
    Kind("close above the high", "high_at_least_low", changed(3, close=pl.col("high") * 1.05)),
    Kind("open below the low", "high_at_least_low", changed(3, open=pl.col("low") * 0.9)),
    Kind("prices in cents", "unexplained_jump", scaled(3, 100.0)),
    Kind("prices that no share has", "unexplained_jump", scaled(3, 10_000.0)),
    Kind("a lost decimal point", "unexplained_jump", scaled(3, 0.1)),
    Kind("one source's prices in cents", "unexplained_jump", scaled(3, 100.0, "polygon"), blocks=False),
    Kind("bars on a closed day", "phantom_session", phantoms(5), blocks=False, restricts=False),
    Kind("all bars dated on a closed day", "completeness",
         lambda m: m.spoil(lambda f: f.with_columns(session=pl.lit(m.closed_day))), restricts=False),
    Kind("bars that contradict each other", "duplicates", changed(3, reports=2)),
    Kind("one bar that contradicts itself", "duplicates", changed(1, reports=2), blocks=False),
    Kind("a fifth of the symbols missing", "completeness", dropped(0.2)),
    Kind("one symbol missing", "completeness", dropped(0.03), blocks=False),
    Kind("no bars at all", "completeness", dropped(1.0), restricts=False),
    Kind("one source without bars", "freshness", dropped(1.0, "polygon"), blocks=False, restricts=False),
    Kind("no source was asked", "freshness", lambda m: m.batches("kind = 'planted'"), restricts=False),
    Kind("yesterday's bars once more", "stale_price", repeated(1000)),
    Kind("one of yesterday's bars", "stale_price", repeated(1), blocks=False),
    Kind("yesterday's closes", "stale_price",
         lambda m: [m.spoil(lambda f, s=s: f.drop("close").join(m.before(s).select("symbol", "close"), on="symbol")
                            .with_columns(high=pl.max_horizontal("high", "close"), low=pl.min_horizontal("low", "close")), s)
                    for s in VENDOR_DAILY_BARS], restricts=False),
    Kind("half of the volume", "volume_collapse", scaled(1000, 1.0, volume=0.45), restricts=False),
    Kind("a tenth of the volume", "volume_collapse", scaled(1000, 1.0, volume=0.1), restricts=False),
    Kind("volumes in lots", "volume_collapse", scaled(1000, 1.0, volume=0.01)),
    Kind("volumes in another unit", "volume_collapse", scaled(1000, 1.0, volume=100.0)),
    Kind("bars that one source had not finished", "unfinished_bar", scaled(1000, 1.0, "polygon", volume=0.6), restricts=False),
    Kind("bars fetched during the session", "unfinished_bar",
         lambda m: m.batches(f"last_fetched_at = '{session_close(m.session) - timedelta(hours=1)}'")),
    Kind("closes that differ by two percent", "cross_source_difference", scaled(5, 1.02, "polygon")),
    Kind("one close that differs", "cross_source_difference", scaled(1, 1.02, "polygon"), blocks=False),
    Kind("most volumes differ", "cross_source_difference", scaled(30, 1.0, "polygon", volume=0.9), restricts=False),
    Kind("symbols mixed up by one source", "cross_source_difference", swapped("polygon")),
    Kind("a split that nobody told", "missing_split", scaled(3, 0.5, volume=2.0)),
    Kind("a reverse split that nobody told", "missing_split", scaled(3, 3.0, volume=1 / 3)),
    Kind("a large split that nobody told", "missing_split", scaled(3, 0.1, volume=10.0)),
    Kind("one split that nobody told", "missing_split", scaled(1, 0.5, volume=2.0), blocks=False),
    Kind("splits that prices do not follow", "missing_split", acts(*[{"kind": "split", "split_ratio": 3.0}] * 3)),
    Kind("prices adjusted for a split to come", "missing_split", scaled(1000, 0.5, volume=2.0)),
    Kind("prices in another currency", "price_step", scaled(1, 0.78), blocks=False),
    Kind("prices of many symbols in another currency", "price_step", scaled(3, 0.78)),
    Kind("a price that came back", "came_back", came_back, blocks=False, restricts=True),
    Kind("symbols mixed up by all sources", "symbols_swapped", exchanged),
    Kind("a low without its decimal point", "lone_extreme", changed(1, low=pl.col("low") / 100), blocks=False),
    Kind("the volume of one symbol in another unit", "volume_surge", scaled(1, 1.0, volume=100.0), blocks=False),
    Kind("a column without values", "null_rate", changed(1000, vwap=pl.lit(None, pl.Float64)), blocks=False, restricts=False),
    Kind("half of the universe gone", "universe_drift", universe(lambda f: f.head(20)), restricts=False),
    Kind("a universe twice as large", "universe_drift", universe(twins), restricts=False),
    Kind("an empty universe", "universe_rows", universe(lambda f: f.clear()), restricts=False),
    Kind("listings with a status nobody knows", "universe_rows", universe(lambda f: f.with_columns(status=pl.lit("?")))),
    Kind("listings that ended before they began", "universe_rows",
         universe(lambda f: f.with_columns(listed_date=pl.lit(date(2020, 1, 2)), delisted_date=pl.lit(date(2019, 1, 2))))),
    Kind("a universe without names", "universe_null_rate",
         universe(lambda f: f.with_columns(name=pl.lit(None, pl.String))), restricts=False),
    Kind("splits by nothing", "action_values", acts(*[{"kind": "split", "split_ratio": 0.0}] * 3)),
    Kind("a split by ten thousand", "action_values", acts({"kind": "split", "split_ratio": 10_000.0}), blocks=False),
    Kind("dividends above the price", "action_values", acts(*[{"kind": "cash_dividend", "cash_usd": 1e6}] * 3)),
    Kind("dividends of nothing", "action_values", acts(*[{"kind": "cash_dividend", "cash_usd": None}] * 3)),
    Kind("a split told twice", "action_values", told_twice, blocks=False),
    Kind("a change to no symbol", "action_values", acts({"kind": "symbol_change"}), blocks=False),
    Kind("a feature beyond its range", "feature_values", feature(rsi_14=150.0)),
    Kind("a feature without end", "feature_values", feature(atr_14=float("inf"))),
    Kind("a feature without values", "feature_null_rate",
         lambda m: m.rewrite(DAILY_FEATURES, lambda f: f.with_columns(rsi_14=pl.lit(None, pl.Float64))), restricts=False),
]  # fmt: skip


@pytest.fixture(scope="module")
def market(install) -> Iterator[Market]:
    installation = install()
    session = date(2024, 5, 6)  # a Monday: the closed days before it are judged with it
    with installation.opened() as platform:
        backfill(platform, installation.session, session)
        tables = (*VENDOR_DAILY_BARS.values(), DAILY_BARS, UNIVERSE, CORPORATE_ACTIONS, DAILY_FEATURES)
        original = {
            table.name: platform.lake.scan(table, start=session, end=session).collect().sort("symbol")
            for table in tables
        }
        yield Market(platform, session, original)


def test_nothing_is_found_where_nothing_was_planted(market):
    outcomes = market.judge()
    assert {name for name, outcome in outcomes.items() if not outcome.passed} == set()
    require_clean_session(market.platform.database, market.session)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_kind_is_caught_by_name_and_stops_what_it_must(market, kind):
    database, before = market.platform.database, market.hashes()
    kind.plant(market)
    try:
        outcome = market.judge()[kind.check]
        assert not outcome.passed
        found = database.fetch(
            "select symbol, value, expectation from open_findings where check_name = %s", (kind.check,)
        )
        assert found
        assert all(value and expectation for _, value, expectation in found)
        assert outcome.is_blocking is kind.blocks
        if kind.blocks:
            with pytest.raises(DataQualityError, match=rf"{kind.check}: .* run the session again"):
                require_clean_session(database, market.session)
        else:
            require_clean_session(database, market.session)
        stopped = restricted_symbols(database, [market.session]).get(market.session, {})
        assert bool(stopped) is kind.restricts
        bars = market.platform.lake.scan(DAILY_BARS, start=market.session, end=market.session).collect()
        assert bars.filter(pl.min_horizontal(PRICES) <= 0).is_empty()
        assert market.hashes() == before
    finally:
        market.restore()


def test_accepting_a_refused_bar_lifts_the_stop_of_its_symbol_and_of_no_other(market):
    first, second = market.symbols[:2]
    database, session = market.platform.database, market.session
    odd = pl.col("symbol").is_in([first, second])
    market.spoil(
        lambda f: f.with_columns(high=pl.when(odd).then(pl.col("low") / 2).otherwise("high")), "alpaca"
    )

    def restricted() -> set[str]:
        found = restrictions(market.platform.database, market.platform.lake, [session], {first, second})
        return set(found.get(session, {}))

    try:
        market.judge()
        assert restricted() == {first, second}
        accept(
            database, check="high_at_least_low", session=session, symbol=first, actor="a person",
            reason="the best source has the bar", now=market.platform.clock.now(),
        )  # fmt: skip
        assert restricted() == {second}
    finally:
        database.execute("update finding_acceptances set revoked_at = accepted_at, revoked_by = 'test'")
        market.restore()


def test_a_step_that_stays_restricts_its_symbol_until_a_person_explains_it(market):
    platform, session, symbol = market.platform, market.session, market.symbols[0]
    later = shift(session, 60)

    def restricted() -> dict[str, str]:
        return restricted_symbols(platform.database, [later]).get(later, {})

    try:
        market.judge()
        assert symbol not in restricted()
        scaled(1, 0.78)(market)
        market.judge()
        assert restricted() == {symbol: f"a data-quality finding: price_step of {session}"}
        earlier = shift(session, -1)
        assert symbol not in restricted_symbols(platform.database, [earlier]).get(earlier, {})
        accept(
            platform.database, check="price_step", session=session, symbol=symbol, actor="a person",
            reason="a spin-off that no vendor tells", now=platform.clock.now(),
        )  # fmt: skip
        assert restricted() == {}
    finally:
        platform.database.execute(
            "update finding_acceptances set revoked_at = accepted_at, revoked_by = 'test'"
        )
        market.restore()


def test_a_wrong_split_that_is_told_late_stops_new_risk_in_its_symbol_today(market):
    platform, symbol = market.platform, market.symbols[5]
    late = shift(market.session, -2)
    earlier = [late, shift(market.session, -1)]
    was = platform.lake.scan(CORPORATE_ACTIONS, start=late, end=late).collect()
    try:
        check_earlier_sessions(platform, earlier, run_id="planted")
        assert symbol not in restricted_symbols(platform.database, [market.session]).get(market.session, {})
        market.act({"symbol": symbol, "ex_date": late, "kind": "split", "split_ratio": 3.0})
        check_earlier_sessions(platform, earlier, run_id="planted")
        found = platform.database.fetch(
            "select check_name from open_findings where symbol = %s and session = %s and severity = 'error'",
            (symbol, late),
        )
        assert ("missing_split",) in found
        assert (
            "missing_split"
            in restricted_symbols(platform.database, [market.session]).get(market.session, {})[symbol]
        )
    finally:
        market.write(CORPORATE_ACTIONS, was, late)
        check_earlier_sessions(platform, earlier, run_id="planted")


def test_the_universe_and_the_features_of_earlier_sessions_are_checked_along(market):
    platform, earlier = market.platform, shift(market.session, -1)
    listed, features = (
        platform.lake.scan(table, start=earlier, end=earlier).collect()
        for table in (UNIVERSE, DAILY_FEATURES)
    )
    decided = rf"of {earlier} fails blocking checks, and decisions were made on it"
    try:
        market.write(UNIVERSE, listed.sort("symbol").head(listed.height // 2), earlier)
        with pytest.raises(DataQualityError, match=decided):
            check_earlier_sessions(platform, [earlier], run_id="planted")
        assert earlier in blocked_sessions(platform.database, [earlier], [UNIVERSE.name])
        market.write(UNIVERSE, listed, earlier)
        check_earlier_sessions(platform, [earlier], run_id="planted")

        market.write(DAILY_FEATURES, features.with_columns(rsi_14=pl.lit(180.0)), earlier)
        with pytest.raises(DataQualityError, match=decided):
            check_earlier_features(platform, [earlier], run_id="planted")
        market.write(DAILY_FEATURES, features, earlier)
        check_earlier_features(platform, [earlier], run_id="planted")
    finally:
        market.write(UNIVERSE, listed, earlier)
        market.write(DAILY_FEATURES, features, earlier)


def test_a_refused_answer_does_not_count_as_a_fetch(market):
    platform, day, table = market.platform, market.session, VENDOR_DAILY_BARS["polygon"]
    before = newest_fetches(platform.database, platform.settings, day, day)
    assert before.height == len(VENDOR_DAILY_BARS)
    now = platform.clock.now() + timedelta(minutes=1)
    platform.clock.advance_to(now)
    said = Fetched(market.original[table.name].clear(), [RawResponse("http://v/bars", 200, now, b"{}", None)])
    with pytest.raises(VendorDataError, match="Nothing was replaced"):
        store_fetched(platform, table, said, source="polygon", kind="daily_bars", dates=[day])
    refused = platform.database.fetch("select source, refused from ingest_batches where refused is not null")
    assert refused == [("polygon", "next to nothing where the vendor had sent rows before")]
    assert newest_fetches(platform.database, platform.settings, day, day).equals(before)


def test_there_are_enough_kinds_and_every_check_has_one():
    assert len(KINDS) >= 30
    assert {kind.check for kind in KINDS} == {
        *({*CHECKS} - {"source_coverage"}),  # takes twenty sessions: it has tests of its own
        *UNIVERSE_CHECKS,
        "action_values",
        *FEATURE_CHECKS,
    }
