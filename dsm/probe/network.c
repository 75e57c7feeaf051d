/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe: libfabric, its providers, and RDMA devices. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/probe/probe.h"
#include "transport/ofi.h"

#define PATH_BYTES 512

struct offers {
	char usable[160]; /* names, the best first */
	char others[320]; /* names and reasons */
	int wanted;       /* the one that was asked for opens */
	const char *want;
};

static void append(char *text, size_t len, const char *between, const char *more, const char *why)
{
	size_t used = strlen(text);

	snprintf(text + used, len - used, "%s%s%s%s", used ? between : "", more, why ? ": " : "",
	         why ? why : "");
}

static void on_provider(void *ctx, const char *name, const char *why)
{
	struct offers *o = ctx;

	if (why) {
		append(o->others, sizeof o->others, "; ", name, why);
		return;
	}
	append(o->usable, sizeof o->usable, ", ", name, NULL);
	o->wanted |= !strcmp(name, o->want);
}

static void look_at_providers(struct probe *p)
{
	static const char install[] = "Debian: apt install libfabric1\n"
	                              "fi_info -l shows what it has";
	struct offers o = {.want = tr_ofi_name(p->settings.provider)};
	char version[32];

	tr_ofi_survey(*o.want ? o.want : NULL, on_provider, &o, version, sizeof version);
	if (!*o.usable)
		probe_bad(p, DSM_ERR_PROVIDER, "providers",
		          strstr(o.others, strerror(EMFILE)) ? "ulimit -n 1024" : install,
		          "libfabric %s has no provider that works here (%s)", version, o.others);
	else if (*o.want && !o.wanted)
		probe_bad(p, DSM_ERR_PROVIDER, "providers",
		          "unset DSM_PROVIDER, which leaves the choice to the library, or name one "
		          "of those that work",
		          "libfabric %s: %s does not work here, but %s", version, o.want, o.usable);
	else
		probe_ok(p, "providers", "libfabric %s, the best first: %s%s%s%s", version,
		         o.usable, *o.others ? " (" : "", o.others, *o.others ? ")" : "");
}

/* One port of a device. Returns 1 when it is up. */
static int port_text(const char *device, const char *port, char *out, size_t len)
{
	char path[PATH_BYTES], state[64], rate[64], layer[64];

	snprintf(path, sizeof path, "/sys/class/infiniband/%.60s/ports/%.20s/state", device, port);
	probe_line(path, state, sizeof state);
	snprintf(path, sizeof path, "/sys/class/infiniband/%.60s/ports/%.20s/rate", device, port);
	probe_line(path, rate, sizeof rate);
	snprintf(path, sizeof path, "/sys/class/infiniband/%.60s/ports/%.20s/link_layer", device,
	         port);
	probe_line(path, layer, sizeof layer);
	/* It reads "4: ACTIVE". */
	snprintf(out, len, "%.60s port %.20s: %s, %s, %s", device, port,
	         strstr(state, ": ") ? strstr(state, ": ") + 2 : state, layer, rate);
	return strstr(state, "ACTIVE") != NULL;
}

static void look_at_ports(const char *device, struct offers *o)
{
	char path[PATH_BYTES], text[320];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof path, "/sys/class/infiniband/%.60s/ports", device);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (port_text(device, e->d_name, text, sizeof text))
			append(o->usable, sizeof o->usable, "; ", text, NULL);
		else
			append(o->others, sizeof o->others, "; ", text, NULL);
	}
	if (dir)
		closedir(dir);
}

/* Whether this user may open a device. */
static int may_use_devices(void)
{
	DIR *dir = opendir("/dev/infiniband");
	char path[PATH_BYTES];
	struct dirent *e;
	int may = 0;

	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof path, "/dev/infiniband/%.200s", e->d_name);
		may |= !strncmp(e->d_name, "uverbs", 6) && !access(path, R_OK | W_OK);
	}
	if (dir)
		closedir(dir);
	return may;
}

static void look_at_devices(struct probe *p)
{
	DIR *dir = opendir("/sys/class/infiniband");
	struct offers o = {.want = ""};
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			look_at_ports(e->d_name, &o);
	if (dir)
		closedir(dir);
	if (!*o.usable && !*o.others)
		probe_less(p, "rdma",
		           "without such hardware, to try it on Ethernet, as root (NETDEV: see ip "
		           "link):\n"
		           "modprobe rdma_rxe && rdma link add rxe0 type rxe netdev NETDEV",
		           "no RDMA device: between machines, pages travel by TCP");
	else if (!*o.usable)
		probe_less(p, "rdma",
		           "rdma link    (shows the network device of each)\n"
		           "as root: ip link set NETDEV up; with InfiniBand, is a subnet manager "
		           "running?",
		           "no port is up: %s", o.others);
	else if (!may_use_devices())
		probe_less(p, "rdma", container_rdma(p),
		           "%s; but this user may not open /dev/infiniband/uverbs*", o.usable);
	else
		probe_ok(p, "rdma", "%s%s%s", o.usable, *o.others ? "; not up: " : "", o.others);
}

void probe_network(struct probe *p)
{
	look_at_providers(p);
	look_at_devices(p);
}
