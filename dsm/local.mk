include_HEADERS += dsm/dsm.h

# What a node is made of, apart from coherence and transport. Tests link it.
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = dsm/region.h dsm/trap/trap.h

# Shared memory handed out, and names for it: pure.
libnode_la_SOURCES += dsm/alloc.c dsm/alloc.h dsm/names.c dsm/names.h

# Boot and admin, the node's side.
libnode_la_SOURCES += dsm/boot/boot.h dsm/boot/bootmsg.h dsm/boot/bootmsg.c dsm/boot/boot.c \
	dsm/boot/single.c dsm/boot/local.c dsm/admin/admin.h dsm/admin/admin.c

# The starter's side: needs no libfabric. For dsmctl, and tests that start nodes.
noinst_LTLIBRARIES += libjob.la
libjob_la_SOURCES = dsm/boot/rendezvous.h dsm/boot/rendezvous.c dsm/boot/jobdir.h \
	dsm/boot/jobdir.c dsm/boot/bootmsg.c
