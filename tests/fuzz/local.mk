# Fuzzers. In make check they replay their corpus and some inputs drawn from a seed;
# --enable-fuzz (clang) builds them with libFuzzer, and tests/fuzz/long.sh runs those.
fuzz_wire = tests/fuzz/fuzz.h tests/fuzz/fuzz_wire.c
fuzz_liar = tests/fuzz/fuzz.h tests/fuzz/fuzz_liar.c tests/fuzz/world.c tests/fuzz/world.h
fuzz_views = tests/fuzz/fuzz.h tests/fuzz/fuzz_views.c
fuzz_head = tests/fuzz/fuzz.h tests/fuzz/fuzz_head.c
fuzz_checkpoint = tests/fuzz/fuzz.h tests/fuzz/fuzz_checkpoint.c
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/long.sh
check_PROGRAMS += tests/fuzz/wire tests/fuzz/liar tests/fuzz/views tests/fuzz/head tests/fuzz/checkpoint
TESTS += tests/fuzz/wire tests/fuzz/liar tests/fuzz/views tests/fuzz/head tests/fuzz/checkpoint
tests_fuzz_checkpoint_SOURCES = $(fuzz_checkpoint) tests/fuzz/replay.c tests/sim/rng.h
tests_fuzz_checkpoint_LDADD = libcheckpoint.la
tests_fuzz_wire_SOURCES = $(fuzz_wire) tests/fuzz/replay.c tests/sim/rng.h
tests_fuzz_wire_LDADD = libcoherence.la
tests_fuzz_liar_SOURCES = $(fuzz_liar) tests/fuzz/replay.c tests/sim/rng.h
tests_fuzz_liar_LDADD = libcoherence.la
tests_fuzz_views_SOURCES = $(fuzz_views) tests/fuzz/replay.c tests/sim/rng.h
tests_fuzz_views_LDADD = libcoherence.la
tests_fuzz_head_SOURCES = $(fuzz_head) tests/fuzz/replay.c tests/sim/rng.h
tests_fuzz_head_LDADD = libtransport.la

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-wire tests/fuzz/fuzz-liar tests/fuzz/fuzz-views tests/fuzz/fuzz-head \
	tests/fuzz/fuzz-manifest tests/fuzz/fuzz-index tests/fuzz/fuzz-packed
fuzz_cflags = $(AM_CFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
tests_fuzz_fuzz_wire_SOURCES = $(fuzz_wire) $(coherence_sources)
tests_fuzz_fuzz_wire_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_liar_SOURCES = $(fuzz_liar) $(coherence_sources)
tests_fuzz_fuzz_liar_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_liar_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_views_SOURCES = $(fuzz_views) $(coherence_sources)
tests_fuzz_fuzz_views_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_views_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_head_SOURCES = $(fuzz_head) transport/ofi_head.c transport/ofi_seal.c transport/ofi_clock.c
tests_fuzz_fuzz_head_CFLAGS = $(fuzz_cflags) $(FABRIC_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_fuzz_head_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_head_LDADD = $(SODIUM_LIBS)
# A manifest, an index, or a run that is packed.
fuzz_checkpoint_only = $(fuzz_checkpoint) dsm/checkpoint/envelope.c dsm/checkpoint/index.c \
	dsm/checkpoint/manifest.c dsm/checkpoint/pack.c
fuzz_checkpoint_cflags = $(fuzz_cflags) $(SODIUM_CFLAGS) $(XXHASH_CFLAGS) $(ZSTD_CFLAGS)
tests_fuzz_fuzz_manifest_SOURCES = $(fuzz_checkpoint_only)
tests_fuzz_fuzz_manifest_CFLAGS = $(fuzz_checkpoint_cflags) -DONLY=0
tests_fuzz_fuzz_manifest_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_manifest_LDADD = $(SODIUM_LIBS) $(XXHASH_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_index_SOURCES = $(fuzz_checkpoint_only)
tests_fuzz_fuzz_index_CFLAGS = $(fuzz_checkpoint_cflags) -DONLY=2
tests_fuzz_fuzz_index_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_index_LDADD = $(SODIUM_LIBS) $(XXHASH_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_packed_SOURCES = $(fuzz_checkpoint_only)
tests_fuzz_fuzz_packed_CFLAGS = $(fuzz_checkpoint_cflags) -DONLY=4
tests_fuzz_fuzz_packed_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_packed_LDADD = $(SODIUM_LIBS) $(XXHASH_LIBS) $(ZSTD_LIBS)
endif
