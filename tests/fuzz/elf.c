/*
 * ELF files. What never changes in them is put right, so that the fuzzer gets
 * at what stands behind it.
 */

#include "native/elf.h"

#include <stdlib.h>
#include <string.h>

#include "tests/elf_walk.h"

#define FUZZ_MAX 65536 /* more would only be slow */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	struct elf *elf = NULL;
	struct err e;
	uint8_t *copy;

	if (len < 64 || len > FUZZ_MAX)
		return 0;
	copy = malloc(len);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes, len);
	memcpy(copy, ident, sizeof ident);
	copy[7] = 0;
	memcpy(copy + 20, "\x01\0\0", 4);
	memcpy(copy + 54, "\x38", 2);
	memcpy(copy + 58, "\x40", 2);
	if (elf_open(&elf, copy, len, &e) == 0)
		elf_walk(elf);
	else if (elf != NULL || e.kind != ERR_NO)
		abort();
	elf_close(elf);
	free(copy);
	return 0;
}
