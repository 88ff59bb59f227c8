/* update/plain: any bytes; a name in front of them is always seen. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "update/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "hotfix ";
	char *text = malloc(sizeof name - 1 + size);

	if (text == NULL)
		return 0;
	memcpy(text, name, sizeof name - 1);
	if (size > 0)
		memcpy(text + sizeof name - 1, data, size);
	plain_chunk(text + sizeof name - 1, size);
	if (plain_chunk(text, sizeof name - 1 + size) != 0)
		abort();
	free(text);
	return 0;
}
