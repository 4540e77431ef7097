"""A stock dividend that may be a spin-off stops new risk in its symbol until a vendor or a person says what it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from resources.database.database import Database
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.errors import ConfigurationError
from trading_assets.market_data.acceptance import revoke
from trading_assets.market_data.action_decisions import decide_action, decided_actions
from trading_assets.market_data.findings import restricted_symbols
from trading_assets.market_data.settled_actions import settle_actions
from trading_assets.sessions import shift
from trading_assets.tables.listings import CORPORATE_ACTIONS, VENDOR_ACTIONS

EX_DATE = date(2022, 4, 1)  # BD spun Embecta off
NOW = datetime(2022, 4, 1, 21, tzinfo=UTC)


@pytest.fixture
def platform(fresh_database: Database, tmp_path: Path) -> Any:
    clock = SimpleNamespace(now=lambda: NOW)
    settings = SimpleNamespace(sources=("polygon", "yahoo", "alpaca"), quality=None)
    lake = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    return SimpleNamespace(lake=lake, database=fresh_database, clock=clock, settings=settings)


def told(platform: Any, source: str, kind: str, **values: object) -> None:
    table = VENDOR_ACTIONS[source]
    row = dict.fromkeys(table.schema) | {"symbol": "BDX", "ex_date": EX_DATE, "kind": kind, "reports": 1, "batch_id": source}  # fmt: skip
    frame = pl.DataFrame([row | values], schema=table.schema).drop("known_at")
    platform.lake.write_sessions(table, frame, [EX_DATE], known_at=NOW)


def stored(platform: Any) -> list[tuple[str, float | None, float | None]]:
    rows = platform.lake.scan(CORPORATE_ACTIONS, start=EX_DATE, end=EX_DATE).collect()
    return rows.select("kind", "split_ratio", "price_factor").rows()


def restricted(platform: Any, session: date) -> dict[str, str]:
    return restricted_symbols(platform.database, [session]).get(session, {})


def decide(platform: Any, reading: str, *, reason: str = "by its filing", symbol: str = "BDX") -> int:
    number = decide_action(
        platform.database, symbol=symbol, ex_date=EX_DATE, reading=reading, actor="anna", reason=reason,
        now=NOW + timedelta(hours=1),
    )  # fmt: skip
    settle_actions(platform, EX_DATE, run_id="decision")
    return number


STOPPED = {"BDX": "a data-quality finding: undecided_actions"}
AS_SPLIT, AS_SPIN_OFF = [("split", 1.025, None)], [("spin_off", None, 1 / 1.025)]


def test_nobody_knows_then_a_person_decides_and_changes_their_mind(platform: Any) -> None:
    told(platform, "yahoo", "split", split_ratio=1.025)
    settle_actions(platform, EX_DATE, run_id="first")
    assert stored(platform) == AS_SPLIT
    for later in (-1, 0, 1, 30, 252):
        day = "" if later == 0 else f" of {EX_DATE}"
        assert restricted(platform, shift(EX_DATE, later)) == {"BDX": STOPPED["BDX"] + day}, later
    assert restricted(platform, shift(EX_DATE, 253)) == {}, "nothing looks back on it any more"

    number = decide(platform, "spin-off")
    assert (stored(platform), restricted(platform, EX_DATE)) == (AS_SPIN_OFF, {})
    decide(platform, "stock-dividend", reason="no, it is one")
    assert (stored(platform), restricted(platform, EX_DATE)) == (AS_SPLIT, {})
    audited = platform.database.fetch("select actor, action, reason from audit_log order by audit_id")
    assert audited == [
        ("anna", "decide_action", "by its filing"),
        ("anna", "decide_action", "no, it is one"),
    ]
    [(revoked_by,)] = platform.database.fetch(
        "select revoked_by from finding_acceptances where acceptance_id = %s", (number,)
    )
    assert revoked_by == "anna"
    revoke(platform.database, number + 1, actor="anna", reason="not sure", now=NOW)
    settle_actions(platform, EX_DATE, run_id="revoked")
    assert (stored(platform), restricted(platform, EX_DATE)) == (AS_SPLIT, STOPPED)
    assert decided_actions(platform.database, EX_DATE, EX_DATE) == {}


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("spin_off", {"new_symbol": "EMBC", "share_ratio": 0.2}, AS_SPIN_OFF),
        ("split", {"split_ratio": 1.025}, AS_SPLIT),
    ],
)
def test_a_vendor_that_tells_the_two_apart_decides_it_when_it_answers(
    kind: str, values: dict[str, Any], expected: list[tuple[str, float | None, float | None]], platform: Any
) -> None:
    told(platform, "yahoo", "split", split_ratio=1.025)
    settle_actions(platform, EX_DATE, run_id="first")
    assert restricted(platform, EX_DATE) == STOPPED
    told(platform, "alpaca", kind, **values)
    settle_actions(platform, EX_DATE, run_id="again")
    assert (stored(platform), restricted(platform, EX_DATE)) == (expected, {})


def test_only_an_undecided_action_is_decided_as_one_of_both_and_with_a_reason(platform: Any) -> None:
    told(platform, "yahoo", "split", split_ratio=1.025)
    settle_actions(platform, EX_DATE, run_id="first")
    with pytest.raises(ConfigurationError, match=r"No action of ABC .* Undecided are: BDX on 2022-04-01"):
        decide(platform, "spin-off", symbol="ABC")
    with pytest.raises(ConfigurationError, match="one of stock-dividend, spin-off, not as merger"):
        decide(platform, "merger")
    with pytest.raises(ConfigurationError, match="needs a reason"):
        decide(platform, "spin-off", reason=" ")
    assert restricted(platform, EX_DATE) == STOPPED
