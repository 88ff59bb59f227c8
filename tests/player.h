#ifndef TESTS_PLAYER_H
#define TESTS_PLAYER_H

/*
 * A client on a stage: its host is written out by hand, documents are signed
 * with keys made from fixed seeds, the clock is ours.
 */

#include "peer/client.h"

#include "peer/client_internal.h"
#include "tests/docs.h"
#include "tests/tap.h"

#define T0  UINT64_C(1795342500000000) /* 2026-11-22T10:15:00Z */
#define S   UINT64_C(1000000)          /* a second of ids */
#define SEC INT64_C(1000000000)        /* a second of waiting */

#define NONCE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GREETING_AT(when)                                              \
	"HOTFIX 1\nhost: arena-east-1\nprogram: arena\nversion: 2.3\n" \
	"zone: east\nnonce: " NONCE "\ntime: " when "\n\n"
/* 100 s after T0 */
#define GREETING   GREETING_AT("2026-11-22T10:16:40Z")
#define WELCOME(n) "WELCOME player-17\nupdates: " n "\n\n"
/* Made by another implementation of HMAC-SHA-512. */
#define PROOF_NAMED                                                        \
	"5281473a0258b2cf7b12bd8140f2e1b87d307b46a5bbf012a4b9ca103acceb93" \
	"5aff32861a70b5b624e7e5af8f89159d14759fb785cb5364dc3157daf6cbc505"
#define PROOF_NAMELESS                                                     \
	"b3219b54fc6ac38b6af3036ca2cef046fc8e3ea1962f10a77c3ca786c6d50cbc" \
	"5ec1d7fdf040d46a7218adab9ae02af50913e60634f0f88dcc13c19fb19b2dbe"
#define LOGIN_HEAD                                          \
	"LOGIN player-17\nprogram: arena\nversion: 1.4.2\n" \
	"platform: linux-x86_64\nrelease: 1.4.2\n"

/* --- the world around a client ------------------------------------------ */

struct world {
	struct client *client;
	int64_t ns;
	struct buf out;    /* what it sent */
	struct buf events; /* what it told its program, a line each */
	struct buf log;    /* and its log, a line each */
	struct client_applied applied;       /* what the program answers */
	struct client_applied checked;       /* likewise, to a check */
	int check_later;                     /* not at once */
	int fetch;                           /* what a fetch returns at once */
	struct client_applied no_fetch;      /* and answers if it is -1 */
	int64_t delay_ns;                    /* it was given */
	const struct client_applied *settle; /* what is due does, at once */
	const char *say; /* sent by the program while it is called */
};

__attribute__((unused)) static int64_t
world_ns(void *arg)
{
	return ((struct world *)arg)->ns;
}

__attribute__((unused)) static int64_t
world_us(void *arg)
{
	(void)arg;
	return 1; /* players' clocks are wrong: nothing may hang on them */
}

__attribute__((unused)) static void
put_ids(struct buf *b, const uint64_t *ids, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf_printf(b, " -%" PRIu64, (ids[i] - T0) / S);
}

__attribute__((unused)) static void
speak(struct world *w)
{
	if (w->say != NULL)
		client_send(w->client, w->say, strlen(w->say));
}

__attribute__((unused)) static void
on_apply(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	struct world *w = arg;

	buf_printf(&w->events, "apply %" PRIu64 " %s '%.*s'", (d->id - T0) / S,
	    d->feature, (int)len, (const char *)part);
	put_ids(&w->events, drop, ndrop);
	buf_puts(&w->events, "\n");
	speak(w);
	*out = w->applied;
}

__attribute__((unused)) static void
on_revert(void *arg, const uint64_t *drop, size_t ndrop,
    struct client_applied *out)
{
	struct world *w = arg;

	buf_puts(&w->events, "revert");
	put_ids(&w->events, drop, ndrop);
	buf_puts(&w->events, "\n");
	speak(w);
	*out = w->applied;
}

__attribute__((unused)) static int
on_check(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	struct world *w = arg;

	buf_printf(&w->events, "check %" PRIu64 " %s '%.*s'", (d->id - T0) / S,
	    d->feature, (int)len, (const char *)part);
	put_ids(&w->events, drop, ndrop);
	buf_puts(&w->events, "\n");
	*out = w->checked;
	return !w->check_later;
}

__attribute__((unused)) static int
on_fetch(void *arg, const struct doc *d, const char *from,
    const char *full_from, int64_t delay_ns, struct client_applied *out)
{
	struct world *w = arg;

	buf_printf(&w->events, "fetch %" PRIu64 " %s %s", (d->id - T0) / S,
	    d->feature, d->package.url);
	if (from != NULL)
		buf_printf(&w->events, " from %s", from);
	if (full_from != NULL)
		buf_printf(&w->events, " full from %s", full_from);
	buf_puts(&w->events, "\n");
	w->delay_ns = delay_ns;
	*out = w->no_fetch;
	return w->fetch;
}

__attribute__((unused)) static void
on_fetch_cancel(void *arg, uint64_t id)
{
	buf_printf(&((struct world *)arg)->events, "cancel %" PRIu64 "\n",
	    (id - T0) / S);
}

__attribute__((unused)) static void
on_due(void *arg, uint64_t id)
{
	struct world *w = arg;

	buf_printf(&w->events, "due %" PRIu64 "\n", (id - T0) / S);
	if (w->settle != NULL)
		client_settled(w->client, id, w->settle);
}

__attribute__((unused)) static void
on_welcome(void *arg)
{
	buf_puts(&((struct world *)arg)->events, "welcome\n");
	speak(arg);
}

__attribute__((unused)) static void
on_message(void *arg, const void *bytes, size_t len)
{
	buf_printf(&((struct world *)arg)->events, "message '%.*s'\n", (int)len,
	    (const char *)bytes);
	speak(arg);
}

__attribute__((unused)) static void
on_gone(void *arg, const char *why)
{
	buf_printf(&((struct world *)arg)->events, "gone: %s\n", why);
}

__attribute__((unused)) static void
on_updated(void *arg, uint64_t id, const char *feature, const char *result)
{
	buf_printf(&((struct world *)arg)->events,
	    "updated %" PRIu64 " %s %s\n", (id - T0) / S, feature, result);
}

__attribute__((unused)) static void
on_log(void *arg, const char *line)
{
	buf_printf(&((struct world *)arg)->log, "%s\n", line);
	if (strchr(line, '\n') != NULL)
		OK(0, "a line of the log holds no line end: %s", line);
}

__attribute__((unused)) static struct client_config
plain_config(struct world *w, struct keyring *keys)
{
	struct client_config config;

	memset(&config, 0, sizeof config);
	config.id = "player-17";
	config.program = "arena";
	config.version = config.release = "1.4.2";
	config.platform = "linux-x86_64";
	config.keys = keys;
	config.seed = 1;
	config.clock = (struct peer_clock){world_ns, world_us, w};
	config.cb = (struct client_callbacks){.arg = w,
	    .apply = on_apply,
	    .revert = on_revert,
	    .check = on_check,
	    .fetch = on_fetch,
	    .fetch_cancel = on_fetch_cancel,
	    .due = on_due,
	    .welcome = on_welcome,
	    .message = on_message,
	    .gone = on_gone,
	    .updated = on_updated,
	    .log = on_log};
	return config;
}

__attribute__((unused)) static void
world_start(struct world *w, const struct client_config *config)
{
	struct err e;

	w->applied.result = RESULT_APPLIED;
	w->applied.took_ns = 132000;
	w->checked = w->applied;
	w->checked.result = RESULT_READY;
	w->client = client_new(config, &e);
	if (w->client == NULL) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

/* A client with what most tests need: key 1 may do all, key 2 features that
 * begin with "ui". dir: its state folder, or NULL. */
__attribute__((unused)) static void
world_in(struct world *w, const char *dir)
{
	struct signify_sec all = test_key(1), ui = test_key(2);
	struct keyring keys = KEYRING_INIT;
	struct client_config config = plain_config(w, &keys);

	memset(w, 0, sizeof *w);
	w->ns = 5000 * SEC;
	test_trust(&keys, &all, "all");
	test_trust(&keys, &ui, "ui features=ui*");
	config.state_dir = dir;
	world_start(w, &config);
}

__attribute__((unused)) static void
world_new(struct world *w)
{
	world_in(w, NULL);
}

__attribute__((unused)) static void
world_free(struct world *w)
{
	client_free(w->client);
	buf_free(&w->out);
	buf_free(&w->events);
	buf_free(&w->log);
}

/* Take what the client wants to send. */
__attribute__((unused)) static void
collect(struct world *w)
{
	struct link *l = client_link(w->client);
	struct iovec iov[4];
	int i, n;

	while ((n = link_output(l, iov, 4)) > 0) {
		for (i = 0; i < n; i++) {
			buf_append(&w->out, iov[i].iov_base, iov[i].iov_len);
			link_sent(l, iov[i].iov_len);
		}
	}
}

__attribute__((unused)) static void
hear(struct world *w, const void *bytes, size_t len)
{
	link_input(client_link(w->client), bytes, len);
	collect(w);
}

__attribute__((unused)) static void
hear_text(struct world *w, const char *text)
{
	hear(w, text, strlen(text));
}

/* What it sent, or told, since the last question; until the next one. */
__attribute__((unused)) static const char *
sent(struct world *w)
{
	const char *s = buf_text(&w->out);

	w->out.len = 0;
	return s;
}

__attribute__((unused)) static const char *
told(struct world *w)
{
	const char *s = buf_text(&w->events);

	w->events.len = 0;
	return s;
}

__attribute__((unused)) static const char *
logged(struct world *w)
{
	const char *s = buf_text(&w->log);

	w->log.len = 0;
	return s;
}

__attribute__((unused)) static int
is_ended(struct world *w)
{
	return client_link(w->client)->state != LINK_OPEN;
}

/* Log in with a greeting; n: the frames that the host announces. */
__attribute__((unused)) static void
log_in_at(struct world *w, const char *greeting, const char *n)
{
	client_connecting(w->client);
	client_opened(w->client);
	hear_text(w, greeting);
	hear_text(w, "WELCOME player-17\nupdates: ");
	hear_text(w, n);
	hear_text(w, "\n\n");
	sent(w);
	told(w);
}

__attribute__((unused)) static void
log_in(struct world *w)
{
	log_in_at(w, GREETING, "0");
}

__attribute__((unused)) static void
reconnect(struct world *w, const char *greeting)
{
	client_closed(w->client, "test");
	w->ns = client_next_ns(w->client);
	client_tick(w->client);
	log_in_at(w, greeting, "0");
}

/* --- documents ---------------------------------------------------------- */

__attribute__((unused)) static struct doc_spec
update_spec(unsigned n, const char *feature, const char *part)
{
	struct doc_spec spec;

	memset(&spec, 0, sizeof spec);
	spec.id = T0 + n * S;
	spec.feature = feature;
	if (part != NULL) {
		spec.parts[DOC_CLIENT].bytes = part;
		spec.parts[DOC_CLIENT].len = strlen(part);
	}
	return spec;
}

__attribute__((unused)) static struct doc_spec
revert_spec(unsigned n, const char *feature, unsigned target)
{
	struct doc_spec spec = update_spec(n, feature, NULL);

	spec.reverts = T0 + target * S;
	return spec;
}

__attribute__((unused)) static struct doc_spec
retire_spec(unsigned n, const char *feature, unsigned target)
{
	struct doc_spec spec = update_spec(n, feature, NULL);

	spec.retires = T0 + target * S;
	return spec;
}

/* Append the signed head. */
__attribute__((unused)) static void
put_head(struct buf *out, const struct doc_spec *spec, int key)
{
	struct signify_sec sec = test_key(key);
	struct buf text = BUF_INIT;
	struct err e;

	if (doc_build(&text, spec, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	test_sign(out, &sec, (char *)text.data, text.len);
	buf_free(&text);
}

__attribute__((unused)) static void
put_update_frame(struct buf *out, uint64_t id, const struct buf *head,
    const void *part, size_t len)
{
	buf_printf(out, "UPDATE %" PRIu64 "\nhead: %zu\nlength: %zu\n\n", id,
	    head->len, head->len + len);
	buf_append(out, head->data, head->len);
	buf_append(out, part, len);
	buf_puts(out, "\n");
}

__attribute__((unused)) static void
put_update(struct buf *out, const struct doc_spec *spec, int key)
{
	struct buf head = BUF_INIT;

	put_head(&head, spec, key);
	put_update_frame(out, spec->id, &head, spec->parts[DOC_CLIENT].bytes,
	    spec->parts[DOC_CLIENT].len);
	buf_free(&head);
}

__attribute__((unused)) static void
put_revert(struct buf *out, uint64_t id, const struct doc_spec *spec, int key)
{
	struct buf head = BUF_INIT;

	put_head(&head, spec, key);
	buf_printf(out, "REVERT %" PRIu64 "\nlength: %zu\n\n", id, head.len);
	buf_append(out, head.data, head.len);
	buf_puts(out, "\n");
	buf_free(&head);
}

__attribute__((unused)) static void
hear_buf(struct world *w, struct buf *frame)
{
	hear(w, frame->data, frame->len);
	buf_free(frame);
}

__attribute__((unused)) static void
hear_update(struct world *w, const struct doc_spec *spec)
{
	struct buf b = BUF_INIT;

	put_update(&b, spec, 1);
	hear_buf(w, &b);
}

__attribute__((unused)) static void
hear_revert(struct world *w, const struct doc_spec *spec)
{
	struct buf b = BUF_INIT;

	put_revert(&b, spec->reverts, spec, 1);
	hear_buf(w, &b);
}

/* Push an update that is applied, or the like. */
__attribute__((unused)) static void
give(struct world *w, unsigned n, const char *feature)
{
	struct doc_spec spec = update_spec(n, feature, "part()");

	hear_update(w, &spec);
}

/* 1 when exactly one result was sent, about this id and with these words
 * ("applied", "refused stale"). */
__attribute__((unused)) static int
is_result(struct world *w, unsigned n, const char *words)
{
	const char *got = sent(w), *second;
	char want[128];
	int same;

	snprintf(want, sizeof want, "RESULT %" PRIu64 " %s\n", T0 + n * S,
	    words);
	same = strncmp(got, want, strlen(want)) == 0;
	second = same ? strstr(got + 1, "RESULT ") : NULL;
	if (!same || second != NULL)
		printf("#   got  '%s'\n#   want '%s'\n", got, want);
	return same && second == NULL;
}

#define IS_RESULT(w, n, words, what) OK(is_result(w, n, words), what)

__attribute__((unused)) static int
runs(struct world *w, unsigned n)
{
	uint64_t ids[CATALOG_LIVE];
	size_t i, count = client_have(w->client, ids, CATALOG_LIVE);

	for (i = 0; i < count; i++)
		if (ids[i] == T0 + n * S)
			return 1;
	return 0;
}

__attribute__((unused)) static int
waits(struct world *w, unsigned n)
{
	uint64_t ids[CATALOG_LIVE];
	size_t i, count = client_waiting(w->client, ids, CATALOG_LIVE);

	for (i = 0; i < count; i++)
		if (ids[i] == T0 + n * S)
			return 1;
	return 0;
}

/* Push an update that the program defers. */
__attribute__((unused)) static void
give_deferred(struct world *w, unsigned n, const char *feature,
    const char *fields)
{
	struct doc_spec spec = update_spec(n, feature, "part()");
	const enum result before = w->applied.result;

	spec.extra = fields;
	w->applied.result = RESULT_DEFERRED;
	hear_update(w, &spec);
	w->applied.result = before;
}

/* The program's event came, with this result. */
__attribute__((unused)) static void
settle(struct world *w, unsigned n, enum result result)
{
	struct client_applied out;

	memset(&out, 0, sizeof out);
	out.result = result;
	out.took_ns = 132000;
	client_settled(w->client, T0 + n * S, &out);
	collect(w);
}

#define ZEROES     "00000000000000000000000000000000"
#define PACKAGE_AT "ftp://files.example/arena.tar"
#define PACKAGE                                                        \
	"package: arena 1.5 9 " ZEROES " " ZEROES ZEROES ZEROES ZEROES \
	" " PACKAGE_AT "\n"

/* Of a document with a package. */
__attribute__((unused)) static struct doc_spec
package_spec(unsigned n, const char *feature, const char *part)
{
	struct doc_spec spec = update_spec(n, feature, part);

	spec.extra = PACKAGE;
	return spec;
}

/* Push one; it is fetched, or not, as the world says. */
__attribute__((unused)) static void
give_package(struct world *w, unsigned n, const char *feature)
{
	struct doc_spec spec = package_spec(n, feature, "part()");

	hear_update(w, &spec);
}

__attribute__((unused)) static int
fetches(struct world *w, unsigned n)
{
	uint64_t ids[CLIENT_FETCHES];
	size_t i, count = client_fetching(w->client, ids, CLIENT_FETCHES);

	for (i = 0; i < count; i++)
		if (ids[i] == T0 + n * S)
			return 1;
	return 0;
}

/* The fetch came to this end. */
__attribute__((unused)) static void
fetched(struct world *w, unsigned n, enum result result)
{
	struct client_applied out;

	memset(&out, 0, sizeof out);
	out.result = result;
	if (result == RESULT_READY) {
		out.text = "arena 1.5\n"; /* nobody asks for that */
		out.len = strlen(out.text);
	} else {
		out.text = "no route to files.example\nthree times\n";
		out.len = strlen(out.text);
		out.took_ns = 90 * SEC;
		out.word = WORD_NEEDS;
	}
	client_fetched(w->client, T0 + n * S, &out);
	collect(w);
}

#endif
