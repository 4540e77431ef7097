"""Fan-out: the same function over many items in a few threads, results in the order of the items."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from trading_assets.errors import TransientError

Item = TypeVar("Item")
Result = TypeVar("Result")
_thread = threading.local()


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int, ahead: int = 4
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, computed by ``workers`` threads.

    At most ``workers * ahead`` results wait to be taken, so that memory stays bounded. The first exception
    is raised where its item stands; it, or the caller going away, cancels what has not begun and wakes what
    sleeps.
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers, "vendor", initializer=setattr, initargs=(_thread, "stop", stop))
    waiting: deque[Future[Result]] = deque()
    remaining = iter(items)
    try:
        for item in remaining:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= workers * ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def sleep_unless_stopped(seconds: float) -> None:
    """Sleep; in a thread of `in_order`, only until the work is called off.

    Raises
    ------
    TransientError
        If it was called off: an interrupt does not wait for a quota of five requests a minute.
    """
    stop: threading.Event | None = getattr(_thread, "stop", None)
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise TransientError("Called off while waiting for the vendor")
