#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Deadlines, earliest first. The element lives in its owner; it knows its
 * place, so that it can be moved or taken out.
 */
struct heap_item {
	int64_t deadline_ns; /* clock_mono_ns() */
	size_t place;        /* 1 + index, 0: not in a heap */
};

#define HEAP_ITEM_INIT \
	{              \
		0      \
	}

struct heap {
	struct heap_item **items;
	size_t len, cap;
};

#define HEAP_INIT \
	{         \
		0 \
	}

void heap_free(struct heap *h); /* the items are their owners' */

/* Put the item in, or move it, to this deadline. 0, or -1: out of memory
 * (only for an item that was not in; it is not in then). */
int heap_set(struct heap *h, struct heap_item *it, int64_t deadline_ns);
void heap_remove(struct heap *h, struct heap_item *it); /* fine if not in */
struct heap_item *heap_first(const struct heap *h);     /* NULL when empty */

#endif
