# The build itself: what it asks of a machine, what it installs, what it packs.
dist_check_SCRIPTS += tests/build/configure.sh tests/build/pkgconfig.sh
TESTS += tests/build/configure.sh tests/build/pkgconfig.sh

# What git has and nothing else packs. The command ./check has the name of a target of make, which
# EXTRA_DIST would have made first, with all tests.
EXTRA_DIST += demo tests/lib.sh m4/.gitkeep .clang-format .shellcheckrc
dist-hook:
	cp -p $(top_srcdir)/check $(distdir)/check
dist_check_SCRIPTS += tests/build/dist.sh
TESTS += tests/build/dist.sh
