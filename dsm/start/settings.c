/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading configuration and environment. */
#include "dsm/start/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/memory/memory.h"

#define REGION_DEFAULT (UINT64_C(64) << 30)
#define REGION_MAX (UINT64_C(1) << 46) /* half of what an x86-64 process can map */
#define HUGE_BYTES (UINT64_C(2) << 20)
#define TENURE_US_MAX 100000
#define SPIN_US_MAX 10000
#define EVERY_S_MAX (366 * 86400)
#define START_S 60
#define START_S_MAX 86400
#define SILENT_S 10 /* as it takes the boot connection to notice a machine that is gone */
#define SILENT_S_MAX 86400

/* What DSM_CHECK finds is said, by whoever listens, or on standard error. */
static int read_log_unsaid(struct log *log)
{
	const char *check = getenv("DSM_CHECK");

	if (log->fn || !check || strcmp(check, "1"))
		return 0;
	log->fn = log_stderr;
	log->level = DSM_LOG_ERROR;
	log->start_on_stderr = 0;
	return 0;
}

static int read_log(const struct dsm_config *config, struct log *log)
{
	const char *text = getenv("DSM_LOG");

	log->fn = config->log;
	log->ctx = config->log_ctx;
	log->level = config->log_level;
	log->rank = -1;
	log->queue = NULL;
	log->start_on_stderr = !log->fn; /* where stderr is closed, nothing takes its number */
	if (!text || !*text)
		return read_log_unsaid(log);
	int level = log_level_of(text);
	if (level == -EINVAL) {
		init_error_set("DSM_LOG is '%s'; it must be none, error, warn, info, debug or trace", text);
		return DSM_ERR_CONFIG;
	}
	log->level = level;
	log->start_on_stderr = 0;
	if (!log->fn)
		log->fn = log_stderr;
	return 0;
}

static int read_huge(const struct dsm_config *config, struct settings *out)
{
	const char *text = getenv("DSM_HUGE"), *optional = getenv("DSM_HUGE_OPTIONAL");

	out->huge_bytes = config->huge_bytes;
	out->huge_optional = config->huge_optional;
	if (text && *text && settings_bytes(text, &out->huge_bytes))
		return settings_not_a_size("DSM_HUGE", text);
	if (optional && *optional) {
		if (strcmp(optional, "0") && strcmp(optional, "1")) {
			init_error_set("DSM_HUGE_OPTIONAL is '%s'; it must be 0 or 1", optional);
			return DSM_ERR_CONFIG;
		}
		out->huge_optional = *optional == '1';
	}
	if (out->huge_bytes > REGION_MAX) {
		init_error_set("the zone of huge pages (DSM_HUGE) is larger than the address space "
		               "allows: at most %llu TiB", (unsigned long long)(REGION_MAX >> 40));
		return DSM_ERR_CONFIG;
	}
	out->huge_bytes = (out->huge_bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	return 0;
}

static int read_memory(const struct dsm_config *config, struct settings *out)
{
	const char *text = getenv("DSM_MEMORY");

	out->memory_bytes = config->memory_bytes;
	if (text && *text && settings_bytes(text, &out->memory_bytes))
		return settings_not_a_size("DSM_MEMORY", text);
	if (out->memory_bytes > REGION_MAX ||
	    ((out->memory_bytes || (text && *text)) && out->memory_bytes < BUDGET_MIN)) {
		init_error_set(
			"the memory budget (DSM_MEMORY) is %llu bytes; it must be %llu at least, "
			"and less than the address space",
			(unsigned long long)out->memory_bytes, (unsigned long long)BUDGET_MIN);
		return DSM_ERR_CONFIG;
	}
	return 0;
}

static int read_region(const struct dsm_config *config, struct settings *out)
{
	const char *text = getenv("DSM_REGION");
	uint64_t page = sysconf(_SC_PAGESIZE);

	out->region_bytes = config->region_bytes ? config->region_bytes : REGION_DEFAULT;
	if (text && *text) {
		int rc = settings_bytes(text, &out->region_bytes);
		if (rc == -EINVAL)
			return settings_not_a_size("DSM_REGION", text);
		if (rc)
			out->region_bytes = UINT64_MAX;
		if (out->region_bytes == 0) {
			init_error_set("DSM_REGION is 0; a region has at least one page");
			return DSM_ERR_CONFIG;
		}
	}
	if (out->region_bytes > REGION_MAX) {
		init_error_set("the region is larger than the address space allows: "
		               "at most %llu TiB", (unsigned long long)(REGION_MAX >> 40));
		return DSM_ERR_CONFIG;
	}
	out->region_bytes = (out->region_bytes + page - 1) / page * page;
	return 0;
}

/* An environment variable, or the configuration's word: one of these; auto by default. */
static int read_word(const char *name, const char *configured, const char *const *allowed,
                     const char *list, char *out, size_t len)
{
	const char *text = getenv(name);

	if (!text || !*text)
		text = configured;
	if (!text || !*text)
		text = "auto";
	for (; *allowed; allowed++)
		if (!strcmp(text, *allowed)) {
			strncpy(out, text, len);
			return 0;
		}
	init_error_set("%s is '%s'; it must be %s", name, text, list);
	return DSM_ERR_CONFIG;
}

static int read_provider(const struct dsm_config *config, struct settings *out)
{
	const char *text = getenv("DSM_PROVIDER");

	if (!text || !*text)
		text = config->provider ? config->provider : "";
	if (strlen(text) >= sizeof out->provider) {
		init_error_set("DSM_PROVIDER is too long");
		return DSM_ERR_CONFIG;
	}
	strcpy(out->provider, text);
	return 0;
}

static int read_tenure(const struct dsm_config *config, struct settings *out)
{
	const char *text = getenv("DSM_TENURE_US");
	uint64_t value = config->tenure_us;

	if (text && *text && (settings_bytes(text, &value) || value == 0))
		value = UINT64_MAX;
	if (value > TENURE_US_MAX) {
		init_error_set("DSM_TENURE_US%s%s; it must be 1 to %d microseconds",
		               text && *text ? " is " : ", or tenure_us, is out of its range",
		               text ? text : "", TENURE_US_MAX);
		return DSM_ERR_CONFIG;
	}
	out->tenure_us = value;
	return 0;
}

static int read_spin(struct settings *out)
{
	const char *text = getenv("DSM_SPIN_US");
	uint64_t value;

	out->spin_us = -1;
	if (!text || !*text)
		return 0;
	if (settings_bytes(text, &value) || value > SPIN_US_MAX) {
		init_error_set("DSM_SPIN_US is '%s'; it must be 0 to %d microseconds", text,
		               SPIN_US_MAX);
		return DSM_ERR_CONFIG;
	}
	out->spin_us = (int32_t)value;
	return 0;
}

/* A variable that is 1, or 0, or not set. */
static int read_switch(const char *name, int *out)
{
	const char *text = getenv(name);

	*out = text && !strcmp(text, "1");
	if (!text || !*text || !strcmp(text, "0") || *out)
		return 0;
	init_error_set("%s is '%s'; it must be 0 or 1", name, text);
	return DSM_ERR_CONFIG;
}

static int read_restore(struct settings *out)
{
	static const char *const pages[] = {"small", "huge", "auto", NULL};
	const char *text = getenv("DSM_RESTORE");

	if (text && strlen(text) >= sizeof out->restore) {
		init_error_set("DSM_RESTORE is too long");
		return DSM_ERR_CONFIG;
	}
	strcpy(out->restore, text ? text : "");
	return read_word("DSM_RESTORE_PAGES", NULL, pages, "small, huge or auto", out->restore_pages,
	                 sizeof out->restore_pages);
}

static int read_every(struct settings *out)
{
	const char *text = getenv("DSM_CHECKPOINT_EVERY");
	uint64_t value = 0;

	if (text && *text && settings_bytes(text, &value))
		value = UINT64_MAX;
	if (value > EVERY_S_MAX) {
		init_error_set("DSM_CHECKPOINT_EVERY is '%s'; it must be 1 to %d seconds, or 0", text,
		               EVERY_S_MAX);
		return DSM_ERR_CONFIG;
	}
	out->checkpoint_s = (uint32_t)value;
	return 0;
}

static int read_copies(struct settings *out)
{
	const char *text = getenv("DSM_CHECKPOINT_COPIES");

	out->copies_bytes = UINT64_MAX;
	if (text && *text && settings_bytes(text, &out->copies_bytes))
		return settings_not_a_size("DSM_CHECKPOINT_COPIES", text);
	return 0;
}

static int read_start(struct settings *out)
{
	const char *text = getenv("DSM_START_TIMEOUT");
	uint64_t value = START_S;

	if (text && *text && settings_bytes(text, &value))
		value = 0;
	if (value < 1 || value > START_S_MAX) {
		init_error_set("DSM_START_TIMEOUT is '%s'; it must be 1 to %d seconds", text,
		               START_S_MAX);
		return DSM_ERR_CONFIG;
	}
	out->start_ms = (int32_t)value * 1000;
	return 0;
}

static int read_silent(struct settings *out)
{
	const char *text = getenv("DSM_PEER_TIMEOUT");
	uint64_t value = SILENT_S;

	if (text && *text && settings_bytes(text, &value))
		value = UINT64_MAX;
	if (value > SILENT_S_MAX) {
		init_error_set("DSM_PEER_TIMEOUT is '%s'; it must be 1 to %d seconds, or 0", text,
		               SILENT_S_MAX);
		return DSM_ERR_CONFIG;
	}
	out->silent_ms = (uint32_t)value * 1000;
	return 0;
}

/* What the library knows of config, and the default for the rest. */
static int copy_config(const struct dsm_config *config, struct dsm_config *out)
{
	*out = (struct dsm_config)DSM_CONFIG_INIT;
	if (!config)
		return 0;
	if (config->size < offsetof(struct dsm_config, region_bytes) || config->size > sizeof *out) {
		init_error_set("dsm_config.size is %zu; begin with DSM_CONFIG_INIT", config->size);
		return DSM_ERR_INVAL;
	}
	memcpy(out, config, config->size);
	return 0;
}

int settings_log(const struct dsm_config *config, struct log *log)
{
	struct dsm_config c;
	int rc = copy_config(config, &c);

	if (rc == 0)
		return read_log(&c, log);
	c = (struct dsm_config)DSM_CONFIG_INIT;
	read_log(&c, log);
	return rc;
}

int settings_read(const struct dsm_config *config, struct settings *out, struct log *log)
{
	static const char *const faults[] = {"event", "signal", "auto", NULL};
	static const char *const trap[] = {"rwp", "wp", "auto", NULL};
	struct dsm_config c;
	int rc = settings_log(config, log);

	if (rc)
		return rc;
	copy_config(config, &c);
	out->allgather = c.allgather;
	out->allgather_ctx = c.allgather_ctx;
	out->rank = c.rank;
	out->nodes = c.nodes;
	rc = read_region(&c, out);
	if (rc == 0)
		rc = read_huge(&c, out);
	if (rc == 0)
		rc = read_memory(&c, out);
	if (rc == 0)
		rc = read_provider(&c, out);
	if (rc == 0)
		rc = read_word("DSM_FAULTS", c.faults, faults, "event, signal or auto", out->faults,
		               sizeof out->faults);
	if (rc == 0)
		rc = read_word("DSM_TRAP", c.trap, trap, "rwp, wp or auto", out->trap,
		               sizeof out->trap);
	if (rc == 0)
		rc = read_tenure(&c, out);
	if (rc == 0)
		rc = read_spin(out);
	if (rc == 0)
		rc = read_switch("DSM_CHUNKS", &out->by_chunk);
	if (rc == 0)
		rc = read_switch("DSM_CHECK", &out->checks);
	if (rc == 0)
		rc = read_restore(out);
	if (rc == 0)
		rc = read_every(out);
	if (rc == 0)
		rc = read_switch("DSM_CHECKPOINT_COMPRESS", &out->checkpoint_packed);
	if (rc == 0)
		rc = read_copies(out);
	if (rc == 0)
		rc = read_start(out);
	if (rc == 0)
		rc = read_silent(out);
	if (rc == 0)
		rc = settings_loss(&c, out);
	return rc;
}
