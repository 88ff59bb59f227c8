/* peer/operator: a host that says anything. Whatever is told is told while
 * it may be, and texts are clean. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "peer/operator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct owner {
	struct operator_side *o;
	int push; /* what is asked */
	int ended;
};

static void
check_text(const char *s)
{
	if (s == NULL || !text_is_clean(s, strlen(s)))
		abort();
}

static void
check_bytes(const void *bytes, size_t len)
{
	static volatile unsigned sum;
	const uint8_t *p = bytes;

	while (len > 0)
		sum += p[--len];
}

static void
ask(struct owner *w)
{
	if (w->push)
		operator_push(w->o, "document", 8, 4, 0);
	else
		operator_read(w->o, "STATUS");
	w->push = !w->push;
}

static void
on_greeted(void *arg, const struct operator_greeting *g)
{
	check_text(g->host);
	check_text(g->zone);
	if (strlen(g->nonce) != COMMAND_NONCE_TEXT - 1)
		abort();
	ask(arg);
}

static void
on_server(void *arg, const struct operator_server *s)
{
	(void)arg;
	check_text(s->result);
	check_bytes(s->text, s->len);
	if (s->rehearsed_us < -1 || s->stall_us < -1)
		abort();
}

static void
on_clients(void *arg, const struct operator_progress *p)
{
	(void)arg;
	check_bytes(p, sizeof *p);
}

static void
on_group(void *arg, const char *result, uint64_t count, const char *of,
    const void *text, size_t len)
{
	(void)arg;
	(void)count;
	check_text(result);
	check_text(of);
	check_bytes(text, len);
}

static void
on_done(void *arg, const char *result, const char *word, const char *text)
{
	check_text(result);
	if ((word != NULL) != (strcmp(result, "refused") == 0))
		abort();
	check_text(text);
	ask(arg);
}

static void
on_ok(void *arg, const void *body, size_t len)
{
	check_bytes(body, len);
	ask(arg);
}

static void
on_error(void *arg, const char *word, const char *text)
{
	struct owner *w = arg;

	if (w->ended)
		abort();
	w->ended = word == NULL;
	check_text(text);
}

static int64_t
no_time(void *arg)
{
	(void)arg;
	return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hello[] =
	    "HOTFIX 1\nhost: h\nnonce: 00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff\ntime: 2026-11-22T10:15:00Z\n\n";
	struct owner w = {NULL, 0, 0};
	struct operator_callbacks cb = {&w, on_greeted, on_server, on_clients,
	    on_group, on_done, on_ok, on_error, NULL};
	struct peer_clock clock = {no_time, no_time, NULL};
	size_t step;

	if (size == 0)
		return 0;
	w.push = data[0] & 1;
	step = (size_t)(data[0] >> 2) + 1;
	w.o = operator_new("", &clock, &cb);
	if (w.o == NULL)
		return 0;
	operator_opened(w.o);
	if (data[0] & 2)
		link_input(operator_link(w.o), hello, sizeof hello - 1);
	for (data++, size--; size > 0; data += step, size -= step) {
		if (step > size)
			step = size;
		link_input(operator_link(w.o), data, step);
	}
	link_input_end(operator_link(w.o));
	operator_closed(w.o, "closed");
	operator_free(w.o);
	return 0;
}
