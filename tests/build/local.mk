# The build itself: what it asks of a machine, what it installs, what it packs.
dist_check_SCRIPTS += tests/build/pkgconfig.sh
TESTS += tests/build/pkgconfig.sh
