/* SPDX-License-Identifier: BSD-2-Clause */
/* The transition tables as text, and the names of states and messages. */
#include "coherence/coh.h"
#include "coherence/rows.h"

_Static_assert(COH_ROW_COUNT <= COH_ROWS_MAX, "row_taken is too short");

static const struct coh_row rows[] = {
#define ROW(state, event, act, next, what, why) {"cache", #state, #event, what, #next, why},
#include "coherence/cache/cache.def"
#undef ROW
#define ROW(state, event, act, next, what, why) {"home", #state, #event, what, #next, why},
#include "coherence/home/home.def"
#undef ROW
};

const struct coh_row *coh_rows(unsigned *count)
{
	*count = COH_ROW_COUNT;
	return rows;
}

const char *coh_msg_name(unsigned type)
{
	static const char *const name[COH_MSG_TYPES] = {
	        [COH_MSG_GETS] = "GetS",
	        [COH_MSG_GETM] = "GetM",
	        [COH_MSG_PUTS] = "PutS",
	        [COH_MSG_PUTM] = "PutM",
	        [COH_MSG_ATOMIC] = "Atomic",
	        [COH_MSG_INV_ACK] = "Inv-Ack",
	        [COH_MSG_DONE] = "Done",
	        [COH_MSG_FWD_GETS] = "Fwd-GetS",
	        [COH_MSG_FWD_GETM] = "Fwd-GetM",
	        [COH_MSG_FWD_ATOMIC] = "Fwd-Atomic",
	        [COH_MSG_INV] = "Inv",
	        [COH_MSG_PUT_ACK] = "Put-Ack",
	        [COH_MSG_GRANT] = "Grant",
	        [COH_MSG_ATOMIC_RESP] = "Atomic-Resp",
	        [COH_MSG_LOCK] = "Lock",
	        [COH_MSG_UNLOCK] = "Unlock",
	        [COH_MSG_COND_WAIT] = "Cond-Wait",
	        [COH_MSG_COND_SIGNAL] = "Cond-Signal",
	        [COH_MSG_COND_CREATE] = "Cond-Create",
	        [COH_MSG_SYNC_DESTROY] = "Sync-Destroy",
	        [COH_MSG_BARRIER_ARRIVE] = "Barrier-Arrive",
	        [COH_MSG_SYNC_RESP] = "Sync-Resp",
	        [COH_MSG_BARRIER_RELEASE] = "Barrier-Release",
	        [COH_MSG_SVC_REQ] = "Svc-Req",
	        [COH_MSG_SVC_RESP] = "Svc-Resp",
	        [COH_MSG_DISCARD] = "Discard",
	        [COH_MSG_DISCARDED] = "Discarded",
	        [COH_MSG_DROP] = "Drop",
	        [COH_MSG_DROP_ACK] = "Drop-Ack",
	        [COH_MSG_FUTEX_WAIT] = "Futex-Wait",
	        [COH_MSG_FUTEX_WAKE] = "Futex-Wake",
	        [COH_MSG_FUTEX_CANCEL] = "Futex-Cancel",
	        [COH_MSG_COMPARED] = "Compared",
	        [COH_MSG_FWD_COMPARE] = "Fwd-Compare",
	        [COH_MSG_FUTEX_RESP] = "Futex-Resp",
	        [COH_MSG_FUTEX_WOKEN] = "Futex-Woken",
	        [COH_MSG_REPORT] = "Report",
	        [COH_MSG_LOG] = "Log",
	        [COH_MSG_LOG_HERE] = "Log-Here",
	        [COH_MSG_LOGGED] = "Logged",
	        [COH_MSG_SEAL] = "Seal",
	        [COH_MSG_SEALED] = "Sealed",
	        [COH_MSG_PUSH] = "Push",
	        [COH_MSG_SECURED] = "Secured",
	        [COH_MSG_COPY] = "Copy",
	        [COH_MSG_COPY_HERE] = "Copy-Here",
	        [COH_MSG_COPIED] = "Copied",
	        [COH_MSG_RESTORED] = "Restored",
	};
	return type < COH_MSG_TYPES && name[type] ? name[type] : "?";
}

const char *coh_cache_state_name(unsigned state)
{
	static const char *const name[COH_CACHE_STATES] = {
	        [COH_C_I] = "I",       [COH_C_S] = "S",       [COH_C_M] = "M",
	        [COH_C_IS_D] = "IS_D", [COH_C_IM_D] = "IM_D", [COH_C_SM_A] = "SM_A",
	        [COH_C_MI_A] = "MI_A", [COH_C_II_A] = "II_A",
	        [COH_C_MS_A] = "MS_A",
	};
	return state < COH_CACHE_STATES ? name[state] : "?";
}

const char *coh_dir_state_name(unsigned state)
{
	static const char *const name[COH_DIR_STATES] = {
	        [COH_D_I] = "I",       [COH_D_S] = "S",           [COH_D_M] = "M",
	        [COH_D_LOST] = "LOST", [COH_D_AWAY] = "AWAY",     [COH_D_HELD] = "HELD",
	        [COH_D_INV] = "INV",   [COH_D_RECALL] = "RECALL", [COH_D_DONE] = "DONE",
	        [COH_D_PULL] = "PULL",   [COH_D_COMPARE] = "COMPARE",
	        [COH_D_COPY] = "COPY",
	};
	return state < COH_DIR_STATES ? name[state] : "?";
}
