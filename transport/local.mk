noinst_LTLIBRARIES += libtransport.la
libtransport_la_SOURCES = \
	transport/transport.h \
	transport/mem.h transport/mem.c
libtransport_la_CFLAGS = $(AM_CFLAGS) $(FABRIC_CFLAGS)
libtransport_la_LIBADD = $(FABRIC_LIBS)
