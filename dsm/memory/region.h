/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region of one node: for each zone a memfd mapped twice, as the window
 * (trapped, for the application) and as the alias (never trapped, for the
 * service). Pages are numbered through all zones, the PTE zone first.
 *
 * Some of the window's small pages may be shown elsewhere in the process instead: at a place
 * (region_places.c). Whoever asks for a page's address, or for the page of an address, is told so.
 *
 * Our own mmap, munmap, madvise and mremap go through syscall(2): MPI libraries
 * patch the libc ones.
 */
#ifndef REGION_H
#define REGION_H

#include <stddef.h>
#include <stdint.h>

enum region_zone_kind { REGION_PTE = 0, REGION_PMD = 1, REGION_ZONES = 2 };

#define REGION_PTE_BYTES 4096u
#define REGION_PMD_BYTES (2u << 20)
#define REGION_EXTENT_PAGES 64 /* PTE pages that share one registration mode */

struct region_zone {
	uint64_t first, count; /* pages */
	size_t page_bytes;
	uint8_t *window, *alias; /* NULL when the zone is empty */
	int memfd;
	int single; /* of small pages: fallocate() takes one at a time */
};

#define REGION_PLACES_MAX 256

/* Pages of the PTE zone that are at another address. */
struct region_place {
	uint64_t first, count;
	uint8_t *at;
};

/* All but the places is as it was created. Places are added under the node's lock, and read without:
 * one is there when it is counted. */
struct region {
	struct region_zone zone[REGION_ZONES];
	uint64_t pages;
	uint8_t *window; /* start of the whole window */
	size_t window_bytes;
	struct region_place place[REGION_PLACES_MAX];
	uint32_t places; /* atomic, see region_places.c */
	int pooled; /* huge pages are set aside in a pool: one is taken out for each frame */
	int pool_fd;
	uint64_t pool_pages;
};

struct region_config {
	uint64_t pte_bytes, pmd_bytes; /* multiples of the zone's page size; not both 0 */
};

/* Bytes of address space that a window of this shape takes. */
size_t region_window_bytes(const struct region_config *config);
/* The nth address worth trying for a window of len bytes, or NULL when there are
 * no more. The list is the same in every process: nodes agree on an index. */
void *region_candidate(unsigned n, size_t len);
/* Reserves the window's address space at exactly addr: 0, or -EEXIST when it is
 * taken, -ENOMEM, -EAGAIN (the process locks its memory, beyond RLIMIT_MEMLOCK). */
int region_reserve(void *addr, size_t len);
void region_unreserve(void *addr, size_t len);

/* Creates memfds, window (at addr, which region_reserve() reserved) and alias.
 * On success the reservation is the region's, which ends it; on failure it is still
 * the caller's, and out is not set. -EINVAL (config), -ENOMEM, -EMFILE, -ENOSPC (no
 * huge pages), -EAGAIN as above. */
int region_create(const struct region_config *config, void *addr, struct region *out);
void region_destroy(struct region *region); /* NULL and zeroed are allowed */

/* Commits memory for all frames of a zone of huge pages: none of them can fail to be
 * allocated later. -ENOSPC when the pool has not that many. */
int region_commit(const struct region *region, enum region_zone_kind kind);
/* Sets so many huge pages aside for frames of that zone, whichever they will be.
 * -ENOSPC as above, -EMFILE. */
int region_pool_open(struct region *region, uint64_t pages);
void region_pool_close(struct region *region);
/* Before a frame is allocated, which can then not fail; and when one was dropped. Without a
 * pool, or when it is empty, they do nothing. */
void region_pool_take(struct region *region);
void region_pool_give(struct region *region);
/* Huge pages of 2 MiB of this machine: "nr_hugepages", "free_hugepages",
 * "resv_hugepages" (promised, not handed out yet); -1 unknown. */
long region_huge_pages(const char *what);

/* Page number of an address in the window or in a place, or -1. */
int64_t region_page_of(const struct region *region, const void *addr);
/* The zone that all of [ptr, ptr+bytes) lies in, in one piece, or -1. */
int region_kind_of(const struct region *region, const void *ptr, size_t bytes);
/* How far an address, of which region_page_of() knows, would be behind the window's start were there
 * no places, as all nodes have it; and the address of what is there. */
uint64_t region_offset_of(const struct region *region, const void *addr);
void *region_at_offset(const struct region *region, uint64_t offset);
/* How many of the n pages from first on, which are there, lie beside each other in the window. */
uint64_t region_run(const struct region *region, uint64_t first, uint64_t n);
const struct region_zone *region_zone_of(const struct region *region, uint64_t page);
void *region_window_at(const struct region *region, uint64_t page);
void *region_frame_at(const struct region *region, uint64_t page);

/* Whether some of these pages are in a place. */
int region_is_placed(const struct region *region, uint64_t first, uint64_t n);
/* Maps these pages, of the PTE zone, at addr, over whatever is there; they are in a place from now
 * on, and their part of the window is reserved, as it was before. -ENOSPC: no more places;
 * -ENOMEM, -EAGAIN: as region_create(), and there may be nothing at addr any more. */
int region_place(struct region *region, uint64_t first, uint64_t n, void *addr);

/* Allocates the frames of these pages (of one zone), zeroed where new.
 * 0, -ENOSPC when memory or huge pages are out. */
int region_frame_prepare(struct region *region, uint64_t first, uint32_t n);
/* The same for frames that have no memory yet, or nothing in it that anybody needs. */
int region_frame_prepare_new(struct region *region, uint64_t first, uint32_t n);
/* The same for pages that the window shall have as they are: small frames are neither mapped in
 * the alias nor zeroed before the window maps them, which takes half as long. */
int region_frame_prepare_fresh(struct region *region, uint64_t first, uint32_t n);
/* The same for frames that region_frame_fill() fills next: it allocates small ones itself, in one go
 * with what they hold, unless the kernel would take more for that than they are. */
int region_frame_prepare_filled(struct region *region, uint64_t first, uint32_t n);
/* What these small frames hold from now on. -errno: -ENOSPC when memory is out. */
int region_frame_fill(const struct region *region, uint64_t first, uint32_t n, const uint8_t *bytes);
/* What region.c needs of the mappings, for region_places.c too: maps fd from offset on at addr, or
 * (NULL) anywhere; and ends that in the window, whose address space is reserved again. */
int region_map(void *addr, size_t len, int fd, uint64_t offset, uint8_t **out);
void region_vacate(void *addr, size_t len);
/* Maps the frames of these pages (of one zone) once more, somewhere, in the same way as the
 * window, so that the mapping can be moved there. */
int region_map_again(const struct region *region, uint64_t first, uint64_t n, void **out);
/* Gives the frames' memory back (of one zone); they read as zero afterwards. The pages must
 * be TRAP_NONE and no transfer may use them. */
int region_frame_drop(struct region *region, uint64_t first, uint32_t n);

#endif
