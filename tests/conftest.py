"""Fixtures that every test folder may use."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import requests

from trading_assets.simulator.market import Bar, Instrument

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real market data; tests that need it are skipped on a clone that has none beside it."""
    if not SHARED.is_dir():
        pytest.skip("real market data is not beside this clone (../shared/data)")
    return SHARED


@dataclass
class Simulated:
    """A running market simulator: a real process behind a real port."""

    base_url: str
    state: Path
    process: subprocess.Popen[bytes]

    def now(self) -> datetime:
        answer = requests.get(f"{self.base_url}/sim/clock", timeout=30)
        answer.raise_for_status()
        return datetime.fromisoformat(answer.json()["now"])

    def advance_to(self, instant: datetime) -> datetime:
        answer = requests.post(
            f"{self.base_url}/sim/clock", json={"advance_to": instant.isoformat()}, timeout=120
        )
        answer.raise_for_status()
        return datetime.fromisoformat(answer.json()["now"])

    def fault(self, match: str, kind: str, **details: object) -> None:
        rule = {"match": match, "kind": kind, **details}
        requests.post(f"{self.base_url}/sim/faults", json=rule, timeout=30).raise_for_status()

    def clear_faults(self) -> None:
        requests.delete(f"{self.base_url}/sim/faults", timeout=30).raise_for_status()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)


@pytest.fixture(scope="session")
def start_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Simulated]]:
    """Start market simulators; options are those of its command line (``seed=7, symbols=40, at="..."``).

    ``state`` reuses the folder of an earlier one. All of them are stopped at the end of the test run.
    """
    started: list[Simulated] = []

    def start(*, state: Path | None = None, **options: object) -> Simulated:
        folder = state or tmp_path_factory.mktemp("simulator")
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "trading_assets.simulator", "--state", str(folder)]
        command += ["--port", "0", "--port-file", str(port_file)]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"the simulator did not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.01)
        simulated = Simulated(f"http://127.0.0.1:{port_file.read_text()}", folder, process)
        started.append(simulated)
        return simulated

    yield start
    for simulated in started:
        simulated.stop()


class BarMarket:
    """A market of hand-written daily bars: ``bars[symbol, session] = (open, high, low, close, volume)``."""

    def __init__(self, bars: dict, *, actions: list[dict] | None = None, **instruments: dict) -> None:
        self.bars = bars
        self.actions = actions or []
        symbols = sorted({symbol for symbol, _ in bars} | set(instruments))
        defaults = {"mic": "XNYS", "asset_type": "CS", "listed": date(2000, 1, 3)}
        self._instruments = [
            Instrument(
                **{"symbol": symbol, "name": f"{symbol} Inc", **defaults, **instruments.get(symbol, {})}
            )
            for symbol in symbols
        ]

    def first_session(self) -> date:
        return min(session for _, session in self.bars)

    def last_session(self) -> date:
        return max(session for _, session in self.bars)

    def instruments(self) -> list[Instrument]:
        return self._instruments

    def corporate_actions(self, start: date, end: date, *, known_at: datetime) -> pl.DataFrame:
        schema = {
            "symbol": pl.String,
            "ex_date": pl.Date,
            "kind": pl.String,
            "split_ratio": pl.Float64,
            "cash_usd": pl.Float64,
        }
        return pl.DataFrame(self.actions, schema=schema).filter(pl.col("ex_date").is_between(start, end))

    def daily_bars(
        self, start: date, end: date, *, known_at: datetime, symbols: object = None
    ) -> pl.DataFrame:
        raise NotImplementedError("the broker asks for true bars only")

    def bar(self, symbol: str, session: date) -> Bar | None:
        values = self.bars.get((symbol, session))
        return None if values is None else Bar(*values)


@pytest.fixture(scope="session")
def bar_market() -> type[BarMarket]:
    return BarMarket
