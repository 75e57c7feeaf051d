# coherence: codec and core
cluster = tests/coherence/cluster.h tests/coherence/cluster.c tests/coherence/cluster_verbs.c
scene = tests/coherence/scene.h tests/coherence/scene.c $(cluster)
if HAVE_CUNIT
coherence_tests = tests/coherence/test_wire tests/coherence/test_pages \
	tests/coherence/test_rules tests/coherence/test_sync tests/coherence/test_homes \
	tests/coherence/test_migratory tests/coherence/test_discard tests/coherence/test_futex \
	tests/coherence/test_views tests/coherence/test_view_sync tests/coherence/test_renew
check_PROGRAMS += $(coherence_tests)
TESTS += $(coherence_tests)
endif
tests_coherence_test_wire_SOURCES = tests/coherence/test_wire.c
tests_coherence_test_wire_LDADD = libcoherence.la -lcunit
tests_coherence_test_renew_SOURCES = tests/coherence/test_renew.c
tests_coherence_test_renew_LDADD = libcoherence.la -lcunit
tests_coherence_test_views_SOURCES = tests/coherence/test_views.c
tests_coherence_test_views_LDADD = libcoherence.la -lcunit
tests_coherence_test_view_sync_SOURCES = tests/coherence/test_view_sync.c
tests_coherence_test_view_sync_LDADD = libcoherence.la -lcunit
tests_coherence_test_homes_SOURCES = tests/coherence/test_homes.c
tests_coherence_test_homes_LDADD = libcoherence.la -lcunit
tests_coherence_test_pages_SOURCES = tests/coherence/test_pages.c $(scene)
tests_coherence_test_pages_LDADD = libcoherence.la -lcunit
tests_coherence_test_rules_SOURCES = tests/coherence/test_rules.c $(scene)
tests_coherence_test_rules_LDADD = libcoherence.la -lcunit
tests_coherence_test_migratory_SOURCES = tests/coherence/test_migratory.c $(scene)
tests_coherence_test_migratory_LDADD = libcoherence.la -lcunit
tests_coherence_test_discard_SOURCES = tests/coherence/test_discard.c $(scene)
tests_coherence_test_discard_LDADD = libcoherence.la -lcunit
tests_coherence_test_futex_SOURCES = tests/coherence/test_futex.c $(scene)
tests_coherence_test_futex_LDADD = libcoherence.la -lcunit
tests_coherence_test_sync_SOURCES = tests/coherence/test_sync.c $(cluster)
tests_coherence_test_sync_LDADD = libcoherence.la -lcunit

# The core's purity
dist_check_SCRIPTS += tests/coherence/check_purity.sh
TESTS += tests/coherence/check_purity.sh

# Its files: no circle, and nothing between home, cache and sync
dist_check_SCRIPTS += tests/coherence/check_circles.sh
TESTS += tests/coherence/check_circles.sh

# The tables of docs/protocol.md
check_PROGRAMS += tests/coherence/print_table
dist_check_SCRIPTS += tests/coherence/check_table.sh
TESTS += tests/coherence/check_table.sh
tests_coherence_print_table_SOURCES = tests/coherence/print_table.c
tests_coherence_print_table_LDADD = libcoherence.la
