/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of a run, as a row of a table or as JSON. */
#include <stdio.h>

#include "tests/sim/sim.h"

static double per(uint64_t a, uint64_t b)
{
	return b ? (double)a / b : 0;
}

/* Upper edge of the bucket in which the share lies. */
static double wait_quantile_us(const struct stats *st, double share)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < HISTOGRAM; i++) {
		sum += st->wait_histogram[i];
		if (sum >= share * st->waits)
			return (double)(UINT64_C(1) << i) / 1000;
	}
	return 0;
}

/* What share the thread with the fewest operations has of an equal share. */
static double least_share(const struct sim *s)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].ops < least)
			least = s->threads[i].ops;
	return per(least * s->n_threads, s->stats.ops);
}

static struct cost sum(const struct sim *s, enum cost_kind a, enum cost_kind b)
{
	struct cost out = { 0 };

	for (unsigned k = a; k <= b; k++) {
		const struct cost *c = &s->stats.cost[k];
		out.n += c->n;
		out.messages += c->messages;
		out.hops += c->hops;
		out.bytes += c->bytes;
		out.invs += c->invs;
	}
	return out;
}

/* For each page that a home serves; its table is made of whole blocks. */
static double directory_bytes(const struct sim *s)
{
	uint64_t bytes = 0, pages = 0;

	for (uint16_t i = 0; i < s->cfg.nodes; i++) {
		struct coh_dir_info info;
		coh_dir_info(s->nodes[i].coh, &info);
		bytes += info.bytes;
		pages += info.pages;
	}
	return per(bytes, pages);
}

void report_table_head(void)
{
	printf("messages (hops) per miss; KiB per miss; waits in us of operations that blocked\n"
	       "%-13s %5s %8s %5s %5s | %-11s %-11s %-11s %-11s %-11s | %5s %5s %6s %6s | %6s %7s %8s %8s %5s | %5s\n",
	       "workload", "nodes", "events", "M/s", "hit%", "read home", "read owner", "write",
	       "write owner", "upgrade", "Inv/w", "xs%", "KiB/r", "KiB/w", "mean", "p99<", "one page",
	       "worst", "least", "dir B");
}

static void cell(struct cost c)
{
	if (c.n)
		printf(" %5.2f (%3.1f)", per(c.messages, c.n), per(c.hops, c.n));
	else
		printf(" %11s", "-");
}

void report_table(const struct sim *s)
{
	const struct stats *st = &s->stats;
	struct cost reads = sum(s, COST_READ, COST_READ_FWD);
	struct cost writes = sum(s, COST_WRITE, COST_UPGRADE_INV);
	struct cost invalidating = writes;

	invalidating.n = st->cost[COST_WRITE_INV].n + st->cost[COST_UPGRADE_INV].n;
	printf("%-13s %5u %8.2g %5.2f %5.1f |", s->cfg.work->name, s->cfg.nodes, (double)st->events,
	       st->events / st->seconds / 1e6, 100 * per(st->hits, st->ops));
	cell(st->cost[COST_READ]);
	cell(st->cost[COST_READ_FWD]);
	cell(sum(s, COST_WRITE, COST_WRITE_INV));
	cell(st->cost[COST_WRITE_FWD]);
	cell(sum(s, COST_UPGRADE, COST_UPGRADE_INV));
	printf(" | %5.2f %5.1f %6.2f %6.2f | %6.0f %7.0f %8.0f %8.0f %5.2f | %5.1f\n",
	       per(invalidating.invs, invalidating.n),
	       100 * per(st->excess_invs, st->sent[COH_MSG_INV]), per(reads.bytes, reads.n) / 1024,
	       per(writes.bytes, writes.n) / 1024, per(st->wait_ns, st->waits) / 1000,
	       wait_quantile_us(st, 0.99), st->worst_single_ns / 1000.0, st->worst_wait_ns / 1000.0,
	       least_share(s), directory_bytes(s));
	fflush(stdout);
}

static void json_costs(const struct sim *s)
{
	static const char *const name[COST_KINDS] = {
		[COST_READ] = "read_home",
		[COST_READ_FWD] = "read_owner",
		[COST_WRITE] = "write",
		[COST_WRITE_INV] = "write_invalidating",
		[COST_WRITE_FWD] = "write_owner",
		[COST_UPGRADE] = "upgrade",
		[COST_UPGRADE_INV] = "upgrade_invalidating",
	};

	printf("  \"miss\": {");
	for (unsigned k = 0; k < COST_KINDS; k++) {
		const struct cost *c = &s->stats.cost[k];
		printf("%s\n    \"%s\": {\"n\": %llu, \"messages\": %.3f, \"hops\": %.3f, "
		       "\"bytes\": %.1f, \"invalidations\": %.3f}",
		       k ? "," : "", name[k], (unsigned long long)c->n, per(c->messages, c->n),
		       per(c->hops, c->n), per(c->bytes, c->n), per(c->invs, c->n));
	}
	printf("\n  },\n");
}

static void json_messages(const struct sim *s)
{
	int first = 1;

	printf("  \"messages\": {");
	for (unsigned t = 0; t < COH_MSG_TYPES; t++)
		if (s->stats.sent[t]) {
			printf("%s\"%s\": %llu", first ? "" : ", ", coh_msg_name(t),
			       (unsigned long long)s->stats.sent[t]);
			first = 0;
		}
	printf("},\n");
}

void report_json(const struct sim *s, int first)
{
	const struct stats *st = &s->stats;

	printf("%s{\n  \"workload\": \"%s\", \"seed\": %llu, \"nodes\": %u, \"threads\": %u, "
	       "\"pages\": %u,\n",
	       first ? "" : ",\n", s->cfg.work->name, (unsigned long long)s->cfg.seed, s->cfg.nodes,
	       s->cfg.threads, s->n_pages);
	printf("  \"events\": %llu, \"steps\": %llu, \"operations\": %llu, \"hits\": %llu, "
	       "\"seconds\": %.3f, \"virtual_ns\": %llu,\n",
	       (unsigned long long)st->events, (unsigned long long)st->steps,
	       (unsigned long long)st->ops, (unsigned long long)st->hits, st->seconds,
	       (unsigned long long)s->now);
	json_costs(s);
	json_messages(s);
	printf("  \"page_writes\": %llu, \"page_write_bytes\": %llu, \"message_bytes\": %llu,\n",
	       (unsigned long long)st->moves, (unsigned long long)st->move_bytes,
	       (unsigned long long)st->message_bytes);
	printf("  \"invalidations_in_excess\": %llu,\n", (unsigned long long)st->excess_invs);
	printf("  \"atomics\": %llu, \"deferred\": %llu, \"without_tenure\": %llu, \"queued\": %llu, "
	       "\"evictions\": %llu, \"prefetched\": %llu, \"without_slot\": %llu, \"frame_waits\": %llu,\n",
	       (unsigned long long)st->atomics, (unsigned long long)st->count[COH_N_DEFERRED],
	       (unsigned long long)st->count[COH_N_NO_HOLD],
	       (unsigned long long)st->count[COH_N_QUEUED],
	       (unsigned long long)st->count[COH_N_EVICT],
	       (unsigned long long)st->count[COH_N_PREFETCH], (unsigned long long)st->retries,
	       (unsigned long long)st->frame_waits);
	printf("  \"wait_us\": {\"mean\": %.2f, \"p99\": %.0f, \"worst_one_page\": %.1f, \"worst\": %.1f, \"bound\": %.0f}, "
	       "\"least_share\": %.3f, \"directory_bytes_per_page\": %.2f, \"quiet_checks\": %llu\n}",
	       per(st->wait_ns, st->waits) / 1000, wait_quantile_us(st, 0.99),
	       st->worst_single_ns / 1000.0, st->worst_wait_ns / 1000.0, s->bound_ns / 1000.0,
	       least_share(s), directory_bytes(s), (unsigned long long)st->quiet_checks);
}

void report_coverage(const uint8_t *row)
{
	unsigned n, taken = 0;
	const struct coh_row *rows = coh_rows(&n);

	for (unsigned i = 0; i < n; i++)
		taken += row[i];
	printf("%u of %u rows of the core's tables taken", taken, n);
	for (unsigned i = 0; i < n; i++)
		if (!row[i])
			printf("%s %s/%s/%s", taken < n ? "; not:" : ",", rows[i].side,
			       rows[i].state, rows[i].event);
	printf("\n");
}
