/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be done when a node is lost: settings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/start/settings.h"

#define LOSS_MS 2000
#define LOSS_MS_MIN 200
#define LOSS_MS_MAX 3600000

static int read_ms(const char *text, uint32_t configured, uint32_t *out)
{
	unsigned long value = configured ? configured : LOSS_MS;

	if (text && *text)
		value = strspn(text, "0123456789") == strlen(text) && strlen(text) < 9 ? strtoul(text, NULL, 10)
		                                                                       : 0;
	if (value < LOSS_MS_MIN || value > LOSS_MS_MAX) {
		init_error_set("DSM_LOSS_TIMEOUT%s%s; it must be %d to %d milliseconds",
		               text && *text ? " is " : ", or loss_ms, is out of its range",
		               text ? text : "", LOSS_MS_MIN, LOSS_MS_MAX);
		return DSM_ERR_CONFIG;
	}
	*out = (uint32_t)value;
	return 0;
}

static int read_keep2(struct settings *out)
{
	const char *text = getenv("DSM_KEEP2");
	int rc;

	out->keep2_bytes = UINT64_MAX;
	if (!text || !*text)
		return 0;
	rc = settings_bytes(text, &out->keep2_bytes);
	if (rc == -ERANGE)
		out->keep2_bytes = UINT64_MAX - 1; /* more than there can be, which is said when that is known */
	return rc == -EINVAL ? settings_not_a_size("DSM_KEEP2", text) : 0;
}

/* What does not go through a change of views yet. */
static int check_survives(const struct settings *s)
{
	const char *what = *s->restore ? "DSM_RESTORE, going on from a checkpoint"
	                   : s->checks ? "DSM_CHECK"
	                               : NULL;

	if (!what)
		return 0;
	init_error_set("%s is not to be had where others go on when a node is lost (DSM_ON_LOSS=continue, "
	               "or on_loss)", what);
	return DSM_ERR_CONFIG;
}

int settings_loss(const struct dsm_config *config, struct settings *out)
{
	const char *word = getenv("DSM_ON_LOSS");
	int rc;

	if (!word || !*word)
		word = config->on_loss && *config->on_loss ? config->on_loss : "end";
	out->survives = strcmp(word, "continue") == 0;
	if (!out->survives && strcmp(word, "end")) {
		init_error_set("DSM_ON_LOSS is '%.40s'; it must be end or continue", word);
		return DSM_ERR_CONFIG;
	}
	rc = read_ms(getenv("DSM_LOSS_TIMEOUT"), config->loss_ms, &out->loss_ms);
	if (rc == 0)
		rc = read_keep2(out);
	return rc || !out->survives ? rc : check_survives(out);
}
