/*
 * A client against a host that says anything. The first byte of an input
 * says whether it has greeted and let the client in, the second how the rest
 * is split; what the client sends and tells must be the same as for all of
 * it at once. No key is trusted, so nothing may ever be applied.
 */

#include "peer/client.h"

#include <stdlib.h>
#include <string.h>

#define GREETING                                                           \
	"HOTFIX 1\nhost: h\nnonce: "                                       \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" \
	"\ntime: 2026-11-22T10:15:00Z\n\n"
#define WELCOME "WELCOME id\nupdates: 1\n\n"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int64_t
no_time(void *arg)
{
	(void)arg;
	return 0;
}

static void
apply(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	(void)arg, (void)d, (void)part, (void)len;
	(void)drop, (void)ndrop, (void)out;
	abort();
}

static int
check(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	apply(arg, d, part, len, drop, ndrop, out);
	return 1;
}

static void
due(void *arg, uint64_t id)
{
	(void)arg, (void)id;
	abort();
}

static void
revert(void *arg, const uint64_t *drop, size_t ndrop,
    struct client_applied *out)
{
	(void)arg, (void)drop, (void)ndrop, (void)out;
	abort();
}

static void
message(void *arg, const void *bytes, size_t len)
{
	buf_append(arg, bytes, len);
}

static void
text(void *arg, const char *line)
{
	buf_puts(arg, line);
}

static void
play(struct buf *out, const uint8_t *bytes, size_t len, int prefix,
    size_t piece)
{
	struct client_config config;
	struct client *c;
	struct iovec iov;
	struct link *l;
	size_t at, n;

	memset(&config, 0, sizeof config);
	config.id = "id";
	config.seed = 1;
	config.clock = (struct peer_clock){no_time, no_time, NULL};
	config.cb.arg = out;
	config.cb.apply = apply;
	config.cb.revert = revert;
	config.cb.check = check;
	config.cb.due = due;
	config.cb.message = message;
	config.cb.gone = text;
	config.cb.log = text;
	c = client_new(&config, NULL);
	if (c == NULL)
		return;
	l = client_link(c);
	client_opened(c);
	if (prefix > 0)
		link_input(l, GREETING, strlen(GREETING));
	if (prefix > 1)
		link_input(l, WELCOME, strlen(WELCOME));
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		link_input(l, bytes + at, n);
	}
	while (link_output(l, &iov, 1) > 0) {
		buf_append(out, iov.iov_base, iov.iov_len);
		link_sent(l, iov.iov_len);
	}
	client_closed(c, "end");
	client_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf whole = BUF_INIT, split = BUF_INIT;

	if (len < 3)
		return 0;
	play(&whole, bytes + 2, len - 2, bytes[0] % 3, len);
	play(&split, bytes + 2, len - 2, bytes[0] % 3, (size_t)bytes[1] + 1);
	if (whole.len != split.len ||
	    memcmp(whole.data, split.data, whole.len) != 0)
		abort();
	buf_free(&whole);
	buf_free(&split);
	return 0;
}
