"""What commands print for programs is JSON, whatever the numbers are."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from trading_assets.cli.output import out, print_json, print_table


def test_a_number_that_json_does_not_know_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    odd = [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("Infinity")]
    print_json({"rows": [{"odd": value, "even": 1.5} for value in odd], "nested": [(math.nan, 2)]})

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert told == {"rows": [{"odd": None, "even": 1.5}] * len(odd), "nested": [[None, 2]]}


ORDERS = (
    ("symbol", "quantity", "price", "refusal", "note", "time"),
    [
        ("AAPL", "1,234,567.123456789", "187,654.32", None, "a sentence that may go over several lines", "2024-05-03 08:30:00 CDT"),
        ("BRK.B", "1", "0.0001", None, "short", "2024-05-03 08:30:00 CDT"),
    ],
)  # fmt: skip


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Print the orders as a terminal of so many columns gets them, and return what it shows."""

    def shown(columns: int, **options: object) -> None:
        monkeypatch.setattr(out, "_width", columns)
        print_table(
            "Orders",
            *ORDERS,
            right=("quantity", "price"),
            folded=("note",),
            optional=("refusal", "note", "time"),
            **options,
        )  # type: ignore[arg-type]

    return shown


@pytest.mark.parametrize(
    ("columns", "left_out"), [(160, ()), (80, ("time",)), (60, ("note", "time")), (20, ("note", "time"))]
)
def test_a_table_leaves_out_columns_and_never_breaks_a_number(narrow, capsys, columns, left_out):
    narrow(columns)
    told = capsys.readouterr()
    for place, name in enumerate(ORDERS[0]):
        if name in left_out or name == "refusal":  # nobody's orders were refused
            assert name not in told.out
            assert (name in told.err) is (name in left_out)
        elif name != "note":
            assert all(row[place] in told.out for row in ORDERS[1]), name
    assert columns < 60 or max(map(len, told.out.splitlines())) <= columns
    assert ("--wide" in told.err) is bool(left_out)


def test_wide_shows_all_of_it(narrow, capsys):
    narrow(40, wide=True)
    told = capsys.readouterr()
    assert all(cell is None or cell in told.out for row in ORDERS[1] for cell in row)
    assert "refusal" in told.out
    assert told.err == ""


def test_days_instants_and_decimals_are_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([date(2024, 5, 2), datetime(2024, 5, 2, 20, tzinfo=UTC), Decimal("1.25")])
    assert json.loads(capsys.readouterr().out) == ["2024-05-02", "2024-05-02T20:00:00+00:00", 1.25]
