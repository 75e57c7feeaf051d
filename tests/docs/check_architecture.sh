#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Are the files and functions that docs/architecture.md names there, and is a function "in" a file
# where it says so?
# shellcheck disable=SC2016 # backquotes are the page's
set -u
top=${srcdir:-.}
page=$top/docs/architecture.md
failures=0

wrong() {
	echo "check_architecture: $*"
	failures=$((failures + 1))
}

mapfile -t names < <(grep -o '`[^`]*`' "$page" | tr -d '`' | sort -u)
files=0 functions=0
for name in "${names[@]}"; do
	case $name in
	*' '*) ;;
	*'()')
		functions=$((functions + 1))
		grep -rqE "^[a-z].*\b${name%()}\(" --include='*.[ch]' "$top"/{coherence,transport,dsm,tools} ||
			wrong "there is no function $name"
		;;
	*/*)
		files=$((files + 1))
		[ -e "$top/$name" ] || wrong "there is no $name"
		;;
	esac
done
((files >= 40 && functions >= 25)) || wrong "too few names to be true: $files, $functions"

# "`f()` in `file`": over line ends, too.
while read -r function file; do
	grep -qE "^[a-z].*\b$function\(" "$top/$file" || wrong "$function() is not in $file"
done < <(tr '\n' ' ' <"$page" | grep -oE '`[a-z_]+\(\)` in `[a-z_/]+\.c`' | tr -d '`()' | sed 's/ in / /')

[ "$failures" = 0 ] && echo "check_architecture: $files files, $functions functions"
[ "$failures" = 0 ]
