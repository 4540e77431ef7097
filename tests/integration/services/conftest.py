"""Users of shared services as real processes, which can be asked, interrupted and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


class User:
    """A Python process that holds something: it says one line when it has it and one when it has let go."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def says(self) -> str:
        line = self.process.stdout.readline()
        assert line, f"the user ended with {self.process.wait(30)}: {self.process.stderr.read()}"
        return line.strip()

    def leave(self) -> int:
        self.process.stdin.close()
        return self.process.wait(60)

    def send(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def interrupt_its_terminal(self) -> int:
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


@pytest.fixture
def start_user() -> Iterator[Callable[..., User]]:
    """Start a process that runs ``code`` with arguments, as the leader of a process group of its own."""
    users: list[User] = []

    def start(code: str, *arguments: object) -> User:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        users.append(User(process))
        return users[-1]

    yield start
    for user in users:
        if user.process.poll() is None:
            user.kill()
        for stream in (user.process.stdin, user.process.stdout, user.process.stderr):
            stream.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until a condition holds, failing after half a minute."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "did not happen within 30 s"
            time.sleep(0.01)

    return wait
