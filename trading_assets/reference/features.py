"""Reference of the features in Markdown, for docs/features.md: one line a feature, in the order of the table's columns."""

from __future__ import annotations

from trading_assets.features.ratios import OLDEST_DAYS
from trading_assets.indicators.feature import HOURS_PER_SESSION, Feature, Indicator, Range, Scale
from trading_assets.indicators.registry import INDICATORS
from trading_assets.reference.markdown import table
from trading_assets.tables.companies import KEY_STATISTICS
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS, Fundamental

_SCALES: dict[Scale, str] = {"price": "the session's price", "shares": "the session's shares", "none": ""}
_MOVES = {"with_price": "multiplies it", "against_price": "divides it", "not": "leaves it"}


_TECHNICAL = f"""\
Columns of `{DAILY_FEATURES.name}` and, with bars for sessions, of `{HOURLY_FEATURES.name}`. The first value comes with as many
bars as the warm-up says; before it the feature is null.
"""
_FUNDAMENTAL = f"""\
From the newest snapshot in `{KEY_STATISTICS.name}` that the row may know. Null without one of the last {OLDEST_DAYS} days, and where
it has none.
"""
_IN_WORDS = """\
How the screener writes a feature, and what it understands besides that and the name. Capitals do not matter.
"""
_HOURLY = f"""\
The same names and functions on the bars of `hourly_bars`, {HOURS_PER_SESSION} a full session. Where the words differ:
"""


def feature_reference() -> str:
    """Return the reference of every technical feature and every fundamental ratio."""
    features = [(indicator, feature) for indicator in INDICATORS for feature in indicator.features]
    items: list[Feature | Fundamental] = [*(feature for _, feature in features), *FUNDAMENTALS.values()]
    hourly = [feature for _, feature in features if feature.hourly_description != feature.description]
    technical = table(
        ("feature", "definition", "unit", "scale", "from", "warm-up", "range", "also null", "source"),
        (_technical(indicator, feature) for indicator, feature in features),
    )
    fundamental = table(
        ("ratio", "definition", "unit", "range", "from the column", "the price since"),
        map(_fundamental, FUNDAMENTALS.values()),
    )
    age = f"`{AGE_COLUMN}`: {DAILY_FEATURES.columns[AGE_COLUMN].description}."
    words = table(("feature", "written", "understood as well"), map(_words, items))
    on_hours = table(
        ("feature", f"definition in `{HOURLY_FEATURES.name}`"),
        ((f"`{feature.name}`", feature.hourly_description) for feature in hourly),
    )
    return "\n".join(
        [
            "## Technical features", "", _TECHNICAL, technical,
            "## Fundamental ratios", "", _FUNDAMENTAL, fundamental, age, "",
            "## In words", "", _IN_WORDS, words,
            "## Hourly", "", _HOURLY, on_hours,
        ]
    )  # fmt: skip


def _technical(indicator: Indicator, feature: Feature) -> tuple[str, ...]:
    definition, _, null = feature.description.partition("; null ")
    return (
        f"`{feature.name}`",
        definition,
        feature.unit,
        _SCALES[feature.scale],
        ", ".join(f"`{name}`" for name in indicator.inputs),
        f"{feature.warm_up:,}",
        _range(feature.valid_range),
        null or ("without SPY" if "benchmark_close" in indicator.inputs else ""),
        indicator.source,
    )


def _fundamental(item: Fundamental) -> tuple[str, ...]:
    limits = _range(item.valid_range)
    return (
        f"`{item.name}`",
        item.description,
        item.unit,
        limits,
        f"`{item.source_column}`",
        _MOVES[item.moves],
    )


def _words(item: Feature | Fundamental) -> tuple[str, ...]:
    written, *others = item.aliases or (item.name,)
    return f"`{item.name}`", written, ", ".join(others)


def _range(limits: Range) -> str:
    least, largest = ("" if limit is None else f"{limit:g}" for limit in limits)
    if least and largest:
        return f"{least} to {largest}"
    return f"from {least}" if least else f"up to {largest}" if largest else ""
