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

# ./check repeat that is ended ends what it has begun, by makes of makes, as automake has them.
cp "$top/tests/repeat.sh" "$top/tests/make-check.sh" tests/
cat >Makefile.fake <<'END' # with -k the tests are run, without they are built
all:
check:
	@case "$(firstword -$(MAKEFLAGS))" in -*k*) set +e; $(MAKE) deep; exit $$? ;; esac
deep:
	@echo $$$$ >pid; exec sleep 600
END
printf '#!/bin/sh\ncp ../Makefile.fake Makefile\n' >configure
rm -rf build
env -u MAKEFLAGS PATH="$tmp/bin:$PATH" bash ./check repeat 1 load >out 2>&1 </dev/null &
check=$!
for ((i = 0; i < 600; i++)); do [ -s build/pid ] && break; sleep 0.1; done
[ -s build/pid ] || fail "./check repeat did not run make: $(cat out)"
pid=$(cat build/pid)
kill "$check"
wait "$check"
for ((i = 0; i < 600; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
if kill -0 "$pid" 2>/dev/null; then
	kill "$pid"
	fail "./check repeat was ended, and what it ran was not"
fi
echo "$0: ./check vm says how its parts ended"
