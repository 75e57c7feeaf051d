/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe: what the kernel can trap, and what this user may. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/probe/probe.h"
#include "dsm/trap/trap.h"

#define WHY_MAX 512

static const char newer_kernel[] =
	"boot Linux 6.4 or later, built with CONFIG_USERFAULTFD\n"
	"Debian 12: apt install -t bookworm-backports linux-image-amd64";

static void look_at_kernel(struct probe *p, const struct uffd_caps *caps)
{
	char why[WHY_MAX];
	int rc = uffd_caps_check(caps, UFFD_NEED_SHMEM, why, sizeof why);

	if (rc == -EPERM)
		probe_bad(p, DSM_ERR_TRAP_PERM, "kernel", container_userfaultfd(p),
		          "Linux %s%s; even faults of its own this process may not trap: %s",
		          caps->release, container_text(p->container), why);
	else if (rc)
		probe_bad(p, DSM_ERR_KERNEL, "kernel", newer_kernel, "Linux %s: %s", caps->release,
		          why);
	else
		probe_ok(p, "kernel", "Linux %s%s, userfaultfd features %#llx: missing pages, minor "
		         "faults and write protection, in pages of 4 KiB%s", caps->release,
		         container_text(p->container), (unsigned long long)caps->features,
		         (caps->features & UFFD_NEED_HUGETLB) == UFFD_NEED_HUGETLB
		                 ? " and 2 MiB" : "");
}

/* What permits this process to trap the kernel's accesses. */
static const char *permit(const struct uffd_caps *caps)
{
	if (caps->device_error == 0)
		return "by /dev/userfaultfd";
	return caps->has_ptrace ? "by CAP_SYS_PTRACE" : "by vm.unprivileged_userfaultfd=1";
}

static void advise_permission(const struct probe *p, const struct uffd_caps *caps, char *advice,
                              size_t len)
{
	const struct passwd *user = getpwuid(geteuid());
	char who[64];

	if (user)
		snprintf(who, sizeof who, "%s", user->pw_name);
	else
		snprintf(who, sizeof who, "%u", (unsigned)geteuid());
	*advice = '\0';
	if (caps->device_error == EACCES)
		snprintf(advice, len, "as root: setfacl -m u:%s:rw /dev/userfaultfd"
		         "    (this user, until the next boot)\nor ", who);
	else if (p->container != CONTAINER_NONE)
		snprintf(advice, len, "give the container the device /dev/userfaultfd, or the "
		         "capability SYS_PTRACE: docs/deploy.md\nor ");
	snprintf(advice + strlen(advice), len - strlen(advice),
	         "%s: sysctl vm.unprivileged_userfaultfd=1"
	         "    (all users; to keep it, in /etc/sysctl.d/)%s",
	         container_root(p),
	         p->container == CONTAINER_NONE ? "\nor as root: setcap cap_sys_ptrace+ep PROGRAM"
	                                        : "");
}

static void look_at_events(struct probe *p)
{
	struct uffd_caps caps;
	char why[WHY_MAX], advice[512];
	int rc;

	uffd_caps_read(&caps, false);
	rc = uffd_caps_check(&caps, UFFD_NEED_SHMEM, why, sizeof why);
	if (rc == 0) {
		probe_ok(p, "events", "accesses of the kernel may be trapped, %s: system calls on "
		         "shared memory work", permit(&caps));
		return;
	}
	if (rc != -EPERM) /* it is the kernel, which has been told of */
		return;
	advise_permission(p, &caps, advice, sizeof advice);
	if (!strcmp(p->settings.faults, "event"))
		probe_bad(p, DSM_ERR_TRAP_PERM, "events", advice,
		          "accesses of the kernel may not be trapped, which DSM_FAULTS=event "
		          "needs");
	else
		probe_less(p, "events", advice,
		           "accesses of the kernel may not be trapped: faults come as signals, and "
		           "system calls on shared memory that is not here fail with EFAULT");
}

static void look_at_signals(struct probe *p)
{
	char why[WHY_MAX];
	int rc = trap_wp_ops.probe(TRAP_SIGNAL, why, sizeof why);

	if (rc == 0)
		probe_ok(p, "signals", "faults may come as signals (DSM_FAULTS=signal), without "
		         "any permission");
	else if (!strcmp(p->settings.faults, "signal"))
		probe_bad(p, rc == -EPERM ? DSM_ERR_TRAP_PERM : DSM_ERR_KERNEL, "signals",
		          newer_kernel, "DSM_FAULTS=signal does not work: %s", why);
	else
		probe_less(p, "signals", newer_kernel, "DSM_FAULTS=signal does not work: %s", why);
}

static void look_at_rwp(struct probe *p, const struct uffd_caps *caps)
{
	static const char advice[] =
		"boot Linux 7.3 or later, built with CONFIG_USERFAULTFD_RWP\n"
		"Debian 13: apt install -t trixie-backports linux-image-amd64";

	if ((caps->features & UFFD_NEED_RWP) == UFFD_NEED_RWP)
		probe_ok(p, "rwp", "read-write protection: a page that is taken away stays mapped");
	else if (!strcmp(p->settings.trap, "rwp"))
		probe_bad(p, DSM_ERR_KERNEL, "rwp", advice,
		          "this kernel has no read-write protection, which DSM_TRAP=rwp needs");
	else
		probe_less(p, "rwp", advice,
		           "this kernel has no read-write protection: a page that is taken away is "
		           "unmapped, which costs more");
}

void probe_kernel(struct probe *p)
{
	struct uffd_caps caps;

	uffd_caps_read(&caps, true);
	look_at_kernel(p, &caps);
	if (p->code)
		return;
	look_at_events(p);
	look_at_signals(p);
	look_at_rwp(p, &caps);
}
