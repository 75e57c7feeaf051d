/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of the system in codes of ours, and what to add to a sentence about them. */
#ifndef ERROR_H
#define ERROR_H

/* DSM_ERR_LIMIT or DSM_ERR_NOMEM, where rc says that; otherwise what the caller says. */
int error_limit_or(int rc, int otherwise);
const char *error_limit_hint(int rc); /* what to add to a sentence about rc */
const char *error_lock_hint(int rc);  /* the same where memory may be locked */

#endif
