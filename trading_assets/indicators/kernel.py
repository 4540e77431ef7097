"""Compiled kernels: the decorator that turns an array loop into machine code the first time it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from threading import Lock
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IndexArray: TypeAlias = NDArray[np.int64]

P = ParamSpec("P")
Value = TypeVar("Value", np.float64, np.int64, np.int32, np.uint32, np.bool_)

_lock = Lock()


class _Kernel:
    # numba takes a third of a second to import, so it is imported by the first call, not by the module.
    # Kernels live in the file that uses them and call no kernel of another file: numba's cache on disk is
    # keyed by the source file of the outermost function only and would not see a change elsewhere.

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function
        self.machine_code: Callable[..., None] | None = None
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> None:
        if self.machine_code is None:
            with _lock:
                self.machine_code = self.machine_code or self._compiled()
        self.machine_code(*arguments)

    def _compiled(self) -> Callable[..., None]:
        from numba import njit

        options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
        machine_code: Callable[..., None]
        try:
            machine_code = njit(cache=True, **options)(self.function)
        except RuntimeError:  # nowhere to keep machine code: source and home are both read-only
            machine_code = njit(**options)(self.function)
        return machine_code


def compiled(function: Callable[P, None]) -> Callable[P, None]:
    """Compile ``function`` with numba at its first call; it runs without the interpreter lock.

    The machine code is kept on disk beside the source (or in the user's cache folder where the source is
    read-only) and is keyed by source, Python, numba and processor, so that only the first call ever
    compiles. ``python -m trading_assets.features.compile`` and the one of ``pairs`` make that call ahead of time.
    """
    return cast("Callable[P, None]", _Kernel(function))


def bars_by_symbol(values: FloatArray) -> FloatArray:
    """Return ``values`` as the contiguous (bars, symbols) array that the kernels are compiled for."""
    rows = np.ascontiguousarray(values, dtype=np.float64)
    return rows if rows.ndim == 2 else rows.reshape(len(rows), 1)


def read_only(values: NDArray[Value]) -> NDArray[Value]:
    """Return a view that cannot be written to: kernels are compiled for it alone, wherever the values come from."""
    view = values.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Memory:
    """What an indicator that never forgets carries from bar to bar.

    ``values`` has the shape (numbers, bars, symbols): the function writes each row. ``age`` is how many bars a symbol had
    before row 0. Where it is not 0, row 0 of ``values`` is given, and the recursion goes on from it.
    """

    values: FloatArray
    age: IndexArray

    @classmethod
    def fresh(cls, numbers: int, values: FloatArray) -> Memory:
        """Return the memory of symbols whose first bar is row 0."""
        bars, symbols = bars_by_symbol(values).shape
        return cls(np.empty((numbers, bars, symbols)), np.zeros(symbols, dtype=np.int64))
