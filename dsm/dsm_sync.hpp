/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes and the like that are plain memory (dsm_sync.h), for dsm.hpp, which programs include. They
 * lie in shared memory, any number of them; what is all zero is ready, so dsm::array and
 * dsm::allocator may hold them. None needs to be destroyed, or may be copied. They are what those of
 * the standard library are to one process, under dsm::sync.
 */
#ifndef DSM_SYNC_HPP
#define DSM_SYNC_HPP

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <type_traits>
#include <utility>

#include "dsm_base.hpp"
#include "dsm_sync.h"

namespace dsm::sync {

using time_point = std::chrono::steady_clock::time_point;

namespace detail {
/* steady_clock is CLOCK_MONOTONIC on Linux. A time before its start is over. */
inline std::uint64_t until_ns(time_point end)
{
	const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(end.time_since_epoch())
	                        .count();

	return ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
}

/* What is longer than the clock can tell is for ever. */
template <class Rep, class Period>
time_point after(const std::chrono::duration<Rep, Period> &time)
{
	const time_point now = std::chrono::steady_clock::now();
	const auto most = std::chrono::duration<double>(time_point::max() - now);

	if (std::chrono::duration<double>(time) >= most)
		return time_point::max();
	return now + std::chrono::duration_cast<time_point::duration>(time);
}

/* Whether it was not this that kept a call from doing what it should. */
inline bool got(int rc, int unless, const char *call)
{
	return rc != unless && check(rc, call) == 0;
}

template <dsm_sync_kind Kind> class mutex {
public:
	mutex() = default;
	mutex(const mutex &) = delete;
	mutex &operator=(const mutex &) = delete;

	void lock() { check(dsm_sync_mutex_lock(current(), of_kind()), "dsm_sync_mutex_lock"); }
	bool try_lock()
	{
		return got(dsm_sync_mutex_trylock(current(), of_kind()), DSM_ERR_BUSY,
		           "dsm_sync_mutex_trylock");
	}
	bool try_lock_until(time_point end)
	{
		return got(dsm_sync_mutex_timedlock(current(), of_kind(), until_ns(end)),
		           DSM_ERR_TIMEDOUT, "dsm_sync_mutex_timedlock");
	}
	template <class Rep, class Period>
	bool try_lock_for(const std::chrono::duration<Rep, Period> &time)
	{
		return try_lock_until(after(time));
	}
	/* Does not throw, for it ends scopes: where the job has ended the next call says so. */
	void unlock() noexcept
	{
		if (dsm_t *node = dsm_current())
			dsm_sync_mutex_unlock(node, &native_);
	}

	dsm_sync_mutex *native_handle() noexcept { return of_kind(); }

private:
	/* Zeros are a plain one. All who come set the same, and nobody reads it before he did. */
	dsm_sync_mutex *of_kind() noexcept
	{
		if constexpr (Kind != DSM_SYNC_PLAIN)
			if (__atomic_load_n(&native_.kind, __ATOMIC_RELAXED) != Kind)
				__atomic_store_n(&native_.kind, std::uint32_t{Kind}, __ATOMIC_RELAXED);
		return &native_;
	}

	dsm_sync_mutex native_;
};
} // namespace detail

/* For std::scoped_lock, std::unique_lock. */
using mutex = detail::mutex<DSM_SYNC_PLAIN>;
/* Throws DSM_ERR_BUSY where its holder locks it again. */
using checked_mutex = detail::mutex<DSM_SYNC_CHECKED>;
using recursive_mutex = detail::mutex<DSM_SYNC_RECURSIVE>;

/* For any of these mutexes. A thread may return from a wait without a notification. */
class condition {
public:
	condition() = default;
	condition(const condition &) = delete;
	condition &operator=(const condition &) = delete;

	template <class Mutex> void wait(std::unique_lock<Mutex> &held)
	{
		check(dsm_sync_cond_wait(current(), &native_, mutex_of(held)), "dsm_sync_cond_wait");
	}
	template <class Mutex, class Predicate>
	void wait(std::unique_lock<Mutex> &held, Predicate is_so)
	{
		while (!is_so())
			wait(held);
	}
	template <class Mutex>
	std::cv_status wait_until(std::unique_lock<Mutex> &held, time_point end)
	{
		const bool woken = detail::got(
			dsm_sync_cond_timedwait(current(), &native_, mutex_of(held),
		                                detail::until_ns(end)),
			DSM_ERR_TIMEDOUT, "dsm_sync_cond_timedwait");

		return woken ? std::cv_status::no_timeout : std::cv_status::timeout;
	}
	template <class Mutex, class Predicate>
	bool wait_until(std::unique_lock<Mutex> &held, time_point end, Predicate is_so)
	{
		while (!is_so())
			if (wait_until(held, end) == std::cv_status::timeout)
				return is_so();
		return true;
	}
	template <class Mutex, class Rep, class Period>
	std::cv_status wait_for(std::unique_lock<Mutex> &held,
	                        const std::chrono::duration<Rep, Period> &time)
	{
		return wait_until(held, detail::after(time));
	}
	template <class Mutex, class Rep, class Period, class Predicate>
	bool wait_for(std::unique_lock<Mutex> &held,
	              const std::chrono::duration<Rep, Period> &time, Predicate is_so)
	{
		return wait_until(held, detail::after(time), std::move(is_so));
	}
	void notify_one() { check(dsm_sync_cond_signal(current(), &native_), "dsm_sync_cond_signal"); }
	void notify_all()
	{
		check(dsm_sync_cond_broadcast(current(), &native_), "dsm_sync_cond_broadcast");
	}

private:
	template <class Mutex> static dsm_sync_mutex *mutex_of(std::unique_lock<Mutex> &held)
	{
		if (!held.owns_lock())
			check(DSM_ERR_PERM, "dsm_sync_cond_wait");
		return held.mutex()->native_handle();
	}

	dsm_sync_cond native_;
};

/* For std::scoped_lock, std::unique_lock, std::shared_lock. */
class shared_mutex {
public:
	shared_mutex() = default;
	shared_mutex(const shared_mutex &) = delete;
	shared_mutex &operator=(const shared_mutex &) = delete;

	void lock() { check(dsm_sync_rwlock_wrlock(current(), &native_), "dsm_sync_rwlock_wrlock"); }
	bool try_lock()
	{
		return detail::got(dsm_sync_rwlock_trywrlock(current(), &native_), DSM_ERR_BUSY,
		                   "dsm_sync_rwlock_trywrlock");
	}
	bool try_lock_until(time_point end)
	{
		return detail::got(dsm_sync_rwlock_timedwrlock(current(), &native_,
		                                               detail::until_ns(end)),
		                   DSM_ERR_TIMEDOUT, "dsm_sync_rwlock_timedwrlock");
	}
	template <class Rep, class Period>
	bool try_lock_for(const std::chrono::duration<Rep, Period> &time)
	{
		return try_lock_until(detail::after(time));
	}
	void unlock() noexcept
	{
		if (dsm_t *node = dsm_current())
			dsm_sync_rwlock_unlock(node, &native_);
	}

	void lock_shared()
	{
		check(dsm_sync_rwlock_rdlock(current(), &native_), "dsm_sync_rwlock_rdlock");
	}
	bool try_lock_shared()
	{
		return detail::got(dsm_sync_rwlock_tryrdlock(current(), &native_), DSM_ERR_BUSY,
		                   "dsm_sync_rwlock_tryrdlock");
	}
	bool try_lock_shared_until(time_point end)
	{
		return detail::got(dsm_sync_rwlock_timedrdlock(current(), &native_,
		                                               detail::until_ns(end)),
		                   DSM_ERR_TIMEDOUT, "dsm_sync_rwlock_timedrdlock");
	}
	template <class Rep, class Period>
	bool try_lock_shared_for(const std::chrono::duration<Rep, Period> &time)
	{
		return try_lock_shared_until(detail::after(time));
	}
	void unlock_shared() noexcept { unlock(); }

	dsm_sync_rwlock *native_handle() noexcept { return &native_; }

private:
	dsm_sync_rwlock native_;
};

/* 0 at first, unless it is made with another value. */
class semaphore {
public:
	semaphore() = default;
	explicit semaphore(std::uint32_t value) noexcept : native_ DSM_SYNC_SEM_INIT(value) {}
	semaphore(const semaphore &) = delete;
	semaphore &operator=(const semaphore &) = delete;

	void acquire() { check(dsm_sync_sem_wait(current(), &native_), "dsm_sync_sem_wait"); }
	bool try_acquire()
	{
		return detail::got(dsm_sync_sem_trywait(current(), &native_), DSM_ERR_BUSY,
		                   "dsm_sync_sem_trywait");
	}
	bool try_acquire_until(time_point end)
	{
		return detail::got(dsm_sync_sem_timedwait(current(), &native_,
		                                          detail::until_ns(end)),
		                   DSM_ERR_TIMEDOUT, "dsm_sync_sem_timedwait");
	}
	template <class Rep, class Period>
	bool try_acquire_for(const std::chrono::duration<Rep, Period> &time)
	{
		return try_acquire_until(detail::after(time));
	}
	void release(std::uint32_t n = 1)
	{
		while (n--)
			check(dsm_sync_sem_post(current(), &native_), "dsm_sync_sem_post");
	}
	std::uint32_t value()
	{
		std::uint32_t left = 0;

		check(dsm_sync_sem_value(current(), &native_, &left), "dsm_sync_sem_value");
		return left;
	}

private:
	dsm_sync_sem native_;
};

/* Of so many threads, again and again. */
class barrier {
public:
	explicit barrier(std::uint32_t threads) noexcept : native_ DSM_SYNC_BARRIER_INIT(threads) {}
	barrier(const barrier &) = delete;
	barrier &operator=(const barrier &) = delete;

	/* True for one of them. */
	bool arrive_and_wait()
	{
		return check(dsm_sync_barrier_wait(current(), &native_), "dsm_sync_barrier_wait") ==
		       DSM_SYNC_LAST;
	}

private:
	dsm_sync_barrier native_;
};

class once_flag {
public:
	once_flag() = default;
	once_flag(const once_flag &) = delete;
	once_flag &operator=(const once_flag &) = delete;

	dsm_sync_once *native_handle() noexcept { return &native_; }

private:
	dsm_sync_once native_;
};

/* Calls f() if nobody has, on any node; who comes meanwhile waits for its end. What it throws ends
 * the process: others could not be told. */
template <class F> void call_once(once_flag &flag, F &&f)
{
	using callable = std::remove_reference_t<F>;
	const auto run = [](void *arg) noexcept { (*static_cast<callable *>(arg))(); };

	check(dsm_sync_once_call(current(), flag.native_handle(), run,
	                         const_cast<void *>(static_cast<const void *>(std::addressof(f)))),
	      "dsm_sync_once_call");
}

} // namespace dsm::sync

#endif
