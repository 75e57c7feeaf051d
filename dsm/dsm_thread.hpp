/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads on other nodes, for dsm.hpp, which programs include. */
#ifndef DSM_THREAD_HPP
#define DSM_THREAD_HPP

#include <cstring>
#include <exception>
#include <system_error>
#include <type_traits>
#include <utility>

#include "dsm_base.hpp"
#include "dsm_thread.h"

namespace dsm {

inline constexpr int any_node = DSM_ANY_NODE;

namespace detail {
/* What a thread calls goes to its node by its bytes: in the argument, if there is room, else in
 * shared memory, which the thread frees. What it throws ends the process, as with std::thread. */
template <class F> struct thread_call {
	static constexpr bool is_small = sizeof(F) <= sizeof(void *);

	static void *pack(const F &f)
	{
		void *arg = nullptr;

		if constexpr (!is_small)
			arg = allocate(sizeof f, align_of<F>);
		std::memcpy(is_small ? static_cast<void *>(&arg) : arg,
		            static_cast<const void *>(&f), sizeof f);
		return arg;
	}
	static void drop(void *arg) noexcept
	{
		if (dsm_t *node = is_small ? nullptr : dsm_current())
			dsm_free(node, arg);
	}
	static void *run(void *arg) noexcept
	{
		alignas(F) unsigned char bytes[sizeof(F)];

		std::memcpy(bytes, is_small ? static_cast<const void *>(&arg) : arg, sizeof bytes);
		drop(arg);
		(*reinterpret_cast<F *>(bytes))();
		return nullptr;
	}
};
} // namespace detail

/*
 * A thread on a node, as std::thread is one here: joined or detached before its end, or the process
 * ends. What it calls is a lambda, or another object with operator(), that is copied by its bytes:
 * what it captures lies in shared memory, or is a value. Not a pointer to a function, which is
 * another one on another node where programs are not at the same address.
 *
 *	dsm::thread t(2, [&w] { w.count.fetch_add(1); }); // w: in shared memory
 *	t.join();
 */
class thread {
public:
	thread() noexcept = default;
	template <class F> thread(int node, F f, std::size_t stack_bytes = 0)
	{
		static_assert(std::is_trivially_copyable_v<F>,
		              "what a dsm::thread calls is copied to its node by its bytes");
		static_assert(std::is_class_v<F>, "give dsm::thread a lambda that calls it");
		using call = detail::thread_call<F>;
		dsm_thread_attr attr = DSM_THREAD_ATTR_INIT;
		void *arg = call::pack(f);

		attr.stack_bytes = stack_bytes;
		const int rc = dsm_thread_create(current(), node, &attr, call::run, arg, &handle_);
		if (rc < 0)
			call::drop(arg);
		check(rc, "dsm_thread_create");
	}
	thread(thread &&other) noexcept : handle_(std::exchange(other.handle_, {})) {}
	thread &operator=(thread &&other) noexcept
	{
		if (joinable())
			std::terminate();
		handle_ = std::exchange(other.handle_, {});
		return *this;
	}
	~thread()
	{
		if (joinable())
			std::terminate();
	}

	bool joinable() const noexcept { return handle_.id != 0; }
	int node() const { return check(dsm_thread_node(current(), handle_), "dsm_thread_node"); }
	dsm_thread native_handle() const noexcept { return handle_; }

	void join()
	{
		check(dsm_thread_join(current(), handle_, nullptr), "dsm_thread_join");
		handle_ = {};
	}
	/* False: so many milliseconds have passed. */
	bool try_join(int timeout_ms)
	{
		const int rc = dsm_thread_timedjoin(current(), handle_, timeout_ms, nullptr);

		if (rc == DSM_ERR_TIMEDOUT)
			return false;
		check(rc, "dsm_thread_timedjoin");
		handle_ = {};
		return true;
	}
	void detach()
	{
		check(dsm_thread_detach(current(), handle_), "dsm_thread_detach");
		handle_ = {};
	}

private:
	dsm_thread handle_ = {};
};

} // namespace dsm

#endif
