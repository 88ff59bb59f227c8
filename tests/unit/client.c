/*
 * The client's side of the protocol against a scripted host: what it sends,
 * what it tells its program, what it refuses, when it comes back.
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
	struct client_applied applied; /* what the program answers */
	const char *say; /* sent by the program while it is called */
};

static int64_t
world_ns(void *arg)
{
	return ((struct world *)arg)->ns;
}

static int64_t
world_us(void *arg)
{
	(void)arg;
	return 1; /* players' clocks are wrong: nothing may hang on them */
}

static void
put_ids(struct buf *b, const uint64_t *ids, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf_printf(b, " -%" PRIu64, (ids[i] - T0) / S);
}

static void
speak(struct world *w)
{
	if (w->say != NULL)
		client_send(w->client, w->say, strlen(w->say));
}

static void
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

static void
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

static void
on_welcome(void *arg)
{
	buf_puts(&((struct world *)arg)->events, "welcome\n");
	speak(arg);
}

static void
on_message(void *arg, const void *bytes, size_t len)
{
	buf_printf(&((struct world *)arg)->events, "message '%.*s'\n", (int)len,
	    (const char *)bytes);
	speak(arg);
}

static void
on_gone(void *arg, const char *why)
{
	buf_printf(&((struct world *)arg)->events, "gone: %s\n", why);
}

static void
on_updated(void *arg, uint64_t id, const char *feature, const char *result)
{
	buf_printf(&((struct world *)arg)->events,
	    "updated %" PRIu64 " %s %s\n", (id - T0) / S, feature, result);
}

static void
on_log(void *arg, const char *line)
{
	(void)arg;
	if (strchr(line, '\n') != NULL)
		OK(0, "a line of the log holds no line end: %s", line);
}

static struct client_config
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
	config.cb = (struct client_callbacks){w, on_apply, on_revert,
	    on_welcome, on_message, on_gone, on_updated, on_log, NULL};
	return config;
}

static void
world_start(struct world *w, const struct client_config *config)
{
	struct err e;

	w->applied.result = RESULT_APPLIED;
	w->applied.took_ns = 132000;
	w->client = client_new(config, &e);
	if (w->client == NULL) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

/* A client with what most tests need: key 1 may do all, key 2 features that
 * begin with "ui". */
static void
world_new(struct world *w)
{
	struct signify_sec all = test_key(1), ui = test_key(2);
	struct keyring keys = KEYRING_INIT;
	struct client_config config = plain_config(w, &keys);

	memset(w, 0, sizeof *w);
	w->ns = 5000 * SEC;
	test_trust(&keys, &all, "all");
	test_trust(&keys, &ui, "ui features=ui*");
	world_start(w, &config);
}

static void
world_free(struct world *w)
{
	client_free(w->client);
	buf_free(&w->out);
	buf_free(&w->events);
}

/* Take what the client wants to send. */
static void
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

static void
hear(struct world *w, const void *bytes, size_t len)
{
	link_input(client_link(w->client), bytes, len);
	collect(w);
}

static void
hear_text(struct world *w, const char *text)
{
	hear(w, text, strlen(text));
}

/* What it sent, or told, since the last question; until the next one. */
static const char *
sent(struct world *w)
{
	const char *s = buf_text(&w->out);

	w->out.len = 0;
	return s;
}

static const char *
told(struct world *w)
{
	const char *s = buf_text(&w->events);

	w->events.len = 0;
	return s;
}

static int
is_ended(struct world *w)
{
	return client_link(w->client)->state != LINK_OPEN;
}

/* Log in with a greeting; n: the frames that the host announces. */
static void
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

static void
log_in(struct world *w)
{
	log_in_at(w, GREETING, "0");
}

static void
reconnect(struct world *w, const char *greeting)
{
	client_closed(w->client, "test");
	w->ns = client_next_ns(w->client);
	client_tick(w->client);
	log_in_at(w, greeting, "0");
}

/* --- documents ---------------------------------------------------------- */

static struct doc_spec
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

static struct doc_spec
revert_spec(unsigned n, const char *feature, unsigned target)
{
	struct doc_spec spec = update_spec(n, feature, NULL);

	spec.reverts = T0 + target * S;
	return spec;
}

static struct doc_spec
retire_spec(unsigned n, const char *feature, unsigned target)
{
	struct doc_spec spec = update_spec(n, feature, NULL);

	spec.retires = T0 + target * S;
	return spec;
}

/* Append the signed head. */
static void
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

static void
put_update_frame(struct buf *out, uint64_t id, const struct buf *head,
    const void *part, size_t len)
{
	buf_printf(out, "UPDATE %" PRIu64 "\nhead: %zu\nlength: %zu\n\n", id,
	    head->len, head->len + len);
	buf_append(out, head->data, head->len);
	buf_append(out, part, len);
	buf_puts(out, "\n");
}

static void
put_update(struct buf *out, const struct doc_spec *spec, int key)
{
	struct buf head = BUF_INIT;

	put_head(&head, spec, key);
	put_update_frame(out, spec->id, &head, spec->parts[DOC_CLIENT].bytes,
	    spec->parts[DOC_CLIENT].len);
	buf_free(&head);
}

static void
put_revert(struct buf *out, uint64_t id, const struct doc_spec *spec, int key)
{
	struct buf head = BUF_INIT;

	put_head(&head, spec, key);
	buf_printf(out, "REVERT %" PRIu64 "\nlength: %zu\n\n", id, head.len);
	buf_append(out, head.data, head.len);
	buf_puts(out, "\n");
	buf_free(&head);
}

static void
hear_buf(struct world *w, struct buf *frame)
{
	hear(w, frame->data, frame->len);
	buf_free(frame);
}

static void
hear_update(struct world *w, const struct doc_spec *spec)
{
	struct buf b = BUF_INIT;

	put_update(&b, spec, 1);
	hear_buf(w, &b);
}

static void
hear_revert(struct world *w, const struct doc_spec *spec)
{
	struct buf b = BUF_INIT;

	put_revert(&b, spec->reverts, spec, 1);
	hear_buf(w, &b);
}

/* Push an update that is applied, or the like. */
static void
give(struct world *w, unsigned n, const char *feature)
{
	struct doc_spec spec = update_spec(n, feature, "part()");

	hear_update(w, &spec);
}

/* 1 when exactly one result was sent, about this id and with these words
 * ("applied", "refused stale"). */
static int
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

static int
runs(struct world *w, unsigned n)
{
	uint64_t ids[CATALOG_LIVE];
	size_t i, count = client_have(w->client, ids, CATALOG_LIVE);

	for (i = 0; i < count; i++)
		if (ids[i] == T0 + n * S)
			return 1;
	return 0;
}

/* --- greeting and login ------------------------------------------------- */

static void
test_login(void)
{
	struct client_config config;
	struct world w;
	struct keyring keys = KEYRING_INIT;

	world_new(&w);
	OK(client_wants_connection(w.client), "a new client wants to connect");
	IS(client_next_ns(w.client), -1, "and waits for nothing");
	client_connecting(w.client);
	OK(!client_wants_connection(w.client), "one attempt is enough");
	client_opened(w.client);
	IS_STR(sent(&w), "", "the host speaks first");
	hear_text(&w, GREETING);
	IS_STR(sent(&w), LOGIN_HEAD "\n",
	    "a first login without a token: no have, no last, no proof");
	OK(!client_is_welcome(w.client), "not in before the WELCOME");
	IS(client_send(w.client, "x", 1), -1, "nor can anything be sent");
	hear_text(&w, WELCOME("0"));
	IS_STR(told(&w), "welcome\n", "nothing waits: welcome at once");
	OK(client_is_welcome(w.client), "logged in");
	IS(client_next_ns(w.client), -1, "and waits for nothing any more");
	world_free(&w);

	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	config.program = config.version = config.platform = config.release =
	    NULL;
	config.token = "s3cret";
	config.token_len = 6;
	config.host_name = "arena-east-1";
	world_start(&w, &config);
	client_opened(w.client);
	hear_text(&w, GREETING);
	IS_STR(sent(&w), "LOGIN player-17\nproof: " PROOF_NAMED "\n\n",
	    "the proof is over nonce, host's name and id; unknowns are left "
	    "out");
	world_free(&w);

	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	config.program = config.version = config.platform = config.release =
	    NULL;
	config.token = "s3cret";
	config.token_len = 6;
	world_start(&w, &config);
	client_opened(w.client);
	hear_text(&w, "HOTFIX 1\nnonce: " NONCE
		      "\ntime: 2026-11-22T10:16:40.5Z\nodd: field\n\n");
	IS_STR(sent(&w), "LOGIN player-17\nproof: " PROOF_NAMELESS "\n\n",
	    "a host without a name has the empty one; unknown fields pass");
	world_free(&w);
}

static void
test_greetings(void)
{
	static const struct {
		const char *text, *what;
		int failed;
		const char *answer;
	} cases[] = {
	    {"HOTFIX 2\n", "a later version, at its first line", 1,
		"ERROR unsupported\ntext: this client speaks HOTFIX 1\n\n"},
	    {"HOTFIX 99999999999999999999999\n", "a very late one", 1,
		"ERROR unsupported\ntext: this client speaks HOTFIX 1\n\n"},
	    {"HOTFIX 0\n", "version 0", 0, ""},
	    {"HOTFIX 01\n", "a version with a zero before it", 0, ""},
	    {"HOTFIX\n", "no version", 0, ""},
	    {"HOTFIX 1 2\n", "two versions", 0, ""},
	    {"HOTFIX one\n", "a version in words", 0, ""},
	    {"SSH-2.0-OpenSSH_9.2\r\n", "another protocol", 0, ""},
	    {"UPDATE 1\n", "an update as a greeting", 0, ""},
	    {"PING 1\n", "a ping as a greeting", 0, ""},
	    {"HOTFIX 1\n\n", "a greeting without fields", 0, ""},
	    {"HOTFIX 1\nhost: a\nnonce: " NONCE "\n\n", "no time", 0, ""},
	    {"HOTFIX 1\nhost: a\ntime: 2026-11-22T10:16:40Z\n\n", "no nonce", 0,
		""},
	    {"HOTFIX 1\nnonce: " NONCE "0\ntime: 2026-11-22T10:16:40Z\n\n",
		"a long nonce", 0, ""},
	    {"HOTFIX 1\nnonce: \ntime: 2026-11-22T10:16:40Z\n\n",
		"an empty nonce", 0, ""},
	    {"HOTFIX 1\nnonce: 00112233445566778899AABBCCDDEEFF"
	     "00112233445566778899AABBCCDDEEFF\n"
	     "time: 2026-11-22T10:16:40Z\n\n",
		"a nonce in capitals", 0, ""},
	    {"HOTFIX 1\nnonce: " NONCE "\ntime: 2026-11-22 10:16:40\n\n",
		"a time in another form", 0, ""},
	    {"HOTFIX 1\nnonce: " NONCE
	     "\ntime: 2026-11-22T10:16:40Z\nlength: 1\n\nx\n",
		"a greeting with a body", 0, ""},
	    {"HOTFIX 1\nnonce: " NONCE "\nnonce: " NONCE "\n\n",
		"a field twice", 0, ""},
	    {"HOTFIX 1\nlength: 5000\n\n", "a promise of a long body", 0, ""},
	    {"ERROR busy\ntext: too many\n\n", "an ERROR", 0, ""},
	    {"ERROR unsupported\n\n", "ERROR unsupported", 1, ""},
	    {"BYE\n\n", "BYE", 0, ""},
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		world_new(&w);
		client_connecting(w.client);
		client_opened(w.client);
		hear_text(&w, cases[i].text);
		OK(is_ended(&w), "%s: closed", cases[i].what);
		IS_STR(sent(&w), cases[i].answer, "with this answer");
		client_closed(w.client, "test");
		IS(client_failed(w.client, NULL), cases[i].failed,
		    "for good, or not");
		IS(client_next_ns(w.client) > 0, !cases[i].failed,
		    "and tried again, or not");
		IS_STR(told(&w), "", "the program hears nothing of it");
		world_free(&w);
	}
}

static void
test_expected_host(void)
{
	static const char *const greetings[] = {
	    GREETING,
	    "HOTFIX 1\nnonce: " NONCE "\ntime: 2026-11-22T10:16:40Z\n\n",
	};
	struct keyring keys = KEYRING_INIT;
	struct client_config config;
	const char *why = "";
	struct world w;
	size_t i;

	for (i = 0; i < 2; i++) {
		memset(&w, 0, sizeof w);
		config = plain_config(&w, &keys);
		config.host_name = "arena-west-1";
		config.token = "s3cret";
		config.token_len = 6;
		world_start(&w, &config);
		client_opened(w.client);
		hear_text(&w, greetings[i]);
		OK(is_ended(&w), "a host with another name is left");
		IS_STR(sent(&w), "", "without a word, or a proof");
		client_closed(w.client, "test");
		OK(client_failed(w.client, &why), "for good");
		OK(strstr(why, "arena-west-1") != NULL, "and it says why");
		IS(client_next_ns(w.client), -1, "nothing is tried again");
		OK(!client_wants_connection(w.client), "never");
		world_free(&w);
	}
}

static void
test_welcomes(void)
{
	static const char *const bad[] = {
	    "WELCOME player-18\nupdates: 0\n\n",
	    "WELCOME\nupdates: 0\n\n",
	    "WELCOME player-17 x\nupdates: 0\n\n",
	    "WELCOME player-17\n\n",
	    "WELCOME player-17\nupdates: -1\n\n",
	    "WELCOME player-17\nupdates: 65537\n\n",
	    "UPDATE 1795342500000000\nhead: 1\nlength: 1\n\nx\n",
	    "REVERT 1795342500000000\n\n",
	    "MESSAGE\nlength: 1\n\nx\n",
	    "HOTFIX 1\n\n",
	    "STATUS\n\n",
	    "welcome\n\n",
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		world_new(&w);
		client_opened(w.client);
		hear_text(&w, GREETING);
		sent(&w);
		hear_text(&w, bad[i]);
		OK(strncmp(sent(&w), "ERROR syntax\n", 13) == 0,
		    "no good WELCOME (%zu): ERROR syntax", i);
		OK(is_ended(&w), "the connection ends");
		IS_STR(told(&w), "", "the program hears nothing of it");
		client_closed(w.client, "test");
		OK(!client_failed(w.client, NULL), "it will be tried again");
		world_free(&w);
	}

	world_new(&w);
	client_opened(w.client);
	hear_text(&w, GREETING);
	sent(&w);
	hear_text(&w, "PING before\n\nPONG x\n\n");
	IS_STR(sent(&w), "PONG before\n\n",
	    "PING is answered before login too");
	hear_text(&w, "ERROR denied\ntext: who are you\n\n");
	OK(is_ended(&w), "denied: closed");
	client_closed(w.client, "test");
	OK(!client_failed(w.client, NULL), "but tried again");
	world_free(&w);
}

static void
test_catching_up(void)
{
	struct doc_spec stale = update_spec(1, "a", "old()");
	struct world w;

	world_new(&w);
	log_in_at(&w, GREETING, "4");
	OK(!client_is_welcome(w.client), "four frames are to come");
	IS(client_send(w.client, "x", 1), 0, "yet it is logged in");
	sent(&w);
	give(&w, 2, "a");
	hear_text(&w, "PING 1\n\nMESSAGE\nlength: 2\n\nhi\n");
	give(&w, 3, "b");
	hear_text(&w, "REVERT 17\n\n");
	IS_STR(told(&w),
	    "apply 2 a 'part()'\nupdated 2 a applied\nmessage 'hi'\n"
	    "apply 3 b 'part()'\nupdated 3 b applied\n",
	    "three of them, and what is not counted");
	hear_update(&w, &stale);
	IS_STR(told(&w), "welcome\n", "a refusal is a result as well");
	give(&w, 4, "a");
	IS_STR(told(&w), "apply 4 a 'part()' -2\nupdated 4 a applied\n",
	    "no second welcome");
	world_free(&w);
}

/* --- updates ------------------------------------------------------------ */

static void
test_update(void)
{
	struct doc_spec spec = update_spec(10, "combat", "hit()");
	char long_text[RESULT_TEXT_MAX + 2];
	const char *answer;
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	IS_STR(sent(&w), "RESULT 1795342510000000 applied\ntook: 0.000132\n\n",
	    "an update is applied and answered");
	IS_STR(told(&w), "apply 10 combat 'hit()'\nupdated 10 combat applied\n",
	    "the program got its part, then the event");
	OK(runs(&w, 10), "it runs");
	hear_update(&w, &spec);
	IS_STR(sent(&w), "RESULT 1795342510000000 have\n\n",
	    "sent again it is there already");
	IS_STR(told(&w), "", "and nothing is done");

	spec = update_spec(11, "combat", "hit2()");
	w.applied.text = "report\nof two lines";
	w.applied.len = strlen(w.applied.text);
	w.applied.took_ns = INT64_C(61000001999);
	hear_update(&w, &spec);
	IS_STR(sent(&w),
	    "RESULT 1795342511000000 applied\ntook: 61.000001\nlength: 19\n\n"
	    "report\nof two lines\n",
	    "the report is its body");
	IS_STR(told(&w),
	    "apply 11 combat 'hit2()' -10\nupdated 11 combat applied\n",
	    "the older one of the feature leaves in the same step");
	OK(runs(&w, 11) && !runs(&w, 10), "the newer one runs instead");

	spec = update_spec(12, "ui", "u()");
	memset(long_text, 'x', sizeof long_text);
	w.applied.text = long_text;
	w.applied.len = RESULT_TEXT_MAX + 1;
	hear_update(&w, &spec);
	answer = sent(&w);
	OK(strstr(answer, "\nlength: 4096\n\n") != NULL,
	    "a long report is cut");
	spec = update_spec(13, "ui", "u()");
	memcpy(long_text + RESULT_TEXT_MAX - 2, "\xe2\x82\xac", 3);
	hear_update(&w, &spec);
	answer = sent(&w);
	OK(strstr(answer, "\nlength: 4094\n\n") != NULL, "between characters");

	w.applied.text = NULL;
	w.say = "mine";
	spec = update_spec(14, "combat", "");
	hear_update(&w, &spec);
	OK(strncmp(sent(&w), "MESSAGE\nlength: 4\n\nmine\nRESULT 1795342514",
	       40) == 0,
	    "what the program sends meanwhile goes out before the result");
	told(&w);
	world_free(&w);
}

static void
test_failures(void)
{
	static const enum result results[] = {
	    RESULT_FAILED, RESULT_HUNG, RESULT_PARTIAL, RESULT_REVERTED};
	struct doc_spec spec = update_spec(11, "a", "bad()");
	struct world w;
	size_t i;

	world_new(&w);
	log_in(&w);
	give(&w, 10, "a");
	for (i = 0; i < sizeof results / sizeof *results; i++) {
		sent(&w);
		told(&w);
		w.applied.result = results[i];
		w.applied.text = "boom";
		w.applied.len = 4;
		hear_update(&w, &spec);
		IS_RESULT(&w, 11, result_name(results[i]),
		    "what went wrong is told");
		IS_STR(told(&w), "apply 11 a 'bad()' -10\n",
		    "it was tried, and is no event");
		OK(runs(&w, 10) && !runs(&w, 11), "the older one runs on");
		IS(w.client->catalog.n, 1, "nothing is remembered of it");
	}
	w.applied.result = RESULT_NONE;
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "failed", "what makes no sense is a failure");
	w.applied.result = RESULT_APPLIED;
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "applied", "what failed may come again");
	OK(runs(&w, 11) && !runs(&w, 10), "then it runs");
	w.applied.result = RESULT_HAVE;
	give(&w, 12, "a");
	OK(runs(&w, 12), "what the program has already counts as running");
	world_free(&w);
}

/* Each change of a good update, and the word that it meets. */
static void
test_refusals(void)
{
	static const char tomorrow[] =
	    "hotfix-update: 1\nid: 1795342531000000\nfeature: combat\n"
	    "created: 2026-11-22T10:15:31.000000Z\nmust-dance: yes\n"
	    "retires: 1795342530000000\n\n";
	struct doc_spec spec;
	struct buf head = BUF_INIT, b = BUF_INIT;
	struct signify_sec sec = test_key(1);
	struct world w;
	size_t i, comment_end;
	int good = 1;

	world_new(&w);
	log_in(&w);
	give(&w, 20, "a");
	sent(&w);
	told(&w);

	spec = update_spec(30, "combat", "hit()");
	put_head(&head, &spec, 1);
	put_update_frame(&b, T0 + 31 * S, &head, "hit()", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused syntax", "the frame's id must be its own");
	put_update_frame(&b, spec.id, &head, "hit(!", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused bad-digest", "another part");
	put_update_frame(&b, spec.id, &head, "hit()!", 6);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused bad-digest", "a byte left over");
	put_update_frame(&b, spec.id, &head, "hit(", 4);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused bad-digest", "a byte missing");

	comment_end =
	    (size_t)((uint8_t *)memchr(head.data, '\n', head.len) - head.data);
	for (i = 0; i < head.len; i++) {
		if (i >= strlen("untrusted comment: ") && i < comment_end)
			continue; /* nobody believes the comment */
		head.data[i] ^= 1;
		put_update_frame(&b, spec.id, &head, "hit()", 5);
		head.data[i] ^= 1;
		sent(&w);
		hear_buf(&w, &b);
		good &= strncmp(sent(&w), "RESULT 1795342530000000 refused ",
			    32) == 0;
	}
	OK(good, "one bit flipped anywhere in the head: refused");
	good = 1;
	for (i = 0; i < head.len; i++) {
		struct buf cut_head = head;

		cut_head.len = i;
		put_update_frame(&b, spec.id, &cut_head, "hit()", 5);
		hear_buf(&w, &b);
		good &= strncmp(sent(&w), "RESULT 1795342530000000 refused ",
			    32) == 0;
	}
	OK(good, "cut anywhere in the head: refused");
	OK(!runs(&w, 30), "nothing of it runs");
	put_update_frame(&b, spec.id, &head, "hit()", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "applied", "unchanged it is good");
	buf_free(&head);

	put_update(&b, &spec, 3);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused untrusted-key", "a key that is not trusted");
	spec = update_spec(31, "combat", "hit()");
	put_update(&b, &spec, 2);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused out-of-scope",
	    "a key that may not sign for this feature");
	put_head(&head, &spec, 1);
	head.data[head.len - 3] ^= 1;
	put_update_frame(&b, spec.id, &head, "hit()", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused bad-signature", "a changed text");
	buf_free(&head);
	test_sign(&head, &sec, tomorrow, strlen(tomorrow));
	put_update_frame(&b, T0 + 31 * S, &head, "", 0);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused unsupported", "a must- field of tomorrow");
	buf_free(&head);

	spec = update_spec(31, "combat", "hit()");
	spec.expires_us = (int64_t)(T0 + 99 * S);
	hear_update(&w, &spec);
	IS_RESULT(&w, 31, "refused expired", "past its time");
	spec = update_spec(401, "combat", "hit()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 401, "refused future", "301 s ahead of the host's time");
	hear_update(&w, &spec);
	IS_RESULT(&w, 401, "refused future",
	    "and it does not make its own time");
	spec = update_spec(19, "a", "old()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 19, "refused stale", "older than what runs");
	spec = update_spec(20, "a", "other()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 20, "refused stale", "another text under the same id");

	spec = update_spec(40, "c", "c()");
	spec.version = "1.5.*";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for another version");
	spec.version = NULL;
	spec.platform = "ios-*";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for another platform");
	spec.platform = NULL;
	spec.program = "!arena";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for another program");
	spec.program = NULL;
	spec.zone = "west,north";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for other zones");
	spec.zone = "west,east";
	spec.parts[DOC_SERVER] = spec.parts[DOC_CLIENT];
	spec.parts[DOC_CLIENT].bytes = NULL;
	spec.parts[DOC_CLIENT].len = 0;
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "without a client part");
	spec.parts[DOC_CLIENT] = spec.parts[DOC_SERVER];
	spec.program = "arena";
	spec.version = "1.4.1,1.4.2";
	spec.platform = "!ios-*";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "applied",
	    "with all of that right, and a server part that it is not sent");

	spec = revert_spec(41, "c", 40);
	hear_update(&w, &spec);
	IS_RESULT(&w, 41, "refused syntax", "a revert is no update");
	world_free(&w);
}

static void
test_full(void)
{
	char feature[16];
	struct world w;
	unsigned i;

	world_new(&w);
	log_in_at(&w, GREETING_AT("2026-11-22T10:19:00Z"), "0");
	for (i = 0; i < CATALOG_LIVE; i++) {
		snprintf(feature, sizeof feature, "f%u", i);
		give(&w, i, feature);
	}
	IS(client_have(w.client, NULL, 0), CATALOG_LIVE,
	    "as many updates as the limit run");
	sent(&w);
	give(&w, 300, "one-more");
	IS_RESULT(&w, 300, "refused full", "one more is refused");
	give(&w, 301, "f7");
	IS_RESULT(&w, 301, "applied", "but in place of another");
	client_closed(w.client, "test");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), " 1795342801000000\n") != NULL,
	    "all of them fit the login's one line");
	world_free(&w);
}

/* --- retirement --------------------------------------------------------- */

static void
test_retire(void)
{
	struct doc_spec spec = retire_spec(11, "a", 10);
	struct buf head = BUF_INIT, b = BUF_INIT;
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "refused unknown", "retiring what is not here");
	give(&w, 10, "a");
	sent(&w);
	told(&w);
	put_head(&head, &spec, 1);
	put_update_frame(&b, spec.id, &head, "x", 1);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused bad-digest", "a retirement has no part");
	buf_free(&head);
	spec = retire_spec(11, "b", 10);
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "refused syntax", "it names the feature it is about");
	spec = retire_spec(11, "a", 10);
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "applied", "a retirement is taken");
	IS_STR(told(&w), "", "the program is not troubled");
	OK(runs(&w, 10), "what is retired runs on");
	IS(catalog_find(&w.client->catalog, T0 + 10 * S)->state, RECORD_RETIRED,
	    "and is known as retired");
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "have", "the same one at the next login: known");
	spec = update_spec(10, "a", "part()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "have", "what is retired is in force");
	spec = update_spec(11, "a", "new()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "refused stale",
	    "a retirement takes part in its feature's order");
	give(&w, 12, "a");
	IS_STR(told(&w), "apply 12 a 'part()' -10\nupdated 12 a applied\n",
	    "a newer one supersedes what is retired");
	world_free(&w);
}

/* --- reverts ------------------------------------------------------------ */

static void
test_signed_revert(void)
{
	struct doc_spec spec = revert_spec(12, "a", 11);
	struct buf b = BUF_INIT;
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 10, "a");
	give(&w, 11, "a");
	give(&w, 9, "b");
	sent(&w);
	told(&w);
	put_revert(&b, T0 + 10 * S, &spec, 1);
	hear_buf(&w, &b);
	IS_RESULT(&w, 10, "refused syntax", "the frame's id is the target");
	put_revert(&b, spec.reverts, &spec, 3);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused untrusted-key", "by an unknown key");
	put_revert(&b, spec.reverts, &spec, 2);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused out-of-scope", "by a key without the right");
	spec.feature = "ui";
	put_revert(&b, spec.reverts, &spec, 2);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused syntax",
	    "nor under another feature that it may sign for");
	spec = revert_spec(401, "a", 11);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused future", "with an id of the future");
	spec = revert_spec(12, "a", 11);
	spec.expires_us = (int64_t)(T0 + 20 * S);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused expired", "when it has expired");
	spec.expires_us = 0;
	spec.zone = "west";
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused not-for-me", "for another zone");
	OK(runs(&w, 11), "after all that it still runs");
	IS_STR(told(&w), "", "and the program heard of nothing");

	spec = revert_spec(12, "a", 11);
	w.applied.result = RESULT_FAILED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "failed", "a revert that fails is told");
	OK(runs(&w, 11), "it runs on");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "reverted", "and may come again");
	IS_STR(told(&w), "revert -11\nupdated 11 a reverted\n",
	    "the program takes it out");
	OK(!runs(&w, 11), "it is gone");
	OK(!runs(&w, 10), "the older one does not come back");
	OK(runs(&w, 9), "another feature is not touched");
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "have", "the same revert again: known");
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "refused reverted", "the update is refused for ever");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "refused stale", "the older one played again, too");
	spec = update_spec(12, "a", "x()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 12, "refused stale",
	    "a revert takes part in its feature's order");
	w.applied.result = RESULT_APPLIED;
	give(&w, 13, "a");
	IS_RESULT(&w, 13, "applied", "a newer one may come");
	spec = revert_spec(12, "a", 10);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 10, "refused stale", "an old revert does not");

	w.applied.result = RESULT_PARTIAL;
	spec = revert_spec(14, "a", 13);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 13, "partial", "a plain chunk was taken back in part");
	OK(!runs(&w, 13), "it counts as gone");
	world_free(&w);
}

static void
test_revert_of_unknown(void)
{
	struct doc_spec spec = revert_spec(12, "a", 11);
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused unknown", "a revert of what is not here");
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "refused reverted", "is recorded for ever");
	IS_STR(told(&w), "", "the program hears nothing of it");

	/* Superseded elsewhere by what is reverted now, while away. */
	give(&w, 20, "c");
	give(&w, 19, "d");
	sent(&w);
	told(&w);
	spec = revert_spec(22, "c", 21);
	w.applied.result = RESULT_FAILED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 21, "failed", "it may fail");
	OK(runs(&w, 20), "nothing changed then");
	OK(catalog_find(&w.client->catalog, T0 + 21 * S) == NULL,
	    "nothing is remembered of it");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 21, "reverted",
	    "reverting what superseded an update elsewhere");
	IS_STR(told(&w), "revert -20\nupdated 21 c reverted\n",
	    "takes that one away, of its feature only");
	OK(!runs(&w, 20) && !runs(&w, 21), "neither runs");
	w.applied.result = RESULT_APPLIED;
	give(&w, 21, "c");
	IS_RESULT(&w, 21, "refused reverted", "the reverted one never comes");
	told(&w);
	spec = revert_spec(23, "d", 18);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 18, "refused unknown",
	    "reverting an older one that is not here");
	IS_STR(told(&w), "", "leaves what is newer alone");
	OK(runs(&w, 19), "it runs on");
	world_free(&w);
}

static void
test_take_back(void)
{
	struct doc_spec spec;
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 10, "a");
	sent(&w);
	told(&w);
	hear_text(&w, "REVERT 1795342510000000\n\n");
	OK(strstr(sent(&w), " refused expired\ntext: it lets no host") != NULL,
	    "not what does not allow it");
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused unknown", "nor what is not here");
	spec = update_spec(11, "a", "new()");
	spec.take_back_until_us = (int64_t)(T0 + 110 * S);
	hear_update(&w, &spec);
	sent(&w);
	told(&w);
	w.ns += 10 * SEC; /* the host's time is T0 + 110 s now */
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused expired", "nor when its time is over");
	w.ns -= 1000;
	w.applied.result = RESULT_HUNG;
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "hung", "a failure is told");
	OK(runs(&w, 11), "and it runs on");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "reverted", "a microsecond before, it works");
	IS_STR(told(&w), "revert -11\nupdated 11 a reverted\n",
	    "the program takes it out");
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused unknown", "once");
	OK(!runs(&w, 11) && !runs(&w, 10), "neither runs");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused stale", "what is older stays stale");
	w.applied.result = RESULT_APPLIED;
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "applied", "what it superseded may come again");
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "applied", "and so may it");
	world_free(&w);
}

/* A greeting is unsigned: one that tells an earlier time gives no host a
 * permission back that has ended. */
static void
test_take_back_after_another_greeting(void)
{
	struct doc_spec spec;
	struct world w;

	world_new(&w);
	log_in(&w);
	spec = update_spec(11, "a", "new()");
	spec.take_back_until_us = (int64_t)(T0 + 110 * S);
	hear_update(&w, &spec);
	w.ns += 60 * SEC;
	reconnect(&w, GREETING); /* the time of an hour ago, so to speak */
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused expired",
	    "a greeting does not set the clock of a permission back");
	OK(runs(&w, 11), "it runs on");
	world_free(&w);
}

/* --- other frames ------------------------------------------------------- */

static void
test_other_frames(void)
{
	static const char long_text[2 * FRAME_BODY_LOGIN] = {0};
	struct buf b = BUF_INIT;
	struct world w;

	world_new(&w);
	log_in(&w);
	frame_begin(&b, "MESSAGE");
	frame_body(&b, long_text, sizeof long_text);
	hear_buf(&w, &b);
	OK(!is_ended(&w), "after login a body may be long");
	told(&w);
	hear_text(&w, "PING abc\n\nPONG x\n\nDROP 7\n\n");
	IS_STR(sent(&w), "PONG abc\n\n", "PING is answered, PONG and DROP not");
	hear_text(&w, "MESSAGE\nlength: 5\n\nhello\nMESSAGE\nlength: 0\n\n\n");
	IS_STR(told(&w), "message 'hello'\nmessage ''\n",
	    "messages reach the program");
	IS(client_send(w.client, "hey", 3), 0, "and the other way");
	IS(client_send(w.client, "", 0), 0, "empty ones too");
	collect(&w);
	IS_STR(sent(&w), "MESSAGE\nlength: 3\n\nhey\nMESSAGE\nlength: 0\n\n\n",
	    "they are sent");
	hear_text(&w, "CHECK 1795342510000000\nhead: 1\nlength: 1\n\nx\n");
	IS_RESULT(&w, 10, "refused unsupported", "CHECK is not carried out");
	hear_text(&w, "APPLY 1795342510000000\n\n");
	IS_RESULT(&w, 10, "refused unsupported", "nor APPLY");
	hear_text(&w, "STATUS\n\nWELCOME player-17\nupdates: 1\n\n"
		      "HOTFIX 2\n\nTIME 1 2 3\n\n");
	IS_STR(sent(&w),
	    "ERROR unknown-verb\n\nERROR unknown-verb\n\n"
	    "ERROR unknown-verb\n\nERROR unknown-verb\n\n",
	    "verbs of another role or time are unknown");
	OK(!is_ended(&w) && client_is_welcome(w.client),
	    "the connection stays");
	hear_text(&w, "ERROR unknown-verb\n\n");
	OK(!is_ended(&w), "an ERROR alone ends nothing after login");
	hear_text(&w, "ERROR shutdown\ntext: good night\n\nBYE\n\n");
	OK(is_ended(&w), "BYE does");
	IS_STR(sent(&w), "", "unanswered");
	client_closed(w.client, "end of file");
	IS_STR(told(&w), "gone: the host said goodbye\n", "the program knows");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_text(&w, "ERROR shutdown\ntext: good night\n\n");
	client_closed(w.client, "end of file");
	IS_STR(told(&w), "gone: the host said: shutdown: good night\n",
	    "an ERROR before the end is the reason");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_text(&w, "ERROR unknown-verb\n\nPING 1\n\n");
	client_closed(w.client, "end\nof file");
	IS_STR(told(&w), "gone: end\\nof file\n",
	    "one that was not the end is not");
	world_free(&w);

	world_new(&w);
	client_connecting(w.client);
	client_opened(w.client);
	hear_text(&w, "ERROR replaced\n\n");
	client_closed(w.client, "end of file");
	OK(!client_failed(w.client, NULL),
	    "replaced before a login means nothing: tried again");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_text(&w, "ERROR replaced\n\n");
	OK(is_ended(&w), "replaced: closed");
	client_closed(w.client, "end of file");
	OK(client_failed(w.client, NULL), "for good");
	IS_STR(told(&w), "gone: another login took the id 'player-17'\n",
	    "and the program knows why");
	world_free(&w);
}

static void
test_bad_frames(void)
{
	static const struct {
		const char *text, *answer;
	} bad[] = {
	    {"update 1\n\n", "ERROR syntax\n"},
	    {"PING 1\r\n\r\n", "ERROR syntax\n"},
	    {"PING\n\n", "ERROR syntax\n"},
	    {"PING 1 2\n\n", "ERROR syntax\n"},
	    {"MESSAGE\n\n", "ERROR syntax\n"},
	    {"MESSAGE x\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"MESSAGE\nlength: 01\n\nx\n", "ERROR syntax\n"},
	    {"MESSAGE\nlength: 1\n\nxx", "ERROR syntax\n"},
	    {"MESSAGE\nlength: 67108865\n\n", "ERROR too-large\n"},
	    {"ERROR\n\n", "ERROR syntax\n"},
	    {"UPDATE 1\n\n", "ERROR syntax\n"},
	    {"UPDATE 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 1\nhead: 2\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 1\nhead: -1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE\nhead: 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 0\nhead: 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 9223372036854775808\nhead: 1\nlength: 1\n\nx\n",
		"ERROR syntax\n"},
	    {"UPDATE 1 2\nhead: 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"REVERT\n\n", "ERROR syntax\n"},
	    {"REVERT x\n\n", "ERROR syntax\n"},
	    {"CHECK\n\n", "ERROR syntax\n"},
	    {"APPLY 00\n\n", "ERROR syntax\n"},
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		world_new(&w);
		log_in(&w);
		hear_text(&w, bad[i].text);
		hear_text(&w, "PING 1\n\n");
		OK(strncmp(sent(&w), bad[i].answer, strlen(bad[i].answer)) == 0,
		    "no good frame (%zu): the ERROR for it", i);
		OK(is_ended(&w), "the connection ends");
		client_closed(w.client, "test");
		OK(!client_failed(w.client, NULL) &&
			client_next_ns(w.client) > 0,
		    "and is tried again");
		world_free(&w);
	}
}

/* --- time --------------------------------------------------------------- */

static void
test_host_time(void)
{
	struct signify_sec all = test_key(1);
	struct keyring keys = KEYRING_INIT;
	struct client_config config;
	struct doc_spec spec;
	struct world w;

	/* By the greeting it is 1990: what would expire is kept from it by
	 * the program's build time. */
	memset(&w, 0, sizeof w);
	test_trust(&keys, &all, "all");
	config = plain_config(&w, &keys);
	config.floor_us = (int64_t)T0;
	world_start(&w, &config);
	log_in_at(&w, GREETING_AT("1990-01-01T00:00:00Z"), "0");
	spec = update_spec(0, "a", "a()");
	spec.expires_us = (int64_t)T0 - 1;
	hear_update(&w, &spec);
	IS_RESULT(&w, 0, "refused expired",
	    "it is never before the program's build time");
	spec = update_spec(301, "a", "a()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 301, "refused future", "nor later than is known");
	spec = update_spec(300, "a", "a()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 300, "applied", "300 s ahead are allowed");
	spec = update_spec(600, "a", "a()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 600, "applied",
	    "what was verified was signed before now");
	spec = update_spec(601, "b", "b()");
	spec.expires_us = (int64_t)(T0 + 599 * S);
	hear_update(&w, &spec);
	IS_RESULT(&w, 601, "refused expired", "so what it outlived expired");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	spec = update_spec(10, "a", "a()");
	spec.expires_us = (int64_t)(T0 + 110 * S);
	w.ns += 10 * SEC + 1000;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused expired",
	    "the host's time goes on after its greeting");
	w.ns -= 1000;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "by the microsecond");
	world_free(&w);
}

/* --- coming back -------------------------------------------------------- */

static void
test_reconnect(void)
{
	struct doc_spec retire = retire_spec(31, "b", 30);
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 30, "b");
	give(&w, 20, "a");
	give(&w, 40, "c");
	give(&w, 41, "c");
	hear_update(&w, &retire);
	told(&w);
	w.ns += 60 * SEC;
	client_closed(w.client, "reset by peer");
	IS_STR(told(&w), "gone: reset by peer\n", "the program hears why");
	IS(client_send(w.client, "x", 1), -1, "nothing can be sent");
	OK(!client_is_welcome(w.client), "not in any more");
	client_closed(w.client, "again");
	IS_STR(told(&w), "", "once");
	OK(!client_wants_connection(w.client), "it waits");
	w.ns = client_next_ns(w.client) - 1;
	client_tick(w.client);
	OK(!client_wants_connection(w.client), "to the last nanosecond");
	w.ns++;
	client_tick(w.client);
	OK(client_wants_connection(w.client), "then it wants to connect");
	client_connecting(w.client);
	client_opened(w.client);
	sent(&w);
	hear_text(&w, GREETING_AT("2026-11-22T10:20:00Z"));
	IS_STR(sent(&w),
	    LOGIN_HEAD
	    "have: 1795342520000000 1795342530000000 1795342541000000\n"
	    "last: 2026-11-22T10:16:40.000000Z\n\n",
	    "what runs, the retired too, ascending; and when it was last in");
	hear_text(&w, WELCOME("0"));
	IS_STR(told(&w), "welcome\n", "it is welcome again");
	give(&w, 40, "c");
	IS_RESULT(&w, 40, "refused stale",
	    "an old document stays old after a break");
	hear_update(&w, &retire);
	IS_RESULT(&w, 31, "have", "a retirement is known after a break");
	reconnect(&w, GREETING_AT("2026-11-22T10:30:00Z"));
	IS(client_have(w.client, NULL, 0), 3, "everything runs on");
	client_closed(w.client, "lost");
	told(&w);
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	client_closed(w.client, "lost");
	IS_STR(told(&w), "", "a login that came to nothing is no goodbye");
	world_free(&w);
}

/* Fail an attempt; how long is waited then. */
static int64_t
wait_after_failure(struct world *w)
{
	int64_t before;

	client_connecting(w->client);
	before = w->ns;
	client_closed(w->client, "connection refused");
	w->ns = client_next_ns(w->client);
	client_tick(w->client);
	return w->ns - before;
}

static void
test_backoff(void)
{
	int64_t wait_ns, full_ns = CLIENT_RETRY_FIRST_NS, first[12];
	struct world w, v;
	int i, in_bounds = 1, same = 1, spread = 0;

	world_new(&w);
	world_new(&v);
	for (i = 0; i < 12; i++) {
		wait_ns = first[i] = wait_after_failure(&w);
		same &= wait_after_failure(&v) == wait_ns;
		in_bounds &= wait_ns >= full_ns / 2 && wait_ns <= full_ns;
		spread |= wait_ns != full_ns / 2 && wait_ns != full_ns;
		full_ns *= 2;
		if (full_ns > CLIENT_RETRY_MAX_NS)
			full_ns = CLIENT_RETRY_MAX_NS;
	}
	OK(in_bounds, "each wait lies in the second half of a doubled one");
	OK(spread, "and not at its ends");
	OK(same, "the same seed, the same waits");
	OK(first[10] != first[11], "at the maximum they still differ");
	world_free(&v);

	log_in(&w);
	w.ns += CLIENT_STABLE_NS - 1;
	client_closed(w.client, "lost");
	wait_ns = client_next_ns(w.client) - w.ns;
	OK(wait_ns >= CLIENT_RETRY_MAX_NS / 2,
	    "a login that did not hold does not start anew");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	log_in(&w);
	w.ns += CLIENT_STABLE_NS;
	client_closed(w.client, "lost");
	wait_ns = client_next_ns(w.client) - w.ns;
	OK(wait_ns <= CLIENT_RETRY_FIRST_NS, "one that held does");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	wait_ns = wait_after_failure(&w);
	OK(wait_ns >= CLIENT_RETRY_FIRST_NS &&
		wait_ns <= 2 * CLIENT_RETRY_FIRST_NS,
	    "and from there it doubles again");
	world_free(&w);
}

static void
test_seeds(void)
{
	struct keyring keys = KEYRING_INIT;
	int64_t waits[64], lo = INT64_MAX, hi = 0;
	struct client_config config;
	struct world w;
	int i;

	for (i = 0; i < 64; i++) {
		memset(&w, 0, sizeof w);
		config = plain_config(&w, &keys);
		config.seed = (uint64_t)i + 1;
		world_start(&w, &config);
		waits[i] = wait_after_failure(&w);
		lo = waits[i] < lo ? waits[i] : lo;
		hi = waits[i] > hi ? waits[i] : hi;
		world_free(&w);
	}
	OK(hi - lo > CLIENT_RETRY_FIRST_NS / 4,
	    "clients of neighbouring seeds spread over the half");
	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	config.seed = 0;
	world_start(&w, &config);
	waits[0] = wait_after_failure(&w);
	OK(waits[0] >= CLIENT_RETRY_FIRST_NS / 2 &&
		waits[0] <= CLIENT_RETRY_FIRST_NS,
	    "a seed from the kernel keeps the bounds");
	world_free(&w);
}

static void
test_deadlines(void)
{
	const char *why;
	struct world w;

	world_new(&w);
	client_connecting(w.client);
	IS(client_next_ns(w.client), w.ns + CLIENT_LOGIN_NS,
	    "connecting has its time");
	w.ns += CLIENT_LOGIN_NS - 1;
	client_tick(w.client);
	OK(!is_ended(&w), "until then nothing happens");
	w.ns++;
	client_tick(w.client);
	OK(is_ended(&w), "then the attempt is given up");
	client_opened(w.client);
	OK(is_ended(&w), "a connection that comes too late is not taken");
	client_closed(w.client, "slow");
	OK(client_link(w.client)->state == LINK_OPEN, "the next link is fresh");
	world_free(&w);

	world_new(&w);
	client_connecting(w.client);
	w.ns += CLIENT_LOGIN_NS - 1;
	client_opened(w.client);
	hear_text(&w, "HOTFIX 1\n");
	w.ns++;
	client_tick(w.client);
	collect(&w);
	IS_STR(sent(&w), "ERROR timeout\n\n",
	    "connecting and the greeting share it");
	OK(is_ended(&w), "the connection is given up");
	world_free(&w);

	world_new(&w);
	client_opened(w.client);
	hear_text(&w, GREETING);
	w.ns += CLIENT_LOGIN_NS;
	client_tick(w.client);
	OK(is_ended(&w), "no WELCOME: the same");
	IS(client_link(w.client)->state, LINK_DRAIN, "what is queued may go");
	IS(client_next_ns(w.client), w.ns + CLIENT_END_NS, "for a while");
	w.ns += CLIENT_END_NS;
	client_tick(w.client);
	IS(client_link(w.client)->state, LINK_DEAD, "no longer");
	IS(client_next_ns(w.client), -1, "then it is the owner's turn");
	client_closed(w.client, "test");
	OK(!client_failed(w.client, &why), "it will be tried again");
	world_free(&w);

	world_new(&w);
	log_in_at(&w, GREETING, "1");
	w.ns += 10 * CLIENT_LOGIN_NS;
	client_tick(w.client);
	OK(!is_ended(&w), "logged in, nothing is timed any more");
	client_closed(w.client, "lost");
	IS_STR(told(&w), "", "no welcome, no goodbye");
	world_free(&w);
}

/* --- the whole at once -------------------------------------------------- */

/* Everything that a session has, as the host sends it. */
static void
put_session(struct buf *b)
{
	struct doc_spec a = update_spec(10, "a", "a()");
	struct doc_spec revert = revert_spec(11, "a", 10);

	buf_puts(b, GREETING WELCOME("2") "PING 1\n\n");
	put_update(b, &a, 1);
	put_revert(b, revert.reverts, &revert, 1);
	buf_puts(b, "MESSAGE\nlength: 3\n\nend\nNONSENSE\n\n"
		    "ERROR shutdown\ntext: bye\n\nbroken\n\n");
}

static void
play(struct buf *out, const struct buf *session, size_t first, size_t step)
{
	struct world w;
	size_t at = 0, n = first;

	world_new(&w);
	client_opened(w.client);
	while (at < session->len) {
		if (n > session->len - at)
			n = session->len - at;
		hear(&w, session->data + at, n);
		at += n;
		n = step;
	}
	client_closed(w.client, "end of file");
	buf_append(out, w.out.data, w.out.len);
	buf_append(out, w.events.data, w.events.len);
	world_free(&w);
}

static void
test_split(void)
{
	struct buf session = BUF_INIT, whole = BUF_INIT, b = BUF_INIT;
	int same = 1;
	size_t i;

	put_session(&session);
	play(&whole, &session, session.len, 1);
	OK(strstr(buf_text(&whole), "RESULT 1795342510000000 applied") &&
		strstr(buf_text(&whole), "message 'end'") &&
		strstr(buf_text(&whole), "ERROR syntax"),
	    "the session goes through to its end");
	play(&b, &session, 1, 1);
	OK(b.len == whole.len && memcmp(b.data, whole.data, b.len) == 0,
	    "byte by byte it is the same");
	for (i = 1; i < session.len; i++) {
		buf_reset(&b);
		play(&b, &session, i, session.len);
		same &= b.len == whole.len &&
			memcmp(b.data, whole.data, b.len) == 0;
	}
	OK(same, "split at every byte it is the same");
	buf_free(&session);
	buf_free(&whole);
	buf_free(&b);
}

static void
test_config(void)
{
	struct keyring keys = KEYRING_INIT;
	struct signify_sec all = test_key(1);
	struct client_config config;
	char long_id[130];
	struct world w;
	struct err e;

	memset(&w, 0, sizeof w);
	memset(long_id, 'x', sizeof long_id);
	long_id[sizeof long_id - 1] = '\0';
	config = plain_config(&w, &keys);
	config.id = "";
	OK(client_new(&config, &e) == NULL, "an id is not empty");
	config.id = "a b";
	OK(client_new(&config, &e) == NULL, "it holds no space");
	config.id = "a\nb";
	OK(client_new(&config, &e) == NULL, "no line end");
	config.id = long_id;
	OK(client_new(&config, &e) == NULL, "it is not longer than 128 bytes");
	IS(e.kind, ERR_USAGE, "that is told");
	config.id = long_id + 1;
	world_start(&w, &config);
	OK(w.client != NULL, "128 are fine");
	client_free(w.client);
	config.version = "1\x7f";
	OK(client_new(&config, &e) == NULL, "a version is clean text");
	client_free(NULL);

	config = plain_config(&w, &keys);
	test_trust(&keys, &all, "all");
	w.client = client_new(&config, &e);
	IS(keys.n, 0, "the keys are taken over");
	client_free(w.client);
}

int
main(void)
{
	test_config();
	test_login();
	test_greetings();
	test_expected_host();
	test_welcomes();
	test_catching_up();
	test_update();
	test_failures();
	test_refusals();
	test_full();
	test_retire();
	test_signed_revert();
	test_revert_of_unknown();
	test_take_back();
	test_take_back_after_another_greeting();
	test_other_frames();
	test_bad_frames();
	test_host_time();
	test_reconnect();
	test_backoff();
	test_seeds();
	test_deadlines();
	test_split();
	return tap_done();
}
