"""What commands print for programs is JSON, whatever the numbers are."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from trading_assets.cli.output import print_json


def test_a_number_that_json_does_not_know_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    odd = [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("Infinity")]
    print_json({"rows": [{"odd": value, "even": 1.5} for value in odd], "nested": [(math.nan, 2)]})

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert told == {"rows": [{"odd": None, "even": 1.5}] * len(odd), "nested": [[None, 2]]}


def test_days_instants_and_decimals_are_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([date(2024, 5, 2), datetime(2024, 5, 2, 20, tzinfo=UTC), Decimal("1.25")])
    assert json.loads(capsys.readouterr().out) == ["2024-05-02", "2024-05-02T20:00:00+00:00", 1.25]
