/*
 * Whole packages. The input is a list of blocks: sums of headers are put right,
 * and digests are not asked for, so that the fuzzer gets at what stands behind
 * them. Nothing of what is refused may be held, and nothing may be read past.
 */

#include "pack/package_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "pack/ustar.h"

#define FUZZ_MAX (64 * USTAR_BLOCK)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
resum(uint8_t *block)
{
	unsigned sum = 8 * ' ';
	size_t i;

	for (i = 0; i < USTAR_BLOCK; i++)
		if (i < 148 || i >= 156)
			sum += block[i];
	for (i = 6; i-- > 0; sum >>= 3)
		block[148 + i] = (uint8_t)('0' + (sum & 7));
	block[154] = '\0';
	block[155] = ' ';
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t text[FUZZ_MAX];
	struct package *p;
	FILE *file;
	size_t i;

	if (len > sizeof text)
		return 0;
	memcpy(text, bytes, len);
	for (i = 0; i + USTAR_BLOCK <= len; i += USTAR_BLOCK)
		if (memcmp(text + i + 257, "ustar", 5) == 0)
			resum(text + i);
	file = tmpfile();
	if (file == NULL || file_write_all(fileno(file), text, len) != 0)
		abort();
	p = package_open(fileno(file), "fuzz", NULL, NULL);
	for (i = 0; p != NULL && i < p->files.n; i++)
		if (p->files.items[i].len > len)
			abort();
	package_free(p);
	fclose(file);
	return 0;
}
