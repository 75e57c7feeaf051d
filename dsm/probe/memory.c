/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe: memory, and limits of process and machine. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dsm/probe/probe.h"
#include "dsm/memory/memory.h"

#define MIB (1ull << 20)
#define SHM_NODE_BYTES (16 * MIB) /* what provider shm takes in /dev/shm for a node */
#define FILES_WANTED 256
#define MAPS_WANTED 65530

/* The sizes of huge pages that the kernel has besides 2 MiB, as " (others: 1048576 KiB)". */
static void other_sizes(char *out, size_t len)
{
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	struct dirent *e;
	size_t used = 0;
	unsigned long kib;

	*out = '\0';
	while (dir && (e = readdir(dir)) && used < len)
		if (sscanf(e->d_name, "hugepages-%lukB", &kib) == 1 && kib != 2048)
			used += (size_t)snprintf(out + used, len - used, "%s%lu MiB",
			                         used ? ", " : "; not used are those of ",
			                         kib / 1024);
	if (dir)
		closedir(dir);
}

static void look_at_huge_pages(struct probe *p)
{
	long all = region_huge_pages("nr_hugepages"), free = region_huge_pages("free_hugepages");
	long left = free - region_huge_pages("resv_hugepages");
	long need = (long)(p->settings.huge_bytes / REGION_PMD_BYTES);
	char advice[256], others[128];

	if (all < 0) {
		if (need && !p->settings.huge_optional)
			probe_bad(p, DSM_ERR_LIMIT, "huge pages", "unset DSM_HUGE",
			          "this kernel has no huge pages of 2 MiB, which DSM_HUGE needs");
		else
			probe_less(p, "huge pages", "boot a kernel with CONFIG_HUGETLBFS",
			           "this kernel has no huge pages of 2 MiB");
		return;
	}
	other_sizes(others, sizeof others);
	snprintf(advice, sizeof advice,
	         "%s: sysctl vm.nr_hugepages=%ld    (%s; best soon after boot, or in "
	         "/etc/sysctl.d/)", container_root(p), need > left ? all + need - left : 512,
	         need ? "for one node here" : "1 GiB");
	if (need > left && !p->settings.huge_optional)
		probe_bad(p, DSM_ERR_LIMIT, "huge pages", advice,
		          "DSM_HUGE needs %ld pages of 2 MiB for each node, and %ld of %ld are "
		          "left%s",
		          need, left, all, others);
	else if (need > left || left == 0)
		probe_less(p, "huge pages", advice, "%ld of %ld pages of 2 MiB are left%s", left,
		           all, others);
	else
		probe_ok(p, "huge pages", "%ld of %ld pages of 2 MiB are left%s", left, all,
		         others);
}

static void look_at_memlock(struct probe *p)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (limit.rlim_cur == RLIM_INFINITY)
		probe_ok(p, "memlock", "RLIMIT_MEMLOCK (ulimit -l) is unlimited");
	else if (geteuid() == 0 || !probe_entries("/sys/class/infiniband"))
		probe_ok(p, "memlock", "RLIMIT_MEMLOCK (ulimit -l) is %llu KiB, and nothing here "
		         "needs more", (unsigned long long)limit.rlim_cur / 1024);
	else
		probe_less(p, "memlock", container_memlock(p),
		           "RLIMIT_MEMLOCK (ulimit -l) is %llu KiB: RDMA devices pin the memory "
		           "that they write to", (unsigned long long)limit.rlim_cur / 1024);
}

static void look_at_mappings(struct probe *p)
{
	long long max = probe_number("/proc/sys/vm/max_map_count", MAPS_WANTED);
	char advice[128];

	snprintf(advice, sizeof advice, "%s: sysctl vm.max_map_count=65530", container_root(p));
	if (max < MAPS_WANTED)
		probe_less(p, "mappings", advice,
		           "vm.max_map_count is %lld: read-write protection is left off where it "
		           "would need more mappings", max);
	else
		probe_ok(p, "mappings", "vm.max_map_count is %lld", max);
}

static void look_at_shm(struct probe *p)
{
	const char *provider = p->settings.provider;
	static const char emptier[] = "dsmctl clean    (removes what dead jobs have left)\n"
	                              "look for what else fills it: ls -l /dev/shm";
	struct statvfs fs;
	uint64_t all, left;

	if (statvfs("/dev/shm", &fs) || access("/dev/shm", W_OK)) {
		probe_less(p, "/dev/shm", "as root: mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
		           "cannot be written to: provider shm does not work");
		return;
	}
	all = (uint64_t)fs.f_blocks * fs.f_frsize;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (all / SHM_NODE_BYTES <= 2)
		probe_less(p, "/dev/shm", container_shm(p), "%llu MiB is too small for provider shm, which "
		           "takes 16 MiB for each node", (unsigned long long)(all / MIB));
	else if (left >= 2 * SHM_NODE_BYTES)
		probe_ok(p, "/dev/shm", "%llu of %llu MiB are free: %llu nodes with provider shm",
		         (unsigned long long)(left / MIB), (unsigned long long)(all / MIB),
		         (unsigned long long)(left / SHM_NODE_BYTES));
	else if (!strcmp(provider, "shm"))
		probe_bad(p, DSM_ERR_PROVIDER, "/dev/shm", emptier,
		          "%llu MiB of %llu are free, and provider shm takes 16 for each node",
		          (unsigned long long)(left / MIB), (unsigned long long)(all / MIB));
	else
		probe_less(p, "/dev/shm", emptier,
		           "%llu MiB of %llu are free, and provider shm takes 16 for each node: "
		           "another, which is slower, has to do",
		           (unsigned long long)(left / MIB), (unsigned long long)(all / MIB));
}

static void look_at_limits(struct probe *p)
{
	const uint64_t region = p->settings.region_bytes + p->settings.huge_bytes;
	struct rlimit limit;
	char advice[128];

	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur / 2 <= region) {
		snprintf(advice, sizeof advice,
		         "ulimit -v unlimited\nor a smaller region: export DSM_REGION=%lluM",
		         (unsigned long long)(limit.rlim_cur / 4 / MIB));
		probe_bad(p, DSM_ERR_LIMIT, "address space", advice,
		          "RLIMIT_AS (ulimit -v) is %llu MiB, and a region of %llu MiB takes twice "
		          "its size in addresses", (unsigned long long)(limit.rlim_cur / MIB),
		          (unsigned long long)(region / MIB));
	}
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur < region) {
		snprintf(advice, sizeof advice,
		         "ulimit -f unlimited\nor a smaller region: export DSM_REGION=%lluM",
		         (unsigned long long)(limit.rlim_cur / MIB));
		probe_bad(p, DSM_ERR_LIMIT, "size of files", advice,
		          "RLIMIT_FSIZE (ulimit -f) is %llu MiB, and a region of %llu MiB is a file in "
		          "memory", (unsigned long long)(limit.rlim_cur / MIB),
		          (unsigned long long)(region / MIB));
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_WANTED)
		probe_less(p, "files", "ulimit -n 1024",
		           "RLIMIT_NOFILE (ulimit -n) is %llu: too few for jobs of many nodes",
		           (unsigned long long)limit.rlim_cur);
}

void probe_memory(struct probe *p)
{
	look_at_huge_pages(p);
	look_at_memlock(p);
	look_at_mappings(p);
	look_at_shm(p);
	look_at_limits(p);
}
