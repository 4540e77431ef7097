"""Workspace: arrays of kernels, in memory that earlier arrays of like size have left.

Fresh memory costs more than most indicators: the system clears it page by page. What is let go of here is given to
the next array, still in the processor's caches, and new memory comes in large blocks of large pages.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

import numpy as np

from trading_assets.indicators.kernel import FloatArray

_SMALL = 4_096
_BLOCK = 2_097_152  # 16 MiB
_LARGEST_KEPT = 67_108_864  # 512 MiB


class _Piece(NamedTuple):
    values: FloatArray
    address: int


_left: defaultdict[int, list[_Piece]] = defaultdict(list)


class _Lease:
    # The base of an array: when the array and all views of it are gone, its memory is free for the next.
    def __init__(self, piece: _Piece, shape: tuple[int, ...]) -> None:
        self.piece = piece
        self.__array_interface__ = {
            "data": (piece.address, False), "shape": shape, "typestr": "<f8", "version": 3,
        }  # fmt: skip

    def __del__(self) -> None:
        size = len(self.piece.values)
        if size <= _BLOCK or (size <= _LARGEST_KEPT and not _left[size]):
            _left[size].append(self.piece)


def new_array(*shape: int) -> FloatArray:
    """Return an array of that shape, with anything in it."""
    values = int(math.prod(shape))
    if values < _SMALL:
        return np.empty(shape)
    size = 1 << (values - 1).bit_length()
    try:
        piece = _left[size].pop()
    except IndexError:
        piece = _new_piece(size)
    return np.asarray(_Lease(piece, shape))


def like(values: FloatArray) -> FloatArray:
    """Return an array of the shape of ``values``, with anything in it."""
    return new_array(*values.shape)


def _new_piece(size: int) -> _Piece:
    block = np.empty(max(size, _BLOCK))
    pieces = [block[first : first + size] for first in range(0, len(block) - size + 1, size)]
    first, *rest = (_Piece(values, values.ctypes.data) for values in pieces)
    _left[size].extend(rest)
    return first
