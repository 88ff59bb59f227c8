/* The executable that is to be patched: can it be at all? */

#include "native/link_impl.h"

#include <stdlib.h>
#include <string.h>

#include "native/link_entry.h"

uint64_t
link_reserve(const struct linker *l, const char *name)
{
	const struct elf_symbol *s = NULL;

	while ((s = elf_symbol_named(l->exe, name, s)) != NULL)
		if (s->section != ELF_UNDEFINED && s->size > 0)
			return s->size;
	return 0;
}

static void
check_build_id(struct linker *l)
{
	size_t len;
	const uint8_t *id = elf_build_id(l->exe, &len);

	if (id == NULL)
		link_reason(l,
		    "the executable has no build-id, by which a patch finds"
		    " its program: link it with -Wl,--build-id=sha1");
	else if (len < NATIVE_BUILD_ID_MIN)
		link_reason(l,
		    "the executable's build-id has %zu bytes, which proves"
		    " nothing: link it with -Wl,--build-id=sha1",
		    len);
}

int
link_open_target(struct linker *l, const void *exe, size_t len)
{
	if (elf_open(&l->exe, exe, len, l->e) != 0)
		return -1;
	l->arch = elf_machine(l->exe) == ELF_MACHINE_X86_64 ? NATIVE_X86_64
							    : NATIVE_AARCH64;
	if (elf_kind(l->exe) == ELF_KIND_OBJECT || !elf_is_program(l->exe)) {
		link_reason(l,
		    "the executable is %s: only the program itself is patched",
		    elf_kind(l->exe) == ELF_KIND_OBJECT ? "an object file"
							: "a shared library");
		return 0;
	}
	if (elf_base(l->exe, &l->base) != 0)
		link_reason(l,
		    "the executable does not load its ELF header, from which"
		    " addresses are counted: link it without -N and linker"
		    " scripts that drop it");
	check_build_id(l);
	if (elf_symbol_count(l->exe) <= 1) {
		link_reason(l,
		    "the executable has no symbols: give the file as it was"
		    " before strip, it has the same build-id");
		return 0;
	}
	if (link_reserve(l, LINK_RESERVE_CODE) == 0 ||
	    link_reserve(l, LINK_RESERVE_DATA) == 0)
		link_reason(l,
		    "the executable has no reserve for patches: link it with"
		    " libhotfix.a and call hotfix_native_init in main");
	return dwarf_open(&l->dwarf, l->exe, l->e);
}

/* --- how it was compiled ---------------------------------------------------
 */

struct option_text {
	const char *s;
	size_t len;
};

/* The next word of a command line; 0 behind the last. */
static int
next_option(const char **line, struct option_text *out)
{
	*line += strspn(*line, " ");
	out->s = *line;
	out->len = strcspn(*line, " ");
	*line += out->len;
	return out->len > 0;
}

static int
option_is(const struct option_text *o, const char *text)
{
	return o->len == strlen(text) && memcmp(o->s, text, o->len) == 0;
}

static int
option_begins(const struct option_text *o, const char *text)
{
	return o->len >= strlen(text) && memcmp(o->s, text, strlen(text)) == 0;
}

/* What of a command line counts; the last of two that contradict. */
struct compiled {
	int by_gcc;
	int optimized, patchable, live, interposed, pic, lto;
};

static void
read_line(struct compiled *c, const char *line)
{
	struct option_text o;

	memset(c, 0, sizeof *c);
	c->by_gcc = strncmp(line, "GNU ", 4) == 0;
	while (next_option(&line, &o)) {
		if (option_begins(&o, "-O"))
			c->optimized = !option_is(&o, "-O0");
		else if (option_begins(&o, "-fpatchable-function-entry="))
			c->patchable =
			    !option_is(&o, "-fpatchable-function-entry=0");
		else if (option_begins(&o, "-flive-patching"))
			c->live =
			    option_is(&o, "-flive-patching=inline-only-static");
		else if (option_is(&o, "-fsemantic-interposition"))
			c->interposed = 1;
		else if (option_is(&o, "-fno-semantic-interposition"))
			c->interposed = 0;
		else if (option_is(&o, "-fPIC") || option_is(&o, "-fpic"))
			c->pic = 1;
		else if (option_is(&o, "-fPIE") || option_is(&o, "-fpie") ||
			 option_is(&o, "-fno-pic") ||
			 option_is(&o, "-fno-PIC") ||
			 option_is(&o, "-fno-pie") || option_is(&o, "-fno-PIE"))
			c->pic = 0;
		else if (option_begins(&o, "-flto"))
			c->lto = 1;
		else if (option_is(&o, "-fno-lto"))
			c->lto = 0;
	}
}

/* Which option is missing, or there to its harm; NULL: none. */
static const char *
fault(const struct compiled *c)
{
	if (c->lto)
		return "with -flto: compile with -fno-lto";
	if (!c->optimized)
		return NULL;
	if (c->by_gcc)
		return c->live ? NULL
			       : "without -flive-patching=inline-only-static,"
				 " so that callers know what is in a function";
	return c->interposed && c->pic
		   ? NULL
		   : "without -fPIC -fsemantic-interposition, so that"
		     " callers know what is in a function";
}

static int
has_compiler(const struct linker *l, int gcc)
{
	const char *line = NULL;
	struct compiled c;

	while ((line = elf_command_line(l->exe, line)) != NULL) {
		read_line(&c, line);
		if (c.by_gcc == gcc)
			return 1;
	}
	return 0;
}

int
link_has_gcc(const struct linker *l)
{
	return has_compiler(l, 1);
}

int
link_has_clang(const struct linker *l)
{
	return has_compiler(l, 0);
}

void
link_check_flags(struct linker *l)
{
	const char *line = NULL, *told = NULL, *why;
	int any = 0, patchable = 0;
	struct compiled c;

	while ((line = elf_command_line(l->exe, line)) != NULL) {
		any = 1;
		read_line(&c, line);
		if (!c.patchable)
			continue;
		patchable = 1;
		why = fault(&c);
		if (why == NULL || why == told)
			continue;
		link_reason(l,
		    "some of the executable was compiled %s (see"
		    " hotfix-native(7)): %.*s",
		    why, LINK_SHOWN, line);
		told = why;
	}
	if (!any)
		link_reason(l,
		    "the executable does not tell how it was compiled: compile"
		    " with -frecord-gcc-switches (gcc) or"
		    " -frecord-command-line (clang) and the flags in"
		    " hotfix-native(7)");
	else if (!patchable)
		link_reason(l,
		    "the executable was compiled without"
		    " -fpatchable-function-entry: see hotfix-native(7) for the"
		    " flags");
}

/* --- hotfix native check ---------------------------------------------------
 */

/* Has the function NOPs at its entry? */
static int
has_room(const struct linker *l, const struct elf_symbol *s)
{
	struct native_entry entry;
	const uint8_t *bytes;

	if (s->size == 0 || s->size > NATIVE_AREA)
		return 0;
	bytes = elf_bytes(l->exe, s->value, (size_t)s->size);
	return bytes != NULL &&
	       native_entry_look(&entry, l->arch, bytes, (size_t)s->size,
		   (size_t)s->size, 0) == NULL;
}

/* 1 when the name has a part that compilers give to clones. */
static int
is_clone(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL && link_is_clone(name, name, (size_t)(dot - name));
}

static void
count_functions(struct linker *l, struct native_target *out)
{
	size_t i, clones = 0;

	for (i = 0; i < elf_symbol_count(l->exe); i++) {
		const struct elf_symbol *s = elf_symbol(l->exe, i);

		if (s->type != ELF_TYPE_FUNC || s->section == ELF_UNDEFINED)
			continue;
		/* Those of libc and of Lua have no room and are nobody's
		 * fault; nor has what they were made of. */
		if (is_clone(s->name)) {
			clones += (size_t)has_room(l, s);
			continue;
		}
		out->functions++;
		if (!link_is_in(l, s, LINK_APPLY_TEXT) && has_room(l, s))
			out->patchable++;
	}
	if (clones > 0)
		link_note(l,
		    "the compiler made clones of %zu functions, which cannot"
		    " be patched",
		    clones);
	if (out->patchable == 0)
		link_reason(l, "no function has NOPs at its entry:"
			       " compile with -fpatchable-function-entry=5");
}

int
native_check_target(struct native_target *out, const void *exe, size_t len,
    const struct native_told *told, struct err *e)
{
	struct linker l = {.told = told, .e = e};
	const uint8_t *id;
	int ret = -1;

	memset(out, 0, sizeof *out);
	if (link_open_target(&l, exe, len) != 0)
		goto out;
	out->arch = l.arch;
	id = elf_build_id(l.exe, &out->build_id_len);
	if (id != NULL)
		memcpy(out->build_id, id, out->build_id_len);
	else
		out->build_id_len = 0;
	out->code_reserve = (size_t)link_reserve(&l, LINK_RESERVE_CODE);
	out->data_reserve = (size_t)link_reserve(&l, LINK_RESERVE_DATA);
	/* Of what is no program, or has no symbols, more would be noise. */
	if (elf_is_program(l.exe) && elf_symbol_count(l.exe) > 1) {
		link_check_flags(&l);
		count_functions(&l, out);
		if (dwarf_gap(l.dwarf) != NULL)
			link_note(&l,
			    "functions that are inlined somewhere are not all"
			    " known: %s; build with -g, or one that is"
			    " always_inline may be patched while its callers"
			    " stay as they are",
			    dwarf_gap(l.dwarf));
		if (link_has_clang(&l))
			link_note(&l,
			    "clang compiled some of it: its static functions"
			    " cannot be patched");
	}
	if (l.nreasons > 0)
		err_set(e, ERR_NO, "it cannot be patched");
	else
		ret = 0;
out:
	dwarf_close(l.dwarf);
	elf_close(l.exe);
	return ret;
}
