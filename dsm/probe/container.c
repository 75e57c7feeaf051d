/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether this is a container, and what starts it with what a node needs. */
#include "dsm/probe/probe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A machine that was made of a container's image has Docker's file, too. But its namespaces are
 * the first ones, whose numbers are the kernel's (include/linux/proc_ns.h), and not all of a
 * container's are. */
static bool first_namespaces(void)
{
	static const struct { const char *path; ino_t first; } spaces[] = {
		{ "/proc/self/ns/cgroup", 0xeffffffb },
		{ "/proc/self/ns/pid", 0xeffffffc },
		{ "/proc/self/ns/uts", 0xeffffffe },
		{ "/proc/self/ns/ipc", 0xefffffff },
	};
	struct stat st;

	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
		if (stat(spaces[i].path, &st) == 0 && st.st_ino != spaces[i].first)
			return false;
	return true;
}

/* By what each leaves there for programs to see; Kubernetes first, whose containers are those of
 * another. Others, such as LXC, tell their first process alone. */
enum container container_here(void)
{
	const char *named = getenv("container"); /* by convention of systemd */

	if (getenv("KUBERNETES_SERVICE_HOST"))
		return CONTAINER_KUBERNETES;
	if (access("/run/.containerenv", F_OK) == 0 || (named && !strcmp(named, "podman")))
		return CONTAINER_PODMAN;
	if ((access("/.dockerenv", F_OK) == 0 && !first_namespaces()) ||
	    (named && !strcmp(named, "docker")))
		return CONTAINER_DOCKER;
	return (named && *named) || access("/run/systemd/container", F_OK) == 0 ? CONTAINER_OTHER
	                                                                       : CONTAINER_NONE;
}

const char *container_text(enum container container)
{
	static const char *const names[] = {
		[CONTAINER_NONE] = "",           [CONTAINER_DOCKER] = " in Docker",
		[CONTAINER_PODMAN] = " in Podman", [CONTAINER_KUBERNETES] = " in Kubernetes",
		[CONTAINER_OTHER] = " in a container",
	};

	return names[container];
}

const char *container_root(const struct probe *p)
{
	return p->container == CONTAINER_NONE ? "as root" : "on the container's host, as root";
}

/* Lines of advice of each, in the order of enum container. */
#define MADE "\nthe profile is the default one with userfaultfd allowed: docs/deploy.md makes it"

const char *container_userfaultfd(const struct probe *p)
{
	static const char *const advice[] = {
		[CONTAINER_NONE] =
			"whoever set the seccomp filter that forbids it has to allow userfaultfd\n"
			"in a unit of systemd:  SystemCallFilter=userfaultfd",
		[CONTAINER_DOCKER] = "docker run --device /dev/userfaultfd ...\n"
		                     "or docker run --security-opt seccomp=dsm-seccomp.json ..." MADE,
		[CONTAINER_PODMAN] = "podman run --device /dev/userfaultfd ...\n"
		                     "or podman run --security-opt seccomp=dsm-seccomp.json ..." MADE,
		[CONTAINER_KUBERNETES] =
			"in the pod's securityContext:  seccompProfile: {type: Localhost, "
			"localhostProfile: dsm-seccomp.json}" MADE,
		[CONTAINER_OTHER] = "give the container the device /dev/userfaultfd, or a seccomp "
		                    "profile that allows userfaultfd: docs/deploy.md",
	};

	return advice[p->container];
}

const char *container_shm(const struct probe *p)
{
	static const char *const advice[] = {
		[CONTAINER_NONE] = "as root: mount -o remount,size=1G /dev/shm",
		[CONTAINER_DOCKER] = "docker run --shm-size=1g ...",
		[CONTAINER_PODMAN] = "podman run --shm-size=1g ...",
		[CONTAINER_KUBERNETES] = "mount a volume of the pod at /dev/shm:  emptyDir: {medium: "
		                         "Memory, sizeLimit: 1Gi}",
		[CONTAINER_OTHER] = "give the container a larger /dev/shm: docs/deploy.md",
	};

	return advice[p->container];
}

const char *container_memlock(const struct probe *p)
{
	static const char *const advice[] = {
		[CONTAINER_NONE] = "ulimit -l unlimited    (where the hard limit allows it)\n"
		                   "for good, in /etc/security/limits.conf:  *  -  memlock  unlimited\n"
		                   "in a unit of systemd:  LimitMEMLOCK=infinity",
		[CONTAINER_DOCKER] = "docker run --ulimit memlock=-1 ...",
		[CONTAINER_PODMAN] = "podman run --ulimit memlock=-1 ...",
		[CONTAINER_KUBERNETES] = "in the unit of the nodes' container runtime:  "
		                         "LimitMEMLOCK=infinity",
		[CONTAINER_OTHER] = "give the container an unlimited RLIMIT_MEMLOCK: docs/deploy.md",
	};

	return advice[p->container];
}

const char *container_rdma(const struct probe *p)
{
	static const char *const advice[] = {
		[CONTAINER_NONE] = "as root: modprobe ib_uverbs; chmod 666 /dev/infiniband/uverbs* "
		                   "/dev/infiniband/rdma_cm",
		[CONTAINER_DOCKER] = "docker run --network host --device /dev/infiniband ...",
		[CONTAINER_PODMAN] = "podman run --network host --device /dev/infiniband ...",
		[CONTAINER_KUBERNETES] = "ask for the RDMA devices by the cluster's device plugin",
		[CONTAINER_OTHER] = "give the container /dev/infiniband: docs/deploy.md",
	};

	return advice[p->container];
}
