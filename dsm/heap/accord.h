/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds where nodes may die: all who live give a few words each, and of a round either all who live get
 * what they come to, or all hear that there is a new view. Nobody goes on by a result that another one who
 * lives could not have got.
 *
 *	Come      to who serves: what this node gives to a round
 *	Result    to all: what it has come to, when all have come
 *	Report    to who serves a new view: how many rounds this node has behind it, and the newest result
 *	Begin     to all, when all have reported: the most of these, and the newest result of any
 *
 * A result needs all to have come, and whoever has it reports it: so who still waits for it gets it, whoever
 * has died. The first round that nobody who lives has behind him says to all that there is a new
 * view, to those who wait in it and to those who come to it later, and so do those before it that have no result.
 * So between results of different views everybody hears of that.
 *
 * Pure: no calls but those of accord_out. tests/heap/accord_model.c goes through all that can happen.
 */
#ifndef ACCORD_H
#define ACCORD_H

#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/heap/fold.h"

#ifdef ACCORD_MODEL
#define ACCORD_NODES 4
#else
#define ACCORD_NODES 64
#endif

enum accord_kind { ACCORD_COME = 1, ACCORD_RESULT, ACCORD_REPORT, ACCORD_BEGIN };

struct accord_msg {
	uint8_t kind;
	uint8_t back;   /* Report, Begin: the newest result is of so many rounds before round; 0: there is none */
	uint32_t view;  /* of who has sent it */
	uint32_t round; /* Report, Begin: how many are over */
	int32_t status; /* of the result; Come: what it is, as round_pack() says */
	uint64_t word[HEAP_WORDS];
};

struct accord_result {
	uint8_t is; /* else there is none */
	uint32_t round;
	int32_t status;
	uint64_t word[HEAP_WORDS];
};

struct accord_out {
	void (*send)(void *ctx, uint16_t to, const struct accord_msg *msg);
	/* The call that waits returns: status 0, and what all have come to; or a code. */
	void (*done)(void *ctx, int status, const uint64_t word[HEAP_WORDS]);
};

struct accord {
	const struct accord_out *out;
	void *ctx;
	uint16_t self;
	uint8_t waits; /* a call does, in round passed */
	uint8_t begun; /* where the view's rounds begin is known */
	uint8_t shut;  /* this node does not know whether it is in the view still */
	uint32_t view;
	uint64_t members;
	uint32_t passed; /* rounds that this node has behind it */
	uint32_t floor;  /* those before it say that there is a new view, but for one with a result */
	struct accord_result newest; /* that this node has got, or will get */
	/* At who serves: who has come to which round, and who has reported, a bit each. */
	uint64_t here, reported;
	uint32_t round;
	struct accord_part {
		uint32_t early_view; /* early is a report for a view to come; 0: none */
		struct accord_msg early;
		struct heap_round what;
		uint64_t word[HEAP_WORDS];
	} part[ACCORD_NODES];
	uint32_t most;
	struct accord_result best;
};

void accord_open(struct accord *a, const struct accord_out *out, void *ctx, uint16_t self, unsigned nodes);
/* A thread comes to a round: done() follows, at once or later. -EBUSY: another one is in it. */
int accord_call(struct accord *a, struct heap_round what, const uint64_t word[HEAP_WORDS]);
/* 0, or -EPROTO: nobody sends that. */
int accord_take(struct accord *a, uint16_t from, const struct accord_msg *msg);
/* A view has begun here, of those members. */
void accord_view(struct accord *a, uint32_t view, uint64_t members);
/* Whether this node may go by what it hears: its lease has run out, or it has one again. */
void accord_usable(struct accord *a, int usable);

#endif
