# tools

bin_PROGRAMS += tools/dsmctl
tools_dsmctl_SOURCES = tools/ctl/main.c tools/ctl/ctl.h tools/ctl/options.c \
	tools/ctl/run.c tools/ctl/run.h tools/ctl/crew.c tools/ctl/crew_impl.h \
	tools/ctl/crew_watch.c tools/ctl/crew_end.c tools/ctl/leftovers.c tools/ctl/leftovers.h \
	tools/ctl/spawn.c tools/ctl/spawn.h tools/ctl/threads.c tools/ctl/threads.h tools/ctl/relay.c tools/ctl/relay.h \
	tools/ctl/sink.c tools/ctl/sink.h tools/ctl/input.c tools/ctl/input.h \
	tools/ctl/keeper.c tools/ctl/keeper.h tools/ctl/jobs.c tools/ctl/jobs.h tools/ctl/kill.c tools/ctl/newjob.c \
	tools/ctl/status.c tools/ctl/stats.c tools/ctl/audit.c tools/ctl/hot.c tools/ctl/checkpoint.c tools/ctl/clean.c \
	tools/ctl/heatmap.c tools/ctl/heatmap.h tools/ctl/heatmap_ask.c tools/ctl/heatmap_html.c \
	tools/ctl/heatmap_svg.c \
	tools/ctl/hot_pages.c tools/ctl/hot_pages.h tools/ctl/hot_lines.c tools/ctl/code.h \
	tools/ctl/code_width.c \
	tools/ctl/top.c tools/ctl/top.h tools/ctl/top_data.c tools/ctl/top_latency.c \
	tools/ctl/top_text.c \
	tools/ctl/show.c tools/ctl/show.h tools/ctl/doctor.c tools/ctl/query.c tools/ctl/query.h \
	tools/ctl/member.c tools/ctl/table.c tools/ctl/table.h tools/ctl/figures.c tools/ctl/figures.h \
	tools/ctl/counts.c tools/ctl/counts.h tools/ctl/rates.c tools/ctl/rates.h \
	tools/ctl/latency.c tools/ctl/latency.h tools/ctl/metrics.c tools/ctl/metrics.h \
	tools/ctl/metrics_text.c tools/ctl/metrics_http.c tools/ctl/trace.c tools/ctl/trace.h \
	tools/ctl/trace_events.c tools/ctl/trace_fetch.c tools/ctl/trace_flows.c tools/ctl/trace_write.c \
	tools/ctl/wanted.c tools/ctl/wanted.h
if HAVE_NCURSES
tools_dsmctl_SOURCES += tools/ctl/top_screen.c
else
tools_dsmctl_SOURCES += tools/ctl/top_plain.c
endif
if HAVE_DW
tools_dsmctl_SOURCES += tools/ctl/code.c
else
tools_dsmctl_SOURCES += tools/ctl/code_none.c
endif
tools_dsmctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(MICROHTTPD_CFLAGS) \
	$(DW_CFLAGS) $(NCURSES_CFLAGS) $(CAPSTONE_CFLAGS) -DPKGLIBEXECDIR='"$(pkglibexecdir)"' -DPKGLIBDIR='"$(pkglibdir)"'
tools_dsmctl_LDFLAGS = $(LINK_FLAGS)
tools_dsmctl_LDADD = libjob.la libcheckpoint.la $(JANSSON_LIBS) $(EV_LIBS) $(MICROHTTPD_LIBS) $(DW_LIBS) \
	$(NCURSES_LIBS) $(CAPSTONE_LIBS) -lm

if HAVE_PNG
tools_dsmctl_SOURCES += tools/ctl/heatmap_png.c
tools_dsmctl_CFLAGS += -DHAVE_PNG $(PNG_CFLAGS)
tools_dsmctl_LDADD += $(PNG_LIBS)
endif

# What bash completes after both; bash-completion looks there.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = tools/completions/dsm-bench tools/completions/dsmctl

# What makes containers' seccomp profiles, see docs/deploy.md.
dist_pkgdata_DATA = packaging/userfaultfd.jq
# A dashboard for dsmctl metrics, see docs/metrics.md.
grafanadir = $(pkgdatadir)/grafana
dist_grafana_DATA = packaging/grafana/dsm.json
EXTRA_DIST += packaging/Containerfile

# What dsmctl doctor starts.
pkglibexec_PROGRAMS += tools/dsm-doctor
tools_dsm_doctor_SOURCES = tools/doctor/doctor.c tools/doctor/trial.c tools/doctor/trial.h \
	tools/ctl/options.c tools/ctl/ctl.h
tools_dsm_doctor_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tools_dsm_doctor_LDFLAGS = $(LINK_FLAGS)
tools_dsm_doctor_LDADD = libdsm.la libjob.la $(JANSSON_LIBS)

# The floors are on libfabric itself; the rest is what any program can do with the library.
bin_PROGRAMS += tools/dsm-bench
tools_dsm_bench_SOURCES = tools/bench/main.c tools/bench/options.c tools/bench/options.h \
	tools/bench/jobs.c tools/bench/jobs.h tools/bench/jobs_impl.h \
	tools/bench/jobs_start.c tools/bench/jobs_results.c tools/bench/node.c tools/bench/node.h \
	tools/bench/bench.c tools/bench/bench.h tools/bench/tests.c tools/bench/tests.h \
	tools/bench/series.c tools/bench/series.h tools/bench/result.c tools/bench/result.h \
	tools/bench/report.c tools/bench/report.h tools/bench/machine.c tools/bench/machine.h \
	tools/bench/bare.h tools/bench/bare_fabric.c tools/bench/bare_fabric.h \
	tools/bench/bare_impl.h tools/bench/bare_open.c tools/bench/bare_area.c \
	tools/bench/bare_window.c tools/bench/bare_window.h tools/bench/bare_set.c \
	tools/bench/bare_floor.c \
	tools/bench/bare_trap.c tools/bench/bare_revoke.c tools/bench/bare_round_trip.c \
	tools/bench/bare_miss.c tools/bench/bare_bandwidth.c tools/bench/bare_barrier.c \
	tools/bench/pages.c tools/bench/pages.h tools/bench/rounds.c tools/bench/rounds.h \
	tools/bench/shared.h tools/bench/misses.c \
	tools/bench/computes.c tools/bench/streams.c tools/bench/first.c tools/bench/huge.c tools/bench/turns.c tools/bench/mutexes.c tools/bench/secures.c tools/bench/recovers.c tools/bench/words.c tools/bench/threads.c tools/bench/heaps.c \
	tools/bench/programs.c tools/bench/programs.h tools/bench/saves.c \
	tools/bench/sync.c tools/bench/habits.c tools/bench/idle.c \
	tools/bench/apps/apps.c tools/bench/apps/apps.h tools/bench/apps/teams.h \
	tools/bench/apps/team.c tools/bench/apps/team.h tools/bench/apps/threads.c \
	tools/bench/apps/record.c tools/bench/apps/nodes.c tools/bench/apps/trace.c \
	tools/bench/apps/order.c tools/bench/apps/order.h \
	tools/bench/apps/trace.h tools/bench/apps/oracle.c tools/bench/apps/oracle.h \
	tools/bench/apps/kernels.h tools/bench/apps/transpose.c tools/bench/apps/stencil.c \
	tools/bench/apps/scatter.c tools/bench/apps/sparse.c tools/bench/apps/product.c \
	tools/bench/apps/queue.c tools/bench/apps/lu.c tools/bench/apps/histogram.c \
	tools/bench/apps/bodies.c tools/bench/apps/search.c tools/bench/apps/table.c
tools_dsm_bench_LDFLAGS = $(LINK_FLAGS)
tools_dsm_bench_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(FABRIC_CFLAGS) -DPKGLIBEXECDIR='"$(pkglibexecdir)"'
tools_dsm_bench_LDADD = libdsm.la libjob.la $(JANSSON_LIBS) $(FABRIC_LIBS) -lm -lpthread

# What dsm-bench runs alone, and under dsmctl run --threads: it knows nothing of libdsm.
pkglibexec_PROGRAMS += tools/dsm-bench-heap
tools_dsm_bench_heap_SOURCES = tools/bench/heap_program.c
tools_dsm_bench_heap_LDADD = -lpthread
# What it runs to save a job, and to go on from what was saved.
pkglibexec_PROGRAMS += tools/dsm-bench-save
tools_dsm_bench_save_SOURCES = tools/bench/save_program.c
tools_dsm_bench_save_LDFLAGS = $(LINK_FLAGS)
tools_dsm_bench_save_LDADD = libdsm.la
# What it runs as a job whose nodes may die.
pkglibexec_PROGRAMS += tools/dsm-bench-secure
tools_dsm_bench_secure_SOURCES = tools/bench/secure_program.c
tools_dsm_bench_secure_LDFLAGS = $(LINK_FLAGS)
tools_dsm_bench_secure_LDADD = libdsm.la
# And as one of which a node dies.
pkglibexec_PROGRAMS += tools/dsm-bench-recover
tools_dsm_bench_recover_SOURCES = tools/bench/recover_program.c
tools_dsm_bench_recover_LDFLAGS = $(LINK_FLAGS)
tools_dsm_bench_recover_LDADD = libdsm.la
