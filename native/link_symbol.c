/* Where the object's symbols are: in itself, in the executable, or in a slot
 * of that. */

#include "native/link_impl.h"

#include <stdlib.h>
#include <string.h>

static int
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* What to do about one that nobody has. */
static const char *
advice(const struct linker *l, const char *name)
{
	static const struct {
		const char *front, *back, *what;
	} rows[] = {
	    {"__", "_chk", "compile the fix with -U_FORTIFY_SOURCE"},
	    {"__stack_chk_", "", "compile the fix with -fno-stack-protector"},
	    {"__asan_", "", "compile the fix without -fsanitize"},
	    {"__ubsan_", "", "compile the fix without -fsanitize"},
	    {"__tsan_", "", "compile the fix without -fsanitize"},
	    {"__sanitizer_", "", "compile the fix without -fsanitize"},
	    {"__gcov_", "", "compile the fix without --coverage"},
	    {"__llvm_gcov_", "", "compile the fix without --coverage"},
	    {"__llvm_profile_", "", "compile the fix without -fprofile"},
	    {"__fentry__", "", "compile the fix without -pg"},
	    {"mcount", "", "compile the fix without -pg"},
	    {"__tls_get_addr", "", "the fix uses thread-local variables"},
	};
	const size_t len = strlen(name);
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		const size_t back = strlen(rows[i].back);

		if (begins(name, rows[i].front) && len >= back &&
		    strcmp(name + len - back, rows[i].back) == 0)
			return rows[i].what;
	}
	return elf_interp(l->exe) != NULL
		   ? "use what the program has, or bring a static function"
		     " along (what the program does not use of a shared"
		     " library is not in reach either)"
		   : "use what the program has, or bring a static function"
		     " along";
}

static enum link_found
nowhere(struct link_symbol *out)
{
	out->told = 1;
	return LINK_NOWHERE;
}

/* A function or variable of the executable, defined there. */
static int
is_defined(const struct elf_symbol *s)
{
	return s->section != ELF_UNDEFINED && s->section != ELF_COMMON &&
	       s->section != ELF_ABSOLUTE;
}

/*
 * "FILE.c$NAME" or "FILE.c:NAME" is the static NAME of FILE.c: assemblers do
 * not take the colon everywhere. *file is then a new string.
 */
static int
split(struct linker *l, const char *name, char **file, const char **rest)
{
	const char *mark = strpbrk(name, ":$");

	*file = NULL;
	*rest = name;
	if (mark == NULL || mark == name || mark[1] == '\0')
		return 0;
	*file = malloc((size_t)(mark - name) + 1);
	if (*file == NULL)
		return link_no_memory(l);
	memcpy(*file, name, (size_t)(mark - name));
	(*file)[mark - name] = '\0';
	*rest = mark + 1;
	return 0;
}

/* The names of the files that have such a static. */
static void
tell_ambiguous(struct linker *l, const char *name)
{
	const struct elf_symbol *s = NULL, *first = NULL;
	struct buf b = BUF_INIT;

	while ((s = elf_symbol_named(l->exe, name, s)) != NULL) {
		if (!is_defined(s) || s->file == NULL)
			continue;
		if (first == NULL)
			first = s;
		buf_printf(&b, "%s%.*s", b.len > 0 ? ", " : "", LINK_SHOWN,
		    s->file);
	}
	link_reason(l,
	    "%.*s: the executable has several statics of this name (%s); name"
	    " the file in the fix: __asm__(\"%.*s$%.*s\")",
	    LINK_SHOWN, name, buf_text(&b) != NULL ? buf_text(&b) : "",
	    LINK_SHOWN, first != NULL ? first->file : "FILE.c", LINK_SHOWN,
	    name);
	buf_free(&b);
}

/*
 * The executable's own of a name: a global one goes before statics. *several
 * is 1 when there are more than one and none is to be preferred.
 */
static const struct elf_symbol *
find_defined(const struct linker *l, const char *name, const char *file,
    int *several)
{
	const struct elf_symbol *s = NULL, *found = NULL;
	size_t n = 0;

	*several = 0;
	while ((s = elf_symbol_named(l->exe, name, s)) != NULL) {
		if (!is_defined(s))
			continue;
		if (file != NULL) {
			if (s->bind != ELF_BIND_LOCAL || s->file == NULL ||
			    strcmp(s->file, file) != 0)
				continue;
		} else if (s->bind != ELF_BIND_LOCAL) {
			return s;
		}
		found = s;
		n++;
	}
	*several = n > 1;
	return n == 1 ? found : NULL;
}

/* A slot that the dynamic linker fills; *is_data as far as one can tell. */
static const struct elf_slot *
find_slot(const struct linker *l, const char *name, int *is_data)
{
	const struct elf_symbol *s = NULL;
	const struct elf_slot *slot = elf_slot_named(l->exe, name, NULL);

	*is_data = 0;
	while ((s = elf_symbol_named(l->exe, name, s)) != NULL)
		if (s->type == ELF_TYPE_OBJECT)
			*is_data = 1;
	return slot;
}

static enum link_found
to_defined(struct linker *l, struct link_symbol *out, const char *name,
    const struct elf_symbol *t)
{
	const struct elf_slot *slot;

	if (t->type == ELF_TYPE_TLS) {
		link_reason(l,
		    "%.*s: it is thread-local, which a patch cannot reach:"
		    " reach it through a function of the program",
		    LINK_SHOWN, name);
		return nowhere(out);
	}
	if (t->type != ELF_TYPE_IFUNC) {
		out->value = t->value - l->base;
		return LINK_TARGET;
	}
	slot = elf_slot_ifunc(l->exe, t->value);
	if (slot == NULL) {
		link_reason(l,
		    "%.*s: it is chosen when the program starts (an ifunc),"
		    " and the program never calls it: %s",
		    LINK_SHOWN, name, advice(l, name));
		return nowhere(out);
	}
	out->value = slot->addr - l->base;
	return LINK_SLOT;
}

static enum link_found
in_target(struct linker *l, struct link_symbol *out, const struct elf_symbol *s,
    const char *name, const char *file)
{
	const struct elf_symbol *t;
	const struct elf_slot *slot;
	int several;

	t = find_defined(l, name, file, &several);
	/* Nobody said that a static is meant: it may be another one's. */
	if (t != NULL && t->bind == ELF_BIND_LOCAL && file == NULL)
		link_note(l, "%.*s: taken for the static one of %.*s",
		    LINK_SHOWN, name, LINK_SHOWN,
		    t->file != NULL ? t->file : "a library");
	if (t != NULL)
		return to_defined(l, out, s->name, t);
	if (several) {
		tell_ambiguous(l, name);
		return nowhere(out);
	}
	slot = file == NULL ? find_slot(l, name, &out->is_data) : NULL;
	if (slot != NULL && !slot->weak) {
		out->value = slot->addr - l->base;
		return LINK_SLOT;
	}
	if (slot != NULL)
		link_reason(l,
		    "%.*s: the program itself does not know whether it is"
		    " there (a weak symbol of a shared library)",
		    LINK_SHOWN, s->name);
	else if (strcmp(name, "_GLOBAL_OFFSET_TABLE_") == 0)
		link_reason(l,
		    "%.*s: the object is position independent code of a large"
		    " model: compile with -mcmodel=small -fPIE",
		    LINK_SHOWN, s->name);
	else if (s->bind == ELF_BIND_WEAK)
		link_reason(l,
		    "%.*s: it is weak, and not in the executable: %s",
		    LINK_SHOWN, s->name, advice(l, name));
	else
		link_reason(l, "%.*s: it is not in the executable: %s",
		    LINK_SHOWN, s->name, advice(l, name));
	return nowhere(out);
}

static enum link_found
resolve(struct linker *l, struct link_symbol *out, const struct elf_symbol *s)
{
	enum link_found found = LINK_NOWHERE;
	const char *name;
	char *file;

	if (s->index == 0 ||
	    (s->section != ELF_UNDEFINED && s->section != ELF_COMMON &&
		elf_section(l->object, s->section) == NULL)) {
		link_reason(l,
		    "%.*s: it is a number, not a place, and a patch has"
		    " places alone",
		    LINK_SHOWN, link_symbol_name(l, s));
		return nowhere(out);
	}
	if (s->section != ELF_UNDEFINED) {
		if (s->type == ELF_TYPE_TLS)
			return nowhere(out);
		return LINK_OWN;
	}
	/* A dollar may also be just part of a name. */
	if (elf_symbol_named(l->exe, s->name, NULL) != NULL)
		return in_target(l, out, s, s->name, NULL);
	if (split(l, s->name, &file, &name) == 0)
		found = in_target(l, out, s, name, file);
	free(file);
	return found;
}

enum link_found
link_resolve(struct linker *l, size_t index)
{
	struct link_symbol *out = &l->symbols[index];

	if (out->found == LINK_UNASKED)
		out->found = resolve(l, out, elf_symbol(l->object, index));
	return out->found;
}
