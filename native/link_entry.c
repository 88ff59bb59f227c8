/* The first bytes of functions. */

#include "native/link_entry.h"

#include <string.h>

#define MARK    4  /* bytes of endbr64 and bti */
#define PAD_MAX 64 /* what a patch may say (native/patch.c) */

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* --- x86-64 ----------------------------------------------------------------
 */

/* Bytes of a ModRM byte at p and what belongs to it; 0: not all are there. */
static size_t
modrm_len(const uint8_t *p, size_t left)
{
	size_t n = 1;
	unsigned mod, rm;

	if (left == 0)
		return 0;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod != 3 && rm == 4) {
		if (left < 2)
			return 0;
		n++;
		if (mod == 0 && (p[1] & 7) == 5)
			n += 4;
	}
	if (mod == 1)
		n += 1;
	else if (mod == 2 || (mod == 0 && rm == 5))
		n += 4;
	return n <= left ? n : 0;
}

/* Bytes of the NOP at p, 0 when there is none. */
static size_t
nop_len_x86_64(const uint8_t *p, size_t left)
{
	size_t n = 0, operand;

	while (n < left && (p[n] == 0x66 || p[n] == 0x2e))
		n++;
	if (n < left && p[n] == 0x90)
		return n + 1;
	if (left - n < 3 || p[n] != 0x0f || p[n + 1] != 0x1f)
		return 0;
	operand = modrm_len(p + n + 2, left - n - 2);
	return operand != 0 ? n + 2 + operand : 0;
}

static int
branches_x86_64(const uint8_t *b, size_t len, uint64_t addr, uint64_t lo,
    uint64_t hi)
{
	size_t i;

	for (i = 0; i + 2 <= len; i++) {
		const int is_short = (b[i] & 0xf0) == 0x70 || b[i] == 0xeb ||
				     (b[i] & 0xfc) == 0xe0;
		uint64_t to;

		if (is_short) {
			to = addr + i + 2 + (uint64_t)(int64_t)(int8_t)b[i + 1];
			if (to >= lo && to < hi)
				return 1;
		}
		if (b[i] == 0xe8 || b[i] == 0xe9) {
			if (len - i < 5)
				continue;
			to = addr + i + 5 +
			     (uint64_t)(int64_t)(int32_t)get32(b + i + 1);
			if (to >= lo && to < hi && (b[i] == 0xe9 || to != lo))
				return 1;
		}
		if (b[i] == 0x0f && (b[i + 1] & 0xf0) == 0x80) {
			if (len - i < 6)
				continue;
			to = addr + i + 6 +
			     (uint64_t)(int64_t)(int32_t)get32(b + i + 2);
			if (to >= lo && to < hi)
				return 1;
		}
	}
	return 0;
}

/* A call through a register or memory that ends inside of the jump: what it
 * returns to would be gone. */
static int
call_ends_inside(const uint8_t *b, size_t len)
{
	size_t i, n;

	for (i = 0; i + 1 < len && i < NATIVE_JUMP_X86_64; i++) {
		if (b[i] != 0xff || (b[i + 1] >> 3 & 7) != 2)
			continue;
		n = modrm_len(b + i + 1, len - i - 1);
		if (n != 0 && i + 1 + n < NATIVE_JUMP_X86_64)
			return 1;
	}
	return 0;
}

/* Between functions, from len bytes on up to need: nothing that runs. */
static int
is_filling(const uint8_t *b, size_t from, size_t need, size_t room)
{
	size_t n;

	while (from < need) {
		n = b[from] == 0xcc ? 1 : nop_len_x86_64(b + from, room - from);
		if (n == 0)
			return 0;
		from += n;
	}
	return 1;
}

static const char *
look_x86_64(struct native_entry *out, const uint8_t *b, size_t size,
    size_t room, int unmarked)
{
	static const uint8_t endbr64[MARK] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t n, pad = 0, need;

	if (size >= MARK && memcmp(b, endbr64, MARK) == 0)
		out->mark = MARK;
	while (pad < PAD_MAX &&
	       (n = nop_len_x86_64(b + out->mark + pad,
		    size - out->mark - pad)) != 0 &&
	       pad + n <= PAD_MAX)
		pad += n;
	need = out->mark + NATIVE_JUMP_X86_64;
	if (pad >= NATIVE_JUMP_X86_64) {
		out->pad = (unsigned)pad;
		out->one_by_one = b[out->mark] == 0x90;
		out->size = size;
		return NULL;
	}
	if (!unmarked)
		return "has no NOPs at its entry: compile its file with"
		       " -fpatchable-function-entry=5, or give -u (see"
		       " hotfix-native(7))";
	out->size = size < need ? need : size;
	if (room < need || !is_filling(b, size, need, room))
		return "is shorter than the jump that would be written over it:"
		       " patch the functions that call it";
	if (branches_x86_64(b, size, 0, 0, need))
		return "seems to branch into its first bytes (a loop begins"
		       " there), which the jump would be written over: patch"
		       " the functions that call it";
	if (call_ends_inside(b + out->mark, size - out->mark))
		return "seems to make a call in its first bytes, and a thread"
		       " that is in there would come back into the jump: patch"
		       " the functions that call it";
	return NULL;
}

/* --- aarch64 ---------------------------------------------------------------
 */

#define NOP_AARCH64 0xd503201fu

/* Where an instruction may branch to but for calls: 1 with *by, in bytes. */
static int
branch_aarch64(uint32_t w, int64_t *by)
{
	uint32_t field;
	unsigned bits;

	if ((w & 0xfc000000u) == 0x14000000u) { /* b */
		field = w & 0x3ffffffu;
		bits = 26;
	} else if ((w & 0xff000000u) == 0x54000000u || /* b.cond */
		   (w & 0x7e000000u) == 0x34000000u) { /* cbz, cbnz */
		field = w >> 5 & 0x7ffffu;
		bits = 19;
	} else if ((w & 0x7e000000u) == 0x36000000u) { /* tbz, tbnz */
		field = w >> 5 & 0x3fffu;
		bits = 14;
	} else {
		return 0;
	}
	*by = (int64_t)field;
	if (field >> (bits - 1) != 0)
		*by -= INT64_C(1) << bits;
	*by *= 4;
	return 1;
}

static int
branches_aarch64(const uint8_t *b, size_t len, uint64_t addr, uint64_t lo,
    uint64_t hi)
{
	int64_t by;
	size_t i;

	for (i = 0; i + 4 <= len; i += 4)
		if (branch_aarch64(get32(b + i), &by) &&
		    addr + i + (uint64_t)by >= lo &&
		    addr + i + (uint64_t)by < hi)
			return 1;
	return 0;
}

static const char *
look_aarch64(struct native_entry *out, const uint8_t *b, size_t size,
    int unmarked)
{
	const uint32_t bti = 0xd503241fu, bti_kinds = 0xc0u;
	size_t pad = 0;

	if (size >= MARK && (get32(b) & ~bti_kinds) == bti)
		out->mark = MARK;
	while (pad < PAD_MAX && size - out->mark - pad >= 4 &&
	       get32(b + out->mark + pad) == NOP_AARCH64)
		pad += 4;
	out->pad = (unsigned)pad;
	out->one_by_one = pad > 0;
	out->size = size;
	if (pad > 0)
		return NULL;
	if (!unmarked)
		return "has no NOP at its entry: compile its file with"
		       " -fpatchable-function-entry=2, or give -u (see"
		       " hotfix-native(7))";
	if (size < out->mark + NATIVE_JUMP_AARCH64)
		return "is shorter than the jump that would be written over it:"
		       " patch the functions that call it";
	if (branches_aarch64(b, size, 0, 0, out->mark + NATIVE_JUMP_AARCH64))
		return "branches to its first instruction (a loop begins"
		       " there), which the jump would be written over: patch"
		       " the functions that call it";
	return NULL;
}

const char *
native_entry_look(struct native_entry *out, enum native_arch arch,
    const uint8_t *bytes, size_t size, size_t room, int unmarked)
{
	memset(out, 0, sizeof *out);
	return arch == NATIVE_X86_64
		   ? look_x86_64(out, bytes, size, room, unmarked)
		   : look_aarch64(out, bytes, size, unmarked);
}

int
native_branches_into(enum native_arch arch, const uint8_t *bytes, size_t len,
    uint64_t addr, uint64_t lo, uint64_t hi)
{
	return arch == NATIVE_X86_64
		   ? branches_x86_64(bytes, len, addr, lo, hi)
		   : branches_aarch64(bytes, len, addr, lo, hi);
}
