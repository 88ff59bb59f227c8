/* The old functions: which they are, and why one must stay as it is. */

#include "native/link_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha512.h"
#include "native/link_entry.h"

int
link_is_in(const struct linker *l, const struct elf_symbol *s,
    const char *section)
{
	const struct elf_section *in = elf_section(l->exe, s->section);

	return in != NULL && strcmp(in->name, section) == 0;
}

int
link_is_clone(const char *name, const char *of, size_t len)
{
	/* A .cold part belongs to its function and is no clone. */
	static const char *const marks[] = {
	    ".constprop.", ".isra.", ".part.", ".lto_priv."};
	size_t i;

	if (strncmp(name, of, len) != 0 || name[len] != '.')
		return 0;
	for (i = 0; i < sizeof marks / sizeof *marks; i++)
		if (strstr(name + len, marks[i]) != NULL)
			return 1;
	return 0;
}

/* --- what is meant ---------------------------------------------------------
 */

static int
is_function(const struct elf_symbol *s)
{
	return s->section != ELF_UNDEFINED &&
	       (s->type == ELF_TYPE_FUNC || s->type == ELF_TYPE_IFUNC);
}

static uint64_t
offset_of(const struct linker *l, const struct elf_symbol *s)
{
	return s->value - l->base;
}

/* By "+0xOFFSET"; *is_offset tells whether the text is one. */
static const struct elf_symbol *
by_offset(const struct linker *l, const char *text, int *is_offset)
{
	static const char digits[] = "0123456789abcdef";
	const struct elf_section *section;
	const struct elf_symbol *s = NULL;
	uint64_t off = 0;
	const char *p;

	*is_offset = 0;
	if (strncmp(text, "+0x", 3) != 0 || text[3] == '\0')
		return NULL;
	for (p = text + 3; *p != '\0'; p++) {
		const char lower =
		    (char)(*p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p);
		const char *d = memchr(digits, lower, sizeof digits - 1);

		if (d == NULL || off >> 60 != 0)
			return NULL;
		off = off << 4 | (uint64_t)(d - digits);
	}
	*is_offset = 1;
	section = elf_section_at(l->exe, l->base + off);
	if (section == NULL)
		return NULL;
	while ((s = elf_symbol_at(l->exe, section->index, l->base + off, s)) !=
	       NULL)
		if (is_function(s))
			return s;
	return NULL;
}

/* Of several of the name, a line that says how to name each. */
static void
tell_ambiguous(struct linker *l, const char *text, const char *name,
    const char *file)
{
	const struct elf_symbol *s = NULL;
	struct buf b = BUF_INIT;

	while ((s = elf_symbol_named(l->exe, name, s)) != NULL) {
		if (!is_function(s) ||
		    (file != NULL &&
			(s->file == NULL || strcmp(s->file, file) != 0)))
			continue;
		buf_printf(&b, "%s", b.len > 0 ? ", " : "");
		if (s->file != NULL && *s->file != '\0' && file == NULL)
			buf_printf(&b, "%.*s:%.*s (", LINK_SHOWN, s->file,
			    LINK_SHOWN, s->name);
		buf_printf(&b, "+0x%" PRIx64 "%s", offset_of(l, s),
		    s->file != NULL && *s->file != '\0' && file == NULL ? ")"
									: "");
	}
	link_reason(l,
	    "%.*s: the executable has several functions of this name; say"
	    " which one: %s",
	    LINK_SHOWN, text, buf_text(&b) != NULL ? buf_text(&b) : "");
	buf_free(&b);
}

/* There is no function of the name: what may be the reason? */
static void
tell_absent(struct linker *l, const char *text, const char *name)
{
	const struct elf_symbol *s = elf_symbol_named(l->exe, name, NULL);
	const size_t len = strlen(name);
	size_t i;

	if (s != NULL && s->section == ELF_UNDEFINED) {
		link_reason(l,
		    "%.*s: it comes from a shared library; only functions of"
		    " the executable itself are patched",
		    LINK_SHOWN, text);
		return;
	}
	if (s != NULL && !is_function(s)) {
		link_reason(l, "%.*s: it is no function", LINK_SHOWN, text);
		return;
	}
	for (i = 0; i < elf_symbol_count(l->exe); i++) {
		s = elf_symbol(l->exe, i);
		if (!link_is_clone(s->name, name, len))
			continue;
		link_reason(l,
		    "%.*s: the compiler made %.*s of it, which takes other"
		    " arguments: compile with"
		    " -flive-patching=inline-only-static",
		    LINK_SHOWN, text, LINK_SHOWN, s->name);
		return;
	}
	link_reason(l, "%.*s: the executable has no such function: %s",
	    LINK_SHOWN, text,
	    dwarf_inlined(l->dwarf, name, NULL)
		? "it was inlined wherever it is called; patch the callers"
		: "it was inlined everywhere, nobody calls it, or it is"
		  " misspelt");
}

/* The one of a name, and of a file unless that is NULL; told when there is
 * none or more. */
static const struct elf_symbol *
by_name(struct linker *l, const char *text, const char *name, const char *file)
{
	const struct elf_symbol *s = NULL, *found = NULL;
	size_t n = 0;

	while ((s = elf_symbol_named(l->exe, name, s)) != NULL) {
		if (!is_function(s) ||
		    (file != NULL &&
			(s->file == NULL || strcmp(s->file, file) != 0)))
			continue;
		found = s;
		n++;
	}
	if (n == 1)
		return found;
	if (n > 1)
		tell_ambiguous(l, text, name, file);
	else if (file != NULL &&
		 (found = elf_symbol_named(l->exe, name, NULL)) != NULL)
		link_reason(l,
		    "%.*s: the executable has no static function of this name"
		    " from this file (a function that is not static is named"
		    " without its file)",
		    LINK_SHOWN, text);
	else
		tell_absent(l, text, name);
	return NULL;
}

static int
find(struct linker *l, const char *text, const struct elf_symbol **out)
{
	const char *colon = strrchr(text, ':');
	char *file = NULL;
	int is_offset;

	*out = by_offset(l, text, &is_offset);
	if (is_offset) {
		if (*out == NULL)
			link_reason(l, "%.*s: no function begins there",
			    LINK_SHOWN, text);
		return 0;
	}
	if (colon == NULL) {
		*out = by_name(l, text, text, NULL);
		return 0;
	}
	file = malloc((size_t)(colon - text) + 1);
	if (file == NULL)
		return link_no_memory(l);
	memcpy(file, text, (size_t)(colon - text));
	file[colon - text] = '\0';
	*out = by_name(l, text, colon + 1, file);
	free(file);
	return 0;
}

/* --- may it be changed? ----------------------------------------------------
 */

/* With -fPIC gcc has a second name for a function that its own file calls. */
static int
is_local_alias(const struct elf_symbol *t, const struct elf_symbol *s)
{
	const size_t len = strlen(s->name);

	return strncmp(t->name, s->name, len) == 0 &&
	       strcmp(t->name + len, ".localalias") == 0;
}

/* Another function at its address, or NULL. */
static const struct elf_symbol *
twin(const struct linker *l, const struct elf_symbol *s)
{
	const struct elf_symbol *t = NULL;

	while ((t = elf_symbol_at(l->exe, s->section, s->value, t)) != NULL)
		if (t != s && is_function(t) && !is_local_alias(t, s))
			return t;
	return NULL;
}

/* Told about each of its clones: the clones stay as they are. */
static void
check_clones(struct linker *l, const struct elf_symbol *s)
{
	const size_t len = strlen(s->name);
	size_t i;

	for (i = 0; i < elf_symbol_count(l->exe); i++) {
		const struct elf_symbol *c = elf_symbol(l->exe, i);

		if (!is_function(c) || !link_is_clone(c->name, s->name, len) ||
		    (s->file != NULL && c->file != NULL &&
			strcmp(s->file, c->file) != 0))
			continue;
		link_reason(l,
		    "%.*s: the compiler made %.*s of it, which callers use"
		    " instead: compile with"
		    " -flive-patching=inline-only-static",
		    LINK_SHOWN, s->name, LINK_SHOWN, c->name);
	}
}

/* Its part for what happens seldom may branch back. */
static int
is_entered_from_cold(const struct linker *l, const struct elf_symbol *s,
    uint64_t hi)
{
	const size_t len = strlen(s->name);
	size_t i;

	for (i = 0; i < elf_symbol_count(l->exe); i++) {
		const struct elf_symbol *c = elf_symbol(l->exe, i);
		const uint8_t *bytes;

		if (!is_function(c) || strncmp(c->name, s->name, len) != 0 ||
		    strncmp(c->name + len, ".cold", 5) != 0 || c->size == 0)
			continue;
		bytes = elf_bytes(l->exe, c->value, (size_t)c->size);
		if (bytes != NULL &&
		    native_branches_into(l->arch, bytes, (size_t)c->size,
			c->value, s->value, hi))
			return 1;
	}
	return 0;
}

/* clang passes results and arguments of static functions on to callers, and
 * no flag keeps it from that. */
static int
is_static_of_clang(const struct linker *l, const struct elf_symbol *s,
    const struct native_entry *entry)
{
	if (s->bind != ELF_BIND_LOCAL || link_is_in(l, s, LINK_MARKED_TEXT) ||
	    !link_has_clang(l))
		return 0;
	/* Where both were at work, the form of the NOPs tells them apart. */
	return l->arch == NATIVE_AARCH64 || entry->pad == 0
		   ? !link_has_gcc(l)
		   : !entry->one_by_one;
}

/* The function's bytes and what follows, up to the next one. */
static const uint8_t *
bytes_of(const struct linker *l, const struct elf_symbol *s, size_t *room)
{
	const struct elf_section *in = elf_section(l->exe, s->section);
	const struct elf_symbol *next =
	    elf_symbol_above(l->exe, s->section, s->value);
	uint64_t end = in->addr + in->size;

	if ((in->flags & ELF_FLAG_EXEC) == 0 || in->bytes == NULL ||
	    s->value < in->addr || s->value >= end || s->size > end - s->value)
		return NULL;
	if (next != NULL && next->value < end)
		end = next->value;
	if (end - s->value < s->size)
		end = s->value + s->size;
	*room = (size_t)(end - s->value);
	return in->bytes + (s->value - in->addr);
}

static void
check_entry(struct linker *l, struct link_pair *pair)
{
	const struct elf_symbol *s = pair->old_symbol;
	struct native_func *f = &pair->func;
	struct native_entry entry;
	const uint8_t *bytes;
	const char *why;
	size_t room;

	bytes = bytes_of(l, s, &room);
	if (s->size == 0 || s->size > NATIVE_AREA || bytes == NULL) {
		link_reason(l,
		    "%.*s: the executable does not tell its size (a function"
		    " in assembly), so it cannot be compared",
		    LINK_SHOWN, s->name);
		return;
	}
	why = native_entry_look(&entry, l->arch, bytes, (size_t)s->size, room,
	    l->spec->unmarked);
	if (why == NULL && entry.pad == 0 &&
	    is_entered_from_cold(l, s,
		s->value + entry.mark + native_jump_size(l->arch)))
		why = "seems to be entered from its .cold part in its first"
		      " bytes, which the jump would be written over: patch"
		      " the functions that call it";
	if (why != NULL) {
		link_reason(l, "%.*s: it %s", LINK_SHOWN, s->name, why);
		return;
	}
	if (is_static_of_clang(l, s, &entry))
		link_reason(l,
		    "%.*s: it is static and clang compiled it, so callers may"
		    " have parts of it: patch the functions that call it, and"
		    " make it global in the next build",
		    LINK_SHOWN, s->name);
	f->off = offset_of(l, s);
	f->size = entry.size;
	f->site = f->off + entry.mark;
	f->pad = entry.pad;
	sha512(f->sha512, bytes, entry.size);
}

/* Compilers inline static functions with the flags that the manual tells, too.
 * Names that were hidden in the program end as static ones of no file. */
static int
may_be_inlined(const struct linker *l, const struct elf_symbol *s)
{
	return s->bind == ELF_BIND_LOCAL && s->file != NULL &&
	       *s->file != '\0' && !link_is_in(l, s, LINK_MARKED_TEXT) &&
	       !dwarf_covers(l->dwarf, s->file);
}

static void
check(struct linker *l, struct link_pair *pair)
{
	const struct elf_symbol *s = pair->old_symbol, *other;
	size_t i;

	for (i = 0; s->name[i] > ' ' && s->name[i] <= '~'; i++)
		;
	if (s->name[i] != '\0' || i == 0 || i > NATIVE_NAME) {
		link_reason(l,
		    "%.*s: its name is not of ASCII, or longer than %d bytes",
		    LINK_SHOWN, s->name, NATIVE_NAME);
		return;
	}
	memcpy(pair->func.name, s->name, i + 1);
	if (s->type == ELF_TYPE_IFUNC) {
		link_reason(l,
		    "%.*s: it is chosen when the program starts (an ifunc):"
		    " patch the function that was chosen",
		    LINK_SHOWN, s->name);
		return;
	}
	if (link_is_in(l, s, LINK_APPLY_TEXT)) {
		link_reason(l, "%.*s: it is at work while patches are applied",
		    LINK_SHOWN, s->name);
		return;
	}
	for (other = NULL, i = 0; i < l->npairs; i++)
		if (&l->pairs[i] != pair && l->pairs[i].old_symbol != NULL &&
		    &l->pairs[i] < pair &&
		    l->pairs[i].old_symbol->value == s->value)
			other = l->pairs[i].old_symbol;
	if (other != NULL) {
		link_reason(l, "%.*s: it is given twice", LINK_SHOWN, s->name);
		return;
	}
	other = twin(l, s);
	if (other != NULL)
		link_reason(l,
		    "%.*s: %.*s is the same code (an alias, or folded by the"
		    " linker: then link without --icf=all)",
		    LINK_SHOWN, s->name, LINK_SHOWN, other->name);
	check_clones(l, s);
	if (dwarf_inlined(l->dwarf, s->name, s->file))
		link_reason(l,
		    "%.*s: it is inlined into some of its callers, which"
		    " would stay as they are: patch those instead, and mark"
		    " it with HOTFIX_PATCHABLE in the next build",
		    LINK_SHOWN, s->name);
	else if (may_be_inlined(l, s))
		link_reason(l,
		    "%.*s: it is static, and nothing tells whether it was"
		    " inlined into callers, which would stay as they are:"
		    " compile %.*s with -g, and give the file as it was before"
		    " strip",
		    LINK_SHOWN, s->name, LINK_SHOWN, s->file);
	check_entry(l, pair);
}

/* With the flags that are asked for nothing but always_inline does this to a
 * global function; of static ones check has told. */
static void
note_gap(struct linker *l)
{
	const struct elf_symbol *s;
	size_t i;

	for (i = 0; i < l->npairs; i++) {
		s = l->pairs[i].old_symbol;
		if (!link_is_in(l, s, LINK_MARKED_TEXT))
			link_note(l,
			    "%.*s: nothing tells whether it is inlined into"
			    " callers, which would stay as they are: %s; look"
			    " whether its source says always_inline: then patch"
			    " the callers, and build with -g from now on",
			    LINK_SHOWN, s->name, dwarf_gap(l->dwarf));
	}
}

int
link_find_old(struct linker *l)
{
	int all_marked = 1;
	size_t i;

	for (i = 0; i < l->npairs; i++)
		if (find(l, l->spec->pairs[i].old_name,
			&l->pairs[i].old_symbol) != 0)
			return -1;
	for (i = 0; i < l->npairs; i++) {
		if (l->pairs[i].old_symbol != NULL)
			check(l, &l->pairs[i]);
		if (l->pairs[i].old_symbol == NULL ||
		    !link_is_in(l, l->pairs[i].old_symbol, LINK_MARKED_TEXT))
			all_marked = 0;
	}
	/* Those that were marked one by one are good with any flags. */
	if (all_marked)
		return 0;
	link_check_flags(l);
	if (l->nreasons == 0 && dwarf_gap(l->dwarf) != NULL)
		note_gap(l);
	return 0;
}
