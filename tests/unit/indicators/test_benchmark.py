"""Betas and correlations of symbols side by side are those of each symbol alone, holes of the benchmark included."""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.benchmark import beta, correlation


def test_a_hole_of_the_benchmark_in_one_column_leaves_the_others_as_they_are() -> None:
    random = np.random.default_rng(3)
    close, benchmark = (50 * np.exp(np.cumsum(random.normal(0, 0.02, (40, 3)), axis=0)) for _ in range(2))
    benchmark[20, 0] = np.nan
    benchmark[:25, 1] = np.nan
    for function in (beta, correlation):
        together = function(close, benchmark, 5)
        alone = [function(close[:, k].copy(), benchmark[:, k].copy(), 5) for k in range(3)]
        np.testing.assert_array_equal(together, np.stack(alone, axis=1))
        assert np.isfinite(together[5:20, 0]).all()
        assert np.isnan(together[:30, 1]).all()
        assert np.isfinite(together[5:, 2]).all()
