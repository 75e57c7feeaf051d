#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ./check vm: what its status and its last line say of parts that pass, fail and are skipped.
# Where continuous integration runs (CI=true), a part that is skipped has failed.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Sources of which only the scripts are real: they need no package, build nothing, and their
# parts end as these are told to.
mkdir -p "$tmp"/{bin,tests/vm,build-aux} && cd "$tmp" || exit 99
cp "$top/check" . && cp "$top/tests/lib.sh" tests/ || exit 99
printf '#!/bin/sh\necho installed\n' >bin/dpkg-query
touch configure.ac Makefile.am Makefile.in build-aux/ltmain.sh
printf '#!/bin/sh\nprintf "all check:\\n\\t@:\\n" >Makefile\n' >configure
cat >tests/vm/run-suite.sh <<'END'
#!/bin/sh
case $1 in
list) echo $PARTS ;;
good) ;;
bad) exit 1 ;;
absent) echo "no machine for it"; exit 77 ;;
esac
END
chmod +x bin/dpkg-query configure tests/vm/run-suite.sh

# run_vm CI PARTS: the status and the last line of ./check vm
run_vm() {
	env -u MAKEFLAGS CI="$1" PARTS="$2" PATH="$tmp/bin:$PATH" bash ./check vm >out 2>&1 </dev/null
	printf '%s: %s' $? "$(tail -n 1 out)"
}

# is CI PARTS EXPECTED
is() {
	local got
	got=$(run_vm "$1" "$2")
	[ "$got" = "$3" ] || fail "CI=$1, parts $2: \"$got\", not \"$3\": $(cat out)"
}

is '' 'good' '0: 1 passed, 0 failed, 0 skipped'
is '' 'good absent' '0: 1 passed, 0 failed, 1 skipped'
is '' 'good bad absent' '1: 1 passed, 1 failed, 1 skipped'
is true 'good' '0: 1 passed, 0 failed, 0 skipped'
is true 'good absent' '1: 1 passed, 1 failed, 0 skipped'
grep -q 'no machine for it' out || fail "nothing says why it was skipped: $(cat out)"
echo "$0: ./check vm says how its parts ended"
