/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a word in shared memory to change, for dsm.hpp, which programs include. */
#ifndef DSM_WAIT_HPP
#define DSM_WAIT_HPP

#include <atomic>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "dsm_base.hpp"
#include "dsm_futex.h"

namespace dsm {

namespace detail {
template <class T> const std::uint32_t *word_of(const T *at)
{
	static_assert((std::is_integral_v<T> || std::is_enum_v<T>)&&sizeof(T) == 4,
	              "libdsm's threads wait for integers of 4 bytes");
	return reinterpret_cast<const std::uint32_t *>(at);
}
template <class T> const std::uint32_t *word_of(const std::atomic<T> *at)
{
	static_assert(std::atomic<T>::is_always_lock_free && sizeof *at == sizeof(T),
	              "only what is lock-free means the same on all nodes");
	return word_of(reinterpret_cast<const T *>(at));
}
template <class T> struct value_of {
	using type = T;
};
template <class T> struct value_of<std::atomic<T>> {
	using type = T;
};
} // namespace detail

/*
 * Waits until futex_wake wakes the thread, if *at, an integer of 4 bytes or a std::atomic of one,
 * is expected: what std::atomic's wait() is to one process. Whoever changes it and wakes then finds
 * everybody who has seen the old value. False: so many milliseconds have passed. True: woken, or it
 * is another; look again.
 */
template <class T>
bool futex_wait(const T *at, typename detail::value_of<T>::type expected, int timeout_ms = -1)
{
	const int rc = dsm_futex_wait(current(), detail::word_of(at),
	                              static_cast<std::uint32_t>(expected), timeout_ms);

	return rc != DSM_ERR_TIMEDOUT &&
	       (rc == DSM_ERR_CHANGED || check(rc, "dsm_futex_wait") == 0);
}

/* Wakes so many threads, of all nodes, that wait for *at, those first who came first; all without a
 * count. How many it has woken. */
template <class T>
std::uint32_t futex_wake(const T *at,
                         std::uint32_t count = std::numeric_limits<std::uint32_t>::max())
{
	std::uint32_t woken = 0;

	check(dsm_futex_wake(current(), detail::word_of(at), count, &woken), "dsm_futex_wake");
	return woken;
}

} // namespace dsm

#endif
