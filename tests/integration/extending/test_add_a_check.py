"""A check is a file and a line in the registry: in a copy of the product it stands before all that is decided."""

from __future__ import annotations

from pathlib import Path

import pytest

FILE = '''"""Wide bars: highs that are many times the low; per (symbol, session)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import Measured, findings_frame


def wide_bar(checked: CheckedBars) -> Measured:
    """Find bars whose high is more than ``max_bar_ratio`` times the low. They stop new risk in their symbol."""
    largest = checked.thresholds.max_bar_ratio
    wide = checked.bars.filter(pl.col("high") > pl.col("low") * largest)
    details = findings_frame(wide, value=pl.format("high {} low {}", "high", "low"), expectation=f"at most {largest:g} times the low")
    return Measured(details, "symbols have a wide bar", totals=checked.totals)


def unnamed(rows: pl.DataFrame, sessions: Sequence[date]) -> Measured:
    """Find listings without a name; information."""
    nameless = rows.filter(pl.col("name").is_null(), pl.col("session").is_in(list(sessions)))
    return Measured(findings_frame(nameless, severity="warn", value="no name", expectation="a name"), "listings have no name")
'''
LIMIT = """    max_bar_ratio: float = Field(
        default=3.0, gt=1, description="the high is at most so many times the low; ratio"
    )
"""
EDITS = {
    "trading_assets/quality/checks.py": [
        ("\n\nCheck = ", "\nfrom trading_assets.quality.wide import unnamed, wide_bar\n\nCheck = "),
        (
            '    "null_rate": bar_null_rate,\n',
            '    "null_rate": bar_null_rate,\n    "wide_bar": wide_bar,\n',
        ),
        (
            '    "universe_rows": universe_rows,\n',
            '    "universe_rows": universe_rows,\n    "unnamed": unnamed,\n',
        ),
    ],
    "trading_assets/quality/thresholds.py": [
        ("    max_findings: int", LIMIT + "    max_findings: int"),
    ],
}
LOOK_FOR_IT = """
import json
from datetime import date
import dagster as dg
import polars as pl

from trading_assets.definitions import build_definitions
from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.checks import UNIVERSE_CHECKS, check_sessions, measure
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.settings import load_settings
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.listings import UNIVERSE

settings = load_settings(env_file=None)
definitions = build_definitions(settings)
graph = definitions.resolve_asset_graph()
keys = [dg.AssetCheckKey(dg.AssetKey(table), name) for table, name in (("daily_bars", "wide_bar"), ("universe", "unnamed"))]
specs = [graph.get_check_spec(key) for key in keys]
day = date(2024, 5, 1)
bars = pl.DataFrame(
    [
        {"symbol": f"S{number}", "session": day, "open": 8.0, "high": 8.0 * (1 + number), "low": 8.0, "close": 8.0,
         "volume": 5.0, "source": "yahoo"}
        for number in range(4)
    ],
    schema_overrides=DAILY_BARS.schema,
)
bars = bars.with_columns(pl.lit(None, kind).alias(name) for name, kind in DAILY_BARS.schema.items() if name not in bars.columns)
checked = CheckedBars(bars, pl.DataFrame(schema=QUARANTINED_BARS.schema), [day], thresholds=load_thresholds(settings.quality))
outcomes = {outcome.name: outcome for outcome in check_sessions(checked)}
outcome = outcomes["wide_bar"]
universe = pl.DataFrame({"symbol": ["A", "B"], "session": day, "name": ["Alpha", None], "status": "active"}, schema_overrides=UNIVERSE.schema)
universe = universe.with_columns(pl.lit(None, kind).alias(name) for name, kind in UNIVERSE.schema.items() if name not in universe.columns)
known = {"rows": universe, "sessions": [day], "limits": checked.thresholds, "newest": day}
print(json.dumps({
    "checks": [[spec.blocking, spec.description] for spec in specs],
    "session": {*keys} <= {*definitions.resolve_job_def("session_job").asset_layer.asset_graph.asset_check_keys},
    "passed": outcome.passed,
    "findings": outcome.findings.select("symbol", "value", "expectation", "severity").rows(),
    "unnamed": measure(UNIVERSE_CHECKS, **known)["unnamed"].details["symbol"].to_list(),
}))
"""


@pytest.fixture
def with_check(product):
    """The product with a check of the bars and one of the universe in it, and its limit among the thresholds."""
    product.add("trading_assets/quality/wide.py", FILE)
    for name, edits in EDITS.items():
        product.edit(name, *edits)
    return product


def test_each_judges_its_table_and_stands_before_what_is_made_of_it(with_check):
    found = with_check.run(LOOK_FOR_IT)
    assert found["checks"] == [
        [
            True,
            "Find bars whose high is more than ``max_bar_ratio`` times the low. They stop new risk in their symbol.",
        ],
        [True, "Find listings without a name; information."],
    ]
    assert found["session"]
    assert not found["passed"]
    assert found["findings"] == [["S3", "high 32.0 low 8.0", "at most 3 times the low", "error"]]
    assert found["unnamed"] == ["B"]


def test_its_limit_is_read_from_the_file_of_thresholds_and_it_can_be_made_a_warning(with_check):
    with_check.add("quality.yaml", "max_bar_ratio: 2\nwarn_only: [wide_bar]\n")
    found = with_check.run(LOOK_FOR_IT, TRADING_QUALITY=str(with_check.folder / "quality.yaml"))
    assert [(symbol, severity) for symbol, *_, severity in found["findings"]] == [
        ("S2", "warn"),
        ("S3", "warn"),
    ]


def test_the_command_line_knows_it(with_check):
    assert "# the high is at most so many times the low; ratio\nmax_bar_ratio: 3.0\n" in with_check.command(
        "quality", "thresholds"
    )
    told = with_check.command("quality", "list", "--check", "nosuch", exit_code=2)
    assert "wide_bar" in told
    assert "unnamed" in told


def test_the_guide_names_every_file_that_this_test_touches(guide):
    said = guide("How to add a check")
    assert [
        name
        for name in ["trading_assets/quality/", *(Path(name).name for name in EDITS)]
        if f"`{name}" not in said
    ] == []
