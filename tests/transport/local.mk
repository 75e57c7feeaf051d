# One conformance suite over each backend and provider, and what is special to one of them.
tr_world = tests/transport/world.h tests/transport/world.c
noinst_PROGRAMS += tests/transport/tr_pingpong
tests_transport_tr_pingpong_SOURCES = $(tr_world) tests/transport/tr_pingpong.c
tests_transport_tr_pingpong_LDADD = libtransport.la

if HAVE_CUNIT
tr_tests = tests/transport/test_mem tests/transport/test_shm tests/transport/test_tcp \
	tests/transport/test_rxm tests/transport/test_verbs tests/transport/test_bell \
	tests/transport/test_ofi
check_PROGRAMS += $(tr_tests)
TESTS += $(tr_tests)
endif
tr_conformance = $(tr_world) tests/transport/conformance.h tests/transport/conformance.c \
	tests/transport/parts.h tests/transport/parts_traffic.c tests/transport/parts_sleep.c \
	tests/transport/parts_break.c tests/transport/parts_cut.c tests/transport/parts_strangers.c \
	tests/transport/stranger.h tests/transport/stranger.c
tests_transport_test_mem_SOURCES = $(tr_conformance) tests/transport/test_mem.c
tests_transport_test_mem_LDADD = libtransport.la $(FABRIC_LIBS) -lcunit
tests_transport_test_shm_SOURCES = $(tr_conformance) tests/transport/test_shm.c
tests_transport_test_shm_LDADD = libtransport.la $(FABRIC_LIBS) -lcunit
tests_transport_test_tcp_SOURCES = $(tr_conformance) tests/transport/test_tcp.c
tests_transport_test_tcp_LDADD = libtransport.la $(FABRIC_LIBS) -lcunit
tests_transport_test_rxm_SOURCES = $(tr_conformance) tests/transport/test_rxm.c
tests_transport_test_rxm_LDADD = libtransport.la $(FABRIC_LIBS) -lcunit
tests_transport_test_verbs_SOURCES = $(tr_conformance) tests/transport/test_verbs.c
tests_transport_test_verbs_LDADD = libtransport.la $(FABRIC_LIBS) -lcunit
tests_transport_test_bell_SOURCES = tests/transport/test_bell.c
tests_transport_test_bell_LDADD = libtransport.la -lcunit
tests_transport_test_ofi_SOURCES = $(tr_world) tests/transport/parts.h \
	tests/transport/parts_traffic.c tests/transport/parts_sleep.c tests/transport/test_ofi.c
tests_transport_test_ofi_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc
tests_transport_test_ofi_LDADD = libtransport.la -lcunit
