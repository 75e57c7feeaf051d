# dsm-bench: its arithmetic, and the whole of it with few operations.
check_PROGRAMS += tests/bench/check_json
tests_bench_check_json_SOURCES = tests/bench/check_json.c
tests_bench_check_json_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_check_json_LDADD = $(JANSSON_LIBS) -lm
dist_check_SCRIPTS += tests/bench/bench.sh
TESTS += tests/bench/bench.sh

if HAVE_CUNIT
check_PROGRAMS += tests/bench/test_series
TESTS += tests/bench/test_series
tests_bench_test_series_SOURCES = tests/bench/test_series.c tools/bench/series.c
tests_bench_test_series_CFLAGS = $(AM_CFLAGS)
tests_bench_test_series_LDADD = -lcunit
endif
