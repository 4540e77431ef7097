"""Registry: every check of every table, in the order in which they are run; a new check is one function and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature

from trading_assets.quality.actions.merged import action_differences
from trading_assets.quality.actions.splits import missing_split
from trading_assets.quality.actions.undecided import UNDECIDED_CHECK, undecided_actions
from trading_assets.quality.actions.values import action_values
from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.completeness import completeness
from trading_assets.quality.coverage import source_coverage
from trading_assets.quality.features import feature_null_rate, feature_values
from trading_assets.quality.freshness import freshness
from trading_assets.quality.holdings import held_without_bar
from trading_assets.quality.intraday import bars_missing, matches_daily, stored_early
from trading_assets.quality.nulls import bar_null_rate
from trading_assets.quality.outcome import CheckOutcome, Measured, judge
from trading_assets.quality.pairs import pair_values
from trading_assets.quality.prices.extremes import lone_extreme
from trading_assets.quality.prices.stale import stale_price
from trading_assets.quality.prices.steps import came_back, price_step
from trading_assets.quality.prices.swaps import symbols_swapped
from trading_assets.quality.prices.volumes import volume_collapse, volume_surge
from trading_assets.quality.refused import JUMP_CHECK, duplicates, refused_check, unfinished_bar
from trading_assets.quality.seams import instrument_seam
from trading_assets.quality.sources import cross_source
from trading_assets.quality.universe import universe_drift, universe_null_rate, universe_rows

Check = Callable[[CheckedBars], Measured]
TableCheck = Callable[..., Measured]
"""A check whose parameters name what it looks at, out of what is read for the checks of its table."""

ROW_CHECKS: dict[str, Check] = {
    "duplicates": duplicates,
    "high_at_least_low": refused_check(
        ("high_below_low", "outside_range"),
        "bars whose high is below the low, or whose open or close lies outside the two",
    ),
    "positive_prices": refused_check(
        ("non_positive_price", "null_price", "null_volume", "negative_volume"),
        "bars with a price that is not above zero, a negative volume, or a number missing",
    ),
    JUMP_CHECK: refused_check(
        ("unexplained_jump", "absurd_price"),
        "closes that jumped without a corporate action, or that no share has",
    ),
    "phantom_session": refused_check(("phantom_session",), "bars at times when the exchange is closed"),
    "cross_source_difference": cross_source,
}
"""Checks of bars of any grain."""

CHECKS: dict[str, Check] = {
    "completeness": completeness,
    "freshness": freshness,
    **ROW_CHECKS,
    "unfinished_bar": unfinished_bar,
    "stale_price": stale_price,
    "volume_collapse": volume_collapse,
    "volume_surge": volume_surge,
    "missing_split": missing_split,
    "price_step": price_step,
    "came_back": came_back,
    "symbols_swapped": symbols_swapped,
    "lone_extreme": lone_extreme,
    "null_rate": bar_null_rate,
    "source_coverage": source_coverage,
}
"""Checks of daily bars."""

UNIVERSE_CHECKS: dict[str, TableCheck] = {
    "universe_drift": universe_drift,
    "universe_rows": universe_rows,
    "universe_null_rate": universe_null_rate,
}
ACTION_CHECKS: dict[str, TableCheck] = {
    "action_values": action_values,
    "action_differences": action_differences,
    UNDECIDED_CHECK: undecided_actions,
}
INSTRUMENT_CHECKS: dict[str, TableCheck] = {"instrument_seam": instrument_seam}
FEATURE_CHECKS: dict[str, TableCheck] = {
    "feature_values": feature_values,
    "feature_null_rate": feature_null_rate,
}
HOUR_CHECKS: dict[str, Check] = {
    "hours_missing": bars_missing,
    "unfinished_hour": stored_early,
    **ROW_CHECKS,
    "hourly_matches_daily": matches_daily,
}
"""Checks of hourly bars."""
HOLDING_CHECKS: dict[str, TableCheck] = {"held_without_bar": held_without_bar}
"""Checks of what an account holds."""
PAIR_CHECKS: dict[str, TableCheck] = {"pair_values": pair_values}
ALL_CHECKS = tuple(
    dict.fromkeys(
        (
            *CHECKS,
            *UNIVERSE_CHECKS,
            *ACTION_CHECKS,
            *INSTRUMENT_CHECKS,
            *FEATURE_CHECKS,
            *HOUR_CHECKS,
            *HOLDING_CHECKS,
            *PAIR_CHECKS,
        )
    )
)


def measure(checks: Mapping[str, TableCheck], **known: object) -> dict[str, Measured]:
    """Run the checks of a table, each on what its parameters name.

    Parameters
    ----------
    checks
        One of the registries above.
    known
        What was read for them, by the names of parameters; a check need not look at all of it.

    Returns
    -------
    dict
        What each check measured, by its name and in the order of the registry.

    Raises
    ------
    TypeError
        If a check looks at something that is not known of its table.
    """
    return {
        name: check(**{fact: known[fact] for fact in signature(check).parameters if fact in known})
        for name, check in checks.items()
    }


def run_check(name: str, checked: CheckedBars, checks: Mapping[str, Check] = CHECKS) -> CheckOutcome:
    """Run one check of the bars."""
    table = checked.grain.accepted.name
    return judge(name, checks[name](checked), checked.thresholds, checked.accepted, table=table)


def check_sessions(checked: CheckedBars, checks: Mapping[str, Check] = CHECKS) -> list[CheckOutcome]:
    """Run the checks over the range, in their order."""
    return [run_check(name, checked, checks) for name in checks]
