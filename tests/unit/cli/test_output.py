"""What commands print for programs is JSON, whatever the numbers are."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from trading_assets.cli.output import out, print_json, print_table
from trading_assets.cli.query import _table


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


KNOWN_AT = datetime(2024, 11, 3, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "header", "shown"),
    [
        (ZoneInfo("America/Chicago"), "known (Chicago)", "2024-11-03 01:30:00"),
        (UTC, "known (UTC)", "2024-11-03 06:30:00"),
    ],
)
def test_instants_are_in_one_zone_which_the_header_names(capsys, zone, header, shown) -> None:
    print_table(
        "", ("symbol", "known", "day"), [("A", KNOWN_AT, date(2024, 5, 2)), ("B", None, None)], zone=zone
    )
    told = capsys.readouterr().out
    assert header in told
    assert shown in told
    assert "day (" not in told


def test_a_word_that_is_wider_than_its_column_is_not_cut(monkeypatch, capsys) -> None:
    monkeypatch.setattr(out, "_width", 40)
    batch = "polygon-daily_bars-0f1e2d3c4b5a69788796a5b4"
    print_table("", ("batch", "fault"), [(batch, "missing")], folded=("batch",))
    told = capsys.readouterr().out
    assert "…" not in told
    assert batch in "".join(line.split("│")[1].strip() for line in told.splitlines() if "│" in line)


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_a_wide_result_shows_what_fits_and_names_the_rest(monkeypatch, capsys, columns) -> None:
    monkeypatch.setattr(out, "_width", columns)
    frame = pl.DataFrame({f"column_{n:02}": [float(n), 1234567.891] for n in range(12)})
    _table(frame, None)
    told = capsys.readouterr()
    assert max(map(len, told.out.splitlines())) <= columns
    assert len(told.out.splitlines()) < 12, "a line a row, not a card"
    for name in frame.columns:
        assert (name in told.out) is not (name in told.err)
    _table(frame, None, wide=True)
    everything = capsys.readouterr().out
    assert all(name in everything for name in frame.columns)
