/* Growing runs of bytes: what was put in is there, and a failure is kept. */

#include "base/buf.h"

#include "tests/tap.h"

__attribute__((format(printf, 2, 3))) static int
put(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

/* Against a plain array: appends, prints and consumes at random. */
static void
check_history(void)
{
	static uint8_t model[1 << 16];
	uint64_t state = tap_seed(1);
	struct buf b = BUF_INIT;
	size_t len = 0, n, i;
	int round, good = 1;

	for (round = 0; good && round < 2000; round++) {
		n = tap_random(&state) % 200;
		switch (tap_random(&state) % 3) {
		case 0:
			if (len + n > sizeof model)
				break;
			for (i = 0; i < n; i++)
				model[len + i] = (uint8_t)tap_random(&state);
			good = buf_append(&b, model + len, n) == 0;
			len += n;
			break;
		case 1:
			if (len + 20 > sizeof model)
				break;
			len += (size_t)snprintf((char *)model + len, 20, "%zu!",
			    n);
			good = buf_printf(&b, "%zu!", n) == 0;
			break;
		case 2:
			n = len > 0 ? n % (len + 1) : 0;
			memmove(model, model + n, len - n);
			len -= n;
			buf_consume(&b, n);
			break;
		}
		good = good && b.len == len && b.cap >= len &&
		       (len == 0 || memcmp(b.data, model, len) == 0);
	}
	OK(good, "holds what was put in and not taken out");
	buf_free(&b);
}

int
main(void)
{
	struct buf b;
	uint8_t *before;
	size_t cap;

	buf_init(&b);
	OK(b.data == NULL && b.len == 0 && b.cap == 0 && !b.oom, "empty");
	IS_STR(buf_text(&b), "", "an empty text");
	IS(b.len, 0, "the NUL is not counted");
	IS(buf_puts(&b, "one"), 0, "text");
	IS(buf_printf(&b, " %d %s", 2, "three"), 0, "printed");
	IS(put(&b, "%c", '.'), 0, "by argument list");
	IS_STR(buf_text(&b), "one 2 three.", "one after the other");
	buf_consume(&b, 4);
	IS_STR(buf_text(&b), "2 three.", "consumed at the front");
	buf_consume(&b, b.len);
	IS(b.len, 0, "consumed whole");
	buf_consume(&b, 0);
	IS(buf_append(&b, NULL, 0), 0, "nothing can be appended");

	IS(buf_reserve(&b, 1000), 0, "room for 1000");
	OK(b.cap >= 1000, "is there");
	before = b.data;
	cap = b.cap;
	memset(b.data, 'x', 1000);
	b.len = 1000;
	buf_reset(&b);
	OK(b.len == 0 && b.data == before && b.cap == cap,
	    "reset keeps the memory");
	buf_puts(&b, "kept");
	IS(buf_reserve(&b, SIZE_MAX), -1, "more than there can be");
	IS(b.oom, 1, "is remembered");
	IS(buf_reserve(&b, 0), -1, "later calls fail");
	IS(buf_append(&b, "x", 1), -1, "append");
	IS(buf_puts(&b, "x"), -1, "puts");
	IS(buf_printf(&b, "x"), -1, "printf");
	OK(buf_text(&b) == NULL, "text");
	OK(b.len == 4 && memcmp(b.data, "kept", 4) == 0, "and change nothing");
	IS(buf_reserve(&b, SIZE_MAX / 2), -1, "half of all there is, too");
	buf_reset(&b);
	IS(buf_puts(&b, "x"), 0, "reset forgets the failure");
	IS(buf_reserve(&b, SIZE_MAX / 2), -1, "the sum counts");
	buf_free(&b);
	OK(b.data == NULL && b.len == 0 && b.cap == 0 && !b.oom, "freed");
	buf_free(&b);
	check_history();
	return tap_done();
}
