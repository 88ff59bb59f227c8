/*
 * Which functions were inlined. Entries are read one after the other, without
 * their tree: all that is wanted is which functions' entries say that they
 * were inlined, or have inlined calls that go back to them, and what their
 * names are.
 */

#include "native/dwarf_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define ORIGIN_HOPS_MAX 4   /* link-time optimization makes two */
#define FILE_NAME_MAX   255 /* no file system has longer ones */

enum {
	TAG_INLINED_SUBROUTINE = 0x1d,
	TAG_SUBPROGRAM = 0x2e,

	INLINED = 1,
	DECLARED_INLINED = 3,
};

/* --- what is kept -------------------------------------------------------- */

struct inlined {
	const char *name;
	const char *file;      /* of its unit, without folders; "" unknown */
	struct inlined *same;  /* another one of this name */
	struct inlined *other; /* all of them */
};

struct dwarf {
	struct map by_name;
	struct map files; /* of units that were read to their end */
	struct inlined *all;
	const char *gap;
};

struct offsets {
	uint64_t *items;
	size_t len, cap;
};

/* The reading of one file. */
struct search {
	struct dwarf *dwarf;
	struct dwarf_reader reader;
	struct offsets origins; /* entries of functions that were inlined */
};

static int
offsets_add(struct dwarf_reader *r, struct offsets *o, uint64_t at)
{
	void *items = o->items;

	if (dwarf_grow(r, &items, o->len, &o->cap, sizeof *o->items) != 0)
		return -1;
	o->items = items;
	o->items[o->len++] = at;
	return 0;
}

static int
compare_offsets(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

/* In order, each once. */
static void
offsets_sort(struct offsets *o)
{
	size_t i, n = 0;

	if (o->len == 0)
		return;
	qsort(o->items, o->len, sizeof *o->items, compare_offsets);
	for (i = 0; i < o->len; i++)
		if (n == 0 || o->items[n - 1] != o->items[i])
			o->items[n++] = o->items[i];
	o->len = n;
}

static const char *
without_folders(const char *path)
{
	const char *slash = strrchr(path, '/'),
		   *name = slash != NULL ? slash + 1 : path;

	return strlen(name) <= FILE_NAME_MAX ? name : "";
}

/* --- from units to functions --------------------------------------------- */

/* 1 when an entry tells of an inlined function, whose own is *at. It may say
 * so itself: calls of which no instruction is left have no entry. */
static int
was_inlined(const struct dwarf_entry *e, uint64_t *at)
{
	if (e->tag == TAG_INLINED_SUBROUTINE && e->origin.kind == DWARF_ENTRY) {
		*at = e->origin.n;
		return 1;
	}
	*at = e->at;
	return e->tag == TAG_SUBPROGRAM && e->inlined.kind == DWARF_NUMBER &&
	       (e->inlined.n == INLINED || e->inlined.n == DECLARED_INLINED);
}

/* Its own entry, then all below it. */
static void
read_unit(struct search *s, struct dwarf_unit *u)
{
	struct dwarf_reader *r = &s->reader;
	struct dwarf_cursor c = dwarf_cursor_at(&r->info, u->entries, u->end);
	const char *path = NULL;
	struct dwarf_entry e;
	uint64_t at;
	int first = 1, one;

	if (dwarf_load_abbrevs(r, u->abbrevs) != 0)
		return;
	while (c.p < c.end) {
		one = dwarf_read_entry(r, &c, u, &e);
		if (one < 0)
			return;
		if (one == 0)
			continue;
		if (first) {
			first = 0;
			if (e.str_base.kind == DWARF_OFFSET)
				u->str_base = e.str_base.n;
			path = dwarf_text(r, u, e.name);
			if (path != NULL)
				u->file = without_folders(path);
		}
		if (was_inlined(&e, &at) &&
		    offsets_add(r, &s->origins, at) != 0)
			return;
	}
	if (!c.bad && u->file[0] != '\0' &&
	    map_put(&s->dwarf->files, u->file, strlen(u->file), s->dwarf) != 0)
		r->oom = 1;
}

/* A unit that cannot be read is passed over: its length is known. */
static void
read_units(struct search *s)
{
	struct dwarf_reader *r = &s->reader;
	struct dwarf_unit u;
	size_t at = 0;
	int one;

	while (at < r->info.len && !r->oom) {
		one = dwarf_next_unit(r, &at, &u);
		if (one < 0)
			return;
		if (one == 0)
			continue;
		read_unit(s, &u);
		if (dwarf_keep_unit(r, &u) != 0)
			return;
	}
}

/* --- from functions to names ---------------------------------------------- */

static void
add(struct search *s, const struct dwarf_unit *u, const char *name)
{
	struct dwarf *d = s->dwarf;
	size_t len = strlen(name);
	struct inlined *same = map_get(&d->by_name, name, len), *i;

	/* Those of a unit come one after the other. */
	if (same != NULL && strcmp(same->file, u->file) == 0)
		return;
	i = malloc(sizeof *i);
	if (i == NULL) {
		s->reader.oom = 1;
		return;
	}
	i->name = name;
	i->file = u->file;
	i->same = same;
	i->other = d->all;
	d->all = i;
	if (map_put(&d->by_name, name, len, i) != 0)
		s->reader.oom = 1;
}

/* The entry at an offset: its name is kept, or it says where to go on. */
static void
resolve(struct search *s, uint64_t at, struct offsets *next)
{
	struct dwarf_reader *r = &s->reader;
	const struct dwarf_unit *u = dwarf_unit_of(r, at);
	const char *name;
	struct dwarf_cursor c;
	struct dwarf_entry e;

	if (u == NULL) {
		dwarf_give_up(r, "its debug information is broken");
		return;
	}
	if (dwarf_load_abbrevs(r, u->abbrevs) != 0)
		return;
	c = dwarf_cursor_at(&r->info, (size_t)at, u->end);
	if (dwarf_read_entry(r, &c, u, &e) != 1)
		return;
	/* The one that symbols have. */
	name = dwarf_text(r, u, e.linkage_name);
	if (name == NULL)
		name = dwarf_text(r, u, e.name);
	if (name != NULL && name[0] != '\0')
		add(s, u, name);
	else if (e.specification.kind == DWARF_ENTRY)
		offsets_add(r, next, e.specification.n);
	else if (e.origin.kind == DWARF_ENTRY)
		offsets_add(r, next, e.origin.n);
}

/* In the order of the file, so that each unit's table is loaded once a
 * round. */
static void
resolve_all(struct search *s)
{
	struct offsets next;
	size_t i, hop;

	for (hop = 0; hop < ORIGIN_HOPS_MAX && s->origins.len > 0; hop++) {
		memset(&next, 0, sizeof next);
		offsets_sort(&s->origins);
		for (i = 0; i < s->origins.len && !s->reader.oom; i++)
			resolve(s, s->origins.items[i], &next);
		free(s->origins.items);
		s->origins = next;
	}
}

int
dwarf_open(struct dwarf **out, const struct elf *elf, struct err *e)
{
	struct search s = {0};
	struct dwarf_reader *r = &s.reader;
	int failed = 0;

	r->abbrevs_at = UINT64_MAX;
	s.dwarf = calloc(1, sizeof *s.dwarf);
	if (s.dwarf == NULL)
		return err_errno(e, ERR_LOCAL, "debug information");
	if (map_init(&s.dwarf->by_name) != 0 ||
	    map_init(&s.dwarf->files) != 0) {
		failed = err_set(e, ERR_LOCAL, "no random bytes");
		goto done;
	}
	dwarf_find_sections(r, elf);
	if (!r->oom)
		read_units(&s);
	if (!r->oom)
		resolve_all(&s);
	if (r->oom)
		failed =
		    err_set(e, ERR_LOCAL, "debug information: out of memory");
	s.dwarf->gap = r->gap;
done:
	free(s.origins.items);
	dwarf_free_reader(r);
	if (failed) {
		dwarf_close(s.dwarf);
		return -1;
	}
	*out = s.dwarf;
	return 0;
}

void
dwarf_close(struct dwarf *dwarf)
{
	struct inlined *i;

	if (dwarf == NULL)
		return;
	while ((i = dwarf->all) != NULL) {
		dwarf->all = i->other;
		free(i);
	}
	map_free(&dwarf->by_name);
	map_free(&dwarf->files);
	free(dwarf);
}

const char *
dwarf_gap(const struct dwarf *dwarf)
{
	return dwarf->gap;
}

int
dwarf_inlined(const struct dwarf *dwarf, const char *name, const char *file)
{
	const struct inlined *i = map_get(&dwarf->by_name, name, strlen(name));

	if (file == NULL)
		return i != NULL;
	file = without_folders(file);
	for (; i != NULL; i = i->same)
		if (strcmp(i->file, file) == 0)
			return 1;
	return 0;
}

int
dwarf_covers(const struct dwarf *dwarf, const char *file)
{
	file = without_folders(file);
	return map_get(&dwarf->files, file, strlen(file)) != NULL;
}
