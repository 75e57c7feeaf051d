noinst_LTLIBRARIES += libcoherence.la
coherence_sources = \
	coherence/answer.c coherence/cache.c coherence/cache.def coherence/coh.h coherence/dir.c \
	coherence/effects.c coherence/home.c coherence/home.def coherence/homes.c \
	coherence/inspect.c coherence/invariant.c coherence/mutant.c coherence/mutant.h \
	coherence/rename.c coherence/request.c coherence/rows.h coherence/sharers.c \
	coherence/sharers.h coherence/state.c coherence/state.h coherence/step.c \
	coherence/sync.c coherence/table.c coherence/tag.c coherence/wire.c coherence/wire.h
libcoherence_la_SOURCES = $(coherence_sources)
