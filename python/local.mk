# The package for Python, installed where there is one. It needs NumPy when it runs, and nothing to
# be built.
dsmpydir = $(pythondir)/dsm
dsmpy_files = python/dsm/__init__.py python/dsm/_array.py python/dsm/_job.py python/dsm/_lib.py \
	python/dsm/_log.py python/dsm/_sync.py python/dsm/_waits.py
dsmpy_typed = python/dsm/py.typed
EXTRA_DIST += $(dsmpy_files) $(dsmpy_typed)
if HAVE_PYTHON
dsmpy_PYTHON = $(dsmpy_files)
dsmpy_DATA = $(dsmpy_typed)
nodist_dsmpy_PYTHON = python/dsm/_where.py
all-local: python/dsm/_where.py
CLEANFILES += python/dsm/_where.py
# Where the library is that the package was installed with.
python/dsm/_where.py: Makefile
	$(AM_V_GEN)$(MKDIR_P) python/dsm && printf 'LIBRARY = "%s"\n' '$(libdir)/libdsm.so.0' >$@
endif
