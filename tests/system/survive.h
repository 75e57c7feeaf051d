/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of survive.c share. */
#ifndef SURVIVE_H
#define SURVIVE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PAGES 96       /* the even ones are written once */
#define PAGES_MAX 768  /* where there is no room for all */
#define HUGE_PAGES 12  /* of 2 MiB each */
#define WORDS 512      /* of a page, all over it */
#define COUNTERS 4     /* pages that all add to, by dsm_fetch_add64 */
#define NODES_MAX 8
#define GO_ON_MS 3000  /* within so much of the time in which it is noticed all goes on */

/* Beside the region, for all processes. */
struct tally {
	_Atomic uint64_t begun[PAGES_MAX], done[PAGES_MAX];
	_Atomic uint64_t add_begun[NODES_MAX][COUNTERS], add_done[NODES_MAX][COUNTERS];
	_Atomic uint32_t here[5], dead; /* nodes that have come to a point; ranks, one bit each */
	_Atomic uint64_t died_ns, woke_ns; /* woke: who stood still goes on, and is out */
	_Atomic uint64_t lost_map[PAGES_MAX / 64];
	/* survive_renew.c: the view in which a page was made anew last; whether it was ever; what has been
	 * stored since */
	_Atomic uint32_t renewed_in[PAGES_MAX], anew[PAGES_MAX];
	_Atomic uint64_t anew_begun[PAGES_MAX], anew_done[PAGES_MAX], sum[PAGES_MAX];
};

struct run {
	struct tally *tally;
	uint8_t *at; /* the pages, and behind them the counters */
	size_t page_bytes;
	int victim, deaths, pages; /* deaths: how many; pages: so many there are */
	int stops, waits, small;
	unsigned loss_ms;
	uint64_t seed, worst_ns;
	uint8_t page_lost[PAGES_MAX], counter_lost[COUNTERS];
	uint64_t sum[PAGES_MAX];
};
extern struct run run;

/* A page's word, and where the next one is. */
static inline uint64_t *survive_page(int p)
{
	return (uint64_t *)(run.at + (size_t)p * run.page_bytes);
}

static inline size_t survive_step(void)
{
	return run.page_bytes / WORDS / sizeof(uint64_t);
}

static inline uint64_t *survive_counter(int k)
{
	return survive_page(run.pages + k);
}

/* --- survive_pages.c --- */
void survive_catch(void); /* SIGBUS */
int survive_writer_of(int p);
int survive_is_dead(int rank);
int survive_first_living(void);
/* Waits for all of those that live, beside the job. */
void survive_meet(int point);
/* What the one that stood still has seen last counts no more: it learns that it is out, and ends. */
void survive_out(void);
/* Reads the page, writes it, adds to a counter: each checks what it finds. */
void survive_look(int p, uint64_t *random);
void survive_store(int p);
void survive_add(int k);
/* One of these. */
void survive_work(uint64_t *random);
/* Two words of the page, in this order; stores that to all of it. 0; or -1: it is lost. */
int survive_load(int p, int first, int second, uint64_t value[2]);
int survive_fill(int p, uint64_t value);

/* --- survive_renew.c --- */
void survive_renew(uint64_t *random);

/* --- survive_end.c --- */
/* What is named as lost is what touching it finds, and on all nodes the same. */
void survive_compare_lost(void);
/* All adds of survivors are in it, each once, and of the dead those that they knew to be done, and
 * perhaps one more. */
void survive_compare_counters(void);
/* Calls that are refused, or say that rank 0 is lost; and system calls on what is lost. */
void survive_refused(void);
void survive_call_lost(void);

#endif
