# SPDX-License-Identifier: BSD-2-Clause
"""How long the threads of a node have waited."""

from __future__ import annotations

import ctypes
from typing import Dict, List, Tuple

from . import _lib
from ._lib import check, lib

_NS = 1e-9


class Waits:
    """A histogram of waits of one kind, as Job.latency gives it; all times are in seconds.

    The sum of two is of both: of another time, or of another node.
    """

    def __init__(self, counted: _lib.Latency) -> None:
        self._counted = counted

    @property
    def count(self) -> int:
        """How many waits there were."""
        return int(self._counted.count)

    @property
    def total(self) -> float:
        """What they have taken together."""
        return float(self._counted.sum_ns) * _NS

    @property
    def longest(self) -> float:
        """The longest of them."""
        return float(self._counted.max_ns) * _NS

    def quantile(self, part: float) -> float:
        """What so large a part of them, 0 to 1, has taken at most; an eighth too much, perhaps."""
        return float(lib.dsm_latency_quantile(ctypes.byref(self._counted), part)) * _NS

    @property
    def buckets(self) -> List[Tuple[float, int]]:
        """What the waits of a bucket have taken at most, and how many there are; none is empty."""
        return [(float(lib.dsm_latency_bound(k)) * _NS, int(n))
                for k, n in enumerate(self._counted.bucket) if n]

    def __add__(self, other: Waits) -> Waits:
        both = _lib.Latency.from_buffer_copy(self._counted)
        lib.dsm_latency_merge(ctypes.byref(both), ctypes.byref(other._counted))
        return Waits(both)

    def __repr__(self) -> str:
        if not self.count:
            return "<no waits>"
        return (f"<{self.count} waits, half of them up to {self.quantile(0.5) * 1e6:.1f} us, "
                f"the longest {self.longest * 1e6:.1f} us>")


def waits_of(node: int) -> Dict[str, Waits]:
    """Of every kind that the library knows."""
    out: Dict[str, Waits] = {}
    name = lib.dsm_latency_name(1)
    while name is not None:
        counted = _lib.Latency()
        check(lib.dsm_get_latency(node, len(out) + 1, ctypes.byref(counted),
                                  ctypes.sizeof(counted)), "dsm_get_latency")
        out[name.decode()] = Waits(counted)
        name = lib.dsm_latency_name(len(out) + 1)
    return out
