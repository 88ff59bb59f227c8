/* The file of a native patch: one form, and back again. */

#include "native/patch.h"

#include <stdlib.h>

#include "base/hex.h"

#include "tests/tap.h"

#define H16  "0123456789abcdef"
#define H128 H16 H16 H16 H16 H16 H16 H16 H16

#define FRONT                                              \
	"HOTFIX-NATIVE 1\nid boss-damage-1\narch x86_64\n" \
	"module main\nbuild-id 11154b10b8ec2601\nneeds -\n"
#define SIZES "sizes code 16 rodata 4 data 12 bss 8\n"
#define FUNC \
	"func damage off a000 size 30 site a004 pad 5 sha512 " H128 " new 8\n"
#define FUNC2 \
	"func names off a030 size 5 site a030 pad 0 sha512 " H128 " new 0\n"
#define RELS                                                    \
	"rel c 1 rel32 m 121b0c printf\nrel c 5 rel32 c -4 x\n" \
	"rel d 4 abs64 d c names\n"
#define HEAD  FRONT SIZES FUNC FUNC2 RELS "relocs 3\n"
#define BYTES "0123456789abcdefRRRRDDDDDDDDDDDD"

#define ARM_FUNC \
	"func f off a000 size 8 site a004 pad 4 sha512 " H128 " new 4\n"
#define ARM                                                               \
	"HOTFIX-NATIVE 1\nid a\narch aarch64\nmodule main\nbuild-id " H16 \
	"\nneeds b\n" SIZES ARM_FUNC                                      \
	"rel c 0 call26 m 40 g\nrel c 4 adrp c 0 s\n"                     \
	"rel c 8 lo12_3 d 8 t\nrelocs 3\n"

static void
put_digest(struct buf *b, const char *name, const void *bytes, size_t len)
{
	char digits[2 * SHA512_SIZE + 1];
	uint8_t digest[SHA512_SIZE];

	sha512(digest, bytes, len);
	buf_printf(b, "%s %s\n", name,
	    hex_encode(digits, digest, sizeof digest));
}

/* The file with these lines and bytes, its digests right. */
static void
seal(struct buf *b, const char *head, const char *bytes)
{
	buf_reset(b);
	buf_puts(b, head);
	put_digest(b, "body-sha512", bytes, strlen(bytes));
	put_digest(b, "head-sha512", b->data, b->len);
	buf_puts(b, "bytes\n");
	buf_puts(b, bytes);
}

/* One is refused, with these words. */
static void
refuse(const void *bytes, size_t len, const char *words, const char *what)
{
	struct native_patch *p = NULL;
	struct err e = {0};
	int r = native_patch_parse(&p, bytes, len, &e);

	if (!OK(r == -1 && e.kind == ERR_NO && p == NULL &&
		    strstr(e.text, words) != NULL &&
		    strchr(e.text, '\n') == NULL,
		"refused: %s", what))
		printf("#   got %d '%s'\n#   want '%s'\n", r,
		    r != 0 ? e.text : "", words);
	if (r == 0)
		native_patch_free(p);
}

static void
test_good(void)
{
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct native_patch *p = NULL;
	struct err e = {0};
	uint8_t digest[SHA512_SIZE];
	const char *mark;

	seal(&b, HEAD, BYTES);
	if (!IS(native_patch_parse(&p, b.data, b.len, &e), 0, "parses")) {
		printf("# %s\n", e.text);
		return;
	}
	IS_STR(p->id, "boss-damage-1", "id");
	IS(p->arch, NATIVE_X86_64, "arch");
	IS(p->build_id_len, 8, "length of the build-id");
	IS(p->build_id[1], 0x15, "build-id");
	IS_STR(p->needs, "", "it needs nothing");
	OK(p->code == 16 && p->rodata == 4 && p->data == 12 && p->bss == 8,
	    "sizes");
	IS(p->nfuncs, 2, "functions");
	IS_STR(p->funcs[0].name, "damage", "name of a function");
	IS(p->funcs[0].off, 0xa000, "its offset");
	IS(p->funcs[0].size, 0x30, "its size");
	IS(p->funcs[0].site, 0xa004, "its site");
	IS(p->funcs[0].pad, 5, "its pad");
	IS(p->funcs[0].sha512[63], 0xef, "its digest");
	IS(p->funcs[0].new_off, 8, "the new one");
	IS(p->nrelocs, 3, "relocations");
	OK(p->relocs[0].where == 'c' && p->relocs[0].base == 'm' &&
		p->relocs[2].where == 'd' && p->relocs[2].base == 'd',
	    "their areas");
	IS(p->relocs[0].off, 1, "an offset");
	IS(p->relocs[0].kind, NATIVE_REL32, "a kind");
	IS(p->relocs[0].value, 0x121b0c, "a value");
	IS(p->relocs[1].value, -4, "a negative value");
	IS_STR(p->relocs[0].symbol, "printf", "a symbol");
	IS_STR(p->relocs[2].symbol, "names", "the last symbol");
	IS_MEM(p->bytes, BYTES, sizeof BYTES - 1, "bytes");
	mark = strstr(buf_text(&b), "head-sha512");
	sha512(digest, b.data, (size_t)(mark - (const char *)b.data));
	IS_MEM(p->digest, digest, sizeof digest, "digest");
	IS(native_patch_format(&again, p, &e), 0, "formats");
	OK(again.len == b.len && memcmp(again.data, b.data, b.len) == 0,
	    "to the same bytes");
	native_patch_free(p);

	seal(&b, ARM, BYTES);
	buf_reset(&again);
	if (IS(native_patch_parse(&p, b.data, b.len, &e), 0, "aarch64")) {
		IS(p->arch, NATIVE_AARCH64, "arch");
		IS_STR(p->needs, "b", "what it needs");
		native_patch_format(&again, p, &e);
		OK(again.len == b.len && memcmp(again.data, b.data, b.len) == 0,
		    "and back");
		native_patch_free(p);
	} else {
		printf("# %s\n", e.text);
	}
	buf_free(&again);
	buf_free(&b);
}

/* The head with the first FROM in it replaced by TO. */
static void
bend(struct buf *out, const char *head, const char *from, const char *to)
{
	const char *at = strstr(head, from);

	buf_reset(out);
	if (at == NULL) {
		OK(0, "what is bent is in the head");
		return;
	}
	buf_append(out, head, (size_t)(at - head));
	buf_puts(out, to);
	buf_puts(out, at + strlen(from));
}

#define S64 "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static void
test_bad(void)
{
	static const struct {
		const char *from, *to, *words;
	} rows[] = {
	    {"HOTFIX-NATIVE", "HOTFIX-NATIF", "line 1: this is no patch"},
	    {"NATIVE 1", "NATIVE 2", "line 1: this version"},
	    {"NATIVE 1", "NATIVE 1 1", "line 1: \"HOTFIX-NATIVE\" has 2"},
	    {"NATIVE 1", "NATIVE  1", "line 1: between words is one blank"},
	    {"NATIVE 1", "NATIVE 1 ", "line 1: between words is one blank"},
	    {"NATIVE 1\n", "NATIVE 1\r\n", "line 1: it has other bytes"},
	    {"id b", "id /", "line 2: an id has"},
	    {"id b", "id -", "line 2: an id has"},
	    {"boss-damage-1", S64 "e", "line 2: an id has"},
	    {"id b", "ID b", "line 2: \"id\" has to be here"},
	    {"id boss-damage-1\n", "", "line 2: \"id\" has to be here"},
	    {"id boss-damage-1\n", "id a\nid a\n", "line 3: \"arch\""},
	    {"x86_64", "riscv64", "line 3: arch is"},
	    {"module main", "module libc.so", "line 4: only the module main"},
	    {"build-id 11154b10b8ec2601", "build-id 11154b10b8ec26",
		"line 5: a build-id"},
	    {"build-id 11154b10b8ec2601", "build-id 11154B10b8ec2601",
		"line 5: a build-id"},
	    {"build-id 11154b10b8ec2601", "build-id 11154b10b8ec26011",
		"line 5: a build-id"},
	    {"build-id 11154b10b8ec2601", "build-id " H128 "00",
		"line 5: a build-id"},
	    {"needs -", "needs --", "line 6: an id has"},
	    {"needs -", "needs boss-damage-1", "it needs itself"},
	    {"sizes code", "sizes data", "line 7: its words are"},
	    {"code 16 ", "code 016 ", "line 7: word 3 is no number"},
	    {"code 16 ", "code 0 ", "sizes: code"},
	    {"code 16 ", "code 16777217 ", "line 7: word 3 is no number"},
	    {"code 16 ", "code 16777213 ", "sizes: code and rodata"},
	    {"bss 8", "bss 16777205", "sizes: data and bss"},
	    {"bss 8", "bss 8 tls 8", "line 7: \"sizes\" has 9 words, not 11"},
	    {"code 16 ", "code 17 ", "ends with 32 bytes, its sizes say 33"},
	    {"data 12 ", "data 13 ", "cut off"},
	    {"rodata 4 ", "rodata 3 ", "something follows"},
	    /* functions */
	    {FUNC FUNC2, "", "line 8: \"rel\" has no place here"},
	    {FUNC FUNC2 RELS "relocs 3", "relocs 0", "1 to 16 functions"},
	    {FUNC, "fun x\n", "line 8: \"fun\" has no place"},
	    {"func damage off", "func damage of", "line 8: its words are"},
	    {"func damage", "func", "line 8: a func has 14 words"},
	    {"func damage", "func a b", "line 8: it has too many words"},
	    {"func damage", "func " S64 S64 S64 S64, "longer than 255"},
	    {"func damage", "func " S64 S64 S64 S64 S64 S64 S64,
		"longer than 512 bytes"},
	    {"off a000", "off A000", "line 8: word 4"},
	    {"off a000", "off 0a000", "line 8: word 4"},
	    {"off a000", "off 1000000000000", "line 8: word 4"},
	    {"off a000", "off -a000", "line 8: word 4"},
	    {"size 30", "size 31", "function names: it lies over"},
	    {"size 30", "size 0", "no place of a function"},
	    {"size 30", "size 8", "the jump is longer"},
	    {"size 30", "size ffffffffff", "no place of a function"},
	    {"site a004", "site a005", "its site is not at the entry"},
	    {"site a004", "site 9ffc", "its site is not at the entry"},
	    {"pad 5", "pad 4", "its pad"},
	    {"pad 5", "pad 45", "its pad"},
	    {"pad 5", "pad 65", "its pad"},
	    {"pad 5", "pad 05", "line 8: word 10"},
	    {"sha512 0", "sha512 g", "line 8: a digest"},
	    {"sha512 0", "sha512 ", "line 8: a digest"},
	    {"new 8", "new 10", "the new function is not in the code"},
	    {FUNC FUNC2, FUNC2 FUNC, "not in order"},
	    {FUNC FUNC2, FUNC FUNC, "it lies over the one before"},
	    {FUNC FUNC2,
		FUNC FUNC FUNC FUNC FUNC FUNC FUNC FUNC FUNC FUNC FUNC FUNC FUNC
		    FUNC FUNC FUNC FUNC,
		"line 24: there are more than 16"},
	    {RELS, FUNC RELS, "not in order"},
	    /* relocations */
	    {RELS, "rel c 1 rel32 m 0 x\n" FUNC,
		"line 11: \"func\" has no place here"},
	    {"rel c 1", "rem c 1", "line 10: \"rem\" has no place"},
	    {"rel c 1", "rel cc 1", "line 10: areas are"},
	    {"rel c 1", "rel m 1", "relocation 1 (printf): no such area"},
	    {"rel32 m", "rel32 e", "relocation 1 (printf): no such area"},
	    {"rel32 m", "rel32 mm", "line 10: areas are"},
	    {"rel32 m", "rel16 m", "line 10: no such kind: rel16"},
	    {"rel32 m", "call26 m", "its kind is of another arch"},
	    {"rel c 1", "rel c 11", "relocation 1 (printf): it is not in"},
	    {"rel c 1", "rel c 2", "relocation 2 (x): it lies over"},
	    {"rel c 1", "rel c 6", "relocation 2 (x): it lies over"},
	    {"rel d 4", "rel d 5", "relocation 3 (names): it is not in"},
	    {"rel d 4", "rel d c", "relocation 3 (names): it is not in"},
	    {"rel d 4", "rel d ffffffffffff", "it is not in the bytes"},
	    {"rel c 1", "rel d 0", "relocation 2 (x): it lies over"},
	    {"m 121b0c", "m -0", "line 10: word 6"},
	    {"m 121b0c", "m -", "line 10: word 6"},
	    {"m 121b0c", "m 1000000000000", "line 10: word 6"},
	    {" printf", "", "line 10: a rel has 7 words"},
	    {" printf", " a b", "line 10: a rel has 7 words"},
	    {" printf", " " S64 S64 S64 S64, "longer than 255"},
	    {"relocs 3", "relocs 2", "it has 3 relocations, not 2"},
	    {"relocs 3\n", "", "line 13: \"body-sha512\" has no place"},
	    {"relocs 3\n", "relocs 3\nrelocs 3\n",
		"line 14: \"body-sha512\" has to be here"},
	};
	struct buf head = BUF_INIT, b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		bend(&head, HEAD, rows[i].from, rows[i].to);
		seal(&b, buf_text(&head), BYTES);
		refuse(b.data, b.len, rows[i].words, rows[i].words);
	}
	buf_free(&head);
	buf_free(&b);
}

static void
test_bad_aarch64(void)
{
	static const struct {
		const char *from, *to, *words;
	} rows[] = {
	    {"pad 4", "pad 5", "its pad"},
	    {"size 8 site a004 pad 4", "size c site a004 pad 6",
		"between instructions"},
	    {"new 4", "new 6", "between instructions"},
	    {"off a000 size 8 site a004", "off a002 size 8 site a002",
		"between instructions"},
	    {"rel c 0 call26", "rel c 0 abs32s", "of another arch"},
	    {"rel c 0 call26", "rel c 0 abs32", "of another arch"},
	    {"rel c 4 adrp", "rel c 5 adrp", "there is no instruction"},
	    {"rel c 8 lo12_3", "rel d 8 lo12_3", "there is no instruction"},
	    {"lo12_3", "lo12_5", "no such kind: lo12_5"},
	};
	struct buf head = BUF_INIT, b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		bend(&head, ARM, rows[i].from, rows[i].to);
		seal(&b, buf_text(&head), BYTES);
		refuse(b.data, b.len, rows[i].words, rows[i].words);
	}
	buf_free(&head);
	buf_free(&b);
}

/* Cut anywhere, longer, any byte another one. */
static void
test_damaged(void)
{
	struct native_patch *p = NULL;
	struct buf b = BUF_INIT;
	int taken = 0;
	struct err e;
	size_t i;

	seal(&b, HEAD, BYTES);
	for (i = 0; i < b.len; i++) {
		uint8_t *copy = malloc(i + 1);

		memcpy(copy, b.data, i);
		if (native_patch_parse(&p, copy, i, &e) == 0) {
			native_patch_free(p);
			taken++;
		}
		free(copy);
	}
	IS(taken, 0, "one that is cut off anywhere is refused");
	for (i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		if (native_patch_parse(&p, b.data, b.len, &e) == 0) {
			native_patch_free(p);
			taken++;
		}
		b.data[i] ^= 1;
	}
	IS(taken, 0, "one with another byte anywhere is refused");
	refuse(NULL, 0, "line 1: the file ends here", "nothing");
	refuse((const uint8_t *)"int f;\n", 7, "line 1: this is no patch file",
	    "source text");
	refuse((const uint8_t *)"\177ELF\2\1", 6, "no patch file", "an object");
	refuse((const uint8_t *)"HOTF", 4, "line 1: the file ends here",
	    "four bytes of one");
	b.data[b.len - 1] ^= 1;
	refuse(b.data, b.len, "its bytes are damaged", "the last byte");
	b.data[b.len - 1] ^= 1;
	b.data[19] ^= 1;
	refuse(b.data, b.len, "the lines above are damaged", "a byte");
	b.data[19] ^= 1;
	buf_reset(&b);
	seal(&b, HEAD, BYTES);
	buf_puts(&b, "x");
	refuse(b.data, b.len, "something follows", "one byte more");
	buf_reset(&b);
	buf_puts(&b, "HOTFIX-NATIVE ");
	for (i = 0; i < NATIVE_LINE; i++)
		buf_puts(&b, "a");
	refuse(b.data, b.len, "longer than 512", "no end of a line");
	buf_free(&b);
}

/* At the limits. */
static void
test_limits(void)
{
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct native_reloc *relocs = calloc(NATIVE_RELOCS + 1, sizeof *relocs);
	uint8_t *bytes = calloc(1, NATIVE_AREA);
	struct native_patch p = {.id = "a", .build_id_len = NATIVE_BUILD_ID},
			    *q = NULL;
	struct err e = {0};
	size_t i;

	if (relocs == NULL || bytes == NULL)
		abort();
	p.code = NATIVE_AREA - 1;
	p.rodata = 1;
	p.bss = NATIVE_AREA;
	p.bytes = bytes;
	p.relocs = relocs;
	memset(p.id, 'i', NATIVE_ID);
	memset(p.needs, 'n', NATIVE_ID);
	for (i = 0; i < NATIVE_FUNCS; i++) {
		struct native_func *f = &p.funcs[p.nfuncs++];

		memset(f->name, 'f', NATIVE_NAME);
		f->off = (uint64_t)NATIVE_VALUE - 0x2000 + i * 0x100;
		f->site = f->off;
		f->size = 0x100;
		f->pad = 64;
		f->new_off = p.code - 1;
	}
	for (i = 0; i < NATIVE_RELOCS; i++) {
		relocs[i] = (struct native_reloc){'c', 8 * i, NATIVE_ABS64, 'm',
		    i % 2 != 0 ? NATIVE_VALUE - 1 : 1 - NATIVE_VALUE, "symbol"};
		p.nrelocs++;
	}
	IS(native_patch_format(&b, &p, &e), 0, "the most there may be");
	OK(b.len < NATIVE_FILE, "is less than the limit of a file");
	if (IS(native_patch_parse(&q, b.data, b.len, &e), 0, "parses")) {
		native_patch_format(&again, q, &e);
		OK(again.len == b.len && memcmp(again.data, b.data, b.len) == 0,
		    "and back");
		native_patch_free(q);
	} else {
		printf("# %s\n", e.text);
	}
	relocs[NATIVE_RELOCS] = relocs[0];
	relocs[NATIVE_RELOCS].off = 8 * (uint64_t)NATIVE_RELOCS;
	p.nrelocs++;
	IS(native_patch_format(&b, &p, &e), -1, "one relocation more");
	IS_STR(e.text, "patch: it has more than 65536 relocations", "says so");
	p.nrelocs = 1;
	relocs[0].value = NATIVE_VALUE;
	IS(native_patch_format(&b, &p, &e), -1, "a larger value");
	relocs[0].value = 0;
	relocs[0].symbol = "";
	IS(native_patch_format(&b, &p, &e), -1, "no symbol");
	relocs[0].symbol = "a b";
	IS(native_patch_format(&b, &p, &e), -1, "two words as a symbol");
	relocs[0].symbol = "a";
	p.funcs[0].name[0] = '\n';
	IS(native_patch_format(&b, &p, &e), -1, "a name that is none");
	OK(strchr(e.text, '\n') == NULL, "is not in the message");
	buf_free(&again);
	buf_free(&b);
	free(bytes);
	free(relocs);
}

int
main(void)
{
	test_good();
	test_bad();
	test_bad_aarch64();
	test_damaged();
	test_limits();
	return tap_done();
}
