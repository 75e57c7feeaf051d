#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Would tests/sim/secure see a broken protocol? Each planted bug of secure pages must violate what it checks in
# one of some runs, in which the core as it is passes.
set -u
bugs="renewal-untold renewed-before-all-know copy-skipped copy-not-awaited seen-at-once released-each
	seen-while-dirty copy-dropped unlogged place-not-taken pushed-shared restore-skipped absence-trusted"

# Prints the first violation, and succeeds if there is one.
look() {
	seed=0
	while [ $((seed += 1)) -le 40 ]; do
		for job in "3 2" "5 4" "8 5"; do
			for any in "" any; do
				said=$(tests/sim/secure_mutants $job 60000 "$seed" $any 2>&1) && continue
				echo "$said" | tail -1
				return 0
			done
		done
	done
	return 1
}

failures=0
unset MUTANT
look && { echo "secure_mutants: that is the core as it is"; failures=1; }
for bug in $bugs; do
	export MUTANT="$bug"
	tests/sim/secure_mutants 2 0 1 1 >/dev/null || { echo "secure_mutants: no bug $bug"; exit 99; }
	printf '%s: ' "$bug"
	look || { echo "not seen"; failures=$((failures + 1)); }
done
exit $((failures > 0))
