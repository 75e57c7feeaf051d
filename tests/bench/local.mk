# dsm-bench: its arithmetic, its oracle, and the whole of it with few operations.
check_PROGRAMS += tests/bench/check_json
tests_bench_check_json_SOURCES = tests/bench/check_json.c
tests_bench_check_json_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_check_json_LDADD = $(JANSSON_LIBS) -lm
dist_check_SCRIPTS += tests/bench/bench.sh tests/bench/apps.sh
TESTS += tests/bench/bench.sh tests/bench/apps.sh

if HAVE_CUNIT
check_PROGRAMS += tests/bench/test_series tests/bench/test_oracle
TESTS += tests/bench/test_series tests/bench/test_oracle
tests_bench_test_oracle_SOURCES = tests/bench/test_oracle.c tools/bench/apps/oracle.c \
	tools/bench/apps/oracle.h tools/bench/apps/trace.c tools/bench/apps/trace.h
tests_bench_test_oracle_CFLAGS = $(AM_CFLAGS)
tests_bench_test_oracle_LDADD = -lcunit
tests_bench_test_series_SOURCES = tests/bench/test_series.c tools/bench/series.c
tests_bench_test_series_CFLAGS = $(AM_CFLAGS)
tests_bench_test_series_LDADD = -lcunit
endif
