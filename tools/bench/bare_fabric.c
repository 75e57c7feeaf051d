/* SPDX-License-Identifier: BSD-2-Clause */
/* The endpoint of the floors: what goes in and out. */
#include "tools/bench/bare_impl.h"

#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <string.h>

#include "tools/bench/bench.h"

void bare_check(ssize_t rc, const char *what)
{
	if (rc < 0)
		bench_fail("libfabric: %s: %s", what, fi_strerror((int)-rc));
}

void bare_post(struct bare *b, unsigned i)
{
	void *desc = b->buffers_mr ? fi_mr_desc(b->buffers_mr) : NULL;
	ssize_t rc;

	do
		rc = fi_recv(b->ep, b->buffers + i * BUFFER_BYTES, BUFFER_BYTES, desc,
		             FI_ADDR_UNSPEC, &b->receive[i]);
	while (rc == -FI_EAGAIN);
	bare_check(rc, "posting a receive");
}

static void fail_completion(struct bare *b)
{
	struct fi_cq_err_entry error = { 0 };

	fi_cq_readerr(b->cq, &error, 0);
	bench_fail("libfabric: a transfer failed: %s", fi_strerror(error.err));
}

static bool is_receive(const struct bare *b, const void *context)
{
	const struct fi_context2 *at = context;

	return at >= b->receive && at < b->receive + BUFFERS;
}

/* Takes one completion. Returns true when it is an event. */
static bool take(struct bare *b, struct bare_event *event)
{
	struct fi_cq_data_entry entry;
	ssize_t n = fi_cq_read(b->cq, &entry, 1);

	if (n == -FI_EAGAIN)
		return false;
	if (n < 0)
		fail_completion(b);
	if (is_receive(b, entry.op_context)) {
		unsigned i = (unsigned)((struct fi_context2 *)entry.op_context - b->receive);

		event->kind = BARE_MSG;
		memcpy(&event->msg, b->buffers + i * BUFFER_BYTES, sizeof event->msg);
		bare_post(b, i);
		return true;
	}
	if (entry.flags & FI_REMOTE_CQ_DATA) {
		event->kind = BARE_LANDED;
		event->tag = entry.data;
		return true;
	}
	b->idle[b->n_idle++] = (uint8_t)((struct fi_context2 *)entry.op_context - b->write);
	return false;
}

/* Goes on while something cannot be sent: what comes meanwhile is kept. */
static void make_room(struct bare *b)
{
	struct bare_event event;

	if (!take(b, &event))
		return;
	if (b->n_kept == BUFFERS)
		bench_fail("more came in than was asked for");
	b->kept[(b->kept_first + b->n_kept++) % BUFFERS] = event;
}

bool bare_poll(struct bare *b, struct bare_event *event)
{
	if (b->n_kept == 0)
		return take(b, event);
	*event = b->kept[b->kept_first++ % BUFFERS];
	b->n_kept--;
	return true;
}

void bare_send(struct bare *b, int to, const struct bare_msg *msg)
{
	struct bare_msg m = *msg;
	ssize_t rc;

	m.from = (uint32_t)bench.rank;
	while ((rc = fi_inject(b->ep, &m, sizeof m, b->peer[to])) == -FI_EAGAIN)
		make_room(b);
	bare_check(rc, "sending");
}

void bare_write(struct bare *b, int to, const struct bare_area *area, uint64_t offset, size_t len,
                uint32_t tag)
{
	struct fi_context2 *context;
	ssize_t rc;

	while (b->n_idle == 0)
		make_room(b);
	context = &b->write[b->idle[--b->n_idle]];
	while ((rc = fi_writedata(b->ep, area->at + offset, len, area->desc, tag, b->peer[to],
	                          area->base[to] + offset, area->key[to], context)) == -FI_EAGAIN)
		make_room(b);
	bare_check(rc, "writing");
}

void bare_flush(struct bare *b)
{
	while (b->n_idle < WRITES)
		make_room(b);
}

/* -------------------------------------------------------------------- service -- */

static void serve_fetch(struct bare *b, const struct bare_area *area, const struct bare_msg *m)
{
	if (m->len > area->bytes || m->offset > area->bytes - m->len)
		bench_fail("node %u asks for what is not there", m->from);
	bare_write(b, (int)m->from, area, m->offset, m->len, (uint32_t)m->tag);
}

void bare_serve(struct bare *b, const struct bare_area *area)
{
	struct bare_event event;

	for (;;) {
		if (!bare_poll(b, &event) || event.kind != BARE_MSG)
			continue;
		if (event.msg.from >= (uint32_t)bench.size)
			bench_fail("a message from nowhere");
		if (event.msg.op == BARE_STOP)
			break;
		if (event.msg.op == BARE_FETCH)
			serve_fetch(b, area, &event.msg);
		else
			bare_send(b, (int)event.msg.from,
			          &(struct bare_msg){ .op = BARE_PONG, .tag = event.msg.tag });
	}
	bare_flush(b);
}

void bare_stop(struct bare *b, int node)
{
	bare_send(b, node, &(struct bare_msg){ .op = BARE_STOP });
}
