# tests

# Trap and region: conformance of every engine on every zone
if HAVE_CUNIT
trap_support = tests/trap/support.c tests/trap/support.h
trap_tests = tests/trap/test_trap tests/memory/test_region tests/memory/test_filled tests/trap/test_probe
check_PROGRAMS += $(trap_tests)
TESTS += $(trap_tests)
noinst_PROGRAMS += tests/trap/trap_cost
tests_trap_test_trap_SOURCES = tests/trap/test_trap.c tests/trap/conf.h tests/trap/fixture.h \
	tests/trap/fixture.c tests/trap/conf_access.c tests/trap/conf_runs.c \
	tests/trap/conf_life.c tests/trap/conf_process.c tests/trap/conf_race.c tests/trap/conf_switch.c \
	tests/trap/conf_wp.c $(trap_support)
tests_trap_test_trap_LDADD = libnode.la -lcunit
tests_memory_test_region_SOURCES = tests/memory/test_region.c $(trap_support)
tests_memory_test_region_LDADD = libnode.la -lcunit
tests_memory_test_filled_SOURCES = tests/memory/test_filled.c $(trap_support)
tests_memory_test_filled_LDADD = libnode.la -lcunit
tests_trap_test_probe_SOURCES = tests/trap/test_probe.c $(trap_support)
tests_trap_test_probe_LDADD = libnode.la -lcunit
tests_trap_trap_cost_SOURCES = tests/trap/trap_cost.c $(trap_support)
tests_trap_trap_cost_LDADD = libnode.la -lcunit
endif

# Allocator and names
if HAVE_CUNIT
pure_tests = tests/heap/test_alloc tests/heap/test_mirror tests/heap/test_names tests/start/test_parts tests/node/test_stream \
	tests/node/test_ahead tests/node/test_bound tests/node/test_stretch tests/node/test_tenure tests/node/test_trails tests/node/test_writes \
	tests/start/test_vote
check_PROGRAMS += $(pure_tests)
TESTS += $(pure_tests)
tests_heap_test_alloc_SOURCES = tests/heap/test_alloc.c
tests_heap_test_alloc_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc
tests_heap_test_alloc_LDADD = libnode.la libcoherence.la -lcunit
tests_node_test_stream_SOURCES = tests/node/test_stream.c dsm/node/stream.c dsm/node/stream.h
tests_node_test_stream_LDADD = -lcunit
tests_node_test_ahead_SOURCES = tests/node/test_ahead.c dsm/node/away_ahead.c dsm/node/away.h
tests_node_test_ahead_LDADD = -lcunit
tests_node_test_bound_SOURCES = tests/node/test_bound.c dsm/node/bound.c dsm/node/bound.h dsm/node/given.c dsm/node/given.h
tests_node_test_bound_LDADD = -lcunit
tests_node_test_stretch_SOURCES = tests/node/test_stretch.c dsm/node/stretch.c dsm/node/stretch.h
tests_node_test_stretch_LDADD = -lcunit
tests_node_test_tenure_SOURCES = tests/node/test_tenure.c dsm/node/looks.c dsm/node/looks.h dsm/node/stretch.c dsm/node/stretch.h dsm/node/tenure.c \
	dsm/node/tenure.h
tests_node_test_tenure_LDADD = -lcunit
tests_node_test_trails_SOURCES = tests/node/test_trails.c dsm/node/trails.c dsm/node/trails.h
tests_node_test_trails_LDADD = -lcunit
tests_node_test_writes_SOURCES = tests/node/test_writes.c dsm/node/writes.c dsm/node/writes.h
tests_node_test_writes_LDADD = -lcunit
tests_start_test_parts_SOURCES = tests/start/test_parts.c
tests_start_test_parts_LDADD = libnode.la libcoherence.la libtransport.la $(EV_LIBS) $(JANSSON_LIBS) -lcunit
tests_start_test_vote_SOURCES = tests/start/test_vote.c
tests_start_test_vote_LDADD = libnode.la libcoherence.la libtransport.la $(EV_LIBS) $(JANSSON_LIBS) -lcunit
tests_heap_test_mirror_SOURCES = tests/heap/mirror_compare.c tests/heap/mirror_model.c tests/heap/mirror_model.h \
	tests/heap/mirror_world.c tests/heap/mirror_world.h tests/heap/test_mirror.c
tests_heap_test_mirror_LDADD = libnode.la libcoherence.la -lcunit
tests_heap_test_names_SOURCES = tests/heap/test_names.c
tests_heap_test_names_LDADD = libnode.la -lcunit
endif

# Checkpoints
check_PROGRAMS += tests/checkpoint/make_sparse
tests_checkpoint_make_sparse_SOURCES = tests/checkpoint/make_sparse.c
tests_checkpoint_make_sparse_LDADD = libcheckpoint.la
if HAVE_CUNIT
check_PROGRAMS += tests/checkpoint/test_files tests/checkpoint/test_layers tests/checkpoint/test_packed tests/checkpoint/test_recast
TESTS += tests/checkpoint/test_files tests/checkpoint/test_layers tests/checkpoint/test_packed tests/checkpoint/test_recast
tests_checkpoint_test_recast_SOURCES = tests/checkpoint/test_recast.c
tests_checkpoint_test_recast_LDADD = libcheckpoint.la -lcunit
tests_checkpoint_test_packed_SOURCES = tests/checkpoint/test_packed.c tests/checkpoint/small.c tests/checkpoint/small.h
tests_checkpoint_test_packed_LDADD = libcheckpoint.la -lcunit
tests_checkpoint_test_files_SOURCES = tests/checkpoint/test_files.c tests/checkpoint/small.c tests/checkpoint/small.h
tests_checkpoint_test_files_LDADD = libcheckpoint.la -lcunit
tests_checkpoint_test_layers_SOURCES = tests/checkpoint/test_layers.c tests/checkpoint/small.c tests/checkpoint/small.h
tests_checkpoint_test_layers_LDADD = libcheckpoint.la -lcunit
endif

# Budget of frames, and which page goes
if HAVE_CUNIT
check_PROGRAMS += tests/memory/test_evict tests/memory/test_budget tests/memory/test_frames tests/memory/test_landings tests/memory/test_stages tests/node/test_hot \
	tests/node/test_trace tests/node/test_lines tests/node/test_read_locks
TESTS += tests/memory/test_evict tests/memory/test_budget tests/memory/test_frames tests/memory/test_landings tests/memory/test_stages tests/node/test_hot \
	tests/node/test_trace tests/node/test_lines tests/node/test_read_locks
endif
tests_memory_test_landings_SOURCES = tests/memory/test_landings.c
tests_memory_test_landings_LDADD = libnode.la -lcunit
tests_memory_test_stages_SOURCES = tests/memory/test_stages.c
tests_memory_test_stages_LDADD = libnode.la -lcunit
tests_memory_test_frames_SOURCES = tests/memory/test_frames.c
tests_memory_test_frames_LDADD = libnode.la libcoherence.la libtransport.la $(EV_LIBS) $(JANSSON_LIBS) -lcunit
tests_node_test_hot_SOURCES = tests/node/test_hot.c dsm/node/hot.c dsm/node/hot.h
tests_node_test_hot_LDADD = -lcunit
tests_node_test_trace_SOURCES = tests/node/test_trace.c dsm/node/trace.c dsm/node/trace.h dsm/base/clock.c dsm/base/clock.h
tests_node_test_trace_LDADD = -lcunit
tests_node_test_read_locks_SOURCES = tests/node/test_read_locks.c dsm/node/read_locks.c dsm/node/read_locks.h
tests_node_test_read_locks_LDADD = -lcunit
tests_node_test_lines_SOURCES = tests/node/test_lines.c dsm/node/lines.c dsm/node/lines.h
tests_node_test_lines_LDADD = -lcunit
tests_memory_test_evict_SOURCES = tests/memory/test_evict.c dsm/memory/evict.c dsm/memory/evict.h
tests_memory_test_evict_LDADD = -lcunit
tests_memory_test_budget_SOURCES = tests/memory/test_budget.c dsm/memory/budget.c dsm/memory/budget.h
tests_memory_test_budget_LDADD = libcoherence.la -lcunit

# What all stands on
if HAVE_CUNIT
base_tests = tests/base/test_code tests/base/test_latency tests/base/test_limit tests/base/test_log tests/base/test_processors \
	tests/base/test_stack
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
endif
tests_base_test_code_SOURCES = tests/base/test_code.c dsm/base/code.c dsm/base/code.h
tests_base_test_code_LDADD = -lcunit
tests_base_test_latency_SOURCES = tests/base/test_latency.c
tests_base_test_latency_LDADD = libnode.la -lcunit
tests_base_test_limit_SOURCES = tests/base/test_limit.c dsm/base/log_limit.c dsm/base/log_limit.h
tests_base_test_limit_LDADD = -lcunit
tests_base_test_log_SOURCES = tests/base/test_log.c dsm/base/clock.c dsm/base/clock.h \
	dsm/base/thread.c dsm/base/thread.h \
	dsm/base/log.c dsm/base/log.h dsm/base/log_fd.c dsm/base/log_limit.c dsm/base/log_limit.h \
	dsm/base/log_queue.c dsm/base/log_queue.h
tests_base_test_log_LDADD = -lcunit
tests_base_test_stack_SOURCES = tests/base/test_stack.c dsm/base/stack.c dsm/base/stack.h
tests_base_test_stack_LDADD = -lcunit
tests_base_test_processors_SOURCES = tests/base/test_processors.c dsm/base/processors.c \
	dsm/base/processors.h
tests_base_test_processors_LDADD = -lcunit

# Threads for other nodes
if HAVE_CUNIT
check_PROGRAMS += tests/workers/test_table
TESTS += tests/workers/test_table
endif
tests_workers_test_table_SOURCES = tests/workers/test_table.c dsm/workers/table.c dsm/workers/table.h
tests_workers_test_table_LDADD = -lcunit

# The heap of programs with threads: what a node knows of spans.
if HAVE_CUNIT
check_PROGRAMS += tests/threads/test_spans
TESTS += tests/threads/test_spans
endif
tests_threads_test_spans_SOURCES = tests/threads/test_spans.c dsm/threads/arena.h dsm/threads/next.c dsm/threads/spans.c
tests_threads_test_spans_CFLAGS = $(AM_CFLAGS)
tests_threads_test_spans_LDADD = libdsm.la -lcunit

# Boot: forked nodes around a rendezvous.
if HAVE_CUNIT
boot_tests = tests/boot/test_boot tests/boot/test_ends tests/admin/test_admin tests/boot/test_tcp \
	tests/boot/test_connects
check_PROGRAMS += $(boot_tests)
TESTS += $(boot_tests)
endif
boot_jobs = tests/boot/job.c tests/boot/job.h tests/boot/members.c
tests_boot_test_boot_SOURCES = tests/boot/test_boot.c $(boot_jobs)
tests_boot_test_boot_LDADD = libnode.la libjob.la -lcunit
tests_boot_test_ends_SOURCES = tests/boot/test_ends.c $(boot_jobs)
tests_boot_test_ends_LDADD = libnode.la libjob.la -lcunit
tests_boot_test_connects_SOURCES = tests/boot/test_connects.c
tests_boot_test_connects_LDADD = libnode.la libjob.la -lcunit
tests_boot_test_tcp_SOURCES = tests/boot/test_tcp.c $(boot_jobs)
tests_boot_test_tcp_LDADD = libnode.la libjob.la -lcunit
# Nodes that survive each other
if HAVE_CUNIT
check_PROGRAMS += tests/members/test_survive
TESTS += tests/members/test_survive
endif
tests_members_test_survive_SOURCES = tests/members/crew.c tests/members/crew.h tests/members/test_survive.c $(boot_jobs)
check_PROGRAMS += tests/members/one
tests_members_one_SOURCES = tests/members/one.c
tests_members_one_LDADD = libnode.la libjob.la
dist_check_SCRIPTS += tests/members/cut.sh
TESTS += tests/members/cut.sh
tests_members_test_survive_LDADD = libnode.la libjob.la -lcunit
tests_admin_test_admin_SOURCES = tests/admin/test_admin.c
tests_admin_test_admin_LDADD = libnode.la $(EV_LIBS) -lcunit

# dsmctl, as a user runs it
if HAVE_CUNIT
ctl_tests = tests/tools/test_run tests/tools/test_show tests/tools/test_doctor
check_PROGRAMS += $(ctl_tests)
TESTS += $(ctl_tests)
endif
ctl_harness = tests/tools/ctl.c tests/tools/ctl.h
tests_tools_test_run_SOURCES = tests/tools/test_run.c $(ctl_harness)
tests_tools_test_run_LDADD = -lcunit -lutil
tests_tools_test_show_SOURCES = tests/tools/test_show.c $(ctl_harness)
tests_tools_test_show_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_tools_test_show_LDADD = libnode.la libjob.la $(JANSSON_LIBS) $(EV_LIBS) -lcunit

dist_check_SCRIPTS += tests/tools/completion.sh
TESTS += tests/tools/completion.sh
tests_tools_test_doctor_SOURCES = tests/tools/test_doctor.c
tests_tools_test_doctor_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) -DPKGLIBEXECDIR='"$(pkglibexecdir)"'
tests_tools_test_doctor_LDADD = $(JANSSON_LIBS) -lcunit

# Examples
if HAVE_CUNIT
check_PROGRAMS += tests/examples/test_packages
TESTS += tests/examples/test_packages
tests_examples_test_packages_SOURCES = tests/examples/test_packages.c examples/packages.c \
	examples/packages.h
tests_examples_test_packages_CFLAGS = $(AM_CFLAGS)
tests_examples_test_packages_LDADD = -lcunit
check_PROGRAMS += tests/examples/test_kv
TESTS += tests/examples/test_kv
tests_examples_test_kv_SOURCES = tests/examples/test_kv.c examples/kv_check.c examples/kv_check.h examples/kv_log.h \
	examples/kv_store.h examples/kv_table.c examples/kv_table.h
tests_examples_test_kv_CPPFLAGS = $(AM_CPPFLAGS) $(example_cppflags)
tests_examples_test_kv_CFLAGS = $(AM_CFLAGS)
tests_examples_test_kv_LDADD = -lcunit

check_PROGRAMS += tests/examples/test_kv_readers
TESTS += tests/examples/test_kv_readers
tests_examples_test_kv_readers_SOURCES = tests/examples/test_kv_readers.c
tests_examples_test_kv_readers_CPPFLAGS = $(AM_CPPFLAGS) $(example_cppflags)
tests_examples_test_kv_readers_CFLAGS = $(AM_CFLAGS)
tests_examples_test_kv_readers_LDADD = -lcunit
endif

# Containers
include tests/deploy/local.mk

# Transport
include tests/transport/local.mk

# Scripts
include tests/scripts/local.mk

# Docs
dist_check_SCRIPTS += tests/docs/check_docs.sh tests/docs/check_architecture.sh tests/docs/check_house.sh
TESTS += tests/docs/check_docs.sh tests/docs/check_architecture.sh tests/docs/check_house.sh

# README's first program
check_PROGRAMS += tests/docs/first
nodist_tests_docs_first_SOURCES = tests/docs/first.c
tests_docs_first_CPPFLAGS = -I$(top_srcdir)/dsm
tests_docs_first_LDADD = libdsm.la
CLEANFILES += tests/docs/first.c
tests/docs/first.c: README.md
	$(AM_V_GEN)$(MKDIR_P) tests/docs && sed -n '/^```c$$/,/^```$$/p' $(top_srcdir)/README.md | \
		sed '/^```/d' >$@
dist_check_SCRIPTS += $(reader_tests)
TESTS += $(reader_tests)
EXTRA_DIST += tests/docs/lib.sh
reader_tests = tests/docs/first.sh tests/docs/pasted.sh tests/docs/pictures.sh tests/docs/tutorial.sh

# The build
include tests/build/local.mk

# coherence
include tests/coherence/local.mk
include tests/explore/local.mk
include tests/views/local.mk

# The examples as users run them
dist_check_SCRIPTS += tests/examples/run_examples.sh tests/examples/kv.sh tests/examples/tracing.sh tests/examples/makefile.sh
TESTS += tests/examples/run_examples.sh tests/examples/kv.sh tests/examples/tracing.sh tests/examples/makefile.sh

# Simulator
include tests/sim/local.mk
# Fuzzers
include tests/fuzz/local.mk
include tests/system/local.mk

# Python
include tests/python/local.mk

# Emulated machines; ./check vm runs them
EXTRA_DIST += tests/vm/lib.sh tests/vm/fetch.sh tests/vm/prepare.sh tests/vm/run.sh \
	tests/vm/run-suite.sh tests/vm/guest-init.sh tests/vm/guest-node.sh tests/vm/in-guest.sh \
	tests/vm/in-verbs.sh
# New machines; ./check fresh runs them
EXTRA_DIST += tests/fresh/dist.sh tests/fresh/enter.sh tests/fresh/inside.sh tests/fresh/readme.sh \
	tests/fresh/root.sh tests/fresh/run.sh tests/fresh/sources.sh
# dsm-bench
include tests/bench/local.mk

# Sanitizers say what they see, but of what the libraries below leak. Nodes warn of variables that
# are those of ./check, and none of theirs.
AM_TESTS_ENVIRONMENT = \
	unset DSM_FRESH_CACHE DSM_VM_CACHE; \
	LSAN_OPTIONS="suppressions=$(abs_top_srcdir)/tests/lsan.supp:print_suppressions=0"; \
	TSAN_OPTIONS="suppressions=$(abs_top_srcdir)/tests/tsan.supp:print_suppressions=0"; \
	export LSAN_OPTIONS TSAN_OPTIONS;
EXTRA_DIST += tests/fresh/mixed.sh tests/lsan.supp tests/tsan.supp tests/hang.h tests/suite.h tests/seed.h tests/make-check.sh tests/repeat.sh tests/purity.sh tests/hosts.sh

# Rounds of those who live: all that can happen to them
check_PROGRAMS += tests/heap/accord_model
TESTS += tests/heap/accord_model
tests_heap_accord_model_SOURCES = tests/heap/accord_model.c dsm/heap/accord.c dsm/heap/accord.h \
	dsm/heap/accord_mutant.h dsm/heap/fold.c dsm/heap/fold.h
tests_heap_accord_model_CPPFLAGS = $(AM_CPPFLAGS) -DACCORD_MODEL

# The objects of dsm_sync.h: all that threads can do with their words
check_PROGRAMS += tests/objects/model
TESTS += tests/objects/model
tests_objects_model_SOURCES = tests/objects/model.c tests/objects/model_owned.c tests/objects/model_shared.c tests/objects/model.h tests/objects/explore.c \
	dsm/calls/states.h
