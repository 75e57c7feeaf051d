# docs: the manual. A page for each group of calls; the other calls' pages refer to it.
dist_man_MANS += docs/dsm.7 docs/dsm-bench.1 docs/dsmctl.1 \
	docs/dsm_alloc.3 docs/dsm_atomics.3 docs/dsm_barrier.3 docs/dsm_checkpoint.3 docs/dsm_cond.3 \
	docs/dsm_futex.3 docs/dsm_get_latency.3 docs/dsm_get_stats.3 docs/dsm_init.3 docs/dsm_mutex.3 docs/dsm_pin.3 docs/dsm_place.3 docs/dsm_survive.3 docs/dsm_probe.3 \
	docs/dsm_publish.3 docs/dsm_reduce.3 docs/dsm_shared.3 \
	docs/dsm_strerror.3 docs/dsm_sync.3 docs/dsm_thread.3 docs/dsm_version.3
dist_man_MANS += \
	docs/alias/dsm_broadcast.3 docs/alias/dsm_checkpoint_error.3 docs/alias/dsm_checkpoint_wait.3 docs/alias/dsm_checkpoint_wanted.3 docs/alias/dsm_restored.3 docs/alias/dsm_compare_swap32.3 docs/alias/dsm_compare_swap64.3 \
	docs/alias/dsm_cond_broadcast.3 docs/alias/dsm_cond_create.3 \
	docs/alias/dsm_cond_destroy.3 docs/alias/dsm_cond_signal.3 docs/alias/dsm_cond_wait.3 \
	docs/alias/dsm_current.3 docs/alias/dsm_exit.3 docs/alias/dsm_fetch_add32.3 docs/alias/dsm_fetch_add64.3 docs/alias/dsm_fini.3 \
	docs/alias/dsm_free.3 docs/alias/dsm_init_error.3 docs/alias/dsm_job_dir.3 docs/alias/dsm_log_fd.3 \
	docs/alias/dsm_futex_wait.3 docs/alias/dsm_futex_wake.3 \
	docs/alias/dsm_latency_bound.3 docs/alias/dsm_latency_bucket.3 docs/alias/dsm_latency_merge.3 \
	docs/alias/dsm_latency_name.3 docs/alias/dsm_latency_quantile.3 docs/alias/dsm_lookup.3 \
	docs/alias/dsm_lost.3 docs/alias/dsm_on_view.3 docs/alias/dsm_renew.3 docs/alias/dsm_secure.3 docs/alias/dsm_sync_barrier_reset.3 docs/alias/dsm_view.3 docs/alias/dsm_wait_view.3 \
	docs/alias/dsm_mutex_create.3 docs/alias/dsm_mutex_destroy.3 \
	docs/alias/dsm_mutex_lock.3 docs/alias/dsm_mutex_trylock.3 \
	docs/alias/dsm_mutex_unlock.3 docs/alias/dsm_prefetch.3 docs/alias/dsm_provider.3 \
	docs/alias/dsm_rank.3 docs/alias/dsm_region.3 docs/alias/dsm_size.3 docs/alias/dsm_swap32.3 \
	docs/alias/dsm_sync_mutex_lock.3 docs/alias/dsm_sync_mutex_trylock.3 \
	docs/alias/dsm_sync_mutex_timedlock.3 docs/alias/dsm_sync_mutex_unlock.3 \
	docs/alias/dsm_sync_cond_wait.3 docs/alias/dsm_sync_cond_timedwait.3 \
	docs/alias/dsm_sync_cond_signal.3 docs/alias/dsm_sync_cond_broadcast.3 \
	docs/alias/dsm_sync_rwlock_rdlock.3 docs/alias/dsm_sync_rwlock_tryrdlock.3 \
	docs/alias/dsm_sync_rwlock_timedrdlock.3 docs/alias/dsm_sync_rwlock_wrlock.3 \
	docs/alias/dsm_sync_rwlock_trywrlock.3 docs/alias/dsm_sync_rwlock_timedwrlock.3 \
	docs/alias/dsm_sync_rwlock_unlock.3 docs/alias/dsm_sync_sem_wait.3 \
	docs/alias/dsm_sync_sem_trywait.3 docs/alias/dsm_sync_sem_timedwait.3 \
	docs/alias/dsm_sync_sem_post.3 docs/alias/dsm_sync_sem_value.3 \
	docs/alias/dsm_sync_barrier_wait.3 docs/alias/dsm_sync_once_call.3 \
	docs/alias/dsm_thread_create.3 docs/alias/dsm_thread_detach.3 docs/alias/dsm_thread_join.3 \
	docs/alias/dsm_thread_node.3 docs/alias/dsm_thread_self.3 docs/alias/dsm_thread_timedjoin.3 \
	docs/alias/dsm_swap64.3 docs/alias/dsm_unpin.3

dist_doc_DATA += CHANGELOG.md CONTRIBUTING.md docs/architecture.md docs/checkpoint-format.md docs/deploy.md docs/failures.md docs/metrics.md docs/performance.md docs/protocol.md \
	docs/simulation.md docs/threads.md docs/tracing.md docs/transport.md docs/tutorial.md docs/trap.md docs/tuning.md
tracingdocdir = $(docdir)/tracing
dist_tracingdoc_DATA = docs/tracing/late.svg docs/tracing/neighbours.svg
picturesdocdir = $(docdir)/pictures
dist_picturesdoc_DATA = docs/pictures/heatmap.svg docs/pictures/miss.svg docs/pictures/rooms.svg \
	docs/pictures/step3.svg docs/pictures/top.svg
EXTRA_DIST += docs/tracing/picture.py docs/pictures/draw.py docs/pictures/pictures.sh docs/pictures/tutorial.sh
