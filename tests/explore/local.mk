# Explorer: short without options; "explore long" for hours.
check_LTLIBRARIES += libexplore.la
libexplore_la_SOURCES = tests/explore/check.c tests/explore/events.c tests/explore/explore.h \
	tests/explore/futex.c \
	tests/explore/intern.c tests/explore/live.c tests/explore/local.c tests/explore/options.c \
	tests/explore/outcome.c tests/explore/pack.c tests/explore/search.c tests/explore/secure.c tests/explore/store.c tests/explore/sync.c tests/explore/symmetry.c \
	tests/explore/trace.c tests/explore/views.c tests/explore/world.c
check_PROGRAMS += tests/explore/explore
TESTS += tests/explore/explore
tests_explore_explore_SOURCES = tests/explore/explore.c tests/explore/standard.c
tests_explore_explore_LDADD = libexplore.la libcoherence.la

# The same with a core that has planted bugs
check_LTLIBRARIES += libcoherence_mutants.la
libcoherence_mutants_la_SOURCES = $(coherence_sources)
libcoherence_mutants_la_CPPFLAGS = $(AM_CPPFLAGS) -DCOH_MUTANTS -DNDEBUG
check_PROGRAMS += tests/explore/mutants
TESTS += tests/explore/mutants
tests_explore_mutants_SOURCES = tests/explore/mutants.c
tests_explore_mutants_CPPFLAGS = $(AM_CPPFLAGS) -DCOH_MUTANTS
tests_explore_mutants_LDADD = libexplore.la libcoherence_mutants.la
EXTRA_DIST += tests/explore/long.sh
