/* Relocations and jumps, at the limit of each and one past it. */
#include "native/entry.h"
#include "native/fixup.h"
#include "tests/tap.h"

struct row {
	const char *what;
	enum native_kind kind;
	uint64_t v, p;
	int fits;
	uint64_t before, after; /* the field, little endian */
};

#define G    (UINT64_C(1) << 31)
#define ALL  UINT64_MAX
#define HIGH UINT64_C(0xffffffff00000000)

static const struct row rows[] = {
    {"abs64", NATIVE_ABS64, 0x1122334455667788, 9, 1, ALL, 0x1122334455667788},
    {"abs32, the last", NATIVE_ABS32, UINT32_MAX, 0, 1, HIGH,
	HIGH | UINT32_MAX},
    {"abs32, one past", NATIVE_ABS32, (uint64_t)UINT32_MAX + 1, 0, 0, 7, 7},
    {"abs32, negative", NATIVE_ABS32, ALL, 0, 0, 7, 7},
    {"abs32s, the last", NATIVE_ABS32S, G - 1, 0, 1, 0, 0x7fffffff},
    {"abs32s, one past", NATIVE_ABS32S, G, 0, 0, 7, 7},
    {"abs32s, the first", NATIVE_ABS32S, -G, 0, 1, 0, 0x80000000},
    {"abs32s, one before", NATIVE_ABS32S, -G - 1, 0, 0, 7, 7},
    {"rel32, back", NATIVE_REL32, 0x1000, 0x1004, 1, HIGH, ALL - 3},
    {"rel32, the last", NATIVE_REL32, 0x10 + G - 1, 0x10, 1, 0, 0x7fffffff},
    {"rel32, one past", NATIVE_REL32, 0x10 + G, 0x10, 0, 7, 7},
    {"rel32, the first", NATIVE_REL32, 0x10, 0x10 + G, 1, 0, 0x80000000},
    {"rel32, one before", NATIVE_REL32, 0x10, 0x11 + G, 0, 7, 7},
    {"rel64", NATIVE_REL64, 0x10, 0x20, 1, 0, ALL - 15},
    /* bl: its upper six bits stay */
    {"call26, forward", NATIVE_CALL26, 0x1010, 0x1000, 1, 0x94000000,
	0x94000004},
    {"call26, back", NATIVE_CALL26, 0x1000, 0x1004, 1, 0x94000000, 0x97ffffff},
    {"call26, the last", NATIVE_CALL26, 0x7fffffc, 0, 1, 0x14000000,
	0x15ffffff},
    {"call26, one past", NATIVE_CALL26, 0x8000000, 0, 0, 7, 7},
    {"call26, the first", NATIVE_CALL26, 0, 0x8000000, 1, 0x14000000,
	0x16000000},
    {"call26, one before", NATIVE_CALL26, 0, 0x8000004, 0, 7, 7},
    {"call26, not a multiple of 4", NATIVE_CALL26, 2, 0, 0, 7, 7},
    /* adrp x3 */
    {"adrp, the same page", NATIVE_ADRP, 0x1fff, 0x1000, 1, 0x90000003,
	0x90000003},
    {"adrp, the next but four", NATIVE_ADRP, 0x6123, 0x1ffc, 1, 0x90000003,
	0xb0000023},
    {"adrp, back", NATIVE_ADRP, 0x0fff, 0x1000, 1, 0x90000003, 0xf0ffffe3},
    {"adrp, the last", NATIVE_ADRP, 0xfffff000, 0xfff, 1, 0x90000003,
	0xf07fffe3},
    {"adrp, one past", NATIVE_ADRP, 0x100000000, 0xfff, 0, 7, 7},
    {"adrp, the first", NATIVE_ADRP, 0, 0x100000000, 1, 0x90000003, 0x90800003},
    {"adrp, one before", NATIVE_ADRP, 0, 0x100001000, 0, 7, 7},
    /* add x3, x3, 0; then loads */
    {"lo12 of a byte", NATIVE_LO12_0, 0x12fff, 0, 1, 0x91000063, 0x913ffc63},
    {"lo12 of 2", NATIVE_LO12_1, 0x12ffe, 0, 1, 0x79400063, 0x795ffc63},
    {"lo12 of 2, odd", NATIVE_LO12_1, 0x12fff, 0, 0, 7, 7},
    {"lo12 of 4", NATIVE_LO12_2, 0x12ffc, 0, 1, 0xb9400063, 0xb94ffc63},
    {"lo12 of 4, not aligned", NATIVE_LO12_2, 0x12ffe, 0, 0, 7, 7},
    {"lo12 of 8", NATIVE_LO12_3, 0x12008, 0, 1, 0xf9400063, 0xf9400463},
    {"lo12 of 8, not aligned", NATIVE_LO12_3, 0x1200c, 0, 0, 7, 7},
    {"lo12 of 16", NATIVE_LO12_4, 0x12ff0, 0, 1, 0x3dc00063, 0x3dc3fc63},
    {"lo12 of 16, not aligned", NATIVE_LO12_4, 0x12ff8, 0, 0, 7, 7},
    {"no such kind", (enum native_kind)NATIVE_KINDS, 0, 0, 0, 7, 7},
};

static uint64_t
read_field(const uint8_t *b)
{
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | b[i];
	return v;
}

static void
check_fixups(void)
{
	const struct row *r;
	uint8_t field[8];
	uint64_t after;
	int i, result;

	for (r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
		for (i = 0; i < 8; i++)
			field[i] = (uint8_t)(r->before >> 8 * i);
		result = fixup_apply(field, r->kind, r->v, r->p);
		after = read_field(field);
		if (!OK(result == (r->fits ? 0 : -1) && after == r->after, "%s",
			r->what))
			printf("#   %d, %#" PRIx64 ", want %#" PRIx64 "\n",
			    result, after, r->after);
	}
}

static void
check_jumps(void)
{
	static const uint8_t ahead[5] = {0xe9, 0xfb, 0x0f, 0, 0};
	static const uint8_t back[5] = {0xe9, 0xfb, 0xef, 0xff, 0xff};
	static const uint8_t b_ahead[4] = {0, 4, 0, 0x14};
	static const uint8_t b_back[4] = {0, 0xfc, 0xff, 0x17};
	uint8_t j[ENTRY_JUMP_MAX];

	OK(entry_jump(j, NATIVE_X86_64, 0x1000, 0x2000) == 0 &&
		memcmp(j, ahead, 5) == 0,
	    "x86-64: a jump ahead");
	OK(entry_jump(j, NATIVE_X86_64, 0x2000, 0x1000) == 0 &&
		memcmp(j, back, 5) == 0,
	    "a jump back");
	IS(entry_jump(j, NATIVE_X86_64, 0, 5 + G - 1), 0, "as far as it goes");
	IS(entry_jump(j, NATIVE_X86_64, 0, 5 + G), -1, "and no further");
	OK(entry_jump(j, NATIVE_AARCH64, 0x1000, 0x2000) == 0 &&
		memcmp(j, b_ahead, 4) == 0,
	    "aarch64: a jump ahead");
	OK(entry_jump(j, NATIVE_AARCH64, 0x2000, 0x1000) == 0 &&
		memcmp(j, b_back, 4) == 0,
	    "a jump back");
	IS(entry_jump(j, NATIVE_AARCH64, 0, 0x7fffffc), 0, "as far as it goes");
	IS(entry_jump(j, NATIVE_AARCH64, 0, 0x8000000), -1, "and no further");
}

static void
check_sleds(void)
{
	static const struct {
		const char *what;
		uint8_t bytes[5];
		int sled;
	} sleds[] = {
	    {"five NOPs of a byte", {0x90, 0x90, 0x90, 0x90, 0x90}, 1},
	    {"one of five bytes", {0x0f, 0x1f, 0x44, 0x00, 0x08}, 1},
	    {"two and three", {0x66, 0x90, 0x0f, 0x1f, 0x00}, 1},
	    {"four and one", {0x0f, 0x1f, 0x40, 0x00, 0x90}, 1},
	    {"four NOPs and a push", {0x90, 0x90, 0x90, 0x90, 0x55}, 0},
	    {"a prologue", {0x55, 0x48, 0x89, 0xe5, 0x90}, 0},
	    {"one that is cut", {0x90, 0x90, 0x90, 0x0f, 0x1f}, 0},
	    {"one that is longer", {0x90, 0x0f, 0x1f, 0x44, 0x00}, 0},
	    {"a breakpoint among them", {0x90, 0x90, 0xcc, 0x90, 0x90}, 0},
	};
	static const uint8_t nop[5] = {0x1f, 0x20, 0x03, 0xd5};
	size_t i;

	for (i = 0; i < sizeof sleds / sizeof *sleds; i++)
		IS(entry_is_sled(sleds[i].bytes, NATIVE_X86_64), sleds[i].sled,
		    sleds[i].what);
	IS(entry_is_sled(nop, NATIVE_AARCH64), 1, "a NOP of aarch64");
	IS(entry_is_sled(sleds[0].bytes, NATIVE_AARCH64), 0,
	    "is not that of x86");
}

int
main(void)
{
	check_fixups();
	check_jumps();
	check_sleds();
	return tap_done();
}
