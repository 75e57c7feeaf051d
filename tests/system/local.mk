# System tests: programs that run as jobs, and the scripts that start them.

system_programs = tests/system/advice tests/system/api tests/system/audit tests/system/bound tests/system/breaks \
	tests/system/checkpoint tests/system/checkpoint_moment tests/system/coll tests/system/descriptors tests/system/engine tests/system/errors \
	tests/system/full tests/system/futex tests/system/heat tests/system/idle tests/system/kernel tests/system/layers tests/system/leave \
	tests/system/left tests/system/litmus tests/system/load tests/system/log \
	tests/system/lost tests/system/objects tests/system/place tests/system/resident tests/system/reuse tests/system/sharing tests/system/survive tests/system/survive_alloc tests/system/survive_served tests/system/survive_keep2 tests/system/survive_told tests/system/survive_coll tests/system/survive_objects tests/system/survive_history tests/system/survive_sync \
	tests/system/stacks tests/system/stress tests/system/thread tests/system/thread-strange tests/system/threaded tests/system/threaded_calls tests/system/threaded_files tests/system/threaded_heap \
	tests/system/threaded_others tests/system/traced tests/system/user
check_PROGRAMS += $(system_programs)

system_node = tests/system/node.c tests/system/node.h

tests_system_advice_SOURCES = tests/system/advice.c $(system_node)
tests_system_advice_LDADD = libdsm.la
tests_system_api_SOURCES = tests/system/api.c tests/system/api.h tests/system/api_atomics.c \
	tests/system/api_cond.c tests/system/api_many.c tests/system/api_memory.c \
	tests/system/api_pin.c tests/system/api_sync.c $(system_node)
tests_system_api_LDADD = libdsm.la
# What a program does not see of the library.
tests_system_audit_SOURCES = tests/system/audit.c
tests_system_audit_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_system_audit_LDADD = libnode.la libcoherence.la libtransport.la $(EV_LIBS) $(JANSSON_LIBS)
tests_system_breaks_SOURCES = tests/system/breaks.c $(system_node)
tests_system_breaks_LDADD = libdsm.la
tests_system_checkpoint_SOURCES = tests/system/checkpoint.c $(system_node)
tests_system_checkpoint_LDADD = libdsm.la
tests_system_checkpoint_moment_SOURCES = tests/system/checkpoint_moment.c $(system_node)
tests_system_checkpoint_moment_LDADD = libdsm.la -ldl
check_PROGRAMS += tests/system/touched tests/system/untouched tests/system/wanted
tests_system_touched_SOURCES = tests/system/touched.c $(system_node)
tests_system_touched_LDADD = libdsm.la
tests_system_untouched_SOURCES = tests/system/untouched.c $(system_node)
tests_system_untouched_LDADD = libdsm.la
tests_system_wanted_SOURCES = tests/system/wanted.c $(system_node)
tests_system_wanted_LDADD = libdsm.la -ldl
tests_system_coll_SOURCES = tests/system/coll.c $(system_node)
tests_system_coll_LDADD = libdsm.la
tests_system_descriptors_SOURCES = tests/system/descriptors.c
tests_system_descriptors_LDADD = libdsm.la
tests_system_engine_SOURCES = tests/system/engine.c $(system_node)
tests_system_engine_LDADD = libdsm.la
tests_system_full_SOURCES = tests/system/full.c $(system_node)
tests_system_full_LDADD = libdsm.la
tests_system_bound_SOURCES = tests/system/bound.c $(system_node)
tests_system_bound_LDADD = libdsm.la
tests_system_futex_SOURCES = tests/system/futex.c $(system_node)
tests_system_futex_LDADD = libdsm.la
tests_system_heat_SOURCES = tests/system/heat.c $(system_node)
tests_system_heat_LDADD = libdsm.la
# A program of threads alone: libdsm is not linked.
tests_system_threaded_SOURCES = tests/system/threaded.c
tests_system_threaded_LDADD = -lpthread
tests_system_threaded_calls_SOURCES = tests/system/threaded_calls.c tests/system/threaded.h
tests_system_threaded_calls_LDADD = -lpthread
tests_system_threaded_files_SOURCES = tests/system/threaded_files.c tests/system/threaded.h
tests_system_threaded_files_LDADD = -lpthread
tests_system_threaded_heap_SOURCES = tests/system/threaded_heap.c
tests_system_threaded_heap_LDADD = -lpthread
tests_system_threaded_others_SOURCES = tests/system/threaded_others.c
tests_system_threaded_others_LDADD = -lpthread
tests_system_place_SOURCES = tests/system/place.c $(system_node)
tests_system_place_LDADD = libdsm.la
tests_system_idle_SOURCES = tests/system/idle.c $(system_node)
tests_system_idle_LDADD = libdsm.la
tests_system_kernel_SOURCES = tests/system/kernel.c $(system_node)
tests_system_kernel_LDADD = libdsm.la
tests_system_layers_SOURCES = tests/system/layers.c $(system_node)
tests_system_layers_LDADD = libdsm.la
tests_system_leave_SOURCES = tests/system/leave.c $(system_node)
tests_system_leave_LDADD = libdsm.la
tests_system_left_SOURCES = tests/system/left.c $(system_node)
tests_system_left_LDADD = libdsm.la
tests_system_litmus_SOURCES = tests/system/litmus.c $(system_node)
tests_system_litmus_LDADD = libdsm.la
tests_system_load_SOURCES = tests/system/load.c $(system_node)
tests_system_load_LDADD = libdsm.la
tests_system_log_SOURCES = tests/system/log.c $(system_node)
tests_system_log_LDADD = libdsm.la
tests_system_lost_SOURCES = tests/system/lost.c $(system_node)
tests_system_lost_LDADD = libdsm.la
tests_system_survive_SOURCES = tests/system/survive.c tests/system/survivor.h tests/system/survive.h tests/system/survive_end.c \
	tests/system/survive_pages.c tests/system/survive_renew.c $(system_node)
tests_system_survive_LDADD = libdsm.la
tests_system_survive_served_SOURCES = tests/system/survive_served.c tests/system/survivor.h $(system_node)
tests_system_survive_served_LDADD = libdsm.la
tests_system_survive_alloc_SOURCES = tests/system/survive_alloc.c tests/system/survivor.h $(system_node)
tests_system_survive_alloc_LDADD = libdsm.la
tests_system_survive_keep2_SOURCES = tests/system/survive_keep2.c tests/system/survivor.h $(system_node)
tests_system_survive_keep2_LDADD = libdsm.la
tests_system_survive_told_SOURCES = tests/system/survive_told.c $(system_node)
tests_system_survive_told_LDADD = libdsm.la
tests_system_survive_objects_SOURCES = tests/system/survive_objects.c tests/system/survivor.h $(system_node)
tests_system_survive_objects_LDADD = libdsm.la
tests_system_survive_coll_SOURCES = tests/system/survive_coll.c tests/system/survivor.h $(system_node)
tests_system_survive_coll_LDADD = libdsm.la
tests_system_survive_sync_SOURCES = tests/system/survive_sync.c tests/system/survivor.h tests/system/survive_sync.h \
	tests/system/survive_sync_locks.c $(system_node)
tests_system_survive_sync_LDADD = libdsm.la
tests_system_objects_SOURCES = tests/system/objects.c tests/system/objects.h \
	tests/system/objects_alone.c tests/system/objects_line.c $(system_node)
tests_system_objects_LDADD = libdsm.la
tests_system_reuse_SOURCES = tests/system/reuse.c $(system_node)
tests_system_reuse_LDADD = libdsm.la
tests_system_sharing_SOURCES = tests/system/sharing.c $(system_node)
tests_system_sharing_LDADD = libdsm.la
tests_system_stacks_SOURCES = tests/system/stacks.c $(system_node)
tests_system_stacks_LDADD = libdsm.la
tests_system_thread_SOURCES = tests/system/thread.c $(system_node)
tests_system_thread_LDADD = libdsm.la
# The same program, and not the same build.
tests_system_thread_strange_SOURCES = tests/system/thread.c $(system_node)
tests_system_thread_strange_CPPFLAGS = $(AM_CPPFLAGS) -DCROWD=63
tests_system_thread_strange_LDADD = libdsm.la
tests_system_traced_SOURCES = tests/system/traced.c $(system_node)
tests_system_traced_LDADD = libdsm.la
tests_system_user_SOURCES = tests/system/user.c $(system_node)
tests_system_user_LDADD = libdsm.la
tests_system_resident_SOURCES = tests/system/resident.c
system_history = tests/system/history.c tests/system/history.h tests/system/history_impl.h \
	tests/system/history_time.c
tests_system_stress_SOURCES = tests/system/stress.c tests/system/stress.h \
	tests/system/stress_thread.c $(system_history) $(system_node)
tests_system_stress_LDADD = libdsm.la
tests_system_survive_history_SOURCES = tests/system/survive_history.c tests/system/survivor.h tests/system/survive_history.h \
	tests/system/survive_history_check.c $(system_history) $(system_node)
tests_system_survive_history_LDADD = libdsm.la
# A peer of another version is played with the starter's side and the fixture of its tests.
tests_system_errors_SOURCES = tests/system/errors.c tests/boot/job.c tests/boot/job.h
tests_system_errors_LDADD = libdsm.la libjob.la

system_scripts = tests/system/api.sh tests/system/audit.sh tests/system/bound.sh tests/system/breaks.sh tests/system/checkpoint.sh tests/system/checkpoint_bad.sh tests/system/checkpoint_heat.sh tests/system/checkpoint_huge.sh tests/system/checkpoint_moment.sh tests/system/checkpoint_pages.sh tests/system/checkpoint_demand.sh tests/system/checkpoint_kill.sh tests/system/checkpoint_wanted.sh tests/system/coll.sh tests/system/cxx.sh \
	tests/system/descriptors.sh tests/system/dsmctl.sh \
	tests/system/engine.sh tests/system/futex.sh tests/system/hand.sh tests/system/heat.sh tests/system/hot.sh tests/system/huge.sh tests/system/idle.sh \
	tests/system/kernel.sh tests/system/leave.sh tests/system/left.sh tests/system/litmus.sh tests/system/log.sh \
	tests/system/lost.sh tests/system/memory.sh tests/system/metrics.sh tests/system/reuse.sh tests/system/survive.sh tests/system/survive_coll.sh tests/system/survive_huge.sh tests/system/survive_keep2.sh tests/system/survive_objects.sh \
	tests/system/memory-huge.sh tests/system/mpi_mpich.sh tests/system/mpi_openmpi.sh \
	tests/system/mpi_pmix.sh tests/system/mpi_prterun.sh tests/system/mpi_slurm.sh \
	tests/system/names.sh tests/system/netns.sh tests/system/objects.sh tests/system/place.sh tests/system/provider.sh tests/system/realtime.sh \
	tests/system/said.sh tests/system/shm.sh tests/system/stacks.sh tests/system/stress.sh \
	tests/system/thread.sh tests/system/threads.sh tests/system/threads_calls.sh tests/system/threads_others.sh tests/system/trace.sh \
	tests/system/user.sh
dist_check_SCRIPTS += $(system_scripts)
TESTS += $(system_scripts) tests/system/errors
EXTRA_DIST += tests/system/heat.py tests/system/lib.sh tests/system/metrics.py tests/system/mpi.sh tests/system/run.sh tests/system/slurm.sh tests/system/survive_lib.sh tests/system/survive_long.sh tests/system/survive_ways.sh tests/system/trace.py

if HAVE_CUNIT
check_PROGRAMS += tests/system/history_test
TESTS += tests/system/history_test
tests_system_history_test_SOURCES = tests/system/history_test.c $(system_history)
tests_system_history_test_LDADD = -lcunit
endif

# dsm.hpp
if HAVE_CXX
check_PROGRAMS += tests/system/cxx tests/system/threaded_ends
endif
tests_system_threaded_ends_SOURCES = tests/system/threaded_ends.cpp tests/system/threaded.h
tests_system_threaded_ends_CXXFLAGS = $(AM_CXXFLAGS) -pthread
tests_system_threaded_ends_LDADD = -lpthread
tests_system_cxx_SOURCES = tests/system/cxx.cpp
tests_system_cxx_CPPFLAGS = -I$(top_srcdir)/dsm
tests_system_cxx_LDADD = libdsm.la

# For top.sh
check_PROGRAMS += tests/system/steady
tests_system_steady_SOURCES = tests/system/steady.c $(system_node)
tests_system_steady_LDADD = libdsm.la
dist_check_SCRIPTS += tests/system/top.sh
TESTS += tests/system/top.sh
EXTRA_DIST += tests/system/top.py

check_PROGRAMS += tests/system/check
tests_system_check_SOURCES = tests/system/check.c $(system_node)
tests_system_check_LDADD = libdsm.la
dist_check_SCRIPTS += tests/system/check.sh
TESTS += tests/system/check.sh

# False sharing for hot_lines.sh to find: in the program, or in a library of its own.
check_PROGRAMS += tests/system/falsely tests/system/falsely-lib
tests_system_falsely_SOURCES = tests/system/falsely.c tests/system/falsely.h \
	tests/system/falsely_lines.c $(system_node)
tests_system_falsely_CFLAGS = $(AM_CFLAGS)
tests_system_falsely_LDADD = libdsm.la
tests_system_falsely_lib_SOURCES = tests/system/falsely.c tests/system/falsely.h $(system_node)
tests_system_falsely_lib_LDADD = tests/system/libfalsely.la libdsm.la
check_LTLIBRARIES += tests/system/libfalsely.la
tests_system_libfalsely_la_SOURCES = tests/system/falsely_lines.c tests/system/falsely.h
tests_system_libfalsely_la_LDFLAGS = -shared -avoid-version -rpath $(abs_builddir)
dist_check_SCRIPTS += tests/system/hot_lines.sh
TESTS += tests/system/hot_lines.sh

# Preloaded into nodes by witness.sh
check_LTLIBRARIES += tests/system/witness.la
tests_system_witness_la_SOURCES = tests/system/witness.c
tests_system_witness_la_CFLAGS = $(AM_CFLAGS) -fno-builtin
tests_system_witness_la_LDFLAGS = -module -shared -avoid-version -rpath $(abs_builddir)
dist_check_SCRIPTS += tests/system/witness.sh
TESTS += tests/system/witness.sh
