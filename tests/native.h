#ifndef TESTS_NATIVE_H
#define TESTS_NATIVE_H

/*
 * Patches made by hand, of small functions that are compiled into the test
 * itself, each in a section of its own: so its bytes can be taken.
 *
 * A reserve of the test's own stands in for that of the library.
 */

#define HOTFIX_NATIVE_RESERVE (4 << 20)
#include "native/reserve.c"

#include <string.h>

#include "native/apply.h"
#include "native/self.h"
#include "tests/tap.h"

#ifdef __clang__
#define FN_ATTRIBUTES noinline, used
#else
#define FN_ATTRIBUTES noipa, used
#endif

/*
 * A function NAME with so many NOPs at its entry, and nothing in it that the
 * compiler adds for itself. It is called by a pointer that may change, so that
 * no compiler knows what it returns.
 */
#define FN(name, nops)                                                \
	extern uint8_t __start_fn_##name[], __stop_fn_##name[];       \
	__attribute__((FN_ATTRIBUTES, patchable_function_entry(nops), \
	    section("fn_" #name), no_sanitize("address", "undefined"))) static
/* Where it is and how long. */
#define AT(name)   ((const uint8_t *)__start_fn_##name)
#define LEN(name)  ((uintptr_t)__stop_fn_##name - (uintptr_t)__start_fn_##name)
#define BODY(name) AT(name), LEN(name)

#ifdef __aarch64__
#define OWN_ARCH   NATIVE_AARCH64
#define OTHER_ARCH NATIVE_X86_64
#define NOPS       1 /* one is as long as a jump */
#define PAD        4
#define JUMP       NATIVE_JUMP_AARCH64
#else
#define OWN_ARCH   NATIVE_X86_64
#define OTHER_ARCH NATIVE_AARCH64
#define NOPS       5
#define PAD        5
#define JUMP       NATIVE_JUMP_X86_64
#endif

/*
 * What the patches of these tests are of: two functions, and what they are
 * replaced by. Call the old ones by their pointers.
 */
FN(damage, NOPS) int damage(int n)
{
	return n * 3 + 1;
}

FN(heal, NOPS) int heal(int n)
{
	return n * 5 + 2;
}

FN(damage_1, 0) int damage_1(int n)
{
	return n * 11 + 1000;
}

FN(damage_2, 0) int damage_2(int n)
{
	return n * 13 + 2000;
}

FN(heal_1, 0) int heal_1(int n)
{
	return n * 17 + 3000;
}

__attribute__((unused)) static int (*volatile call_damage)(int) = damage;
__attribute__((unused)) static int (*volatile call_heal)(int) = heal;

#define MADE_BYTES  1024
#define MADE_RELOCS 8

struct made {
	struct native_patch p;
	uint8_t bytes[MADE_BYTES];
	struct native_reloc relocs[MADE_RELOCS];
};

__attribute__((unused)) static struct self
made_self(void)
{
	struct self s;

	if (self_read(&s) != 0 || s.build_id == NULL) {
		printf("Bail out! no build-id\n");
		exit(1);
	}
	return s;
}

/* A patch for this very program, without functions. */
__attribute__((unused)) static void
made_begin(struct made *m, const char *id)
{
	struct self s = made_self();

	memset(m, 0, sizeof *m);
	snprintf(m->p.id, sizeof m->p.id, "%s", id);
	m->p.arch = OWN_ARCH;
	memcpy(m->p.build_id, s.build_id, s.build_id_len);
	m->p.build_id_len = s.build_id_len;
	m->p.bytes = m->bytes;
	m->p.relocs = m->relocs;
}

/* New code at the end; its offset. Before any data. */
__attribute__((unused)) static size_t
made_code(struct made *m, const void *code, size_t len)
{
	size_t at = (m->p.code + 15) & ~(size_t)15;

	memcpy(m->bytes + at, code, len);
	m->p.code = at + len;
	return at;
}

/* The function at old is replaced by what is at new_off; its bytes now are
 * what the patch is for. site_off: behind an endbr64. */
__attribute__((unused)) static void
made_func(struct made *m, const char *name, const uint8_t *old, size_t len,
    size_t site_off, unsigned pad, size_t new_off)
{
	struct native_func *f = &m->p.funcs[m->p.nfuncs++];

	snprintf(f->name, sizeof f->name, "%s", name);
	f->off = (uintptr_t)old - made_self().base;
	f->size = len;
	f->site = f->off + site_off;
	f->pad = pad;
	f->new_off = new_off;
	sha512(f->sha512, old, len);
}

__attribute__((unused)) static void
made_reloc(struct made *m, char where, size_t off, enum native_kind kind,
    char base, int64_t value)
{
	struct native_reloc *r = &m->relocs[m->p.nrelocs++];

	r->where = where;
	r->off = off;
	r->kind = kind;
	r->base = base;
	r->value = value;
	r->symbol = "symbol";
}

/* One function, with NOPs at its entry, replaced by another. */
#define MADE_ONE(m, id, old, new)                                          \
	(made_begin((m), (id)), made_func((m), #old, AT(old), LEN(old), 0, \
				    PAD, made_code((m), BODY(new))))

/* ---- what is told line by line ------------------------------------------ */

#define LISTED_MAX 4

struct listed {
	char lines[LISTED_MAX][300];
	size_t n;
};

/* For lists of patches; arg is a struct listed. */
__attribute__((unused)) static void
on_line(void *arg, const char *line)
{
	struct listed *l = arg;

	if (l->n < LISTED_MAX)
		snprintf(l->lines[l->n++], sizeof *l->lines, "%s", line);
}

#endif
