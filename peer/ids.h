#ifndef PEER_IDS_H
#define PEER_IDS_H

#include <stddef.h>
#include <stdint.h>

/* A small set of ids, ascending. All zeros is the empty one. */
struct ids {
	uint64_t *v; /* owned */
	size_t n, cap;
};

int ids_has(const struct ids *s, uint64_t id); /* 1 or 0 */
/* 0, also when it is there already, or -1: out of memory. */
int ids_add(struct ids *s, uint64_t id);
void ids_remove(struct ids *s, uint64_t id); /* fine if not in */
void ids_free(struct ids *s);

#endif
