#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl run --threads with programs that others wrote, those that are installed: on two nodes they
# write what they write alone. "threads_others.sh long" has more of them, more nodes, and many threads.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
long=${1-}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
need_threads
for ((i = 0; i < 3000; i++)); do
	echo "$((i * 7919 % 3001)) line $i of what is to be made smaller, sorted, and so on"
done >"$tmp/in"
ran=()

# nodes N PROGRAM ARGUMENT...: what it said is in $tmp/said
nodes() {
	timeout -k 10 $((hang + 20)) tools/dsmctl run -t $hang --threads -n "$1" -- "${@:2}" \
		>"$tmp/said" 2>"$tmp/wrong" </dev/null
}

# same FILTER PROGRAM ARGUMENT...: where there is one; what it writes, through the filter, is the same
same() {
	local filter=$1 n
	shift
	command -v "$1" >/dev/null || return
	"$@" >"$tmp/alone" 2>/dev/null </dev/null || fail "$*: status $? alone"
	for n in 2 ${long:+1 4}; do
		nodes "$n" "$@" || fail "$* on $n nodes: status $?: $(cat "$tmp/wrong")"
		cmp -s <($filter <"$tmp/alone") <($filter <"$tmp/said") ||
			fail "$* on $n nodes writes something else: $(tail -n 3 "$tmp/wrong")"
	done
	ran+=("$1")
}

same cat zstd -q -T2 -B64K -c "$tmp/in"
same cat pigz -p 2 -b 128 -n -c "$tmp/in"
if [ -n "$long" ]; then
	same cat xz -T2 --block-size=100000 -c "$tmp/in"
	same cat sort --parallel=4 -S 10M "$tmp/in"
	same cat pbzip2 -p4 -b1 -1 -c "$tmp/in"
	same cat lbzip2 -n 4 -1 -c "$tmp/in"
	same cat plzip -n 4 -0 -B 100000 -c "$tmp/in"
	{
		echo 'YUV4MPEG2 W64 H64 F25:1 Ip C420jpeg'
		for ((i = 0; i < 20; i++)); do
			echo FRAME
			tail -c +$((i * 40 + 1)) "$tmp/in" | head -c 6144
		done
	} >"$tmp/in.y4m"
	same cat x264 --quiet --threads 4 --demuxer y4m --muxer raw -o /dev/stdout "$tmp/in.y4m"
	same cat pixz -p 4 -k -i "$tmp/in" -o /dev/stdout
	for seven in 7zz /usr/lib/p7zip/7z; do # 7z is a script
		same cat $seven a -mmt4 -bd -so -tbzip2 unused "$tmp/in"
	done
	same cat /usr/bin/python3 -c 'if True: # with modules that it loads
		import hashlib, zlib
		from concurrent.futures import ThreadPoolExecutor
		def work(i):
			return hashlib.sha256(zlib.compress(b"%d" % i * 5000)).hexdigest()
		with ThreadPoolExecutor(4) as pool:
			print(list(pool.map(work, range(8))))'
	same 'grep events.:' sysbench threads --threads=4 --events=50 --time=0 run
	same 'grep events.:' sysbench mutex --threads=4 --mutex-num=16 --mutex-locks=50 \
		--mutex-loops=100 run
fi

# What these taught. Threads elsewhere, and here.
others=tests/system/threaded_others
for n in 2 ${long:+1 4}; do
	nodes $n $others "$tmp/file" || fail "$n nodes: status $?: $(cat "$tmp/wrong")"
	[ "$(cat "$tmp/said")" = exit ] || fail "$n nodes: $(cat "$tmp/said")"
done
nodes 2 $others leave || fail "pthread_exit of main: status $?: $(cat "$tmp/wrong")"
[ "$(cat "$tmp/said")" = "$(printf 'main is gone\nexit')" ] || fail "leave: $(cat "$tmp/said")"
nodes 2 $others _exit 6
status=$?
[ $status = 6 ] || fail "_exit of a thread elsewhere: status $status: $(cat "$tmp/wrong")"
[ ! -s "$tmp/said" ] || fail "_exit calls what exit does"
nodes 2 $others deep
status=$?
[ $status = 139 ] || fail "a stack that is too small: status $status: $(cat "$tmp/wrong")"
nodes 2 $others wide ${long:+12}8 || fail "many threads: status $?: $(cat "$tmp/wrong")"
nodes 2 $others many ${long:+100}20 || fail "many threads: status $?: $(cat "$tmp/wrong")"
echo "as alone: ${ran[*]:-no program, for none is installed}"
