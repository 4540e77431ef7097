"""A vendor is a folder, a line in the registry and its settings: added to a copy of the product, it is part of everything."""

from __future__ import annotations

import pytest

FOLDER = {
    "__init__.py": '"""Exampledata."""\n',
    "source.py": '''"""Exampledata: daily bars [symbol, session]."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from resources.clock import Clock
from resources.raw.responses import RawResponse
from resources.vendors.bars import BAR_SCHEMA
from resources.vendors.protocol import Fetched, Progress
from trading_assets.settings import SourceName


class ExampledataSource:
    """Bars of one price; the test of a vendor, not a vendor."""

    name: SourceName = "exampledata"
    asks_by_symbol = False

    def __init__(self, host: str, clock: Clock) -> None:
        self._host = host
        self._clock = clock

    def daily_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        rows = [
            {"symbol": symbol, "session": day, "open": 40.0, "high": 41.0, "low": 39.0, "close": 39 + day.day / 31,
             "volume": 1000.0 + day.day}
            for symbol in symbols
            for day in sessions
        ]
        frame = pl.DataFrame(rows, schema_overrides=dict(BAR_SCHEMA)).with_columns(
            pl.lit(None, BAR_SCHEMA[name]).alias(name) for name in ("vwap", "trade_count")
        )
        said = RawResponse(f"{self._host}/bars", 200, self._clock.now(), b"{}")
        return Fetched(frame.select(*BAR_SCHEMA), [said])

    def hourly_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        raise NotImplementedError("the test asks for days only")
''',
    "vendor.py": '''"""Exampledata as a vendor: what the registry knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from resources.clock import Clock
from resources.vendors.endpoints import Reach, host
from resources.vendors.exampledata.source import ExampledataSource
from resources.vendors.http.policy import HttpGate
from resources.vendors.probing import Answered, Ask, SourceProbes, probing_gate
from resources.vendors.vendor import Vendor
from trading_assets.settings import Settings

HOST = "https://api.exampledata.example"


class ExampledataProbes:
    """One answer without a request."""

    def __init__(self, gate: HttpGate) -> None:
        self.gate = gate

    def kinds(self) -> Mapping[str, Ask]:
        return {"daily bars": lambda: Answered("they are there")}


def _source(settings: Settings, reach: Reach, clock: Clock) -> ExampledataSource:
    return ExampledataSource(host(reach, HOST), clock)


def _probes(settings: Settings, reach: Reach, session: date, now: datetime) -> SourceProbes:
    return ExampledataProbes(probing_gate("exampledata", settings))


EXAMPLEDATA = Vendor(name="exampledata", keys="EXAMPLEDATA_API_KEY", bars=_source, probes=_probes)
''',
}
EDITS = {
    "resources/vendors/registry.py": [
        (
            "from resources.vendors.listings",
            "from resources.vendors.exampledata.vendor import EXAMPLEDATA\nfrom resources.vendors.listings",
        ),
        ("for vendor in (POLYGON, YAHOO, ALPACA)}", "for vendor in (POLYGON, YAHOO, ALPACA, EXAMPLEDATA)}"),
    ],
    "trading_assets/settings.py": [
        ('Literal["polygon", "yahoo", "alpaca"]', 'Literal["polygon", "yahoo", "alpaca", "exampledata"]'),
        (
            "    yahoo_per_minute: int",
            "    exampledata_per_minute: int = Field(default=60, ge=0)\n    yahoo_per_minute: int",
        ),
    ],
}
LOOK_FOR_IT = """
import json
from datetime import UTC, date, datetime

import dagster as dg

from resources.platform import shared_platform
from resources.vendors.examination import examine_sources
from trading_assets.definitions import build_definitions
from trading_assets.runs.history import backfill
from trading_assets.settings import load_settings
from trading_assets.tables.registry import TABLES

settings = load_settings(env_file=None)
graph = build_definitions(settings).resolve_asset_graph()
first, last = date(2024, 4, 30), date(2024, 5, 1)
found = list(examine_sources(settings, lambda host: host, session=first, now=datetime(2024, 5, 2, tzinfo=UTC)))
with shared_platform(settings) as platform:
    backfill(platform, first, last, ["universe", "exampledata_daily_bars", "corporate_actions", "daily_bars"])
    best = platform.lake.scan(TABLES["daily_bars"], start=last, end=last).collect()
    batch = platform.database.fetch("select distinct source from ingest_batches where kind = 'daily_bars' order by 1")
print(json.dumps({
    "asset": sorted(graph.get(dg.AssetKey("exampledata_daily_bars")).kinds),
    "before": sorted(key.to_user_string() for key in graph.get(dg.AssetKey("daily_bars")).parent_keys),
    "probes": [[item.kind, item.verdict] for item in found if item.source == "exampledata" and item.kind == "daily bars"],
    "best": sorted(set(zip(best["source"], best["close"], best["source_count"]))),
    "raw": [name for (name,) in batch],
}))
"""


@pytest.fixture
def with_vendor(product):
    """The product with the vendor in it."""
    for name, text in FOLDER.items():
        product.add(f"resources/vendors/exampledata/{name}", text)
    for name, edits in EDITS.items():
        product.edit(name, *edits)
    return product


def test_its_bars_are_fetched_checked_consolidated_and_examined(with_vendor):
    found = with_vendor.run(LOOK_FOR_IT, TRADING_SOURCES="exampledata")
    assert found["asset"] == ["exampledata", "parquet"]
    assert found["before"] == ["corporate_actions", "exampledata_daily_bars", "universe"]
    assert found["probes"] == [["daily bars", "pass"]]
    assert found["best"] == [["exampledata", 39 + 1 / 31, 1]]
    assert found["raw"] == ["exampledata"]


def test_the_guide_names_every_file_that_this_test_touches(guide):
    said = guide("How to add a vendor")
    assert [name for name in ["resources/vendors/", *EDITS] if f"`{name}" not in said] == []
