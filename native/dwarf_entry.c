/* Entries: their attributes and forms, DWARF 5, sections 7.5.4 to 7.5.6. */

#include "native/dwarf_impl.h"

#include <string.h>

enum {
	AT_NAME = 0x03,
	AT_INLINE = 0x20,
	AT_ABSTRACT_ORIGIN = 0x31,
	AT_SPECIFICATION = 0x47,
	AT_LINKAGE_NAME = 0x6e,
	AT_STR_OFFSETS_BASE = 0x72,
	AT_MIPS_LINKAGE_NAME = 0x2007,
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

static struct dwarf_value
value_of(enum dwarf_kind kind, uint64_t n)
{
	struct dwarf_value v = {kind, n};

	return v;
}

static struct dwarf_value
read_string(const struct dwarf_reader *r, struct dwarf_cursor *c)
{
	size_t at = (size_t)(c->p - r->info.linked);
	const uint8_t *nul = memchr(c->p, '\0', (size_t)(c->end - c->p));

	dwarf_skip(c, nul != NULL ? (uint64_t)(nul - c->p) + 1 : UINT64_MAX);
	return value_of(DWARF_STRING, at);
}

/* How many bytes a form has that is passed over; UINT64_MAX: not known. */
static uint64_t
other_len(struct dwarf_cursor *c, const struct dwarf_unit *u, uint64_t form)
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
		return dwarf_number(c, 1);
	case FORM_BLOCK2:
		return dwarf_number(c, 2);
	case FORM_BLOCK4:
		return dwarf_number(c, 4);
	case FORM_BLOCK:
	case FORM_EXPRLOC:
		return dwarf_leb(c);
	case FORM_SDATA:
	case FORM_ADDRX:
	case FORM_LOCLISTX:
	case FORM_RNGLISTX:
	case FORM_GNU_ADDR_INDEX:
	case FORM_GNU_STR_INDEX:
		dwarf_leb(c);
		return 0;
	default:
		return UINT64_MAX;
	}
}

/* A value, constant where the form says so. 0, or -1: a form that is not
 * known. */
static int
read_value(const struct dwarf_reader *r, struct dwarf_cursor *c,
    const struct dwarf_unit *u, uint64_t form, uint64_t constant,
    struct dwarf_value *v)
{
	uint64_t len;

	switch (form) {
	case FORM_DATA1:
		*v = value_of(DWARF_NUMBER, dwarf_number(c, 1));
		break;
	case FORM_UDATA:
		*v = value_of(DWARF_NUMBER, dwarf_leb(c));
		break;
	case DWARF_FORM_IMPLICIT_CONST:
		*v = value_of(DWARF_NUMBER, constant);
		break;
	case FORM_STRING:
		*v = read_string(r, c);
		break;
	case FORM_STRP:
		*v = value_of(DWARF_STR, dwarf_number(c, u->offset_len));
		break;
	case FORM_LINE_STRP:
		*v = value_of(DWARF_LINE_STR, dwarf_number(c, u->offset_len));
		break;
	case FORM_STRX:
		*v = value_of(DWARF_INDEX, dwarf_leb(c));
		break;
	case FORM_STRX1:
	case FORM_STRX2:
	case FORM_STRX3:
	case FORM_STRX4:
		*v = value_of(DWARF_INDEX,
		    dwarf_number(c, (size_t)(form - FORM_STRX1) + 1));
		break;
	case FORM_SEC_OFFSET:
		*v = value_of(DWARF_OFFSET, dwarf_number(c, u->offset_len));
		break;
	case FORM_REF_ADDR:
		*v = value_of(DWARF_ENTRY,
		    dwarf_number(c,
			u->version == 2 ? u->addr_len : u->offset_len));
		break;
	case FORM_REF1:
		*v = value_of(DWARF_ENTRY, u->at + dwarf_number(c, 1));
		break;
	case FORM_REF2:
		*v = value_of(DWARF_ENTRY, u->at + dwarf_number(c, 2));
		break;
	case FORM_REF4:
		*v = value_of(DWARF_ENTRY, u->at + dwarf_number(c, 4));
		break;
	case FORM_REF8:
		*v = value_of(DWARF_ENTRY, u->at + dwarf_number(c, 8));
		break;
	case FORM_REF_UDATA:
		*v = value_of(DWARF_ENTRY, u->at + dwarf_leb(c));
		break;
	default:
		*v = value_of(DWARF_OTHER, 0);
		len = other_len(c, u, form);
		if (len == UINT64_MAX)
			return -1;
		dwarf_skip(c, len);
		break;
	}
	return 0;
}

static void
keep(struct dwarf_entry *e, uint64_t attribute, struct dwarf_value v)
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

int
dwarf_read_entry(struct dwarf_reader *r, struct dwarf_cursor *c,
    const struct dwarf_unit *u, struct dwarf_entry *e)
{
	const struct dwarf_abbrev *a;
	struct dwarf_cursor at;
	uint64_t code, name, form, constant;
	struct dwarf_value v;

	memset(e, 0, sizeof *e);
	e->at = (size_t)(c->p - r->info.linked);
	code = dwarf_leb(c);
	if (c->bad)
		return dwarf_give_up(r, "its debug information is broken");
	if (code == 0)
		return 0;
	a = dwarf_find_abbrev(r, code);
	if (a == NULL)
		return dwarf_give_up(r, "its debug information is broken");
	e->tag = a->tag;
	at = dwarf_cursor_at(&r->abbrev, a->attributes, r->abbrev.len);
	for (;;) {
		name = dwarf_leb(&at);
		form = dwarf_leb(&at);
		if (name == 0 && form == 0)
			return 1;
		constant =
		    form == DWARF_FORM_IMPLICIT_CONST ? dwarf_leb(&at) : 0;
		if (r->steps_left == 0)
			return dwarf_give_up(r,
			    "its debug information would take too long");
		r->steps_left--;
		if (read_value(r, c, u, form, constant, &v) != 0)
			return dwarf_give_up(r,
			    "its debug information has forms that are not "
			    "known");
		if (c->bad)
			return dwarf_give_up(r,
			    "its debug information is broken");
		keep(e, name, v);
	}
}
