#include "native/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "native/entry.h"
#include "native/fixup.h"
#include "native/reserve.h"

__attribute__((format(printf, 3, 4))) static enum native_code
no(struct native_plan *plan, enum native_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(plan->why, sizeof plan->why, fmt, ap);
	va_end(ap);
	return code;
}

static size_t
whole_pages(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) & ~(page - 1);
}

#define BUILD_SHOWN 20 /* bytes of a build-id: all of a SHA-1 */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- is it for this process? --------------------------------------------- */

static int
func_is_sane(const struct native_patch *p, const struct native_func *f)
{
	size_t jump = native_jump_size(p->arch);

	return f->new_off < p->code && f->off < (uint64_t)NATIVE_VALUE &&
	       f->site >= f->off && f->size >= jump && f->size <= NATIVE_AREA &&
	       f->site - f->off <= f->size - jump;
}

static int
reloc_is_sane(const struct native_patch *p, const struct native_reloc *r)
{
	size_t area = r->where == 'c' ? p->code + p->rodata : p->data;

	return (unsigned)r->kind < NATIVE_KINDS &&
	       (r->where == 'c' || r->where == 'd') &&
	       (r->base == 'c' || r->base == 'd' || r->base == 'm') &&
	       r->off <= area && native_kind_size(r->kind) <= area - r->off;
}

/* What reading a file has checked is checked once more, for what would be
 * written is code: nobody's mistake may get through. */
static int
is_sane(const struct native_patch *p)
{
	size_t i;

	if (p->nfuncs < 1 || p->nfuncs > NATIVE_FUNCS ||
	    p->code > NATIVE_AREA || p->rodata > NATIVE_AREA ||
	    p->data > NATIVE_AREA || p->bss > NATIVE_AREA ||
	    !native_is_id(p->id, strlen(p->id)))
		return 0;
	for (i = 0; i < p->nfuncs; i++)
		if (!func_is_sane(p, &p->funcs[i]))
			return 0;
	for (i = 0; i < p->nrelocs; i++)
		if (!reloc_is_sane(p, &p->relocs[i]))
			return 0;
	return 1;
}

/* Both ids, for who has several builds about. */
static enum native_code
no_build(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	const struct self *s = &prog->self;
	char its[2 * BUILD_SHOWN + 1], ours[2 * BUILD_SHOWN + 1];

	hex_encode(its, p->build_id, least(p->build_id_len, BUILD_SHOWN));
	hex_encode(ours, s->build_id, least(s->build_id_len, BUILD_SHOWN));
	return no(plan, NATIVE_BUILD,
	    "the patch is for another build, %s; what runs here is %s", its,
	    ours);
}

static enum native_code
check_program(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	const struct live *l;

	if (!is_sane(p))
		return no(plan, NATIVE_FORMAT, "the patch contradicts itself");
	if (p->arch != prog->arch)
		return no(plan, NATIVE_ARCH, "the patch is for %s, this is %s",
		    native_arch_name(p->arch), native_arch_name(prog->arch));
	if (p->build_id_len != prog->self.build_id_len ||
	    memcmp(p->build_id, prog->self.build_id, p->build_id_len) != 0)
		return no_build(plan, prog, p);
	l = live_find(&prog->set, p->id);
	if (l != NULL && memcmp(l->patch, p->digest, sizeof l->patch) != 0)
		return no(plan, NATIVE_ORDER,
		    "another patch with the id %s is live: revert it first",
		    p->id);
	if (l != NULL)
		return no(plan, NATIVE_DUP, "%s is live already", p->id);
	if (p->needs[0] != '\0' && live_find(&prog->set, p->needs) == NULL)
		return no(plan, NATIVE_NEEDS, "%s needs %s, which is not live",
		    p->id, p->needs);
	return NATIVE_OK;
}

/* --- is the old code what it was made for? ------------------------------- */

static int
is_reserve(uintptr_t at, uint64_t len)
{
	uintptr_t from = (uintptr_t)native_reserve_code;

	return at < from + native_reserve_code_len && from < at + len;
}

static enum native_code
check_body(struct native_plan *plan, const struct program *prog,
    const struct native_func *f)
{
	enum native_code code = NATIVE_SPACE;
	uintptr_t at = prog->self.base + f->off;
	uint8_t digest[SHA512_SIZE], *body;

	body = malloc(f->size);
	if (body == NULL)
		return no(plan, code, "no memory");
	memcpy(body, (const void *)at, f->size);
	code = NATIVE_MISMATCH;
	if (live_restore(&prog->set, body, at, f->size) != 0) {
		no(plan, code, "%s: its jump was changed by somebody else",
		    f->name);
		goto done;
	}
	sha512(digest, body, f->size);
	if (memcmp(digest, f->sha512, sizeof digest) != 0) {
		no(plan, code,
		    "%s: the code in memory is not what the patch was made "
		    "for; is a debugger at work?",
		    f->name);
		goto done;
	}
	code = NATIVE_OK;
done:
	free(body);
	return code;
}

static enum native_code
check_funcs(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	size_t jump = native_jump_size(p->arch), i, k;
	const struct native_func *f, *g;
	enum native_code code;

	for (i = 0; i < p->nfuncs; i++) {
		f = &p->funcs[i];
		if (!self_is_code(&prog->self, f->off, f->size) ||
		    is_reserve(prog->self.base + f->off, f->size))
			return no(plan, NATIVE_MODULE,
			    "%s is not in the program's code", f->name);
		for (k = 0; k < i; k++) {
			g = &p->funcs[k];
			if (f->site < g->site + jump &&
			    g->site < f->site + jump)
				return no(plan, NATIVE_FORMAT,
				    "%s and %s begin at one place", g->name,
				    f->name);
		}
		if (live_meets(&prog->set, prog->self.base + f->site, jump))
			return no(plan, NATIVE_MISMATCH,
			    "%s: a live patch begins in its first bytes",
			    f->name);
		code = check_body(plan, prog, f);
		if (code != NATIVE_OK)
			return code;
	}
	return NATIVE_OK;
}

/* --- how would it lie in the reserve? ------------------------------------ */

static uint64_t
address_of(const struct live *l, const struct program *prog, char base)
{
	switch (base) {
	case 'c':
		return (uintptr_t)native_reserve_code + l->code_at;
	case 'd':
		return (uintptr_t)native_reserve_data + l->data_at;
	default:
		return prog->self.base;
	}
}

/* Both areas as they would be at the live's places. */
static enum native_code
relocate(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	const struct live *l = plan->live;
	const struct native_reloc *r;
	uint8_t *area;
	uint64_t v, at;
	size_t i;

	memcpy(plan->code, p->bytes, l->code_len);
	if (l->data_len > 0) {
		memcpy(plan->data, p->bytes + l->code_len, p->data);
		memset(plan->data + p->data, 0, p->bss);
	}
	for (i = 0; i < p->nrelocs; i++) {
		r = &p->relocs[i];
		area = r->where == 'c' ? plan->code : plan->data;
		at = address_of(l, prog, r->where) + r->off;
		v = address_of(l, prog, r->base) + (uint64_t)r->value;
		if (fixup_apply(area + r->off, r->kind, v, at) != 0)
			return no(plan, NATIVE_RANGE,
			    "%s is out of reach of an instruction or field of "
			    "the patch (%s)",
			    r->symbol, native_kind_name(r->kind));
	}
	return NATIVE_OK;
}

static void
digest_areas(uint8_t out[SHA512_SIZE], const struct native_plan *plan)
{
	struct sha512 s;

	sha512_init(&s);
	sha512_update(&s, plan->code, plan->live->code_len);
	if (plan->live->data_len > 0)
		sha512_update(&s, plan->data, plan->live->data_len);
	sha512_final(out, &s);
}

/* Is it one that was live before? Then its pages are as they were. */
static int
find_again(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	struct live *fresh = plan->live, *l;
	uint8_t digest[SHA512_SIZE];

	for (l = prog->set.off; l != NULL; l = l->next) {
		if (strcmp(l->id, p->id) != 0 ||
		    l->code_len != fresh->code_len ||
		    l->data_len != fresh->data_len)
			continue;
		plan->live = l;
		if (relocate(plan, prog, p) != NATIVE_OK)
			continue;
		digest_areas(digest, plan);
		if (memcmp(digest, l->digest, sizeof digest) != 0 ||
		    memcmp(plan->code, native_reserve_code + l->code_at,
			l->code_len) != 0)
			continue;
		free(fresh);
		plan->again = 1;
		return 1;
	}
	plan->live = fresh;
	return 0;
}

static enum native_code
place(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	size_t code_left = native_reserve_code_len - prog->code_used;
	size_t data_left = native_reserve_data_len - prog->data_used;
	struct live *l;

	plan->live = l = calloc(1, sizeof *l);
	if (l == NULL)
		return no(plan, NATIVE_SPACE, "no memory");
	memcpy(l->id, p->id, sizeof l->id);
	l->code_at = prog->code_used;
	l->code_len = p->code + p->rodata;
	l->data_at = prog->data_used;
	l->data_len = p->data + p->bss;
	plan->code = malloc(l->code_len);
	plan->data = l->data_len > 0 ? malloc(l->data_len) : NULL;
	if (plan->code == NULL || (plan->data == NULL && l->data_len > 0))
		return no(plan, NATIVE_SPACE, "no memory");
	if (find_again(plan, prog, p))
		return NATIVE_OK;
	if (whole_pages(l->code_len) > code_left)
		return no(plan, NATIVE_SPACE,
		    "%s needs %zu bytes of the code reserve, %zu are left "
		    "until the program is restarted",
		    p->id, whole_pages(l->code_len), code_left);
	if (whole_pages(l->data_len) > data_left)
		return no(plan, NATIVE_SPACE,
		    "%s needs %zu bytes of the data reserve, %zu are left "
		    "until the program is restarted",
		    p->id, whole_pages(l->data_len), data_left);
	if (relocate(plan, prog, p) != NATIVE_OK)
		return NATIVE_RANGE;
	digest_areas(l->digest, plan);
	return NATIVE_OK;
}

static enum native_code
make_jumps(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	struct live *l = plan->live;
	struct live_func *f;
	size_t i;

	memcpy(l->needs, p->needs, sizeof l->needs);
	memcpy(l->patch, p->digest, sizeof l->patch);
	l->nfuncs = p->nfuncs;
	l->jump_len = native_jump_size(p->arch);
	for (i = 0; i < p->nfuncs; i++) {
		f = &l->funcs[i];
		memcpy(f->name, p->funcs[i].name, sizeof f->name);
		f->body = prog->self.base + p->funcs[i].off;
		f->size = p->funcs[i].size;
		f->site = prog->self.base + p->funcs[i].site;

		f->target = address_of(l, prog, 'c') + p->funcs[i].new_off;
		memcpy(f->before, (const void *)f->site, l->jump_len);
		f->sled = p->funcs[i].pad >= l->jump_len &&
			  entry_is_sled(f->before, p->arch);
		if (entry_jump(f->jump, p->arch, f->site, f->target) != 0)
			return no(plan, NATIVE_RANGE,
			    "%s is too far from the reserve for a jump",
			    f->name);
	}
	return NATIVE_OK;
}

enum native_code
native_plan_make(struct native_plan *plan, const struct program *prog,
    const struct native_patch *p)
{
	enum native_code code;

	memset(plan, 0, sizeof *plan);
	code = check_program(plan, prog, p);
	if (code == NATIVE_OK)
		code = check_funcs(plan, prog, p);
	if (code == NATIVE_OK)
		code = place(plan, prog, p);
	if (code == NATIVE_OK)
		code = make_jumps(plan, prog, p);
	return code;
}

void
native_plan_free(struct native_plan *plan)
{
	if (!plan->again)
		free(plan->live);
	free(plan->code);
	free(plan->data);
}
