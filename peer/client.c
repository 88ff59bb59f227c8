/* The client's connection: greeting, login, and coming back. */

#include "peer/client_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/random.h"
#include "base/text.h"
#include "base/timetext.h"
#include "crypto/hmac.h"
#include "crypto/wipe.h"
#include "peer/host.h"

static void take_event(void *arg, enum frame_event ev, const struct frame *f);

/* --- the client --------------------------------------------------------- */

static int
copy_text(char **out, const char *what, const char *text, size_t max,
    struct err *e)
{
	if (text == NULL)
		text = "";
	if (strlen(text) > max || !text_is_clean(text, strlen(text)))
		return err_set(e, ERR_USAGE,
		    "%s: not clean text of at most %zu bytes", what, max);
	*out = strdup(text);
	if (*out == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	return 0;
}

static int
copy_config(struct client *c, const struct client_config *config, struct err *e)
{
	const struct {
		char **out;
		const char *what, *text;
		size_t max;
	} texts[] = {
	    {&c->id, "client id", config->id, HOST_ID},
	    {&c->program, "program", config->program, HOST_LABEL},
	    {&c->version, "version", config->version, HOST_LABEL},
	    {&c->platform, "platform", config->platform, HOST_LABEL},
	    {&c->release, "release", config->release, HOST_LABEL},
	    {&c->host_name, "host name", config->host_name, FRAME_LINE},
	    {&c->host, "host", NULL, 0},
	    {&c->zone, "zone", NULL, 0},
	};
	size_t i;

	if (config->id == NULL || *config->id == '\0' ||
	    strchr(config->id, ' ') != NULL)
		return err_set(e, ERR_USAGE,
		    "client id: empty, or with a space");
	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		if (copy_text(texts[i].out, texts[i].what, texts[i].text,
			texts[i].max, e) != 0)
			return -1;
	if (config->token != NULL) {
		/* An empty token is one too; malloc(0) may be NULL. */
		c->token = malloc(config->token_len + 1);
		if (c->token == NULL)
			return err_set(e, ERR_LOCAL, "out of memory");
		if (config->token_len > 0)
			memcpy(c->token, config->token, config->token_len);
		c->token_len = config->token_len;
	}
	c->random = config->seed;
	if (c->random == 0 && random_bytes(&c->random, sizeof c->random) != 0)
		return err_errno(e, ERR_LOCAL, "random bytes");
	return 0;
}

struct client *
client_new(const struct client_config *config, struct err *e)
{
	struct client *c = calloc(1, sizeof *c);

	if (c == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	c->state = CLIENT_IDLE;
	c->deadline_ns = -1;
	c->logged_in_ns = -1;
	catalog_init(&c->catalog);
	link_init(&c->link, take_event, c, FRAME_BODY_LOGIN);
	c->floor_us = config->floor_us;
	c->clock = config->clock;
	c->cb = config->cb;
	if (copy_config(c, config, e) != 0 ||
	    (config->state_dir != NULL &&
		client_keep_open(c, config->state_dir, e) != 0)) {
		client_free(c);
		return NULL;
	}
	if (config->keys != NULL) {
		c->keys = *config->keys;
		*config->keys = (struct keyring)KEYRING_INIT;
	}
	return c;
}

static void
free_notes(struct client *c)
{
	size_t i;

	for (i = 0; i < c->catalog.n; i++)
		free(client_note(c->catalog.records[i]));
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	client_keep_close(c);
	client_free_checks(c);
	client_free_fetches(c);
	client_free_owed(c);
	free_notes(c);
	link_free(&c->link);
	catalog_free(&c->catalog);
	keyring_free(&c->keys);
	if (c->token != NULL)
		crypto_wipe(c->token, c->token_len);
	free(c->token);
	free(c->id);
	free(c->program);
	free(c->version);
	free(c->platform);
	free(c->release);
	free(c->host_name);
	free(c->host);
	free(c->zone);
	free(c);
}

/* --- small things ------------------------------------------------------- */

int64_t
client_now_ns(const struct client *c)
{
	return c->clock.mono_ns(c->clock.arg);
}

int64_t
client_host_us(const struct client *c)
{
	int64_t us = c->greeted_us + (client_now_ns(c) - c->greeted_ns) / 1000;

	if (us < c->floor_us)
		us = c->floor_us;
	/* Before any host has told it, it is later than at the last login, and
	 * than what hosts told after that. */
	if (!c->greeted && us < c->last_login_us)
		us = c->last_login_us;
	if (!c->greeted && us < c->seen_us)
		us = c->seen_us;
	return us < c->verified_us ? c->verified_us : us;
}

void
client_log(struct client *c, const char *fmt, ...)
{
	char line[CLIENT_WHY + 256]; /* a reason and a sentence around it */
	va_list ap;

	if (c->cb.log == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	c->cb.log(c->cb.arg, line);
}

void
client_rearm(struct client *c)
{
	if (c->cb.rearm != NULL)
		c->cb.rearm(c->cb.arg);
}

int
client_is_logged_in(const struct client *c)
{
	return c->state == CLIENT_CATCHING_UP || c->state == CLIENT_WELCOME;
}

/* splitmix64: tiny, and good from any seed. */
uint64_t
client_random(struct client *c)
{
	uint64_t z = c->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* --- the end of a connection -------------------------------------------- */

/* The first reason is the one that counts. */
__attribute__((format(printf, 2, 0))) static void
set_why(struct client *c, const char *fmt, va_list ap)
{
	if (c->why[0] == '\0')
		vsnprintf(c->why, sizeof c->why, fmt, ap);
}

static void
give_up(struct client *c)
{
	c->state = CLIENT_ENDING;
	c->deadline_ns = client_now_ns(c) + CLIENT_END_NS;
	link_end(&c->link);
	client_rearm(c);
}

/* This connection is of no use; another may be. */
__attribute__((format(printf, 2, 3))) static void
end(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_why(c, fmt, ap);
	va_end(ap);
	give_up(c);
}

/* No connection will be of use. */
__attribute__((format(printf, 2, 3))) static void
fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	c->failed = 1;
	c->why[0] = '\0';
	va_start(ap, fmt);
	set_why(c, fmt, ap);
	va_end(ap);
	give_up(c);
}

void
client_syntax(struct client *c, const char *what)
{
	link_send_error(&c->link, WORD_SYNTAX, what);
	end(c, "the host sent what does not parse: %s", what);
}

/* --- greeting and login ------------------------------------------------- */

static const char *
field(const struct frame *f, const char *name)
{
	const struct frame_text *t = frame_get(f, name);

	return t != NULL ? t->s : "";
}

#define SHOWN 192 /* of a text of the host's, in a message */

/* A frame's text is clean already; here it is cut between characters. */
static const char *
shown(char out[SHOWN], const char *s)
{
	return text_escape(out, SHOWN, s, strlen(s), 1);
}

/* 1 when this client speaks the version of the greeting's first line. */
static int
is_our_version(struct client *c, const struct frame *f)
{
	enum num_result r = NUM_SYNTAX;
	uint64_t version = 0;

	if (f->nargs == 1)
		r = num_parse(f->args[0].s, f->args[0].len, UINT16_MAX,
		    &version);
	if (r == NUM_OK && version == 1)
		return 1;
	if (r == NUM_RANGE || (r == NUM_OK && version > 1)) {
		link_send_error(&c->link, WORD_UNSUPPORTED,
		    "this client speaks HOTFIX 1");
		fail(c, "the host speaks a newer protocol than this client");
	} else {
		end(c, "the host's greeting cannot be read");
	}
	return 0;
}

/* 0, or -1: not a greeting, or out of memory. */
static int
read_greeting(struct client *c, const struct frame *f)
{
	const struct frame_text *nonce = frame_get(f, "nonce");
	const struct frame_text *when = frame_get(f, "time");
	uint8_t bytes[CLIENT_NONCE / 2];
	char *host, *zone;
	int64_t us;

	if (f->has_body || nonce == NULL || when == NULL ||
	    hex_decode(bytes, sizeof bytes, nonce->s, nonce->len) != 0 ||
	    timetext_parse(when->s, when->len, &us) != 0)
		return -1;
	host = strdup(field(f, "host"));
	zone = strdup(field(f, "zone"));
	if (host == NULL || zone == NULL) {
		free(host);
		free(zone);
		return -1;
	}
	free(c->host);
	free(c->zone);
	c->host = host;
	c->zone = zone;
	memcpy(c->nonce, nonce->s, sizeof c->nonce);
	c->greeted_us = us;
	c->greeted_ns = client_now_ns(c);
	return 0;
}

static void
put_label(struct buf *b, const char *name, const char *value)
{
	if (*value != '\0')
		frame_put(b, name, "%s", value);
}

static void
put_ids(struct buf *b, const char *name, const uint64_t *ids, size_t n)
{
	/* An id has at most 19 digits: all of them fit one line. */
	char text[CATALOG_LIVE * 20 + 1], *at = text;
	size_t i;

	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		at += sprintf(at, "%s%" PRIu64, i > 0 ? " " : "", ids[i]);
	frame_put(b, name, "%s", text);
}

static void
put_updates(struct client *c, struct buf *b)
{
	uint64_t ids[CATALOG_LIVE];
	size_t n = client_have(c, ids, CATALOG_LIVE);

	put_ids(b, "have", ids, n);
	n = client_login_waiting(c, ids);
	put_ids(b, "waiting", ids, n);
}

static void
put_proof(struct client *c, struct buf *b)
{
	char digits[2 * HMAC_SIZE + 1];
	uint8_t mac[HMAC_SIZE];
	struct hmac h;

	if (c->token == NULL)
		return;
	hmac_init(&h, c->token, c->token_len);
	hmac_update(&h, c->nonce, CLIENT_NONCE);
	hmac_update(&h, "\n", 1);
	hmac_update(&h, c->host, strlen(c->host));
	hmac_update(&h, "\n", 1);
	hmac_update(&h, c->id, strlen(c->id));
	hmac_final(mac, &h);
	frame_put(b, "proof", "%s", hex_encode(digits, mac, sizeof mac));
}

static void
send_login(struct client *c)
{
	char when[TIMETEXT_SIZE];
	struct buf b = BUF_INIT;

	frame_begin(&b, "LOGIN");
	frame_arg(&b, "%s", c->id);
	put_label(&b, "program", c->program);
	put_label(&b, "version", c->version);
	put_label(&b, "platform", c->platform);
	put_label(&b, "release", c->release);
	put_updates(c, &b);
	if (c->last_login_us > 0)
		frame_put(&b, "last", "%s",
		    timetext_format(c->last_login_us, when));
	put_proof(c, &b);
	frame_end(&b);
	link_send_buf(&c->link, &b);
	buf_free(&b);
	c->state = CLIENT_LOGIN;
}

static void
take_greeting(struct client *c, const struct frame *f)
{
	char host[SHOWN], expected[SHOWN];

	if (!is_our_version(c, f))
		return;
	if (read_greeting(c, f) != 0) {
		end(c, "the host's greeting cannot be read");
		return;
	}
	if (*c->host_name != '\0' && strcmp(c->host_name, c->host) != 0) {
		fail(c, "the host calls itself '%s', not '%s'",
		    shown(host, c->host), shown(expected, c->host_name));
		return;
	}
	send_login(c);
}

static void
welcome(struct client *c)
{
	client_fetch_login(c);
	c->state = CLIENT_WELCOME;
	c->welcomed = 1;
	if (c->cb.welcome != NULL)
		c->cb.welcome(c->cb.arg);
}

void
client_caught_up(struct client *c)
{
	if (c->state == CLIENT_CATCHING_UP && --c->nwaiting == 0)
		welcome(c);
}

static void
take_welcome(struct client *c, const struct frame *f)
{
	const struct frame_text *n = frame_get(f, "updates");
	char host[SHOWN];

	if (f->nargs != 1 || strcmp(f->args[0].s, c->id) != 0 || n == NULL ||
	    num_parse(n->s, n->len, CATALOG_RECORDS, &c->nwaiting) != NUM_OK) {
		client_syntax(c, "WELCOME");
		return;
	}
	c->link.in.body_max = FRAME_BODY_MAX;
	c->state = CLIENT_CATCHING_UP;
	c->deadline_ns = -1;
	c->logged_in_ns = client_now_ns(c);
	c->greeted = 1;
	c->last_login_us = client_host_us(c);
	c->seen_ns = client_now_ns(c);
	client_log(c, "logged in to %s, updates waiting: %" PRIu64,
	    *c->host != '\0' ? shown(host, c->host) : "the host", c->nwaiting);
	client_keep_login(c);
	client_wait_login(c);
	if (c->nwaiting == 0)
		welcome(c);
	client_fire_due(c);
	client_rearm(c);
}

/* --- what may come at any time ------------------------------------------ */

static void
take_ping(struct client *c, const struct frame *f)
{
	struct buf b = BUF_INIT;

	if (f->nargs != 1) {
		client_syntax(c, "PING");
		return;
	}
	frame_begin(&b, "PONG");
	frame_arg(&b, "%s", f->args[0].s);
	frame_end(&b);
	link_send_buf(&c->link, &b);
	buf_free(&b);
}

static void
take_bye(struct client *c, const struct frame *f)
{
	(void)f;
	end(c, "the host said goodbye");
}

static void
take_error(struct client *c, const struct frame *f)
{
	char word[SHOWN], text[SHOWN];
	const char *parting;
	enum word w;

	if (f->nargs != 1) {
		client_syntax(c, "ERROR");
		return;
	}
	w = word_parse(f->args[0].s, f->args[0].len);
	shown(word, f->args[0].s);
	shown(text, field(f, "text"));
	parting = text[0] != '\0' ? ": " : "";
	/* Said before the login it is nobody's business; tried again. */
	if (w == WORD_REPLACED && client_is_logged_in(c))
		fail(c, "another login took the id '%s'", c->id);
	else if (w == WORD_UNSUPPORTED && !client_is_logged_in(c))
		fail(c, "the host refused: %s%s%s", word, parting, text);
	else if (!client_is_logged_in(c))
		end(c, "the host refused: %s%s%s", word, parting, text);
	else /* whether it ends the connection is the host's to say */
		snprintf(c->why, sizeof c->why, "the host said: %s%s%s", word,
		    parting, text);
}

static void
take_message(struct client *c, const struct frame *f)
{
	if (f->nargs != 0 || !f->has_body) {
		client_syntax(c, "MESSAGE");
		return;
	}
	if (c->cb.message != NULL)
		c->cb.message(c->cb.arg, f->body, (size_t)f->body_len);
}

/* Nothing was asked. */
static void
take_nothing(struct client *c, const struct frame *f)
{
	(void)c;
	(void)f;
}

/* --- frames ------------------------------------------------------------- */

enum { /* when a verb may come */
	AT_GREETING = 1,
	AT_LOGIN = 2,
	AFTER_LOGIN = 4,
	ANYTIME = AT_GREETING | AT_LOGIN | AFTER_LOGIN,
};

struct verb {
	const char *name;
	int when;
	void (*take)(struct client *c, const struct frame *f);
};

static const struct verb verbs[] = {
    {"HOTFIX", AT_GREETING, take_greeting},
    {"WELCOME", AT_LOGIN, take_welcome},
    {"UPDATE", AFTER_LOGIN, client_take_update},
    {"REVERT", AFTER_LOGIN, client_take_revert},
    {"CHECK", AFTER_LOGIN, client_take_check},
    {"APPLY", AFTER_LOGIN, client_take_apply},
    {"DROP", AFTER_LOGIN, client_take_drop},
    {"MESSAGE", AFTER_LOGIN, take_message},
    {"PING", AT_LOGIN | AFTER_LOGIN, take_ping},
    {"PONG", AT_LOGIN | AFTER_LOGIN, take_nothing},
    {"ERROR", ANYTIME, take_error},
    {"BYE", ANYTIME, take_bye},
};

/* NULL when it may not come now. */
static const struct verb *
find_verb(const struct client *c, const struct frame *f)
{
	int when = c->state == CLIENT_GREETING ? AT_GREETING
		   : c->state == CLIENT_LOGIN  ? AT_LOGIN
					       : AFTER_LOGIN;
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if ((verbs[i].when & when) != 0 && frame_is(f, verbs[i].name))
			return &verbs[i];
	return NULL;
}

/* The greeting is judged by its first line: neither a stranger's banner nor
 * the rest of a later version's needs to be read. */
static void
judge_first_line(struct client *c, const struct frame *f)
{
	if (find_verb(c, f) == NULL)
		end(c, "the host's greeting cannot be read");
	else if (frame_is(f, "HOTFIX"))
		is_our_version(c, f);
}

static void
take_frame(struct client *c, const struct frame *f)
{
	const struct verb *v = find_verb(c, f);

	if (v != NULL)
		v->take(c, f);
	else if (client_is_logged_in(c))
		link_send_error(&c->link, WORD_UNKNOWN_VERB, NULL);
	else
		client_syntax(c, "not a WELCOME");
}

static void
take_failure(struct client *c, enum frame_event ev)
{
	if (c->state == CLIENT_GREETING) {
		end(c, "the host's greeting cannot be read");
	} else if (ev == FRAME_SYNTAX) {
		client_syntax(c, "a frame");
	} else if (ev == FRAME_TOO_LARGE) {
		link_send_error(&c->link, WORD_TOO_LARGE, NULL);
		end(c, "the host sent more than a frame may have");
	} else {
		link_send_error(&c->link, WORD_INTERNAL, NULL);
		end(c, "out of memory");
	}
}

static void
take_event(void *arg, enum frame_event ev, const struct frame *f)
{
	struct client *c = arg;

	switch (ev) {
	case FRAME_VERB:
		if (c->state == CLIENT_GREETING)
			judge_first_line(c, f);
		else
			c->why[0] = '\0'; /* an ERROR was not the end */
		break;
	case FRAME_DONE:
		take_frame(c, f);
		break;
	case FRAME_SYNTAX:
	case FRAME_TOO_LARGE:
	case FRAME_NOMEM:
		take_failure(c, ev);
		break;
	case FRAME_MORE:
	case FRAME_HEAD:
	case FRAME_BODY:
		break;
	}
}

/* --- connections -------------------------------------------------------- */

int
client_wants_connection(const struct client *c)
{
	return c->state == CLIENT_IDLE && (c->keep == NULL || c->begun);
}

struct link *
client_link(struct client *c)
{
	return &c->link;
}

void
client_connecting(struct client *c)
{
	if (c->state != CLIENT_IDLE)
		return;
	c->state = CLIENT_CONNECTING;
	c->deadline_ns = client_now_ns(c) + CLIENT_LOGIN_NS;
	client_rearm(c);
}

void
client_opened(struct client *c)
{
	client_connecting(c);
	if (c->state == CLIENT_CONNECTING)
		c->state = CLIENT_GREETING;
}

/* Wait: doubled each time, somewhere in its second half. */
static int64_t
next_wait_ns(struct client *c)
{
	int64_t wait_ns = CLIENT_RETRY_FIRST_NS;
	unsigned i;

	for (i = 0; i < c->nfailures && wait_ns < CLIENT_RETRY_MAX_NS; i++)
		wait_ns *= 2;
	if (wait_ns > CLIENT_RETRY_MAX_NS)
		wait_ns = CLIENT_RETRY_MAX_NS;
	else
		c->nfailures++;
	wait_ns /= 2;
	return wait_ns + (int64_t)(client_random(c) % ((uint64_t)wait_ns + 1));
}

void
client_closed(struct client *c, const char *why)
{
	int64_t now = client_now_ns(c), wait_ns;
	int welcomed = c->welcomed;

	if (c->state == CLIENT_IDLE || c->state == CLIENT_WAITING ||
	    c->state == CLIENT_FAILED)
		return;
	client_drop_checks(c);
	client_fetch_closed(c);
	link_free(&c->link);
	link_init(&c->link, take_event, c, FRAME_BODY_LOGIN);
	if (c->why[0] == '\0')
		text_escape(c->why, sizeof c->why, why, strlen(why), 0);
	if (c->logged_in_ns >= 0 && now - c->logged_in_ns >= CLIENT_STABLE_NS)
		c->nfailures = 0;
	c->logged_in_ns = -1;
	c->welcomed = 0;
	if (c->failed) {
		c->state = CLIENT_FAILED;
		c->deadline_ns = -1;
		client_log(c, "connection ended: %s", c->why);
	} else {
		wait_ns = next_wait_ns(c);
		c->state = CLIENT_WAITING;
		c->deadline_ns = now + wait_ns;
		client_log(c,
		    "connection ended: %s; next attempt in %" PRId64 " ms",
		    c->why, wait_ns / 1000000);
	}
	if (welcomed && c->cb.gone != NULL)
		c->cb.gone(c->cb.arg, c->why);
	if (!c->failed)
		c->why[0] = '\0';
	client_rearm(c);
}

/* The earlier of two; -1 is none. */
static int64_t
earlier(int64_t a_ns, int64_t b_ns)
{
	if (a_ns < 0 || b_ns < 0)
		return a_ns < 0 ? b_ns : a_ns;
	return a_ns < b_ns ? a_ns : b_ns;
}

int64_t
client_next_ns(const struct client *c)
{
	return earlier(earlier(c->deadline_ns, client_time_next_ns(c)),
	    earlier(client_due_ns(c), client_proof_ns(c)));
}

void
client_tick(struct client *c)
{
	client_fire_due(c);
	client_keep_prove(c);
	client_time_tick(c);
	if (c->deadline_ns < 0 || client_now_ns(c) < c->deadline_ns)
		return;
	c->deadline_ns = -1;
	switch (c->state) {
	case CLIENT_WAITING:
		c->state = CLIENT_IDLE;
		client_rearm(c);
		break;
	case CLIENT_CONNECTING:
		end(c, "the host did not answer in time");
		break;
	case CLIENT_GREETING:
	case CLIENT_LOGIN:
		link_send_error(&c->link, WORD_TIMEOUT, NULL);
		end(c, "the host did not let the client in in time");
		break;
	case CLIENT_ENDING:
		link_kill(&c->link);
		break;
	case CLIENT_IDLE:
	case CLIENT_CATCHING_UP:
	case CLIENT_WELCOME:
	case CLIENT_FAILED:
		break;
	}
}

/* --- the program's side ------------------------------------------------- */

int
client_send(struct client *c, const void *bytes, size_t len)
{
	struct buf b = BUF_INIT;
	int result;

	if (!client_is_logged_in(c) || len > FRAME_BODY_MAX)
		return -1;
	frame_begin(&b, "MESSAGE");
	frame_body(&b, bytes, len);
	result = link_send_buf(&c->link, &b);
	buf_free(&b);
	return result;
}

int
client_failed(const struct client *c, const char **why)
{
	if (c->failed && why != NULL)
		*why = c->why;
	return c->failed;
}

void
client_ends(struct client *c)
{
	c->failed = 1;
	snprintf(c->why, sizeof c->why, "the client ends");
}

void
client_set_release(struct client *c, const char *release)
{
	char *text = NULL;
	struct err e;

	if (copy_text(&text, "release", release, HOST_LABEL, &e) != 0)
		return;
	free(c->release);
	c->release = text;
}

int
client_is_welcome(const struct client *c)
{
	return c->state == CLIENT_WELCOME;
}

size_t
client_have(const struct client *c, uint64_t *ids, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < c->catalog.n; i++) {
		if (!client_runs(c->catalog.records[i]))
			continue;
		if (n < max)
			ids[n] = c->catalog.records[i]->id;
		n++;
	}
	return n;
}
