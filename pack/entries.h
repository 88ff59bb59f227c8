#ifndef PACK_ENTRIES_H
#define PACK_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/md5.h"

/*
 * A list of files and folders by name. Names are held in blocks that never
 * move, so that they stay where they are while the list grows: an entry takes
 * 48 bytes (at most half as much again is spare) and its name.
 */

struct entry {
	const char *name; /* a folder's ends with '/' */
	uint64_t len;
	int64_t at; /* where its bytes are in an archive, or its mtime in ns */
	uint8_t md5[MD5_SIZE];
	int seen;
};

struct entries_block;

struct entries {
	struct entry *items;
	size_t n, cap;
	struct entries_block *names;
};

#define ENTRIES_INIT             \
	{                        \
		NULL, 0, 0, NULL \
	}

void entries_free(struct entries *l);

/* A new entry at the end, all 0 but its name; NULL: out of memory. */
struct entry *entries_add(struct entries *l, const char *name, size_t len);
/* 1 for a folder. */
int entry_is_folder(const struct entry *it);
/* Sort by the bytes of the names. */
void entries_sort(struct entries *l);
/* The entry of this name in a sorted list, or NULL. */
struct entry *entries_find(const struct entries *l, const char *name,
    size_t len);
/* Take entry i out of the list; its name stays held. */
void entries_remove(struct entries *l, size_t i);

#endif
