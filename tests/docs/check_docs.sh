#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Does the manual say all that dsm.h promises, is it well formed, do its programs compile?
set -u
top=${srcdir:-.}
docs=$top/docs
header=$top/dsm/dsm.h
failures=0
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

wrong() {
	echo "check_docs: $*"
	failures=$((failures + 1))
}

# Prints the page that documents a call.
page_of() {
	if [ -f "$docs/$1.3" ]; then
		echo "$docs/$1.3"
	elif [ -f "$docs/alias/$1.3" ]; then
		echo "$docs/$(sed -n 's,^\.so man3/,,p' "$docs/alias/$1.3")"
	fi
}

check_calls() {
	calls=$(sed -n 's/^DSM_API.*[ *]\(dsm_[a-z0-9_]*\)(.*/\1/p' "$header" "$top"/dsm/dsm_*.h)
	[ "$(echo "$calls" | wc -l)" -ge 30 ] || wrong "cannot find the calls in $header"
	for call in $calls; do
		page=$(page_of "$call")
		if [ -z "$page" ] || [ ! -f "$page" ]; then
			wrong "no manual page for $call"
		else
			grep -q "^\.Nm $call\( ,\)*$" "$page" || wrong "$page does not name $call"
			grep -q "^\.Fn $call [\"v]\|^\.Fo $call$" "$page" ||
				wrong "$page has no synopsis of $call"
		fi
	done
	for alias in "$docs"/alias/*.3; do
		call=$(basename "$alias" .3)
		echo "$calls" | grep -qx "$call" || wrong "$alias is for no call of $header"
	done
	for page in "$docs"/*.[137] "$docs"/alias/*.3; do
		grep -q "docs/${page#"$docs/"}\>" "$docs/local.mk" || wrong "$page is not installed"
	done
}

check_names() {
	for code in $(grep -o 'DSM_ERR_[A-Z_]* = ' "$header" | sed 's/ = //'); do
		grep -q "^\.It Dv $code$" "$docs/dsm_strerror.3" ||
			wrong "dsm_strerror.3 lacks $code"
	done
	known=$(sed -n 's/^\t"\(DSM_[A-Z_]*\)",$/\1/p' "$top/dsm/start/variables.c" | sort)
	said=$(sed -n 's/^\.It Ev \(DSM_[A-Z_]*\)$/\1/p' "$docs/dsm.7" | sort)
	[ "$known" = "$said" ] || wrong "dsm.7 and dsm/start/variables.c have not the same variables"
	for variable in $(find "$top/dsm" -name "*.c" -exec cat {} + |
			grep -o '"DSM_[A-Z][A-Z_]*"' | tr -d \" | sort -u); do
		grep -q "^\.It Ev $variable$" "$docs/dsm.7" || wrong "dsm.7 lacks $variable"
	done
	for count in $(sed -n '/^struct dsm_stats {/,/^};/p' "$header" |
			sed -n 's/^\tuint64_t \([^;]*\);.*/\1/p' | tr -d ,); do
		grep -q "^\.It.* $count\>" "$docs/dsm_get_stats.3" ||
			wrong "dsm_get_stats.3 lacks $count"
	done
	for option in $(cat "$top"/tools/ctl/*.c |
			sed -n 's/^\t{ [^,]*, "\([a-z-]*\)", .*$/\1/p' |
			sort -u); do
		grep -q "^\.It .*Fl Fl $option\>" "$docs/dsmctl.1" ||
			wrong "dsmctl.1 lacks --$option"
	done
	for member in $(sed -n '/^struct dsm_config {/,/^};/p' "$header" |
			sed -n 's/^\t[a-z][^/]*[ *]\([a-z_]*\);.*/\1/p'); do
		grep -q "^\.It.* Fa* *$member\>\|^\.It.* $member\>" "$docs/dsm_init.3" ||
			wrong "dsm_init.3 lacks $member"
	done
}

# The commands of dsmctl that take -j by their synopsis are those that the paragraph on it names;
# doctor has one of its own.
check_json() {
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCR/p' "$docs/dsmctl.1" | grep -B1 '^\.Op Fl j' |
		sed -n 's/^\.Cm //p' | grep -vx doctor | sort >"$tmp/synopsis"
	grep -B3 '^have one option:' "$docs/dsmctl.1" | sed -n 's/^\.Cm //p' | tr -s ' ,' '\n' |
		sort >"$tmp/named"
	[ -s "$tmp/synopsis" ] || wrong "cannot find -j in dsmctl.1"
	diff "$tmp/synopsis" "$tmp/named" || wrong "dsmctl.1 disagrees with itself about -j"
}

check_lint() {
	if ! command -v mandoc >/dev/null; then
		echo "check_docs: no mandoc here, the form of the pages is not checked"
		return
	fi
	if ! mandoc -T lint -W warning "$docs"/*.[1-8] >"$tmp/lint" 2>/dev/null; then
		cat "$tmp/lint"
		wrong "mandoc complains"
	fi
}

# The release that brings read-write protection is the same wherever one is named; only where
# the kernel's own manual is quoted, "since Linux N", it is another.
check_release() {
	named=$(cd "$top" && grep -rnE '(Linux|from) 7\.[0-9]' README.md CHANGELOG.md CONTRIBUTING.md \
		docs dsm tools tests/trap tests/vm --include='*.[chm137]*' --include='*.sh')
	[ "$(printf '%s\n' "$named" | wc -l)" -ge 12 ] || wrong "cannot find which Linux has RWP"
	other=$(printf '%s\n' "$named" | grep -vE '(Linux|from) 7\.3([^0-9]|$)|"since Linux')
	[ -z "$other" ] || wrong "RWP is of Linux 7.3, but: $other"
}

# README names the packages that the project is built with, neither more nor less.
check_packages() {
	# shellcheck disable=SC2016 # the other shell's
	bash -c '. "$1/tests/lib.sh" && printf "%s\n" "${PACKAGES_BUILD[@]}"' - "$top" | sort >"$tmp/built"
	sed -n '/^apt install/,/^```$/p' "$top/README.md" | sed 's/^apt install//; /^```/d' |
		tr -s ' \t\\' '\n' | grep . | sort >"$tmp/said"
	[ -s "$tmp/built" ] || wrong "cannot find the packages in tests/lib.sh"
	diff "$tmp/built" "$tmp/said" || wrong "README and tests/lib.sh name different packages"
}

# What README says to type works when it is typed again, or after the commands above it.
check_commands() {
	grep -nE 'mkdir [^-]' "$top/README.md" "$top/CONTRIBUTING.md" "$docs"/*.[1-8] "$docs"/*.md &&
		wrong "mkdir without -p fails where ./demo has made the directory"
}

# Each row of a table has as many cells as its head: one that has more is two that ran together.
check_tables() {
	awk '
	FNR == 1 { code = 0; cells = 0 }
	/^```/ { code = !code }
	code || !/^\|/ { cells = 0; next }
	{
		rows++
		gsub(/`[^`]*`|\\\|/, "")
		n = gsub(/\|/, "")
		if (!cells)
			cells = n
		else if (n != cells)
			print FILENAME ":" FNR ": " n - 1 " cells, not " cells - 1
	}
	END { if (rows < 50) print "no tables found" }' \
		"$top"/*.md "$docs"/*.md >"$tmp/tables"
	[ ! -s "$tmp/tables" ] || { cat "$tmp/tables"; wrong "tables have rows of unlike length"; }
}

# The programs in manual, README and header: they compile, and are the same.
check_programs() {
	sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '/^```/d' >"$tmp/readme.c"
	sed -n '/^#include <dsm.h>$/,/^\.Ed$/p' "$docs/dsm.7" |
		sed '/^\.Ed/d; s/\\en/\\n/g' >"$tmp/manual.c"
	sed -n '/#include <dsm.h>/,/^ \*	}$/p' "$header" |
		sed 's/^ \*	//; s/^ \*$//' >"$tmp/header.c"
	for program in readme manual header; do
		if [ ! -s "$tmp/$program.c" ]; then
			wrong "cannot find the program in the $program"
		elif ! ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I "$top/dsm" \
				"$tmp/$program.c"; then
			wrong "the program in the $program does not compile"
		fi
	done
	for program in readme manual; do
		cmp -s "$tmp/$program.c" "$tmp/header.c" ||
			wrong "$program and dsm.h show different programs"
	done
}

check_calls
check_names
check_json
check_lint
check_release
check_packages
check_commands
check_tables
check_programs
[ "$failures" = 0 ] || exit 1
echo "check_docs: all calls, codes, variables and counts are documented"
