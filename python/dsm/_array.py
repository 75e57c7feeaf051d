# SPDX-License-Identifier: BSD-2-Clause
"""NumPy arrays that are shared memory, and what their names tell of them.

Beside an array's name there is another one, of a block that holds its dtype and shape: so a program
in C finds the data by the name, and one in Python all of it.
"""

from __future__ import annotations

import ast
import ctypes
from typing import Any, Callable, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

ABOUT = ".np"  # behind the name: the name of what is told
ABOUT_BYTES = 1024  # of what is told
_LENGTH = 4  # of its length, before it

Shape = Union[int, Sequence[int]]


def plain_dtype(dtype: Any) -> np.dtype[Any]:
    """A dtype whose elements mean the same on all nodes."""
    out = np.dtype(dtype)
    if out.hasobject:
        raise TypeError(f"dtype {out} holds Python's objects, which are private to each node")
    return out


def shape_of(shape: Shape) -> Tuple[int, ...]:
    out = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(n < 0 for n in out):
        raise ValueError(f"shape {out} has a negative length")
    return tuple(int(n) for n in out)


def bytes_of(shape: Tuple[int, ...], dtype: np.dtype[Any]) -> int:
    out = dtype.itemsize
    for n in shape:
        out *= n
    return out


def view(address: int, shape: Tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The array at this address. Nothing is copied, nor touched."""
    memory: Any = (ctypes.c_char * bytes_of(shape, dtype)).from_address(address)
    return np.ndarray(shape, dtype, buffer=memory)


def about(shape: Tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    form: Any = np.lib.format
    text = repr((form.dtype_to_descr(dtype), shape)).encode()
    if len(text) > ABOUT_BYTES - _LENGTH:
        raise TypeError(f"dtype {dtype} takes too many words for an array with a name")
    return len(text).to_bytes(_LENGTH, "little") + text


def read_about(address: int) -> Optional[Tuple[Tuple[int, ...], np.dtype[Any]]]:
    """None: nothing is told there."""
    length = int.from_bytes(ctypes.string_at(address, _LENGTH), "little")
    if length == 0:
        return None
    descr, shape = ast.literal_eval(ctypes.string_at(address + _LENGTH, length).decode())
    form: Any = np.lib.format
    return shape, form.descr_to_dtype(descr)


def span(array: npt.NDArray[Any]) -> Tuple[int, int]:
    """Where the array's memory begins, and how many bytes from its first to its last."""
    low = high = array.ctypes.data
    if array.size == 0:
        return low, 0
    for n, stride in zip(array.shape, array.strides):
        if stride < 0:
            low += (n - 1) * stride
        else:
            high += (n - 1) * stride
    return low, high + array.itemsize - low


def element(array: npt.NDArray[Any], index: Any) -> Tuple[int, int]:
    """The address and size of one element, an integer, for the atomics."""
    if array.dtype.kind not in "iu" or array.itemsize not in (4, 8) or not array.dtype.isnative:
        raise TypeError(f"libdsm's atomics take integers of 4 or 8 bytes, not {array.dtype}")
    at = array[(*index, ...) if isinstance(index, tuple) else (index, ...)]  # a view, not a number
    if at.size != 1 or not np.may_share_memory(at, array):
        raise IndexError(f"{index!r} is not the index of one element")
    return at.ctypes.data, array.itemsize


def small(value: Any) -> Tuple[npt.NDArray[Any], Callable[[npt.NDArray[Any]], Any]]:
    """A copy of a value for the calls that change it in place, and what makes such a one of it."""
    if isinstance(value, (bytes, bytearray)):
        return np.frombuffer(value, np.uint8).copy(), lambda values: values.tobytes()
    values = np.array(value, order="C")
    plain_dtype(values.dtype)
    if isinstance(value, (int, float)):
        return values, lambda values: values.item()
    return values, lambda values: values
