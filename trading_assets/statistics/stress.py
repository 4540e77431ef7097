"""Stress scenarios: what a book would lose if a crash came again, or one made up; one row per scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Scenario:
    """Relative moves of prices, of a symbol where it is named, else of its sector, else of the market."""

    name: str
    description: str
    market_frac: float
    sectors: Mapping[str, float] = field(default_factory=dict)
    """Move by sector, as in ``trading_assets.sectors``."""
    symbols: Mapping[str, float] = field(default_factory=dict)

    def move(self, symbol: str, sector: str | None) -> float:
        """Return the relative move of one symbol."""
        return self.symbols.get(symbol, self.sectors.get(sector or "", self.market_frac))


# Moves of the S&P 500 and its sectors without dividends, as scenarios, not as a record: 2008 is rounded to five points (real estate was
# part of financials then, and communication services were telecoms alone), 2020 to a point.
# fmt: off
SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "crash_2008", "2008-09-12 to 2009-03-09: the failure of Lehman Brothers to the low", -0.46,
        {
            "Communication Services": -0.40, "Consumer Discretionary": -0.50, "Consumer Staples": -0.30, "Energy": -0.40,
            "Financials": -0.70, "Health Care": -0.35, "Industrials": -0.55, "Information Technology": -0.40,
            "Materials": -0.50, "Real Estate": -0.65, "Utilities": -0.40,
        },
    ),
    Scenario(
        "crash_2020", "2020-02-19 to 2020-03-23: the pandemic, from the high to the low", -0.34,
        {
            "Communication Services": -0.29, "Consumer Discretionary": -0.33, "Consumer Staples": -0.24, "Energy": -0.56,
            "Financials": -0.43, "Health Care": -0.28, "Industrials": -0.42, "Information Technology": -0.31,
            "Materials": -0.37, "Real Estate": -0.39, "Utilities": -0.36,
        },
    ),
)
# fmt: on

STRESS_SCHEMA = pl.Schema(
    {
        "scenario": pl.String(),
        "description": pl.String(),
        "profit_usd": pl.Float64(),
        "worst_symbol": pl.String(),
        "worst_profit_usd": pl.Float64(),
    }
)


def stress(
    market_values_usd: Mapping[str, float],
    sectors: Mapping[str, str | None],
    scenarios: Sequence[Scenario] = SCENARIOS,
) -> pl.DataFrame:
    """Return what a book would earn in each scenario.

    Parameters
    ----------
    market_values_usd
        Market value per symbol held, negative for a short.
    sectors
        Sector per symbol; one without moves with the market.
    scenarios
        Those to try; own ones may be added.

    Returns
    -------
    pl.DataFrame
        Rows of ``STRESS_SCHEMA``: the profit (a loss is negative), and the position that loses most (null without positions).

    Examples
    --------
    >>> half = Scenario("half", "everything halves", -0.5)
    >>> stress({"AAA": 100.0, "BBB": -40.0}, {}, [half]).row(0)
    ('half', 'everything halves', -30.0, 'AAA', -50.0)
    """
    rows = []
    for scenario in scenarios:
        profits = {
            symbol: value * scenario.move(symbol, sectors.get(symbol))
            for symbol, value in market_values_usd.items()
        }
        worst = min(profits, key=profits.__getitem__, default=None)
        least = None if worst is None else profits[worst]
        rows.append((scenario.name, scenario.description, sum(profits.values()), worst, least))
    return pl.DataFrame(rows, schema=STRESS_SCHEMA, orient="row")
