# Simulator: short without options, tests/sim/long.sh for long runs.
sim_sources = tests/sim/check.c tests/sim/core.c tests/sim/futex.c tests/sim/heap.c tests/sim/heap.h \
	tests/sim/memory.c tests/sim/net.c \
	tests/sim/node.c tests/sim/report.c tests/sim/rng.h tests/sim/sim.h tests/sim/thread.c \
	tests/sim/work.c dsm/memory/evict.c dsm/memory/evict.h dsm/node/looks.c dsm/node/looks.h dsm/node/stretch.c dsm/node/stretch.h dsm/node/tenure.c dsm/node/tenure.h
check_PROGRAMS += tests/sim/sim
TESTS += tests/sim/sim
tests_sim_sim_SOURCES = $(sim_sources) tests/sim/main.c
tests_sim_sim_LDADD = libcoherence.la -lm

check_PROGRAMS += tests/sim/scatter
TESTS += tests/sim/scatter
tests_sim_scatter_SOURCES = $(sim_sources) tests/sim/scatter.c
tests_sim_scatter_LDADD = libcoherence.la -lm

# The same with a core that has planted bugs
check_PROGRAMS += tests/sim/mutants
TESTS += tests/sim/mutants
tests_sim_mutants_SOURCES = $(sim_sources) tests/sim/mutants.c $(coherence_sources)
tests_sim_mutants_CPPFLAGS = $(AM_CPPFLAGS) -DCOH_MUTANTS
tests_sim_mutants_LDADD = -lm

# Nodes that die, with their locks: see tests/sim/deaths.sh
check_PROGRAMS += tests/sim/deaths
dist_check_SCRIPTS += tests/sim/deaths.sh
TESTS += tests/sim/deaths.sh
tests_sim_deaths_SOURCES = tests/sim/deaths.c tests/sim/deaths.h tests/sim/deaths_call.c \
	tests/sim/deaths_step.c tests/sim/rng.h
tests_sim_deaths_LDADD = libcoherence.la

# ... with secure pages: see tests/sim/secure.sh; and the same with planted bugs
check_PROGRAMS += tests/sim/secure tests/sim/secure_mutants
dist_check_SCRIPTS += tests/sim/secure.sh tests/sim/secure_mutants.sh
TESTS += tests/sim/secure.sh tests/sim/secure_mutants.sh
tests_sim_secure_SOURCES = tests/sim/secure.c tests/sim/secure.h tests/sim/secure_step.c tests/sim/rng.h
tests_sim_secure_LDADD = libcoherence.la
tests_sim_secure_mutants_SOURCES = tests/sim/secure.c tests/sim/secure.h tests/sim/secure_step.c tests/sim/rng.h
tests_sim_secure_mutants_CPPFLAGS = $(AM_CPPFLAGS) -DCOH_MUTANTS
tests_sim_secure_mutants_LDADD = libcoherence_mutants.la

# Sets of sharers, up to 1,024 nodes
if HAVE_CUNIT
check_PROGRAMS += tests/sharers/test_sharers
TESTS += tests/sharers/test_sharers
endif
tests_sharers_test_sharers_SOURCES = tests/sharers/test_sharers.c
tests_sharers_test_sharers_LDADD = libcoherence.la -lcunit
EXTRA_DIST += tests/sim/long.sh
