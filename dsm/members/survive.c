/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that keeps a node's part of the views (survive.h). */
#include "dsm/members/survive.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dsm/base/base.h"
#include "dsm/boot/boot.h"
#include "dsm/members/mail.h"
#include "dsm/views/pulse.h"
#include "dsm/views/wire.h"

#define BATCH 256 /* datagrams, before time passes */

struct survive {
	struct boot *boot;
	struct survive_told told;
	struct mail *mail;
	int wake_fd;
	pthread_t thread;
	/* The thread's alone. */
	struct pulse *pulse;
	struct pulse_effects fx;
	unsigned nodes, self;
	int over;            /* told.end() was called */
	pthread_mutex_t lock; /* guards all below */
	int stop, mute;
	struct vset cut, gone; /* suspicions that the thread has not taken */
	uint32_t number;
	struct vset members;
};

_Static_assert(VIEWS_WIRE_MAX <= MAIL_MAX, "a message is a datagram");

/* Also what the machine slept counts. */
static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void ring(int fd)
{
	const uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);

	(void)n; /* when it is full it is readable, too */
}

/* --- effects --- */

static void put(struct survive *s, unsigned to, const struct pulse_msg *m)
{
	uint8_t bytes[VIEWS_WIRE_MAX];
	size_t len = views_encode(m, s->nodes, bytes);

	for (unsigned rank = 0; rank < s->nodes; rank++)
		if (rank != s->self && (rank == to || to == VIEWS_ALL))
			mail_send(s->mail, rank, bytes, len);
}

static void entered(struct survive *s)
{
	const struct views *v = pulse_views(s->pulse);

	pthread_mutex_lock(&s->lock);
	s->number = views_number(v);
	s->members = *views_members(v);
	pthread_mutex_unlock(&s->lock);
	s->told.view(s->told.ctx, views_number(v), views_members(v));
}

static void stop(struct survive *s, const struct vset *whom)
{
	VSET_EACH(rank, whom)
		s->boot->ops->stop(s->boot, (int)rank);
}

static void end(struct survive *s)
{
	char why[256];

	views_why(pulse_views(s->pulse), why, sizeof why);
	s->over = 1;
	s->told.end(s->told.ctx, why);
}

static void carry_out(struct survive *s)
{
	for (unsigned i = 0; i < s->fx.len; i++) {
		const struct pulse_fx *e = &s->fx.list[i];

		switch (e->kind) {
		case VIEWS_FX_SEND: put(s, e->rank, &e->msg); break;
		case VIEWS_FX_VIEW: entered(s); break;
		case VIEWS_FX_USABLE: s->told.usable(s->told.ctx, 1); break;
		case VIEWS_FX_UNUSABLE: s->told.usable(s->told.ctx, 0); break;
		case VIEWS_FX_STOP: stop(s, &e->msg.msg.set); break;
		case VIEWS_FX_END: end(s); break;
		default: break;
		}
	}
	s->fx.len = 0;
}

/* --- events --- */

static void step(struct survive *s, const struct pulse_event *ev)
{
	if (s->over)
		return;
	pulse_step(s->pulse, now_ms(), ev, &s->fx);
	carry_out(s);
}

static void take_mail(struct survive *s)
{
	uint8_t bytes[MAIL_MAX];
	struct pulse_msg m;
	unsigned from;
	size_t len;

	for (unsigned i = 0; i < BATCH && (len = mail_take(s->mail, &from, bytes)); i++)
		if (views_decode(bytes, len, s->nodes, &m) == 0 && m.msg.from == from)
			step(s, &(struct pulse_event){ .kind = PULSE_EV_MSG, .msg = &m });
}

static void take_losses(struct survive *s)
{
	struct pulse_event ev = { .source = VIEWS_CUT };
	int rank, sure;

	while (s->boot->ops->lost(s->boot, &rank, &sure)) {
		if (rank < 0 || (unsigned)rank >= s->nodes)
			continue;
		ev.kind = sure ? PULSE_EV_DEAD : PULSE_EV_SUSPECT;
		ev.rank = (unsigned)rank;
		step(s, &ev);
	}
}

static void take_suspicions(struct survive *s)
{
	struct vset cut, gone;
	uint64_t count;

	if (read(s->wake_fd, &count, sizeof count) < 0)
		return;
	pthread_mutex_lock(&s->lock);
	cut = s->cut;
	gone = s->gone;
	s->cut = s->gone = (struct vset){ { 0 } };
	pthread_mutex_unlock(&s->lock);
	VSET_EACH(rank, &cut)
		step(s, &(struct pulse_event){ .kind = PULSE_EV_SUSPECT, .rank = rank,
		                               .source = VIEWS_CUT });
	VSET_EACH(rank, &gone)
		step(s, &(struct pulse_event){ .kind = PULSE_EV_SUSPECT, .rank = rank,
		                               .source = VIEWS_GONE });
}

static int is_stopped(struct survive *s)
{
	int stopped;

	pthread_mutex_lock(&s->lock);
	stopped = s->stop;
	s->over |= s->mute;
	pthread_mutex_unlock(&s->lock);
	return stopped;
}

static int patience_ms(const struct survive *s)
{
	uint64_t now = now_ms(), next = pulse_next_ms(s->pulse);

	if (s->over)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

/* Who has ended goes on reading, so that nothing piles up, and says nothing any more. */
static void *run(void *arg)
{
	struct survive *s = arg;
	struct pollfd p[] = { { .fd = s->wake_fd, .events = POLLIN },
		              { .fd = mail_fd(s->mail), .events = POLLIN },
		              { .fd = s->boot->ops->lost_fd(s->boot), .events = POLLIN } };

	while (!is_stopped(s)) {
		poll(p, 3, patience_ms(s));
		take_suspicions(s);
		take_losses(s);
		take_mail(s);
		step(s, &(struct pulse_event){ .kind = PULSE_EV_TIME });
	}
	return NULL;
}

/* --- calls --- */

static void survive_free(struct survive *s)
{
	if (!s)
		return;
	mail_close(s->mail);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	pthread_mutex_destroy(&s->lock);
	free(s->pulse);
	free(s->fx.list);
	free(s);
}

static struct survive *survive_new(struct boot *boot, const struct survive_config *config)
{
	struct survive *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->boot = boot;
	s->told = config->told;
	s->nodes = (unsigned)boot->size;
	s->self = (unsigned)boot->rank;
	pthread_mutex_init(&s->lock, NULL);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->fx.cap = PULSE_FX_MAX(s->nodes);
	s->fx.list = calloc(s->fx.cap, sizeof *s->fx.list);
	s->pulse = malloc(pulse_size(s->nodes));
	if (s->wake_fd >= 0 && s->fx.list && s->pulse)
		return s;
	survive_free(s);
	return NULL;
}

/* The first thing that is told, where no promises are needed. */
static void begin(struct survive *s, const struct survive_config *config)
{
	struct pulse_config c = { .views = { .nodes = s->nodes, .self = s->self,
		                             .rule = config->rule },
		                  .loss_ms = config->loss_ms };
	const struct views *v;

	pulse_init(s->pulse, &c, now_ms());
	v = pulse_views(s->pulse);
	s->number = views_number(v);
	s->members = *views_members(v);
	if (views_is_usable(v))
		s->told.usable(s->told.ctx, 1);
}

int survive_open(struct boot *boot, const struct survive_config *config, struct survive **out,
                 char *why, size_t why_len)
{
	struct survive *s = survive_new(boot, config);
	int err;

	if (!s) {
		snprintf(why, why_len, "out of memory, or of descriptors");
		return -ENOMEM;
	}
	err = mail_open(boot, config->timeout_ms, &s->mail, why, why_len);
	if (err)
		goto err_free;
	boot->ops->survive(boot);
	begin(s, config);
	err = thread_start(&s->thread, 0, run, s, NULL);
	if (err) {
		snprintf(why, why_len, "cannot start a thread: %s", strerror(-err));
		goto err_free;
	}
	*out = s;
	return 0;

err_free:
	survive_free(s);
	return err;
}

void survive_suspect(struct survive *s, unsigned rank, enum views_source source)
{
	pthread_mutex_lock(&s->lock);
	vset_add(source == VIEWS_CUT ? &s->cut : &s->gone, rank);
	pthread_mutex_unlock(&s->lock);
	ring(s->wake_fd);
}

void survive_mute(struct survive *s)
{
	pthread_mutex_lock(&s->lock);
	s->mute = 1;
	pthread_mutex_unlock(&s->lock);
	ring(s->wake_fd);
}

uint32_t survive_view(struct survive *s, struct vset *members)
{
	uint32_t number;

	pthread_mutex_lock(&s->lock);
	number = s->number;
	*members = s->members;
	pthread_mutex_unlock(&s->lock);
	return number;
}

void survive_close(struct survive *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = 1;
	pthread_mutex_unlock(&s->lock);
	ring(s->wake_fd);
	pthread_join(s->thread, NULL);
	survive_free(s);
}
