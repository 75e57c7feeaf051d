# SPDX-License-Identifier: BSD-2-Clause
"""Locks and conditions of all nodes' threads."""

from __future__ import annotations

import ctypes
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Optional, Type

from ._lib import Code, Cond, Mutex, check, error, lib

if TYPE_CHECKING:
    from ._job import Job


class Lock:
    """A mutex of all nodes' threads; Job.lock makes and finds them. Not recursive.

    handle is a number that means the same on all nodes: it may be kept in shared memory, and
    Lock(job, handle) is the same lock.
    """

    def __init__(self, job: Job, handle: int) -> None:
        self._job = job
        self._mutex = Mutex(handle)

    @property
    def handle(self) -> int:
        return int(self._mutex.id)

    def acquire(self, blocking: bool = True) -> bool:
        """Waits for the lock, others' threads run meanwhile. False: it is held, and blocking is
        not wanted."""
        if blocking:
            check(lib.dsm_mutex_lock(self._job.node, self._mutex), "dsm_mutex_lock")
            return True
        rc = lib.dsm_mutex_trylock(self._job.node, self._mutex)
        return rc != Code.BUSY and check(rc, "dsm_mutex_trylock") == 0

    def release(self) -> None:
        """By the thread that has it."""
        check(lib.dsm_mutex_unlock(self._job.node, self._mutex), "dsm_mutex_unlock")

    def destroy(self) -> None:
        """No node uses it any more."""
        check(lib.dsm_mutex_destroy(self._job.node, self._mutex), "dsm_mutex_destroy")

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        rc = lib.dsm_mutex_unlock(self._job.node, self._mutex)
        if rc < 0 and kind is None:  # else what has gone wrong is on its way already
            raise error(rc, "dsm_mutex_unlock")


class Condition:
    """A condition for use with one lock; Job.condition makes and finds them. No spurious wake-ups.

    `with condition:` holds its lock.
    """

    def __init__(self, job: Job, lock: Lock, handle: int) -> None:
        self._job = job
        self.lock = lock
        self._cond = Cond(handle)

    @property
    def handle(self) -> int:
        return int(self._cond.id)

    def wait(self) -> None:
        """Releases the lock, waits for a signal, takes the lock again."""
        check(lib.dsm_cond_wait(self._job.node, self._cond, self.lock._mutex), "dsm_cond_wait")

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Waits until this is true; it is asked with the lock held."""
        while not predicate():
            self.wait()

    def notify(self) -> None:
        """Wakes the one that has waited longest."""
        check(lib.dsm_cond_signal(self._job.node, self._cond), "dsm_cond_signal")

    def notify_all(self) -> None:
        check(lib.dsm_cond_broadcast(self._job.node, self._cond), "dsm_cond_broadcast")

    def destroy(self) -> None:
        """No node uses it any more."""
        check(lib.dsm_cond_destroy(self._job.node, self._cond), "dsm_cond_destroy")

    def __enter__(self) -> Condition:
        self.lock.acquire()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.lock.__exit__(kind, value, traceback)


def make_mutex(job: Job) -> int:
    out = Mutex()
    check(lib.dsm_mutex_create(job.node, ctypes.byref(out)), "dsm_mutex_create")
    return int(out.id)


def make_cond(job: Job, lock: Lock) -> int:
    out = Cond()
    check(lib.dsm_cond_create(job.node, lock._mutex, ctypes.byref(out)), "dsm_cond_create")
    return int(out.id)
