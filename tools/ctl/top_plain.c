/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl top without ncurses: there is no screen, and it prints lines. */
#include "config.h"

#include "tools/ctl/top.h"

int top_screen(struct top *top)
{
	return -1;
}
