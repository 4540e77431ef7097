"""The simulator as a process: clock, state over kills, faults on the wire, corrections, refusals to start."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]
AT = datetime(2024, 6, 28, 22, 0, tzinfo=UTC)
KEYS = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret", "Authorization": "Bearer any"}
GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/2024-06-28?adjusted=false"
SMALL = {"seed": 5, "symbols": 12, "years": 1}


@pytest.fixture(scope="module")
def simulated(start_simulator):
    return start_simulator(**SMALL, at=AT.isoformat())


@pytest.fixture
def healthy(simulated):
    yield simulated
    simulated.clear_faults()


def ask(simulated, method, path, **options):
    return requests.request(method, f"{simulated.base_url}{path}", headers=KEYS, timeout=30, **options)


def bars(simulated, path=GROUPED):
    answer = ask(simulated, "GET", path)
    answer.raise_for_status()
    return {row["T"]: row for row in answer.json()["results"]}


def orders(simulated):
    return ask(simulated, "GET", "/v2/orders?status=all").json()


def buy(simulated, name, symbol="SPY"):
    order = {"symbol": symbol, "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
    return ask(simulated, "POST", "/v2/orders", json={**order, "client_order_id": name})


def test_the_clock_stands_moves_on_when_told_and_never_goes_back(start_simulator):
    simulated = start_simulator(**SMALL, at=AT.isoformat())
    assert simulated.now() == AT
    later = AT + timedelta(days=3)
    assert simulated.advance_to(later) == later
    answer = ask(simulated, "POST", "/sim/clock", json={"advance_to": AT.isoformat()})
    assert answer.status_code == 409
    assert "never goes back" in answer.json()["error"]
    assert simulated.now() == later
    simulated.kill()
    again = start_simulator(state=simulated.state, **SMALL)
    assert again.now() == later, "a restart moved the clock"


def test_the_real_clock_is_the_later_of_the_machines_and_where_it_was_moved_to(start_simulator):
    simulated = start_simulator(**SMALL, clock="real")
    machine = datetime.now(UTC)  # noqa: TID251 (compared with the machine's own clock)
    first = simulated.now()
    assert abs(first - machine) < timedelta(seconds=20)
    assert simulated.now() > first
    ahead = machine + timedelta(days=2)
    simulated.advance_to(ahead)
    assert simulated.now() == ahead


def test_the_fast_clock_runs_fast(start_simulator):
    simulated = start_simulator(**SMALL, at=AT.isoformat(), clock="fast", speed=36000)
    first = simulated.now()
    assert first >= AT
    assert simulated.now() > first


def test_an_accepted_order_its_fill_and_corrections_survive_a_kill(start_simulator):
    simulated = start_simulator(**SMALL, at=AT.isoformat())
    assert buy(simulated, "one").status_code == 200
    correction = {"symbol": "SPY", "session": "2024-06-27", "fields": {"close": 123.45}}
    assert ask(simulated, "POST", "/sim/corrections", json=correction).status_code == 200
    simulated.kill()

    simulated = start_simulator(state=simulated.state, **SMALL)
    assert [order["client_order_id"] for order in orders(simulated)] == ["one"]
    simulated.advance_to(datetime(2024, 7, 1, 13, 32, tzinfo=UTC))
    [filled] = orders(simulated)
    assert filled["status"] == "filled"
    simulated.kill()

    simulated = start_simulator(state=simulated.state, **SMALL)
    assert orders(simulated) == [filled]
    [position] = ask(simulated, "GET", "/v2/positions").json()
    assert (position["symbol"], position["qty"]) == ("SPY", "3")
    simulated.advance_to(datetime(2024, 7, 1, 22, 0, tzinfo=UTC))
    monday = bars(simulated, GROUPED.replace("06-28", "07-01"))
    assert float(filled["filled_avg_price"]) == pytest.approx(monday["SPY"]["o"], rel=1e-3)
    assert bars(simulated, GROUPED.replace("06-28", "06-27"))["SPY"]["c"] == 123.45


def test_a_correction_counts_from_now_on_at_every_vendor(start_simulator):
    simulated = start_simulator(**SMALL, at=AT.isoformat())
    before = bars(simulated)
    correction = {"symbol": "SPY", "session": "2024-06-28", "fields": {"close": before["SPY"]["c"] + 1.0}}
    simulated.advance_to(AT + timedelta(minutes=1))
    assert ask(simulated, "POST", "/sim/corrections", json=correction).status_code == 200
    after = bars(simulated)
    changed = {symbol for symbol in before if before[symbol] != after[symbol]}
    assert changed == {"SPY"}
    alpaca = ask(simulated, "GET", "/v2/stocks/bars?symbols=SPY&timeframe=1Day&start=2024-06-28").json()
    chart = ask(simulated, "GET", "/v8/finance/chart/SPY?range=1d").json()["chart"]["result"][0]
    wanted = pytest.approx(before["SPY"]["c"] + 1.0)
    assert alpaca["bars"]["SPY"][0]["c"] == wanted
    assert chart["indicators"]["quote"][0]["close"][-1] == wanted
    for wrong in ({"symbol": "NOSUCH"}, {"session": "2024-06-29"}, {"fields": {"colour": 1}}, {"fields": {}}):
        assert ask(simulated, "POST", "/sim/corrections", json={**correction, **wrong}).status_code == 422


def test_a_bar_is_known_ten_minutes_after_the_close_and_not_before(start_simulator):
    close = datetime(2024, 6, 28, 20, 0, tzinfo=UTC)
    simulated = start_simulator(**SMALL, at=(close + timedelta(minutes=9)).isoformat())
    assert "results" not in ask(simulated, "GET", GROUPED).json()
    simulated.advance_to(close + timedelta(minutes=10))
    assert "SPY" in bars(simulated)


def test_two_markets_of_one_seed_are_the_same_whenever_they_were_begun(start_simulator, simulated):
    older = start_simulator(seed=5, symbols=12, years=4, at=(AT - timedelta(days=300)).isoformat())
    older.advance_to(AT)
    other = start_simulator(seed=6, symbols=12, years=1, at=AT.isoformat())
    assert bars(older) == bars(simulated)
    assert bars(other).keys() != bars(simulated).keys()


def test_a_throttled_answer_says_when_to_come_back_and_is_over_after_its_times(healthy):
    healthy.fault("^/v2/aggs", "429", times=2, retry_after=7)
    for _ in range(2):
        answer = ask(healthy, "GET", GROUPED)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
        assert answer.json()["status"] == "ERROR"
    assert ask(healthy, "GET", GROUPED).status_code == 200
    healthy.fault("^/v8/", "429")
    assert ask(healthy, "GET", "/v8/finance/chart/SPY").text == "Too Many Requests\r\n"
    healthy.fault("^/v2/stocks", "429")
    assert ask(healthy, "GET", "/v2/stocks/bars?symbols=SPY").json()["code"] == 42910000


def test_server_errors_come_as_json_and_gateway_timeouts_as_html(healthy):
    healthy.fault("/v2/account", "500")
    assert ask(healthy, "GET", "/v2/account").status_code == 500
    healthy.fault("/v2/account", "html_504")
    answer = ask(healthy, "GET", "/v2/account")
    assert answer.status_code == 504
    assert answer.headers["Content-Type"] == "text/html"
    assert ask(healthy, "GET", "/v2/account").status_code == 200


def test_a_truncated_answer_promises_more_than_it_holds(healthy):
    healthy.fault("grouped", "truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(healthy, "GET", GROUPED)
    assert ask(healthy, "GET", GROUPED).status_code == 200


def test_a_slow_answer_is_later_than_a_short_patience(healthy):
    healthy.fault("grouped", "slow", seconds=1.0)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{healthy.base_url}{GROUPED}", headers=KEYS, timeout=0.3)


def test_an_order_whose_answer_was_cut_off_by_a_reset_is_there_all_the_same(healthy):
    healthy.fault("^/v2/orders", "reset_after_accept", method="POST")
    parts = urlsplit(healthy.base_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    body = '{"symbol":"SPY","qty":"1","side":"buy","type":"market","time_in_force":"day","client_order_id":"lost"}'
    connection.request("POST", "/v2/orders", body, {**KEYS, "Content-Type": "application/json"})
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    assert [order["client_order_id"] for order in orders(healthy)] == ["lost"]
    assert buy(healthy, "lost").status_code == 422


def test_a_fault_that_makes_no_sense_is_refused_and_says_what_would(healthy):
    for rule in (
        {},
        {"match": "x", "kind": "earthquake"},
        {"match": "(", "kind": "500"},
        {"match": "x", "kind": "500", "a": 1},
    ):
        answer = ask(healthy, "POST", "/sim/faults", json=rule)
        assert answer.status_code == 422
        assert answer.json()["error"]
    assert ask(healthy, "GET", "/sim/faults").json()["faults"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_takes_the_port_file_along(start_simulator, number):
    simulated = start_simulator(**SMALL, at=AT.isoformat())
    assert (simulated.state / "port").exists()
    simulated.process.send_signal(number)
    assert simulated.process.wait(20) == 0
    assert not (simulated.state / "port").exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", urlsplit(simulated.base_url).port), timeout=5)


def refusal(*options):
    command = [sys.executable, "-m", "trading_assets.simulator", *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    return done.stderr


def test_state_of_another_market_is_refused_with_the_mend(start_simulator):
    simulated = start_simulator(**SMALL, at=AT.isoformat())
    assert "Another simulator already serves" in refusal(
        "--state", simulated.state, "--seed", 5, "--symbols", 12
    )
    assert simulated.stop() == 0
    message = refusal("--state", simulated.state, "--seed", 6, "--symbols", 12)
    assert "belongs to a different market" in message
    assert "--state" in message
    assert '"seed": 5' in message


def test_a_file_that_cannot_be_replayed_is_refused_with_what_it_lacks(tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,session,open\nA,2024-01-02,1.0\n")
    message = refusal("--state", tmp_path / "state", "--replay", tmp_path / "bars.csv")
    assert "lacks high, low, close, volume" in message
    assert "cannot be read" in refusal("--state", tmp_path / "state", "--replay", tmp_path / "none.parquet")


def test_health_describes_the_market(simulated):
    health = ask(simulated, "GET", "/sim/health").json()
    assert health["status"] == "ok"
    assert health["pid"] == simulated.process.pid
    assert health["symbols"] == 12
    assert date.fromisoformat(health["first_session"]) == date(2023, 6, 29)


def test_another_web_page_cannot_move_the_clock_or_place_an_order(simulated):
    at = simulated.now()
    later = (at + timedelta(days=1)).isoformat()
    evil = {"Origin": "http://evil.example", **KEYS}
    text = {"Content-Type": "text/plain", **KEYS}
    for headers in (evil, text, {"Host": "evil.example", **KEYS}):
        for path, body in (
            ("/sim/clock", f'{{"advance_to": "{later}"}}'),
            ("/v2/orders", '{"symbol": "SPY"}'),
        ):
            answer = requests.post(
                f"{simulated.base_url}{path}",
                data=body,
                headers={"Content-Type": "application/json"} | headers,
                timeout=30,
            )
            assert (answer.status_code, answer.text[:8]) == (403, "Refused:")
    assert simulated.now() == at
