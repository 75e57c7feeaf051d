#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What bash completes after dsmctl and dsm-bench is what these have: their commands, options and
# values by --help, jobs by dsmctl status, tests by dsm-bench --list. Works in the build directory.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
top=$(cd "${srcdir:-.}" && pwd) || exit 99
tmp=$(mktemp -d) || exit 99
pids=()
trap '[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$tmp"' EXIT
export XDG_RUNTIME_DIR=$tmp TMPDIR=$tmp
unset DSM_JOB DSM_RANK DSM_SIZE

# shellcheck source=tools/completions/dsm-bench
. "$top/tools/completions/dsm-bench"

# completes WORD...: what the last word may become, sorted, on one line; as bash calls it, which
# takes --option=word for three words
completes() {
	local function COMPREPLY=()
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	function=$(complete -p "${1##*/}" | sed 's/.* -F \([^ ]*\) .*/\1/')
	"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd ' '
}

# is EXPECTED WORD...
is() {
	local expected=$1 got
	shift
	got=$(completes "$@" 2>"$tmp/said")
	[ "$got" = "$expected" ] || fail "'$*' becomes '${got:0:200}', not '$expected'"
	[ ! -s "$tmp/said" ] || fail "'$*': $(cat "$tmp/said")"
}

# all_of COMMAND...: its long options, however their help is laid out
all_of() {
	"$@" --help | grep -oE -- '--[a-z-]+  ?' | tr -d ' ' | LC_ALL=C sort -u | paste -sd ' '
}

ctl=tools/dsmctl bench=tools/dsm-bench
is 'audit checkpoint clean doctor heatmap help hot kill metrics run stats status top trace version' $ctl ''
is 'run' $ctl help ru
is '' $ctl help run ''
is 'stats status' $ctl sta
is '--help --version' $ctl -
for command in run status stats audit hot metrics heatmap trace top checkpoint kill clean doctor; do
	is "$(all_of $ctl $command | sed 's/^-- //')" $ctl $command --
done
is '--faults' $ctl run --f
is '' $ctl nonsense --
is 'auto event signal' $ctl run --faults ''
is 'event' $ctl run -n 2 -f e
is 'auto event signal' $ctl run --faults =
is 'debug' $ctl run --log = d
is '' $ctl run --nodes ''
is 'event signal' $bench --faults ''
is 'pmd pte' $bench -z ''
is '' $bench --json ''
is "$(all_of $bench)" $bench --
is "apps $($bench --list | sed 's/ .*//' | LC_ALL=C sort | paste -sd ' ')" $bench ''
is "$($bench apps --list | sed 's/ .*//' | LC_ALL=C sort | paste -sd ' ')" $bench apps -n 2 ''
is 'scatter' $bench apps sc
is 'bare_trap bare_trap_upgrade' $bench --nodes 2 bare_t

# The nodes' command is none of dsmctl's.
[[ " $(completes $ctl run -n 4 'mkdi') " = *' mkdir '* ]] || fail "run completes no commands"
[[ " $(completes $ctl run -n 4 --faults = event -- 'mkdi') " = *' mkdir '* ]] ||
	fail "run completes no commands after --"
is '' $ctl run -n 4 mkdir --
is '--no-prefix --nodes' $ctl run --timeout 4 --n

# Jobs: one that runs, and one that is dead, whose directory is old and has nothing in it.
tools/dsmctl run -n 1 sleep 600 &
pids+=($!)
job_of() { $ctl status | sed -n "s/^job \([^:]*\): $1.*/\1/p" | LC_ALL=C sort | paste -sd ' '; }
one() { [ "$(job_of '' | wc -w)" = 1 ]; }
wait_until "a job" one
directory=$($ctl status --json | sed -n 's/.*"directory": "\(.*\)".*/\1/p')
dead=${directory%/*}/dead-job
mkdir -m 700 "$dead" && touch -d '1 hour ago' "$dead" || exit 99
[ "$(job_of dead)" = dead-job ] || fail "dsmctl does not take dead-job for dead: $($ctl status)"
[ "$(job_of '' | wc -w)" = 2 ] || fail "not both jobs are listed: $($ctl status)"
for command in status stats audit hot metrics heatmap trace; do
	is "$(job_of '')" $ctl $command ''
done
is dead-job $ctl clean ''
is dead-job $ctl audit de
is "$(job_of '')" $ctl kill ''
is '' $ctl status nonsense
is '' $ctl status "$tmp/"
echo "completion: bash completes what dsmctl and dsm-bench have"
