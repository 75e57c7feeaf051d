/* SPDX-License-Identifier: BSD-2-Clause */
/* Which pages are secure, who holds them, and the lists of what this node has written to them. */
#include <errno.h>
#include <stddef.h>

#include "coherence/secure.h"
#include "coherence/sharers.h"

int coh_is_secure(const struct coh_config *config, uint64_t page)
{
	return page - config->secure_first < config->secure_pages;
}

/* Homes are dealt out by blocks, and so are second nodes. */
static int is_edge(const struct coh_config *config, uint64_t page)
{
	return page == 0 || page == coh_pages(config) || coh_block_end(config, page - 1) == page;
}

int coh_secure_config_check(const struct coh_config *config)
{
	uint64_t pages = coh_pages(config), end = config->secure_first + config->secure_pages;

	if (!config->secure_pages)
		return 0;
	if (!config->survive || config->secure_pages > pages || end > pages || end < config->secure_first ||
	    !is_edge(config, config->secure_first) || !is_edge(config, end) ||
	    coh_requests_of_node(config) * config->nodes * 2u > COH_MAX_QUEUE ||
	    pages + config->secure_pages > COH_TAG_PAGES)
		return -EINVAL;
	return 0;
}

uint64_t coh_secure_lay_out(struct coh *c, uint64_t at)
{
	if (!c->cfg.secure_pages)
		return at;
	c->securing.off_page = at;
	at += coh_pages(&c->cfg) * sizeof(struct secure);
	c->securing.off_wait = at = (at + 15) & ~UINT64_C(15);
	at += (uint64_t)c->n_txns * sizeof(struct coh_msg);
	c->securing.off_log = at = (at + 15) & ~UINT64_C(15);
	at += c->cfg.nodes * sizeof(uint32_t);
	return (at + 15) & ~UINT64_C(15);
}

void coh_secure_init(struct coh *c)
{
	if (!c->cfg.secure_pages)
		return;
	c->securing.homes = coh_secure_homes(c);
	c->securing.restored = c->securing.whole = c->view.members;
	c->securing.inherited = node_bit(c->cfg.self);
}

/* --- who --- */

coh_node coh_second_among(const struct coh_config *config, uint64_t members, uint64_t page)
{
	const coh_node home = coh_home_among(config, members, page);
	coh_node node = home;

	do
		node = node + 1u < config->nodes ? node + 1u : 0;
	while (!(members >> node & 1));
	return node == home ? COH_NO_NODE : node;
}

coh_node coh_second(const struct coh *c, uint64_t page)
{
	return coh_second_among(&c->cfg, c->view.members, page);
}

uint64_t coh_secure_homes(const struct coh *c)
{
	uint64_t map = 0;

	for EACH_SECURE_HOME(c, p)
		map |= node_bit(coh_home(c, p));
	return map;
}

void coh_secure_note_copy(struct coh *c, uint64_t page)
{
	if (c->cfg.secure_pages && is_secure(c, page) && coh_second(c, page) == c->cfg.self)
		secure_at(c, page)->copy = COPY_HAS;
}

void coh_secure_forget_copy(struct coh *c, uint64_t page)
{
	if (c->cfg.secure_pages && is_secure(c, page))
		secure_at(c, page)->copy = 0;
}

int coh_is_copy(const struct coh *coh, uint64_t page)
{
	struct coh *c = (struct coh *)coh; /* only read */

	return c->cfg.secure_pages && is_secure(c, page) && secure_at(c, page)->copy;
}

uint32_t coh_unsecured(const struct coh *c)
{
	uint32_t n = 0;

	for (unsigned list = LIST_DIRTY; list <= LIST_HELD; list++)
		n += c->securing.count[list];
	return n;
}

int coh_keeps_log(const struct coh *coh, uint64_t page)
{
	struct coh *c = (struct coh *)coh; /* only read */

	return c->cfg.secure_pages && is_secure(c, page) &&
	       (secure_at(c, page)->log || secure_at(c, page)->staged);
}

int coh_is_restored(const struct coh *c)
{
	return !c->cfg.secure_pages || !(c->securing.homes & ~c->securing.restored);
}

int coh_secure_knows_untouched(const struct coh *c, uint64_t page)
{
	return c->cfg.secure_pages && is_secure(c, page) &&
	       c->securing.inherited >> coh_home_of(&c->cfg, page) & 1;
}

/* --- lists --- */

static uint32_t *head_of(struct coh *c, enum secure_list list)
{
	return &c->securing.head[list];
}

static void unlink_page(struct coh *c, uint64_t page)
{
	struct secure *s = secure_at(c, page);

	if (s->prev)
		secure_at(c, s->prev - 1)->next = s->next;
	else
		*head_of(c, s->list) = s->next;
	if (s->next)
		secure_at(c, s->next - 1)->prev = s->prev;
	c->securing.count[s->list]--;
	s->next = s->prev = 0;
	s->list = LIST_NONE;
}

void coh_secure_list(struct coh *c, uint64_t page, enum secure_list list)
{
	struct secure *s;

	if (!c->cfg.secure_pages || !is_secure(c, page))
		return;
	s = secure_at(c, page);
	if (s->list)
		unlink_page(c, page);
	if (!list)
		return;
	s->list = (uint8_t)list;
	c->securing.count[list]++;
	s->next = *head_of(c, list);
	if (s->next)
		secure_at(c, s->next - 1)->prev = (uint32_t)page + 1;
	*head_of(c, list) = (uint32_t)page + 1;
}

uint64_t coh_secure_first(const struct coh *c, enum secure_list list)
{
	return c->securing.head[list] ? c->securing.head[list] - UINT64_C(1) : COH_NO_PAGE;
}

int coh_secure_is_dirty(const struct coh *c)
{
	for (unsigned list = LIST_DIRTY; list <= LIST_HELD; list++)
		if (c->securing.head[list])
			return 1;
	return 0;
}

/* --- stand-ins --- */

coh_node coh_secure_stand_in(const struct coh *c, coh_node node)
{
	const coh_node self = node;

	do
		node = node + 1u < c->cfg.nodes ? node + 1u : 0;
	while (!is_member(c, node));
	return node == self ? COH_NO_NODE : node;
}

void coh_secure_forget_log(struct coh *c, coh_node node)
{
	uint32_t p = *secure_log_at(c, node);

	while (p) {
		struct secure *s = secure_at(c, p - 1);
		p = s->next_log;
		s->next_log = 0;
		s->log = s->logged_for = 0;
	}
	*secure_log_at(c, node) = 0;
	c->securing.sealed &= ~node_bit(node);
	c->securing.relogged &= ~node_bit(node);
}

void coh_secure_keep_sealed(struct coh *c, coh_node node)
{
	uint32_t *link = secure_log_at(c, node);

	while (*link) {
		struct secure *s = secure_at(c, *link - 1);
		if (s->log & COPY_SEALED) {
			s->log = COPY_SEALED | COPY_HAS;
			link = &s->next_log;
			continue;
		}
		*link = s->next_log;
		s->next_log = 0;
		s->log = s->logged_for = 0;
	}
	c->securing.relogged |= c->securing.sealed & node_bit(node);
}

/* --- steps --- */

int coh_secure_room(const struct coh_effects *fx)
{
	return fx->self_len <= COH_SELF_MAX / 4 && fx->len <= fx->cap / 2;
}

int coh_has_more(const struct coh *c)
{
	return c->view.reporting || c->view.starting ||
	       (c->securing.more && !c->view.next);
}

void coh_secure_permute(struct coh *c, const coh_node *perm)
{
	if (!c->cfg.secure_pages)
		return;
	coh_map_permute(&c->cfg, &c->securing.homes, perm);
	coh_map_permute(&c->cfg, &c->securing.restored, perm);
	coh_map_permute(&c->cfg, &c->securing.whole, perm);
	coh_map_permute(&c->cfg, &c->securing.inherited, perm);
	for (unsigned i = 0; i < c->securing.waits; i++)
		secure_wait_at(c, i)->requestor = perm[secure_wait_at(c, i)->requestor];
}
