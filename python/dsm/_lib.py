# SPDX-License-Identifier: BSD-2-Clause
"""libdsm by ctypes: the one place that repeats dsm.h, which tests/python/drift.py compares.

ctypes.CDLL releases the GIL for each call, so a thread that waits in the library keeps no other
thread of Python from running.
"""

from __future__ import annotations

import ctypes
import enum
import importlib
import os
from ctypes import (POINTER, c_char_p, c_double, c_int, c_size_t, c_uint, c_uint32, c_uint64,
                    c_void_p)
from typing import Optional

__version__ = "0.1.0"  # of libdsm, which must be the same


class Code(enum.IntEnum):
    """The codes of dsm.h, DSM_ERR_INVAL being Code.INVAL."""

    INVAL = -22
    CHANGED = -11
    NOMEM = -12
    BUSY = -16
    PERM = -1
    NOENT = -2
    EXIST = -17
    TIMEDOUT = -110
    ACTIVE = -1001
    CONFIG = -1002
    KERNEL = -1003
    TRAP_PERM = -1004
    PROVIDER = -1005
    BOOT = -1006
    VERSION = -1007
    ADDRESS = -1008
    NOT_OURS = -1009
    LIMIT = -1010
    LOST = -1011


class Error(Exception):
    """A call of the library failed. code is its Code, and the text the library's sentence."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        try:
            self.code: int = Code(code)
        except ValueError:
            self.code = code


class LostError(Error):
    """A node is gone, or the transport is broken: the job has ended."""


class Mutex(ctypes.Structure):
    _fields_ = [("id", c_uint64)]


class Cond(ctypes.Structure):
    _fields_ = [("id", c_uint64)]


LOG_FN = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p)
ALLGATHER_FN = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_size_t)


class Config(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("region_bytes", c_uint64),
        ("provider", c_char_p),
        ("faults", c_char_p),
        ("trap", c_char_p),
        ("log", LOG_FN),
        ("log_ctx", c_void_p),
        ("log_level", c_int),
        ("huge_bytes", c_uint64),
        ("huge_optional", c_int),
        ("tenure_us", c_uint32),
        ("memory_bytes", c_uint64),
        ("allgather", ALLGATHER_FN),
        ("allgather_ctx", c_void_p),
        ("rank", c_int),
        ("nodes", c_int),
        ("on_loss", c_char_p),
        ("loss_ms", c_uint32),
    ]


class Stats(ctypes.Structure):
    _fields_ = [
        (name, c_uint64)
        for name in """
            faults read_misses write_misses upgrades pages_fetched grants_empty pages_supplied
            refreshes write_backs invalidations downgrades deferred prefetched prefetch_wasted
            evictions atomics locks barriers messages_sent messages_received bytes_sent
            bytes_received page_writes page_write_bytes doorbells fault_ns_total sleeps faults_rwp
            extents_to_wp extents_to_rwp extents_stayed_wp pages_written page_writes_landed
            registered_bytes memory_budget memory_used memory_home evicted_shared evicted_modified
            frames_returned frame_waits pages_pinned refused futex_sleeps futex_wakes
            pages_restored restore_reads pages_away keep2_waits keep2_pushes keep2_copies
        """.split()
    ]


LATENCY_BUCKETS = 320


class Latency(ctypes.Structure):
    _fields_ = [
        ("count", c_uint64),
        ("sum_ns", c_uint64),
        ("max_ns", c_uint64),
        ("bucket", c_uint64 * LATENCY_BUCKETS),
    ]


HUGE, HUGE_PREFERRED, KEEP2 = 1, 2, 4
PIN_READ, PIN_WRITE = 1, 2
LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE = range(5)
INT32, UINT32, INT64, UINT64, DOUBLE = range(1, 6)
SUM, MIN, MAX = range(1, 4)
COLL_BYTES = 512

_OUT = POINTER(c_void_p)

# What each call returns and takes.
PROTOTYPES = {
    "dsm_strerror": (c_char_p, [c_int]),
    "dsm_init": (c_int, [POINTER(Config), _OUT]),
    "dsm_init_error": (c_char_p, []),
    "dsm_fini": (c_int, [c_void_p]),
    "dsm_rank": (c_int, [c_void_p]),
    "dsm_size": (c_int, [c_void_p]),
    "dsm_job_dir": (c_char_p, [c_void_p]),
    "dsm_provider": (c_char_p, [c_void_p]),
    "dsm_alloc": (c_int, [c_void_p, c_size_t, c_size_t, c_uint, _OUT]),
    "dsm_free": (c_int, [c_void_p, c_void_p]),
    "dsm_publish": (c_int, [c_void_p, c_char_p, c_void_p]),
    "dsm_lookup": (c_int, [c_void_p, c_char_p, c_int, _OUT]),
    "dsm_prefetch": (c_int, [c_void_p, c_void_p, c_size_t]),
    "dsm_pin": (c_int, [c_void_p, c_void_p, c_size_t, c_int]),
    "dsm_unpin": (c_int, [c_void_p, c_void_p, c_size_t]),
    "dsm_barrier": (c_int, [c_void_p]),
    "dsm_mutex_create": (c_int, [c_void_p, POINTER(Mutex)]),
    "dsm_mutex_destroy": (c_int, [c_void_p, Mutex]),
    "dsm_mutex_lock": (c_int, [c_void_p, Mutex]),
    "dsm_mutex_trylock": (c_int, [c_void_p, Mutex]),
    "dsm_mutex_unlock": (c_int, [c_void_p, Mutex]),
    "dsm_cond_create": (c_int, [c_void_p, Mutex, POINTER(Cond)]),
    "dsm_cond_destroy": (c_int, [c_void_p, Cond]),
    "dsm_cond_wait": (c_int, [c_void_p, Cond, Mutex]),
    "dsm_cond_signal": (c_int, [c_void_p, Cond]),
    "dsm_cond_broadcast": (c_int, [c_void_p, Cond]),
    "dsm_fetch_add32": (c_int, [c_void_p, c_void_p, c_uint32, POINTER(c_uint32)]),
    "dsm_fetch_add64": (c_int, [c_void_p, c_void_p, c_uint64, POINTER(c_uint64)]),
    "dsm_swap32": (c_int, [c_void_p, c_void_p, c_uint32, POINTER(c_uint32)]),
    "dsm_swap64": (c_int, [c_void_p, c_void_p, c_uint64, POINTER(c_uint64)]),
    "dsm_compare_swap32": (c_int, [c_void_p, c_void_p, c_uint32, c_uint32, POINTER(c_uint32)]),
    "dsm_compare_swap64": (c_int, [c_void_p, c_void_p, c_uint64, c_uint64, POINTER(c_uint64)]),
    "dsm_get_stats": (c_int, [c_void_p, POINTER(Stats), c_size_t]),
    "dsm_shared": (c_int, [c_void_p, c_char_p, c_size_t, c_uint, _OUT]),
    "dsm_reduce": (c_int, [c_void_p, c_void_p, c_size_t, c_int, c_int]),
    "dsm_broadcast": (c_int, [c_void_p, c_void_p, c_size_t, c_int]),
    "dsm_futex_wait": (c_int, [c_void_p, c_void_p, c_uint32, c_int]),
    "dsm_futex_wake": (c_int, [c_void_p, c_void_p, c_uint32, POINTER(c_uint32)]),
    "dsm_get_latency": (c_int, [c_void_p, c_int, POINTER(Latency), c_size_t]),
    "dsm_latency_name": (c_char_p, [c_int]),
    "dsm_latency_bound": (c_uint64, [c_uint]),
    "dsm_latency_quantile": (c_uint64, [POINTER(Latency), c_double]),
    "dsm_latency_merge": (None, [POINTER(Latency), POINTER(Latency)]),
    "dsm_version": (c_char_p, []),
    "dsm_log_fd": (None, [c_void_p, c_int, c_char_p]),
}
# Calls that Python has no use for.
NOT_BOUND = {"dsm_probe", "dsm_current", "dsm_exit", "dsm_latency_bucket"}


def _open() -> ctypes.CDLL:
    """The library that was installed with this package, or else the one that ld.so finds."""
    name = "libdsm.so.0"
    try:
        installed = str(importlib.import_module("._where", __package__).LIBRARY)
        name = installed if os.path.exists(installed) else name
    except ImportError:
        pass  # not installed: make install writes it
    try:
        loaded = ctypes.CDLL(name)
    except OSError as e:
        raise ImportError(
            f"cannot load libdsm ({e}): install it and run ldconfig, or set LD_LIBRARY_PATH"
        ) from e
    for call, (result, arguments) in PROTOTYPES.items():
        try:
            function = getattr(loaded, call)
        except AttributeError:
            raise ImportError(f"{name} lacks {call}: it is not of version {__version__}, as this "
                              "package is; install both anew") from None
        function.restype, function.argtypes = result, arguments
    version = loaded.dsm_version().decode()
    if version != __version__:
        raise ImportError(f"{name} is libdsm {version}, and this package is of {__version__}: "
                          "install both anew")
    return loaded


lib = _open()


def error(code: int, call: str, sentence: Optional[str] = None) -> Error:
    """The exception for a code that a call returned."""
    text = sentence or lib.dsm_strerror(code).decode()
    return (LostError if code == Code.LOST else Error)(code, f"{call}: {text}")


def check(code: int, call: str) -> int:
    """Passes a call's result on, or raises."""
    if code < 0:
        raise error(code, call)
    return code
