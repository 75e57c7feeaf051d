# Views: who lives. Explorer: short without options; "explore long" for more
check_LTLIBRARIES += libviews_explore.la
libviews_explore_la_SOURCES = tests/views/check.c tests/views/explore.h tests/views/local.c \
	tests/views/pack.c tests/views/search.c tests/views/standard.c tests/views/trace.c tests/views/world.c
check_PROGRAMS += tests/views/explore
TESTS += tests/views/explore
tests_views_explore_SOURCES = tests/views/explore.c
tests_views_explore_LDADD = libviews_explore.la libexplore.la libviews.la

# The same with planted bugs
check_LTLIBRARIES += libviews_mutants.la
libviews_mutants_la_SOURCES = $(views_sources)
libviews_mutants_la_CPPFLAGS = $(AM_CPPFLAGS) -DVIEWS_MUTANTS -DNDEBUG
check_PROGRAMS += tests/views/mutants
TESTS += tests/views/mutants
tests_views_mutants_SOURCES = tests/views/mutants.c
tests_views_mutants_CPPFLAGS = $(AM_CPPFLAGS) -DVIEWS_MUTANTS
tests_views_mutants_LDADD = libviews_explore.la libexplore.la libviews_mutants.la

# With times
if HAVE_CUNIT
check_PROGRAMS += tests/views/test_pulse tests/views/test_wire
TESTS += tests/views/test_pulse tests/views/test_wire
endif
tests_views_test_wire_SOURCES = tests/views/test_wire.c
tests_views_test_wire_LDADD = libviews.la -lcunit
tests_views_test_pulse_SOURCES = tests/views/net.c tests/views/net.h tests/views/test_pulse.c
tests_views_test_pulse_LDADD = libviews.la -lcunit

dist_check_SCRIPTS += tests/views/check_purity.sh
TESTS += tests/views/check_purity.sh
