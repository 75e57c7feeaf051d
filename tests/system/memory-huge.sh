#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The same in pages of 2 MiB: of 200 MiB each node has room for 64 MiB, its homes' 50 MiB among
# them. 4 times 32 huge pages are set aside.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
need_huge_pages 128
if sanitizer_stands_in_the_way; then
	echo "a sanitizer's own memory stands in the way of measuring the nodes'"
	exit 77
fi
export DSM_HUGE=200M DSM_MEMORY=64M
# resident KIB PROVIDER PROGRAM...: see memory.sh. Of huge pages there are none beyond the budget.
resident() {
	local kib=$1 provider=$2
	shift 2
	DSM_PROVIDER=$provider timeout -k 10 $((260 * hang_times)) tests/system/resident $((65536 + 1024)) "$kib" \
		tools/dsmctl run -t $((240 * hang_times)) -n 4 -- "$@" || fail "$* over $provider"
}
case ${MEMORY_PARTS-short} in
short) resident 24576 shm examples/kmeans --points 2900000 --rounds 2 ;;
*)
	for provider in shm tcp; do
		resident 52224 $provider examples/sort --keys 13000000
		resident 24576 $provider examples/kmeans --points 2900000 --rounds 4
	done ;;
esac
