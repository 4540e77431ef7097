"""The file of thresholds: what it says is used, every mistake names its line and the fix, and the example is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading_assets.errors import ConfigurationError
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.quality.threshold_file import as_yaml, parse_thresholds
from trading_assets.quality.thresholds import QualityThresholds

ROOT = Path(__file__).resolve().parents[3]


def test_the_file_wins_over_the_defaults(tmp_path):
    path = tmp_path / "quality.yaml"
    path.write_text("max_missing_frac: 0.1\nwarn_only: [stale_price]\n")
    limits = load_thresholds(path)
    assert (limits.max_missing_frac, limits.warn_only) == (0.1, {"stale_price"})
    assert (
        limits.model_copy(update={"max_missing_frac": 0.05, "warn_only": frozenset()}) == QualityThresholds()
    )
    assert load_thresholds(None) == parse_thresholds("", "q") == QualityThresholds()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\njump_ration: 5", "q.yaml:2: there is no threshold jump_ration; did you mean jump_ratio?"),
        (
            "jump_ratio: 0.5",
            "q.yaml:1: jump_ratio: Input should be greater than 1, not 0.5; it is: a close outside",
        ),
        ("max_findings: 5\njump_ratio: much", "q.yaml:2: jump_ratio: .* not 'much'"),
        ("jump_ratio: 5\njump_ratio: 6", "q.yaml:2: jump_ratio is given twice, first in line 1"),
        ("- jump_ratio", "q.yaml:1: write `threshold: value` lines"),
        ("jump_ratio: [", "q.yaml:[12]: this is not YAML"),
        ("warn_only: [stale]", "q.yaml:1: there is no check stale; checks are completeness, "),
    ],
)
def test_a_mistake_names_its_line_and_the_fix(text, words):
    with pytest.raises(ConfigurationError, match=words):
        parse_thresholds(text, "q.yaml")


def test_a_file_that_is_not_there_is_said_to_be_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match=r"TRADING_QUALITY: .*none\.yaml cannot be read"):
        load_thresholds(tmp_path / "none.yaml")


def test_what_is_printed_reads_back_the_same_and_the_example_is_the_defaults():
    limits = QualityThresholds(jump_ratio=3.0, warn_only=frozenset({"null_rate"}))
    assert parse_thresholds(as_yaml(limits), "q") == limits
    assert (ROOT / "quality.example.yaml").read_text(encoding="utf-8").strip() == as_yaml(
        QualityThresholds()
    ).strip()
