"""The simulator's process: shared, found through its port file, refused with another market."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from resources.services.processes import find_process
from resources.services.simulator import simulator_for
from trading_assets.errors import ServiceError
from trading_assets.settings import Settings, load_settings

STAND_IN = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if options.get("--symbols") == "13":
    sys.exit("an unlucky number of symbols")
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/sim/health", "/options") else 404)
        self.end_headers()
        self.wfile.write(json.dumps(options).encode())
server = HTTPServer(("127.0.0.1", int(options["--port"])), Handler)
with open(options["--port-file"] + ".part", "w") as file:
    file.write(str(server.server_port))
os.replace(options["--port-file"] + ".part", options["--port-file"])
server.serve_forever()
"""

USER = """
import sys
from pathlib import Path
from resources.services.simulator import simulator_for
from trading_assets.settings import load_settings
settings = load_settings(env_file=None, data=Path(sys.argv[1]))
with simulator_for(settings, command=[sys.executable, sys.argv[2]]) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def stand_in(tmp_path) -> Path:
    path = tmp_path / "stand_in.py"
    path.write_text(STAND_IN)
    return path


def settings_for(folder: Path, **values: object) -> Settings:
    return load_settings(env_file=None, data=folder / "data", **values)


def runs(folder: Path) -> bool:
    return find_process(str(folder / "data" / "run" / "simulator" / "port")) is not None


def test_users_share_it_and_the_last_one_stops_it(tmp_path, stand_in, start_user):
    user = start_user(USER, tmp_path / "data", stand_in)
    url = user.says()
    with simulator_for(settings_for(tmp_path), command=[sys.executable, str(stand_in)]) as mine:
        assert mine == url
        options = requests.get(f"{url}/options", timeout=10).json()
        assert options["--state"] == str(tmp_path / "data" / "simulator")
        assert (options["--seed"], options["--symbols"], options["--years"], options["--cash"]) == (
            "7",
            "500",
            "3",
            "100000.00",
        )
        assert user.leave() == 0
        assert runs(tmp_path)
    assert not runs(tmp_path)


def test_it_survives_its_killed_owner_and_is_found_again(tmp_path, stand_in, start_user):
    user = start_user(USER, tmp_path / "data", stand_in)
    url = user.says()
    user.kill()
    with simulator_for(settings_for(tmp_path), command=[sys.executable, str(stand_in)]) as mine:
        assert mine == url
    assert not runs(tmp_path)


def test_one_that_takes_the_place_of_a_killed_one_answers_at_the_same_address(tmp_path, stand_in, start_user):
    user = start_user(USER, tmp_path / "data", stand_in)
    url = user.says()
    killed = find_process(str(tmp_path / "data" / "run" / "simulator" / "port"))
    assert killed is not None
    process = psutil.Process(killed)
    process.kill()
    deadline = time.monotonic() + 10
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)
    with simulator_for(settings_for(tmp_path), command=[sys.executable, str(stand_in)]) as again:
        assert again == url
    assert user.leave() == 0


def test_another_market_is_refused_while_it_is_in_use(tmp_path, stand_in, start_user):
    user = start_user(USER, tmp_path / "data", stand_in)
    user.says()
    other = settings_for(tmp_path, sim_seed=8)
    with (
        pytest.raises(ServiceError, match="other settings"),
        simulator_for(other, command=[sys.executable, str(stand_in)]),
    ):
        pass
    assert user.leave() == 0
    with simulator_for(other, command=[sys.executable, str(stand_in)]) as url:
        assert requests.get(f"{url}/options", timeout=10).json()["--seed"] == "8"


def test_a_replay_is_passed_on(tmp_path, stand_in):
    settings = settings_for(tmp_path, sim_replay=tmp_path / "market.parquet")
    with simulator_for(settings, command=[sys.executable, str(stand_in)]) as url:
        options = requests.get(f"{url}/options", timeout=10).json()
    assert options["--replay"] == str(tmp_path / "market.parquet")
    assert "--seed" not in options


def test_what_it_says_before_it_ends_is_shown(tmp_path, stand_in):
    settings = settings_for(tmp_path, sim_symbols=13)
    with (
        pytest.raises(ServiceError, match="an unlucky number"),
        simulator_for(settings, command=[sys.executable, str(stand_in)]),
    ):
        pass


def test_none_is_started_for_a_simulator_that_runs_elsewhere_or_for_a_real_broker(tmp_path):
    with simulator_for(settings_for(tmp_path, sim_url="http://127.0.0.1:9009/")) as url:
        assert url == "http://127.0.0.1:9009"
    with simulator_for(settings_for(tmp_path, mode="paper")) as url:
        assert url is None
    assert not (tmp_path / "data").exists()
