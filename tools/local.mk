# tools

bin_PROGRAMS += tools/dsmctl
tools_dsmctl_SOURCES = tools/ctl/main.c tools/ctl/ctl.h tools/ctl/options.c \
	tools/ctl/run.c tools/ctl/run.h tools/ctl/crew.c tools/ctl/spawn.c tools/ctl/spawn.h \
	tools/ctl/relay.c tools/ctl/relay.h tools/ctl/input.c tools/ctl/input.h \
	tools/ctl/keeper.c tools/ctl/keeper.h tools/ctl/jobs.c tools/ctl/jobs.h \
	tools/ctl/status.c tools/ctl/stats.c tools/ctl/clean.c tools/ctl/show.c tools/ctl/show.h \
	tools/ctl/query.c tools/ctl/query.h tools/ctl/table.c tools/ctl/table.h
tools_dsmctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tools_dsmctl_LDADD = libjob.la $(JANSSON_LIBS) $(EV_LIBS)
