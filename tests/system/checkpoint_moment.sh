#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What is saved is of one moment: saving is held open on all nodes while threads of all write.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
tmp=$(mktemp -d) || exit 1
mounted=
finish() {
	[ -z "$mounted" ] || umount "$mounted"
	rm -rf "$tmp"
}
trap finish EXIT
export DSM_REGION=64M
program=tests/system/checkpoint_moment

# moment HOW NODES PROVIDER [BYTES]: saved, with so much memory for each node, and restored on one
moment() {
	rm -rf "$tmp/c" "$tmp/c.next"
	DSM_MEMORY=${4:-1G} job 60 "$2" "$3" $program "$tmp/c" "$1"
	[ "$1" != next ] || tools/dsmctl checkpoint verify "$tmp/c.next" || fail "the next one is not whole"
	DSM_RESTORE=$tmp/c job 60 1 auto $program "$tmp/c" "$1"
}

for DSM_FAULTS in $deliveries; do
	export DSM_FAULTS
	moment here 2 shm
	# Pages of others have to leave.
	moment leave 4 shm 8M
done
moment here 4 shm
moment wait 1 auto
moment next 2 tcp

# --- hardly any copies in memory ---
export DSM_CHECKPOINT_COPIES=64K
moment wait 1 auto
for DSM_FAULTS in $deliveries; do
	moment wait 3 shm
done
if [ "$(id -u)" = 0 ]; then
	mkdir "$tmp/small"
	if mount -t tmpfs -o size=1m dsm-checkpoint "$tmp/small" 2>/dev/null; then
		mounted=$tmp/small
		job 60 1 auto $program "$tmp/small/c" full
		[ -z "$(find "$tmp/small" -type f)" ] || fail "left: $(find "$tmp/small")"
		umount "$tmp/small" && mounted=
	else
		echo "a full disk: there is none where tmpfs cannot be mounted"
	fi
fi
echo "checkpoints: all of one moment"
