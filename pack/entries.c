/* Lists of files and folders. */

#include "pack/entries.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)64 << 10) /* of names; none is so long */
#define FIRST      64                 /* entries */

struct entries_block {
	struct entries_block *next;
	size_t used;
	char text[BLOCK_SIZE];
};

void
entries_free(struct entries *l)
{
	struct entries_block *b;

	while ((b = l->names) != NULL) {
		l->names = b->next;
		free(b);
	}
	free(l->items);
	l->items = NULL;
	l->n = l->cap = 0;
}

static const char *
keep(struct entries *l, const char *name, size_t len)
{
	struct entries_block *b = l->names;
	char *copy;

	if (len >= BLOCK_SIZE)
		return NULL;
	if (b == NULL || BLOCK_SIZE - b->used <= len) {
		b = malloc(sizeof *b);
		if (b == NULL)
			return NULL;
		b->next = l->names;
		b->used = 0;
		l->names = b;
	}
	copy = b->text + b->used;
	memcpy(copy, name, len);
	copy[len] = '\0';
	b->used += len + 1;
	return copy;
}

struct entry *
entries_add(struct entries *l, const char *name, size_t len)
{
	struct entry *items, *it;
	size_t cap;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? FIRST : l->cap + l->cap / 2;
		items = realloc(l->items, cap * sizeof *items);
		if (items == NULL)
			return NULL;
		l->items = items;
		l->cap = cap;
	}
	it = &l->items[l->n];
	memset(it, 0, sizeof *it);
	it->name = keep(l, name, len);
	if (it->name == NULL)
		return NULL;
	l->n++;
	return it;
}

int
entry_is_folder(const struct entry *it)
{
	return it->name[strlen(it->name) - 1] == '/';
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name,
	    ((const struct entry *)b)->name);
}

void
entries_sort(struct entries *l)
{
	if (l->n > 1)
		qsort(l->items, l->n, sizeof *l->items, by_name);
}

struct entry *
entries_find(const struct entries *l, const char *name, size_t len)
{
	size_t low = 0, high = l->n;
	const char *other;
	size_t mid;
	int r;

	while (low < high) {
		mid = low + (high - low) / 2;
		other = l->items[mid].name;
		r = strncmp(name, other, len);
		if (r == 0 && other[len] != '\0')
			r = -1;
		if (r == 0)
			return &l->items[mid];
		if (r < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

void
entries_remove(struct entries *l, size_t i)
{
	memmove(&l->items[i], &l->items[i + 1],
	    (l->n - i - 1) * sizeof *l->items);
	l->n--;
}
