/* SPDX-License-Identifier: BSD-2-Clause */
/* Freed pages go back to their homes, and lost ones are made anew there, a run at a time. */
#include "dsm/calls/discard.h"

#include <errno.h>

#include "dsm/dsm_survive.h"
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
	uint32_t renews_in; /* that view, what is lost; 0: all is discarded */
};

static int begin(struct dsm *d, struct call *c, uint32_t renews_in, uint64_t page, uint64_t n,
                 const char *what)
{
	struct coh_event ev = {.kind = renews_in ? COH_EV_RENEW : COH_EV_DISCARD, .page = page,
	                       .view = renews_in};
	const uint64_t block = coh_block_end(&d->engine.cfg, page) - page;

	n = n < COH_MAX_RUN ? n : COH_MAX_RUN;
	n = n < block ? n : block;
	*c = (struct call){.w = {.what = what}, .page = page, .n = ev.n = n, .renews_in = renews_in};
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
		rc = begin(d, c, c->renews_in, c->page + c->w.result[1], c->n - c->w.result[1], what);
		if (rc == 0)
			rc = node_call_end(d, &c->w, &c->answer);
	}
	return rc;
}

static int all_pages(struct dsm *d, uint32_t renews_in, uint64_t first, uint64_t n,
                     const char *what, struct discarded *out)
{
	struct call call[CALLS];
	unsigned begun = 0, ended = 0;
	uint64_t page = first;
	int rc = 0, more;

	*out = (struct discarded){0};
	do {
		while (rc == 0 && page < first + n && begun - ended < CALLS) {
			struct call *c = &call[begun % CALLS];
			rc = begin(d, c, renews_in, page, first + n - page, what);
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

int discard_pages(struct dsm *d, uint64_t first, uint64_t n, const char *what,
                  struct discarded *out)
{
	return all_pages(d, 0, first, n, what, out);
}

int renew_pages(struct dsm *d, uint32_t view, uint64_t first, uint64_t n, const char *what)
{
	struct discarded not_lost;
	int rc = all_pages(d, view, first, n, what, &not_lost);

	return rc == -ESTALE ? DSM_ERR_VIEW : rc;
}

uint32_t view_number(struct dsm *d)
{
	uint32_t number;
	sigset_t mask;

	node_lock(d, &mask);
	number = d->view.number;
	node_unlock(d, &mask);
	return number;
}
