#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl run --threads: system calls, files of stdio, memory of mmap, ends of threads and of the program:
# programs with those say on 1, 2 and 4 nodes what they say alone; what is refused is, by name.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
need_threads

# nodes N PROGRAM ARGUMENT...: what it said is in $tmp/said and $tmp/wrong
nodes() {
	timeout -k 10 $((hang + 20)) tools/dsmctl run -t $hang --threads -n "$1" -- "${@:2}" \
		>"$tmp/said" 2>"$tmp/wrong" </dev/null
}

# same PROGRAM ARGUMENT...: status and output, alone and on nodes
same() {
	local status n got
	"$@" >"$tmp/alone" 2>"$tmp/wrong"
	status=$?
	for n in 1 2 4; do
		nodes $n "$@"
		got=$?
		[ $got = $status ] ||
			fail "$* on $n nodes: status $got, alone $status: $(cat "$tmp/wrong")"
		cmp -s "$tmp/alone" "$tmp/said" ||
			fail "$* on $n nodes: $(cat "$tmp/said"), alone: $(cat "$tmp/alone")"
		! grep -v '^dsmctl: rank 0 exited with status' "$tmp/wrong" || fail "$* on $n nodes: $(cat "$tmp/wrong")"
	done
}

mkdir "$tmp/dir"
same tests/system/threaded_calls "$tmp/dir"
same tests/system/threaded_files "$tmp/file"
if [ -x tests/system/threaded_ends ]; then
	same tests/system/threaded_ends
	same tests/system/threaded_ends 7
fi

nodes 2 tests/system/threaded_calls refuse
for call in io_uring_setup poll mmap execve; do
	grep -q "node 1: $call\b" "$tmp/wrong" || fail "$call is not refused: $(cat "$tmp/wrong")"
done
grep -q "node 0: clone\b" "$tmp/wrong" || fail "nobody hears of a thread of libc's: $(cat "$tmp/wrong")"
# Whatever starts another program in its place.
nodes 2 env true && fail "execve of main"
grep -q 'execve: ' "$tmp/wrong" || fail "execve of main: $(cat "$tmp/wrong")"

# Memory that is not shared, and a stack that is used up, are told apart.
nodes 2 tests/system/threaded_others fixed
status=$?
[ $status = 139 ] || fail "memory at an address of its choice: status $status: $(cat "$tmp/wrong")"
grep -q "address of its choice" "$tmp/wrong" || fail "nobody hears of MAP_FIXED: $(cat "$tmp/wrong")"
grep -q "used memory at 0x600000000000" "$tmp/wrong" || fail "nobody hears where: $(cat "$tmp/wrong")"
for n in 1 2; do
	nodes $n tests/system/threaded_others over
	status=$?
	[ $status = 139 ] || fail "the end of a stack, $n nodes: status $status: $(cat "$tmp/wrong")"
done
grep -q 'used up its stack' "$tmp/wrong" || fail "the end of a stack: $(cat "$tmp/wrong")"

# OpenMP's threads are of one process, and it is said.
cat >"$tmp/omp.c" <<'EOF'
#include <stdio.h>
int main(void)
{
	long sum = 0;
	for (int round = 0; round < 3; round++)
#pragma omp parallel for reduction(+ : sum) num_threads(4)
		for (int i = 0; i < 100000; i++)
			sum += i;
	printf("%ld\n", sum);
	return 0;
}
EOF
if cc -O1 -fopenmp -o "$tmp/omp" "$tmp/omp.c" 2>/dev/null; then
	nodes 2 "$tmp/omp" || fail "OpenMP: status $?: $(cat "$tmp/wrong")"
	[ "$(cat "$tmp/said")" = 14999850000 ] || fail "OpenMP: $(cat "$tmp/said")"
	grep -q "OpenMP's threads stay" "$tmp/wrong" || fail "nobody hears of OpenMP: $(cat "$tmp/wrong")"
fi
# A program at a fixed address that takes the address of free, which the libraries then call by way of it.
cat >"$tmp/fixed.c" <<'EOF'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static volatile int first[64] = { 1 }; /* beside what its stubs read */
static void (*volatile release)(void *);
static void *work(void *arg)
{
	for (int i = 0; i < 64; i++)
		first[i] += i;
	release(arg);
	return NULL;
}
int main(void)
{
	pthread_t thread;
	int sum = 0;
	release = free;
	for (int round = 0; round < 3; round++) {
		pthread_create(&thread, NULL, work, malloc(10));
		pthread_join(thread, NULL);
	}
	for (int i = 0; i < 64; i++)
		sum += first[i];
	printf("%d\n", sum);
	return 0;
}
EOF
for flags in "-Wl,-z,lazy" "-Wl,-z,now"; do
	# shellcheck disable=SC2086
	cc -O1 -no-pie -fno-pie $flags -pthread -o "$tmp/fixed" "$tmp/fixed.c" 2>/dev/null || continue
	same "$tmp/fixed"
done
if cc -O1 -Wl,-z,norelro -Wl,-z,lazy -pthread -o "$tmp/norelro" "$tmp/fixed.c" 2>/dev/null; then
	nodes 2 "$tmp/norelro" && fail "a program without RELRO runs"
	grep -q 'without RELRO' "$tmp/wrong" || fail "without RELRO: $(cat "$tmp/wrong")"
fi
# A library that has variables, with a lock.
cat >"$tmp/library.c" <<'EOF'
#include <pthread.h>
#include <stdlib.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int table[3000] = { 5 };
static int *more;
__attribute__((constructor)) static void make(void)
{
	if (!posix_memalign((void **)&more, 64, sizeof *more))
		*more = 0;
	more = realloc(more, 100);
}
int count(int by)
{
	pthread_mutex_lock(&lock);
	table[0] += by;
	table[2999] += by;
	*more += by;
	by = table[0] + table[2999] + *more;
	pthread_mutex_unlock(&lock);
	return by;
}
EOF
cat >"$tmp/user.c" <<'EOF'
#include <pthread.h>
#include <stdio.h>
#ifdef LOADED
#include <dlfcn.h>
static int (*count)(int by);
#else
int count(int by);
#endif
static void *work(void *unused)
{
	for (int i = 0; i < 100; i++)
		count(1);
	return unused;
}
int main(void)
{
	pthread_t thread[4];
#ifdef LOADED
	count = dlsym(dlopen(LOADED, RTLD_NOW), "count");
#endif
	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, work, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	printf("%d\n", count(0));
	return 0;
}
EOF
if cc -shared -fPIC -pthread -o "$tmp/libcount.so" "$tmp/library.c" 2>/dev/null &&
	cc -pthread -o "$tmp/user" "$tmp/user.c" "$tmp/libcount.so" -Wl,-rpath,"$tmp" 2>/dev/null; then
	same "$tmp/user"
	cc -pthread -o "$tmp/loader" -DLOADED="\"$tmp/libcount.so\"" "$tmp/user.c" -ldl || fail "loader"
	same "$tmp/loader"
fi
echo "calls, files and ends are as they are alone"
