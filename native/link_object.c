/* The object with the new functions: what of it is needed, and what keeps it
 * from being part of a program that runs already. */

#include "native/link_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *
link_symbol_name(const struct linker *l, const struct elf_symbol *s)
{
	const struct elf_section *in;

	if (*s->name != '\0')
		return s->name;
	in = elf_section(l->object, s->section);
	return in != NULL && *in->name != '\0' ? in->name : "(no name)";
}

static int
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* --- as a whole ------------------------------------------------------------
 */

static int
open_it(struct linker *l)
{
	static const uint8_t bitcode[] = {'B', 'C', 0xc0, 0xde};
	const uint8_t *bytes = l->spec->object;

	if (l->spec->object_len >= sizeof bitcode &&
	    memcmp(bytes, bitcode, sizeof bitcode) == 0) {
		link_reason(l,
		    "the object is left for the linker to compile (LLVM"
		    " bitcode): compile it with -fno-lto");
		return 0;
	}
	if (elf_open(&l->object, bytes, l->spec->object_len, l->e) != 0)
		return -1;
	return 0;
}

enum {
	HAS_LTO = 1,
	HAS_CXX = 2,
	HAS_CTORS = 4,
};

static unsigned
section_has(const struct elf_section *s)
{
	static const char *const ctors[] = {
	    ".init", ".fini", ".ctors", ".dtors", ".preinit_array"};
	size_t i;

	if (begins(s->name, ".gnu.lto_"))
		return HAS_LTO;
	if (begins(s->name, ".gcc_except_table"))
		return HAS_CXX;
	if (s->size == 0)
		return 0;
	if (s->type == ELF_SECTION_INIT_ARRAY ||
	    s->type == ELF_SECTION_FINI_ARRAY ||
	    s->type == ELF_SECTION_PREINIT_ARRAY)
		return HAS_CTORS;
	for (i = 0; i < sizeof ctors / sizeof *ctors; i++)
		if (begins(s->name, ctors[i]))
			return HAS_CTORS;
	return 0;
}

static void
check_sections(struct linker *l)
{
	unsigned has = 0;
	size_t i;

	for (i = 0; i < elf_section_count(l->object); i++)
		has |= section_has(elf_section(l->object, i));
	for (i = 0; i < elf_symbol_count(l->object); i++)
		if (begins(elf_symbol(l->object, i)->name, "_Z") ||
		    begins(elf_symbol(l->object, i)->name, "__gxx_"))
			has |= HAS_CXX;
	if ((has & HAS_LTO) != 0)
		link_reason(l,
		    "the object is left for the linker to compile: compile it"
		    " with -fno-lto");
	if ((has & HAS_CXX) != 0)
		link_reason(l,
		    "the object is of C++ or has tables of exceptions: write"
		    " the fix in C, compile it without -fexceptions");
	if ((has & HAS_CTORS) != 0)
		link_reason(l,
		    "the object has constructors or destructors, which nobody"
		    " would run (an attribute, or made by --coverage or"
		    " -fsanitize): compile it without");
}

/* What is thread-local, or chosen at the start, by name. */
static void
check_symbols(struct linker *l)
{
	size_t i;

	for (i = 0; i < elf_symbol_count(l->object); i++) {
		const struct elf_symbol *s = elf_symbol(l->object, i);

		if (s->section == ELF_UNDEFINED)
			continue;
		if (s->type == ELF_TYPE_TLS) {
			l->symbols[i].told = 1;
			link_reason(l,
			    "%.*s: the object has a thread-local variable,"
			    " which threads that run already would not have:"
			    " keep it in the program's own data",
			    LINK_SHOWN, s->name);
		}
		if (s->type == ELF_TYPE_IFUNC)
			link_reason(l,
			    "%.*s: the object has a function that is chosen"
			    " at the start (an ifunc): call the right one",
			    LINK_SHOWN, s->name);
	}
}

int
link_open_object(struct linker *l)
{
	const char *is = NULL;

	if (open_it(l) != 0)
		return -1;
	if (l->object == NULL)
		return 0;
	if (elf_machine(l->object) != elf_machine(l->exe))
		link_reason(l, "the object is for %s, the executable for %s",
		    elf_machine_name(elf_machine(l->object)),
		    elf_machine_name(elf_machine(l->exe)));
	if (elf_kind(l->object) != ELF_KIND_OBJECT)
		is = elf_is_program(l->object) ? "an executable"
					       : "a shared library";
	if (is != NULL) {
		link_reason(l,
		    "the object is %s: give the file that cc -c made", is);
		elf_close(l->object);
		l->object = NULL;
		return 0;
	}
	l->places = calloc(elf_section_count(l->object) + 1, sizeof *l->places);
	l->symbols =
	    calloc(elf_symbol_count(l->object) + 1, sizeof *l->symbols);
	if (l->places == NULL || l->symbols == NULL)
		return link_no_memory(l);
	check_sections(l);
	check_symbols(l);
	return 0;
}

/* --- what is needed --------------------------------------------------------
 */

static void
find_new(struct linker *l, struct link_pair *pair, const char *name)
{
	const struct elf_symbol *s = NULL, *any = NULL;
	size_t n = 0;

	while ((s = elf_symbol_named(l->object, name, s)) != NULL) {
		const struct elf_section *in =
		    elf_section(l->object, s->section);

		any = s;
		if (s->type != ELF_TYPE_FUNC || in == NULL ||
		    (in->flags & ELF_FLAG_EXEC) == 0)
			continue;
		pair->new_symbol = s;
		n++;
	}
	if (n > 1)
		link_reason(l,
		    "%.*s: the object has several functions of this name (it"
		    " was put together by ld -r): make one of them global, and"
		    " give it a name of its own",
		    LINK_SHOWN, name);
	if (n > 0)
		return;
	link_reason(l, "%.*s: the object has no such function%s", LINK_SHOWN,
	    name,
	    any == NULL ? " (a static one that nobody calls is left out: make"
			  " it global)"
	    : any->section == ELF_UNDEFINED ? ", it only calls it"
					    : ", but something else that is"
					      " called so");
}

/* What is to be looked through yet. */
struct todo {
	size_t *sections;
	size_t n;
};

/* Sections that are placed in the reserve; of others nothing is needed. */
static int
is_placed(const struct elf_section *s)
{
	return (s->flags & ELF_FLAG_ALLOC) != 0 &&
	       (s->flags & ELF_FLAG_TLS) == 0 &&
	       (s->type == ELF_SECTION_PROGBITS ||
		   s->type == ELF_SECTION_NOBITS);
}

static void
need(struct linker *l, struct todo *t, const struct elf_symbol *s)
{
	const struct elf_section *in = elf_section(l->object, s->section);
	struct link_place *place;

	if (in == NULL || s->section == ELF_UNDEFINED)
		return;
	place = &l->places[s->section];
	if (place->needed)
		return;
	place->needed = 1;
	if (!is_placed(in)) {
		link_reason(l,
		    "%.*s: it is in the section %.*s of the object, which no"
		    " patch can have",
		    LINK_SHOWN, link_symbol_name(l, s), LINK_SHOWN, in->name);
		return;
	}
	if ((in->flags & ELF_FLAG_EXEC) != 0 &&
	    (in->flags & ELF_FLAG_WRITE) != 0)
		link_reason(l,
		    "%.*s: it is in the section %.*s of the object, which is"
		    " both written and executed; a patch has nothing such",
		    LINK_SHOWN, link_symbol_name(l, s), LINK_SHOWN, in->name);
	if (in->align > NATIVE_PAGE)
		link_reason(l,
		    "%.*s: it is aligned to %" PRIu64
		    " bytes, a patch can do %d",
		    LINK_SHOWN, link_symbol_name(l, s), in->align, NATIVE_PAGE);
	t->sections[t->n++] = s->section;
}

/* Once a symbol, or once an object. */
static void
tell_refused(struct linker *l, const struct elf_reloc *r, const char *why,
    int of_all)
{
	const struct elf_symbol *s = elf_symbol(l->object, r->symbol);

	if (l->symbols[r->symbol].told || (of_all && l->told_once == why))
		return;
	l->symbols[r->symbol].told = 1;
	if (of_all)
		l->told_once = why;
	if (why != NULL)
		link_reason(l, "%.*s: it %s", LINK_SHOWN,
		    link_symbol_name(l, s), why);
	else
		link_reason(l,
		    "%.*s: the object refers to it by a relocation of type"
		    " %" PRIu32 ", which is not known here: compile with"
		    " -mcmodel=small -fPIE",
		    LINK_SHOWN, link_symbol_name(l, s), r->type);
}

static void
want_stub(struct linker *l, struct link_symbol *sym)
{
	if (sym->stub == LINK_NONE)
		sym->stub = l->nstubs++;
}

/* What is there, and in reach, and what has to be made for it? */
static void
look_at(struct linker *l, struct todo *t, const struct elf_reloc *r)
{
	const struct link_how how = l->arch == NATIVE_X86_64
					? link_how_x86_64(r->type)
					: link_how_aarch64(r->type);
	const struct elf_symbol *s = elf_symbol(l->object, r->symbol);
	struct link_symbol *sym = &l->symbols[r->symbol];
	enum link_found found;

	if (how.way == LINK_SKIP)
		return;
	if (how.way == LINK_REFUSED) {
		tell_refused(l, r, how.why, how.of_all);
		return;
	}
	found = link_resolve(l, r->symbol);
	if (found == LINK_NOWHERE)
		return;
	if (found == LINK_OWN)
		need(l, t, s);
	if ((how.kind == NATIVE_ABS32 || how.kind == NATIVE_ABS32S) &&
	    elf_kind(l->exe) == ELF_KIND_DYNAMIC) {
		tell_refused(l, r,
		    "is reached by an address of 32 bits, but the executable"
		    " may be loaded anywhere: compile with -fPIE",
		    1);
		return;
	}
	if (found == LINK_SLOT && how.way == LINK_VALUE && sym->is_data) {
		tell_refused(l, r,
		    "is data of a shared library, reached as if it were the"
		    " program's own: compile with -fPIC",
		    0);
		return;
	}
	if (found == LINK_SLOT && how.way != LINK_CELL)
		want_stub(l, sym);
	if (found != LINK_SLOT && how.way == LINK_CELL &&
	    sym->cell == LINK_NONE)
		sym->cell = l->ncells++;
}

/* A variable that the program has, too, would be two from now on. */
static void
check_variable(struct linker *l, const struct elf_symbol *s)
{
	const struct elf_section *in = elf_section(l->object, s->section);
	const struct elf_symbol *t = NULL;
	const int local = s->bind == ELF_BIND_LOCAL;

	if (s->type == ELF_TYPE_SECTION || s->type == ELF_TYPE_FUNC ||
	    *s->name == '\0')
		return;
	if (s->section == ELF_COMMON) {
		if (l->symbols[s->index].found != LINK_OWN)
			return;
	} else if (in == NULL || !l->places[s->section].needed ||
		   (in->flags & ELF_FLAG_WRITE) == 0 ||
		   begins(in->name, ".data.rel.ro")) {
		return;
	}
	while ((t = elf_symbol_named(l->exe, s->name, t)) != NULL)
		if (t->section != ELF_UNDEFINED && t->type == ELF_TYPE_OBJECT &&
		    (local ? t->bind == ELF_BIND_LOCAL && t->file != NULL
			   : t->bind != ELF_BIND_LOCAL || t->file == NULL))
			break;
	if (t == NULL)
		return;
	if (local)
		link_note(l,
		    "%.*s: the patch has a static variable of its own, with"
		    " its first value; for that of the program say extern and"
		    " __asm__(\"%.*s$%.*s\") in the fix",
		    LINK_SHOWN, s->name, LINK_SHOWN, t->file, LINK_SHOWN,
		    t->name);
	else
		link_reason(l,
		    "%.*s: the program has this variable, and would have two"
		    " of it: say extern in the fix",
		    LINK_SHOWN, s->name);
}

/* A function that the program has, too, and that nobody asked to replace. */
static void
check_double(struct linker *l, const struct elf_symbol *s)
{
	const struct elf_section *in = elf_section(l->object, s->section);
	const struct elf_symbol *t = NULL;
	size_t i;

	if (s->type != ELF_TYPE_FUNC || s->bind == ELF_BIND_LOCAL ||
	    in == NULL || !l->places[s->section].needed)
		return;
	for (i = 0; i < l->npairs; i++)
		if (l->pairs[i].new_symbol == s)
			return;
	while ((t = elf_symbol_named(l->exe, s->name, t)) != NULL)
		if (t->section != ELF_UNDEFINED && t->bind != ELF_BIND_LOCAL)
			break;
	if (t != NULL)
		link_note(l,
		    "%.*s: the fix has a copy of this function and calls that"
		    "%s; to call the program's leave only its declaration in"
		    " the fix, to replace that, too, add %.*s=%.*s",
		    LINK_SHOWN, s->name,
		    s->bind == ELF_BIND_WEAK
			? ", also where a linker would take the program's (it"
			  " is weak)"
			: ", not the program's",
		    LINK_SHOWN, s->name, LINK_SHOWN, s->name);
}

int
link_find_needed(struct linker *l)
{
	const size_t nsections = elf_section_count(l->object);
	struct todo t = {calloc(nsections + 1, sizeof *t.sections), 0};
	size_t i, section;

	if (t.sections == NULL)
		return link_no_memory(l);
	for (i = 0; i < elf_symbol_count(l->object); i++)
		l->symbols[i].stub = l->symbols[i].cell = LINK_NONE;
	for (i = 0; i < l->npairs; i++) {
		find_new(l, &l->pairs[i], l->spec->pairs[i].new_name);
		if (l->pairs[i].new_symbol != NULL)
			need(l, &t, l->pairs[i].new_symbol);
	}
	/* Each section is put there once. */
	while (t.n > 0) {
		section = t.sections[--t.n];
		for (i = 0; i < elf_reloc_count(l->object, section); i++) {
			const struct elf_reloc r =
			    elf_reloc(l->object, section, i);

			look_at(l, &t, &r);
		}
	}
	for (i = 0; i < elf_symbol_count(l->object); i++) {
		check_variable(l, elf_symbol(l->object, i));
		check_double(l, elf_symbol(l->object, i));
	}
	free(t.sections);
	return 0;
}
