/* A binary heap of deadlines. */

#include "base/heap.h"

#include <stdlib.h>

#define HEAP_FIRST 16 /* places of the first allocation */

void
heap_free(struct heap *h)
{
	size_t i;

	for (i = 0; i < h->len; i++)
		h->items[i]->place = 0;
	free(h->items);
	h->items = NULL;
	h->len = h->cap = 0;
}

static void
put(struct heap *h, size_t i, struct heap_item *it)
{
	h->items[i] = it;
	it->place = i + 1;
}

/* Move the item at i to where it belongs. */
static void
sift(struct heap *h, size_t i)
{
	struct heap_item *it = h->items[i];
	size_t kid;

	while (i > 0 && h->items[(i - 1) / 2]->deadline_ns > it->deadline_ns) {
		put(h, i, h->items[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	while ((kid = 2 * i + 1) < h->len) {
		if (kid + 1 < h->len &&
		    h->items[kid + 1]->deadline_ns < h->items[kid]->deadline_ns)
			kid++;
		if (h->items[kid]->deadline_ns >= it->deadline_ns)
			break;
		put(h, i, h->items[kid]);
		i = kid;
	}
	put(h, i, it);
}

int
heap_set(struct heap *h, struct heap_item *it, int64_t deadline_ns)
{
	struct heap_item **p;
	size_t cap;

	it->deadline_ns = deadline_ns;
	if (it->place == 0) {
		if (h->len == h->cap) {
			cap = h->cap > 0 ? h->cap * 2 : HEAP_FIRST;
			p = realloc(h->items, cap * sizeof *p);
			if (p == NULL)
				return -1;
			h->items = p;
			h->cap = cap;
		}
		put(h, h->len++, it);
	}
	sift(h, it->place - 1);
	return 0;
}

void
heap_remove(struct heap *h, struct heap_item *it)
{
	size_t i;

	if (it->place == 0)
		return;
	i = it->place - 1;
	it->place = 0;
	h->len--;
	if (i < h->len) {
		put(h, i, h->items[h->len]);
		sift(h, i);
	}
}

struct heap_item *
heap_first(const struct heap *h)
{
	return h->len > 0 ? h->items[0] : NULL;
}
