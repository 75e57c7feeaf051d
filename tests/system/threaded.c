/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program with threads and no word of libdsm, that goes through the calls of pthreads, with all it
 * shares where such programs have it: variables, heap, stacks. Ends by exit while a thread computes,
 * with status 3; with an argument by exit of a thread, with that. Alone it fails where it tries fork, which dsmctl run --threads refuses.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define THREADS 6
#define CHECK(condition) \
	((condition) ? (void)0 \
	             : (fprintf(stderr, "threaded: line %d: %s\n", __LINE__, #condition), exit(1)))

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t checked = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static pthread_key_t key;
static sem_t semaphore;
static int onces, destroyed, counted, cleaned;
static volatile int computed;
static __thread long own = 5;
static char where[16];

static void on_once(void)
{
	onces++;
}

static void on_key(void *value)
{
	__atomic_fetch_add(&destroyed, *(int *)value, __ATOMIC_SEQ_CST);
	free(value);
}

static void on_cleanup(void *unused)
{
	__atomic_fetch_add(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void try_mutexes(void)
{
	for (int i = 0; i < 20; i++) {
		CHECK(!pthread_spin_lock(&spin));
		counted++;
		CHECK(!pthread_spin_unlock(&spin));
	}
	CHECK(!pthread_mutex_lock(&recursive));
	CHECK(!pthread_mutex_trylock(&recursive));
	CHECK(!pthread_mutex_unlock(&recursive));
	CHECK(!pthread_mutex_unlock(&recursive));
	CHECK(!pthread_mutex_lock(&checked));
	CHECK(pthread_mutex_lock(&checked) == EDEADLK);
	CHECK(!pthread_mutex_unlock(&checked));
	CHECK(pthread_mutex_unlock(&checked) == EPERM);
	CHECK(!pthread_rwlock_rdlock(&rwlock));
	CHECK(!pthread_rwlock_unlock(&rwlock));
	CHECK(!pthread_rwlock_wrlock(&rwlock));
	CHECK(!pthread_rwlock_unlock(&rwlock));
	CHECK(!sem_wait(&semaphore));
	CHECK(!sem_post(&semaphore));
}

static void try_time(void)
{
	struct timespec until;

	CHECK(!clock_gettime(CLOCK_REALTIME, &until));
	until.tv_nsec += 20000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	CHECK(!pthread_mutex_lock(&plain));
	CHECK(pthread_cond_timedwait(&never, &plain, &until) == ETIMEDOUT);
	CHECK(!pthread_mutex_unlock(&plain));
}

static int deep(int levels)
{
	volatile char room[512];

	memset((void *)room, 1, sizeof room);
	return levels ? deep(levels - 1) + room[levels % 512] : 1;
}

static void try_stack(void)
{
	pthread_attr_t attr;
	size_t bytes;
	void *lo;

	CHECK(deep(1000) == 1001);
	CHECK(!pthread_getattr_np(pthread_self(), &attr));
	CHECK(!pthread_attr_getstack(&attr, &lo, &bytes));
	CHECK((char *)&attr > (char *)lo && (char *)&attr < (char *)lo + bytes);
	pthread_attr_destroy(&attr);
}

static void *work(void *arg)
{
	int *value = malloc(sizeof *value), rc;

	CHECK(own == 5);
	own = (long)arg;
	CHECK(!pthread_once(&once, on_once) && onces == 1);
	*value = 1;
	CHECK(!pthread_getspecific(key));
	CHECK(!pthread_setspecific(key, value) && pthread_getspecific(key) == value);
	try_mutexes();
	try_stack();
	rc = pthread_barrier_wait(&barrier);
	CHECK(rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD);
	try_time();
	CHECK(own == (long)arg);
	pthread_cleanup_push(on_cleanup, NULL);
	pthread_exit((void *)((long)arg * 10));
	pthread_cleanup_pop(0);
	return NULL;
}

static void *post(void *arg)
{
	sem_post(arg);
	return NULL;
}

static void *compute(void *arg)
{
	for (;;)
		computed++;
	return arg;
}

static void try_join(void)
{
	pthread_t thread[THREADS];
	void *value;

	CHECK(!pthread_key_create(&key, on_key));
	CHECK(!sem_init(&semaphore, 0, 1));
	CHECK(!pthread_barrier_init(&barrier, NULL, THREADS));
	CHECK(!pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, work, (void *)i));
	for (long i = 0; i < THREADS; i++) {
		CHECK(!pthread_equal(thread[i], pthread_self()));
		CHECK(!pthread_join(thread[i], &value) && value == (void *)(i * 10));
	}
	CHECK(destroyed == THREADS && counted == 20 * THREADS && cleaned == THREADS);
}

static void try_detach(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sem_t done; /* on main's stack */

	CHECK(!sem_init(&done, 0, 0));
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < 10; i++)
		CHECK(!pthread_create(&thread, &attr, post, &done));
	for (int i = 0; i < 10; i++)
		CHECK(!sem_wait(&done));
	pthread_attr_destroy(&attr);
}

static void try_children(void)
{
	char line[64];
	FILE *child;

	CHECK(!getenv("LD_PRELOAD") && !getenv("DSM_JOB"));
	CHECK(WEXITSTATUS(system("exit 7")) == 7);
	child = popen("echo from a child", "r");
	CHECK(child && fgets(line, sizeof line, child));
	fputs(line, stdout);
	pclose(child);
	CHECK(fork() == -1 && errno == ENOSYS);
}

/* --- C11 --- */

static mtx_t c11_mutex;
static cnd_t c11_cond;
static int c11_turn;

static int c11_work(void *arg)
{
	CHECK(mtx_lock(&c11_mutex) == thrd_success);
	c11_turn = 1;
	CHECK(cnd_signal(&c11_cond) == thrd_success);
	CHECK(mtx_unlock(&c11_mutex) == thrd_success);
	return *(int *)arg + 1;
}

static void try_c11(void)
{
	int arg = 4, result = 0; /* on main's stack */
	thrd_t thread;

	CHECK(mtx_init(&c11_mutex, mtx_plain) == thrd_success);
	CHECK(cnd_init(&c11_cond) == thrd_success);
	CHECK(thrd_create(&thread, c11_work, &arg) == thrd_success);
	CHECK(mtx_lock(&c11_mutex) == thrd_success);
	while (!c11_turn)
		CHECK(cnd_wait(&c11_cond, &c11_mutex) == thrd_success);
	CHECK(mtx_unlock(&c11_mutex) == thrd_success);
	CHECK(thrd_join(thread, &result) == thrd_success && result == 5);
}

static void *call_exit(void *arg)
{
	exit((int)(long)arg);
}

static void at_end(void)
{
	printf("at exit: %s\n", where);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	setvbuf(stdout, NULL, _IOFBF, 4096);
	CHECK(!atexit(at_end));
	strcpy(where, "here");
	CHECK(!setenv("SOME_VARIABLE", "value", 1));
	if (argc > 1) {
		CHECK(!pthread_create(&thread, NULL, call_exit, (void *)atol(argv[1])));
		pthread_join(thread, NULL);
		return 1;
	}
	try_join();
	try_c11();
	try_detach();
	try_children();
	CHECK(!pthread_create(&thread, NULL, compute, NULL));
	printf("fine\n");
	return 3;
}
