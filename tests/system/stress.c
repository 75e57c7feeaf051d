/* SPDX-License-Identifier: BSD-2-Clause */
/* The stress test of a job: epochs of random accesses, each checked for coherence; see
 * stress.h. Run under dsmctl run. */
#include "tests/system/stress.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_DIR_MAX 512
#define RENEW_EPOCHS 8 /* the arena is freed and allocated again every so often */

static struct stress_options options = {
	.seconds = 10, .pages = 24, .threads = 2, .epoch_ms = 500, .patience_s = 120, .ops = 20000
};
static struct stress_thread threads[STRESS_THREADS_MAX];
static struct stress_arena arena;
static uint64_t *initial, *final;

/* The threads wait at the gate, run an epoch, and wait again. */
static pthread_barrier_t gate;
static _Atomic int over; /* set before the gate that it ends opens */

/* For the watchdog: what this node's main thread is at, and how often it moved on. */
static const char *_Atomic phase = "starting";
static _Atomic uint64_t phases;

static void enter(const char *what)
{
	atomic_store_explicit(&phase, what, memory_order_relaxed);
	atomic_fetch_add_explicit(&phases, 1, memory_order_relaxed);
}

/* --------------------------------------------------------------- watchdog -- */

static uint64_t progress(void)
{
	uint64_t sum = atomic_load_explicit(&phases, memory_order_relaxed);

	for (unsigned i = 0; i < options.threads; i++)
		sum += atomic_load_explicit(&threads[i].steps, memory_order_relaxed);
	return sum;
}

static void tell_stuck(void)
{
	node_say("no progress for %u s; the main thread is %s", options.patience_s,
	         atomic_load_explicit(&phase, memory_order_relaxed));
	for (unsigned i = 0; i < options.threads; i++) {
		uint32_t doing = atomic_load_explicit(&threads[i].doing, memory_order_relaxed);
		uint32_t word = atomic_load_explicit(&threads[i].word, memory_order_relaxed);

		node_say("thread %u is in %s, word %u at %p", i, stress_doing_name(doing), word,
		         (void *)stress_word_at(&arena, word));
	}
	node_tell_state();
}

/* Nobody of this node moved for patience_s: say who waits for what, and fail. */
static void *watch(void *arg)
{
	uint64_t seen = progress(), since = node_now_ns();

	for (;;) {
		struct timespec second = { .tv_sec = 1 };

		nanosleep(&second, NULL);
		if (progress() != seen) {
			seen = progress();
			since = node_now_ns();
		} else if (node_now_ns() - since > options.patience_s * 1000000000ull) {
			tell_stuck();
			/* The other nodes are stuck as well and have something to tell, too. */
			second.tv_sec = 3;
			nanosleep(&second, NULL);
			_exit(3);
		}
	}
	return arg;
}

/* ------------------------------------------------- logs change hands in files -- */

/* A directory of this run: what a run before has left, or another one has now, is not there. */
static char log_dir[LOG_DIR_MAX];

static void log_dir_make(void)
{
	char *shared = node_shared("log_dir", sizeof log_dir, 0);

	if (node.rank == 0) {
		if (snprintf(log_dir, sizeof log_dir, "%s/stress.XXXXXX", options.dir) >=
		            (int)sizeof log_dir ||
		    !mkdtemp(log_dir))
			node_fail("cannot make %s: %s", log_dir, strerror(errno));
		memcpy(shared, log_dir, sizeof log_dir);
	}
	node_barrier();
	memcpy(log_dir, shared, sizeof log_dir);
	node_unshare("log_dir", shared);
}

struct log_header {
	uint64_t more; /* this node wants another epoch, and so there is one for all */
	uint64_t words;
	uint64_t len[STRESS_THREADS_MAX];
};

static void write_all(int fd, const void *from, size_t len)
{
	while (len) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			node_fail("cannot write the log: %s", strerror(errno));
		from = (const char *)from + n;
		len -= (size_t)n;
	}
}

static void log_path(char *path, size_t len, int rank)
{
	snprintf(path, len, "%s/%d", log_dir, rank);
}

static void log_write(int more)
{
	struct log_header header = { .more = (uint64_t)more, .words = arena.words };
	char path[4096];
	int fd;

	log_path(path, sizeof path, node.rank);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		node_fail("cannot create %s: %s", path, strerror(errno));
	for (unsigned i = 0; i < options.threads; i++)
		header.len[i] = threads[i].len;
	write_all(fd, &header, sizeof header);
	write_all(fd, final, arena.words * sizeof *final);
	for (unsigned i = 0; i < options.threads; i++)
		write_all(fd, threads[i].log, threads[i].len * sizeof *threads[i].log);
	close(fd);
}

/* The log of a rank, as it wrote it; malloc'ed. */
static struct log_header *log_read(int rank)
{
	struct log_header *header;
	struct stat stat;
	char path[4096];
	size_t want;
	int fd;

	log_path(path, sizeof path, rank);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat))
		node_fail("cannot open %s: %s", path, strerror(errno));
	header = malloc((size_t)stat.st_size + sizeof *header);
	if (!header || read(fd, header, (size_t)stat.st_size) != stat.st_size)
		node_fail("cannot read %s: %s", path, strerror(errno));
	close(fd);
	want = sizeof *header + arena.words * sizeof *final;
	for (unsigned i = 0; i < options.threads; i++)
		want += header->len[i] * sizeof(struct history_op);
	if ((size_t)stat.st_size != want || header->words != arena.words)
		node_fail("%s is not a log of this run", path);
	return header;
}

/* ------------------------------------------------------------------ epochs -- */

/* Two of three; in the others nothing slows the CPU's store buffers down. */
static int is_timed(unsigned epoch)
{
	return !options.untimed && (epoch % 3 != 0);
}

/* Checks this node's share of the words; every node does, so all are checked. Returns
 * whether anyone wants another epoch. */
static int epoch_check(unsigned epoch)
{
	unsigned n = (unsigned)node.size * options.threads;
	struct history_thread *all = calloc(n, sizeof *all);
	struct log_header **logs = calloc((size_t)node.size, sizeof *logs);
	struct history history = { .threads = all,
		                   .n_threads = n,
		                   .words = arena.words,
		                   .initial = initial,
		                   .final = final,
		                   .timed = is_timed(epoch),
		                   .share = (uint32_t)node.rank,
		                   .share_of = (uint32_t)node.size };
	char why[HISTORY_WHY_MAX];
	int more = 0, rc;

	CHECK(all && logs);
	for (int rank = 0; rank < node.size; rank++) {
		const uint64_t *theirs;
		const struct history_op *ops;

		logs[rank] = log_read(rank);
		more |= logs[rank]->more != 0;
		theirs = (const uint64_t *)(logs[rank] + 1);
		ops = (const struct history_op *)(theirs + arena.words);
		for (uint32_t w = 0; w < arena.words; w++)
			if (theirs[w] != final[w])
				node_fail("epoch %u: word %u is %#" PRIx64 " at the end here, but "
				          "%#" PRIx64 " on node %d",
				          epoch, w, final[w], theirs[w], rank);
		for (unsigned i = 0; i < options.threads; i++) {
			all[(unsigned)rank * options.threads + i] =
				(struct history_thread){ .ops = ops, .len = logs[rank]->len[i] };
			ops += logs[rank]->len[i];
		}
	}
	rc = history_check(&history, why);
	if (rc)
		node_fail("epoch %u (seed %" PRIu64 "): %s (threads of node n are %u*n ...)", epoch,
		          options.seed, rc > 0 ? why : strerror(-rc), options.threads);
	for (int rank = 0; rank < node.size; rank++)
		free(logs[rank]);
	free(logs);
	free(all);
	return more;
}

static void arena_renew(unsigned generation)
{
	char name[32];

	if (arena.base) {
		snprintf(name, sizeof name, "arena.%u", generation - 1);
		node_unshare(name, arena.base);
	}
	snprintf(name, sizeof name, "arena.%u", generation);
	arena.base = node_shared_in(name, stress_arena_bytes(&arena), arena.page_bytes,
	                            options.huge ? DSM_HUGE : 0);
	memset(initial, 0, arena.words * sizeof *initial);
}

/* After the last barrier: nobody reads any more. */
static void log_dir_remove(void)
{
	char path[LOG_DIR_MAX + 16];

	if (node.rank)
		return;
	for (int rank = 0; rank < node.size; rank++) {
		log_path(path, sizeof path, rank);
		unlink(path);
	}
	rmdir(log_dir);
}

/* Whether there is something to be said of how coherent the memory is. */
static int has_shared(const struct dsm_stats *stats)
{
	return node.size == 1 || (stats->read_misses && stats->write_misses && stats->invalidations &&
	                          stats->downgrades);
}

/* When the time is over, unless the machine is so busy that nothing has come about in it. */
static int wants_more(uint64_t end)
{
	uint64_t now = node_now_ns();
	struct dsm_stats stats;

	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	return now < end || (!has_shared(&stats) && now < end + options.patience_s * 1000000000ull);
}

static unsigned epochs_run(void)
{
	uint64_t end = node_now_ns() + options.seconds * 1000000000ull;
	unsigned epoch = 0;
	int more = 1;

	while (more) {
		enter("renewing the arena");
		if (epoch % RENEW_EPOCHS == 0)
			arena_renew(epoch / RENEW_EPOCHS);
		node_barrier();
		/* The gate orders this before the threads' reading it. */
		for (unsigned i = 0; i < options.threads; i++)
			threads[i].timed = is_timed(epoch);
		enter("waiting for this node's threads");
		pthread_barrier_wait(&gate);
		pthread_barrier_wait(&gate);
		enter("in the barrier after an epoch");
		node_barrier();
		enter("reading the final values");
		for (uint32_t w = 0; w < arena.words; w++)
			final[w] = __atomic_load_n(stress_word_at(&arena, w), __ATOMIC_RELAXED);
		log_write(wants_more(end));
		enter("in the barrier after writing the log");
		node_barrier();
		enter("checking");
		more = epoch_check(epoch++);
		enter("in the barrier after checking");
		node_barrier();
		memcpy(initial, final, arena.words * sizeof *initial);
	}
	return epoch;
}

static void *thread_main(void *arg)
{
	struct stress_thread *thread = arg;

	for (;;) {
		pthread_barrier_wait(&gate);
		if (atomic_load(&over))
			return NULL;
		stress_epoch(thread);
		pthread_barrier_wait(&gate);
	}
}

static void threads_start(pthread_t *ids)
{
	pthread_barrier_init(&gate, NULL, options.threads + 1);
	for (unsigned i = 0; i < options.threads; i++) {
		struct stress_thread *t = &threads[i];

		t->options = &options;
		t->arena = &arena;
		t->writer = (uint64_t)node.rank * options.threads + i + 1;
		t->random = (options.seed * 1000003u + t->writer) | 1ull << 63;
		t->log = malloc(options.ops * sizeof *t->log);
		CHECK(t->log);
		CHECK(!pthread_create(&ids[i], NULL, thread_main, t));
	}
}

static void threads_stop(pthread_t *ids)
{
	atomic_store(&over, 1);
	pthread_barrier_wait(&gate);
	for (unsigned i = 0; i < options.threads; i++) {
		pthread_join(ids[i], NULL);
		free(threads[i].log);
	}
	pthread_barrier_destroy(&gate);
}

/* Mutexes made by rank 0, known to all. */
static void mutexes_share(void)
{
	dsm_mutex *shared = node_shared("mutexes", sizeof arena.mutex, 0);

	/* Each node creates what the rank it is says: their homes differ. */
	for (int m = node.rank; m < STRESS_MUTEXES; m += node.size)
		OK(dsm_mutex_create(node.dsm, &shared[m]));
	node_barrier();
	memcpy(arena.mutex, shared, sizeof arena.mutex);
	node_unshare("mutexes", shared);
}

/* ----------------------------------------------------------------- results -- */

static void sum_up(unsigned epochs)
{
	/* A page for each node's own. */
	uint64_t(*all)[512] =
		node_shared("results", (size_t)node.size * sizeof *all, sizeof *all);
	uint64_t steps = 0, sum[7] = { 0 };
	struct dsm_stats stats;

	for (unsigned i = 0; i < options.threads; i++)
		steps += atomic_load(&threads[i].steps);
	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	if (!has_shared(&stats))
		node_fail("nothing was shared: %" PRIu64 " read misses, %" PRIu64
		          " write misses, %" PRIu64 " invalidations, %" PRIu64 " downgrades",
		          stats.read_misses, stats.write_misses, stats.invalidations,
		          stats.downgrades);
	memcpy(all[node.rank],
	       (uint64_t[7]){ steps, stats.read_misses, stats.write_misses + stats.upgrades,
	                      stats.invalidations, stats.pages_fetched, stats.atomics,
	                      stats.evicted_shared + stats.evicted_modified },
	       sizeof sum);
	node_barrier();
	if (node.rank == 0) {
		for (int rank = 0; rank < node.size; rank++)
			for (int i = 0; i < 7; i++)
				sum[i] += all[rank][i];
		printf("stress: %d nodes x %u threads, %u pages of %zu KiB over %s: %u epochs, %" PRIu64
		       " operations, all coherent; %" PRIu64 " read misses, %" PRIu64
		       " write misses, %" PRIu64 " invalidations, %" PRIu64 " pages, %" PRIu64
		       " atomics at home, %" PRIu64 " evictions\n",
		       node.size, options.threads, options.pages, arena.page_bytes / 1024,
		       dsm_provider(node.dsm), epochs, sum[0], sum[1], sum[2], sum[3], sum[4],
		       sum[5], sum[6]);
	}
	node_unshare("results", all);
}

static _Noreturn void usage(int status)
{
	fprintf(status ? stderr : stdout,
	        "usage: dsmctl run -n NODES stress [OPTION]...\n"
	        "  --seconds N   how long to run (10)\n"
	        "  --pages N     pages under test (24)\n"
	        "  --huge        of 2 MiB each: every node sets that many huge pages aside\n"
	        "  --dense       all side by side, else half of them lie far apart\n"
	        "  --threads N   threads of each node, 1 to %d (2)\n"
	        "  --ops N       accesses that a thread logs per epoch: bounds memory (20000)\n"
	        "  --epoch-ms N  longest time between checks (500)\n"
	        "  --seed N      of what is random (1)\n"
	        "  --patience N  seconds without progress that count as a hang (120)\n"
	        "  --untimed     the nodes' machines have clocks of their own\n"
	        "  --dir DIR     where logs change hands, in a directory made for that (the job's\n"
	        "                directory, or TMPDIR, or /tmp)\n",
	        STRESS_THREADS_MAX);
	exit(status);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n < least || n > most) {
		fprintf(stderr, "stress: '%s' is not a number from %" PRIu64 " to %" PRIu64 "\n",
		        text, least, most);
		exit(2);
	}
	return n;
}

static void options_read(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", 1, 0, 's' },  { "pages", 1, 0, 'p' }, { "threads", 1, 0, 't' },
		{ "ops", 1, 0, 'o' },      { "seed", 1, 0, 'r' },  { "epoch-ms", 1, 0, 'e' },
		{ "patience", 1, 0, 'w' }, { "dir", 1, 0, 'd' },   { "huge", 0, 0, 'H' },
		{ "dense", 0, 0, 'D' },    { "untimed", 0, 0, 'u' }, { "help", 0, 0, 'h' },
		{ NULL, 0, 0, 0 },
	};
	int c;

	options.seed = 1;
	options.dir = getenv("DSM_JOB") ? getenv("DSM_JOB")
	              : getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (c) {
		case 's': options.seconds = (unsigned)number(optarg, 1, 1000000); break;
		case 'p': options.pages = (unsigned)number(optarg, 2, 100000); break;
		case 't': options.threads = (unsigned)number(optarg, 1, STRESS_THREADS_MAX); break;
		case 'o': options.ops = number(optarg, 100, 100000000); break;
		case 'r': options.seed = number(optarg, 0, UINT64_MAX); break;
		case 'e': options.epoch_ms = (unsigned)number(optarg, 1, 60000); break;
		case 'w': options.patience_s = (unsigned)number(optarg, 1, 3600); break;
		case 'd': options.dir = optarg; break;
		case 'H': options.huge = 1; break;
		case 'D': options.dense = 1; break;
		case 'u': options.untimed = 1; break;
		case 'h': usage(0);
		default: usage(2);
		}
	}
	if (optind != argc)
		usage(2);
}

int main(int argc, char **argv)
{
	pthread_t ids[STRESS_THREADS_MAX], watchdog;
	unsigned epochs;

	options_read(argc, argv);
	stress_arena_init(&arena, options.pages, options.huge, options.dense);
	node.huge_bytes = options.huge ? stress_arena_bytes(&arena) : 0;
	node_join("stress", options.seconds + 120);
	initial = calloc(arena.words, sizeof *initial);
	final = calloc(arena.words, sizeof *final);
	CHECK(initial && final);
	log_dir_make();
	mutexes_share();
	threads_start(ids);
	CHECK(!pthread_create(&watchdog, NULL, watch, NULL));
	epochs = epochs_run();
	log_dir_remove();
	enter("summing up");
	threads_stop(ids);
	sum_up(epochs);
	enter("leaving");
	free(initial);
	free(final);
	node_leave();
	return 0;
}
