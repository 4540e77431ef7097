"""Stop signals: SIGTERM and SIGHUP as an orderly ``SystemExit`` while something must be cleaned up."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import NoReturn

_NUMBERS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]  # Windows knows no SIGHUP, the others no SIGBREAK


_asked: list[int] = []


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    _asked.append(number)
    raise SystemExit(128 + number)


class StopSignals:
    """Counted holds on the stop signals of this process.

    Only signals that still have the default action are taken over, and only from the main thread (Python allows no
    other): a program with handlers of its own keeps them and is expected to unwind from them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holds = 0
        self._taken: list[signal.Signals] = []

    def hold(self) -> None:
        """Take the signals over until as many releases have followed.

        Asked to stop before, it stops now: an exception out of a signal handler is lost when the signal comes while
        Python runs a destructor.
        """
        with self._lock:
            if self._holds > 0 and _asked:
                raise SystemExit(128 + _asked[-1])
            self._holds += 1
            if threading.current_thread() is not threading.main_thread():
                return
            for number in _NUMBERS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, _exit)
                    self._taken.append(number)

    def release(self) -> None:
        """Give up one hold; the last one restores the default actions."""
        with self._lock:
            self._holds -= 1
            if self._holds > 0 or threading.current_thread() is not threading.main_thread():
                return
            _asked.clear()
            for number in self._taken:
                if signal.getsignal(number) is _exit:
                    signal.signal(number, signal.SIG_DFL)
            self._taken.clear()
