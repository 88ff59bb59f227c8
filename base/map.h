#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * A map from byte strings to pointers. Keys are not copied: they must live
 * and stay as they are while they are in the map (a field of the value is
 * the usual place). Hashing is keyed (SipHash-1-3), so that peers who choose
 * the keys cannot make it slow.
 */
struct map_slot {
	const void *key; /* NULL: never used; a mark: given up */
	size_t len;
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t nslots; /* a power of two, or 0 */
	size_t used;   /* entries */
	size_t filled; /* entries and given up slots */
	uint64_t seed[2];
};

/* 0, or -1 when the kernel has no random bytes. */
int map_init(struct map *m);
void map_free(struct map *m); /* the values are their owner's */

void *map_get(const struct map *m, const void *key, size_t len);
/* A key that is there already gets the new value. 0, or -1: out of memory. */
int map_put(struct map *m, const void *key, size_t len, void *value);
/* The value that was there, or NULL. */
void *map_remove(struct map *m, const void *key, size_t len);

/*
 * Every value once: start with *at = 0, NULL ends it. The current entry may
 * be removed meanwhile, nothing may be put.
 */
void *map_next(const struct map *m, size_t *at);

#endif
