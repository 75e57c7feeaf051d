include_HEADERS += dsm/dsm.h

# What a node is made of, apart from coherence and transport. Tests link it.
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = dsm/region.h dsm/trap/trap.h

# Shared memory handed out, and names for it: pure.
libnode_la_SOURCES += dsm/alloc.c dsm/alloc.h dsm/names.c dsm/names.h
