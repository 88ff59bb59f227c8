/* Tables of abbreviations: DWARF 5, section 7.5.3. */

#include "native/dwarf_impl.h"

#include <stdlib.h>

static int
compare_abbrevs(const void *a, const void *b)
{
	const struct dwarf_abbrev *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return x->attributes < y->attributes ? -1
					     : x->attributes > y->attributes;
}

/* One declaration: 1, 0 at the end of the table, -1 broken. */
static int
read_abbrev(struct dwarf_reader *r, struct dwarf_cursor *c,
    struct dwarf_abbrev *a)
{
	uint64_t name, form;

	a->code = dwarf_leb(c);
	if (a->code == 0)
		return c->bad ? -1 : 0;
	a->tag = dwarf_leb(c);
	dwarf_skip(c, 1);
	a->attributes = (size_t)(c->p - r->abbrev.linked);
	do {
		name = dwarf_leb(c);
		form = dwarf_leb(c);
		if (form == DWARF_FORM_IMPLICIT_CONST)
			dwarf_leb(c);
	} while (!c->bad && (name != 0 || form != 0));
	return c->bad ? -1 : 1;
}

int
dwarf_load_abbrevs(struct dwarf_reader *r, uint64_t at)
{
	struct dwarf_abbrev a;
	struct dwarf_cursor c;
	int more, sorted = 1;
	size_t end;
	void *items;

	if (at == r->abbrevs_at)
		return 0;
	r->abbrevs_at = UINT64_MAX;
	r->nabbrevs = 0;
	if (at >= r->abbrev.len)
		return dwarf_give_up(r, "its debug information is broken");
	end = r->abbrev.len;
	if (end - at > r->abbrevs_left)
		end = (size_t)(at + r->abbrevs_left);
	c = dwarf_cursor_at(&r->abbrev, (size_t)at, end);
	while ((more = read_abbrev(r, &c, &a)) == 1) {
		items = r->abbrevs;
		if (dwarf_grow(r, &items, r->nabbrevs, &r->abbrevs_cap,
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
		return dwarf_give_up(r,
		    r->abbrevs_left == 0
			? "its debug information would take too long"
			: "its debug information is broken");
	if (!sorted)
		qsort(r->abbrevs, r->nabbrevs, sizeof *r->abbrevs,
		    compare_abbrevs);
	r->abbrevs_at = at;
	return 0;
}

const struct dwarf_abbrev *
dwarf_find_abbrev(const struct dwarf_reader *r, uint64_t code)
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
