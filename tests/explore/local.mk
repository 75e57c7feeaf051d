# Explorer: short without options; "explore long" for hours.
check_LTLIBRARIES += libexplore.la
libexplore_la_SOURCES = tests/explore/check.c tests/explore/events.c tests/explore/explore.h \
	tests/explore/intern.c tests/explore/live.c tests/explore/local.c tests/explore/options.c \
	tests/explore/pack.c tests/explore/search.c tests/explore/store.c tests/explore/symmetry.c \
	tests/explore/trace.c tests/explore/world.c
check_PROGRAMS += tests/explore/explore
TESTS += tests/explore/explore
tests_explore_explore_SOURCES = tests/explore/explore.c tests/explore/standard.c
tests_explore_explore_LDADD = libexplore.la libcoherence.la
