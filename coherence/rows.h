/* SPDX-License-Identifier: BSD-2-Clause */
/* Events and row numbers of the two transition tables (cache.def, home.def). */
#ifndef COH_ROWS_H
#define COH_ROWS_H

enum cache_event {
	CE_READ,
	CE_WRITE,
	CE_PREFETCH,
	CE_EVICT,
	CE_GRANT_S,
	CE_GRANT_M,
	CE_NOT_GRANTED,
	CE_INV,
	CE_INV_HELD,
	CE_FWD_GETS,
	CE_FWD_GETS_HELD,
	CE_FWD_GETS_RUN_HELD,
	CE_FWD_GETM,
	CE_FWD_GETM_HELD,
	CE_FWD_ATOMIC,
	CE_FWD_COMPARE,
	CE_PUT_ACK,
	CE_DROP,
	CE_DROP_HELD,
	CE_EVICT_KEPT,
	CE_SALVAGE,
	CE_PUSH,
	CE_LOG,
	CE_CLEAN,
	CE_CLEAN_HELD,
	CE_SECURED,
	CE_RELEASE,
	CACHE_EVENTS
};

enum home_event {
	/* requests that find the page free */
	HE_GETS,
	HE_GETS_OWN,
	HE_GETS_FULL,
	HE_GETS_MIGRATORY,
	HE_GETS_MIGRATORY_OWN,
	HE_GETM,
	HE_GETM_LONE,
	HE_GETM_OWN,
	HE_GETM_SECOND,
	HE_PUTS,
	HE_PUTM,
	HE_PUTM_OWN,
	HE_PUTM_STALE,
	HE_ATOMIC,
	HE_ATOMIC_RAN,
	HE_DISCARD,
	HE_RENEW,
	HE_AWAY,
	HE_LOST,
	HE_DISCARD_LONE,
	HE_WAIT,
	HE_CLEAN,
	HE_CLEAN_OWN,
	HE_COPIED_ALREADY,
	HE_COPY,
	/* busy pages, too */
	HE_WAKE,
	HE_RUN,
	/* busy */
	HE_REQUEST,
	HE_INV_ACK,
	HE_LAST_ACK_GETM,
	HE_LAST_ACK_ATOMIC,
	HE_DROP_ACK,
	HE_LAST_ACK_DISCARD,
	HE_RECALLED_S,
	HE_RECALLED_M,
	HE_RECALLED_PUT,
	HE_DONE_FIRST,
	HE_DONE_S,
	HE_DONE_M,
	HE_DONE_NONE,
	HE_DONE_ATOMIC,
	HE_REFRESH_FIRST,
	HE_REFRESH_S,
	HE_PULLED,
	HE_FETCHED,
	HE_SALVAGED,
	HE_EQUAL,
	HE_DIFFERS,
	HE_CLEANED,
	HE_COPY_HERE,
	HE_COPIED,
	HE_RELEASED,
	HOME_EVENTS
};

#define ROW(state, event, ...) ROW_C_##state##_##event,
enum cache_row_id {
#include "coherence/cache/cache.def"
	CACHE_ROWS
};
#undef ROW
#define ROW(state, event, ...) ROW_D_##state##_##event,
enum home_row_id {
	HOME_ROW_BASE = CACHE_ROWS - 1,
#include "coherence/home/home.def"
	COH_ROW_COUNT
};
#undef ROW

#endif
