/* Reading the file of a native patch. */

#include "native/patch.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/num.h"

#define MAGIC     "HOTFIX-NATIVE"
#define WORDS_MAX 14 /* of a func, the longest line */
#define WORDS_REL 7
#define SHOWN     32 /* bytes of a wrong word */

struct word {
	const char *s;
	size_t len;
};

struct parser {
	const char *text;
	size_t len, at;
	size_t line; /* number of the one that was taken last */
	struct word words[WORDS_MAX];
	size_t nwords;
	uint8_t body[SHA512_SIZE];
	struct native_patch *p;
	struct buf names; /* of the relocations, each with its NUL */
	size_t room;      /* of p->relocs */
	struct err *e;
};

static int
bad(struct parser *q, const char *why)
{
	return err_set(q->e, ERR_NO, "patch, line %zu: %s", q->line, why);
}

static int
no_memory(struct parser *q)
{
	return err_set(q->e, ERR_LOCAL, "out of memory");
}

/* --- lines and words -------------------------------------------------------
 */

/* How much of a word is shown. */
static int
shown(const struct word *w)
{
	return w->len < SHOWN ? (int)w->len : SHOWN;
}

/* The next line's words: 0 or -1. */
static int
take(struct parser *q)
{
	const char *s = q->text + q->at;
	size_t left = q->len - q->at;
	size_t max = left < NATIVE_LINE ? left : NATIVE_LINE;
	const char *lf = max > 0 ? memchr(s, '\n', max) : NULL;
	const char *p;

	q->line++;
	if (lf == NULL)
		return bad(q, max < NATIVE_LINE
				  ? "the file ends here"
				  : "it is longer than 512 bytes");
	for (p = s; p < lf; p++)
		if (*p < ' ' || *p > '~')
			return bad(q, "it has other bytes than those of text");
	q->at += (size_t)(lf - s) + 1;
	q->nwords = 0;
	while (q->nwords < WORDS_MAX) {
		struct word *w = &q->words[q->nwords++];
		const char *end = memchr(s, ' ', (size_t)(lf - s));

		w->s = s;
		w->len = (size_t)((end != NULL ? end : lf) - s);
		if (w->len == 0)
			return bad(q, "between words is one blank");
		if (end == NULL)
			return 0;
		s = end + 1;
	}
	return bad(q, "it has too many words");
}

static int
word_is(const struct parser *q, size_t i, const char *text)
{
	return i < q->nwords && q->words[i].len == strlen(text) &&
	       memcmp(q->words[i].s, text, q->words[i].len) == 0;
}

/* The next line, of so many words, the first of them this one. */
static int
take_line(struct parser *q, const char *name, size_t nwords)
{
	if (take(q) != 0)
		return -1;
	if (!word_is(q, 0, name))
		return err_set(q->e, ERR_NO,
		    "patch, line %zu: \"%s\" has to be here, it begins with"
		    " \"%.*s\"",
		    q->line, name, shown(&q->words[0]), q->words[0].s);
	if (q->nwords != nwords)
		return err_set(q->e, ERR_NO,
		    "patch, line %zu: \"%s\" has %zu words, not %zu", q->line,
		    name, nwords, q->nwords);
	return 0;
}

/* A decimal number of at most max. */
static int
number(struct parser *q, size_t i, size_t max, size_t *out)
{
	uint64_t n;

	if (num_parse(q->words[i].s, q->words[i].len, max, &n) != NUM_OK)
		return err_set(q->e, ERR_NO,
		    "patch, line %zu: word %zu is no number up to %zu", q->line,
		    i + 1, max);
	*out = (size_t)n;
	return 0;
}

/* A hex number in its one spelling, below NATIVE_VALUE. */
static int
hex_number(const char *s, size_t len, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;
	size_t i;

	if (len == 0 || (len > 1 && s[0] == '0'))
		return -1;
	for (i = 0; i < len; i++) {
		const char *d = memchr(digits, s[i], sizeof digits - 1);

		if (d == NULL)
			return -1;
		n = n * 16 + (uint64_t)(d - digits);
		if (n >= (uint64_t)NATIVE_VALUE)
			return -1;
	}
	*out = n;
	return 0;
}

static int
offset(struct parser *q, size_t i, uint64_t *out)
{
	if (hex_number(q->words[i].s, q->words[i].len, out) != 0)
		return err_set(q->e, ERR_NO,
		    "patch, line %zu: word %zu is no hex number of at most 12"
		    " digits",
		    q->line, i + 1);
	return 0;
}

static int
signed_offset(struct parser *q, size_t i, int64_t *out)
{
	const struct word *w = &q->words[i];
	const size_t minus = w->s[0] == '-';
	uint64_t n;

	if (hex_number(w->s + minus, w->len - minus, &n) != 0 ||
	    (minus && n == 0))
		return err_set(q->e, ERR_NO,
		    "patch, line %zu: word %zu is no hex number of at most 12"
		    " digits",
		    q->line, i + 1);
	*out = minus ? -(int64_t)n : (int64_t)n;
	return 0;
}

static int
digest(struct parser *q, size_t i, uint8_t out[SHA512_SIZE])
{
	if (hex_decode(out, SHA512_SIZE, q->words[i].s, q->words[i].len) != 0)
		return bad(q, "a digest has 128 lower-case hex digits");
	return 0;
}

static int
id(struct parser *q, size_t i, char out[NATIVE_ID + 1])
{
	if (!native_is_id(q->words[i].s, q->words[i].len))
		return bad(q,
		    "an id has 1 to 64 letters, digits and \"._-\", and"
		    " begins with no minus");
	memcpy(out, q->words[i].s, q->words[i].len);
	out[q->words[i].len] = '\0';
	return 0;
}

/* --- the head --------------------------------------------------------------
 */

static int
take_arch(struct parser *q)
{
	if (take_line(q, "arch", 2) != 0)
		return -1;
	if (word_is(q, 1, native_arch_name(NATIVE_X86_64)))
		q->p->arch = NATIVE_X86_64;
	else if (word_is(q, 1, native_arch_name(NATIVE_AARCH64)))
		q->p->arch = NATIVE_AARCH64;
	else
		return bad(q, "arch is x86_64 or aarch64");
	return 0;
}

static int
take_build_id(struct parser *q)
{
	size_t n;

	if (take_line(q, "build-id", 2) != 0)
		return -1;
	n = q->words[1].len / 2;
	if (n < NATIVE_BUILD_ID_MIN || n > NATIVE_BUILD_ID ||
	    hex_decode(q->p->build_id, n, q->words[1].s, q->words[1].len) != 0)
		return bad(q, "a build-id is 8 to 64 bytes in lower-case hex");
	q->p->build_id_len = n;
	return 0;
}

static int
take_sizes(struct parser *q)
{
	static const char *const names[] = {"code", "rodata", "data", "bss"};
	size_t *const out[] = {
	    &q->p->code, &q->p->rodata, &q->p->data, &q->p->bss};
	size_t i;

	if (take_line(q, "sizes", 9) != 0)
		return -1;
	for (i = 0; i < 4; i++) {
		if (!word_is(q, 1 + 2 * i, names[i]))
			return bad(q,
			    "its words are code N rodata N data N bss N");
		if (number(q, 2 + 2 * i, NATIVE_AREA, out[i]) != 0)
			return -1;
	}
	return 0;
}

/* Source text, an object or an executable in its place is told as that. */
static int
looks_like_one(const struct parser *q)
{
	size_t n = strlen(MAGIC);

	return memcmp(q->text, MAGIC, q->len < n ? q->len : n) == 0;
}

static int
take_head(struct parser *q)
{
	if (q->len > 0 && !looks_like_one(q)) {
		q->line = 1;
		return bad(q, "this is no patch file");
	}
	if (take_line(q, MAGIC, 2) != 0)
		return -1;
	if (!word_is(q, 1, "1"))
		return bad(q, "this version of hotfix reads version 1 alone");
	if (take_line(q, "id", 2) != 0 || id(q, 1, q->p->id) != 0 ||
	    take_arch(q) != 0 || take_line(q, "module", 2) != 0)
		return -1;
	if (!word_is(q, 1, "main"))
		return bad(q, "only the module main can be patched");
	if (take_build_id(q) != 0 || take_line(q, "needs", 2) != 0)
		return -1;
	if (!word_is(q, 1, "-") && id(q, 1, q->p->needs) != 0)
		return -1;
	return take_sizes(q);
}

/* --- functions and relocations ---------------------------------------------
 */

/* The line's words are taken. */
static int
read_func(struct parser *q)
{
	static const char *const names[] = {
	    "off", "size", "site", "pad", "sha512", "new"};
	struct native_func *f;
	size_t i, pad = 0;

	if (q->p->nfuncs == NATIVE_FUNCS)
		return bad(q, "there are more than 16 functions");
	if (q->nwords != WORDS_MAX)
		return bad(q, "a func has 14 words");
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (!word_is(q, 2 + 2 * i, names[i]))
			return bad(q,
			    "its words are func NAME off X size X site X pad N"
			    " sha512 X new X");
	f = &q->p->funcs[q->p->nfuncs++];
	if (q->words[1].len > NATIVE_NAME)
		return bad(q, "its name is longer than 255 bytes");
	memcpy(f->name, q->words[1].s, q->words[1].len);
	if (offset(q, 3, &f->off) != 0 || offset(q, 5, &f->size) != 0 ||
	    offset(q, 7, &f->site) != 0 ||
	    number(q, 9, NATIVE_LINE, &pad) != 0 ||
	    digest(q, 11, f->sha512) != 0 || offset(q, 13, &f->new_off) != 0)
		return -1;
	f->pad = (unsigned)pad;
	return 0;
}

static int
read_kind(struct parser *q, size_t i, enum native_kind *out)
{
	int k;

	for (k = 0; k < NATIVE_KINDS; k++)
		if (word_is(q, i, native_kind_name((enum native_kind)k))) {
			*out = (enum native_kind)k;
			return 0;
		}
	return err_set(q->e, ERR_NO, "patch, line %zu: no such kind: %.*s",
	    q->line, shown(&q->words[i]), q->words[i].s);
}

static int
grow_relocs(struct parser *q)
{
	const size_t room = q->room > 0 ? 2 * q->room : 64;
	struct native_reloc *more;

	if (q->p->nrelocs < q->room)
		return 0;
	more = realloc(q->p->relocs, room * sizeof *more);
	if (more == NULL)
		return no_memory(q);
	q->p->relocs = more;
	q->room = room;
	return 0;
}

static int
read_reloc(struct parser *q)
{
	struct native_reloc r = {0};

	if (q->p->nrelocs == NATIVE_RELOCS)
		return bad(q, "there are more than 65536 relocations");
	if (q->nwords != WORDS_REL)
		return bad(q, "a rel has 7 words");
	if (q->words[1].len != 1 || q->words[4].len != 1)
		return bad(q, "areas are c, d and m");
	if (q->words[6].len > NATIVE_NAME)
		return bad(q, "its symbol is longer than 255 bytes");
	r.where = q->words[1].s[0];
	r.base = q->words[4].s[0];
	if (offset(q, 2, &r.off) != 0 || read_kind(q, 3, &r.kind) != 0 ||
	    signed_offset(q, 5, &r.value) != 0 || grow_relocs(q) != 0)
		return -1;
	buf_append(&q->names, q->words[6].s, q->words[6].len);
	if (buf_append(&q->names, "", 1) != 0)
		return no_memory(q);
	q->p->relocs[q->p->nrelocs++] = r;
	return 0;
}

/* Up to the line "relocs". */
static int
take_lists(struct parser *q)
{
	size_t n = 0;

	for (;;) {
		if (take(q) != 0)
			return -1;
		if (word_is(q, 0, "func") && q->p->nrelocs == 0) {
			if (read_func(q) != 0)
				return -1;
		} else if (word_is(q, 0, "rel") && q->p->nfuncs > 0) {
			if (read_reloc(q) != 0)
				return -1;
		} else {
			break;
		}
	}
	if (!word_is(q, 0, "relocs") || q->nwords != 2)
		return err_set(q->e, ERR_NO,
		    "patch, line %zu: \"%.*s\" has no place here", q->line,
		    shown(&q->words[0]), q->words[0].s);
	if (number(q, 1, NATIVE_RELOCS, &n) != 0)
		return -1;
	if (n != q->p->nrelocs)
		return err_set(q->e, ERR_NO,
		    "patch, line %zu: it has %zu relocations, not %zu", q->line,
		    q->p->nrelocs, n);
	return 0;
}

/* Their symbols, now that the names do not move any more. */
static void
name_relocs(struct parser *q)
{
	struct native_patch *p = q->p;
	char *s = (char *)q->names.data;
	size_t i;

	p->names = s;
	buf_init(&q->names);
	for (i = 0; i < p->nrelocs; i++) {
		p->relocs[i].symbol = s;
		s += strlen(s) + 1;
	}
}

/* --- digests and bytes -----------------------------------------------------
 */

static int
take_digests(struct parser *q)
{
	uint8_t want[SHA512_SIZE], got[SHA512_SIZE];
	size_t head;

	if (take_line(q, "body-sha512", 2) != 0 || digest(q, 1, q->body) != 0)
		return -1;
	head = q->at;
	if (take_line(q, "head-sha512", 2) != 0 || digest(q, 1, want) != 0)
		return -1;
	sha512(got, q->text, head);
	if (memcmp(got, want, sizeof got) != 0)
		return bad(q, "the lines above are damaged: another digest");
	memcpy(q->p->digest, got, sizeof got);
	return take_line(q, "bytes", 1);
}

static int
take_bytes(struct parser *q)
{
	struct native_patch *p = q->p;
	const size_t want = p->code + p->rodata + p->data;
	const size_t left = q->len - q->at;
	uint8_t got[SHA512_SIZE];

	if (left != want)
		return err_set(q->e, ERR_NO,
		    "patch: it ends with %zu bytes, its sizes say %zu: %s",
		    left, want, left < want ? "cut off" : "something follows");
	sha512(got, q->text + q->at, left);
	if (memcmp(got, q->body, sizeof got) != 0)
		return err_set(q->e, ERR_NO,
		    "patch: its bytes are damaged: another digest");
	p->bytes = malloc(left);
	if (p->bytes == NULL)
		return no_memory(q);
	memcpy(p->bytes, q->text + q->at, left);
	return 0;
}

int
native_patch_parse(struct native_patch **out, const void *bytes, size_t len,
    struct err *e)
{
	/* No bytes may come as NULL, which has no lines. */
	struct parser q = {.text = len > 0 ? bytes : "", .len = len, .e = e};
	int ret = -1;

	buf_init(&q.names);
	q.p = calloc(1, sizeof *q.p);
	if (q.p == NULL) {
		no_memory(&q);
		goto out;
	}
	if (take_head(&q) != 0 || take_lists(&q) != 0 || take_digests(&q) != 0)
		goto out;
	name_relocs(&q);
	if (native_patch_check(q.p, e) != 0 || take_bytes(&q) != 0)
		goto out;
	*out = q.p;
	q.p = NULL;
	ret = 0;
out:
	buf_free(&q.names);
	native_patch_free(q.p);
	return ret;
}
