# The build itself: what it asks of a machine, what it installs, what it packs.
build_tests = tests/build/configure.sh tests/build/debian.sh tests/build/pkgconfig.sh
dist_check_SCRIPTS += $(build_tests)
TESTS += $(build_tests)

# Debian packages; ./package builds them
EXTRA_DIST += debian/changelog debian/control debian/copyright debian/dsm-tools.docs \
	debian/dsm-tools.install \
	debian/libdsm-dev.install debian/libdsm0.install \
	debian/libdsm0.symbols debian/not-installed debian/python3-dsm.install \
	debian/rules debian/source/format \
	debian/tests/control debian/tests/first-array debian/tests/first-program

# What git has and nothing else packs. The command ./check has the name of a target of make, which
# EXTRA_DIST would have made first, with all tests; and ./package that of what it makes in build/.
EXTRA_DIST += demo tests/lib.sh m4/.gitkeep .clang-format .shellcheckrc
dist-hook:
	cp -p $(top_srcdir)/check $(top_srcdir)/package $(distdir)/
dist_check_SCRIPTS += tests/build/dist.sh
TESTS += tests/build/dist.sh
