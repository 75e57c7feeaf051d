include_HEADERS += dsm/dsm.h

# What a node is made of, apart from coherence and transport. Tests link it.
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = dsm/region.h dsm/trap/trap.h
