"""Shipped screens: evaluated each session, and examples for screens of one's own; their names are reserved."""

from __future__ import annotations

from typing import Literal

from trading_assets.screener.filters import (
    And,
    Between,
    Comparison,
    Cross,
    Filter,
    Screen,
    Sort,
    Term,
)

Operator = Literal["<", "<=", ">", ">="]


def _is(field: str, operator: Operator, value: float) -> Comparison:
    return Comparison(field=field, operator=operator, value=value)


def _against(
    field: str, operator: Operator, other: str, *, factor: float = 1.0, sessions_ago: int = 0
) -> Comparison:
    term = Term(field=other, factor=factor, sessions_ago=sessions_ago)
    return Comparison(field=field, operator=operator, value=term)


LIQUID: tuple[Filter, ...] = (_is("close", ">", 5), _is("dollar_volume_20", ">", 5_000_000))
"""What can be bought and sold: above $5, and $5 million a session."""


def _liquid(
    name: str,
    description: str,
    *filters: Filter,
    sort: str,
    descending: bool = True,
    top: int | None = None,
) -> Screen:
    where = And(filters=(*filters, *LIQUID))
    return Screen(
        name=name, description=description, where=where, sort=Sort(field=sort, descending=descending), top=top
    )


# fmt: off
SCREENS: dict[str, Screen] = {
    screen.name: screen
    for screen in (
        _liquid("oversold", "Liquid shares with RSI(14) below 30, the most oversold first.",
                _is("rsi_14", "<", 30), sort="rsi_14", descending=False),
        _liquid("overbought", "Liquid shares with RSI(14) above 70, the most overbought first.",
                _is("rsi_14", ">", 70), sort="rsi_14"),
        _liquid("golden_cross", "Liquid shares whose 50-session average crossed above the 200-session one in the last five sessions.",
                Cross(field="sma_50", direction="above", value=Term(field="sma_200"), within=5), sort="dollar_volume_20"),
        _liquid("death_cross", "Liquid shares whose 50-session average crossed below the 200-session one in the last five sessions.",
                Cross(field="sma_50", direction="below", value=Term(field="sma_200"), within=5), sort="dollar_volume_20"),
        _liquid("high_52_week", "Liquid shares that closed within 1% of their highest price of 252 sessions.",
                _is("distance_high_252", ">=", -0.01), sort="return_252"),
        _liquid("low_52_week", "Liquid shares that closed within 1% of their lowest price of 252 sessions.",
                _against("close", "<=", "low_252", factor=1.01), sort="return_252", descending=False),
        _liquid("momentum_leaders", "The 50 liquid shares above their 200-session average with the highest 12-1 momentum.",
                _against("close", ">", "sma_200"), _is("momentum_12_1", ">", 0), sort="momentum_12_1", top=50),
        _liquid("pullback", "Liquid shares in an up-trend (price above a rising 200-session average) that fell: RSI(14) below 40.",
                _against("close", ">", "sma_200"), _against("sma_200", ">", "sma_200", sessions_ago=21), _is("rsi_14", "<", 40),
                sort="rsi_14", descending=False),
        _liquid("low_volatility_value", "Liquid shares with P/E from 0 to 15 that move little: volatility below 25% a year, the calmest first.",
                Between(field="pe", low=0, high=15), _is("volatility_20", "<", 0.25), sort="volatility_20", descending=False),
        _liquid("unusual_volume", "Liquid shares that traded over three times their 20-session average volume.",
                _is("volume_ratio", ">", 3), sort="volume_ratio"),
        _liquid("gap_up", "Liquid shares that opened more than 4% above the last close, on more volume than usual.",
                _is("gap", ">", 0.04), _is("volume_ratio", ">", 1.5), sort="gap"),
        _liquid("gap_down", "Liquid shares that opened more than 4% below the last close, on more volume than usual.",
                _is("gap", "<", -0.04), _is("volume_ratio", ">", 1.5), sort="gap", descending=False),
        _liquid("dividend_income", "Liquid companies of $2 billion and more that pay over 3% and earn money, the highest yield first.",
                _is("dividend_yield", ">", 0.03), _is("market_cap", ">=", 2e9), _is("margin", ">", 0), sort="dividend_yield"),
        _liquid("large_cap_quality", "Liquid companies of $10 billion and more: return on equity above 15%, margin above 10%, debt below equity.",
                _is("market_cap", ">=", 1e10), _is("roe", ">", 0.15), _is("margin", ">", 0.10), _is("debt_to_equity", "<", 1),
                sort="market_cap"),
    )
}
"""Every shipped screen by name."""
# fmt: on
