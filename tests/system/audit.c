/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An audit finds a page that a node may access though it should not: rank 0's set_access does
 * nothing for one page from some time on, and says that it has. Linked with the library's
 * insides, which a program does not see.
 *
 *	dsmctl run -n 2 audit [--hold]     --hold: goes on only when its standard input ends
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "dsm/admin/answers.h"
#include "dsm/node/node.h"
#include "tests/hang.h"

/* A trap of whose operations some are replaced; page is the one that it lies about. */
static struct {
	struct trap_ops ops;
	const struct trap_ops *real;
	uint64_t page;
	enum trap_access believed;
} plant;

/* The other node ends when this one does. */
static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "audit: %s: %s\n", what, why);
	_exit(1);
}

static void ok(int rc, const char *what)
{
	if (rc)
		fail(what, dsm_strerror(rc));
}

static int lie(struct trap *trap, uint64_t first, uint32_t n, enum trap_access access)
{
	if (plant.page >= first && plant.page < first + n) {
		plant.believed = access;
		return 0;
	}
	return plant.real->set_access(trap, first, n, access);
}

static enum trap_access access_believed(const struct trap *trap, uint64_t page)
{
	return page == plant.page ? plant.believed : plant.real->access(trap, page);
}

static void plant_lie(struct dsm *d, const void *at)
{
	pthread_mutex_lock(&d->lock);
	plant.page = (uint64_t)region_page_of(&d->memory.region, at);
	plant.real = d->trap->ops;
	plant.believed = plant.real->access(d->trap, plant.page);
	plant.ops = *plant.real;
	plant.ops.set_access = lie;
	plant.ops.access = access_believed;
	d->trap->ops = &plant.ops;
	pthread_mutex_unlock(&d->lock);
}

/* From here on the page has what it was said to have. */
static void tell_the_truth(struct dsm *d)
{
	pthread_mutex_lock(&d->lock);
	d->trap->ops = plant.real;
	ok(plant.real->set_access(d->trap, plant.page, 1, plant.believed), "set_access");
	pthread_mutex_unlock(&d->lock);
}

/* An audit must find so many pages, and the first of them is this one. */
static void expect_audit(struct dsm *d, json_int_t wrong, uint64_t page)
{
	char *text = report_answer(d, "audit");
	json_t *answer = json_loads(text ? text : "", 0, NULL);
	json_t *first = json_array_get(json_object_get(answer, "pages"), 0);

	if (!answer || json_integer_value(json_object_get(answer, "disagreements")) != wrong ||
	    (wrong && (uint64_t)json_integer_value(json_object_get(first, "page")) != page))
		fail("not what should be found", text ? text : "no answer");
	json_decref(answer);
	free(text);
}

static void write_by(struct dsm *d, int rank, volatile uint64_t *word)
{
	if (dsm_rank(d) == rank)
		*word = (uint64_t)rank + 1;
	ok(dsm_barrier(d), "dsm_barrier");
}

static void *page_of_all(struct dsm *d)
{
	void *page = NULL;

	if (dsm_rank(d) == 0) {
		ok(dsm_alloc(d, 4096, 4096, 0, &page), "dsm_alloc");
		ok(dsm_publish(d, "page", page), "dsm_publish");
	}
	ok(dsm_lookup(d, "page", -1, &page), "dsm_lookup");
	return page;
}

int main(int argc, char **argv)
{
	const int hold = argc > 1 && !strcmp(argv[1], "--hold");
	void *page;
	dsm_t *d;
	char byte;

	alarm(HANG_S);
	if (dsm_init(NULL, &d))
		fail("dsm_init", dsm_init_error());
	page = page_of_all(d);
	write_by(d, 0, page);
	if (dsm_rank(d) == 0) {
		expect_audit(d, 0, 0);
		plant_lie(d, page);
	}
	ok(dsm_barrier(d), "dsm_barrier");
	write_by(d, 1, page);
	if (dsm_rank(d) == 0) {
		expect_audit(d, 1, plant.page);
		if (hold) {
			printf("lies about page %" PRIu64 "\n", plant.page);
			fflush(stdout);
			while (read(0, &byte, 1) > 0)
				;
		}
		tell_the_truth(d);
		expect_audit(d, 0, 0);
		printf("audit: found that page %" PRIu64 " was not taken away\n", plant.page);
	}
	ok(dsm_barrier(d), "dsm_barrier");
	ok(dsm_fini(d), "dsm_fini");
	return 0;
}
