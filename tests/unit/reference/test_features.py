"""docs/features.md lists the features as they are."""

from __future__ import annotations

from pathlib import Path

from trading_assets.indicators.registry import FEATURES
from trading_assets.reference.features import feature_reference
from trading_assets.reference.markdown import with_reference
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "features.md"


def test_the_page_is_what_the_registries_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page, feature_reference()) == page, "run: python -m trading_assets.reference"


def test_every_column_of_the_table_is_explained_in_its_order():
    lines = feature_reference().splitlines()
    named = [line.split("`")[1] for line in lines if line.startswith(("| `", f"`{AGE_COLUMN}"))]
    assert named[: len(FEATURES) + len(FUNDAMENTALS) + 1] == [*FEATURES, *FUNDAMENTALS, AGE_COLUMN]
    columns = {*DAILY_FEATURES.schema} - {"symbol", "session", "price_factor", "share_factor"}
    assert columns == set(named)


def test_every_line_has_as_many_cells_as_its_header():
    cells = 0
    for line in feature_reference().splitlines():
        count = line.replace(r"\|", "").count("|")
        assert not cells or count in {0, cells}
        cells = count
