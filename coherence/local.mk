noinst_LTLIBRARIES += libcoherence.la
libcoherence_la_SOURCES = coherence/coh.h coherence/wire.h
