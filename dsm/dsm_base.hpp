/* SPDX-License-Identifier: BSD-2-Clause */
/* What dsm.hpp, which programs include, stands on: errors, the node, the allocator. */
#ifndef DSM_BASE_HPP
#define DSM_BASE_HPP

#include <cstddef>
#include <limits>
#include <new>
#include <string>
#include <system_error>
#include <type_traits>

#include "dsm.h"
#include "dsm_bind.h"

namespace dsm {

/* Codes of libdsm, with dsm_strerror's texts. Those that are an errno compare to std::errc. */
inline const std::error_category &category() noexcept
{
	struct codes final : std::error_category {
		const char *name() const noexcept override { return "dsm"; }
		std::string message(int code) const override { return dsm_strerror(code); }
		std::error_condition default_error_condition(int code) const noexcept override
		{
			if (code <= 0 && code > -1000)
				return {-code, std::generic_category()};
			return {code, *this};
		}
	};
	static const codes the;
	return the;
}

/* Passes a call's result on, or throws. */
inline int check(int result, const char *call)
{
	if (result < 0)
		throw std::system_error(result, category(), call);
	return result;
}

/* The node that this process is; throws where it is none. */
inline dsm_t *current()
{
	if (dsm_t *node = dsm_current())
		return node;
	throw std::system_error(DSM_ERR_INVAL, category(), "there is no dsm::job yet");
}

/* Zeroed shared memory, and its end: dsm_alloc, dsm_free. */
inline void *allocate(std::size_t bytes, std::size_t align = 0, unsigned flags = 0)
{
	void *at = nullptr;

	check(dsm_alloc(current(), bytes, align, flags, &at), "dsm_alloc");
	return at;
}

inline void release(void *at) { check(dsm_free(current(), at), "dsm_free"); }

namespace detail {
/* What dsm_alloc is to align by: 0, 16 bytes, is mostly enough. */
template <class T>
constexpr std::size_t align_of = alignof(T) > alignof(std::max_align_t) ? alignof(T) : 0;
} // namespace detail

/*
 * An allocator of shared memory, for containers that lie in shared memory themselves. It has no
 * state. Each allocation asks node 0: reserve what is known to be needed. std::bad_alloc where
 * there is no memory.
 */
template <class T> struct allocator {
	using value_type = T;
	using is_always_equal = std::true_type;

	allocator() noexcept = default;
	template <class U> allocator(const allocator<U> &) noexcept {}

	T *allocate(std::size_t n)
	{
		void *at = nullptr;

		if (n > std::numeric_limits<std::size_t>::max() / sizeof(T))
			throw std::bad_array_new_length();
		int rc = dsm_alloc(current(), n ? n * sizeof(T) : 1,
		                   detail::align_of<T>, 0, &at);
		if (rc == DSM_ERR_NOMEM)
			throw std::bad_alloc();
		check(rc, "dsm_alloc");
		return static_cast<T *>(at);
	}

	/* Nothing after the end of the job, whose memory is gone. */
	void deallocate(T *at, std::size_t) noexcept
	{
		if (dsm_t *node = dsm_current())
			dsm_free(node, at);
	}

	template <class U> bool operator==(const allocator<U> &) const noexcept { return true; }
	template <class U> bool operator!=(const allocator<U> &) const noexcept { return false; }
};

} // namespace dsm

/* e.code() == DSM_ERR_LOST compares. */
template <> struct std::is_error_code_enum<dsm_error> : std::true_type {};
inline std::error_code make_error_code(dsm_error code) noexcept
{
	return {code, dsm::category()};
}

#endif
