/* SPDX-License-Identifier: BSD-2-Clause */
/* Events and states for people. */
#include "tests/views/explore.h"

static void print_msg(FILE *out, uint32_t word)
{
	static const char *const names[] = { "-", "BEAT", "ASK", "TELL", "PROPOSE", "ACCEPT", "VIEW" };
	struct views_msg m = v_unword(word);

	fprintf(out, "%s of %u, view %u", names[m.type < VIEWS_TYPES ? m.type : 0], m.from, m.view);
	if (m.ballot)
		fprintf(out, ", ballot %u.%u", m.ballot / VIEWS_NODES_MAX, BALLOT_RANK(m.ballot));
	if (m.accepted)
		fprintf(out, ", accepted %u.%u", m.accepted / VIEWS_NODES_MAX,
		        BALLOT_RANK(m.accepted));
	if (m.set.w[0])
		fprintf(out, ", set %llx", (unsigned long long)m.set.w[0]);
	if (m.accused.w[0])
		fprintf(out, ", accuses %llx", (unsigned long long)m.accused.w[0]);
}

void v_print_action(struct v_explorer *x, const struct v_world *w, const struct v_action *a)
{
	static const char *const source[] = { "silent", "cut off", "gone" };
	FILE *out = x->out;

	switch (a->kind) {
	case V_KILL: fprintf(out, "node %u dies\n", a->node); break;
	case V_STOP: fprintf(out, "node %u is stopped by its starter\n", a->node); break;
	case V_SUSPECT:
		fprintf(out, "node %u takes %u for %s%s\n", a->node, a->other, source[a->source],
		        v_lives(x, w, a->other) ? ", without reason" : "");
		break;
	case V_DEAD: fprintf(out, "node %u hears that %u is dead\n", a->node, a->other); break;
	case V_TAKE:
		fprintf(out, "node %u takes ", a->node);
		print_msg(out, w->msg[a->index]);
		fprintf(out, "\n");
		break;
	case V_TICK: fprintf(out, "node %u: tick\n", a->node); break;
	case V_RETRY: fprintf(out, "node %u tries again\n", a->node); break;
	case V_BEAT: fprintf(out, "node %u takes a beat of %u\n", a->node, a->other); break;
	case V_ACK: fprintf(out, "node %u gets the promise of %u\n", a->node, a->other); break;
	case V_BELIEF_OUT:
		fprintf(out, "node %u: the promise of %u is over\n", a->node, a->other);
		break;
	case V_PROMISE_OUT:
		fprintf(out, "node %u: its promise to %u is over\n", a->node, a->other);
		break;
	default: fprintf(out, "node %u gives up\n", a->node); break;
	}
}

static const char *name_of(uint32_t ballot, char text[16])
{
	snprintf(text, 16, ballot ? "%u.%u" : "-", ballot / VIEWS_NODES_MAX, BALLOT_RANK(ballot));
	return text;
}

void v_print_world(struct v_explorer *x, const struct v_world *w)
{
	static const char *const phase[] = { "idle", "asks", "proposes" };
	static const char *const end[] = { "", " ENDED: out", " ENDED: minority", " ENDED: shunned" };
	char answered[16], accepted[16];

	for (unsigned i = 0; i < x->o.nodes; i++) {
		const struct views *v = v_local(&x->l, w->local[i]);
		struct vset accused = views_accused(v);

		if (!(w->alive >> i & 1) && !v->end)
			continue;
		fprintf(x->out, "        %u: view %u %llx%s%s %s, suspects %llx, promised %llx, "
		        "believes %llx, answered %s, accepted %s %llx\n", i, v->number,
		        (unsigned long long)v->members.w[0], end[v->end],
		        v->usable ? "" : " NO LEASE", phase[v->phase],
		        (unsigned long long)accused.w[0], (unsigned long long)v->promised.w[0],
		        (unsigned long long)v->believed.w[0], name_of(v->answered, answered),
		        name_of(v->accepted, accepted), (unsigned long long)v->accepted_set.w[0]);
	}
}
