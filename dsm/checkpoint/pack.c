/* SPDX-License-Identifier: BSD-2-Clause */
/* Zstandard, where it was there when this was built. */
#include "config.h"

#include "dsm/checkpoint/pack.h"

#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_ZSTD
#include <zstd.h>
#include <zstd_errors.h>

#define LEVEL 1 /* the disk is not to wait */

struct pack {
	ZSTD_CCtx *ctx;
	uint8_t out[CKPT_RUN_MAX];
};

int ckpt_can_pack(void)
{
	return 1;
}

struct pack *pack_open(void)
{
	struct pack *p = malloc(sizeof *p);

	if (!p)
		return NULL;
	p->ctx = ZSTD_createCCtx();
	if (p->ctx)
		return p;
	free(p);
	return NULL;
}

void pack_close(struct pack *p)
{
	if (!p)
		return;
	ZSTD_freeCCtx(p->ctx);
	free(p);
}

size_t pack_run(struct pack *p, const void *bytes, size_t len, const uint8_t **out)
{
	const size_t n = len > 1 ? ZSTD_compressCCtx(p->ctx, p->out, len - 1, bytes, len, LEVEL) : 0;

	*out = p->out;
	return ZSTD_isError(n) ? 0 : n; /* it has no room: it would be longer */
}

/* One frame, which ends where the bytes do, and says how many come out of it. No memory is taken by
 * what it says: the window is what has been written to out. */
int unpack_run(const uint8_t *bytes, size_t len, uint8_t *out, size_t out_len)
{
	size_t n;

	if (ZSTD_getFrameContentSize(bytes, len) != out_len ||
	    ZSTD_findFrameCompressedSize(bytes, len) != len)
		return -EBADMSG;
	n = ZSTD_decompress(out, out_len, bytes, len);
	if (ZSTD_isError(n))
		return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
	return n == out_len ? 0 : -EBADMSG;
}

#else

int ckpt_can_pack(void)
{
	return 0;
}

struct pack *pack_open(void)
{
	return NULL;
}

void pack_close(struct pack *p)
{
	(void)p;
}

size_t pack_run(struct pack *p, const void *bytes, size_t len, const uint8_t **out)
{
	(void)p, (void)bytes, (void)len, (void)out;
	return 0;
}

int unpack_run(const uint8_t *bytes, size_t len, uint8_t *out, size_t out_len)
{
	(void)bytes, (void)len, (void)out, (void)out_len;
	return -ENOTSUP;
}

#endif
