/* Units, DWARF 5, section 7.5.1, and the strings that their entries name, with
 * indexed ones (7.26). */

#include "native/dwarf_impl.h"

#include <string.h>

#define UNIT_LEN_EXTENDED UINT32_C(0xffffffff)
#define UNIT_LEN_RESERVED UINT32_C(0xfffffff0)

enum {
	UNIT_COMPILE = 1,
	UNIT_TYPE = 2,
	UNIT_PARTIAL = 3,
	UNIT_SKELETON = 4,
};

/* The header at the cursor, which ends where the unit does. */
static int
read_header(struct dwarf_reader *r, struct dwarf_cursor *c,
    struct dwarf_unit *u)
{
	unsigned type = UNIT_COMPILE;

	u->version = (unsigned)dwarf_number(c, 2);
	if (u->version < 2 || u->version > 5)
		return dwarf_give_up(r,
		    "its debug information is not of DWARF 2 to 5");
	if (u->version == 5) {
		type = (unsigned)dwarf_number(c, 1);
		u->addr_len = (size_t)dwarf_number(c, 1);
		u->abbrevs = dwarf_number(c, u->offset_len);
	} else {
		u->abbrevs = dwarf_number(c, u->offset_len);
		u->addr_len = (size_t)dwarf_number(c, 1);
	}
	switch (type) {
	case UNIT_COMPILE:
	case UNIT_PARTIAL:
		break;
	case UNIT_TYPE:
		dwarf_skip(c, 8 + u->offset_len);
		break;
	case UNIT_SKELETON:
		return dwarf_give_up(r,
		    "its debug information is in other files: link without "
		    "-gsplit-dwarf");
	default:
		return dwarf_give_up(r,
		    "its debug information has units that are not known");
	}
	if (c->bad || u->addr_len == 0 || u->addr_len > 8)
		return dwarf_give_up(r, "its debug information is broken");
	u->entries = (size_t)(c->p - r->info.linked);
	return 0;
}

int
dwarf_next_unit(struct dwarf_reader *r, size_t *at, struct dwarf_unit *u)
{
	struct dwarf_cursor c = dwarf_cursor_at(&r->info, *at, r->info.len);
	uint64_t len;

	memset(u, 0, sizeof *u);
	u->at = *at;
	u->file = "";
	u->offset_len = 4;
	len = dwarf_number(&c, 4);
	if (len == UNIT_LEN_EXTENDED) {
		u->offset_len = 8;
		len = dwarf_number(&c, 8);
	} else if (len >= UNIT_LEN_RESERVED) {
		c.bad = 1;
	}
	if (c.bad || len > (uint64_t)(c.end - c.p))
		return dwarf_give_up(r, "its debug information is broken");
	c.end = c.p + len;
	u->end = *at = (size_t)(c.end - r->info.linked);
	return read_header(r, &c, u) == 0;
}

int
dwarf_keep_unit(struct dwarf_reader *r, const struct dwarf_unit *u)
{
	void *items = r->units;

	if (dwarf_grow(r, &items, r->nunits, &r->units_cap, sizeof *r->units) !=
	    0)
		return -1;
	r->units = items;
	r->units[r->nunits++] = *u;
	return 0;
}

const struct dwarf_unit *
dwarf_unit_of(const struct dwarf_reader *r, uint64_t at)
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

/* --- strings ------------------------------------------------------------- */

/* A string of a section, which ends in it; NULL: there is none. */
static const char *
string_at(struct dwarf_reader *r, const struct dwarf_span *s, uint64_t at)
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
		dwarf_give_up(r,
		    "the names in its debug information have no end");
		return NULL;
	}
	r->names_left -= (uint64_t)(nul - text);
	return text;
}

const char *
dwarf_text(struct dwarf_reader *r, const struct dwarf_unit *u,
    struct dwarf_value v)
{
	struct dwarf_cursor c;
	uint64_t at;

	switch (v.kind) {
	case DWARF_STRING:
		return string_at(r, &r->info, v.n);
	case DWARF_STR:
		return string_at(r, &r->str, v.n);
	case DWARF_LINE_STR:
		return string_at(r, &r->line_str, v.n);
	case DWARF_INDEX:
		if (u->str_base > r->str_offsets.len ||
		    v.n > r->str_offsets.len)
			return NULL;
		at = u->str_base + v.n * u->offset_len;
		if (at > r->str_offsets.len)
			return NULL;
		c = dwarf_cursor_at(&r->str_offsets, (size_t)at,
		    r->str_offsets.len);
		at = dwarf_number(&c, u->offset_len);
		return c.bad ? NULL : string_at(r, &r->str, at);
	default:
		return NULL;
	}
}
