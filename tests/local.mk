# tests

# Allocator and names
if HAVE_CUNIT
pure_tests = tests/dsm/test_alloc tests/dsm/test_names
check_PROGRAMS += $(pure_tests)
TESTS += $(pure_tests)
tests_dsm_test_alloc_SOURCES = tests/dsm/test_alloc.c
tests_dsm_test_alloc_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc
tests_dsm_test_alloc_LDADD = libnode.la -lcunit
tests_dsm_test_names_SOURCES = tests/dsm/test_names.c
tests_dsm_test_names_LDADD = libnode.la -lcunit
endif
