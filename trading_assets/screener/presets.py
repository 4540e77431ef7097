"""Shipped screens: evaluated each session, and examples for screens of one's own."""

from __future__ import annotations

from trading_assets.screener.filters import And, Comparison, Screen, Sort, Term

OVERSOLD = Screen(
    name="oversold",
    description="Liquid shares above $5 with RSI(14) below 30, the most oversold first.",
    where=And(
        filters=(
            Comparison(field="rsi_14", operator="<", value=30),
            Comparison(field="close", operator=">", value=5),
            Comparison(field="dollar_volume_20", operator=">", value=5_000_000),
        )
    ),
    sort=Sort(field="rsi_14", descending=False),
)

MOMENTUM_LEADERS = Screen(
    name="momentum_leaders",
    description="The 50 liquid shares above their 200-session average with the highest 12-1 momentum.",
    where=And(
        filters=(
            Comparison(field="close", operator=">", value=Term(field="sma_200")),
            Comparison(field="close", operator=">", value=5),
            Comparison(field="dollar_volume_20", operator=">", value=5_000_000),
            Comparison(field="momentum_12_1", operator=">", value=0),
        )
    ),
    sort=Sort(field="momentum_12_1"),
    top=50,
)

SCREENS: dict[str, Screen] = {screen.name: screen for screen in (OVERSOLD, MOMENTUM_LEADERS)}
