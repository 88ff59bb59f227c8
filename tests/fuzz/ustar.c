/* Headers of archives. Whatever parses builds the same entry again. */

#include "pack/ustar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
resum(uint8_t block[USTAR_BLOCK])
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
	uint8_t block[USTAR_BLOCK] = {0};
	struct ustar_entry e, again;
	const char *why;
	size_t n;

	memcpy(block, bytes, len < sizeof block ? len : sizeof block);
	/* The sum would stop the fuzzer. */
	resum(block);
	if (ustar_parse(&e, block, &why) != 0)
		return 0;
	n = strlen(e.name);
	if (n == 0 || n > NAME_LEN_MAX + 1 || strstr(e.name, "..//") != NULL ||
	    e.name[0] == '/' || strncmp(e.name, "../", 3) == 0)
		abort();
	/* What came parted at a shorter prefix may not fit at the longest. */
	if (ustar_build(block, &e) != 0)
		return 0;
	if (ustar_parse(&again, block, &why) != 0 ||
	    strcmp(again.name, e.name) != 0 || again.size != e.size)
		abort();
	return 0;
}
