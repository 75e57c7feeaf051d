/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be done when a node is lost: settings. */
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

/* The views are there (dsm/members/survive.h), the recovery of pages is not. */
int settings_loss(const struct dsm_config *config, struct settings *out)
{
	const char *word = getenv("DSM_ON_LOSS");

	if (!word || !*word)
		word = config->on_loss && *config->on_loss ? config->on_loss : "end";
	if (strcmp(word, "continue") == 0) {
		init_error_set("DSM_ON_LOSS, or on_loss, is 'continue', which this version cannot do: the "
		               "nodes could agree on who goes on, but not on what the lost one held of "
		               "the shared memory. With 'end', the default, the job ends then");
		return DSM_ERR_CONFIG;
	}
	if (strcmp(word, "end")) {
		init_error_set("DSM_ON_LOSS is '%.40s'; it must be end or continue", word);
		return DSM_ERR_CONFIG;
	}
	return read_ms(getenv("DSM_LOSS_TIMEOUT"), config->loss_ms, &out->loss_ms);
}
