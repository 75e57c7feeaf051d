/* SPDX-License-Identifier: BSD-2-Clause */
/* The suites that every engine must pass, on every zone. */
#ifndef TRAP_TEST_CONF_H
#define TRAP_TEST_CONF_H

#include <CUnit/CUnit.h>

extern CU_TestInfo conf_access_tests[];  /* who may do what, and how it faults */
extern CU_TestInfo conf_runs_tests[];    /* set_access over runs, absent frames */
extern CU_TestInfo conf_process_tests[]; /* locked memory, fork */
extern CU_TestInfo conf_switch_tests[];  /* pages change the way they are protected */
extern CU_TestInfo conf_race_tests[];    /* grant against revoke */
extern CU_TestInfo conf_life_tests[];    /* attach, detach, audit */
extern CU_TestInfo conf_wp_tests[];      /* of the wp engine only */

#endif
