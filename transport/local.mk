noinst_LTLIBRARIES += libtransport.la
libtransport_la_SOURCES = \
	transport/transport.h \
	transport/mem.h transport/mem_impl.h transport/mem.c transport/mem_fabric.c \
	transport/mem_move.c \
	transport/ofi.h transport/ofi_impl.h transport/ofi.c \
	transport/ofi_bell.h transport/ofi_bell.c \
	transport/ofi_clock.c transport/ofi_cma.c transport/ofi_confirm.c transport/ofi_environment.c \
	transport/ofi_head.c transport/ofi_life.c transport/ofi_log.c transport/ofi_mem.c \
	transport/ofi_peer.c transport/ofi_poll.c transport/ofi_probe.c transport/ofi_provider.c \
	transport/ofi_reach.c transport/ofi_refuse.c transport/ofi_ring.c \
	transport/ofi_seal.h transport/ofi_seal.c transport/ofi_send.c transport/ofi_shm.c \
	transport/ofi_signal.c transport/ofi_survey.c transport/ofi_sweep.c \
	transport/ofi_wait.c
libtransport_la_CFLAGS = $(AM_CFLAGS) $(FABRIC_CFLAGS) $(SODIUM_CFLAGS)
libtransport_la_LIBADD = $(FABRIC_LIBS) $(SODIUM_LIBS)
