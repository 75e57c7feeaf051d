/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checkpoints on disk: what stands in their files, and reading and writing them. Knows no node;
 * dsmctl uses it, too. docs/checkpoint-format.md describes every byte.
 *
 *	DIR/manifest                 names a generation, and has the hash of each of its indexes
 *	DIR/GENERATION/RANK.index    of each node: which pages, and their checksums
 *	DIR/GENERATION/RANK.data     the pages, and the node's private bytes
 *
 * What a manifest that is there names is complete: it is renamed into its place after all else has
 * reached the disk. Who refuses something says why in a sentence (struct ckpt_why).
 *
 * Nothing here needs a lock: an object is used by one thread at a time.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#define CKPT_VERSION 3 /* the newest; a file is of the oldest that can say what is in it */
#define CKPT_LAYERS_MAX 16 /* a full checkpoint, and those on it that have only what was written */
#define CKPT_ID_BYTES 16
#define CKPT_HASH_BYTES 32 /* of a manifest or an index: BLAKE2b */
#define CKPT_SUM_BYTES 16  /* of a run */
#define CKPT_NODES_MAX 1024
#define CKPT_NAME_MAX 64 /* with its NUL */
#define CKPT_LIBRARY_MAX 32
#define CKPT_ZONES 2
#define CKPT_RUN_PAGES 64        /* at most; of huge ones it is one */
#define CKPT_PRIVATE_PART (1u << 20) /* bytes in one run */
#define CKPT_RUN_MAX (2u << 20)  /* bytes of the longest run */

struct ckpt_why {
	char text[512];
};

/* What a run consists of. The first two are zones. */
enum ckpt_kind { CKPT_PTE = 0, CKPT_PMD = 1, CKPT_PRIVATE = 2 };

/* A node's files, as the manifest has them. */
struct ckpt_file {
	uint64_t index_bytes, data_bytes;
	uint8_t hash[CKPT_HASH_BYTES]; /* of the index */
};

/* A block of the allocator, in the order of their places; they cover the zone. */
struct ckpt_block {
	uint64_t offset, bytes, dirty_lo, dirty_hi; /* in the zone */
	uint8_t zone, taken;
};

struct ckpt_name {
	uint64_t offset; /* in the window */
	char name[CKPT_NAME_MAX];
};

/* One that this one lies on: what is in none of its indexes is as it was there. */
struct ckpt_layer {
	uint8_t id[CKPT_ID_BYTES];
	uint64_t generation;
	struct ckpt_file *file; /* of each node */
};

struct ckpt_manifest {
	uint8_t id[CKPT_ID_BYTES];
	uint64_t generation;
	uint64_t seconds; /* since 1970 */
	uint64_t window;  /* its address */
	uint64_t zone_bytes[CKPT_ZONES];
	uint32_t nodes;
	uint32_t handle_homes; /* homes that handles of mutexes may name */
	char library[CKPT_LIBRARY_MAX];
	struct ckpt_file *file; /* of each node */
	struct ckpt_block *block;
	uint64_t blocks;
	struct ckpt_name *name;
	uint64_t names;
	struct ckpt_layer *under; /* the full one first */
	uint64_t layers;
};

/* Consecutive pages, or bytes of the private ones; in the data file they follow each other. */
struct ckpt_run {
	uint32_t kind;
	uint64_t first, count; /* pages of the zone; or bytes */
	uint32_t packed; /* bytes in the data file, fewer than there are; 0: as it is */
	uint8_t sum[CKPT_SUM_BYTES]; /* of what is in the file */
};

/* A mutex or condition, by its handle. */
struct ckpt_object {
	uint32_t home, index;
	uint32_t is_cond;
	uint32_t mutex; /* of a condition: its index, at the same home */
};

/* Pages of a zone that are zero, and may not be in a checkpoint below. */
struct ckpt_gone {
	uint32_t kind;
	uint64_t first, count;
};

/* How the sums of runs are made. That of XXH3 (128 bits) takes a tenth of the time. */
enum ckpt_sums { CKPT_XXH3, CKPT_BLAKE2B /* up to version 2 */ };

struct ckpt_index {
	uint8_t id[CKPT_ID_BYTES];
	uint32_t rank;
	enum ckpt_sums sums;
	uint64_t data_bytes;
	struct ckpt_run *run;
	uint64_t runs;
	struct ckpt_object *object;
	uint64_t objects;
	struct ckpt_gone *gone;
	uint64_t gones;
};

/* --- manifest.c, index.c: to bytes and back; pure but for malloc --- */

/* *out is for free(). 0, -ENOMEM. */
int ckpt_manifest_encode(const struct ckpt_manifest *m, uint8_t **out, size_t *len);
/* Any bytes. 0, -ENOMEM, -EBADMSG: they are no manifest, or not whole; -ENOTSUP: of a newer
 * version. */
int ckpt_manifest_decode(const uint8_t *bytes, size_t len, struct ckpt_manifest *out,
                         struct ckpt_why *why);
void ckpt_manifest_free(struct ckpt_manifest *m);
/* m lies on base, and on what that lies on. -ENOMEM */
int ckpt_manifest_lay(struct ckpt_manifest *m, const struct ckpt_manifest *base);
int ckpt_index_encode(const struct ckpt_index *index, uint8_t **out, size_t *len);
/* The same for the index of node rank of m. */
int ckpt_index_decode(const struct ckpt_manifest *m, uint32_t rank, const uint8_t *bytes,
                      size_t len, struct ckpt_index *out, struct ckpt_why *why);
void ckpt_index_free(struct ckpt_index *index);
/* The bytes of a run; 0: it has none that may be. */
uint64_t ckpt_run_bytes(const struct ckpt_run *run);
/* What of the data file is its. */
uint64_t ckpt_run_stored(const struct ckpt_run *run);
void ckpt_hash(const void *bytes, size_t len, uint8_t out[CKPT_HASH_BYTES]);
void ckpt_sum(enum ckpt_sums which, const void *bytes, size_t len, uint8_t out[CKPT_SUM_BYTES]);

/* --- write.c. Codes are those of the system --- */

/* A node's two files of a generation. */
struct ckpt_writer {
	int dir, fd;
	struct ckpt_index index;
	uint64_t room, gone_room; /* for runs; for those that are gone */
	uint64_t begun;           /* bytes of the data that are on their way to the disk */
	struct pack *pack;        /* or NULL */
};
/* dir: of the generation. */
int ckpt_writer_open(struct ckpt_writer *w, int dir, const uint8_t id[CKPT_ID_BYTES],
                     uint32_t rank, struct ckpt_why *why);
/* Whether the library was built with what packs runs, and unpacks them. */
int ckpt_can_pack(void);
/* Runs that come after this are packed, where that makes them shorter. -ENOTSUP, -ENOMEM */
int ckpt_writer_pack(struct ckpt_writer *w, struct ckpt_why *why);
/* Appends a run. The bytes may not change meanwhile. */
int ckpt_writer_run(struct ckpt_writer *w, uint32_t kind, uint64_t first, uint64_t count,
                    const void *bytes, struct ckpt_why *why);
int ckpt_writer_private(struct ckpt_writer *w, const void *bytes, uint64_t len,
                        struct ckpt_why *why);
int ckpt_writer_object(struct ckpt_writer *w, struct ckpt_object object, struct ckpt_why *why);
/* Zero, where it may not be in what this one lies on. */
int ckpt_writer_gone(struct ckpt_writer *w, uint32_t kind, uint64_t first, uint64_t count,
                     struct ckpt_why *why);
/* Both files are on the disk then. */
int ckpt_writer_finish(struct ckpt_writer *w, struct ckpt_why *why);
/* Whatever came of it. */
void ckpt_writer_close(struct ckpt_writer *w);

/* --- store.c: the directory, by who writes the manifest --- */

/* Opens dir, making it where it is missing, and locks it. *out is its descriptor, which has the
 * lock. -EBUSY: another job writes there. */
int ckpt_store_open(const char *dir, int *out, struct ckpt_why *why);
/* Makes the next generation's directory, and does away with what an earlier job left that did not
 * come to its manifest. */
int ckpt_store_begin(int dir, uint64_t *generation, struct ckpt_why *why);
/* The manifest that is there, for ckpt_manifest_free(); its generation is 0 where there is none. */
int ckpt_store_now(int dir, struct ckpt_manifest *out, struct ckpt_why *why);
/* The directory of a generation. -errno */
int ckpt_store_generation(int dir, uint64_t generation, int *out);
/* All indexes are there: they are read back for their hashes (m->file is filled in), and the
 * manifest takes its place. Earlier generations go that it does not lie on. */
int ckpt_store_commit(int dir, struct ckpt_manifest *m, struct ckpt_why *why);
/* The generation goes. */
void ckpt_store_drop(int dir, uint64_t generation);

/* --- read.c --- */

struct ckpt {
	int dir;
	struct ckpt_manifest manifest;
	struct ckpt_index *index; /* of each node */
	/* Where pages of a zone of the files lie: in this zone, from this byte of it on. bytes: of the
	 * zone of the files. Not of layers. */
	struct ckpt_place {
		enum ckpt_kind kind;
		uint64_t offset, bytes;
	} place[CKPT_ZONES];
	struct ckpt *under; /* manifest.layers of them; their manifests have what their files need */
	struct ckpt_kept {
		uint8_t *bytes;
		uint64_t len;
	} *kept; /* private bytes of each node, once they have been read */
};
/* Reads manifest and indexes. -ENOENT: there is no checkpoint; -EBADMSG, -ENOTSUP as above, or what
 * the system said. */
int ckpt_open(const char *dir, struct ckpt **out, struct ckpt_why *why);
void ckpt_close(struct ckpt *c); /* NULL is allowed */
/* The layers of it, from the full one on; the last one, manifest.layers, is itself. A page is as the
 * last one says that says anything of it. */
const struct ckpt *ckpt_layer(const struct ckpt *c, uint64_t i);
/* Reads the private bytes of all nodes. */
int ckpt_keep_private(struct ckpt *c, struct ckpt_why *why);
/* A node's data, to be read by ckpt_read_run(). Its descriptor, or a code. */
int ckpt_data_open(const struct ckpt *c, uint32_t rank, struct ckpt_why *why);
/* Reads a run of x that begins at this place in its data. buf: ckpt_run_bytes(). -EBADMSG */
int ckpt_data_run(const struct ckpt_index *x, int fd, uint64_t at, const struct ckpt_run *run,
                  void *buf, struct ckpt_why *why);

/* --- recast.c --- */
/* From now on all pages are of zone to, at the addresses where they were: manifest and place say so.
 * before: bytes of small pages, a multiple of 2 MiB, that the window has before them where to is
 * CKPT_PMD, else 0. -ERANGE: there is no place for that; -ENOMEM. */
int ckpt_recast(struct ckpt *c, enum ckpt_kind to, uint64_t before, struct ckpt_why *why);

#endif
