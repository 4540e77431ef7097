"""Features from a checkpoint equal those of the whole history, to the last bit, on the real market and 30 sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.feature_store.history import FeatureHistory
from trading_assets.features.build import build_daily_features

SESSIONS = 30
CARRIED_FROM = 290  # sessions after the first bar: from here on a checkpoint lies far enough back
KNOWN_AT = datetime(2017, 4, 2, tzinfo=UTC)


def compared(market, folder: Path) -> int:
    """Compare session by session; return how many rows were equal."""
    lake, sessions = market.stored(folder), market.sessions
    whole = build_daily_features(market.bars, market.actions, sessions=sessions)
    late = sessions[CARRIED_FROM:]
    chosen = np.random.default_rng(4).choice(len(late) - 1, SESSIONS - 2, replace=False)
    rows = 0
    for session in [late[0], *(late[place] for place in sorted(chosen)), sessions[-1]]:
        found = FeatureHistory.of(lake, session, KNOWN_AT).features([session], [session])
        assert_frame_equal(found, whole.filter(pl.col("session") == session), check_exact=True)
        rows += found.height
    return rows


def test_every_thirty_fifth_symbol_of_the_real_market(real_market, tmp_path: Path) -> None:
    market = real_market(35)
    assert market.bars["symbol"].n_unique() > 200
    assert set(market.actions["kind"]) == {"split", "spin_off"}
    assert compared(market, tmp_path) > SESSIONS * 150


@pytest.mark.timeout(1800)
@pytest.mark.benchmark(group="carried state on the real market")
def test_every_symbol_of_the_real_market(benchmark, real_market, tmp_path: Path) -> None:
    market = real_market(1)
    rows = benchmark.pedantic(lambda: compared(market, tmp_path), rounds=1)
    benchmark.extra_info |= {"symbols": market.bars["symbol"].n_unique(), "rows equal": rows}
    assert rows > SESSIONS * 5_000
