"""Whatever the bars are: a range is judged as its sessions one by one, what comes later changes nothing, and accepting all passes."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.checks import CHECKS, run_check
from trading_assets.quality.consolidate import consolidate
from trading_assets.quality.outcome import ACCEPTED_SCHEMA, FINDING_SCHEMA, CheckOutcome
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.sessions import sessions_between
from trading_assets.tables.bars import OHLCV
from trading_assets.tables.listings import CORPORATE_ACTIONS

SESSIONS = sessions_between(date(2016, 5, 18), date(2016, 6, 3))
DAYS = [*SESSIONS, date(2016, 5, 30)]  # Memorial Day
SYMBOLS = [f"S{number}" for number in range(8)]
SOURCES = ("polygon", "yahoo")
SCHEMA = {
    "symbol": pl.String(),
    "session": pl.Date(),
    **{n: c.dtype for n, c in OHLCV.items()},
    "batch_id": pl.String(),
}
LIMITS = QualityThresholds(
    min_symbols_for_shares=1, max_stale_frac=0.2, max_quarantined_frac=0.1, max_missing_frac=0.2
)

closes = st.sampled_from([10.0, 10.0, 10.1, 10.2, 5.05, 20.3, 50.0, 500.0, 0.0])
volumes = st.sampled_from([200_000.0, 210_000.0, 400_000.0, 2_000.0, 0.0])
cells = st.one_of(st.none(), st.tuples(closes, volumes))
grids = st.lists(
    st.lists(cells, min_size=len(DAYS), max_size=len(DAYS)), min_size=len(SYMBOLS), max_size=len(SYMBOLS)
)
splits = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(SESSIONS), st.sampled_from([2.0, 0.5, 5.0])),
    max_size=3,
    unique_by=lambda row: row[:2],
)


def reported(grid: list[list[tuple[float, float] | None]]) -> pl.DataFrame:
    rows = [
        {"symbol": symbol, "session": day, "open": close, "high": close * 1.01, "low": close * 0.99, "close": close,
         "volume": volume, "vwap": None, "trade_count": None, "batch_id": "b"}
        for symbol, row in zip(SYMBOLS, grid, strict=True)
        for day, cell in zip(DAYS, row, strict=True) if cell
        for close, volume in [cell]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def told(rows: list[tuple[str, date, float]]) -> pl.DataFrame:
    schema = {name: kind for name, kind in CORPORATE_ACTIONS.schema.items() if name != "known_at"}
    named = [
        {"symbol": s, "ex_date": d, "kind": "split", "split_ratio": r, "source": "p", "batch_id": "b"}
        for s, d, r in rows
    ]
    return pl.DataFrame(named, schema=schema)


def judged(
    market: dict[str, pl.DataFrame],
    actions: pl.DataFrame,
    last: int = len(SESSIONS),
    *,
    at_once: bool = True,
    accepted: pl.DataFrame | None = None,
) -> dict[str, list[CheckOutcome]]:
    """Consolidate the first sessions and check them, at once or one by one."""
    sessions = SESSIONS[:last]
    result = consolidate(
        market, priority=SOURCES, sessions=sessions, corporate_actions=actions, thresholds=LIMITS
    )
    parts = [sessions] if at_once else [[session] for session in sessions]
    outcomes: dict[str, list[CheckOutcome]] = {name: [] for name in CHECKS}
    for part in parts:
        inside = pl.col("session").is_in(part)
        after = date(1, 1, 1) if part[0] == sessions[0] else sessions[sessions.index(part[0]) - 1]
        checked = CheckedBars(
            result.bars.filter(inside),
            result.quarantined.filter(pl.col("session").is_between(after, part[-1], closed="right")),
            part,
            before=result.bars.filter(pl.col("session") < part[0]),
            actions=actions,
            thresholds=LIMITS,
            **({} if accepted is None else {"accepted": accepted}),
        )
        for name in CHECKS:
            outcomes[name].append(run_check(name, checked))
    return outcomes


def found(outcomes: list[CheckOutcome]) -> pl.DataFrame:
    return pl.concat([outcome.findings for outcome in outcomes]).sort(list(FINDING_SCHEMA))


@settings(max_examples=8, deadline=None)
@given(grids, grids, splits)
def test_a_range_is_judged_as_its_sessions_one_by_one(first, second, actions):
    market, actions = {"polygon": reported(first), "yahoo": reported(second)}, told(actions)
    whole, single = judged(market, actions), judged(market, actions, at_once=False)
    for name in CHECKS:
        assert found(whole[name]).equals(found(single[name])), name
        blocked = frozenset().union(*(outcome.blocked_sessions for outcome in single[name]))
        assert whole[name][0].blocked_sessions == blocked, name


@settings(max_examples=8, deadline=None)
@given(grids, splits, st.integers(1, len(SESSIONS)))
def test_what_comes_later_changes_no_finding(grid, actions, last):
    market, actions = {"yahoo": reported(grid)}, told(actions)
    early = {"yahoo": market["yahoo"].filter(pl.col("session") <= SESSIONS[last - 1])}
    then = judged(early, actions.filter(pl.col("ex_date") <= SESSIONS[last - 1]), last)
    now = judged(market, actions)
    for name in CHECKS:
        known = found(now[name]).filter(pl.col("session") <= SESSIONS[last - 1])
        assert found(then[name]).equals(known), name


@settings(max_examples=8, deadline=None)
@given(grids, splits)
def test_accepting_every_verdict_unblocks_every_session_and_hides_nothing(grid, actions):
    market, actions = {"yahoo": reported(grid)}, told(actions)
    before = judged(market, actions)
    verdicts = [
        outcome.findings.filter(pl.col("symbol").is_null()).with_columns(check_name=pl.lit(name))
        for name, outcomes in before.items()
        for outcome in outcomes
    ]
    after = judged(market, actions, accepted=pl.concat(verdicts).select(ACCEPTED_SCHEMA.names()))
    for name in CHECKS:
        assert after[name][0].blocked_sessions == frozenset(), name
        assert found(after[name]).equals(found(before[name])), name
