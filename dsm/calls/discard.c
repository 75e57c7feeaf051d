/* SPDX-License-Identifier: BSD-2-Clause */
/* Freed pages go back to their homes, a run at a time. */
#include "dsm/calls/discard.h"

#include "dsm/node/node.h"

#define CALLS 16 /* under way at once */

/* What somebody holds stays as it was. */
static void note_kept(struct discarded *out, uint64_t page, uint64_t kept)
{
	uint64_t lo, hi;

	if (!kept)
		return;
	lo = page + (unsigned)__builtin_ctzll(kept);
	hi = page + 64 - (unsigned)__builtin_clzll(kept);
	out->lo = out->lo == out->hi || lo < out->lo ? lo : out->lo;
	out->hi = hi > out->hi ? hi : out->hi;
}

/* One that is under way. */
struct call {
	struct waiter w;
	struct waits_answer answer;
	uint64_t page, n;
};

static int begin(struct dsm *d, struct call *c, uint64_t page, uint64_t n, const char *what)
{
	struct coh_event ev = {.kind = COH_EV_DISCARD, .page = page};
	const uint64_t block = coh_block_end(&d->engine.cfg, page) - page;

	n = n < COH_MAX_RUN ? n : COH_MAX_RUN;
	n = n < block ? n : block;
	*c = (struct call){.w = {.what = what}, .page = page, .n = ev.n = n};
	return node_call_begin(d, &ev, &c->w, &c->answer);
}

/* All of its pages: the home ends a run before a page that is busy. */
static int end(struct dsm *d, struct call *c, struct discarded *out)
{
	const char *what = c->w.what;
	int rc = node_call_end(d, &c->w, &c->answer);

	while (rc == 0) {
		note_kept(out, c->page, c->w.result[0]);
		if (c->w.result[1] >= c->n)
			return 0;
		rc = begin(d, c, c->page + c->w.result[1], c->n - c->w.result[1], what);
		if (rc == 0)
			rc = node_call_end(d, &c->w, &c->answer);
	}
	return rc;
}

int discard_pages(struct dsm *d, uint64_t first, uint64_t n, const char *what,
                  struct discarded *out)
{
	struct call call[CALLS];
	unsigned begun = 0, ended = 0;
	uint64_t page = first;
	int rc = 0, more;

	*out = (struct discarded){0};
	do {
		while (rc == 0 && page < first + n && begun - ended < CALLS) {
			struct call *c = &call[begun % CALLS];
			rc = begin(d, c, page, first + n - page, what);
			page += c->n;
			begun += rc == 0;
		}
		more = begun != ended;
		if (more) {
			const int failed = end(d, &call[ended++ % CALLS], out);
			rc = rc ? rc : failed;
		}
	} while (more);
	return rc;
}
