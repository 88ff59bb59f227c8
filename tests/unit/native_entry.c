/* What the first bytes of functions are. */

#include "native/link_entry.h"

#include "tests/tap.h"

/* Bytes as text: "f3 0f 1e fa". */
static size_t
read_bytes(const char *text, uint8_t *out, size_t max)
{
	size_t n = 0;
	unsigned byte;
	int len;

	while (n < max && sscanf(text, " %2x%n", &byte, &len) == 1) {
		out[n++] = (uint8_t)byte;
		text += len;
	}
	return n;
}

#define ENDBR "f3 0f 1e fa "
#define NOP5  "0f 1f 44 00 08 "
#define BODY  "55 48 89 e5 8d 04 37 5d c3 "

/* All of x86-64: size 0 is that of the bytes; reason NULL is a yes. */
static const struct {
	const char *bytes;
	size_t size;
	int unmarked;
	size_t mark;
	unsigned pad;
	size_t compared;
	const char *reason;
	const char *what;
} rows[] = {
    {"90 90 90 90 90 c3", 0, 0, 0, 5, 6, NULL, "five NOPs, as of gcc"},
    {NOP5 "c3", 0, 0, 0, 5, 6, NULL, "one of five bytes, as of clang"},
    {ENDBR "90 90 90 90 90 c3", 0, 0, 4, 5, 10, NULL, "behind endbr64"},
    {ENDBR NOP5 "c3", 0, 0, 4, 5, 10, NULL, "one behind endbr64"},
    {"90 90 90 90 90 66 90 c3", 0, 0, 0, 7, 8, NULL, "more of them"},
    {"66 66 2e 0f 1f 84 00 00 00 00 00 c3", 0, 0, 0, 11, 12, NULL,
	"a long one"},
    {"0f 1f 00 0f 1f 40 00 c3", 0, 0, 0, 7, 8, NULL, "two that hold it"},
    {"0f 1f 80 00 00 00 00 c3", 0, 0, 0, 7, 8, NULL, "with a long operand"},
    {"0f 1f 04 25 00 00 00 00 c3", 0, 0, 0, 8, 9, NULL, "with an index"},
    {"90 90 90 90 c3", 0, 0, 0, 0, 0, "has no NOPs", "four NOPs"},
    {"90 90 90 90", 0, 0, 0, 0, 0, "has no NOPs", "and nothing else"},
    {"f3 90 90 90 90 90 c3", 0, 0, 0, 0, 0, "has no NOPs", "a pause"},
    {"0f 1f 44 00", 0, 0, 0, 0, 0, "has no NOPs", "half of one"},
    {"0f 1f 84 00 00", 0, 0, 0, 0, 0, "has no NOPs", "half of a long one"},
    {"0f 1e fa 90 90 90 90 90", 0, 0, 0, 0, 0, "has no NOPs", "no endbr64"},
    {BODY, 0, 0, 0, 0, 0, "has no NOPs", "no NOPs at all"},
    {"c3", 0, 0, 0, 0, 0, "has no NOPs", "one byte"},
    /* unmarked */
    {BODY, 0, 1, 0, 0, 9, NULL, "unmarked"},
    {ENDBR BODY, 0, 1, 4, 0, 13, NULL, "unmarked, with endbr64"},
    {"90 90 90 90 90 c3", 0, 1, 0, 5, 6, NULL, "NOPs are used anyway"},
    {"31 c0 c3 90 90", 3, 1, 0, 0, 5, NULL, "short, room behind it"},
    {"31 c0 c3 66 90", 3, 1, 0, 0, 5, NULL, "a NOP of two bytes"},
    {"31 c0 c3 cc cc", 3, 1, 0, 0, 5, NULL, "traps behind it"},
    {"31 c0 c3 0f 1f 44 00 00", 3, 1, 0, 0, 5, NULL, "one that goes on"},
    {ENDBR "31 c0 c3 90 90", 7, 1, 4, 0, 9, NULL, "short with endbr64"},
    {"31 c0 c3 90 31", 3, 1, 0, 0, 0, "is shorter", "code behind it"},
    {"31 c0 c3 90", 3, 1, 0, 0, 0, "is shorter", "too little room"},
    {"31 c0 c3", 0, 1, 0, 0, 0, "is shorter", "no room"},
    {"31 c0 c3 00 00", 3, 1, 0, 0, 0, "is shorter", "data behind it"},
    {ENDBR "31 c0 c3 90", 7, 1, 0, 0, 0, "is shorter", "endbr64 takes room"},
    {"ff 0f 8b 07 85 c0 75 f8 c3", 0, 1, 0, 0, 0, "seems to branch",
	"a loop at the entry"},
    {"55 8b 07 85 c0 75 fa c3", 0, 1, 0, 0, 0, "seems to branch",
	"one that begins inside"},
    {"55 8b 07 85 c0 90 75 fd c3", 0, 1, 0, 0, 9, NULL, "one behind it"},
    {"55 8b 07 85 c0 eb f9 c3", 0, 1, 0, 0, 0, "seems to branch", "jmp"},
    {"55 8b 07 85 c0 e2 fb c3", 0, 1, 0, 0, 0, "seems to branch", "loop"},
    {"55 8b 07 85 c0 e3 fb c3", 0, 1, 0, 0, 0, "seems to branch", "jrcxz"},
    {"55 8b 07 85 c0 e9 f6 ff ff ff c3", 0, 1, 0, 0, 0, "seems to branch",
	"a far jmp to the entry"},
    {"55 8b 07 85 c0 e9 fa ff ff ff c3", 0, 1, 0, 0, 0, "seems to branch",
	"a far jmp into it"},
    {"55 8b 07 85 c0 e9 fb ff ff ff c3", 0, 1, 0, 0, 11, NULL,
	"a far jmp behind it"},
    {"55 8b 07 85 c0 e8 f6 ff ff ff c3", 0, 1, 0, 0, 11, NULL,
	"a call of itself"},
    {"55 8b 07 85 c0 e8 f8 ff ff ff c3", 0, 1, 0, 0, 0, "seems to branch",
	"a call into it"},
    {"55 8b 07 85 c0 0f 84 f6 ff ff ff c3", 0, 1, 0, 0, 0, "seems to branch",
	"a far jcc"},
    {"55 8b 07 85 c0 0f 84 fa ff ff ff c3", 0, 1, 0, 0, 12, NULL,
	"a far jcc behind it"},
    {ENDBR "55 8b 07 85 c0 75 f5 c3", 0, 1, 0, 0, 0, "seems to branch",
	"to the endbr64"},
    {"53 ff d7 89 c3 5b c3", 0, 1, 0, 0, 0, "seems to make a call",
	"a call of a register that ends inside"},
    {"41 ff d0 89 c3 5b c3", 0, 1, 0, 0, 0, "seems to make a call",
	"of another register"},
    {"ff 57 08 89 c3 5b c3", 0, 1, 0, 0, 0, "seems to make a call",
	"through memory"},
    {"53 89 f8 ff d7 5b c3", 0, 1, 0, 0, 7, NULL, "one that ends behind it"},
    {"53 89 f3 ff 57 08 5b c3", 0, 1, 0, 0, 8, NULL,
	"one that begins inside and ends behind it"},
    {"ff 97 00 01 00 00 c3", 0, 1, 0, 0, 7, NULL, "a long one"},
    {"53 ff 37 89 c3 5b c3", 0, 1, 0, 0, 7, NULL, "a push is no call"},
};

static void
test_x86_64(void)
{
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct native_entry e;
		uint8_t bytes[64];
		size_t room = read_bytes(rows[i].bytes, bytes, sizeof bytes);
		size_t size = rows[i].size != 0 ? rows[i].size : room;
		/* Of its own length, so that reading past it is found. */
		uint8_t *exact = malloc(room);
		const char *why;

		memcpy(exact, bytes, room);
		why = native_entry_look(&e, NATIVE_X86_64, exact, size, room,
		    rows[i].unmarked);
		free(exact);
		if (rows[i].reason != NULL) {
			if (!OK(why != NULL && strncmp(why, rows[i].reason,
						   strlen(rows[i].reason)) == 0,
				"refused: %s", rows[i].what))
				printf("#   got %s\n",
				    why != NULL ? why : "a yes");
			continue;
		}
		if (!OK(why == NULL && e.mark == rows[i].mark &&
			    e.pad == rows[i].pad && e.size == rows[i].compared,
			"%s", rows[i].what))
			printf("#   mark %zu pad %u size %zu %s\n", e.mark,
			    e.pad, e.size, why != NULL ? why : "");
	}
}

static void
put32(uint8_t *out, uint32_t w)
{
	out[0] = (uint8_t)w;
	out[1] = (uint8_t)(w >> 8);
	out[2] = (uint8_t)(w >> 16);
	out[3] = (uint8_t)(w >> 24);
}

#define NOP   0xd503201fu
#define BTI_C 0xd503245fu
#define RET   0xd65f03c0u
#define ADD   0x0b000020u

static const struct {
	uint32_t words[4];
	size_t n;
	int unmarked;
	size_t mark;
	unsigned pad;
	const char *reason;
	const char *what;
} arm_rows[] = {
    {{NOP, NOP, ADD, RET}, 4, 0, 0, 8, NULL, "two NOPs"},
    {{NOP, RET}, 2, 0, 0, 4, NULL, "one"},
    {{BTI_C, NOP, RET}, 3, 0, 4, 4, NULL, "behind bti c"},
    {{0xd50324dfu, NOP, RET}, 3, 0, 4, 4, NULL, "behind bti jc"},
    {{0xd503249fu, NOP, RET}, 3, 0, 4, 4, NULL, "behind bti j"},
    {{0xd503251fu, NOP, RET}, 3, 0, 0, 0, "has no NOP", "no bti"},
    {{ADD, RET}, 2, 0, 0, 0, "has no NOP", "none"},
    {{ADD, RET}, 2, 1, 0, 0, NULL, "unmarked"},
    {{RET}, 1, 1, 0, 0, NULL, "of one instruction"},
    {{BTI_C}, 1, 1, 0, 0, "is shorter", "nothing behind its bti"},
    {{BTI_C, ADD, RET}, 3, 1, 4, 0, NULL, "unmarked with a bti"},
    {{ADD, 0x17ffffffu, RET}, 3, 1, 0, 0, "branches to", "b"},
    {{ADD, NOP, 0x17ffffffu}, 3, 1, 0, 0, NULL, "b behind it"},
    {{ADD, NOP, 0x17fffffeu}, 3, 1, 0, 0, "branches to", "b from afar"},
    {{ADD, 0x54ffffe1u, RET}, 3, 1, 0, 0, "branches to", "b.ne"},
    {{ADD, 0x35ffffe0u, RET}, 3, 1, 0, 0, "branches to", "cbnz"},
    {{ADD, 0xb4ffffe0u, RET}, 3, 1, 0, 0, "branches to", "cbz, 64 bits"},
    {{ADD, 0x3607ffe0u, RET}, 3, 1, 0, 0, "branches to", "tbz"},
    {{ADD, 0x97ffffffu, RET}, 3, 1, 0, 0, NULL, "a call of itself"},
    {{ADD, 0x54000041u, RET}, 3, 1, 0, 0, NULL, "one forward"},
};

static void
test_aarch64(void)
{
	size_t i, k;

	for (i = 0; i < sizeof arm_rows / sizeof *arm_rows; i++) {
		size_t len = 4 * arm_rows[i].n;
		uint8_t *bytes = malloc(len);
		struct native_entry e;
		const char *why;

		for (k = 0; k < arm_rows[i].n; k++)
			put32(bytes + 4 * k, arm_rows[i].words[k]);
		why = native_entry_look(&e, NATIVE_AARCH64, bytes, len, len,
		    arm_rows[i].unmarked);
		free(bytes);
		if (arm_rows[i].reason != NULL)
			OK(why != NULL && strncmp(why, arm_rows[i].reason,
					      strlen(arm_rows[i].reason)) == 0,
			    "aarch64, refused: %s", arm_rows[i].what);
		else
			OK(why == NULL && e.mark == arm_rows[i].mark &&
				e.pad == arm_rows[i].pad && e.size == len,
			    "aarch64: %s", arm_rows[i].what);
	}
}

/* From another place, as a part for what happens seldom. */
static void
test_elsewhere(void)
{
	static const uint8_t jmp[] = {0xe9, 0xfb, 0xef, 0xff, 0xff};

	OK(native_branches_into(NATIVE_X86_64, jmp, sizeof jmp, 0x2000, 0x1000,
	       0x1005),
	    "a jmp to the entry");
	OK(!native_branches_into(NATIVE_X86_64, jmp, sizeof jmp, 0x2005, 0x1000,
	       0x1005),
	    "one behind the jump");
	OK(!native_branches_into(NATIVE_X86_64, jmp, sizeof jmp - 1, 0x2000,
	       0x1000, 0x1005),
	    "half of one is none");
}

int
main(void)
{
	test_x86_64();
	test_aarch64();
	test_elsewhere();
	return tap_done();
}
