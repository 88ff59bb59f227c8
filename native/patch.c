/* Patches of native code: what holds of each, and their file. */

#include "native/patch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

/* NOPs at an entry: more than any compiler was asked for. */
#define PAD_MAX 64
/* An endbr64 or a bti in front of the site. */
#define MARK    4

int
native_is_id(const char *s, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				      "._-";
	size_t i;

	/* "-" is no id, and none is taken for an option. */
	if (len == 0 || len > NATIVE_ID || s[0] == '-')
		return 0;
	for (i = 0; i < len; i++)
		if (memchr(allowed, s[i], sizeof allowed - 1) == NULL)
			return 0;
	return 1;
}

const char *
native_arch_name(enum native_arch arch)
{
	return arch == NATIVE_X86_64 ? "x86_64" : "aarch64";
}

size_t
native_jump_size(enum native_arch arch)
{
	return arch == NATIVE_X86_64 ? NATIVE_JUMP_X86_64 : NATIVE_JUMP_AARCH64;
}

const char *
native_kind_name(enum native_kind kind)
{
	static const char *const names[NATIVE_KINDS] = {"abs64", "abs32",
	    "abs32s", "rel32", "rel64", "call26", "adrp", "lo12_0", "lo12_1",
	    "lo12_2", "lo12_3", "lo12_4"};

	return names[kind];
}

size_t
native_kind_size(enum native_kind kind)
{
	return kind == NATIVE_ABS64 || kind == NATIVE_REL64 ? 8 : 4;
}

int
native_kind_is_code(enum native_kind kind)
{
	return kind >= NATIVE_CALL26;
}

void
native_patch_free(struct native_patch *p)
{
	if (p == NULL)
		return;
	free(p->relocs);
	free(p->bytes);
	free(p->names);
	free(p);
}

/* --- what holds of each ----------------------------------------------------
 */

static int
is_name(const char *s)
{
	size_t n;

	for (n = 0; s[n] > ' ' && s[n] <= '~'; n++)
		;
	return s[n] == '\0' && n > 0 && n <= NATIVE_NAME;
}

static const char *
check_head(const struct native_patch *p)
{
	const size_t needs = strlen(p->needs);

	if (p->arch != NATIVE_X86_64 && p->arch != NATIVE_AARCH64)
		return "no such arch";
	if (!native_is_id(p->id, strlen(p->id)))
		return "its id is no id";
	if (needs > 0 && !native_is_id(p->needs, needs))
		return "what it needs is no id";
	if (strcmp(p->id, p->needs) == 0)
		return "it needs itself";
	if (p->build_id_len < NATIVE_BUILD_ID_MIN ||
	    p->build_id_len > NATIVE_BUILD_ID)
		return "a build-id has 8 to 64 bytes";
	if (p->code == 0 || p->code > NATIVE_AREA ||
	    p->rodata > NATIVE_AREA - p->code)
		return "sizes: code and rodata are not 1 to 16777216 bytes";
	if (p->data > NATIVE_AREA || p->bss > NATIVE_AREA - p->data)
		return "sizes: data and bss are over 16777216 bytes";
	if (p->nfuncs == 0 || p->nfuncs > NATIVE_FUNCS)
		return "it has not 1 to 16 functions";
	if (p->nrelocs > NATIVE_RELOCS)
		return "it has more than 65536 relocations";
	return NULL;
}

static const char *
check_func(const struct native_patch *p, const struct native_func *f)
{
	const size_t jump = native_jump_size(p->arch);
	const uint64_t units = p->arch == NATIVE_AARCH64 ? 4 : 1;
	uint64_t before; /* of the site, in the function */

	if (f->off >= NATIVE_VALUE || f->size == 0 || f->size > NATIVE_AREA)
		return "no place of a function";
	if (f->site != f->off && f->site != f->off + MARK)
		return "its site is not at the entry";
	before = f->site - f->off;
	if (f->size < before + jump)
		return "the jump is longer than what was hashed";
	if (f->pad != 0 &&
	    (f->pad < jump || f->pad > PAD_MAX || f->pad > f->size - before))
		return "its pad does not hold the jump or is not in it";
	if (f->new_off >= p->code)
		return "the new function is not in the code";
	if ((f->off | f->new_off | f->pad) % units != 0)
		return "it is between instructions";
	return NULL;
}

static const char *
check_reloc(const struct native_patch *p, const struct native_reloc *r)
{
	const size_t area = r->where == 'c' ? p->code + p->rodata : p->data;
	size_t size;

	if ((r->where != 'c' && r->where != 'd') ||
	    (r->base != 'c' && r->base != 'd' && r->base != 'm'))
		return "no such area";
	if ((unsigned)r->kind >= NATIVE_KINDS)
		return "no such kind";
	size = native_kind_size(r->kind);
	if (r->off > area || area - r->off < size)
		return "it is not in the bytes";
	if (p->arch == NATIVE_X86_64
		? native_kind_is_code(r->kind)
		: r->kind == NATIVE_ABS32 || r->kind == NATIVE_ABS32S)
		return "its kind is of another arch";
	if (native_kind_is_code(r->kind) &&
	    (r->where != 'c' || r->off % 4 != 0))
		return "there is no instruction";
	if (r->value <= -NATIVE_VALUE || r->value >= NATIVE_VALUE)
		return "its value is out of every address space";
	return NULL;
}

/* Behind the one before, so that no byte is written twice, and there is one
 * order. */
static int
follows(const struct native_reloc *r, const struct native_reloc *before)
{
	if (r->where != before->where)
		return before->where == 'c';
	return r->off >= before->off &&
	       r->off - before->off >= native_kind_size(before->kind);
}

int
native_patch_check(const struct native_patch *p, struct err *e)
{
	const char *why = check_head(p);
	size_t i;

	if (why != NULL)
		return err_set(e, ERR_NO, "patch: %s", why);
	for (i = 0; i < p->nfuncs; i++) {
		const struct native_func *f = &p->funcs[i];

		if (!is_name(f->name))
			return err_set(e, ERR_NO,
			    "patch: function %zu has a name of other than"
			    " ASCII or of over %d bytes",
			    i + 1, NATIVE_NAME);
		why = check_func(p, f);
		if (why == NULL && i > 0 &&
		    f->off < p->funcs[i - 1].off + p->funcs[i - 1].size)
			why = "it lies over the one before, or is not in"
			      " order";
		if (why != NULL)
			return err_set(e, ERR_NO, "patch: function %s: %s",
			    f->name, why);
	}
	for (i = 0; i < p->nrelocs; i++) {
		const struct native_reloc *r = &p->relocs[i];

		if (!is_name(r->symbol))
			return err_set(e, ERR_NO,
			    "patch: relocation %zu has a symbol of other than"
			    " ASCII or of over %d bytes",
			    i + 1, NATIVE_NAME);
		why = check_reloc(p, r);
		if (why == NULL && i > 0 && !follows(r, &p->relocs[i - 1]))
			why = "it lies over the one before, or is not in"
			      " order";
		if (why != NULL)
			return err_set(e, ERR_NO,
			    "patch: relocation %zu (%s): %s", i + 1, r->symbol,
			    why);
	}
	return 0;
}

/* --- its file --------------------------------------------------------------
 */

static void
put_digest(struct buf *out, const char *name, const void *bytes, size_t len)
{
	uint8_t digest[SHA512_SIZE];
	char digits[2 * SHA512_SIZE + 1];

	sha512(digest, bytes, len);
	buf_printf(out, "%s %s\n", name,
	    hex_encode(digits, digest, sizeof digest));
}

static void
put_func(struct buf *out, const struct native_func *f)
{
	char digits[2 * SHA512_SIZE + 1];

	buf_printf(out,
	    "func %s off %" PRIx64 " size %" PRIx64 " site %" PRIx64
	    " pad %u sha512 %s new %" PRIx64 "\n",
	    f->name, f->off, f->size, f->site, f->pad,
	    hex_encode(digits, f->sha512, sizeof f->sha512), f->new_off);
}

static void
put_reloc(struct buf *out, const struct native_reloc *r)
{
	const uint64_t size =
	    r->value < 0 ? (uint64_t)-r->value : (uint64_t)r->value;

	buf_printf(out, "rel %c %" PRIx64 " %s %c %s%" PRIx64 " %s\n", r->where,
	    r->off, native_kind_name(r->kind), r->base, r->value < 0 ? "-" : "",
	    size, r->symbol);
}

int
native_patch_format(struct buf *out, const struct native_patch *p,
    struct err *e)
{
	const size_t at = out->len;
	char digits[2 * NATIVE_BUILD_ID + 1];
	size_t i, nbytes;

	if (native_patch_check(p, e) != 0)
		return -1;
	nbytes = p->code + p->rodata + p->data;
	buf_printf(out,
	    "HOTFIX-NATIVE 1\nid %s\narch %s\nmodule main\nbuild-id %s\n"
	    "needs %s\nsizes code %zu rodata %zu data %zu bss %zu\n",
	    p->id, native_arch_name(p->arch),
	    hex_encode(digits, p->build_id, p->build_id_len),
	    p->needs[0] != '\0' ? p->needs : "-", p->code, p->rodata, p->data,
	    p->bss);
	for (i = 0; i < p->nfuncs; i++)
		put_func(out, &p->funcs[i]);
	for (i = 0; i < p->nrelocs; i++)
		put_reloc(out, &p->relocs[i]);
	buf_printf(out, "relocs %zu\n", p->nrelocs);
	put_digest(out, "body-sha512", p->bytes, nbytes);
	if (!out->oom)
		put_digest(out, "head-sha512", out->data + at, out->len - at);
	buf_puts(out, "bytes\n");
	buf_append(out, p->bytes, nbytes);
	if (out->oom)
		return err_set(e, ERR_LOCAL, "out of memory");
	return 0;
}
