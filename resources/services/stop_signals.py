"""Stop signals: SIGTERM and SIGHUP as an orderly ``SystemExit`` while something must be cleaned up; Ctrl-C as ever.

An exception out of a signal handler comes between any two instructions: between the taking of a lock and the note that
it is held, too. What must be done whole is done with the signals deferred.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = {
    getattr(signal, name): signal.SIG_DFL
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
}  # Windows knows no SIGHUP, the others no SIGBREAK
_DEFAULTS: dict[int, Callable[[int, FrameType | None], object] | signal.Handlers] = {
    **_ENDING,
    signal.SIGINT: signal.default_int_handler,
}
"""What each signal does while nobody has taken it over."""


_asked: list[int] = []  # lost or not, for the next hold
_deferred: list[int] = []  # how many sections of the main thread are being done whole; empty: none
_waiting: list[int] = []  # signals that came meanwhile


def _stop(number: int, _frame: FrameType | None) -> None:
    if number in _ENDING:
        _asked.append(number)
    _waiting.append(number)
    if not _deferred:
        _act()


def _act() -> None:
    number = _waiting[0]
    _waiting.clear()
    raise SystemExit(128 + number) if number in _ENDING else KeyboardInterrupt


class StopSignals:
    """Counted holds on the stop signals of this process.

    Only signals that still have the default action are taken over, and only from the main thread (Python allows no
    other): a program with handlers of its own keeps them and is expected to unwind from them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holds = 0
        self._taken: list[int] = []

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
            for number, default in _DEFAULTS.items():
                if signal.getsignal(number) is default:
                    signal.signal(number, _stop)
                    self._taken.append(number)

    def release(self) -> None:
        """Give up one hold; the last one restores the default actions."""
        with self._lock:
            self._holds -= 1
            if self._holds > 0 or threading.current_thread() is not threading.main_thread():
                return
            _asked.clear()
            for number in self._taken:
                if signal.getsignal(number) is _stop:
                    signal.signal(number, _DEFAULTS[number])
            self._taken.clear()

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
        if _waiting and threading.current_thread() is threading.main_thread():
            _act()
