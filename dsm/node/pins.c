/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_pin, dsm_unpin: getting pages, and holding them against all others. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <utlist.h>

#include "dsm/node/node.h"

#define SPARE_HOLDS 64

struct pin *pins_at(const struct dsm *d, uint64_t page)
{
	return d->pins.all ? d->pins.at[page] : NULL;
}

/* --- holding --- */

void pins_hold(struct dsm *d, struct pin *p)
{
	if (p->held)
		return;
	p->held = 1;
	p->since_ns = clock_now_ns();
	d->pins.held++;
	frames_keep(&d->memory.frames, p->page);
}

/* The page is here as p wants it. For reading that is S, not M: then other nodes may read it
 * all the while. */
int pins_is_there(const struct dsm *d, const struct pin *p)
{
	return coh_cache_state_of(d->engine.coh, p->page) == (p->write ? COH_C_M : COH_C_S);
}

/* And it is not about to be taken away. */
int pins_may_hold(const struct dsm *d, const struct pin *p)
{
	struct coh_page_info info;

	coh_page_info(d->engine.coh, p->page, &info);
	return pins_is_there(d, p) && !info.deferred;
}

void pins_granted(struct dsm *d, uint64_t first, uint32_t n, enum coh_access access)
{
	if (!d->pins.all || access == COH_NONE)
		return;
	for (uint64_t page = first; page < first + n; page++) {
		struct pin *p = pins_at(d, page);
		if (p && !node_is_home(d, page) && pins_may_hold(d, p))
			pins_hold(d, p);
	}
}

int pins_take_hold(struct dsm *d, uint64_t page, unsigned slot)
{
	struct pin *p = pins_at(d, page);

	if (!p || !node_is_home(d, page) || (!p->held && !pins_is_there(d, p)))
		return 0;
	/* An upgrade has ended the hold before this one. */
	if (p->slot >= 0)
		tenure_start(&d->tenure, (unsigned)p->slot, 0, NULL, clock_now_ns());
	p->slot = (int32_t)slot;
	pins_hold(d, p);
	return 1;
}

/* --- keeping others out --- */

static int is_against(const struct pin *p, unsigned type)
{
	return p && p->held &&
	       (type == COH_MSG_INV || type == COH_MSG_FWD_GETM ||
	        (type == COH_MSG_FWD_GETS && p->write));
}

/* Of a run that is to be dropped this node keeps what is held: the core is told, and the home. Pages
 * of this home the core holds itself. */
static void keep_of_drop(struct dsm *d, struct coh_msg *m)
{
	for (uint16_t k = 0; k < m->n && m->page + k < d->memory.region.pages; k++) {
		const struct pin *p = pins_at(d, m->page + k);
		m->result |= (uint64_t)(p && p->held) << k;
	}
}

/* Of a run that is to be read this node gives what is before the first page that it holds; nothing,
 * where it holds that one. */
static void keep_of_run(struct dsm *d, struct coh_msg *m)
{
	if (is_against(pins_at(d, m->page), m->type))
		m->flags |= COH_F_HELD;
	for (uint16_t k = 1; k < m->n && m->page + k < d->memory.region.pages; k++)
		if (is_against(pins_at(d, m->page + k), m->type))
			m->n = k;
}

int pins_keep(struct dsm *d, struct coh_msg *m)
{
	struct pin *p;

	if (!d->pins.all || m->page >= d->memory.region.pages || node_is_home(d, m->page))
		return 0;
	if (m->type == COH_MSG_DROP) {
		keep_of_drop(d, m);
		return 0;
	}
	if (m->type == COH_MSG_FWD_GETS && (m->flags & COH_F_RUN)) {
		keep_of_run(d, m);
		return 0;
	}
	p = pins_at(d, m->page);
	/* Whether the home may ask for that is for the core to judge. */
	if (!is_against(p, m->type) || p->kept)
		return 0;
	p->msg = *m;
	p->kept = 1;
	return 1;
}

int pins_writer_waits(struct dsm *d, uint64_t page)
{
	struct pin *p = pins_at(d, page);
	struct coh_page_info info;

	if (!p || !p->held || p->slot < 0)
		return 0;
	coh_page_info(d->engine.coh, page, &info);
	if (info.cache_state != COH_C_S)
		return 0;
	/* The upgrade ends the core's hold: nobody else may be before it then, and there must
	 * be another one. */
	if (info.deferred)
		return 1;
	return info.request == COH_MSG_NONE && !info.queued &&
	                       d->tenure.running + d->pins.home + SPARE_HOLDS <= TENURE_SLOTS
	               ? 0 : -EAGAIN;
}

/* --- the table --- */

struct pin *pins_get(struct dsm *d, uint64_t page)
{
	struct pin *p = pins_at(d, page);

	if (p)
		return p;
	p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->page = page;
	p->slot = -1;
	d->pins.at[page] = p;
	DL_APPEND(d->pins.all, p);
	d->pins.home += node_is_home(d, page);
	return p;
}

void pins_free(struct dsm *d, struct pin *p)
{
	d->pins.at[p->page] = NULL;
	DL_DELETE(d->pins.all, p);
	d->pins.home -= node_is_home(d, p->page);
	free(p);
}

void pins_close(struct dsm *d)
{
	while (d->pins.all)
		pins_free(d, d->pins.all);
	if (d->pins.at)
		mm_unmap(d->pins.at, d->memory.region.pages * sizeof *d->pins.at);
	d->pins.at = NULL;
}

void pins_check(struct dsm *d, uint64_t now, uint64_t warn_ns)
{
	struct coh_page_info info;
	struct pin *p;

	DL_FOREACH(d->pins.all, p) {
		if (!p->held || p->warned || now - p->since_ns < warn_ns)
			continue;
		coh_page_info(d->engine.coh, p->page, &info);
		if (!p->kept && !(p->slot >= 0 && info.deferred))
			continue;
		p->warned = 1;
		log_line(&d->log, DSM_LOG_WARN,
		         "page %llu has been pinned for %llu s, and another node waits for it",
		         (unsigned long long)p->page,
		         (unsigned long long)((now - p->since_ns) / 1000000000));
	}
}

