/* A state's allocator: free lists of small sizes over chunks. */

#include "lua-host/state_alloc.h"

#include <stdlib.h>
#include <string.h>

/* A bare state with its libraries holds about 20 KiB; one that grows asks
 * for ever larger chunks, up to what wastes little of a small state. */
#define CHUNK_FIRST ((size_t)16 << 10)
#define CHUNK_LAST  ((size_t)256 << 10)

struct alloc_chunk {
	struct alloc_chunk *next;
	char pad[ALLOC_GRAIN - sizeof(struct alloc_chunk *)];
	/* blocks follow, aligned */
};

void
alloc_init(struct alloc *a)
{
	memset(a, 0, sizeof *a);
	a->next_chunk = CHUNK_FIRST;
	a->cap = SIZE_MAX;
}

void
alloc_free(struct alloc *a)
{
	struct alloc_chunk *c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		free(c);
	}
	alloc_init(a);
}

static size_t
class_of(size_t size)
{
	return (size - 1) / ALLOC_GRAIN;
}

/* The sanitizers see every block of their own: no classes there. */
static int
is_small(size_t size)
{
#ifdef HOTFIX_SANITIZED
	(void)size;
	return 0;
#else
	return size <= ALLOC_SMALL;
#endif
}

static void
give_back(struct alloc *a, void *block, size_t class)
{
	*(void **)block = a->free[class];
	a->free[class] = block;
}

static int
add_chunk(struct alloc *a)
{
	struct alloc_chunk *c;

	if (a->fail_in == 1)
		return -1;
	c = malloc(sizeof *c + a->next_chunk);
	if (c == NULL)
		return -1;
	/* What is left of the chunk before is one block of its size. */
	if (a->left > 0)
		give_back(a, a->bump, class_of(a->left));
	c->next = a->chunks;
	a->chunks = c;
	a->bump = (char *)(c + 1);
	a->left = a->next_chunk;
	if (a->next_chunk < CHUNK_LAST)
		a->next_chunk *= 2;
	return 0;
}

static void *
take_small(struct alloc *a, size_t size)
{
	size_t class = class_of(size);
	void *block = a->free[class];

	if (block != NULL) {
		a->free[class] = *(void **)block;
		return block;
	}
	size = (class + 1) * ALLOC_GRAIN;
	if (a->left < size && add_chunk(a) != 0)
		return NULL;
	block = a->bump;
	a->bump += size;
	a->left -= size;
	return block;
}

static void
release(struct alloc *a, void *block, size_t size)
{
	if (is_small(size))
		give_back(a, block, class_of(size));
	else
		free(block);
}

/*
 * 1 when growing by this much is not to be. Lua collects all garbage then and
 * asks once more for the same, so the cap stood only when something else is
 * asked for next, or nothing (alloc_over).
 */
static int
refused(struct alloc *a, const void *block, size_t old, size_t size)
{
	int same = a->refused && a->last.block == block && a->last.old == old &&
		   a->last.size == size;

	if (a->fail_in > 0) {
		if (a->fail_in == 1)
			return 1;
		a->fail_in--;
	}
	if (a->refused && !same)
		a->over = 1;
	a->refused = a->used > a->cap || size - old > a->cap - a->used;
	a->last.block = block;
	a->last.old = old;
	a->last.size = size;
	return a->refused;
}

void
alloc_set_cap(struct alloc *a, size_t cap)
{
	a->cap = cap;
	a->refused = a->over = 0;
}

int
alloc_over(const struct alloc *a)
{
	return a->over || a->refused;
}

/* Another size for a block that exists. */
static void *
move(struct alloc *a, void *block, size_t old, size_t size)
{
	void *new;

	if (is_small(old) && is_small(size) && class_of(old) == class_of(size))
		return block;
	if (!is_small(old) && !is_small(size)) {
		new = realloc(block, size);
		if (new == NULL && size < old)
			return block;
		return new;
	}
	new = is_small(size) ? take_small(a, size) : malloc(size);
	/* Getting smaller must not fail: the block serves on, in time as one
	 * of the smaller class (one of malloc's is then never freed). */
	if (new == NULL)
		return size < old ? block : NULL;
	memcpy(new, block, old < size ? old : size);
	release(a, block, old);
	return new;
}

void *
alloc_resize(struct alloc *a, void *block, size_t old, size_t size)
{
	void *new;

	if (block == NULL)
		old = 0; /* Lua passes the kind of object there */
	if (size == 0) {
		if (block != NULL)
			release(a, block, old);
		a->used -= old;
		return NULL;
	}
	if (size > old && refused(a, block, old, size)) {
		a->refusals++;
		return NULL;
	}
	if (block != NULL)
		new = move(a, block, old, size);
	else
		new = is_small(size) ? take_small(a, size) : malloc(size);
	if (new == NULL) {
		a->refusals++;
		return NULL;
	}
	a->used += size - old; /* modulo, when it got smaller */
	return new;
}
