"""Sectors: every source's word for one of the eleven ends in the same name, and other words stay as they are."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime

import polars as pl
import pytest

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.market_data.universe import with_company_facts
from trading_assets.sectors import OF_VENDOR, SECTORS
from trading_assets.simulator.market.listings import SECTOR_NAMES
from trading_assets.simulator.yahoo.summary import SECTORS as SIMULATED_WORDS
from trading_assets.tables.companies import COMPANY_INFO
from trading_assets.tables.listings import UNIVERSE

SESSION = date(2024, 5, 3)
NAMES = [sector.name for sector in SECTORS]


def told(lake: Lake, listed: dict[str, str | None]) -> dict[str, str | None]:
    rows = pl.DataFrame(
        [{"symbol": symbol, "session": SESSION, "sector": word} for symbol, word in listed.items()],
        schema={name: UNIVERSE.schema[name] for name in ("symbol", "session", "sector", "industry", "market_cap_usd")},
    )  # fmt: skip
    return dict(with_company_facts(lake, rows).select("symbol", "sector").iter_rows())


def test_there_are_eleven_with_a_word_of_the_vendor_each():
    assert len(set(NAMES)) == len(set(OF_VENDOR)) == 11


def test_the_simulated_vendors_and_the_simulated_market_mean_the_same_sector():
    assert {name: OF_VENDOR[SIMULATED_WORDS[name]] for name in SECTOR_NAMES} == dict(
        zip(NAMES, NAMES, strict=True)
    )


def test_the_constituents_of_the_index_are_in_these_sectors(shared_data):
    with (shared_data / "sp500_constituents.csv").open(newline="") as file:
        assert {row["GICS Sector"] for row in csv.DictReader(file)} == set(NAMES)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Financial Services", "Financials"),
        ("Technology", "Information Technology"),
        ("Health Care", "Health Care"),
        ("Shell Companies", "Shell Companies"),
        (None, None),
    ],
)
def test_the_universe_has_the_name_whoever_says_the_word(tmp_path, word, name):
    lake = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    assert told(lake, {"A": word, "B": None}) == {"A": name, "B": None}
    snapshot = pl.DataFrame(
        [{"symbol": "B", "session": SESSION, "sector": word, "batch_id": "yahoo-companies-0"}],
        schema={column: dtype for column, dtype in COMPANY_INFO.schema.items() if column != "known_at"},
    )
    lake.write_sessions(COMPANY_INFO, snapshot, [SESSION], known_at=datetime(2024, 5, 4, 13, tzinfo=UTC))
    assert told(lake, {"A": word, "B": "Energy"}) == {"A": name, "B": name or "Energy"}
    stored = lake.scan(COMPANY_INFO).select("sector").collect().item()
    assert stored == word
