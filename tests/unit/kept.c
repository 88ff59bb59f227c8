/* Room for small files. */

#include "pack/kept.h"

#include <string.h>

#include "crypto/md5.h"
#include "tests/tap.h"

#define FILES 300

static void
test_apart(void)
{
	struct kept k = KEPT_INIT;
	uint8_t *room[FILES];
	size_t i, j, len, bad = 0;

	for (i = 0; i < FILES; i++) {
		len = i * 1009 % 20000;
		room[i] = kept_room(&k, len);
		if (room[i] == NULL)
			abort();
		memset(room[i], (int)(i % 251), len + MD5_PAD_MAX);
	}
	for (i = 0; i < FILES; i++)
		for (j = 0; j < i * 1009 % 20000 + MD5_PAD_MAX; j++)
			bad += room[i][j] != i % 251;
	OK(bad == 0, "files of many lengths do not touch");
	kept_free(&k);
}

static void
test_limits(void)
{
	struct kept k = KEPT_INIT;
	size_t n = 0;

	OK(kept_room(&k, KEPT_FILE_MAX + 1) == NULL, "one that is too large");
	OK(kept_room(&k, UINT64_MAX) == NULL, "one that nothing holds");
	while (kept_room(&k, KEPT_FILE_MAX) != NULL)
		n++;
	IS(n, KEPT_MAX / (KEPT_FILE_MAX + MD5_PAD_MAX),
	    "as many of the largest as all may be");
	kept_free(&k);
	OK(kept_room(&k, KEPT_FILE_MAX) != NULL, "and anew");
	kept_free(&k);
}

int
main(void)
{
	test_apart();
	test_limits();
	return tap_done();
}
