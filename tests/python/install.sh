#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What make install puts somewhere finds the library that was installed with it, and refuses one of
# another version.
# shellcheck source=tests/python/lib.sh
. "$(dirname "$0")/lib.sh"
python=$(sed -n 's/^PYTHON = //p' Makefile)
[ "${python:-:}" != : ] || { echo "configure has found no Python of 3.9 or later: install python3"; exit 77; }
sanitizer_stands_in_the_way && { echo "a library with sanitizers cannot be loaded"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PYTHONPATH LD_LIBRARY_PATH MAKEFLAGS

make -s install-dsmpyPYTHON install-dsmpyDATA install-nodist_dsmpyPYTHON install-libLTLIBRARIES \
	libdir="$tmp/lib" pythondir="$tmp/py" >"$tmp/log" 2>&1 || fail "make install: $(tail -n 5 "$tmp/log")"
[ -e "$tmp/py/dsm/py.typed" ] || fail "py.typed is not installed"
grep -qx "LIBRARY = \".*/libdsm.so.0\"" "$tmp/py/dsm/_where.py" || fail "$(cat "$tmp/py/dsm/_where.py")"
echo "LIBRARY = \"$tmp/lib/libdsm.so.0\"" >"$tmp/py/dsm/_where.py"

# load: by a Python without NumPy, too, which the rest of the package needs
load() {
	"$python" - "$tmp/py/dsm" <<'END'
import importlib, sys, types
package = types.ModuleType("dsm")
package.__path__ = sys.argv[1:]
sys.modules["dsm"] = package
print(importlib.import_module("dsm._lib").lib._name)
END
}
[ "$(load)" = "$tmp/lib/libdsm.so.0" ] || fail "it loads $(load)"
sed -i 's/^__version__ = .*/__version__ = "9.9"/' "$tmp/py/dsm/_lib.py"
load >"$tmp/out" 2>&1 && fail "it takes a library of another version"
grep -q '^ImportError: .*libdsm.so.0 is libdsm .*, and this package is of 9.9: install both anew$' "$tmp/out" ||
	fail "it does not say that versions differ: $(cat "$tmp/out")"
rm -r "${tmp:?}/lib"
load >"$tmp/out" 2>&1 && fail "it loads what is not there"
grep -q '^ImportError: cannot load libdsm ' "$tmp/out" || fail "$(cat "$tmp/out")"
echo "install: the package finds its library"
