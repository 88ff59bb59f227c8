/* Small sets of ids. */

#include "peer/ids.h"

#include <stdlib.h>
#include <string.h>

/* Where the id is, or belongs. */
static size_t
place_of(const struct ids *s, uint64_t id)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int
ids_has(const struct ids *s, uint64_t id)
{
	size_t i = place_of(s, id);

	return i < s->n && s->v[i] == id;
}

int
ids_add(struct ids *s, uint64_t id)
{
	size_t i = place_of(s, id);
	uint64_t *p;
	size_t cap;

	if (i < s->n && s->v[i] == id)
		return 0;
	if (s->n == s->cap) {
		cap = s->cap > 0 ? s->cap * 2 : 4;
		p = realloc(s->v, cap * sizeof *p);
		if (p == NULL)
			return -1;
		s->v = p;
		s->cap = cap;
	}
	memmove(s->v + i + 1, s->v + i, (s->n - i) * sizeof *s->v);
	s->v[i] = id;
	s->n++;
	return 0;
}

void
ids_remove(struct ids *s, uint64_t id)
{
	size_t i = place_of(s, id);

	if (i == s->n || s->v[i] != id)
		return;
	s->n--;
	memmove(s->v + i, s->v + i + 1, (s->n - i) * sizeof *s->v);
}

void
ids_free(struct ids *s)
{
	free(s->v);
	memset(s, 0, sizeof *s);
}
