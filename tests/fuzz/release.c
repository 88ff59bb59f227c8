/* RELEASE. Whatever parses is formatted to the same bytes. */

#include "pack/release.h"

#include <stdlib.h>
#include <string.h>

#include "pack/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes, *why, *path;
	struct buf again = BUF_INIT;
	char name[NAME_LEN_MAX + 1];
	struct release r;
	size_t at, line, n;

	if (release_parse(&r, text, len, &at, &why, &line) != 0)
		return 0;
	release_format(&again, &r);
	while (release_next_removed(text, len, &at, &path, &n)) {
		memcpy(name, path, n);
		name[n] = '\0';
		release_format_removed(&again, name);
	}
	if (again.len != len || memcmp(again.data, bytes, len) != 0)
		abort();
	buf_free(&again);
	return 0;
}
