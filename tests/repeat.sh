#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests of build/ again and again, to find those that do not pass every time.
#
#	tests/repeat.sh [-l] [-b DIR] N [TEST...]
#
#	-l        beside a busy loop on every processor
#	-b DIR    the build directory (build)
#	TEST      as in make check TESTS=...: only these
#
# One line for each run: what failed in it. The logs of those that did are kept in DIR/repeat. The
# last line is "N passed, N failed", the exit status 0 when none failed.
set -u
cd "$(dirname "$0")/.." || exit 1

usage() { sed -n 's/^#\t//p' "$0" >&2; exit 2; }

load='' dir=build
while getopts lb: option; do
	case $option in
	l) load=1 ;;
	b) dir=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[[ ${1-} =~ ^[1-9][0-9]*$ ]] || usage
runs=$1
shift
[ -e "$dir/Makefile" ] || { echo "repeat.sh: $dir is not built: run ./check" >&2; exit 2; }

busy=() made=
# shellcheck disable=SC2317 # by trap
idle_again() {
	local pid
	for pid in "${busy[@]}" ${made:+-$made}; do kill -- "$pid" 2>/dev/null; done
}
trap idle_again EXIT
trap 'exit 1' INT TERM HUP
if [ "$load" ]; then
	export CHECK_JOBS=$((3 * $(nproc))) # tests at a time: of the processors little is left for one
	for ((i = $(nproc); i > 0; i--)); do
		# It ends by itself when this script has been killed.
		(while kill -0 $$ 2>/dev/null; do for ((k = 0; k < 100000; k++)); do :; done; done) &
		busy+=($!)
	done
fi

# The tests' results as automake has left them: "NAME RESULT".
results() {
	local trs
	while read -r trs; do
		printf '%s %s\n' "${trs#"$dir"/}" "$(sed -n 's/^:global-test-result: //p' "$trs")"
	done < <(find "$dir/tests" -name '*.trs' | sort)
}

rm -rf "$dir/repeat"
mkdir -p "$dir/repeat"
passed=0 failed=0
for ((run = 1; run <= runs; run++)); do
	start=$SECONDS bad=() skipped=0 count=0
	find "$dir/tests" -name '*.trs' -delete
	set -m # a process group: make's makes go on without it
	tests/make-check.sh "$dir" ${1:+TESTS="$*"} </dev/null >"$dir/repeat/make.log" 2>&1 &
	made=$! # a trap does not wait for who is in the background
	set +m
	wait "$made"
	status=$? made=
	while read -r name result; do
		name=${name%.trs}
		count=$((count + 1))
		case $result in
		PASS | XFAIL) ;;
		SKIP) skipped=$((skipped + 1)) ;;
		*)
			bad+=("$name")
			cp "$dir/$name.log" "$dir/repeat/$run-${name//\//-}.log"
			;;
		esac
	done < <(results)
	# What is no test's failure is one of the run.
	[ ${#bad[@]} = 0 ] && { [ $status != 0 ] || [ $count = 0 ]; } &&
		cp "$dir/repeat/make.log" "$dir/repeat/$run-make.log" && bad=("make, with status $status")
	if [ ${#bad[@]} = 0 ]; then
		passed=$((passed + 1)) said=passed
	else
		failed=$((failed + 1)) said="FAILED: ${bad[*]}"
	fi
	printf 'run %d of %d%s, %d s, %d tests, %d skipped: %s\n' $run "$runs" "${load:+ beside busy loops}" \
		$((SECONDS - start)) $count $skipped "$said"
done
printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
