"""A new indicator is one function and one line: added to a copy of the product, it is everywhere that features are."""

from __future__ import annotations

import pytest

FUNCTION = '''

def day_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Divide the distance from the low to the high by the close."""
    return (high - low) / close
'''
LINE = (
    '    Indicator(volatility.day_range, ("high", "low", "close"), (), "(high - low) / close", (Feature("day_range", '
    '"(high - low) / close of the session", "fraction", 1, "none", POSITIVE, ("day range", "daily range")),)),\n'
)
END_OF_LIST = ")\n# fmt: on\n"
LOOK_FOR_IT = """
import json
from datetime import date
import polars as pl

from app.charts.indicators import CHOICES
from trading_assets.features.build import build_daily_features, build_hourly_features
from trading_assets.reference.features import feature_reference
from trading_assets.indicators.series import with_indicators
from trading_assets.quality.features import VALID_RANGES
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.screener.evaluate import evaluate
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.market_frame import Market
from trading_assets.screener.english.parse import parse
from trading_assets.screener.english.wording import write
from trading_assets.sessions import session_hours, sessions_between

NAME = "day_range"
days = sessions_between(date(2024, 5, 1), date(2024, 5, 3))
bars = pl.DataFrame(
    [
        {"symbol": symbol, "session": day, "open": 8.0, "high": high, "low": 7.0, "close": 8.0, "volume": 5.0}
        for symbol, high in (("A", 9.0), ("B", 11.0))
        for day in days
    ]
)
none = pl.DataFrame(
    schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64, "cash_usd": pl.Float64}
)
hours = bars.with_columns(bar_start=pl.Series([session_hours(day)[0][0] for day in bars["session"]]))
daily = build_daily_features(bars, none, sessions=days)
hourly = build_hourly_features(hours, none, sessions=days)
query = parse("daily range above 30%")
of_one = bars.filter(symbol="B").with_columns(price_scale=1.0, share_scale=1.0)
print(json.dumps({
    "daily": daily.filter(session=days[-1]).sort("symbol")[NAME].to_list(),
    "hourly": hourly.filter(session=days[-1]).sort("symbol")[NAME].to_list(),
    "schemas": [DAILY_FEATURES.columns[NAME].description, HOURLY_FEATURES.columns[NAME].description],
    "range": VALID_RANGES[NAME],
    "field": FIELDS[NAME].label,
    "read": [query.where.field, query.where.operator, query.where.value, parse(write(query)) == query],
    "screened": evaluate(query, Market(daily.filter(session=days[-1]), [days[-1]])).rows["symbol"].to_list(),
    "chart": [CHOICES[NAME].label, with_indicators(of_one, of_one["close"])[NAME].to_list()],
    "page": [line for line in feature_reference().splitlines() if f"`{NAME}`" in line],
}))
"""


@pytest.fixture
def with_indicator(product):
    """The product with one function more in a module of indicators and one line more in the registry."""
    product.append("trading_assets/indicators/volatility.py", FUNCTION)
    product.edit("trading_assets/indicators/registry.py", (END_OF_LIST, LINE + END_OF_LIST))
    return product


def test_it_is_in_features_checks_screener_charts_and_documentation(with_indicator):
    found = with_indicator.run(LOOK_FOR_IT)
    assert found["daily"] == found["hourly"] == [0.25, 0.5]
    assert found["schemas"] == ["(high - low) / close of the session", "(high - low) / close of the bar"]
    assert found["range"] == [0.0, None]
    assert found["field"] == "day range"
    assert found["read"] == ["day_range", ">", 0.3, True]
    assert found["screened"] == ["B"]
    assert found["chart"] == ["day range", [0.5, 0.5, 0.5]]
    technical, words, hourly = found["page"]
    assert technical == (
        "| `day_range` | (high - low) / close of the session | fraction |  | `high`, `low`, `close` | 1 | from 0 |  | (high - low) / close |"
    )
    assert words == "| `day_range` | day range | daily range |"
    assert hourly == "| `day_range` | (high - low) / close of the bar |"


def test_the_guide_shows_the_function_and_the_line_of_this_test(guide):
    said = guide("How to add an indicator")
    assert FUNCTION.strip() in said
    assert LINE.strip() in said
