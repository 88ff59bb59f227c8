/*
 * DWARF 5, sections 7.5 (units, entries, forms) and 7.26 (indexed strings).
 *
 * Entries are read one after the other, without their tree: all that is
 * wanted is which functions' entries say that they were inlined, or have
 * inlined calls that go back to them, and what their names are.
 */

#include "native/dwarf.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

/*
 * Bounds against files that would keep us busy: attributes without bytes in
 * an entry, tables of abbreviations that all units share in turns, names that
 * lie in one another. What compilers make is far below.
 */
#define STEPS_PER_BYTE    8
#define ABBREVS_PER_BYTE  16
#define NAMES_PER_BYTE    4
#define ORIGIN_HOPS_MAX   4   /* link-time optimization makes two */
#define FILE_NAME_MAX     255 /* no file system has longer ones */
#define UNIT_LEN_EXTENDED UINT32_C(0xffffffff)
#define UNIT_LEN_RESERVED UINT32_C(0xfffffff0)

enum {
	TAG_INLINED_SUBROUTINE = 0x1d,
	TAG_SUBPROGRAM = 0x2e,

	AT_NAME = 0x03,
	AT_INLINE = 0x20,
	AT_ABSTRACT_ORIGIN = 0x31,
	AT_SPECIFICATION = 0x47,
	AT_LINKAGE_NAME = 0x6e,
	AT_STR_OFFSETS_BASE = 0x72,
	AT_MIPS_LINKAGE_NAME = 0x2007,

	INLINED = 1,
	DECLARED_INLINED = 3,

	UNIT_COMPILE = 1,
	UNIT_TYPE = 2,
	UNIT_PARTIAL = 3,
	UNIT_SKELETON = 4,
};

enum {
	FORM_ADDR = 0x01,
	FORM_BLOCK2 = 0x03,
	FORM_BLOCK4 = 0x04,
	FORM_DATA2 = 0x05,
	FORM_DATA4 = 0x06,
	FORM_DATA8 = 0x07,
	FORM_STRING = 0x08,
	FORM_BLOCK = 0x09,
	FORM_BLOCK1 = 0x0a,
	FORM_DATA1 = 0x0b,
	FORM_FLAG = 0x0c,
	FORM_SDATA = 0x0d,
	FORM_STRP = 0x0e,
	FORM_UDATA = 0x0f,
	FORM_REF_ADDR = 0x10,
	FORM_REF1 = 0x11,
	FORM_REF2 = 0x12,
	FORM_REF4 = 0x13,
	FORM_REF8 = 0x14,
	FORM_REF_UDATA = 0x15,
	FORM_SEC_OFFSET = 0x17,
	FORM_EXPRLOC = 0x18,
	FORM_FLAG_PRESENT = 0x19,
	FORM_STRX = 0x1a,
	FORM_ADDRX = 0x1b,
	FORM_REF_SUP4 = 0x1c,
	FORM_STRP_SUP = 0x1d,
	FORM_DATA16 = 0x1e,
	FORM_LINE_STRP = 0x1f,
	FORM_REF_SIG8 = 0x20,
	FORM_IMPLICIT_CONST = 0x21,
	FORM_LOCLISTX = 0x22,
	FORM_RNGLISTX = 0x23,
	FORM_REF_SUP8 = 0x24,
	FORM_STRX1 = 0x25,
	FORM_STRX2 = 0x26,
	FORM_STRX3 = 0x27,
	FORM_STRX4 = 0x28,
	FORM_ADDRX1 = 0x29,
	FORM_ADDRX2 = 0x2a,
	FORM_ADDRX3 = 0x2b,
	FORM_ADDRX4 = 0x2c,
	FORM_GNU_ADDR_INDEX = 0x1f01,
	FORM_GNU_STR_INDEX = 0x1f02,
	FORM_GNU_REF_ALT = 0x1f20,
	FORM_GNU_STRP_ALT = 0x1f21,
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

/* --- bytes --------------------------------------------------------------- */

/* A section. In an object what is relocated is a copy. */
struct span {
	const uint8_t *bytes; /* as they are in the file */
	const uint8_t *linked;
	uint8_t *own;
	size_t len;
};

/* After reading past the end all is 0, and bad set. */
struct cursor {
	const uint8_t *p, *end;
	int bad;
};

static struct cursor
cursor_at(const struct span *s, size_t from, size_t to)
{
	struct cursor c = {s->linked + from, s->linked + to, 0};

	return c;
}

static void
skip(struct cursor *c, uint64_t len)
{
	if (c->bad || len > (uint64_t)(c->end - c->p)) {
		c->bad = 1;
		c->p = c->end;
		return;
	}
	c->p += len;
}

/* A number of 1 to 8 bytes. */
static uint64_t
number(struct cursor *c, size_t width)
{
	const uint8_t *p = c->p;
	uint64_t n = 0;

	skip(c, width);
	if (c->bad)
		return 0;
	while (width-- > 0)
		n = n << 8 | p[width];
	return n;
}

/* LEB128, unsigned; a signed one is passed over by the same bytes. */
static uint64_t
leb(struct cursor *c)
{
	uint64_t n = 0;
	unsigned shift;
	uint8_t byte;

	for (shift = 0; shift < 70; shift += 7) {
		byte = (uint8_t)number(c, 1);
		if (c->bad)
			return 0;
		if (shift < 64)
			n |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return n;
	}
	c->bad = 1;
	return 0;
}

/* --- the reading of one file --------------------------------------------- */

struct unit {
	size_t at, entries, end; /* in .debug_info */
	uint64_t abbrevs;        /* in .debug_abbrev */
	uint64_t str_base;       /* of indexed strings */
	const char *file;
	unsigned version;
	size_t offset_len, addr_len;
};

struct abbrev {
	uint64_t code, tag;
	size_t attributes; /* where they stand in .debug_abbrev */
};

struct offsets {
	uint64_t *items;
	size_t len, cap;
};

struct reader {
	struct dwarf *dwarf;
	struct span info, abbrev, str, line_str, str_offsets;
	struct unit *units;
	size_t nunits, units_cap;
	struct abbrev *abbrevs; /* of the last unit */
	size_t nabbrevs, abbrevs_cap;
	uint64_t abbrevs_at; /* UINT64_MAX: none */
	struct offsets origins;
	uint64_t steps_left, abbrevs_left, names_left;
	int oom;
};

/* The first reason is kept. Returns -1. */
static int
gap(struct reader *r, const char *why)
{
	if (r->dwarf->gap == NULL)
		r->dwarf->gap = why;
	return -1;
}

/* Room for one more. 0, or -1: out of memory. */
static int
grow(struct reader *r, void **items, size_t len, size_t *cap, size_t size)
{
	size_t more = *cap != 0 ? *cap * 2 : 16;
	void *p;

	if (len < *cap)
		return 0;
	p = more <= SIZE_MAX / 2 / size ? realloc(*items, more * size) : NULL;
	if (p == NULL) {
		r->oom = 1;
		return -1;
	}
	*items = p;
	*cap = more;
	return 0;
}

static int
offsets_add(struct reader *r, struct offsets *o, uint64_t at)
{
	void *items = o->items;

	if (grow(r, &items, o->len, &o->cap, sizeof *o->items) != 0)
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

/* --- abbreviations ------------------------------------------------------- */

static int
compare_abbrevs(const void *a, const void *b)
{
	const struct abbrev *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return x->attributes < y->attributes ? -1
					     : x->attributes > y->attributes;
}

/* One declaration: 1, 0 at the end of the table, -1 broken. */
static int
read_abbrev(struct reader *r, struct cursor *c, struct abbrev *a)
{
	uint64_t name, form;

	a->code = leb(c);
	if (a->code == 0)
		return c->bad ? -1 : 0;
	a->tag = leb(c);
	skip(c, 1);
	a->attributes = (size_t)(c->p - r->abbrev.linked);
	do {
		name = leb(c);
		form = leb(c);
		if (form == FORM_IMPLICIT_CONST)
			leb(c);
	} while (!c->bad && (name != 0 || form != 0));
	return c->bad ? -1 : 1;
}

/* The table of a unit, unless it is the one that is here. */
static int
load_abbrevs(struct reader *r, uint64_t at)
{
	struct abbrev a;
	struct cursor c;
	int more, sorted = 1;
	size_t end;
	void *items;

	if (at == r->abbrevs_at)
		return 0;
	r->abbrevs_at = UINT64_MAX;
	r->nabbrevs = 0;
	if (at >= r->abbrev.len)
		return gap(r, "its debug information is broken");
	end = r->abbrev.len;
	if (end - at > r->abbrevs_left)
		end = (size_t)(at + r->abbrevs_left);
	c = cursor_at(&r->abbrev, (size_t)at, end);
	while ((more = read_abbrev(r, &c, &a)) == 1) {
		items = r->abbrevs;
		if (grow(r, &items, r->nabbrevs, &r->abbrevs_cap,
			sizeof *r->abbrevs) != 0)
			return -1;
		r->abbrevs = items;
		if (r->nabbrevs > 0 &&
		    r->abbrevs[r->nabbrevs - 1].code >= a.code)
			sorted = 0;
		r->abbrevs[r->nabbrevs++] = a;
	}
	r->abbrevs_left -= (uint64_t)(c.p - r->abbrev.linked) - at;
	if (more != 0)
		return gap(r, r->abbrevs_left == 0
				  ? "its debug information would take too long"
				  : "its debug information is broken");
	if (!sorted)
		qsort(r->abbrevs, r->nabbrevs, sizeof *r->abbrevs,
		    compare_abbrevs);
	r->abbrevs_at = at;
	return 0;
}

static const struct abbrev *
find_abbrev(const struct reader *r, uint64_t code)
{
	size_t low = 0, high = r->nabbrevs, mid;

	/* Compilers count from 1. */
	if (code != 0 && code <= r->nabbrevs &&
	    r->abbrevs[code - 1].code == code)
		return &r->abbrevs[code - 1];
	while (low < high) {
		mid = low + (high - low) / 2;
		if (r->abbrevs[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->nabbrevs && r->abbrevs[low].code == code
		   ? &r->abbrevs[low]
		   : NULL;
}

/* --- entries ------------------------------------------------------------- */

enum kind {
	KIND_OTHER,
	KIND_NUMBER,
	KIND_OFFSET, /* into another section */
	KIND_ENTRY,  /* in .debug_info */
	KIND_STRING, /* in .debug_info */
	KIND_STR,
	KIND_LINE_STR,
	KIND_INDEX, /* of a string */
};

struct value {
	enum kind kind;
	uint64_t n;
};

struct entry {
	uint64_t tag;
	size_t at;
	struct value inlined, name, linkage_name, origin, specification,
	    str_base;
};

static struct value
value_of(enum kind kind, uint64_t n)
{
	struct value v = {kind, n};

	return v;
}

static struct value
read_string(const struct reader *r, struct cursor *c)
{
	size_t at = (size_t)(c->p - r->info.linked);
	const uint8_t *nul = memchr(c->p, '\0', (size_t)(c->end - c->p));

	skip(c, nul != NULL ? (uint64_t)(nul - c->p) + 1 : UINT64_MAX);
	return value_of(KIND_STRING, at);
}

/* How many bytes a form has that is passed over; UINT64_MAX: not known. */
static uint64_t
other_len(struct cursor *c, const struct unit *u, uint64_t form)
{
	switch (form) {
	case FORM_FLAG_PRESENT:
		return 0;
	case FORM_FLAG:
	case FORM_ADDRX1:
		return 1;
	case FORM_DATA2:
	case FORM_ADDRX2:
		return 2;
	case FORM_ADDRX3:
		return 3;
	case FORM_DATA4:
	case FORM_REF_SUP4:
	case FORM_ADDRX4:
		return 4;
	case FORM_DATA8:
	case FORM_REF_SIG8:
	case FORM_REF_SUP8:
		return 8;
	case FORM_DATA16:
		return 16;
	case FORM_ADDR:
		return u->addr_len;
	case FORM_STRP_SUP:
	case FORM_GNU_REF_ALT:
	case FORM_GNU_STRP_ALT:
		return u->offset_len;
	case FORM_BLOCK1:
		return number(c, 1);
	case FORM_BLOCK2:
		return number(c, 2);
	case FORM_BLOCK4:
		return number(c, 4);
	case FORM_BLOCK:
	case FORM_EXPRLOC:
		return leb(c);
	case FORM_SDATA:
	case FORM_ADDRX:
	case FORM_LOCLISTX:
	case FORM_RNGLISTX:
	case FORM_GNU_ADDR_INDEX:
	case FORM_GNU_STR_INDEX:
		leb(c);
		return 0;
	default:
		return UINT64_MAX;
	}
}

/* A value, constant where the form says so. 0, or -1: a form that is not
 * known. */
static int
read_value(const struct reader *r, struct cursor *c, const struct unit *u,
    uint64_t form, uint64_t constant, struct value *v)
{
	uint64_t len;

	switch (form) {
	case FORM_DATA1:
		*v = value_of(KIND_NUMBER, number(c, 1));
		break;
	case FORM_UDATA:
		*v = value_of(KIND_NUMBER, leb(c));
		break;
	case FORM_IMPLICIT_CONST:
		*v = value_of(KIND_NUMBER, constant);
		break;
	case FORM_STRING:
		*v = read_string(r, c);
		break;
	case FORM_STRP:
		*v = value_of(KIND_STR, number(c, u->offset_len));
		break;
	case FORM_LINE_STRP:
		*v = value_of(KIND_LINE_STR, number(c, u->offset_len));
		break;
	case FORM_STRX:
		*v = value_of(KIND_INDEX, leb(c));
		break;
	case FORM_STRX1:
	case FORM_STRX2:
	case FORM_STRX3:
	case FORM_STRX4:
		*v = value_of(KIND_INDEX,
		    number(c, (size_t)(form - FORM_STRX1) + 1));
		break;
	case FORM_SEC_OFFSET:
		*v = value_of(KIND_OFFSET, number(c, u->offset_len));
		break;
	case FORM_REF_ADDR:
		*v = value_of(KIND_ENTRY,
		    number(c, u->version == 2 ? u->addr_len : u->offset_len));
		break;
	case FORM_REF1:
		*v = value_of(KIND_ENTRY, u->at + number(c, 1));
		break;
	case FORM_REF2:
		*v = value_of(KIND_ENTRY, u->at + number(c, 2));
		break;
	case FORM_REF4:
		*v = value_of(KIND_ENTRY, u->at + number(c, 4));
		break;
	case FORM_REF8:
		*v = value_of(KIND_ENTRY, u->at + number(c, 8));
		break;
	case FORM_REF_UDATA:
		*v = value_of(KIND_ENTRY, u->at + leb(c));
		break;
	default:
		*v = value_of(KIND_OTHER, 0);
		len = other_len(c, u, form);
		if (len == UINT64_MAX)
			return -1;
		skip(c, len);
		break;
	}
	return 0;
}

static void
keep(struct entry *e, uint64_t attribute, struct value v)
{
	switch (attribute) {
	case AT_NAME:
		e->name = v;
		break;
	case AT_INLINE:
		e->inlined = v;
		break;
	case AT_LINKAGE_NAME:
	case AT_MIPS_LINKAGE_NAME:
		e->linkage_name = v;
		break;
	case AT_ABSTRACT_ORIGIN:
		e->origin = v;
		break;
	case AT_SPECIFICATION:
		e->specification = v;
		break;
	case AT_STR_OFFSETS_BASE:
		e->str_base = v;
		break;
	}
}

/* The entry at the cursor. 1; 0: the mark that a list of them ends; -1: the
 * unit cannot be read on. The unit's abbreviations are loaded. */
static int
read_entry(struct reader *r, struct cursor *c, const struct unit *u,
    struct entry *e)
{
	const struct abbrev *a;
	struct cursor at;
	uint64_t code, name, form, constant;
	struct value v;

	memset(e, 0, sizeof *e);
	e->at = (size_t)(c->p - r->info.linked);
	code = leb(c);
	if (c->bad)
		return gap(r, "its debug information is broken");
	if (code == 0)
		return 0;
	a = find_abbrev(r, code);
	if (a == NULL)
		return gap(r, "its debug information is broken");
	e->tag = a->tag;
	at = cursor_at(&r->abbrev, a->attributes, r->abbrev.len);
	for (;;) {
		name = leb(&at);
		form = leb(&at);
		if (name == 0 && form == 0)
			return 1;
		constant = form == FORM_IMPLICIT_CONST ? leb(&at) : 0;
		if (r->steps_left == 0)
			return gap(r,
			    "its debug information would take too long");
		r->steps_left--;
		if (read_value(r, c, u, form, constant, &v) != 0)
			return gap(r,
			    "its debug information has forms that are not "
			    "known");
		if (c->bad)
			return gap(r, "its debug information is broken");
		keep(e, name, v);
	}
}

/* --- names --------------------------------------------------------------- */

/* A string of a section, which ends in it; NULL: there is none. */
static const char *
string_at(struct reader *r, const struct span *s, uint64_t at)
{
	const char *text, *nul;
	size_t max;

	if (at >= s->len)
		return NULL;
	text = (const char *)s->bytes + at;
	max = s->len - (size_t)at;
	if (max > r->names_left)
		max = (size_t)r->names_left;
	nul = memchr(text, '\0', max);
	if (nul == NULL) {
		r->names_left = 0;
		gap(r, "the names in its debug information have no end");
		return NULL;
	}
	r->names_left -= (uint64_t)(nul - text);
	return text;
}

static const char *
text_of(struct reader *r, const struct unit *u, struct value v)
{
	struct cursor c;
	uint64_t at;

	switch (v.kind) {
	case KIND_STRING:
		return string_at(r, &r->info, v.n);
	case KIND_STR:
		return string_at(r, &r->str, v.n);
	case KIND_LINE_STR:
		return string_at(r, &r->line_str, v.n);
	case KIND_INDEX:
		if (u->str_base > r->str_offsets.len ||
		    v.n > r->str_offsets.len)
			return NULL;
		at = u->str_base + v.n * u->offset_len;
		if (at > r->str_offsets.len)
			return NULL;
		c = cursor_at(&r->str_offsets, (size_t)at, r->str_offsets.len);
		at = number(&c, u->offset_len);
		return c.bad ? NULL : string_at(r, &r->str, at);
	default:
		return NULL;
	}
}

static const char *
without_folders(const char *path)
{
	const char *slash = strrchr(path, '/'),
		   *name = slash != NULL ? slash + 1 : path;

	return strlen(name) <= FILE_NAME_MAX ? name : "";
}

/* --- units --------------------------------------------------------------- */

/* The header at the cursor, which ends where the unit does. */
static int
read_header(struct reader *r, struct cursor *c, struct unit *u)
{
	unsigned type = UNIT_COMPILE;

	u->version = (unsigned)number(c, 2);
	if (u->version < 2 || u->version > 5)
		return gap(r, "its debug information is not of DWARF 2 to 5");
	if (u->version == 5) {
		type = (unsigned)number(c, 1);
		u->addr_len = (size_t)number(c, 1);
		u->abbrevs = number(c, u->offset_len);
	} else {
		u->abbrevs = number(c, u->offset_len);
		u->addr_len = (size_t)number(c, 1);
	}
	switch (type) {
	case UNIT_COMPILE:
	case UNIT_PARTIAL:
		break;
	case UNIT_TYPE:
		skip(c, 8 + u->offset_len);
		break;
	case UNIT_SKELETON:
		return gap(r,
		    "its debug information is in other files: link without "
		    "-gsplit-dwarf");
	default:
		return gap(r,
		    "its debug information has units that are not known");
	}
	if (c->bad || u->addr_len == 0 || u->addr_len > 8)
		return gap(r, "its debug information is broken");
	u->entries = (size_t)(c->p - r->info.linked);
	return 0;
}

/* 1 when an entry tells of an inlined function, whose own is *at. It may say
 * so itself: calls of which no instruction is left have no entry. */
static int
was_inlined(const struct entry *e, uint64_t *at)
{
	if (e->tag == TAG_INLINED_SUBROUTINE && e->origin.kind == KIND_ENTRY) {
		*at = e->origin.n;
		return 1;
	}
	*at = e->at;
	return e->tag == TAG_SUBPROGRAM && e->inlined.kind == KIND_NUMBER &&
	       (e->inlined.n == INLINED || e->inlined.n == DECLARED_INLINED);
}

/* Its own entry, then all below it. */
static void
read_unit(struct reader *r, struct unit *u)
{
	struct cursor c = cursor_at(&r->info, u->entries, u->end);
	const char *path = NULL;
	struct entry e;
	uint64_t at;
	int first = 1, one;

	if (load_abbrevs(r, u->abbrevs) != 0)
		return;
	while (c.p < c.end) {
		one = read_entry(r, &c, u, &e);
		if (one < 0)
			return;
		if (one == 0)
			continue;
		if (first) {
			first = 0;
			if (e.str_base.kind == KIND_OFFSET)
				u->str_base = e.str_base.n;
			path = text_of(r, u, e.name);
			if (path != NULL)
				u->file = without_folders(path);
		}
		if (was_inlined(&e, &at) &&
		    offsets_add(r, &r->origins, at) != 0)
			return;
	}
	if (!c.bad && u->file[0] != '\0' &&
	    map_put(&r->dwarf->files, u->file, strlen(u->file), r->dwarf) != 0)
		r->oom = 1;
}

/* A unit that cannot be read is passed over: its length is known. */
static void
read_units(struct reader *r)
{
	size_t at = 0;
	uint64_t len;
	void *items;

	while (at < r->info.len && !r->oom) {
		struct cursor c = cursor_at(&r->info, at, r->info.len);
		struct unit u = {0};

		u.at = at;
		u.file = "";
		u.offset_len = 4;
		len = number(&c, 4);
		if (len == UNIT_LEN_EXTENDED) {
			u.offset_len = 8;
			len = number(&c, 8);
		} else if (len >= UNIT_LEN_RESERVED) {
			c.bad = 1;
		}
		if (c.bad || len > (uint64_t)(c.end - c.p)) {
			gap(r, "its debug information is broken");
			return;
		}
		c.end = c.p + len;
		u.end = at = (size_t)(c.end - r->info.linked);
		if (read_header(r, &c, &u) != 0)
			continue;
		read_unit(r, &u);
		items = r->units;
		if (grow(r, &items, r->nunits, &r->units_cap,
			sizeof *r->units) != 0)
			return;
		r->units = items;
		r->units[r->nunits++] = u;
	}
}

/* --- from calls to names ------------------------------------------------- */

static const struct unit *
unit_of(const struct reader *r, uint64_t at)
{
	size_t low = 0, high = r->nunits, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (r->units[mid].end <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->nunits && at >= r->units[low].entries ? &r->units[low]
							      : NULL;
}

static void
add(struct reader *r, const struct unit *u, const char *name)
{
	struct dwarf *d = r->dwarf;
	size_t len = strlen(name);
	struct inlined *same = map_get(&d->by_name, name, len), *i;

	/* Those of a unit come one after the other. */
	if (same != NULL && strcmp(same->file, u->file) == 0)
		return;
	i = malloc(sizeof *i);
	if (i == NULL) {
		r->oom = 1;
		return;
	}
	i->name = name;
	i->file = u->file;
	i->same = same;
	i->other = d->all;
	d->all = i;
	if (map_put(&d->by_name, name, len, i) != 0)
		r->oom = 1;
}

/* The entry at an offset: its name is kept, or it says where to go on. */
static void
resolve(struct reader *r, uint64_t at, struct offsets *next)
{
	const struct unit *u = unit_of(r, at);
	const char *name;
	struct cursor c;
	struct entry e;

	if (u == NULL) {
		gap(r, "its debug information is broken");
		return;
	}
	if (load_abbrevs(r, u->abbrevs) != 0)
		return;
	c = cursor_at(&r->info, (size_t)at, u->end);
	if (read_entry(r, &c, u, &e) != 1)
		return;
	/* The one that symbols have. */
	name = text_of(r, u, e.linkage_name);
	if (name == NULL)
		name = text_of(r, u, e.name);
	if (name != NULL && name[0] != '\0')
		add(r, u, name);
	else if (e.specification.kind == KIND_ENTRY)
		offsets_add(r, next, e.specification.n);
	else if (e.origin.kind == KIND_ENTRY)
		offsets_add(r, next, e.origin.n);
}

/* In the order of the file, so that each unit's table is loaded once a
 * round. */
static void
resolve_all(struct reader *r)
{
	struct offsets next;
	size_t i, hop;

	for (hop = 0; hop < ORIGIN_HOPS_MAX && r->origins.len > 0; hop++) {
		memset(&next, 0, sizeof next);
		offsets_sort(&r->origins);
		for (i = 0; i < r->origins.len && !r->oom; i++)
			resolve(r, r->origins.items[i], &next);
		free(r->origins.items);
		r->origins = next;
	}
}

/* --- sections ------------------------------------------------------------ */

enum {
	X86_64_ABS64 = 1,
	X86_64_ABS32 = 10,
	AARCH64_ABS64 = 257,
	AARCH64_ABS32 = 258,
};

static size_t
reloc_width(const struct elf *elf, uint32_t type)
{
	if (elf_machine(elf) == ELF_MACHINE_X86_64)
		return type == X86_64_ABS64 ? 8 : type == X86_64_ABS32 ? 4 : 0;
	return type == AARCH64_ABS64 ? 8 : type == AARCH64_ABS32 ? 4 : 0;
}

/* An object's offsets into other sections stand in its relocations. */
static void
relocate(struct span *s, const struct elf *elf, size_t section)
{
	size_t i, j, width;
	uint64_t value;

	for (i = 0; i < elf_reloc_count(elf, section); i++) {
		struct elf_reloc l = elf_reloc(elf, section, i);

		width = reloc_width(elf, l.type);
		if (width > s->len - l.offset)
			continue;
		value = elf_symbol(elf, l.symbol)->value + (uint64_t)l.addend;
		for (j = 0; j < width; j++)
			s->own[l.offset + j] = (uint8_t)(value >> 8 * j);
	}
}

/* Leaves it empty where there is none. */
static void
find_span(struct reader *r, const struct elf *elf, const char *name,
    struct span *s)
{
	const struct elf_section *e = elf_section_named(elf, name, NULL);

	if (e == NULL || e->bytes == NULL)
		return;
	if ((e->flags & ELF_FLAG_COMPRESSED) != 0) {
		gap(r, "its debug information is compressed: link with "
		       "-gz=none");
		return;
	}
	s->bytes = s->linked = e->bytes;
	s->len = (size_t)e->size;
	if (elf_reloc_count(elf, e->index) == 0)
		return;
	s->own = malloc(s->len);
	if (s->own == NULL) {
		r->oom = 1;
		return;
	}
	memcpy(s->own, s->bytes, s->len);
	s->linked = s->own;
	relocate(s, elf, e->index);
}

static void
find_spans(struct reader *r, const struct elf *elf)
{
	find_span(r, elf, ".debug_info", &r->info);
	find_span(r, elf, ".debug_abbrev", &r->abbrev);
	find_span(r, elf, ".debug_str", &r->str);
	find_span(r, elf, ".debug_line_str", &r->line_str);
	find_span(r, elf, ".debug_str_offsets", &r->str_offsets);
	if (r->info.len == 0)
		gap(r, "it has no debug information (-g)");
	r->steps_left = (uint64_t)r->info.len * STEPS_PER_BYTE;
	r->abbrevs_left = (uint64_t)r->abbrev.len * ABBREVS_PER_BYTE;
	r->names_left = ((uint64_t)r->info.len + r->str.len + r->line_str.len) *
			NAMES_PER_BYTE;
}

int
dwarf_open(struct dwarf **out, const struct elf *elf, struct err *e)
{
	struct reader r = {0};
	int failed = 0;

	r.abbrevs_at = UINT64_MAX;
	r.dwarf = calloc(1, sizeof *r.dwarf);
	if (r.dwarf == NULL)
		return err_errno(e, ERR_LOCAL, "debug information");
	if (map_init(&r.dwarf->by_name) != 0 ||
	    map_init(&r.dwarf->files) != 0) {
		failed = err_set(e, ERR_LOCAL, "no random bytes");
		goto done;
	}
	find_spans(&r, elf);
	if (!r.oom)
		read_units(&r);
	if (!r.oom)
		resolve_all(&r);
	if (r.oom)
		failed =
		    err_set(e, ERR_LOCAL, "debug information: out of memory");
done:
	free(r.origins.items);
	free(r.abbrevs);
	free(r.units);
	free(r.info.own);
	free(r.abbrev.own);
	free(r.str.own);
	free(r.line_str.own);
	free(r.str_offsets.own);
	if (failed) {
		dwarf_close(r.dwarf);
		return -1;
	}
	*out = r.dwarf;
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
