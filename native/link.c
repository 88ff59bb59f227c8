/* A patch from an executable and an object file. */

#include "native/link_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"

#define LINE   1024 /* of a reason: two names and two sentences */
#define DIGITS 8    /* bytes of the digest that make an id */

__attribute__((format(printf, 3, 0))) static void
tell(struct linker *l, void (*to)(void *arg, const char *line), const char *fmt,
    va_list ap)
{
	char line[LINE], safe[LINE];
	int n = vsnprintf(line, sizeof line, fmt, ap);

	if (to == NULL || n < 0)
		return;
	text_escape(safe, sizeof safe, line, strlen(line), 0);
	to(l->told->arg, safe);
}

void
link_reason(struct linker *l, const char *fmt, ...)
{
	va_list ap;

	l->nreasons++;
	va_start(ap, fmt);
	tell(l, l->told->reason, fmt, ap);
	va_end(ap);
}

void
link_note(struct linker *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(l, l->told->note, fmt, ap);
	va_end(ap);
}

int
link_no_memory(struct linker *l)
{
	l->failed = 1;
	return err_set(l->e, ERR_LOCAL, "out of memory");
}

/* --- what is asked ---------------------------------------------------------
 */

static int
check_spec(const struct native_link_spec *s, struct err *e)
{
	size_t i;

	if (s->npairs == 0 || s->npairs > NATIVE_FUNCS)
		return err_set(e, ERR_USAGE,
		    "a patch has 1 to %d functions OLD=NEW", NATIVE_FUNCS);
	for (i = 0; i < s->npairs; i++)
		if (*s->pairs[i].old_name == '\0' ||
		    *s->pairs[i].new_name == '\0')
			return err_set(e, ERR_USAGE, "OLD=NEW has two names");
	if ((s->id != NULL && !native_is_id(s->id, strlen(s->id))) ||
	    (s->needs != NULL && !native_is_id(s->needs, strlen(s->needs))))
		return err_set(e, ERR_USAGE,
		    "an id has 1 to %d letters, digits and \"._-\", and"
		    " begins with no minus",
		    NATIVE_ID);
	return 0;
}

/* --- the patch -------------------------------------------------------------
 */

static int
by_offset(const void *a, const void *b)
{
	const struct native_func *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

static void
set_functions(struct linker *l)
{
	struct native_patch *p = l->p;
	size_t i;

	for (i = 0; i < l->npairs; i++) {
		const struct elf_symbol *s = l->pairs[i].new_symbol;
		struct native_func *f = &p->funcs[p->nfuncs++];

		*f = l->pairs[i].func;
		f->new_off = l->places[s->section].off + s->value;
	}
	qsort(p->funcs, p->nfuncs, sizeof *p->funcs, by_offset);
}

static int
set_bytes(struct linker *l)
{
	struct native_patch *p = l->p;

	if (buf_append(&l->code, l->data.data, l->data.len) != 0)
		return link_no_memory(l);
	p->bytes = l->code.data;
	buf_init(&l->code);
	p->names = (char *)l->names.data;
	buf_init(&l->names);
	return 0;
}

static void
set_head(struct linker *l)
{
	const struct native_link_spec *s = l->spec;
	struct native_patch *p = l->p;
	const uint8_t *id = elf_build_id(l->exe, &p->build_id_len);

	memcpy(p->build_id, id, p->build_id_len);
	p->arch = l->arch;
	/* Until the digest is known any will do. */
	snprintf(p->id, sizeof p->id, "%s", s->id != NULL ? s->id : "p");
	snprintf(p->needs, sizeof p->needs, "%s",
	    s->needs != NULL ? s->needs : "");
}

/* The patch as one would read it from its file. */
static int
reread(struct linker *l)
{
	struct native_patch *again = NULL;
	struct buf b = BUF_INIT;
	int ret = -1;

	if (native_patch_format(&b, l->p, l->e) != 0 ||
	    native_patch_parse(&again, b.data, b.len, l->e) != 0)
		goto out;
	native_patch_free(l->p);
	l->p = again;
	ret = 0;
out:
	buf_free(&b);
	return ret;
}

static int
finish(struct linker *l)
{
	char digits[2 * DIGITS + 1];

	if (link_relocate(l) != 0)
		return -1;
	set_functions(l);
	if (set_bytes(l) != 0)
		return -1;
	set_head(l);
	if (reread(l) != 0)
		return -1;
	if (l->spec->id != NULL)
		return 0;
	snprintf(l->p->id, sizeof l->p->id, "p-%s",
	    hex_encode(digits, l->p->digest, DIGITS));
	return reread(l);
}

/* --- in order --------------------------------------------------------------
 */

/* 0 while one can go on. */
static int
look_at_target(struct linker *l)
{
	struct err e = {0}, *outer = l->e;
	int r;

	l->e = &e;
	r = link_open_target(l, l->spec->exe, l->spec->exe_len);
	l->e = outer;
	if (r != 0)
		return err_set(l->e, e.kind, "the executable: %s", e.text);
	/* Without symbols everything would be missing. */
	if (!elf_is_program(l->exe) || elf_symbol_count(l->exe) <= 1)
		return 0;
	return link_find_old(l);
}

static int
look_at_object(struct linker *l)
{
	struct err e = {0}, *outer = l->e;
	int r;

	l->e = &e;
	r = link_open_object(l);
	l->e = outer;
	if (r != 0)
		return err_set(l->e, e.kind, "the object: %s", e.text);
	if (l->object == NULL ||
	    elf_machine(l->object) != elf_machine(l->exe) ||
	    !elf_is_program(l->exe) || elf_symbol_count(l->exe) <= 1)
		return 0;
	return link_find_needed(l);
}

static int
tell_count(struct linker *l, const char *so)
{
	return err_set(l->e, ERR_NO, "%zu reason%s against it%s", l->nreasons,
	    l->nreasons == 1 ? "" : "s", so);
}

static int
not_made(struct linker *l)
{
	return tell_count(l, ", nothing is made");
}

static int
make(struct linker *l)
{
	if (look_at_target(l) != 0 || look_at_object(l) != 0 || l->failed)
		return -1;
	if (l->nreasons > 0)
		return not_made(l);
	if (link_lay_out(l) != 0)
		return -1;
	if (l->nreasons > 0)
		return not_made(l);
	if (finish(l) != 0)
		return -1;
	return l->nreasons > 0 ? not_made(l) : 0;
}

int
native_link(struct native_patch **out, const struct native_link_spec *s,
    const struct native_told *told, struct err *e)
{
	struct linker l = {.spec = s, .told = told, .e = e};
	int ret = -1;

	buf_init(&l.code);
	buf_init(&l.data);
	buf_init(&l.names);
	if (check_spec(s, e) != 0)
		return -1;
	l.npairs = s->npairs;
	l.p = calloc(1, sizeof *l.p);
	if (l.p == NULL)
		link_no_memory(&l);
	else
		ret = make(&l);
	if (ret == 0) {
		*out = l.p;
		l.p = NULL;
	}
	buf_free(&l.code);
	buf_free(&l.data);
	buf_free(&l.names);
	free(l.places);
	free(l.symbols);
	native_patch_free(l.p);
	dwarf_close(l.dwarf);
	elf_close(l.object);
	elf_close(l.exe);
	return ret;
}

int
native_check_functions(const struct native_link_spec *s,
    const struct native_told *told, struct err *e)
{
	struct linker l = {.spec = s, .told = told, .e = e};
	int ret = -1;

	l.npairs = s->npairs;
	if (look_at_target(&l) != 0 || l.failed)
		goto out;
	if (l.nreasons > 0)
		tell_count(&l, "");
	else
		ret = 0;
out:
	dwarf_close(l.dwarf);
	elf_close(l.exe);
	return ret;
}
