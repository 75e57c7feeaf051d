include_HEADERS += dsm/dsm.h dsm/dsm.hpp dsm/dsm_base.hpp dsm/dsm_sync.hpp dsm/dsm_thread.hpp dsm/dsm_wait.hpp dsm/dsm_bind.h dsm/dsm_checkpoint.h dsm/dsm_coll.h \
	dsm/dsm_futex.h dsm/dsm_latency.h dsm/dsm_mpi.h dsm/dsm_place.h dsm/dsm_survive.h dsm/dsm_sync.h dsm/dsm_thread.h

# The node, floor by floor, from the top. Tests link it.
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES =
libnode_la_SOURCES += dsm/probe/container.c dsm/probe/kernel.c dsm/probe/look.c dsm/probe/memory.c \
	dsm/probe/network.c dsm/probe/probe.c dsm/probe/probe.h dsm/probe/tell.c
libnode_la_SOURCES += dsm/start/active.c dsm/start/agree.c dsm/start/boot.c \
	dsm/start/core.c dsm/start/exit.c dsm/start/init.c dsm/start/limits.c dsm/start/loss.c dsm/start/meet.c dsm/start/part.c dsm/start/place.c \
	dsm/start/provider.c dsm/start/reach.c dsm/start/restore.c dsm/start/restore_find.c dsm/start/restore_find.h dsm/start/restore_pages.c dsm/start/restore_read.c dsm/start/restore_read.h dsm/start/settings.c dsm/start/settings.h dsm/start/sizes.c dsm/start/start.h dsm/start/survive.c \
	dsm/start/steps.h dsm/start/variables.c dsm/start/vote.c dsm/start/vote.h
libnode_la_SOURCES += dsm/calls/atomics.c dsm/calls/checkpoint.c dsm/calls/checkpoint.h dsm/calls/checkpoint_agree.c dsm/calls/checkpoint_finish.c dsm/calls/checkpoint_pages.c dsm/calls/checkpoint_wanted.c dsm/calls/coll.c dsm/calls/cond.c dsm/calls/discard.c \
	dsm/calls/discard.h dsm/calls/fresh.c dsm/calls/fresh.h dsm/calls/futex.c dsm/calls/gate.c dsm/calls/gate.h dsm/calls/job.c dsm/calls/keep2.c dsm/calls/keep2.h \
	dsm/calls/meetings.c dsm/calls/memory.c dsm/calls/mutex.c dsm/calls/objects.h dsm/calls/order.h dsm/calls/pin.c \
	dsm/calls/pin.h dsm/calls/place.c dsm/calls/robust.c dsm/calls/robust_meet.c dsm/calls/robust_rw.c dsm/calls/robust.h dsm/calls/rwlock.c dsm/calls/semaphore.c dsm/calls/states.h dsm/calls/restored.c dsm/calls/stats.c dsm/calls/survive.c \
	dsm/calls/sync.c dsm/calls/thread.c dsm/calls/turns.c dsm/calls/words.c dsm/calls/words.h
libnode_la_SOURCES += dsm/admin/admin.c dsm/admin/admin.h dsm/admin/answers.h \
	dsm/admin/audit.c dsm/admin/heat.c dsm/admin/hot.c dsm/admin/latency.c dsm/admin/post.c dsm/admin/post.h dsm/admin/report.c \
	dsm/admin/socket.c dsm/admin/socket.h dsm/admin/stats.c dsm/admin/trace.c dsm/admin/wanted.c
libnode_la_SOURCES += dsm/heap/accord.c dsm/heap/accord.h dsm/heap/accord_mutant.h dsm/heap/again.c dsm/heap/alloc.c dsm/heap/alloc.h dsm/heap/alloc_bins.c \
	dsm/heap/alloc_blocks.c dsm/heap/alloc_check.c dsm/heap/alloc_keep.c dsm/heap/alloc_place.c dsm/heap/alloc_state.h dsm/heap/answer.c \
	dsm/heap/ask.c dsm/heap/check.c dsm/heap/check.h dsm/heap/check_serve.c \
	dsm/heap/fold.c dsm/heap/fold.h dsm/heap/follow.c dsm/heap/heap.c dsm/heap/heap.h dsm/heap/inbox.c dsm/heap/keep.c dsm/heap/kept.c dsm/heap/living.c dsm/heap/mirror.c dsm/heap/mirror.h dsm/heap/names.c \
	dsm/heap/names.h dsm/heap/office.c dsm/heap/room.c dsm/heap/room.h dsm/heap/rounds.c dsm/heap/serve.c dsm/heap/served.c dsm/heap/served.h \
	dsm/heap/services.h dsm/heap/slots.c dsm/heap/views.c dsm/heap/zones.c
libnode_la_SOURCES += dsm/workers/helper.c dsm/workers/room.h dsm/workers/run.c dsm/workers/table.c \
	dsm/workers/table.h dsm/workers/tell.c dsm/workers/workers.c dsm/workers/workers.h
libnode_la_SOURCES += dsm/node/ahead.c dsm/node/apply.c dsm/node/away.c dsm/node/away.h dsm/node/away_ahead.c dsm/node/away_land.c \
	dsm/node/bound.c dsm/node/bound.h dsm/node/call.c dsm/node/call.h \
	dsm/node/cohort.c dsm/node/cohort.h dsm/node/engine.c dsm/node/engine.h dsm/node/enter.c dsm/node/entry.c dsm/node/entry.h dsm/node/fail.c \
	dsm/node/fault_list.c \
	dsm/node/fault_list.h dsm/node/faults.c dsm/node/fault_wait.c dsm/node/faults.h dsm/node/freeze.c dsm/node/freeze.h \
	dsm/node/given.c dsm/node/given.h dsm/node/help.c dsm/node/land.c dsm/node/lock.c \
	dsm/node/hot.c dsm/node/hot.h dsm/node/lines.c dsm/node/lines.h dsm/node/looks.c dsm/node/looks.h dsm/node/stretch.c dsm/node/stretch.h dsm/node/loop.c dsm/node/loop.h dsm/node/moment.c dsm/node/moment.h \
	dsm/node/moment_save.c dsm/node/node.h \
	dsm/node/pins.c dsm/node/pins.h dsm/node/progress.c dsm/node/progress.h \
	dsm/node/read_locks.c dsm/node/read_locks.h dsm/node/receive.c dsm/node/reclaim.c dsm/node/reclaim.h dsm/node/refuse.c \
	dsm/node/refuse.h dsm/node/sample.c dsm/node/secure.c dsm/node/secures.c dsm/node/secures.h dsm/node/stats.c \
	dsm/node/stream.c dsm/node/stream.h dsm/node/tenure.c dsm/node/tenure.h \
	dsm/node/writes.c dsm/node/writes.h \
	dsm/node/trace.c dsm/node/trace.h dsm/node/trails.c dsm/node/trails.h \
	dsm/node/unpin.c dsm/node/used.c dsm/node/view.c dsm/node/view.h dsm/node/waits.c dsm/node/waits.h dsm/node/wanted.h dsm/node/watch.c
libnode_la_SOURCES += dsm/members/mail.c dsm/members/mail.h dsm/members/members.c dsm/members/members.h \
	dsm/members/survive.c dsm/members/survive.h
libnode_la_SOURCES += dsm/trap/access_map.c dsm/trap/access_map.h dsm/trap/audit.c \
	dsm/trap/audit.h dsm/trap/base.c dsm/trap/base.h dsm/trap/base_open.c dsm/trap/choose.c \
	dsm/trap/engines.h dsm/trap/ops.h dsm/trap/place.c dsm/trap/refuse.c dsm/trap/rwp.c dsm/trap/rwp.h dsm/trap/rwp_extents.c \
	dsm/trap/rwp_mappings.c dsm/trap/rwp_move.c dsm/trap/rwp_pages.c dsm/trap/rwp_switch.c \
	dsm/trap/signal.c dsm/trap/signal.h dsm/trap/trap.h dsm/trap/uffd.c dsm/trap/uffd.h \
	dsm/trap/uffd_abi.h dsm/trap/uffd_caps.c dsm/trap/uffd_caps.h dsm/trap/wp.c \
	dsm/trap/wp_pages.c
libnode_la_SOURCES += dsm/memory/budget.c dsm/memory/budget.h dsm/memory/chunks.c \
	dsm/memory/chunks.h dsm/memory/evict.c dsm/memory/evict.h dsm/memory/frames.c \
	dsm/memory/frames.h dsm/memory/frames_back.c dsm/memory/frames_rehome.c dsm/memory/frames_state.h dsm/memory/landings.c dsm/memory/landings.h \
	dsm/memory/memory.h dsm/memory/mm.h dsm/memory/region.c dsm/memory/region.h \
	dsm/memory/region_address.c dsm/memory/region_commit.c dsm/memory/region_places.c \
	dsm/memory/stages.c dsm/memory/stages.h
libnode_la_SOURCES += dsm/boot/agreed.c dsm/boot/agreed.h dsm/boot/boot.c \
	dsm/boot/boot.h dsm/boot/connects.c dsm/boot/connects.h dsm/boot/hand.c \
	dsm/boot/hub.c dsm/boot/hub.h dsm/boot/hub_rounds.c dsm/boot/hub_seats.c \
	dsm/boot/hub_state.h dsm/boot/hub_visitors.c dsm/boot/keeper.c dsm/boot/keeper.h dsm/boot/keeper_calls.c dsm/boot/keeper_state.h \
	dsm/boot/link.c dsm/boot/link.h dsm/boot/listen.c dsm/boot/local.c dsm/boot/local_gather.c \
	dsm/boot/local_link.c dsm/boot/local_state.h dsm/boot/machine.c dsm/boot/machine.h \
	dsm/boot/member.c dsm/boot/member.h dsm/boot/member_join.c dsm/boot/member_state.h \
	dsm/boot/pmix.c dsm/boot/single.c dsm/boot/tcp.c dsm/boot/tcp.h dsm/boot/tcp_start.h \
	dsm/boot/ways.c dsm/boot/ways.h
libnode_la_SOURCES += dsm/job/bootmsg.c dsm/job/bootmsg.h dsm/job/job.h dsm/job/jobdir.c \
	dsm/job/jobdir.h dsm/job/jobroot.c dsm/job/jobroot.h
libnode_la_SOURCES += dsm/base/base.h dsm/base/cancel.h dsm/base/clock.c dsm/base/clock.h dsm/base/code.c dsm/base/code.h dsm/base/descriptors.c \
	dsm/base/descriptors.h dsm/base/ending.c dsm/base/ending.h dsm/base/error.c dsm/base/error.h dsm/base/latency.c dsm/base/latency.h \
	dsm/base/log.c dsm/base/log.h dsm/base/log_fd.c dsm/base/log_limit.c dsm/base/log_limit.h \
	dsm/base/log_queue.c dsm/base/log_queue.h dsm/base/process.c dsm/base/process.h \
	dsm/base/processors.c dsm/base/processors.h dsm/base/stack.c dsm/base/stack.h \
	dsm/base/thread.c dsm/base/thread.h
libnode_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) $(PMIX_CFLAGS)
libnode_la_LIBADD = libcheckpoint.la libviews.la $(SODIUM_LIBS)

# Who lives, pure: for nodes, explorer and mutants.
noinst_LTLIBRARIES += libviews.la
views_sources = dsm/views/accept.c dsm/views/enter.c dsm/views/lead.c dsm/views/lease.c \
	dsm/views/mutant.h dsm/views/pulse.c dsm/views/pulse.h dsm/views/quorum.c dsm/views/say.c \
	dsm/views/set.h dsm/views/state.h dsm/views/step.c dsm/views/suspect.c dsm/views/views.h \
	dsm/views/wire.c dsm/views/wire.h
libviews_la_SOURCES = $(views_sources)

# Checkpoints on disk: for nodes, dsmctl, and tests.
noinst_LTLIBRARIES += libcheckpoint.la
libcheckpoint_la_SOURCES = dsm/checkpoint/bytes.h dsm/checkpoint/checkpoint.h dsm/checkpoint/disk.c \
	dsm/checkpoint/disk.h dsm/checkpoint/envelope.c dsm/checkpoint/index.c dsm/checkpoint/manifest.c \
	dsm/checkpoint/pack.c dsm/checkpoint/pack.h dsm/checkpoint/read.c dsm/checkpoint/recast.c dsm/checkpoint/store.c dsm/checkpoint/write.c
libcheckpoint_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(XXHASH_CFLAGS) $(ZSTD_CFLAGS)
libcheckpoint_la_LIBADD = $(SODIUM_LIBS) $(XXHASH_LIBS) $(ZSTD_LIBS)

# The starter's side: needs no libfabric. For dsmctl, and tests that start nodes; and what dsmctl
# works out from histograms.
noinst_LTLIBRARIES += libjob.la
libjob_la_SOURCES = dsm/base/ending.c dsm/base/ending.h dsm/base/latency.c dsm/base/latency.h dsm/job/bootmsg.c dsm/job/bootmsg.h dsm/job/job.h dsm/job/jobdir.c \
	dsm/job/jobdir.h dsm/job/jobroot.c dsm/job/jobroot.h dsm/job/meeting.c \
	dsm/job/meeting.h dsm/job/meeting_conns.c dsm/job/meeting_lost.c dsm/job/meeting_seats.c dsm/job/rendezvous.c \
	dsm/job/rendezvous.h dsm/job/sweep.c dsm/job/sweep.h transport/ofi.h \
	transport/ofi_sweep.c

# The library: only dsm_* is visible.
lib_LTLIBRARIES += libdsm.la
libdsm_la_SOURCES = dsm/base/ev_private.c
libdsm_la_LIBADD = libnode.la libcoherence.la libtransport.la $(JANSSON_LIBS)
libdsm_la_LDFLAGS = $(LINK_FLAGS) -version-info 0:0:0 -Wl,-z,now \
	-Wl,--version-script=$(top_srcdir)/dsm/libdsm.map
libdsm_la_DEPENDENCIES = libnode.la libcoherence.la libtransport.la dsm/libdsm.map
pkgconfig_DATA = dsm/dsm.pc
EXTRA_DIST += dsm/libdsm.map

# What dsmctl run --threads preloads: on the public headers alone.
pkglib_LTLIBRARIES += libdsm-threads.la
libdsm_threads_la_SOURCES = dsm/threads/arena.c dsm/threads/arena.h dsm/threads/at_main.c dsm/threads/c11.c dsm/threads/calls.c dsm/threads/calls.h \
	dsm/threads/carrier.c dsm/threads/catch.c dsm/threads/cond.c dsm/threads/early.c dsm/threads/errand.c dsm/threads/fault.c dsm/threads/forward.c \
	dsm/threads/futex.c dsm/threads/globals.c dsm/threads/guards.c dsm/threads/heap.c \
	dsm/threads/identity.c dsm/threads/keys.c dsm/threads/life.c dsm/threads/list.c dsm/threads/load.c dsm/threads/locals.c dsm/threads/malloc.c \
	dsm/threads/mapped.c dsm/threads/meet.c dsm/threads/mutex.c dsm/threads/next.c dsm/threads/own.c dsm/threads/parcels.c dsm/threads/place.c \
	dsm/threads/post.c dsm/threads/refuse.c dsm/threads/remote.c dsm/threads/rwlock.c dsm/threads/say.c \
	dsm/threads/semaphore.c dsm/threads/signals.c dsm/threads/spans.c dsm/threads/stacks.c \
	dsm/threads/start.c dsm/threads/stubs.c dsm/threads/switch.c dsm/threads/sync.c dsm/threads/sync.h \
	dsm/threads/thread.c dsm/threads/threads.h dsm/threads/told.c dsm/threads/ways.c
libdsm_threads_la_LIBADD = libdsm.la
libdsm_threads_la_LDFLAGS = $(LINK_FLAGS) -module -avoid-version -shared -Wl,-z,now
