"""Features from a checkpoint are those of the whole history, and a checkpoint counts only while its past is the same."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.feature_store import history as feature_history
from trading_assets.feature_store.history import FeatureHistory, month_ends
from trading_assets.feature_store.rows_by_symbol import SymbolRows
from trading_assets.features.build import BAR_COLUMNS, build_daily_features
from trading_assets.features.state import _definition
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import FEATURE_STATE
from trading_assets.tables.listings import CORPORATE_ACTIONS

DAYS = sessions_between(date(2014, 11, 3), date(2016, 6, 8))
NEWEST = DAYS[-1]
CHECKPOINT = date(2015, 4, 30)
NOW = datetime(2016, 6, 9, tzinfo=UTC)
ACTIONS = {name: dtype for name, dtype in CORPORATE_ACTIONS.schema.items() if name != "known_at"}


def walk(symbol: str, seed: int) -> pl.DataFrame:
    rng, count = np.random.default_rng(seed), len(DAYS)
    close = np.round(40 * np.exp(np.cumsum(rng.standard_t(4, count) * 0.012)), 2)
    open_ = np.round(close * np.exp(rng.normal(0, 0.01, count)), 2)
    return pl.DataFrame(
        {
            "symbol": symbol,
            "session": DAYS,
            "open": open_,
            "high": np.maximum(open_, close) + 0.11,
            "low": np.minimum(open_, close) - 0.07,
            "close": close,
            "volume": rng.integers(0, 10**6, count).astype(float),
        }
    )


def between(first: int, last: int) -> pl.Expr:
    return pl.col("session").is_in(DAYS[first:last])


MARKET = pl.concat(
    [
        walk("FULL", 1),
        walk("GAPS", 2).filter(~between(150, 190)),  # missed two months of the last year
        walk("GONE", 3).filter(between(0, 90)),  # before the checkpoint
        walk("HALT", 4).filter(~between(40, len(DAYS) - 30)),  # back after more than a year
        walk("LATE", 5).filter(between(300, len(DAYS))),
        walk("NEW", 6).filter(between(len(DAYS) - 1, len(DAYS))),
        walk("PARENT", 7),
        walk("SPUN", 8).filter(between(350, len(DAYS))),
        walk("SPY", 9),
        walk("THIN", 12).filter(~between(DAYS.index(date(2016, 4, 5)), DAYS.index(date(2016, 4, 25)))),
        walk("YOUNG", 10).filter(between(105, len(DAYS))),  # nineteen bars at the checkpoint
    ]
)


def action(symbol: str, day: int, kind: str, **amounts: object) -> dict[str, object]:
    row = dict.fromkeys(ACTIONS)
    return (
        row
        | {"symbol": symbol, "ex_date": DAYS[day], "kind": kind, "source": "polygon", "batch_id": "b"}
        | amounts
    )


KNOWN = [
    action("FULL", 60, "split", split_ratio=2.0),
    action("FULL", 200, "cash_dividend", cash_usd=0.37),
    action("GAPS", 170, "split", split_ratio=0.1),  # its ex-date lies in the gap
    action("HALT", 100, "cash_dividend", cash_usd=0.5),  # before the checkpoint, and before any bar since
    action("PARENT", 350, "spin_off", new_symbol="SPUN", share_ratio=0.2),
    action("SPY", 30, "cash_dividend", cash_usd=0.4),
    action("SPY", 390, "cash_dividend", cash_usd=0.4),
]


class Installation:
    """A lake with bars and actions."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(folder / "lake", FileLocks(folder / "locks"))
        self.now = NOW
        self.write(MARKET)
        self.learn(KNOWN)

    def write(self, bars: pl.DataFrame) -> None:
        rest = {
            "vwap": pl.lit(None, pl.Float64), "trade_count": pl.lit(None, pl.Int64), "source": pl.lit("yahoo"),
            "source_count": pl.lit(1, pl.Int32), "close_difference_frac": pl.lit(None, pl.Float64),
            "volume_difference_frac": pl.lit(None, pl.Float64), "batch_id": pl.lit("b"),
        }  # fmt: skip
        self.now += timedelta(minutes=1)
        self.lake.write_sessions(DAILY_BARS, bars.with_columns(**rest), DAYS, known_at=self.now)

    def learn(self, actions: list[dict[str, object]]) -> None:
        self.now += timedelta(minutes=1)
        rows = pl.DataFrame(actions, schema=ACTIONS)
        self.lake.write_sessions(CORPORATE_ACTIONS, rows, DAYS, known_at=self.now)

    def features(self, *sessions: date) -> pl.DataFrame:
        history = FeatureHistory.of(self.lake, sessions[-1], self.now)
        return history.features(sessions, sessions)

    def whole(self, *sessions: date) -> pl.DataFrame:
        bars = self.lake.scan(DAILY_BARS, end=sessions[-1], columns=BAR_COLUMNS).collect()
        actions = self.lake.scan(CORPORATE_ACTIONS, end=sessions[-1]).collect()
        return build_daily_features(bars.sort("symbol", "session"), actions, sessions=sessions)

    def fingerprints(self) -> dict[date, str]:
        kept = self.lake.scan(FEATURE_STATE, columns=["session", "fingerprint"]).collect().unique()
        return dict(kept.rows())


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_one_session_and_a_range_equal_the_whole_history_to_the_last_bit(installation: Installation) -> None:
    for sessions in ([NEWEST], DAYS[-25:], DAYS[-60::7], DAYS[:30], DAYS[260:300]):
        assert_frame_equal(installation.features(*sessions), installation.whole(*sessions), check_exact=True)
    newest = installation.features(NEWEST)
    assert set(newest["symbol"]) == set(MARKET["symbol"]) - {"GONE"}
    beta = dict(newest.select("symbol", "beta_252").rows())
    assert beta["GAPS"] is None  # after two months without a bar it is another instrument
    assert beta["THIN"] is not None
    assert beta["NEW"] is None


def test_range_after_range_leaves_the_checkpoints_that_one_pass_over_the_history_leaves(
    installation: Installation, tmp_path: Path
) -> None:
    for first in range(0, len(DAYS), 45):
        part = DAYS[first : first + 45]
        assert_frame_equal(installation.features(*part), installation.whole(*part), check_exact=True)
    other = Installation(tmp_path / "other")
    other.features(*DAYS)
    kept = [one.lake.scan(FEATURE_STATE).collect().sort("symbol", "session") for one in (installation, other)]
    assert kept[0]["session"].unique().sort().to_list() == month_ends(DAYS[0], NEWEST)
    assert_frame_equal(*kept, check_exact=True)


def test_only_bars_since_the_checkpoint_are_read_and_of_few_symbols_older_ones(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    spring = date(
        2016, 5, 13
    )  # THIN has traded on 15 of the last 30 sessions, and its volume is averaged over 20
    installation.features(spring)
    installation.features(NEWEST)
    reads = []
    read = SymbolRows.read

    def noted(*args, **options) -> SymbolRows:
        reads.append((options.get("start"), sorted(options.get("symbols") or [])))
        return read(*args, **options)

    monkeypatch.setattr(SymbolRows, "read", noted)
    assert_frame_equal(installation.features(NEWEST), installation.whole(NEWEST), check_exact=True)
    since = [(date(2015, 5, 1), []), (date(2016, 4, 1), [])]
    assert reads == [*since, (None, ["GAPS", "HALT", "SPY"])]
    reads.clear()
    assert_frame_equal(installation.features(spring), installation.whole(spring), check_exact=True)
    assert reads[-1] == (None, ["GAPS", "HALT", "SPY", "THIN"])


def spoiled(bars: pl.DataFrame, symbol: str, day: int) -> pl.DataFrame:
    here = (pl.col("symbol") == symbol) & (pl.col("session") == DAYS[day])
    return bars.with_columns(close=pl.when(here).then(pl.col("close") + 0.05).otherwise("close"))


CHANGES = {
    "an old bar corrected": lambda one: one.write(spoiled(MARKET, "FULL", 30)),
    "an old bar removed": lambda one: one.write(
        MARKET.filter(~((pl.col("symbol") == "FULL") & (pl.col("session") == DAYS[50])))
    ),
    "an old session removed": lambda one: one.write(MARKET.filter(pl.col("session") != DAYS[20])),
    "an old action learned late": lambda one: one.learn(
        [*KNOWN, action("YOUNG", 108, "split", split_ratio=3.0)]
    ),
    "an old action withdrawn": lambda one: one.learn(KNOWN[1:]),
    "a symbol whose old bars appear late": lambda one: one.write(
        pl.concat([MARKET, walk("APPEARED", 11)]).sort("symbol", "session")
    ),
    "older bars of a symbol that is known": lambda one: one.write(
        pl.concat([MARKET.filter(pl.col("symbol") != "YOUNG"), walk("YOUNG", 10)]).sort("symbol", "session")
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_past_makes_the_checkpoints_since_again(installation: Installation, change) -> None:
    before = installation.features(NEWEST)
    old = installation.fingerprints()
    change(installation)
    after = installation.features(NEWEST)
    assert_frame_equal(after, installation.whole(NEWEST), check_exact=True)
    assert not after.equals(before)
    now = installation.fingerprints()
    assert now[CHECKPOINT] != old[CHECKPOINT]


def test_a_change_since_the_checkpoint_leaves_it(installation: Installation) -> None:
    before = installation.features(NEWEST)
    old = installation.fingerprints()
    installation.write(spoiled(MARKET, "FULL", 200))
    installation.learn([*KNOWN, action("SPY", 250, "cash_dividend", cash_usd=0.3)])
    after = installation.features(NEWEST)
    assert_frame_equal(after, installation.whole(NEWEST), check_exact=True)
    assert not after.equals(before)
    assert installation.fingerprints() == old


def test_a_checkpoint_made_by_other_code_does_not_count(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.features(NEWEST)
    old = installation.fingerprints()
    monkeypatch.setattr("trading_assets.features.state._definition", lambda: b"other")
    assert_frame_equal(installation.features(NEWEST), installation.whole(NEWEST), check_exact=True)
    now = installation.fingerprints()
    assert set(now) == set(old)
    assert not set(now.values()) & set(old.values())


def test_checkpoints_are_made_again_in_pieces_that_memory_holds(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_history, "SESSIONS_AT_ONCE", 42)
    assert_frame_equal(installation.features(NEWEST), installation.whole(NEWEST), check_exact=True)


def test_a_lake_without_bars_has_no_features(tmp_path: Path) -> None:
    history = FeatureHistory.of(Lake(tmp_path / "lake", FileLocks(tmp_path / "locks")), NEWEST, NOW)
    assert history.features([NEWEST], [NEWEST]).is_empty()


@pytest.mark.parametrize(
    "module",
    ["features.build", "features.compute", "features.tiles", "features.adjust", "features.action_effects",
     "features.state", "indicators.kernel", "indicators.trend", "indicators.momentum", "indicators.volatility"],
)  # fmt: skip
def test_a_checkpoint_depends_on_all_the_code_that_makes_it(module: str) -> None:
    source = Path(importlib.import_module(f"trading_assets.{module}").__file__ or "").read_bytes()
    assert repr(source).encode() in _definition()
