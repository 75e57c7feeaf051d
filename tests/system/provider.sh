#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The nodes of a job use one provider, although not all have the same ones, or are told to
# use the same: here each node is told apart by its environment.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
unset DSM_PROVIDER FI_PROVIDER
shm=$(DSM_LOG=info tests/system/api identity 2>&1 | sed -n 's/.*, provider \([^,]*\), trap.*/\1/p')
[ "$shm" = shm ] || { echo "skipped: provider shm is not used here, but ${shm:-none}"; exit 77; }

# apart CASE: three nodes, each with what CASE, for their shell, sets by rank.
apart() {
	said=$(DSM_LOG=info run_job 60 3 auto bash -c "case \$DSM_RANK in $1 esac
		exec tests/system/stress --seconds 1" 2>&1)
}

# all_use PROVIDER CASE
all_use() {
	apart "$2" || fail "status $?: $2: $said"
	[ "$(grep -c "node . of 3, provider $1," <<<"$said")" = 3 ] ||
		fail "not all nodes use $1: $2: $said"
	grep -q 'all coherent' <<<"$said" || fail "no verdict: $2: $said"
}

# fails TEXT CASE
fails() {
	apart "$2" && fail "a job runs: $2: $said"
	grep -q "$1" <<<"$said" || fail "does not say '$1': $2: $said"
}

for rank in 0 2; do
	all_use tcp "$rank) export FI_PROVIDER=^shm ;;"
	all_use 'tcp;ofi_rxm' "$rank) export DSM_PROVIDER='tcp;ofi_rxm' ;;"
done
all_use 'tcp;ofi_rxm' '0) export FI_PROVIDER=^shm ;; 1) export DSM_PROVIDER="tcp;ofi_rxm" ;;'
fails 'node 0 was told to use provider shm, node 2 tcp;ofi_rxm' \
	'0) export DSM_PROVIDER=shm ;; 2) export DSM_PROVIDER="tcp;ofi_rxm" ;;'
fails 'no better provider than .* neither that' \
	'0) export FI_PROVIDER=^shm ;; 1) export FI_PROVIDER=shm ;;'
fails '"shm" is not usable here' '0) export FI_PROVIDER=^shm ;; 1) export DSM_PROVIDER=shm ;;'

# A job that goes on when nodes die does not choose shared memory, but takes it if it is told to.
for provider in '' shm; do
	said=$(DSM_ON_LOSS=continue DSM_LOG=info run_job 60 3 "${provider:-auto}" tests/system/api identity 2>&1) ||
		fail "status $?: a job that goes on, over '$provider': $said"
	[ "$(grep -c 'node . of 3, provider shm,' <<<"$said")" = "$([ "$provider" ] && echo 3 || echo 0)" ] ||
		fail "a job that goes on, told to use '$provider': $said"
done
echo "provider: all nodes of a job use the same"
