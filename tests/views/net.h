/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes with struct pulse in virtual time: clocks that differ and drift, a network that loses,
 * delays, doubles and reorders, nodes that die, stand still or are cut off. Every effect is checked as
 * it is carried out: views of one number are one, and when the first node enters one, nobody whom it
 * leaves out may use its window.
 */
#ifndef VIEWS_NET_H
#define VIEWS_NET_H

#include <stdint.h>

#include "dsm/views/pulse.h"

#define N_NODES 8
#define N_FLYING 4096
#define N_VIEWS 64
#define N_STEP_MS 5

struct net_options {
	unsigned nodes;
	enum views_rule rule;
	uint32_t loss_ms;
	double drift;              /* clocks are faster or slower by up to so much */
	unsigned lost_percent, late_percent; /* messages that never come, or late */
	unsigned late_ms;          /* how late, at most */
};

struct net_node {
	struct pulse *pulse;
	int dead, ended, usable;
	double rate, offset;       /* of its clock */
	double runs_again;         /* stands still until then; 0: it runs */
	uint64_t due_ms;           /* by its clock */
	uint32_t view;
	struct vset members;
	char why[256];
};

struct net {
	struct net_options o;
	double now; /* ms */
	struct net_node node[N_NODES];
	int cut[N_NODES][N_NODES];
	struct net_packet {
		double at;
		unsigned to, kind, rank; /* kind 0: bytes; else a pulse_event_kind */
		enum views_source source;
		size_t len;
		uint8_t bytes[256];
	} flying[N_FLYING];
	unsigned n_flying;
	struct vset made[N_VIEWS]; /* by number */
	int is_made[N_VIEWS];
	unsigned long sent;
	char wrong[300]; /* "" as long as nothing is */
};

void net_seed(uint64_t seed);
uint64_t net_random(void);
void net_open(struct net *n, const struct net_options *o);
void net_close(struct net *n);
/* Lets so much time pass, or until something is wrong. */
void net_run(struct net *n, double ms);
/* A process ends; told: the others' connections tell them, each at its own time. */
void net_kill(struct net *n, unsigned node, int told);
void net_stand(struct net *n, unsigned node, double ms);
void net_cut(struct net *n, unsigned a, unsigned b, int cut);
void net_suspect(struct net *n, unsigned node, unsigned other, enum views_source source);
static inline int net_lives(const struct net *n, unsigned node)
{
	return !n->node[node].dead && !n->node[node].ended;
}
/* All who live are in one view, of themselves, and may use their windows: how many; -1 not so. */
int net_settled(const struct net *n);

#endif
