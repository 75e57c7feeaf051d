# SPDX-License-Identifier: BSD-2-Clause
"""A node's membership in a job."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import weakref
from types import TracebackType
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Type, Union

import numpy as np
import numpy.typing as npt

from . import _array, _lib
from ._lib import Code, Error, check, lib
from ._log import the_log
from ._sync import Condition, Lock, make_cond, make_mutex
from ._waits import Waits, waits_of

_SECOND = 1000  # milliseconds; how long a call waits before Python looks for signals


_OPS = {"sum": _lib.SUM, "min": _lib.MIN, "max": _lib.MAX}
_TYPES = {
    np.dtype(name).char: number
    for name, number in [("i4", _lib.INT32), ("u4", _lib.UINT32), ("i8", _lib.INT64),
                         ("u8", _lib.UINT64), ("f8", _lib.DOUBLE)]
}


def _encode(name: str) -> bytes:
    out = name.encode()
    if not out or len(out) > 63 or b"\0" in out:
        raise ValueError(f"a name has 1 to 63 bytes, and no 0: not {name!r}")
    return out


def _text(value: Optional[str]) -> Optional[bytes]:
    return None if value is None else value.encode()


class Job:
    """This node's membership in the job that the environment describes, see dsm(7): dsmctl run,
    mpirun, or variables set by hand. Without any it is a job of one node.

    As a context manager it leaves the job at the end, which waits for the other nodes to leave; but
    not when an exception ends the block, as they would wait for this node elsewhere: then the job
    ends when the process does, and the others get LostError. Arrays must not be touched after that.

    The arguments are those of struct dsm_config in dsm_init(3), sizes in bytes; variables of the
    environment win. comm starts the job over an MPI communicator of mpi4py. Log lines go to
    logging's "dsm", from the level on that it has when the job starts; with DSM_LOG set the library
    prints them.

    All methods may be called by any thread, and let others run while they wait. ^C is seen when
    they return, by lookup within a second.
    """

    def __init__(
        self,
        *,
        region_bytes: int = 0,
        provider: Optional[str] = None,
        faults: Optional[str] = None,
        trap: Optional[str] = None,
        huge_bytes: int = 0,
        huge_optional: bool = False,
        tenure_us: int = 0,
        memory_bytes: int = 0,
        comm: Any = None,
    ) -> None:
        config = _lib.Config(
            size=ctypes.sizeof(_lib.Config),
            region_bytes=region_bytes,
            provider=_text(provider),
            faults=_text(faults),
            trap=_text(trap),
            huge_bytes=huge_bytes,
            huge_optional=huge_optional,
            tenure_us=tenure_us,
            memory_bytes=memory_bytes,
        )
        if not os.environ.get("DSM_LOG"):
            the_log().use(config)
        failures: List[BaseException] = []
        if comm is not None:
            config.allgather = _allgather_of(comm, failures)
            config.rank, config.nodes = comm.Get_rank(), comm.Get_size()
        out = ctypes.c_void_p()
        rc = lib.dsm_init(ctypes.byref(config), ctypes.byref(out))
        if rc:
            sentence = lib.dsm_init_error().decode()
            raise _lib.error(rc, "dsm_init", sentence) from (failures[0] if failures else None)
        self._node: Optional[int] = out.value
        self._pid = os.getpid()
        self._rank = int(lib.dsm_rank(self._node))
        self._size = int(lib.dsm_size(self._node))
        _jobs.add(self)

    # --- the job

    @property
    def node(self) -> int:
        """The dsm_t * of dsm.h, for who calls more of the library by ctypes."""
        if self._node is None:
            raise Error(Code.INVAL, "this job has ended" if os.getpid() == self._pid else
                        "a child of fork has no part in its parent's job: start processes by "
                        'multiprocessing.get_context("spawn")')
        return self._node

    @property
    def rank(self) -> int:
        """The number of this node, from 0."""
        return self._rank

    @property
    def size(self) -> int:
        """How many nodes the job has."""
        return self._size

    @property
    def provider(self) -> str:
        """libfabric's provider, such as "shm"."""
        return str(lib.dsm_provider(self.node).decode())

    @property
    def directory(self) -> str:
        """What dsmctl takes for JOB; "" without an admin socket."""
        return str(os.fsdecode(lib.dsm_job_dir(self.node)))

    def stats(self) -> Dict[str, int]:
        """What this node has counted, see dsm_get_stats(3)."""
        out = _lib.Stats()
        check(lib.dsm_get_stats(self.node, ctypes.byref(out), ctypes.sizeof(out)), "dsm_get_stats")
        return {name: int(getattr(out, name)) for name, _ in out._fields_}

    def latency(self) -> Dict[str, Waits]:
        """How long this node's threads have waited, by what for: "read_miss", "lock" and so on,
        see dsm_get_latency(3)."""
        return waits_of(self.node)

    def barrier(self) -> None:
        """Waits until every node has called it, by one thread each."""
        check(lib.dsm_barrier(self.node), "dsm_barrier")

    def reduce(self, value: Any, op: str = "sum") -> Any:
        """A barrier that makes the sum ("min", "max") of all nodes' values: of an int, a float, or
        an array of a few, one by one. See dsm_reduce(3)."""
        if op not in _OPS:
            raise ValueError(f"op is one of {', '.join(_OPS)}, not {op!r}")
        values, back = _array.small(value)
        if values.dtype.char not in _TYPES:
            raise TypeError(f"dsm_reduce takes integers of 4 or 8 bytes, and floats of 8, not "
                            f"{values.dtype}")
        check(lib.dsm_reduce(self.node, values.ctypes.data, values.size,
                             _TYPES[values.dtype.char], _OPS[op]), "dsm_reduce")
        return back(values)

    def broadcast(self, value: Any, root: int = 0) -> Any:
        """A barrier that gives all nodes root's value: an int, a float, bytes or an array, of 512
        bytes at most, and of the same type and length on all nodes. See dsm_broadcast(3)."""
        values, back = _array.small(value)
        check(lib.dsm_broadcast(self.node, values.ctypes.data, values.nbytes, root),
              "dsm_broadcast")
        return back(values)

    def leave(self) -> None:
        """Leaves the job, when all nodes do. Arrays in it must not be touched any more."""
        node, self._node = self.node, None
        rc = lib.dsm_fini(node)
        if rc == Code.BUSY or rc == Code.INVAL:  # nothing was done
            self._node = node
        the_log().flush()
        check(rc, "dsm_fini")

    def __enter__(self) -> Job:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        ends_well = kind is None or (isinstance(value, SystemExit) and value.code in (None, 0))
        if ends_well and self._node is not None:
            self.leave()

    # --- memory

    def array(self, shape: _array.Shape, dtype: Any = float, *, name: Optional[str] = None,
              align: int = 0, huge: Union[bool, str] = False,
              keep2: bool = False) -> npt.NDArray[Any]:
        """An array in shared memory, zeroed, in C's order.

        With a name all who ask get the same array, which the first of them allocates; without one
        it is a new one of the caller's. huge: True for pages of 2 MiB, "preferred" for those where
        there is room. keep2: no node's death loses it, where the others go on (dsm_survive(3)).
        align, of the address, is for arrays without a name.
        """
        dims, kind = _array.shape_of(shape), _array.plain_dtype(dtype)
        length = _array.bytes_of(dims, kind)
        flags = _lib.HUGE if huge is True else _lib.HUGE_PREFERRED if huge else 0
        flags |= _lib.KEEP2 if keep2 else 0
        if name is None:
            return _array.view(self._alloc(length, align, flags), dims, kind)
        if align:
            raise ValueError("align is for arrays without a name")
        return self._named(name, dims, kind, length, flags)

    def free(self, array: npt.NDArray[Any]) -> None:
        """Frees what array() has allocated, on any node. No node may use it any more; its name is
        to be taken back before."""
        check(lib.dsm_free(self.node, array.ctypes.data), "dsm_free")

    def publish(self, name: str, array: npt.NDArray[Any]) -> None:
        """Gives an array in shared memory, or a part of one, a name for all nodes."""
        if not array.flags.c_contiguous:
            raise ValueError("only an array that is contiguous, in C's order, can have a name")
        told = _array.about(array.shape, _array.plain_dtype(array.dtype))
        address = self._alloc(_array.ABOUT_BYTES)
        try:
            ctypes.memmove(address, told, len(told))
            self._publish(name + _array.ABOUT, address)
            self._publish(name, array.ctypes.data)
        except Error:
            lib.dsm_free(self.node, address)
            raise

    def unpublish(self, name: str) -> None:
        """Takes a name back, which may be used anew then."""
        self._publish(name, None)
        address = self._find(name + _array.ABOUT, 0)
        self._publish(name + _array.ABOUT, None)
        check(lib.dsm_free(self.node, address), "dsm_free")

    def lookup(self, name: str, timeout: Optional[float] = None, *,
               shape: Optional[_array.Shape] = None, dtype: Any = None) -> npt.NDArray[Any]:
        """The array of that name. Waits for it, for ever or so many seconds.

        shape and dtype are for what a program in another language has named.
        """
        address = self._find(name, timeout)
        if shape is not None and dtype is not None:
            return _array.view(address, _array.shape_of(shape), _array.plain_dtype(dtype))
        told = None
        if self._is_there(name + _array.ABOUT):
            told = _array.read_about(self._find(name + _array.ABOUT, 0))
        if told is None:
            raise Error(Code.NOENT, f"{name!r} is not the name of an array of Python's: lookup() "
                                    "needs its shape and dtype")
        return _array.view(address, *told)

    def prefetch(self, array: npt.NDArray[Any]) -> None:
        """Asks for the array's pages ahead of reading it. Does not wait."""
        check(lib.dsm_prefetch(self.node, *_array.span(array)), "dsm_prefetch")

    @contextlib.contextmanager
    def pin(self, array: npt.NDArray[Any], *, write: bool = False) -> Iterator[npt.NDArray[Any]]:
        """Holds the array's pages here meanwhile, for reading or for both: for system calls where
        faults come as signals, for devices. See dsm_pin(3)."""
        start, length = _array.span(array)
        mode = _lib.PIN_WRITE if write else _lib.PIN_READ
        check(lib.dsm_pin(self.node, start, length, mode), "dsm_pin")
        try:
            yield array
        finally:
            lib.dsm_unpin(self.node, start, length)

    def _alloc(self, length: int, align: int = 0, flags: int = 0) -> int:
        out = ctypes.c_void_p()
        rc = lib.dsm_alloc(self.node, max(length, 1), align, flags, ctypes.byref(out))
        check(rc, "dsm_alloc")
        return int(out.value or 0)

    def _shared(self, name: str, length: int, flags: int = 0) -> int:
        out = ctypes.c_void_p()
        rc = lib.dsm_shared(self.node, _encode(name), max(length, 1), flags, ctypes.byref(out))
        if rc < 0:
            raise _lib.error(rc, f"dsm_shared of {name!r}")
        return int(out.value or 0)

    def _named(self, name: str, shape: Tuple[int, ...], dtype: np.dtype[Any], length: int,
               flags: int) -> npt.NDArray[Any]:
        """What is told of it comes first: who finds the name finds that, too. It stays where the
        array could not be allocated, and is told anew by who can."""
        told = _array.about(shape, dtype)
        about = self._shared(name + _array.ABOUT, _array.ABOUT_BYTES)
        if not self._is_there(name):
            ctypes.memmove(about, told, len(told))  # by several, perhaps, which tell the same
        if _array.read_about(about) == (shape, dtype):
            address = self._shared(name, length, flags)
            if _array.read_about(about) == (shape, dtype):
                return _array.view(address, shape, dtype)
        found = _array.read_about(about) or ("not told", "not told")
        raise ValueError(f"{name!r} is there with shape {found[0]} and dtype {found[1]}, not "
                         f"{shape} and {dtype}")

    def _is_there(self, name: str) -> bool:
        try:
            self._find(name, 0)
            return True
        except Error as e:
            if e.code != Code.NOENT:
                raise
            return False

    def _publish(self, name: str, address: Optional[int]) -> None:
        rc = lib.dsm_publish(self.node, _encode(name), address)
        if rc < 0:
            raise _lib.error(rc, f"dsm_publish of {name!r}")

    def _find(self, name: str, timeout: Optional[float]) -> int:
        out = ctypes.c_void_p()
        left = None if timeout is None else max(int(timeout * 1000), 0)
        while True:
            step = _SECOND if left is None else min(left, _SECOND)
            rc = lib.dsm_lookup(self.node, _encode(name), step, ctypes.byref(out))
            left = None if left is None else left - step
            if rc != Code.TIMEDOUT or left == 0:
                break
        if rc < 0:
            raise _lib.error(rc, f"dsm_lookup of {name!r}")
        return int(out.value or 0)

    # --- synchronization

    def lock(self, name: Optional[str] = None) -> Lock:
        """The lock of that name, which the first who asks makes, and serves; or a new one."""
        if name is None:
            return Lock(self, make_mutex(self))
        return Lock(self, self._named_handle(name, lambda: make_mutex(self),
                                             lambda handle: Lock(self, handle).destroy()))

    def condition(self, lock: Lock, name: Optional[str] = None) -> Condition:
        """Likewise a condition, for use with that lock."""
        if name is None:
            return Condition(self, lock, make_cond(self, lock))
        return Condition(self, lock, self._named_handle(
            name, lambda: make_cond(self, lock),
            lambda handle: Condition(self, lock, handle).destroy()))

    def _named_handle(self, name: str, make: Callable[[], int],
                      unmake: Callable[[int], None]) -> int:
        """A handle that lies in shared memory under a name, put there by the first."""
        try:
            return self._handle_at(self._find(name, 0))
        except Error as e:
            if e.code != Code.NOENT:
                raise
        address = self._alloc(ctypes.sizeof(ctypes.c_uint64))
        handle = make()
        ctypes.c_uint64.from_address(address).value = handle
        try:
            self._publish(name, address)
            return handle
        except Error as e:
            unmake(handle)
            check(lib.dsm_free(self.node, address), "dsm_free")
            if e.code != Code.EXIST:
                raise
        return self._handle_at(self._find(name, 0))

    @staticmethod
    def _handle_at(address: int) -> int:
        return int(ctypes.c_uint64.from_address(address).value)

    # --- atomics

    def fetch_add(self, array: npt.NDArray[Any], index: Any, value: int) -> int:
        """Adds to an integer of 4 or 8 bytes where it is, atomically, without moving its page here.
        Returns the value before."""
        return self._atomic("dsm_fetch_add", array, index, value)

    def swap(self, array: npt.NDArray[Any], index: Any, value: int) -> int:
        """Stores a value, likewise."""
        return self._atomic("dsm_swap", array, index, value)

    def compare_swap(self, array: npt.NDArray[Any], index: Any, expected: int, desired: int) -> int:
        """Stores desired if the value was expected, likewise."""
        return self._atomic("dsm_compare_swap", array, index, expected, desired)

    def futex_wait(self, array: npt.NDArray[Any], index: Any, expected: int,
                   timeout: Optional[float] = None) -> bool:
        """Waits until futex_wake wakes this thread, if the element, an integer of 4 bytes, is
        expected; whoever changes it and wakes then finds everybody who has seen the old value.
        False: the time, in seconds, is over. True: woken, or the element is another: look again.
        See dsm_futex_wait(3)."""
        ms = -1 if timeout is None else min(math.ceil(max(timeout, 0) * 1000), 2**31 - 1)
        rc = lib.dsm_futex_wait(self.node, self._word(array, index), int(expected), ms)
        if rc not in (Code.CHANGED, Code.TIMEDOUT):
            check(rc, "dsm_futex_wait")
        return bool(rc != Code.TIMEDOUT)

    def futex_wake(self, array: npt.NDArray[Any], index: Any, count: Optional[int] = 1) -> int:
        """Wakes so many threads that wait for the element, those first who came first; None: all.
        Returns how many it has woken."""
        woken = ctypes.c_uint32()
        check(lib.dsm_futex_wake(self.node, self._word(array, index),
                                 2**32 - 1 if count is None else count, ctypes.byref(woken)),
              "dsm_futex_wake")
        return int(woken.value)

    @staticmethod
    def _word(array: npt.NDArray[Any], index: Any) -> int:
        address, size = _array.element(array, index)
        if size != 4:
            raise TypeError(f"threads wait for integers of 4 bytes, not {array.dtype}")
        return address

    def _atomic(self, call: str, array: npt.NDArray[Any], index: Any, *operands: int) -> int:
        address, size = _array.element(array, index)
        word = ctypes.c_uint32 if size == 4 else ctypes.c_uint64
        words = [word(int(operand)) for operand in operands]
        old = word()
        call += str(8 * size)
        check(getattr(lib, call)(self.node, address, *words, ctypes.byref(old)), call)
        return int(np.array(old.value, dtype=f"u{size}").astype(array.dtype))


def _allgather_of(comm: Any, failures: List[BaseException]) -> Any:
    """A dsm_allgather_fn over a communicator of mpi4py, for the thread that is in dsm_init."""

    def exchange(_ctx: int, mine: int, everyone: int, length: int) -> int:
        try:
            parts = comm.allgather(ctypes.string_at(mine, length))
            ctypes.memmove(everyone, b"".join(parts), length * len(parts))
            return 0
        except BaseException as e:  # nothing passes through C
            failures.append(e)
            return -1

    return _lib.ALLGATHER_FN(exchange)


_jobs: weakref.WeakSet[Job] = weakref.WeakSet()


def _forget_in_child() -> None:
    for job in _jobs:
        job._node = None


os.register_at_fork(after_in_child=_forget_in_child)
