#include "native/entry.h"

#include <stddef.h>
#include <string.h>

#include "native/fixup.h"

int
entry_jump(uint8_t out[ENTRY_JUMP_MAX], enum native_arch arch, uint64_t site,
    uint64_t target)
{
	static const uint8_t b[4] = {0, 0, 0, 0x14};

	if (arch == NATIVE_AARCH64) {
		memcpy(out, b, sizeof b);
		return fixup_apply(out, NATIVE_CALL26, target, site);
	}
	out[0] = 0xe9; /* jmp, counted from the next instruction */
	return fixup_apply(out + 1, NATIVE_REL32, target - 4, site + 1);
}

/* What compilers use, by length; x86 manuals list them as nops. */
static size_t
nop_len(const uint8_t *b, size_t len)
{
	if (len >= 1 && b[0] == 0x90)
		return 1;
	if (len >= 2 && b[0] == 0x66 && b[1] == 0x90)
		return 2;
	if (len < 3 || b[0] != 0x0f || b[1] != 0x1f)
		return 0;
	if (b[2] == 0x00)
		return 3;
	if (len >= 4 && b[2] == 0x40)
		return 4;
	return len >= 5 && b[2] == 0x44 ? 5 : 0;
}

int
entry_is_sled(const uint8_t bytes[ENTRY_JUMP_MAX], enum native_arch arch)
{
	static const uint8_t nop[4] = {0x1f, 0x20, 0x03, 0xd5};
	size_t at = 0, n;

	if (arch == NATIVE_AARCH64)
		return memcmp(bytes, nop, sizeof nop) == 0;
	while (at < NATIVE_JUMP_X86_64) {
		n = nop_len(bytes + at, NATIVE_JUMP_X86_64 - at);
		if (n == 0)
			return 0;
		at += n;
	}
	return 1;
}
