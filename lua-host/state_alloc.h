#ifndef LUA_HOST_STATE_ALLOC_H
#define LUA_HOST_STATE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory of one Lua state. Small blocks come from size classes without a
 * header (Lua tells the old size), larger ones from malloc. Blocks that are
 * given back stay in their class; the whole is released at once.
 */

#define ALLOC_GRAIN   16  /* classes differ by this; also the alignment */
#define ALLOC_SMALL   256 /* larger blocks are rare in Lua: malloc's */
#define ALLOC_CLASSES (ALLOC_SMALL / ALLOC_GRAIN)

struct alloc_chunk;

struct alloc {
	struct alloc_chunk *chunks;
	void *free[ALLOC_CLASSES]; /* linked through their first word */
	char *bump;                /* the newest chunk's untouched rest */
	size_t left, next_chunk;
	size_t used;       /* bytes that Lua holds */
	size_t cap;        /* used may not pass this */
	uint64_t fail_in;  /* tests: requests until all fail, 0: never */
	uint64_t refusals; /* requests that failed, ever */
	int over, refused; /* the cap stood; it may have, just now */
	struct {
		const void *block;
		size_t old, size;
	} last; /* request to grow */
};

void alloc_init(struct alloc *a);
void alloc_free(struct alloc *a);

/* As lua_Alloc, with a struct alloc. Making a block smaller never fails. */
void *alloc_resize(struct alloc *a, void *block, size_t old, size_t size);

/* SIZE_MAX: none. alloc_over tells whether it ever stood since it was set,
 * not counting where a collection made room. */
void alloc_set_cap(struct alloc *a, size_t cap);
int alloc_over(const struct alloc *a);

#endif
