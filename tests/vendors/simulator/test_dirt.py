"""Data dirt on demand: each kind shows at each vendor where it was planted, and nowhere else."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import requests

from trading_assets.simulator.faults.dirt import MEANINGS, Dirt, DirtKind
from trading_assets.simulator.state import StateStore

NOW = datetime(2024, 6, 28, 22, 0, tzinfo=UTC)
FIRST, SESSION, BEFORE, LAST = "2024-06-10", "2024-06-18", "2024-06-17", "2024-06-28"
HOLIDAY = "2024-06-19"
SYMBOL, OTHER = "SPY", "QQQ"
VENDORS = ("polygon", "alpaca", "yahoo")
COLUMNS = ["open", "high", "low", "close", "volume"]


class Simulator:
    def __init__(self, url):
        self.url = url

    def get(self, path, **params):
        headers = {"Authorization": "Bearer k", "APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}
        answer = requests.get(f"{self.url}{path}", params=params, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def plant(self, **rule):
        answer = requests.post(f"{self.url}/sim/dirt", json=rule, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def clean(self):
        requests.delete(f"{self.url}/sim/dirt", timeout=30)

    def bars(self, vendor, symbol=SYMBOL, minutes=None):
        """Bars as the vendor dates them, duplicates included, nulls as not-a-number."""
        rows = getattr(self, f"_{vendor}")(symbol, minutes)
        frame = pd.DataFrame(rows, columns=["at", *COLUMNS], dtype=float)
        at = pd.to_datetime(frame.pop("at"), unit="s", utc=True).dt.tz_convert("America/New_York")
        return frame.set_axis(at.dt.strftime("%Y-%m-%d" if minutes is None else "%Y-%m-%d %H:%M"))

    def _polygon(self, symbol, minutes):
        span = "1/day" if minutes is None else f"{minutes}/minute"
        path = f"/v2/aggs/ticker/{symbol}/range/{span}/{FIRST}/{LAST}"
        rows = self.get(path, adjusted="false", limit=50_000).get("results", [])
        return [[row["t"] / 1000, *(row[name] for name in "ohlcv")] for row in rows]

    def _alpaca(self, symbol, minutes):
        timeframe = "1Day" if minutes is None else f"{minutes}Min"
        span = {"start": f"{FIRST}T04:00:00Z", "end": f"{LAST}T23:00:00Z"}
        body = self.get("/v2/stocks/bars", symbols=symbol, timeframe=timeframe, limit=10_000, **span)
        rows = body["bars"].get(symbol, [])
        return [
            [datetime.fromisoformat(row["t"]).timestamp(), *(row[name] for name in "ohlcv")] for row in rows
        ]

    def _yahoo(self, symbol, minutes):
        first, last = (
            int(datetime.fromisoformat(f"{day}T04:00:00+00:00").timestamp()) for day in (FIRST, LAST)
        )
        body = self.get(
            f"/v8/finance/chart/{symbol}", period1=first, period2=last + 86_400,
            interval="1d" if minutes is None else f"{minutes}m",
        )  # fmt: skip
        [result] = body["chart"]["result"]
        quote = result["indicators"]["quote"][0]
        columns = [quote.get(name, []) for name in COLUMNS]
        return [list(row) for row in zip(result.get("timestamp", []), *columns, strict=True)]


@pytest.fixture(scope="module")
def running(start_simulator):
    return Simulator(start_simulator(seed=7, symbols=60, years=3, at=NOW.isoformat()).base_url)


@pytest.fixture
def simulator(running):
    yield running
    running.clean()


def close_to(frame, other):
    return frame.shape == other.shape and np.allclose(frame.to_numpy(), other.to_numpy(), rtol=1e-6)


def row(frame, day=SESSION):
    return frame.loc[day, COLUMNS].to_numpy()


EXPECTED = {
    "price_x10": lambda was, now: np.allclose(now, was * [10, 10, 10, 10, 1], rtol=1e-6),
    "currency_mix_up": lambda was, now: np.allclose(now, was * [0.79, 0.79, 0.79, 0.79, 1], rtol=1e-4),
    "price_spike": lambda was, now: np.allclose(now, was * [1, 3, 1, 3, 1], rtol=1e-6),
    "zero_price": lambda was, now: (now[:4] == 0).all() and now[4] == was[4],
    "negative_price": lambda was, now: np.allclose(now[:4], -was[:4]),
    "null_price": lambda was, now: np.isnan(now[:4]).all(),
    "high_below_low": lambda was, now: now[1] < now[2],
    "close_outside_range": lambda was, now: now[3] > now[1],
    "open_outside_range": lambda was, now: now[0] < now[2],
    "close_shift": lambda was, now: np.isclose(now[3], was[3] * 1.02) and now[2] <= now[3] <= now[1],
    "flat_bar": lambda was, now: len(set(now[:4])) == 1 and now[3] == was[3],
    "volume_collapse": lambda was, now: np.isclose(now[4], was[4] / 1000, rtol=0.01) and (now[:4] == was[:4]).all(),
    "volume_spike": lambda was, now: np.isclose(now[4], was[4] * 1000, rtol=0.01),
    "zero_volume": lambda was, now: now[4] == 0,
    "negative_volume": lambda was, now: now[4] < 0,
    "unfinished_bar": lambda was, now: 0 < now[4] < 0.7 * was[4] and now[0] == was[0],
    "early_split": lambda was, now: np.allclose(now[:4], was[:4] / 2, rtol=1e-4),
}  # fmt: skip


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_bar_is_wrong_as_told_at_that_vendor_and_on_that_session_only(simulator, vendor):
    for kind, is_as_told in EXPECTED.items():
        simulator.clean()
        clean = {name: simulator.bars(name) for name in VENDORS}
        number = simulator.plant(kind=kind, vendor=vendor, symbol=SYMBOL, session=SESSION)
        dirty = {name: simulator.bars(name) for name in VENDORS}
        assert is_as_told(row(clean[vendor]), row(dirty[vendor])), kind
        assert close_to(dirty[vendor].drop(SESSION), clean[vendor].drop(SESSION)), kind
        for name in set(VENDORS) - {vendor}:
            assert dirty[name].equals(clean[name]), kind
        [rule] = simulator.get("/sim/dirt")["rules"]
        assert (rule["id"], rule["used"]) == (number, 1), kind


@pytest.mark.parametrize("vendor", VENDORS)
def test_rows_go_come_twice_or_under_another_date(simulator, vendor):
    clean = simulator.bars(vendor)

    def planted(**rule):
        simulator.clean()
        simulator.plant(vendor=vendor, symbol=SYMBOL, **rule)
        return simulator.bars(vendor)

    assert SESSION not in planted(kind="missing_symbol", session=SESSION).index
    phantom = planted(kind="phantom_bar", session=HOLIDAY)
    assert (row(phantom, HOLIDAY) == row(clean, SESSION)).all()
    assert len(phantom) == len(clean) + 1
    stale = planted(kind="stale_price", session=SESSION)
    assert (row(stale) == row(clean, BEFORE)).all()
    twice = planted(kind="duplicate_equal", session=SESSION)
    assert len(twice) == len(clean) + 1
    assert len(twice.loc[SESSION].drop_duplicates()) == 1
    contradicting = planted(kind="duplicate_contradicting", session=SESSION)
    assert contradicting.loc[SESSION, "close"].nunique() == 2
    moved = planted(kind="wrong_date", session=SESSION)
    assert SESSION not in moved.index
    assert len(moved.loc[BEFORE]) == 2
    swapped = planted(kind="swapped_symbols", other=OTHER)
    assert swapped.equals(simulator.bars(vendor, OTHER))


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_hour_is_missing_from_intraday_bars_only(simulator, vendor):
    clean, days = simulator.bars(vendor, minutes=15), simulator.bars(vendor)
    simulator.plant(kind="missing_hour", vendor=vendor, symbol=SYMBOL, session=SESSION, hour=12)
    gone = sorted(set(clean.index) - set(simulator.bars(vendor, minutes=15).index))
    assert gone == [f"{SESSION} 12:{minute:02}" for minute in (0, 15, 30, 45)]
    assert simulator.bars(vendor).equals(days)


def test_a_session_or_half_of_the_market_is_missing_from_grouped_bars_and_listings(simulator):
    grouped = f"/v2/aggs/grouped/locale/us/market/stocks/{SESSION}"

    def names(path, key, **params):
        return {entry[key] for entry in simulator.get(path, **params).get("results", [])}

    listed, traded = names("/v3/reference/tickers", "ticker", limit=1000), names(grouped, "T")
    simulator.plant(kind="universe_drift", vendor="polygon", seed=3)
    left = names("/v3/reference/tickers", "ticker", limit=1000)
    assert 0.25 < len(left) / len(listed) < 0.75
    assert names(grouped, "T") == traded & left
    simulator.clean()
    assert names("/v3/reference/tickers", "ticker", limit=1000) == listed
    simulator.plant(kind="missing_session", session=SESSION)
    assert names(grouped, "T") == set()
    assert names(grouped.replace(SESSION, BEFORE), "T")
    assert all(SESSION not in simulator.bars(vendor).index for vendor in VENDORS)
    simulator.clean()
    simulator.plant(kind="phantom_bar", session=HOLIDAY)
    assert names(grouped.replace(SESSION, HOLIDAY), "T") == traded


def test_splits_and_dividends_are_missing_wrong_or_invented(simulator):
    splits = simulator.get("/v3/reference/splits", limit=1000)["results"]
    split = max(
        (s for s in splits if "2021-09-01" < s["execution_date"] < "2024-06-01"),
        key=lambda s: s["execution_date"],
    )
    symbol, day = split["ticker"], split["execution_date"]

    def reported():
        found = simulator.get("/v3/reference/splits", ticker=symbol, limit=1000)["results"]
        return {s["execution_date"]: s["split_to"] / s["split_from"] for s in found}

    def first_close():
        chart = simulator.get(f"/v8/finance/chart/{symbol}", period1=0, period2=int(NOW.timestamp()))
        return chart["chart"]["result"][0]["indicators"]["quote"][0]["close"][0]

    ratio, adjusted = reported()[day], first_close()
    simulator.plant(kind="missing_split", symbol=symbol, session=day)
    assert day not in reported()
    assert first_close() == pytest.approx(adjusted * ratio, rel=1e-6)
    simulator.clean()
    simulator.plant(kind="inverted_split", vendor="polygon", symbol=symbol)
    assert reported()[day] == pytest.approx(1 / ratio)
    assert first_close() == adjusted
    simulator.clean()
    simulator.plant(kind="phantom_split", symbol=symbol, session=SESSION, factor=3)
    assert reported()[SESSION] == 3
    simulator.clean()
    simulator.plant(kind="adjustment_mix_up", vendor="yahoo", symbol=symbol)
    assert first_close() == pytest.approx(adjusted * ratio, rel=1e-6)
    simulator.clean()
    payers = {d["ticker"] for d in simulator.get("/v3/reference/dividends", limit=1000)["results"]}
    simulator.plant(kind="missing_dividend", symbol="SPY")
    left = {d["ticker"] for d in simulator.get("/v3/reference/dividends", limit=1000)["results"]}
    assert payers - left == {"SPY"}


def test_a_rule_can_be_for_some_requests_and_so_many_times_only(simulator):
    clean = simulator.bars("polygon")
    simulator.plant(kind="price_x10", match=r"/range/1/day/.*adjusted=false", times=1)
    assert simulator.bars("alpaca").iloc[0, 0] < clean.iloc[0, 0] * 2
    assert simulator.bars("polygon").iloc[0, 0] == pytest.approx(clean.iloc[0, 0] * 10)
    assert simulator.bars("polygon").equals(clean)


def test_every_kind_is_listed_with_what_it_does_and_wrong_rules_are_refused(simulator):
    assert simulator.get("/sim/dirt")["kinds"] == {kind.value: MEANINGS[kind] for kind in DirtKind}
    wrong = [
        {}, {"kind": "no_such"}, {"kind": "price_x10", "vendor": "bloomberg"}, {"kind": "price_x10", "session": "soon"},
        {"kind": "swapped_symbols", "symbol": "SPY"}, {"kind": "price_x10", "share": 2}, {"kind": "price_x10", "match": "("},
        {"kind": "price_x10", "colour": 1},
    ]  # fmt: skip
    for rule in wrong:
        answer = requests.post(f"{simulator.url}/sim/dirt", json=rule, timeout=30)
        assert answer.status_code == 422, rule
        assert answer.json()["error"]
    assert simulator.get("/sim/dirt")["rules"] == []


def test_rules_outlive_a_restart(tmp_path):
    with contextlib.closing(StateStore(tmp_path)) as store:
        Dirt(store).add({"kind": "price_x10", "session": SESSION, "symbol": SYMBOL, "times": 3})
    with contextlib.closing(StateStore(tmp_path)) as store:
        [rule] = Dirt(store).rules
    assert (rule.kind, rule.session, rule.times, rule.share) == ("price_x10", date(2024, 6, 18), 3, 1.0)


def test_late_corrections_change_few_volumes_and_are_over_after_three_sessions(start_simulator):
    then = datetime(2024, 6, 20, 22, 0, tzinfo=UTC)
    simulator = Simulator(start_simulator(seed=7, symbols=2000, years=1, at=then.isoformat()).base_url)
    days = [date(2024, 6, 20) - timedelta(days=n) for n in (0, 2, 3, 7)]

    def volumes(path_day):
        rows = simulator.get(f"/v2/aggs/grouped/locale/us/market/stocks/{path_day}", adjusted="false").get(
            "results", []
        )
        return {entry["T"]: (entry["v"], entry["c"]) for entry in rows}

    before = {day: volumes(day) for day in days}
    answer = requests.post(
        f"{simulator.url}/sim/clock", json={"advance_to": (then + timedelta(days=14)).isoformat()}, timeout=60
    )
    assert answer.status_code == 200
    changed = {
        day: [s for s, value in volumes(day).items() if before[day].get(s, value) != value] for day in days
    }
    assert 0 < len(changed[days[0]]) < 12
    assert not changed[days[-1]]
