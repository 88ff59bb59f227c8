/* Sets of addresses: open addressing, linear probing. */

#include "lua-host/walkset.h"

#include <stdlib.h>

#define SET_FIRST 64 /* slots of the first table */

void
walkset_free(struct walkset *s)
{
	free(s->slots);
	s->slots = NULL;
	s->nslots = s->used = 0;
}

/* The slot that has the key, or the empty one where it belongs. */
static struct walkset_slot *
find(const struct walkset *s, const void *key)
{
	/* Addresses are multiples of 8 or 16 and lie close together: the
	 * upper half of a product depends on all of their bits. */
	uint64_t h = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 32) & (s->nslots - 1);

	while (s->slots[i].key != NULL && s->slots[i].key != key)
		i = (i + 1) & (s->nslots - 1);
	return &s->slots[i];
}

static int
grow(struct walkset *s)
{
	struct walkset old = *s;
	size_t i;

	s->nslots = old.nslots > 0 ? 2 * old.nslots : SET_FIRST;
	s->slots = calloc(s->nslots, sizeof *s->slots);
	if (s->slots == NULL) {
		*s = old;
		return -1;
	}
	for (i = 0; i < old.nslots; i++)
		if (old.slots[i].key != NULL)
			*find(s, old.slots[i].key) = old.slots[i];
	free(old.slots);
	return 0;
}

/* The key's slot, with an entry of value if there was none; NULL: memory. */
static struct walkset_slot *
enter(struct walkset *s, const void *key, uint32_t value, int *added)
{
	struct walkset_slot *slot;

	/* At most three quarters full: probes stay short. */
	if (s->used + 1 > s->nslots / 4 * 3 && grow(s) != 0)
		return NULL;
	slot = find(s, key);
	*added = slot->key == NULL;
	if (*added) {
		slot->key = key;
		slot->value = value;
		s->used++;
	}
	return slot;
}

int
walkset_add(struct walkset *s, const void *key, uint32_t value)
{
	int added;

	return enter(s, key, value, &added) != NULL ? added : -1;
}

int
walkset_put(struct walkset *s, const void *key, uint32_t value)
{
	int added;
	struct walkset_slot *slot = enter(s, key, value, &added);

	if (slot == NULL)
		return -1;
	slot->value = value;
	return added;
}

int64_t
walkset_get(const struct walkset *s, const void *key)
{
	const struct walkset_slot *slot;

	if (s->used == 0)
		return -1;
	slot = find(s, key);
	return slot->key != NULL ? (int64_t)slot->value : -1;
}
