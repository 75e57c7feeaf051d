#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sources.sh SUITE - where this machine's apt gets its own release of Debian from, with the
# release replaced by SUITE: lines for a sources.list. Status 1: it has no such source.
set -u
suite=$1
own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | tr -d '"')

# apt itself reads its configuration, of whichever form. It knows a release by the name that
# was configured (maybe "stable"), and by its own.
# shellcheck disable=SC2016 # apt expands these
apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(CODENAME) $(REPO_URI) $(COMPONENT)' |
	awk -v own="$own" -v suite="$suite" '
		$1 != "Packages" || $5 != "main" || $4 !~ /^(http|https|ftp):/ { next }
		{
			name = $3 ~ /^[a-z]/ ? $3 : $2
			part = substr(name, length(own) + 1)
			if (substr(name, 1, length(own)) != own || part !~ /^(|-updates|-security)$/)
				next
			line = "deb " $4 " " suite part " main"
			if (!seen[line]++)
				print line
			main += part == ""
		}
		END { exit !main }'
