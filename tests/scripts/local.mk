# The scripts check and demo themselves, and what they share
script_tests = tests/scripts/test_lib.sh tests/scripts/test_check.sh \
	tests/scripts/test_ci.sh
dist_check_SCRIPTS += $(script_tests)
TESTS += $(script_tests)
