#include "native/fixup.h"

/* Byte by byte: fields have no alignment, and patches are little endian. */
static void
put(uint8_t *field, uint64_t v, unsigned len)
{
	unsigned i;

	for (i = 0; i < len; i++)
		field[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t
get(const uint8_t *field)
{
	return (uint32_t)field[0] | (uint32_t)field[1] << 8 |
	       (uint32_t)field[2] << 16 | (uint32_t)field[3] << 24;
}

/* 1 when v, read as signed, has no more than so many bits. */
static int
fits(uint64_t v, unsigned bits)
{
	uint64_t half = UINT64_C(1) << (bits - 1);

	return v + half < half << 1;
}

static int
narrow(uint8_t *field, uint64_t v, int passed)
{
	if (passed)
		put(field, v, 4);
	return passed ? 0 : -1;
}

static int
call26(uint8_t *field, uint64_t delta)
{
	uint32_t imm = (uint32_t)(delta >> 2) & 0x03ffffff;

	if ((delta & 3) != 0 || !fits(delta, 28))
		return -1;
	put(field, (get(field) & 0xfc000000) | imm, 4);
	return 0;
}

static int
adrp(uint8_t *field, uint64_t v, uint64_t p)
{
	uint64_t delta = (v & ~UINT64_C(0xfff)) - (p & ~UINT64_C(0xfff));
	uint32_t pages = (uint32_t)(delta >> 12) & 0x1fffff;

	if (!fits(delta, 33))
		return -1;
	put(field,
	    (get(field) & 0x9f00001f) | (pages & 3) << 29 | (pages >> 2) << 5,
	    4);
	return 0;
}

static int
lo12(uint8_t *field, uint64_t v, unsigned shift)
{
	uint32_t low = (uint32_t)v & 0xfff;

	if ((low & ((1U << shift) - 1)) != 0)
		return -1;
	put(field, (get(field) & 0xffc003ff) | (low >> shift) << 10, 4);
	return 0;
}

int
fixup_apply(uint8_t *field, enum native_kind kind, uint64_t v, uint64_t p)
{
	switch (kind) {
	case NATIVE_ABS64:
		put(field, v, 8);
		return 0;
	case NATIVE_ABS32:
		return narrow(field, v, v <= UINT32_MAX);
	case NATIVE_ABS32S:
		return narrow(field, v, fits(v, 32));
	case NATIVE_REL32:
		return narrow(field, v - p, fits(v - p, 32));
	case NATIVE_REL64:
		put(field, v - p, 8);
		return 0;
	case NATIVE_CALL26:
		return call26(field, v - p);
	case NATIVE_ADRP:
		return adrp(field, v, p);
	case NATIVE_LO12_0:
	case NATIVE_LO12_1:
	case NATIVE_LO12_2:
	case NATIVE_LO12_3:
	case NATIVE_LO12_4:
		return lo12(field, v, (unsigned)(kind - NATIVE_LO12_0));
	}
	return -1;
}
