/* Lists of digests. Whatever parses is written back to the same bytes. */

#include "pack/sums.h"

#include <stdlib.h>
#include <string.h>

#include "pack/entries.h"
#include "pack/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	const char *at = text, *line = text;
	struct entries names = ENTRIES_INIT;
	uint8_t digest[MD5_SIZE];
	char prefix[SUMS_PREFIX];
	struct listing list;
	struct sums_line l;

	while (sums_next(&at, text + len, &l) == 1) {
		sums_prefix(prefix, l.md5);
		if (memcmp(prefix, line, sizeof prefix) != 0 ||
		    l.name != line + sizeof prefix ||
		    l.name[l.name_len] != '\n' || at != l.name + l.name_len + 1)
			abort();
		line = at;
	}
	/* The same as a package's list, cut into two pieces. */
	listing_begin(&list, &names, "fuzz");
	if (listing_feed(&list, text, len / 2, NULL) == 0 &&
	    listing_feed(&list, text + len / 2, len - len / 2, NULL) == 0 &&
	    listing_end(&list, digest, NULL) == 0 && at != text + len)
		abort();
	entries_free(&names);
	return 0;
}
