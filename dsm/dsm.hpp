/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libdsm for C++17: a job that leaves at the end of its scope, containers in shared memory, mutexes
 * for std::scoped_lock and std::unique_lock, errors as exceptions. All of it is here; link libdsm.
 *
 *	#include <dsm.hpp>
 *	#include <mutex>
 *	#include <vector>
 *
 *	struct world {
 *		dsm::mutex mutex;
 *		std::vector<int, dsm::allocator<int>> seen; // guarded by mutex
 *	};
 *
 *	int main()
 *	{
 *		dsm::job job;
 *		world &w = job.shared<world>("world");
 *		{
 *			std::scoped_lock held(w.mutex);
 *			w.seen.push_back(job.rank());
 *		}
 *		job.barrier();
 *		return w.seen.size() == static_cast<std::size_t>(job.size()) ? 0 : 1;
 *	}
 *
 * What lies in shared memory has the same address on all nodes, and may point to what lies there.
 * dsm(7), C++, says what must not lie there: virtual functions, std::function, std::shared_ptr,
 * containers with another allocator, and all else that points to a node's own memory.
 *
 * Every function throws std::system_error with dsm::category() where its call of dsm.h fails, and
 * has that call's promises. Like there, all may be called by any thread while the node is in a job.
 */
#ifndef DSM_HPP
#define DSM_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#include "dsm_base.hpp"
#include "dsm_coll.h"
#include "dsm_latency.h"
#include "dsm_sync.hpp"
#include "dsm_thread.hpp"
#include "dsm_wait.hpp"

namespace dsm {

/*
 * A mutex of all nodes' threads, to lie in shared memory. The node that makes it serves it. Not
 * recursive: std::system_error with DSM_ERR_BUSY for a thread that has it.
 */
class mutex {
public:
	mutex() { check(dsm_mutex_create(current(), &handle_), "dsm_mutex_create"); }
	~mutex()
	{
		if (dsm_t *node = dsm_current())
			dsm_mutex_destroy(node, handle_);
	}
	mutex(const mutex &) = delete;
	mutex &operator=(const mutex &) = delete;

	void lock() { check(dsm_mutex_lock(current(), handle_), "dsm_mutex_lock"); }
	bool try_lock()
	{
		const int rc = dsm_mutex_trylock(current(), handle_);

		return rc != DSM_ERR_BUSY && check(rc, "dsm_mutex_trylock") == 0;
	}
	/* Does not throw, for it ends scopes: where the job has ended the next call says so. */
	void unlock() noexcept
	{
		if (dsm_t *node = dsm_current())
			dsm_mutex_unlock(node, handle_);
	}

	dsm_mutex native_handle() const noexcept { return handle_; }

private:
	dsm_mutex handle_ = {};
};

/* A condition for one mutex, to lie in shared memory. There are no spurious wake-ups. */
class condition {
public:
	explicit condition(const mutex &m)
	{
		check(dsm_cond_create(current(), m.native_handle(), &handle_),
		      "dsm_cond_create");
	}
	~condition()
	{
		if (dsm_t *node = dsm_current())
			dsm_cond_destroy(node, handle_);
	}
	condition(const condition &) = delete;
	condition &operator=(const condition &) = delete;

	void wait(std::unique_lock<mutex> &held)
	{
		if (!held.owns_lock())
			check(DSM_ERR_PERM, "dsm_cond_wait");
		check(dsm_cond_wait(current(), handle_, held.mutex()->native_handle()),
		      "dsm_cond_wait");
	}
	template <class Predicate> void wait(std::unique_lock<mutex> &held, Predicate is_so)
	{
		while (!is_so())
			wait(held);
	}
	void notify_one() { check(dsm_cond_signal(current(), handle_), "dsm_cond_signal"); }
	void notify_all()
	{
		check(dsm_cond_broadcast(current(), handle_), "dsm_cond_broadcast");
	}

private:
	dsm_cond handle_ = {};
};

/*
 * So many T in shared memory, all zero at first. It is a view, like std::span: copies refer to the
 * same memory, it may lie in shared memory itself, and nothing is freed at its end.
 */
template <class T> class array {
	static_assert(std::is_trivially_default_constructible_v<T> &&
	              std::is_trivially_destructible_v<T>,
	              "dsm::array begins as zeros, and ends without destroying: of a T like this "
	              "make a container with dsm::allocator");

public:
	using value_type = T;
	using iterator = T *;

	array() noexcept = default;
	array(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
	/* A new one; flags as for dsm_alloc. job::array finds one by its name. */
	explicit array(std::size_t size, unsigned flags = 0)
	    : data_(static_cast<T *>(allocate(bytes_of(size), detail::align_of<T>, flags))),
	      size_(size)
	{
	}

	T *data() const noexcept { return data_; }
	std::size_t size() const noexcept { return size_; }
	T *begin() const noexcept { return data_; }
	T *end() const noexcept { return data_ + size_; }
	T &operator[](std::size_t i) const noexcept { return data_[i]; }

	/* Asks for the elements [first, first + n) ahead of use. */
	void prefetch(std::size_t first, std::size_t n) const
	{
		check(dsm_prefetch(current(), data_ + first, n * sizeof(T)), "dsm_prefetch");
	}
	/* Frees the memory, for all. */
	void release()
	{
		dsm::release(data_);
		*this = array();
	}

	static std::size_t bytes_of(std::size_t size)
	{
		if (size > std::numeric_limits<std::size_t>::max() / sizeof(T))
			throw std::bad_array_new_length();
		return size ? size * sizeof(T) : 1;
	}

private:
	T *data_ = nullptr;
	std::size_t size_ = 0;
};

namespace detail {
template <class T> constexpr dsm_type type_of()
{
	static_assert(std::is_same_v<T, double> ||
	              (std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8)),
	              "dsm_reduce takes double and integers of 4 or 8 bytes");
	if (std::is_same_v<T, double>)
		return DSM_DOUBLE;
	if (sizeof(T) == 4)
		return std::is_signed_v<T> ? DSM_INT32 : DSM_UINT32;
	return std::is_signed_v<T> ? DSM_INT64 : DSM_UINT64;
}
} // namespace detail

/*
 * This node's membership in a job. It leaves at the end of its scope, which waits for the others to
 * leave; but not when an exception ends the scope, as they would wait for this node elsewhere: the
 * node stays until the process ends, which ends the job on all nodes, with DSM_ERR_LOST.
 */
class job {
public:
	job() : job(nullptr, 0) {}
	explicit job(const dsm_config &config) : job(&config, 0) {}
	/* Takes over what dsm_init, or dsm_mpi_init, has given. */
	explicit job(dsm_t *node) noexcept : node_(node) {}
	job(job &&other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
	job &operator=(job &&) = delete;
	~job()
	{
		if (std::uncaught_exceptions() <= unwinding_)
			dsm_fini(node_);
	}

	/* Leaves now. DSM_ERR_LOST: the others did not take part. */
	void leave() { check(dsm_fini(std::exchange(node_, nullptr)), "dsm_fini"); }

	int rank() const noexcept { return dsm_rank(node_); }
	int size() const noexcept { return dsm_size(node_); }
	const char *provider() const noexcept { return dsm_provider(node_); }
	const char *dir() const noexcept { return dsm_job_dir(node_); }
	dsm_t *native_handle() const noexcept { return node_; }

	void barrier() { check(dsm_barrier(node_), "dsm_barrier"); }
	dsm_stats stats() const
	{
		dsm_stats s = {};

		check(dsm_get_stats(node_, &s, sizeof s), "dsm_get_stats");
		return s;
	}

	/* How long this node's threads have waited for what is of that kind. */
	dsm_latency latency(dsm_latency_kind kind) const
	{
		dsm_latency out = {};

		check(dsm_get_latency(node_, kind, &out, sizeof out), "dsm_get_latency");
		return out;
	}

	/* Names at for the whole job; nullptr takes the name back. */
	void publish(const char *name, void *at)
	{
		check(dsm_publish(node_, name, at), "dsm_publish");
	}
	/* What a node has named so. Waits for it, so many milliseconds: DSM_ERR_TIMEDOUT then. */
	void *lookup(const char *name, int timeout_ms = -1)
	{
		void *at = nullptr;

		check(dsm_lookup(node_, name, timeout_ms, &at), "dsm_lookup");
		return at;
	}

	/* The T of that name: node 0 makes it, of these arguments, and the others wait for it. It
	 * is not destroyed, unless a node does so. Blocks. */
	template <class T, class... Args> T &shared(const char *name, Args &&...args)
	{
		if (rank() == 0) {
			T *at = allocator<T>().allocate(1);

			::new (static_cast<void *>(at)) T(std::forward<Args>(args)...);
			publish(name, at);
			return *at;
		}
		return *static_cast<T *>(lookup(name));
	}
	/* The array of that name: n zeros, which the first who asks allocates. Blocks. */
	template <class T>
	dsm::array<T> array(const char *name, std::size_t n, unsigned flags = 0)
	{
		static_assert(alignof(T) <= alignof(std::max_align_t), "dsm_shared aligns by 16");
		void *at = nullptr;

		check(dsm_shared(node_, name, dsm::array<T>::bytes_of(n), flags, &at),
		      "dsm_shared");
		return {static_cast<T *>(at), n};
	}

	/* A barrier that makes the sum, least or greatest of all nodes' values. */
	template <class T> T reduce(T value, dsm_op op = DSM_SUM)
	{
		check(dsm_reduce(node_, &value, 1, detail::type_of<T>(), op), "dsm_reduce");
		return value;
	}
	/* A barrier that gives all nodes root's value. */
	template <class T> T broadcast(T value, int root = 0)
	{
		static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= DSM_COLL_BYTES);
		check(dsm_broadcast(node_, &value, sizeof value, root), "dsm_broadcast");
		return value;
	}

private:
	job(const dsm_config *config, int)
	{
		const int rc = dsm_init(config, &node_);

		if (rc)
			throw std::system_error(rc, category(), dsm_init_error());
	}

	dsm_t *node_ = nullptr;
	int unwinding_ = std::uncaught_exceptions();
};

namespace detail {
/* One of a pair of calls, by the size of T. */
template <class T, class Call32, class Call64, class... Operands>
T atomic(const char *name, Call32 call32, Call64 call64, T *at, Operands... operand)
{
	static_assert(std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8),
	              "libdsm's atomics take integers of 4 or 8 bytes");
	using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
	auto *ptr = reinterpret_cast<word *>(at);
	word old = 0;

	if constexpr (sizeof(T) == 4)
		check(call32(current(), ptr, static_cast<word>(operand)..., &old), name);
	else
		check(call64(current(), ptr, static_cast<word>(operand)..., &old), name);
	return static_cast<T>(old);
}
} // namespace detail

/* Atomics that do not move the page, on integers of 4 and 8 bytes; they return the value before.
 * (std::atomic works, too, where it is lock-free, and brings the page here.) */
template <class T> T fetch_add(T *at, std::common_type_t<T> value)
{
	return detail::atomic("dsm_fetch_add", dsm_fetch_add32, dsm_fetch_add64, at, value);
}

template <class T> T swap(T *at, std::common_type_t<T> value)
{
	return detail::atomic("dsm_swap", dsm_swap32, dsm_swap64, at, value);
}

/* Stores desired if the value was expected. */
template <class T>
T compare_swap(T *at, std::common_type_t<T> expected, std::common_type_t<T> desired)
{
	return detail::atomic("dsm_compare_swap", dsm_compare_swap32, dsm_compare_swap64, at,
	                      expected, desired);
}

} // namespace dsm

#endif
