"""How long a process waits for the embedded server: joining a running one, and starting a stopped one."""

from __future__ import annotations

import pytest

from resources.database.server import postgres_for
from trading_assets.settings import load_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    settings = load_settings(env_file=None, data=tmp_path_factory.mktemp("data"))
    with postgres_for(settings):
        pass
    return settings


def hold(settings) -> None:
    with postgres_for(settings):
        pass


def test_start_and_stop_of_an_existing_cluster(benchmark, settings):
    benchmark.pedantic(hold, args=(settings,), rounds=5)


def test_joining_a_running_server(benchmark, settings):
    with postgres_for(settings):
        benchmark.pedantic(hold, args=(settings,), rounds=20)
