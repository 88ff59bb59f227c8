#include "native/live.h"

#include <string.h>

struct live *
live_find(const struct live_set *s, const char *id)
{
	struct live *l;

	for (l = s->live; l != NULL; l = l->next)
		if (strcmp(l->id, id) == 0)
			return l;
	return NULL;
}

static void
unlink_from(struct live **list, const struct live *l)
{
	for (; *list != NULL; list = &(*list)->next) {
		if (*list == l) {
			*list = l->next;
			return;
		}
	}
}

void
live_add(struct live_set *s, struct live *l)
{
	struct live **end;

	unlink_from(&s->off, l);
	for (end = &s->live; *end != NULL; end = &(*end)->next)
		;
	*end = l;
	l->next = NULL;
}

void
live_remove(struct live_set *s, struct live *l)
{
	unlink_from(&s->live, l);
	l->next = s->off;
	s->off = l;
}

size_t
live_count(const struct live_set *s)
{
	const struct live *l;
	size_t n = 0;

	for (l = s->live; l != NULL; l = l->next)
		n++;
	return n;
}

static const struct live_func *
func_at(const struct live *l, uintptr_t site)
{
	size_t i;

	for (i = 0; i < l->nfuncs; i++)
		if (l->funcs[i].site == site)
			return &l->funcs[i];
	return NULL;
}

const struct live *
live_above(const struct live *l, const struct live_func **f)
{
	const struct live *above;
	size_t i;

	*f = NULL;
	for (above = l->next; above != NULL; above = above->next) {
		for (i = 0; i < l->nfuncs; i++) {
			if (func_at(above, l->funcs[i].site) != NULL) {
				*f = &l->funcs[i];
				return above;
			}
		}
		if (strcmp(above->needs, l->id) == 0)
			return above;
	}
	return NULL;
}

const struct live_func *
live_top(const struct live_set *s, uintptr_t site)
{
	const struct live_func *f, *top = NULL;
	const struct live *l;

	for (l = s->live; l != NULL; l = l->next) {
		f = func_at(l, site);
		if (f != NULL)
			top = f;
	}
	return top;
}

static const struct live_func *
bottom(const struct live_set *s, uintptr_t site)
{
	const struct live_func *f = NULL;
	const struct live *l;

	for (l = s->live; l != NULL && f == NULL; l = l->next)
		f = func_at(l, site);
	return f;
}

/* The part of a jump that lies in the bytes; they may begin or end in it. */
static int
restore_jump(const struct live_set *s, uintptr_t site, size_t jump_len,
    uint8_t *bytes, uintptr_t at, size_t len)
{
	const uint8_t *jump = live_top(s, site)->jump;
	const uint8_t *before = bottom(s, site)->before;
	size_t i;

	for (i = 0; i < jump_len; i++) {
		if (site + i < at || site + i >= at + len)
			continue;
		if (bytes[site + i - at] != jump[i])
			return -1;
	}
	for (i = 0; i < jump_len; i++)
		if (site + i >= at && site + i < at + len)
			bytes[site + i - at] = before[i];
	return 0;
}

int
live_restore(const struct live_set *s, uint8_t *bytes, uintptr_t at, size_t len)
{
	const struct live *l;
	size_t i;

	for (l = s->live; l != NULL; l = l->next) {
		for (i = 0; i < l->nfuncs; i++) {
			/* Once for a site, however many are over it. */
			if (bottom(s, l->funcs[i].site) != &l->funcs[i])
				continue;
			if (restore_jump(s, l->funcs[i].site, l->jump_len,
				bytes, at, len) != 0)
				return -1;
		}
	}
	return 0;
}

int
live_meets(const struct live_set *s, uintptr_t site, size_t len)
{
	const struct live *l;
	uintptr_t other;
	size_t i;

	for (l = s->live; l != NULL; l = l->next) {
		for (i = 0; i < l->nfuncs; i++) {
			other = l->funcs[i].site;
			if (other != site && other < site + len &&
			    site < other + l->jump_len)
				return 1;
		}
	}
	return 0;
}
