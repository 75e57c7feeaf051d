noinst_LTLIBRARIES += libcoherence.la
coherence_sources = \
	coherence/answer.c coherence/coh.h coherence/dir.c coherence/dozer.c coherence/effects.c coherence/enter.c coherence/homes.c coherence/inherit.c \
	coherence/inspect.c coherence/invariant.c coherence/keep.c coherence/msg.h coherence/mutant.c coherence/mutant.h \
	coherence/rebuild.c coherence/rename.c coherence/report.c coherence/request.c coherence/rows.h coherence/secure.c coherence/held.h coherence/secure.h coherence/securing.h coherence/sharers.c \
	coherence/sharers.h coherence/state.c coherence/state.h coherence/step.c \
	coherence/table.c coherence/tag.c coherence/view.h coherence/used.c coherence/views.c coherence/wire.c coherence/wire.h \
	coherence/cache/cache.c coherence/cache/cache.def coherence/cache/cache.h \
	coherence/cache/doze.c coherence/cache/drop.c coherence/cache/evict.c coherence/cache/fwd.c coherence/cache/grant.c \
	coherence/cache/drain.c coherence/cache/hold.c coherence/cache/inv.c coherence/cache/leave.c coherence/cache/local.c \
	coherence/cache/miss.c coherence/cache/push.c coherence/cache/second.c coherence/cache/send.c coherence/cache/take.c \
	coherence/cache/tenure.c \
	coherence/home/atomic.c coherence/home/copy.c coherence/home/discard.c coherence/home/getm.c \
	coherence/home/gets.c \
	coherence/home/home.c coherence/home/home.def coherence/home/home.h \
	coherence/home/invalidate.c coherence/home/migratory.c coherence/home/owner.c \
	coherence/home/restore.c coherence/home/put.c coherence/home/run.c coherence/home/salvage.c coherence/home/sleep.c \
	coherence/home/start.c coherence/home/supply.c \
	coherence/home/txn.c \
	coherence/sync/again.c coherence/sync/ask.c coherence/sync/barrier.c coherence/sync/cond.c \
	coherence/sync/destroy.c coherence/sync/mutex.c coherence/sync/object.c \
	coherence/sync/revive.c coherence/sync/sync.c coherence/sync/sync.h
libcoherence_la_SOURCES = $(coherence_sources)
