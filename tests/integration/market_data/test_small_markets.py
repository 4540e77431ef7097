"""Small markets that went wrong, replayed from the vendors to the findings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from resources.platform import Platform
from trading_assets.books.bookings import Action
from trading_assets.execution.reconciliation import reconcile
from trading_assets.execution.trading_account import account_of
from trading_assets.market_data.findings import restricted_symbols
from trading_assets.market_data.instruments import stored_instruments
from trading_assets.runs.history import backfill
from trading_assets.runs.session import run_session
from trading_assets.sessions import session_open, shift
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES

pytestmark = pytest.mark.slow
Replayed = Callable[..., AbstractContextManager[Platform]]


@pytest.fixture
def replayed(make_installation, shared_data: Path, tmp_path: Path) -> Replayed:
    """Open an installation whose market is one of the files."""

    def opened(name: str, *, at: str) -> AbstractContextManager[Platform]:
        market = {"sim_replay": shared_data / "cases" / name, "sim_at": at, "hourly_symbols": 0}
        return make_installation(tmp_path / "data", market=market).opened()

    return opened


def test_a_bar_without_a_volume_is_refused_by_name_and_the_market_goes_on(replayed: Replayed) -> None:
    first, sick, last = date(2024, 11, 18), date(2024, 11, 22), date(2024, 11, 25)
    with replayed("01-null-volume.csv", at="2024-11-25T22:00:00Z") as platform:
        assert len(backfill(platform, first, last)) == 6
        refused = platform.lake.scan(QUARANTINED_BARS).collect()
        assert refused.select("symbol", "session", "source", "rule", "close", "volume").sort(
            "source"
        ).rows() == [
            ("NVOL", sick, source, "null_volume", 88.1, None) for source in ("alpaca", "polygon", "yahoo")
        ]
        bars = platform.lake.scan(DAILY_BARS, start=first, end=last).collect()
        missing = bars.group_by("symbol").len().filter(pl.col("len") < 6)
        assert missing.rows() == [("NVOL", 5)]
        found = "select distinct session, symbol, check_name, severity from open_findings order by 3"
        assert platform.database.fetch(found) == [
            (sick, "NVOL", "completeness", "error"),
            (sick, "NVOL", "positive_prices", "error"),
        ]
        summary = run_session(platform, date(2024, 11, 26))
        assert summary.orders == {}
        assert summary.no_orders_because == (
            "no strategy has a signal: of the last year's 252 sessions 6 are there. Fill them with: trading-assets backfill "
            "--start 2023-11-27 --end 2024-11-25"
        )


def test_odd_names_and_share_classes_come_from_every_vendor(replayed: Replayed) -> None:
    odd = {"NA", "NAN", "NULL", "TRUE", "NONE", "INF", "NO", "ON", "BRK.A", "BRK.B", "BF.B"}
    with replayed("zoo.csv", at="2023-10-04T22:00:00Z") as platform:
        backfill(platform, date(2023, 10, 2), date(2023, 10, 4))
        found = {
            source: platform.lake.scan(table, columns=["symbol", "session"]).collect()
            for source, table in VENDOR_DAILY_BARS.items()
        }
        for source, bars in found.items():
            assert odd <= {*bars["symbol"]}, source
            assert bars.equals(found["polygon"]), source


def test_a_ticker_that_is_used_again_is_not_bought_for_both_companies_momentum(replayed: Replayed) -> None:
    session, seam = date(2024, 12, 2), date(2024, 9, 3)
    with replayed("03-ticker-reuse.csv", at="2024-12-02T22:00:00Z") as platform:
        backfill(platform, date(2023, 10, 2), shift(session, -1))
        run_session(platform, session)
        columns = ["symbol", "session", "momentum_12_1", "sma_200", "sma_20", "close"]
        features = platform.lake.scan(DAILY_FEATURES, start=seam, columns=columns).collect()
        reused, others = features.filter(symbol="REU2"), features.filter(pl.col("symbol") != "REU2")
        assert reused["close"].min() > 40  # the second company's
        assert reused["momentum_12_1"].null_count() == reused["sma_200"].null_count() == reused.height > 60
        assert reused["sma_20"].null_count() == 19
        assert others.filter(session=session)["momentum_12_1"].null_count() == 0
        bought = {symbol for (symbol,) in platform.database.fetch("select symbol from order_intents")}
        assert bought
        assert "REU2" not in bought
        named = [
            (item.instrument_id, item.begun, item.evidence)
            for item in stored_instruments(platform.lake, ["REU2"])
        ]
        begun = date(2024, 9, 4)  # the first bar is refused as a jump until the next one confirms it
        assert named == [("REU2@2023-10-02", "first_bar", "none"), (f"REU2@{begun}", "silence", "none")]
        assert restricted_symbols(platform.database, [session]).get(session, {}) == {
            "REU2": f"a data-quality finding: instrument_seam of {begun}"
        }
        platform.database.execute(
            "insert into finding_acceptances (check_name, table_name, session, symbol, reason, accepted_by, accepted_at)"
            " values ('instrument_seam', 'instruments', %s, 'REU2', 'another company', 'somebody', now())",
            (begun,),
        )
        assert restricted_symbols(platform.database, [session]).get(session, {}) == {}, "a person decided"


def test_splits_and_a_special_dividend_of_what_is_held_halt_nothing(replayed: Replayed) -> None:
    bought, ex_date = date(2024, 12, 3), date(2024, 12, 6)
    with replayed("04-reverse-split-held.csv", at="2024-12-02T22:00:00Z") as platform:
        backfill(platform, date(2023, 10, 2), shift(bought, -1))
        run_session(platform, bought)
        account = account_of(platform)
        held = {position.symbol: position.quantity for position in platform.broker.positions()}
        assert held["REVS"] % 7, "the split leaves a fraction"
        platform.clock.advance_to(session_open(ex_date) + timedelta(minutes=1))
        for known in ([], [Action("REVS", ex_date, "split", split_ratio=1 / 7)]):
            report = reconcile(account, bought, actions=known)
            assert report.is_match
            items = {item.item: (item.ours, item.brokers) for item in report.items}
            assert items["REVS"] == (held["REVS"] // 7, held["REVS"] // 7), "whole shares"
            assert items["FWDS"] == (held["FWDS"] * 3 // 2, held["FWDS"] * 3 // 2)
            booked = "select kind, symbol from bookings order by kind, symbol"
            assert platform.database.fetch(booked) == [
                ("cash_in_lieu", "FWDS"),
                ("cash_in_lieu", "REVS"),
                ("dividend", "SPEC"),
                ("split", "FWDS"),
                ("split", "REVS"),
            ]
        assert platform.database.fetch("select count(*) from trading_halts") == [(0,)]
