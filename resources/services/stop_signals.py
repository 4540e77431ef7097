"""Stop signals: SIGTERM and SIGHUP as an orderly ``SystemExit`` while something must be cleaned up; Ctrl-C as ever.

An exception out of a signal handler comes between any two instructions: between the taking of a lock and the note that
it is held, too. What must be done whole is done with the signals deferred.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]  # Windows knows no SIGHUP, the others no SIGBREAK


_asked: list[int] = []  # lost or not, for the next hold
_deferred: list[int] = []  # how many sections of the main thread are being done whole; empty: none
_waiting: list[int] = []  # signals that came meanwhile


def _exit(number: int, _frame: FrameType | None) -> None:
    _asked.append(number)
    if _deferred:
        _waiting.append(number)
        return
    raise SystemExit(128 + number)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if _deferred:
        _waiting.append(number)
        return
    raise KeyboardInterrupt


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
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, _interrupt)

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
            if signal.getsignal(signal.SIGINT) is _interrupt:
                signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Do the block whole: a signal that comes meanwhile is acted upon at its end, or at a :meth:`check` within it."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Python runs handlers in the main thread only
            return
        _deferred.append(1)
        try:
            yield
        finally:
            _deferred.pop()
            if not _deferred:
                self.check()

    def check(self) -> None:
        """Act upon a deferred signal now: where a deferred block waits and could as well be left."""
        if not _waiting or threading.current_thread() is not threading.main_thread():
            return
        number = _waiting[0]
        _waiting.clear()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)
