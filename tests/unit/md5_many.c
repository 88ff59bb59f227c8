/* MD5 of many messages at once is that of each. */

#include "crypto/md5_many.h"

#include <string.h>

#include "tests/tap.h"

#define MESSAGES 200
#define LEN_MAX  3000

static uint8_t bytes[MESSAGES][LEN_MAX + MD5_PAD_MAX];

/* n messages, whose lengths jump about. */
static void
test(size_t n, size_t step)
{
	static struct md5_message messages[MESSAGES];
	uint8_t got[MESSAGES][MD5_SIZE], want[MD5_SIZE];
	size_t i, j, len, bad = 0;

	for (i = 0; i < n; i++) {
		len = i * step % (LEN_MAX + 1);
		for (j = 0; j < len; j++)
			bytes[i][j] = (uint8_t)(i + 7 * j);
		len += md5_pad(bytes[i] + len, len);
		messages[i].bytes = bytes[i];
		messages[i].blocks = len / MD5_BLOCK;
		messages[i].md5 = got[i];
	}
	md5_many(messages, n);
	for (i = 0; i < n; i++) {
		md5(want, bytes[i], i * step % (LEN_MAX + 1));
		bad += memcmp(want, got[i], MD5_SIZE) != 0;
	}
	OK(bad == 0, "%zu messages, %zu apart", n, step);
}

int
main(void)
{
	size_t n;

	md5_many(NULL, 0);
	for (n = 1; n < 40; n++)
		test(n, 97);
	test(MESSAGES, 1);
	test(MESSAGES, 63);
	test(MESSAGES, 1009);
	test(MESSAGES, 0);
	return tap_done();
}
