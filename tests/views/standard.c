/* SPDX-License-Identifier: BSD-2-Clause */
/* The configurations that are explored completely. */
#include "tests/views/explore.h"

#define MAJORITY(...) { .rule = VIEWS_MAJORITY, __VA_ARGS__ }
#define STARTER(...) { .rule = VIEWS_STARTER, __VA_ARGS__ }

#define AGREE                                                                                      \
	{ V_SUSPECT, 1, 0 }, { V_SUSPECT, 2, 0 }, { V_SUSPECT, 3, 0 }, { V_TAKE, 2, VIEWS_ASK },   \
	{ V_TAKE, 3, VIEWS_ASK }, { V_TAKE, 1, VIEWS_TELL }, { V_PROMISE_OUT, 1, 0 },              \
	{ V_TAKE, 2, VIEWS_PROPOSE }, { V_PROMISE_OUT, 2, 0 }, { V_TAKE, 3, VIEWS_PROPOSE },       \
	{ V_PROMISE_OUT, 3, 0 }, { V_TAKE, 1, VIEWS_ACCEPT }, { V_TAKE, 2, VIEWS_VIEW }, { 0, 0, 0 }

const struct v_act v_laggard[] = { { V_KILL, 0, 0 }, AGREE };
/* What 0 believed of them is over first. */
const struct v_act v_laggard_alarm[] = { { V_BELIEF_OUT, 0, 1 }, { V_BELIEF_OUT, 0, 2 },
	                                 { V_BELIEF_OUT, 0, 3 }, AGREE };

const struct v_act v_two_minds[] = {
	{ V_SUSPECT, 0, 2 },   { V_TAKE, 1, VIEWS_ASK },  { V_TAKE, 0, VIEWS_TELL },
	{ V_BELIEF_OUT, 2, 0 }, { V_PROMISE_OUT, 0, 2 },   { V_SUSPECT, 1, 0 },
	{ V_TAKE, 2, VIEWS_ASK }, { V_TAKE, 1, VIEWS_TELL }, { V_BELIEF_OUT, 0, 1 },
	{ V_PROMISE_OUT, 1, 0 },  { 0, 0, 0 }
};

const struct v_act v_two_leaders[] = {
	{ V_SUSPECT, 0, 1 }, { V_TAKE, 2, VIEWS_ASK },  { V_TAKE, 0, VIEWS_TELL }, { V_SUSPECT, 1, 0 },
	{ V_TAKE, 2, VIEWS_ASK }, { V_TAKE, 1, VIEWS_TELL }, { 0, 0, 0 }
};

const struct v_standard v_standards[] = {
	{ MAJORITY(.name = "2 nodes, 1 death", .nodes = 2, .deaths = 1, .silence = 1, .rounds = 3), 0 },
	{ MAJORITY(.name = "2 nodes, 1 alarm", .nodes = 2, .alarms = 1, .cuts = 1, .rounds = 3), 0 },
	{ MAJORITY(.name = "3 nodes, 1 death", .nodes = 3, .deaths = 1, .silence = 1, .rounds = 3), 0 },
	{ MAJORITY(.name = "3 nodes, 1 alarm", .nodes = 3, .alarms = 1, .cuts = 1, .rounds = 2), 0 },
	{ MAJORITY(.name = "3 nodes, 2 deaths", .nodes = 3, .deaths = 2, .rounds = 2), 0 },
	{ STARTER(.name = "starter, 3 nodes, 2 deaths", .nodes = 3, .deaths = 2, .silence = 1,
	          .rounds = 3), 0 },
	{ STARTER(.name = "starter, 3 nodes, 1 death, 1 alarm", .nodes = 3, .deaths = 1,
	          .alarms = 1, .cuts = 1, .rounds = 2), 0 },
	{ MAJORITY(.name = "3 nodes, 1 death, 1 alarm, 1 round", .nodes = 3, .deaths = 1, .alarms = 1,
	           .rounds = 1), 0 },
	{ MAJORITY(.name = "4 nodes, one lags, 2 alarms", .nodes = 4, .alarms = 2, .rounds = 1,
	           .before = v_laggard, .victims = 8), 0 },
	{ MAJORITY(.name = "3 nodes, two leaders", .nodes = 3, .alarms = 1, .rounds = 1,
	           .before = v_two_leaders, .victims = V_NOBODY), 0 },
	{ MAJORITY(.name = "3 nodes of two minds", .nodes = 3, .alarms = 1, .rounds = 3,
	           .before = v_two_minds, .victims = V_NOBODY), 0 },
	{ MAJORITY(.name = "4 nodes, one lags, 2 alarms, nobody dead", .nodes = 4, .alarms = 2,
	           .rounds = 1, .before = v_laggard_alarm, .victims = 8), 1 },
	{ MAJORITY(.name = "3 nodes, 2 alarms", .nodes = 3, .alarms = 2, .rounds = 2), 1 },
	{ MAJORITY(.name = "3 nodes, 1 death, 1 alarm", .nodes = 3, .deaths = 1, .alarms = 1,
	           .rounds = 2), 1 },
	{ MAJORITY(.name = "4 nodes, 1 death", .nodes = 4, .deaths = 1, .rounds = 1), 1 },
	/* Too many states for all of them. */
	{ MAJORITY(.name = "4 nodes, 2 deaths", .nodes = 4, .deaths = 2, .rounds = 1,
	           .max_states = 12000000), 1 },
	{ MAJORITY(.name = "4 nodes, 1 alarm", .nodes = 4, .alarms = 1, .rounds = 1,
	           .max_states = 12000000), 1 },
	{ STARTER(.name = "starter, 4 nodes, 2 deaths", .nodes = 4, .deaths = 2, .rounds = 1,
	          .max_states = 12000000), 1 },
};
const unsigned v_standards_n = sizeof v_standards / sizeof *v_standards;
