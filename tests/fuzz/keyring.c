/* Trust files and public key files. */

#include <stdlib.h>

#include "update/keyring.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct keyring r = KEYRING_INIT;
	struct err e;

	if (keyring_parse(&r, "fuzz", text, size, &e) != 0 && r.n != 0)
		abort();
	(void)keyring_add_pub(&r, "fuzz.pub", text, size, &e);
	keyring_free(&r);
	return 0;
}
