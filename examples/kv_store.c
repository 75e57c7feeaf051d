/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of kv.c: who may write, and what becomes of it when a node dies.
 *
 * The mutexes are those of dsm_sync.h, in the page of what they guard. Those of dsm_mutex_create would
 * live on when the page is lost, which is no use without it; when the node dies that has made them, nobody
 * knows who held them, and all would have to be repaired; and a node has no more than 4096.
 */
#include "kv_store.h"

#include <dsm_survive.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define LOOKS 4 /* without the mutex */

/* --- memory that may be lost --- */

static _Thread_local sigjmp_buf way_out;
static _Thread_local volatile sig_atomic_t has_way_out;

static void on_sigbus(int sig)
{
	if (has_way_out)
		siglongjmp(way_out, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

void kv_catch(void)
{
	struct sigaction action = { .sa_handler = on_sigbus };

	if (sigaction(SIGBUS, &action, NULL))
		ex_fail("no handler for SIGBUS");
}

static enum kv_answer out(struct kv *kv)
{
	__atomic_store_n(&kv->out, 1, __ATOMIC_RELAXED);
	return KV_OUT;
}

static enum kv_answer lose(struct kv *kv, uint64_t g)
{
	if (!__atomic_exchange_n(&kv->lost[g], 1, __ATOMIC_RELAXED))
		__atomic_fetch_add(&kv->lost_groups, 1, __ATOMIC_RELAXED);
	return KV_LOST;
}

static int note_lost(void *ctx, void *ptr, size_t bytes)
{
	struct kv *kv = ctx;
	const uint64_t first = (uint64_t)((struct kv_group *)ptr - kv->group);

	for (uint64_t g = first; g < first + bytes / sizeof *kv->group; g++)
		lose(kv, g);
	return 0;
}

static int is_lost(const struct kv *kv, uint64_t g)
{
	return __atomic_load_n(&kv->lost[g], __ATOMIC_RELAXED);
}

/* What a thread does in a group's page. */
struct visit {
	uint64_t key;
	const uint64_t *value;
	struct kv_group *group;
	int bucket, rc, deleted;
	uint64_t seq;
	struct kv_state state;
};

/* Does so; KV_DONE, unless the page is not to be had. */
static enum kv_answer visit(struct kv *kv, struct visit *v, void (*what)(struct visit *v))
{
	const uint64_t g = (uint64_t)(v->group - kv->group);
	int rc;

	if (sigsetjmp(way_out, 1) == 0) {
		has_way_out = 1;
		what(v);
		has_way_out = 0;
		return KV_DONE;
	}
	has_way_out = 0;
	/* The page is lost; or all memory is, to this node. */
	rc = dsm_lost(kv->dsm, v->group, sizeof *v->group, note_lost, kv);
	if (rc == DSM_ERR_LOST)
		return out(kv);
	ex_must(rc, "dsm_lost");
	if (!is_lost(kv, g))
		ex_fail("SIGBUS in group %llu, which is not lost", (unsigned long long)g);
	return KV_LOST;
}

/* --- mutexes --- */

static enum kv_answer answer_of(struct kv *kv, uint64_t g, int rc, const char *call)
{
	if (rc == DSM_ERR_LOST_DATA)
		return lose(kv, g);
	if (rc == DSM_ERR_LOST)
		return out(kv);
	ex_must(rc, call);
	return KV_DONE;
}

static enum kv_answer unlock(struct kv *kv, struct visit *v)
{
	return answer_of(kv, (uint64_t)(v->group - kv->group),
	                 dsm_sync_mutex_unlock(kv->dsm, &v->group->mutex), "dsm_sync_mutex_unlock");
}

static void repair(struct visit *v)
{
	v->rc = (int)kv_group_repair(v->group);
}

/* KV_DONE: the caller has it, and all versions are whole. */
static enum kv_answer lock(struct kv *kv, struct visit *v)
{
	const uint64_t g = (uint64_t)(v->group - kv->group);
	int rc = dsm_sync_mutex_lock(kv->dsm, &v->group->mutex);
	enum kv_answer answer;

	if (rc != DSM_ERR_OWNER_DEAD)
		return answer_of(kv, g, rc, "dsm_sync_mutex_lock");
	answer = visit(kv, v, repair);
	if (answer != KV_DONE) {
		unlock(kv, v); /* for the threads of this node that wait behind this one */
		return answer;
	}
	__atomic_fetch_add(&kv->orphans, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&kv->repaired, (uint64_t)v->rc, __ATOMIC_RELAXED);
	return KV_DONE;
}

/* what, with the mutex. Only when that is given back the answer is certain: the page may be lost meanwhile. */
static enum kv_answer visit_locked(struct kv *kv, struct visit *v, void (*what)(struct visit *v))
{
	enum kv_answer answer = lock(kv, v), end;

	if (answer != KV_DONE)
		return answer;
	answer = visit(kv, v, what);
	end = unlock(kv, v);
	return answer == KV_DONE ? end : answer;
}

/* --- the store --- */

static struct visit visit_of(struct kv *kv, uint64_t key)
{
	const uint64_t hash = kv_mix(key + 0x9e3779b97f4a7c15);

	return (struct visit){ .key = key, .group = &kv->group[hash / KV_BUCKETS % kv->groups],
		               .bucket = (int)(hash % KV_BUCKETS) };
}

static enum kv_answer start(struct kv *kv, const struct visit *v)
{
	if (__atomic_load_n(&kv->out, __ATOMIC_RELAXED))
		return KV_OUT;
	return is_lost(kv, (uint64_t)(v->group - kv->group)) ? KV_LOST : KV_DONE;
}

static void look(struct visit *v)
{
	v->rc = kv_bucket_look(v->group, v->bucket, v->key, &v->state);
}

static void find(struct visit *v)
{
	kv_bucket_find(&v->group->bucket[v->bucket], v->key, &v->state);
}

enum kv_answer kv_get(struct kv *kv, uint64_t key, struct kv_state *state)
{
	struct visit v = visit_of(kv, key);
	enum kv_answer answer = start(kv, &v);

	v.rc = -1;
	for (int i = 0; i < LOOKS && answer == KV_DONE && v.rc; i++)
		answer = visit(kv, &v, look);
	if (answer == KV_DONE && v.rc)
		answer = visit_locked(kv, &v, find);
	else if (answer == KV_DONE && kv->flags & DSM_KEEP2)
		/* Another thread of this node may have written it just now: then it has to be there for good
		 * before anybody is told. */
		answer = answer_of(kv, (uint64_t)(v.group - kv->group), dsm_secure(kv->dsm), "dsm_secure");
	if (answer != KV_DONE)
		return answer;
	*state = v.state;
	return v.state.seq && !v.state.deleted ? KV_DONE : KV_ABSENT;
}

static void put(struct visit *v)
{
	v->seq = kv_bucket_write(&v->group->bucket[v->bucket], v->key, v->value, 0);
}

enum kv_answer kv_put(struct kv *kv, uint64_t key, const uint64_t value[KV_VALUE], uint64_t *seq)
{
	struct visit v = visit_of(kv, key);
	enum kv_answer answer = start(kv, &v);

	v.value = value;
	if (answer == KV_DONE)
		answer = visit_locked(kv, &v, put);
	if (answer != KV_DONE)
		return answer;
	*seq = v.seq;
	return v.seq ? KV_DONE : KV_FULL;
}

static void take_away(struct visit *v)
{
	find(v);
	v->rc = v->state.seq && !v->state.deleted;
	if (!v->rc)
		return;
	v->state.seq = kv_bucket_write(&v->group->bucket[v->bucket], v->key, v->value, 1);
	v->state.deleted = 1;
	memcpy(v->state.value, v->value, sizeof v->state.value);
}

enum kv_answer kv_delete(struct kv *kv, uint64_t key, const uint64_t value[KV_VALUE],
                         struct kv_state *state)
{
	struct visit v = visit_of(kv, key);
	enum kv_answer answer = start(kv, &v);

	v.value = value;
	if (answer == KV_DONE)
		answer = visit_locked(kv, &v, take_away);
	if (answer != KV_DONE)
		return answer;
	*state = v.state;
	return v.rc ? KV_DONE : KV_ABSENT;
}

static void half_put(struct visit *v)
{
	kv_bucket_half_write(&v->group->bucket[v->bucket], v->key, v->value);
}

enum kv_answer kv_half_put(struct kv *kv, uint64_t key, const uint64_t value[KV_VALUE])
{
	struct visit v = visit_of(kv, key);
	enum kv_answer answer = lock(kv, &v);

	v.value = value;
	return answer == KV_DONE ? visit(kv, &v, half_put) : answer;
}

/* --- the start, and views --- */

void kv_open(struct kv *kv, dsm_t *dsm, uint64_t groups, unsigned flags)
{
	void *at;

	*kv = (struct kv){ .dsm = dsm, .flags = flags, .groups = groups, .lost = calloc(groups, 1) };
	if (!kv->lost)
		ex_fail("out of memory");
	if (dsm_rank(dsm) == 0) {
		ex_must(dsm_alloc(dsm, groups * sizeof *kv->group, 4096, flags, &at), "dsm_alloc");
		ex_must(dsm_publish(dsm, "kv", at), "dsm_publish");
	}
	ex_must(dsm_lookup(dsm, "kv", -1, &at), "dsm_lookup");
	kv->group = at;
	for (uint64_t g = (uint64_t)dsm_rank(dsm); g < groups; g += (uint64_t)dsm_size(dsm)) {
		struct visit v = { .group = &kv->group[g] };

		if (visit(kv, &v, repair) == KV_OUT)
			return;
	}
}

/* How many of the living have a lower rank. */
static uint64_t order_of(const struct dsm_view *view, int rank)
{
	return (uint64_t)__builtin_popcountll(view->members & ((UINT64_C(1) << rank) - 1));
}

int kv_after_view(struct kv *kv)
{
	struct dsm_view view;
	uint64_t mine;
	int rc = dsm_lost(kv->dsm, kv->group, kv->groups * sizeof *kv->group, note_lost, kv);

	if (rc == DSM_ERR_LOST) {
		out(kv);
		return -1;
	}
	ex_must(rc, "dsm_lost");
	ex_must(dsm_view(kv->dsm, &view), "dsm_view");
	mine = order_of(&view, dsm_rank(kv->dsm));
	for (uint64_t g = mine; g < kv->groups; g += (uint64_t)view.living) {
		struct visit v = { .group = &kv->group[g] };

		if (!is_lost(kv, g) && lock(kv, &v) == KV_DONE && unlock(kv, &v) == KV_OUT)
			return -1;
	}
	rc = dsm_secure(kv->dsm);
	if (rc == DSM_ERR_LOST)
		out(kv);
	else
		ex_must(rc, "dsm_secure");
	return __atomic_load_n(&kv->out, __ATOMIC_RELAXED) ? -1 : 0;
}

uint64_t kv_lost_buckets(const struct kv *kv)
{
	return KV_BUCKETS * __atomic_load_n(&kv->lost_groups, __ATOMIC_RELAXED);
}
