# Simulator: short without options, tests/sim/long.sh for long runs.
sim_sources = tests/sim/check.c tests/sim/core.c tests/sim/heap.c tests/sim/heap.h tests/sim/net.c \
	tests/sim/node.c tests/sim/report.c tests/sim/rng.h tests/sim/sim.h tests/sim/thread.c \
	tests/sim/work.c
check_PROGRAMS += tests/sim/sim
TESTS += tests/sim/sim
tests_sim_sim_SOURCES = $(sim_sources) tests/sim/main.c
tests_sim_sim_LDADD = libcoherence.la -lm
