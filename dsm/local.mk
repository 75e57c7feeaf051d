include_HEADERS += dsm/dsm.h

# What a node is made of, apart from coherence and transport. Tests link it.
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = dsm/region.h dsm/region.c dsm/region_address.c dsm/region_commit.c dsm/mm.h
libnode_la_SOURCES += dsm/trap/trap.h dsm/trap/base.h dsm/trap/base.c \
	dsm/trap/wp.c dsm/trap/wp_pages.c dsm/trap/rwp.h dsm/trap/rwp.c dsm/trap/rwp_pages.c \
	dsm/trap/rwp_extent.c dsm/trap/rwp_move.c dsm/trap/choose.c \
	dsm/trap/access_map.h dsm/trap/access_map.c \
	dsm/trap/audit.h dsm/trap/audit.c dsm/trap/uffd.h dsm/trap/uffd.c dsm/trap/uffd_caps.c \
	dsm/trap/signal.h dsm/trap/signal.c

# Shared memory handed out, and names for it: pure.
libnode_la_SOURCES += dsm/alloc.c dsm/alloc.h dsm/names.c dsm/names.h

# Which cached page goes next: pure, the simulator's too.
libnode_la_SOURCES += dsm/evict.c dsm/evict.h

# Which pages fault most: pure.
libnode_la_SOURCES += dsm/hot.c dsm/hot.h

# Boot and admin, the node's side.
libnode_la_SOURCES += dsm/boot/boot.h dsm/boot/bootmsg.h dsm/boot/bootmsg.c dsm/boot/boot.c \
	dsm/boot/single.c dsm/boot/local.c dsm/admin/admin.h dsm/admin/admin.c \
	dsm/admin/post.h dsm/admin/post.c dsm/boot/jobdir.h dsm/boot/jobdir.c \
	dsm/boot/jobroot.h dsm/boot/jobroot.c
include_HEADERS += dsm/dsm_mpi.h
libnode_la_SOURCES += dsm/boot/agreed.c dsm/boot/agreed.h dsm/boot/pmix.c dsm/boot/hand.c dsm/boot/hub.c dsm/boot/link.c dsm/boot/link.h \
	dsm/boot/listen.c dsm/boot/machine.c dsm/boot/machine.h dsm/boot/member.c dsm/boot/tcp.c \
	dsm/boot/tcp.h

# The starter's side: needs no libfabric. For dsmctl, and tests that start nodes.
noinst_LTLIBRARIES += libjob.la
libjob_la_SOURCES = dsm/boot/rendezvous.h dsm/boot/rendezvous.c dsm/boot/meeting.h \
	dsm/boot/meeting.c dsm/boot/jobdir.h \
	dsm/boot/jobdir.c dsm/boot/jobroot.h dsm/boot/jobroot.c dsm/boot/bootmsg.c dsm/boot/sweep.h dsm/boot/sweep.c \
	transport/ofi.h transport/ofi_sweep.c

# The node itself.
libnode_la_SOURCES += dsm/agree.c dsm/ahead.c dsm/atomic.c dsm/audit.c dsm/budget.c dsm/budget.h \
	dsm/calls.c dsm/chunks.c dsm/chunks.h dsm/engine.c dsm/error.c dsm/faults.c dsm/frames.c \
	dsm/frames.h dsm/hot_json.c dsm/init.c dsm/limits.c dsm/log.c dsm/log.h dsm/look.c \
	dsm/loop.c dsm/meet.c dsm/memory.c dsm/node.h dsm/pin.c dsm/pin.h dsm/place.c dsm/probe.c \
	dsm/probe.h dsm/probe_kernel.c dsm/probe_memory.c dsm/probe_network.c dsm/provider.c \
	dsm/reclaim.c dsm/report.c dsm/service.c dsm/settings.c dsm/settings.h \
	dsm/stream.c dsm/stream.h dsm/sync.c dsm/tenure.c dsm/tenure.h
libnode_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) $(PMIX_CFLAGS)
libnode_la_LIBADD = $(SODIUM_LIBS)

# The library: only dsm_* is visible.
lib_LTLIBRARIES += libdsm.la
libdsm_la_SOURCES = dsm/ev_private.c
libdsm_la_LIBADD = libnode.la libcoherence.la libtransport.la $(JANSSON_LIBS)
libdsm_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,--version-script=$(top_srcdir)/dsm/libdsm.map
libdsm_la_DEPENDENCIES = libnode.la libcoherence.la libtransport.la dsm/libdsm.map
pkgconfig_DATA = dsm/dsm.pc
EXTRA_DIST += dsm/libdsm.map
