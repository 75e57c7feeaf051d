# SPDX-License-Identifier: BSD-2-Clause
"""The package dsm's promises, on any number of nodes. What fails raises: the node ends, and the job
with it."""

import logging
import sys
import threading

import numpy as np

import dsm

PAGE = 4096


def raises(code, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except dsm.Error as e:
        assert e.code == code, (e.code, code)
        return str(e)
    raise AssertionError(f"no {code!r}")


def arrays(job):
    """They are the shared memory, and the same on all nodes."""
    field = job.array((job.size, 3, PAGE), np.int32, name="field")
    assert field.shape == (job.size, 3, PAGE) and field.dtype == np.int32 and not field.any()
    job.barrier()
    field[job.rank] = job.rank + 1
    job.barrier()
    assert field.sum() == 3 * PAGE * job.size * (job.size + 1) // 2
    again = job.lookup("field")
    assert again.ctypes.data == field.ctypes.data and again.shape == field.shape
    raw = job.lookup("field", shape=3 * PAGE, dtype="i4")
    assert raw.base is not None and (raw == 1).all()
    job.barrier()

    kind = np.dtype([("id", "i4"), ("at", "f8", (3,))])
    records = job.array(5, kind, name="records")
    if job.rank == job.size - 1:
        records["id"] = np.arange(5)
        records["at"][2] = 1, 2, 3
        job.publish("a part", records[2:4])
    part = job.lookup("a part", timeout=600)
    assert part.dtype == kind and part["id"].tolist() == [2, 3] and part["at"][0, 2] == 3

    for shape in (), 0, (0, 4), [2, 2]:
        assert job.array(shape).shape == np.empty(shape).shape
    huge = job.array(7, huge="preferred", align=64)
    kept = job.array(7, keep2=True)
    assert huge.ctypes.data % 64 == 0 and not kept.any()
    job.barrier()


def names(job):
    if job.rank == 0:
        job.array(10, name="short-lived")
    mine = job.lookup("short-lived")
    job.barrier()
    if job.rank == job.size - 1:
        job.unpublish("short-lived")
        job.free(mine)
    job.barrier()
    other = job.array((2, 2), np.uint8, name="another life")
    assert other.shape == (2, 2)
    try:
        job.array(3, name="another life")
    except ValueError:
        pass
    else:
        raise AssertionError("an array of another shape by the same name")
    raises(dsm.Code.NOMEM, job.array, 1 << 50, np.uint8, name="too big")
    job.barrier()
    raises(dsm.Code.NOENT, job.lookup, "too big", 0)
    job.barrier()
    assert job.array(3, name="too big").size == 3


def errors(job):
    assert "such file" in raises(dsm.Code.NOENT, job.lookup, "nobody", 0)
    raises(dsm.Code.TIMEDOUT, job.lookup, "nobody", 0.01)
    raises(dsm.Code.NOT_OURS, job.free, np.zeros(3))
    raises(dsm.Code.NOMEM, job.array, 1 << 50, np.uint8)
    assert "already" in raises(dsm.Code.ACTIVE, dsm.Job)
    raises(dsm.Code.PERM, job.lock("errors").release)
    with job.lock("errors") as lock:
        raises(dsm.Code.BUSY, lock.acquire)
    raises(dsm.Code.INVAL, job.prefetch, np.zeros(3))
    raises(dsm.Code.INVAL, job.fetch_add, np.zeros(3, int), 0, 1)
    for wrong, call in [
        (TypeError, lambda: job.array(3, object)),
        (TypeError, lambda: job.fetch_add(np.zeros(3), 0, 1)),
        (IndexError, lambda: job.fetch_add(np.zeros(3, int), 3, 1)),
        (IndexError, lambda: job.fetch_add(np.zeros((3, 3), int), 1, 1)),
        (IndexError, lambda: job.fetch_add(np.zeros(3, int), [1], 1)),
        (ValueError, lambda: job.array(3, name="n" * 64)),
        (ValueError, lambda: job.publish("across", job.array((4, 4))[:, 1])),
        (ValueError, lambda: job.array(-1)),
    ]:
        try:
            call()
        except wrong:
            continue
        raise AssertionError(f"no {wrong}")
    job.barrier()


def locks(job):
    """Threads of all nodes count under a lock, and others of this node run while they wait."""
    lock, count = job.lock("count"), job.array(1, np.int64, name="counted")
    assert job.lock("count").handle == lock.handle

    def work():
        for _ in range(25):
            with lock:
                count[0] += 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job.barrier()
    assert count[0] == 75 * job.size
    own = job.lock()
    assert own.acquire(blocking=False)
    seen = []
    other = threading.Thread(target=lambda: seen.append(own.acquire(blocking=False)))
    other.start()
    other.join()
    assert seen == [False]
    own.release()
    own.destroy()


def conditions(job):
    turn = job.array(1, int, name="turn")
    changed = job.condition(job.lock("turn's"), "turn changed")
    for mine in job.rank, job.size + job.rank:
        with changed:
            changed.wait_for(lambda: turn[0] == mine)
            turn[0] += 1
            changed.notify_all()
    job.barrier()
    assert turn[0] == 2 * job.size
    changed.notify()
    single = job.condition(job.lock())
    single.destroy()
    single.lock.destroy()


def atomics(job):
    for kind in np.int32, np.uint32, np.int64, np.uint64:
        words = job.array((2, 3), kind, name=f"words {np.dtype(kind)}")
        job.fetch_add(words, (1, -1), job.rank + 1)
        job.fetch_add(words, (0, 0), -1)
        job.compare_swap(words, (0, 1), 0, job.rank + 7)
        job.barrier()
        assert words[1, 2] == job.size * (job.size + 1) // 2
        assert words[0, 0] == np.zeros(1, kind)[0] - np.array(job.size).astype(kind)
        assert job.fetch_add(words, (0, 0), 0) == int(words[0, 0])
        assert 7 <= words[0, 1] < 7 + job.size and words[0, 2] == 0
        job.barrier()
        if job.rank == 0:
            assert job.swap(words, (0, 2), 5) == 0 and words[0, 2] == 5
        job.barrier()


def collective(job):
    size, rank = job.size, job.rank
    assert job.reduce(rank) == size * (size - 1) // 2
    assert job.reduce(rank / 2, "max") == (size - 1) / 2
    assert job.reduce(np.array([rank, -rank, 7], np.int32), "min").tolist() == [0, 1 - size, 7]
    assert job.reduce(np.full(64, 0.25)).tolist() == [size / 4] * 64
    assert job.broadcast(b"text of node %d" % rank, size - 1) == b"text of node %d" % (size - 1)
    assert job.broadcast(rank + 0.5) == 0.5
    raises(dsm.Code.INVAL, job.reduce, np.zeros(65))
    raises(dsm.Code.INVAL, job.broadcast, 1, size)
    for wrong, call in [
        (TypeError, lambda: job.reduce(True)),
        (TypeError, lambda: job.reduce(np.zeros(2, np.float32))),
        (TypeError, lambda: job.broadcast(object())),
        (ValueError, lambda: job.reduce(1, "product")),
    ]:
        try:
            call()
        except wrong:
            continue
        raise AssertionError(f"no {wrong}")


def words(job):
    """The nodes take turns by a word alone; and wake-ups that leave it as it is are as many as
    waits."""
    turn = job.array((2, 1), np.int32, name="turn by a word")
    while (now := int(turn[1, 0])) < 2 * job.size:
        if now % job.size != job.rank:
            assert job.futex_wait(turn, (1, 0), now)
            continue
        turn[1, 0] = now + 1
        job.futex_wake(turn, (1, 0), None)
    job.barrier()
    still = job.array(3, np.uint32, name="a word that stays")
    assert not job.futex_wait(still, 1, 0, timeout=0.001) and not job.futex_wait(still, 1, 0, 0)
    assert job.futex_wait(still, 1, 7) and job.futex_wait(still, 1, 7, timeout=1e9)
    job.barrier()
    before = job.latency()["futex"].count
    if job.rank == 0:
        woken = 0
        while woken < job.size - 1:
            woken += job.futex_wake(still, 1, 1)
    else:
        assert job.futex_wait(still, 1, 0)
        assert job.latency()["futex"].count == before + 1
    job.barrier()
    assert job.futex_wake(still, 1) == 0
    raises(dsm.Code.INVAL, job.futex_wait, np.zeros(3, np.int32), 0, 0)
    raises(dsm.Code.INVAL, job.futex_wake, np.zeros(3, np.int32), 0)
    for call in (lambda: job.futex_wait(np.zeros(3, np.int64), 0, 0),
                 lambda: job.futex_wake(np.zeros(3), 0)):
        try:
            call()
        except TypeError:
            continue
        raise AssertionError("no TypeError")
    job.barrier()


def latency(job):
    """Each wait is counted once, and as what it is."""
    names = list(job.latency())
    assert names[:6] == ["read_miss", "write_miss", "upgrade", "lock", "barrier", "eviction"]
    before, lock = job.latency(), job.lock("latency")
    for _ in range(10):
        job.barrier()
        with lock:
            pass
    after = job.latency()
    for name in "barrier", "lock":
        waits = after[name]
        assert waits.count == before[name].count + 10, (name, waits)
        assert sum(n for _, n in waits.buckets) == waits.count
        assert 0 < waits.quantile(0.01) <= waits.quantile(0.5) <= waits.quantile(1)
        assert waits.quantile(1) == waits.longest <= waits.total < 600
        both = waits + before[name]
        assert both.count == waits.count + before[name].count and both.longest == waits.longest
        assert waits.count == before[name].count + 10  # the sum is another
        assert repr(waits).startswith(f"<{waits.count} waits, half of them up to ")
    job.barrier()


def operations(job):
    """Pages of others are fetched in the middle of NumPy's loops, which hold the GIL."""
    rows = job.array((8 * job.size, 2048), name="rows")
    mine = slice(8 * job.rank, 8 * job.rank + 8)
    rows[mine] = np.arange(2048) + np.arange(8 * job.size)[mine, None]
    job.barrier()
    plain = np.arange(2048.0) + np.arange(8 * job.size)[:, None]
    assert (rows == plain).all() and np.allclose(rows @ rows.T, plain @ plain.T)
    assert rows.copy().sum() == plain.sum() and (rows[::-3, ::7] == plain[::-3, ::7]).all()
    job.barrier()
    columns = slice(job.rank, None, job.size)  # on every page
    for _ in range(3):
        rows[:, columns] += 1
    np.negative(rows[:, columns], out=rows[:, columns])
    job.barrier()
    assert (rows == -(plain + 3)).all()
    job.barrier()
    rows[mine].sort(axis=1)
    job.prefetch(rows)
    job.prefetch(rows[:, ::-1])
    with job.pin(rows[mine], write=True) as pinned:
        pinned *= -1
    job.barrier()
    assert (np.sort(rows, axis=1) == plain + 3).all()
    assert job.stats()["faults"] > 0
    job.barrier()


def gil_is_released(job):
    """Node 0 enters the barrier when a thread of each other node has run; which it can only while
    its node's main thread, which keeps the GIL for ever otherwise, waits in the barrier."""
    ran = job.array(job.size, np.int32, name="ran")
    enter = threading.Event()

    def run():
        enter.wait()
        ran[job.rank] = 1

    if job.rank == 0:
        while ran[1:].sum() < job.size - 1:
            pass
    else:
        thread = threading.Thread(target=run)
        thread.start()
        usual = sys.getswitchinterval()
        sys.setswitchinterval(10000)
        enter.set()
    job.barrier()
    if job.rank != 0:
        sys.setswitchinterval(usual)
        thread.join()


def main():
    logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
    with dsm.Job() as job:
        assert 0 <= job.rank < job.size and job.provider and isinstance(job.directory, str)
        for test in (arrays, names, errors, locks, conditions, atomics, collective, words,
                     latency, operations, gil_is_released):
            test(job)
        job.barrier()
    raises(dsm.Code.INVAL, job.barrier)
    if job.size == 1:
        dsm.Job().leave()  # a process may be a node again


main()
