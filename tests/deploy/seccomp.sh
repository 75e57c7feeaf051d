#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What docs/deploy.md says of containers, in what is like one: no device, no capability, and the
# seccomp filter of a default profile. No job runs there, and the doctor says what would help; with
# the profile that packaging/userfaultfd.jq makes one does, and no other call is allowed by it; so
# one does with the device. Also with Podman's profile, where that is installed.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
top=$(cd "${srcdir:-.}" && pwd) || exit 99
here=$PWD
skip() { echo "skipped: $*"; exit 77; }

for program in jq bwrap; do
	command -v $program >/dev/null || skip "not installed: $program"
done
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
"$top/tests/deploy/confine.py" --default >"$tmp/default.json" 2>"$tmp/said" || {
	[ $? = 77 ] && skip "$(cat "$tmp/default.json")"
	fail "no profile: $(cat "$tmp/said")"
}
need_nodes

# A root as this one, in which files may be added; what the other side sees are not these.
root=(--unshare-pid --proc /proc --dev /dev --tmpfs /run --cap-drop ALL)
for path in /*; do
	case $path in
	/dev | /proc | /run) ;;
	*) if [ -L "$path" ]; then
		root+=(--symlink "$(readlink "$path")" "$path")
	elif [ -d "$path" ]; then
		root+=(--bind "$path" "$path")
	fi ;;
	esac
done

# contained PROFILE [BWRAP OPTION...] -- COMMAND...
contained() {
	local profile=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	env -u container -u KUBERNETES_SERVICE_HOST -u XDG_RUNTIME_DIR TMPDIR="$tmp" timeout -k 10 $hang \
		bwrap "${root[@]}" "${options[@]}" --chdir "$here" \
		"$top/tests/deploy/confine.py" "$profile" "${@:2}"
}

bwrap "${root[@]}" true 2>"$tmp/said" || skip "$(tail -n 1 "$tmp/said")"
[ "$(cat /proc/sys/vm/unprivileged_userfaultfd)" = 1 ] && events=ok || events=less

# advises ADVICE [BWRAP OPTION...]: where userfaultfd is forbidden, the doctor says this
advises() {
	local advice=$1
	shift
	contained "$tmp/default.json" "$@" -- tools/dsmctl doctor >"$tmp/said" 2>&1 &&
		fail "a job runs although userfaultfd is forbidden: $(cat "$tmp/said")"
	grep -q '^bad   kernel' "$tmp/said" || fail "the doctor does not see it: $(cat "$tmp/said")"
	grep -qF "$advice" "$tmp/said" || fail "with $*, no '$advice': $(cat "$tmp/said")"
	grep -q unconfined "$tmp/said" && fail "it advises to go without a filter: $(cat "$tmp/said")"
}

advises 'SystemCallFilter=userfaultfd'
advises '> docker run --device /dev/userfaultfd' --ro-bind /dev/null /.dockerenv
advises '> or docker run --security-opt seccomp=' --setenv container docker
advises '> podman run --device /dev/userfaultfd' --ro-bind /dev/null /run/.containerenv
advises 'seccompProfile: {type: Localhost' --setenv KUBERNETES_SERVICE_HOST 10.0.0.1
advises 'give the container the device /dev/userfaultfd' --setenv container lxc

# runs PROFILE [BWRAP OPTION...]: README's first program, and the doctor agrees
runs() {
	local profile=$1
	shift
	contained "$profile" "$@" -- tools/dsmctl run -t $hang -n 4 tests/docs/first >"$tmp/out" 2>&1 ||
		fail "status $? with $profile: $(cat "$tmp/out")"
	[ "$(sort "$tmp/out")" = "$(printf '[%d] node %d sees 10\n' 0 0 1 1 2 2 3 3)" ] ||
		fail "with $profile: $(cat "$tmp/out")"
	contained "$profile" "$@" -- tools/dsmctl doctor >"$tmp/said" 2>&1 ||
		fail "the doctor disagrees, with $profile: $(cat "$tmp/said")"
}

# The calls that a profile allows, each with its conditions.
allowed() {
	jq -S -c '[.defaultAction, .defaultErrnoRet],
		(.syscalls[] | .names[] as $n | [$n, del(.names)])' "$1" | LC_ALL=C sort
}

profiles=("$tmp/default.json")
# It forbids what sanitizers do to themselves.
[ ! -e /usr/share/containers/seccomp.json ] || sanitizer_stands_in_the_way ||
	profiles+=(/usr/share/containers/seccomp.json)
for default in "${profiles[@]}"; do
	jq -f "$top/packaging/userfaultfd.jq" "$default" >"$tmp/ours.json" || fail "cannot change $default"
	diff <(allowed "$default") <(allowed "$tmp/ours.json") | grep '^[<>]' >"$tmp/changes"
	grep -v '^> \["userfaultfd",{"action":"SCMP_ACT_ALLOW"}\]$' "$tmp/changes" |
		grep -v '^< \["userfaultfd",' &&
		fail "more is changed of $default than userfaultfd"
	runs "$tmp/ours.json"
	grep -q "^$events *events" "$tmp/said" || fail "events are not $events: $(cat "$tmp/said")"
	contained "$tmp/ours.json" -- unshare -m true 2>/dev/null &&
		fail "$default allows unshare, changed"
done

with="the profile"
if [ -r /dev/userfaultfd ] && [ -w /dev/userfaultfd ]; then
	for default in "${profiles[@]}"; do
		runs "$default" --dev-bind /dev/userfaultfd /dev/userfaultfd
		grep -q '^ok *events' "$tmp/said" || fail "the device does not suffice: $(cat "$tmp/said")"
	done
	with+=", or the device alone"
fi
echo "seccomp: jobs run in a container with $with; ${#profiles[@]} default profiles"
