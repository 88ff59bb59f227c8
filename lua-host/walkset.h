#ifndef LUA_HOST_WALKSET_H
#define LUA_HOST_WALKSET_H

#include <stddef.h>
#include <stdint.h>

/* Addresses, each with a number. Nothing is ever taken out. */

struct walkset_slot {
	const void *key; /* NULL: empty */
	uint32_t value;
};

struct walkset {
	struct walkset_slot *slots;
	size_t nslots; /* a power of two, or 0 */
	size_t used;
};

#define WALKSET_INIT       \
	{                  \
		NULL, 0, 0 \
	}

void walkset_free(struct walkset *s);

/* 1: added with this value, 0: it was there (its value stays), -1: out of
 * memory. */
int walkset_add(struct walkset *s, const void *key, uint32_t value);
/* The same, but an address that was there gets this value. */
int walkset_put(struct walkset *s, const void *key, uint32_t value);
/* The value, or -1 when the address is not in the set. */
int64_t walkset_get(const struct walkset *s, const void *key);

#endif
