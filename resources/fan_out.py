"""Fan-out: the same function over many items in a few threads, results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int, ahead: int = 4
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, computed by ``workers`` threads.

    At most ``workers * ahead`` results wait to be taken, so that memory stays bounded. The first exception
    is raised where its item stands and cancels what has not begun.
    """
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="vendor")
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
        pool.shutdown(wait=True, cancel_futures=True)
