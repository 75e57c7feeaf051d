#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What goes wrong with checkpoints: each time there is a code and a sentence on all nodes, and the
# checkpoint that was there is as good as before.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 1
mounted=
finish() {
	[ -z "$mounted" ] || umount "$mounted"
	rm -rf "$tmp"
}
trap finish EXIT
export DSM_REGION=64M
program=tests/system/checkpoint

# refused SENTENCE NODES [ARGUMENT...]: the job fails, and says that
refused() {
	local sentence=$1
	shift
	run_job 60 "$1" auto $program "${@:2}" >"$tmp/said" 2>&1 && fail "goes through: $sentence"
	grep -q "$sentence" "$tmp/said" || fail "not '$sentence', but: $(cat "$tmp/said")"
}

# fresh: $tmp/c is a copy of a good checkpoint
fresh() {
	rm -rf "$tmp/c"
	cp -r "$tmp/good" "$tmp/c"
	DSM_RESTORE=$tmp/c
	generation=$(echo "$tmp"/c/0*)
}

# flip FILE BYTE: one bit
flip() {
	local was
	was=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((was ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

job 60 2 auto $program "$tmp/good" 2

# --- files that are not what they were ---
export DSM_RESTORE
DSM_RESTORE=$tmp/none refused 'none: No such file' 1 "$tmp/x" 2
mkdir "$tmp/empty"
DSM_RESTORE=$tmp/empty refused 'there is no whole checkpoint in .*: it has no manifest' 2 "$tmp/x" 2
fresh
flip "$tmp/c/manifest" 100
refused 'the manifest is damaged' 3 "$tmp/x" 2
DSM_RESTORE='' refused 'checkpoint: .*: the manifest is damaged' 1 "$tmp/c" 2
fresh
flip "$generation/0001.index" 90
refused 'the index of node 1 is damaged' 2 "$tmp/x" 2
fresh
flip "$generation/0001.data" 777
refused 'the data of node 1 is damaged' 1 "$tmp/x" 2
tools/dsmctl checkpoint verify "$tmp/c" 2>"$tmp/said" && fail "dsmctl takes damaged data for whole"
grep -q 'the data of node 1 is damaged' "$tmp/said" || fail "dsmctl: $(cat "$tmp/said")"
if grep -q '^#define HAVE_ZSTD 1' config.h; then
	DSM_RESTORE='' job 60 2 auto $program "$tmp/packed" 1 compress
	flip "$(echo "$tmp"/packed/0*)/0001.data" 777
	DSM_RESTORE=$tmp/packed refused 'the data of node 1 is damaged' 1 "$tmp/x" 2
fi
fresh
truncate -s -1 "$generation/0000.data"
refused 'the data of node 0 has another length' 2 "$tmp/x" 2
fresh
rm "$generation/0000.index"
refused 'cannot open 0000.index: No such file' 2 "$tmp/x" 2
DSM_RESTORE='' job 60 2 auto $program "$tmp/other" 2
fresh
cp "$tmp"/other/0*/0001.index "$generation/"
refused 'the index of node 1 is of another checkpoint' 2 "$tmp/x" 2

# --- another region, too little memory, other nodes ---
fresh
DSM_REGION=32M refused 'it has a region of 67108864 bytes .* DSM_REGION' 2 "$tmp/x" 2
DSM_MEMORY=512K refused 'has no room for the pages that it is home to' 1 "$tmp/x" 2
DSM_REGION=128M job 60 2 auto $program "$tmp/c" 3
fresh
cat >"$tmp/half" <<'END'
[ "$DSM_RANK" = 1 ] || unset DSM_RESTORE
exec "$@"
END
run_job 60 2 auto bash "$tmp/half" $program "$tmp/x" 2 >"$tmp/said" 2>&1 && fail "half a restart"
grep -q 'goes on from another checkpoint, or from none' "$tmp/said" || fail "$(cat "$tmp/said")"

# --- where it cannot be written ---
DSM_RESTORE=
export BAD_DIRECTORY=1
refused 'cannot make directory' 2 "$tmp/no/such/place" 2
echo >"$tmp/file"
refused 'cannot open directory' 2 "$tmp/file" 2
# Of each node it is another one: where there is nothing of node 0's, and where there is what looks like it.
mkdir "$tmp/of0" "$tmp/of1"
apart=(bash -c 'cd "$0/of$DSM_RANK" && exec "$@"' "$tmp" "$PWD/$program" c 2)
run_job 60 2 auto "${apart[@]}" >"$tmp/said" 2>&1 && fail "a directory of each node's own"
grep -q 'is not there for node 1: all nodes need the same directory' "$tmp/said" || fail "$(cat "$tmp/said")"
[ -z "$(find "$tmp/of0" "$tmp/of1" -type f)" ] || fail "left: $(find "$tmp/of0" "$tmp/of1")"
mkdir -p "$tmp/of1/c/0000000001"
run_job 60 2 auto "${apart[@]}" >"$tmp/said" 2>&1 && fail "a directory of each node's own, with another's generation"
grep -q 'cannot open 0001.index: No such file' "$tmp/said" || fail "$(cat "$tmp/said")"
[ ! -e "$tmp/of0/c/manifest" ] || fail "half of the files have a manifest"
fresh
flock -n "$tmp/c" tools/dsmctl checkpoint verify "$tmp/c" || fail "flock: status $?"
exec {locked}<"$tmp/c"
flock -n $locked || fail "another has the lock"
DSM_RESTORE=$tmp/c refused 'another job writes its checkpoints' 2 "$tmp/c" 4
exec {locked}<&-
DSM_RESTORE=$tmp/c job 60 3 auto $program "$tmp/c" 4
if [ "$(id -u)" = 0 ]; then
	mkdir "$tmp/small"
	# Room for one, and half of the next.
	size=$(($(du -sk "$tmp/good" | cut -f1) * 3 / 2))k
	if mount -t tmpfs -o "size=$size" dsm-checkpoint "$tmp/small" 2>/dev/null; then
		mounted=$tmp/small
		DSM_RESTORE='' refused 'No space left on device' 2 "$tmp/small/c" 5
		tools/dsmctl checkpoint verify "$tmp/small/c" || fail "the one before is not whole"
		rm -rf "$tmp/small/c"
		DSM_LOG=error DSM_RESTORE='' refused 'No space left on device' 2 "$tmp/small/c" 5 background
		tools/dsmctl checkpoint verify "$tmp/small/c" || fail "the one before is not whole, in the background"
		mount -o remount,size=64m "$tmp/small"
		DSM_RESTORE=$tmp/small/c job 60 1 auto $program "$tmp/small/c" 5
		mount -o remount,ro "$tmp/small"
		DSM_RESTORE=$tmp/small/c refused 'Read-only file system' 2 "$tmp/small/c" 6
		umount "$tmp/small" && mounted=
	else
		echo "a full disk: there is none where tmpfs cannot be mounted"
	fi
fi
echo "checkpoints: all that is wrong is refused"
