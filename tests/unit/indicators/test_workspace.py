"""Memory of kernels goes from array to array, and never to two at a time."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.indicators.workspace import new_array


def test_memory_is_given_on_once_an_array_and_all_views_of_it_are_gone() -> None:
    first = new_array(100, 64)
    view, where = first[10:20], first.ctypes.data
    del first
    second = new_array(100, 64)
    assert not np.shares_memory(second, view)
    del view
    gc.collect()
    assert new_array(100, 64).ctypes.data == where


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 64)), min_size=2, max_size=12))
def test_arrays_in_use_never_share_memory(shapes: list[tuple[int, int]]) -> None:
    arrays = [new_array(*shape) for shape in shapes]
    assert [array.shape for array in arrays] == shapes
    for number, array in enumerate(arrays):
        array.fill(number)
    for number, array in enumerate(arrays):
        assert (array == number).all()


def test_threads_get_memory_of_their_own() -> None:
    def use(number: int) -> bool:
        held = [new_array(128, 64) for _ in range(8)]
        for array in held:
            array.fill(number)
        return all((array == number).all() for array in held)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(200)))
