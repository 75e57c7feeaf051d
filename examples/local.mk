# examples: made to be copied. Their sources are installed, with a Makefile for them. Here they are
# built as a program outside the tree would be, but for where dsm.h and the library come from.
exampledir = $(docdir)/examples
dist_example_DATA = examples/Makefile examples/hello.c examples/kmeans.c examples/pagerank.c \
	examples/packages.c examples/packages.h examples/sort.c examples/heat.c examples/late.c \
	examples/matmul.c examples/mpi_halo.c examples/neighbours.c examples/histogram.cpp examples/common.c examples/common.h \
	examples/kv.c examples/kv_check.c examples/kv_check.h examples/kv_client.c examples/kv_client.h examples/kv_log.c examples/kv_log.h examples/kv_store.c \
	examples/kv_store.h examples/kv_table.c examples/kv_table.h
exampletutorialdir = $(exampledir)/tutorial
# The programs of docs/tutorial.md, which tests/docs/tutorial.sh builds and runs.
dist_exampletutorial_DATA = examples/tutorial/step0.c examples/tutorial/step1.c \
	examples/tutorial/step2.c examples/tutorial/step3.c examples/tutorial/step4.c
# Programs with threads and without a word of libdsm, for dsmctl run --threads; docs/threads.md.
examplethreadsdir = $(exampledir)/threads
dist_examplethreads_DATA = examples/threads/primes.cpp examples/threads/queue.c \
	examples/threads/stencil.c
examplepythondir = $(exampledir)/python
dist_examplepython_DATA = examples/python/jacobi.py examples/python/rows.py

example_programs = examples/hello examples/kmeans examples/kv examples/late examples/neighbours examples/pagerank examples/sort
example_cppflags = -I$(top_srcdir)/dsm

examples_heat_SOURCES = examples/heat.c examples/common.c examples/common.h
examples_heat_CPPFLAGS = $(example_cppflags)
examples_heat_CFLAGS = $(AM_CFLAGS) $(PNG_CFLAGS)
examples_heat_LDADD = libdsm.la $(PNG_LIBS) -lm

examples_hello_SOURCES = examples/hello.c
examples_hello_CPPFLAGS = $(example_cppflags)
examples_hello_LDADD = libdsm.la

examples_kmeans_SOURCES = examples/kmeans.c examples/common.c examples/common.h
examples_kmeans_CPPFLAGS = $(example_cppflags)
examples_kmeans_LDADD = libdsm.la

examples_kv_SOURCES = examples/kv.c examples/kv_check.c examples/kv_check.h examples/kv_client.c examples/kv_client.h examples/kv_log.c examples/kv_log.h \
	examples/kv_store.c examples/kv_store.h examples/kv_table.c examples/kv_table.h \
	examples/common.c examples/common.h
examples_kv_CPPFLAGS = $(example_cppflags)
examples_kv_CFLAGS = $(AM_CFLAGS) -pthread
examples_kv_LDADD = libdsm.la

# What docs/tracing.md finds in them, tests/examples/tracing.sh does.
examples_late_SOURCES = examples/late.c
examples_late_CPPFLAGS = $(example_cppflags)
examples_late_LDADD = libdsm.la

examples_neighbours_SOURCES = examples/neighbours.c
examples_neighbours_CPPFLAGS = $(example_cppflags)
examples_neighbours_LDADD = libdsm.la

examples_pagerank_SOURCES = examples/pagerank.c examples/packages.c examples/packages.h \
	examples/common.c examples/common.h
examples_pagerank_CPPFLAGS = $(example_cppflags)
examples_pagerank_LDADD = libdsm.la -lm

examples_sort_SOURCES = examples/sort.c examples/common.c examples/common.h
examples_sort_CPPFLAGS = $(example_cppflags)
examples_sort_LDADD = libdsm.la

examples_histogram_SOURCES = examples/histogram.cpp
examples_histogram_CPPFLAGS = $(example_cppflags)
examples_histogram_LDADD = libdsm.la

noinst_PROGRAMS += $(example_programs)
if HAVE_CXX
noinst_PROGRAMS += examples/histogram
endif
if HAVE_PNG
noinst_PROGRAMS += examples/heat
endif

# With MPI: matmul and mpi_halo are Open MPI's, those with -mpich MPICH's.
examples_matmul_SOURCES = examples/matmul.c
examples_matmul_CPPFLAGS = $(example_cppflags)
examples_matmul_CFLAGS = $(AM_CFLAGS) $(OMPI_CFLAGS)
examples_matmul_LDADD = libdsm.la $(OMPI_LIBS)
examples_mpi_halo_SOURCES = examples/mpi_halo.c
examples_mpi_halo_CPPFLAGS = $(example_cppflags)
examples_mpi_halo_CFLAGS = $(AM_CFLAGS) $(OMPI_CFLAGS)
examples_mpi_halo_LDADD = libdsm.la $(OMPI_LIBS)
examples_matmul_mpich_SOURCES = examples/matmul.c
examples_matmul_mpich_CPPFLAGS = $(example_cppflags)
examples_matmul_mpich_CFLAGS = $(AM_CFLAGS) $(MPICH_CFLAGS)
examples_matmul_mpich_LDADD = libdsm.la $(MPICH_LIBS)
examples_mpi_halo_mpich_SOURCES = examples/mpi_halo.c
examples_mpi_halo_mpich_CPPFLAGS = $(example_cppflags)
examples_mpi_halo_mpich_CFLAGS = $(AM_CFLAGS) $(MPICH_CFLAGS)
examples_mpi_halo_mpich_LDADD = libdsm.la $(MPICH_LIBS)
if HAVE_OMPI
noinst_PROGRAMS += examples/matmul examples/mpi_halo
endif
if HAVE_MPICH
noinst_PROGRAMS += examples/matmul-mpich examples/mpi_halo-mpich
endif
