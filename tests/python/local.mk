# The package for Python
python_tests = tests/python/drift.sh tests/python/install.sh tests/python/mpi.sh tests/python/run.sh
dist_check_SCRIPTS += $(python_tests)
TESTS += $(python_tests)
EXTRA_DIST += tests/python/calls.py tests/python/drift.py tests/python/lib.sh tests/python/log.py \
	tests/python/mpi.py tests/python/processes.py
CLEANFILES += tests/python/sanitized # of a build with AddressSanitizer
