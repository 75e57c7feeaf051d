# Where people run jobs: containers
dist_check_SCRIPTS += tests/deploy/seccomp.sh
TESTS += tests/deploy/seccomp.sh
EXTRA_DIST += tests/deploy/confine.py
