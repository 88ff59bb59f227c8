#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

/*
 * A host on a stage: peers are written out by hand, line by line, the program
 * is a list of what it was asked to do, the clock is ours.
 */

#include <unistd.h>

#include "tests/tap.h"
#include "tests/world.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/timetext.h"
#include "crypto/hmac.h"
#include "update/catalog.h"
#include "update/command.h"

#define OUTSIDE "192.0.2.9:1000"
#define INSIDE  "127.0.0.1:1000"

struct scene {
	struct world_clock clock;
	struct host *host;
	struct buf log, did;             /* lines */
	enum result apply_with;          /* what the program answers */
	void (*within)(struct scene *s); /* what happens while it is asked */
	enum result settle_with; /* what due comes to; RESULT_NONE: nothing */
	enum result back_with; /* what a putting back comes to; NONE: applied */
	int later;             /* it answers later, by answer() */
	const struct doc *asked; /* until it is answered or cancelled */
	int silent;              /* it answers without a report */
	int64_t rehearsed_ns;
	const char *token; /* what login answers; NULL: refuse */
	/* What a package comes to; NONE: packaged() tells later. */
	enum result package_with;
	const char *mirror; /* where clients are sent for it; NULL: nowhere */
	int rearmed;        /* how often it was told to look at the deadlines */
};

struct wire { /* a peer written by hand */
	struct scene *s;
	struct host_conn *conn;
	struct buf got;
};

/* Ids of a scene are seconds apart. */
__attribute__((unused)) static uint64_t
short_id(uint64_t id)
{
	return id / 1000000 % 100000;
}

/* ---- the program -------------------------------------------------------- */

__attribute__((unused)) static void
program_answers(struct scene *s, struct host_applied *out)
{
	out->result = s->apply_with;
	out->text = "a report, and what its buffer held before";
	out->len = s->silent ? 0 : 8;
	out->rehearsed_ns = s->rehearsed_ns;
	out->stall_ns = s->rehearsed_ns / 100;
}

__attribute__((unused)) static int
on_apply(void *arg, const struct doc *d, const struct host_parts *parts,
    const uint64_t *drop, size_t ndrop, enum host_how how,
    struct host_applied *out)
{
	static const char *const verbs[] = {"apply", "check", "apply", "back"};
	struct scene *s = arg;

	buf_printf(&s->did, "%s %s", verbs[how], d->feature);
	if (parts->native != NULL)
		buf_printf(&s->did, " native %.*s", (int)parts->native_len,
		    (const char *)parts->native);
	if (parts->server != NULL)
		buf_printf(&s->did, " %zu bytes", parts->server_len);
	if (ndrop > 0)
		buf_printf(&s->did, " drop %" PRIu64, short_id(drop[0]));
	buf_puts(&s->did, "\n");
	if (s->within != NULL)
		s->within(s);
	if (s->later && (how == HOST_PUSH || how == HOST_CHECK)) {
		s->asked = d;
		return 0;
	}
	program_answers(s, out);
	if (how == HOST_BACK)
		out->result =
		    s->back_with != RESULT_NONE ? s->back_with : RESULT_APPLIED;
	return 1;
}

/* The document is there still: a program may be at work on it. */
__attribute__((unused)) static void
on_cancel(void *arg)
{
	struct scene *s = arg;

	buf_printf(&s->did, "cancel %s\n", s->asked->feature);
}

__attribute__((unused)) static int
on_package(void *arg, const struct doc *d, struct host_package *out)
{
	struct scene *s = arg;

	buf_printf(&s->did, "package %s %s of %s\n", d->package.name,
	    d->package.release, d->feature);
	out->result = s->package_with;
	return s->package_with != RESULT_NONE;
}

__attribute__((unused)) static void
on_package_cancel(void *arg, uint64_t id)
{
	struct scene *s = arg;

	buf_printf(&s->did, "cancel package %" PRIu64 "\n", short_id(id));
}

__attribute__((unused)) static int
on_package_from(void *arg, const struct doc_package *p, char *out, size_t size)
{
	const struct scene *s = arg;

	if (s->mirror == NULL)
		return 0;
	snprintf(out, size, "%s/%s-%s.tar", s->mirror, p->name, p->release);
	return 1;
}

__attribute__((unused)) static void
on_package_gone(void *arg, const struct doc_package *p)
{
	struct scene *s = arg;

	buf_printf(&s->did, "gone %s %s\n", p->name, p->release);
}

__attribute__((unused)) static void
on_rearm(void *arg)
{
	((struct scene *)arg)->rearmed++;
}

/* The package that was asked for is here now, or it is not. */
__attribute__((unused)) static void
packaged(struct scene *s, uint64_t id, enum result r, const char *why)
{
	struct host_package out;

	memset(&out, 0, sizeof out);
	out.result = r;
	out.text = why;
	out.len = strlen(why);
	out.took_ns = 1500000000;
	host_packaged(s->host, id, &out);
}

/* What waits ends with this result. */
__attribute__((unused)) static void
settle(struct scene *s, uint64_t id, enum result r)
{
	struct host_applied out;

	memset(&out, 0, sizeof out);
	out.result = r;
	out.text = "settled";
	out.len = 7;
	host_settled(s->host, id, &out);
}

__attribute__((unused)) static void
on_due(void *arg, uint64_t id)
{
	struct scene *s = arg;

	buf_printf(&s->did, "due %" PRIu64 "\n", short_id(id));
	if (s->settle_with != RESULT_NONE)
		settle(s, id, s->settle_with);
}

__attribute__((unused)) static void
on_updated(void *arg, uint64_t id, const char *feature, const char *result)
{
	(void)id;
	buf_printf(&((struct scene *)arg)->did, "updated %s %s\n", feature,
	    result);
}

/* The program answers now what it did not at once. */
__attribute__((unused)) static void
answer(struct scene *s, uint64_t id, enum result r)
{
	struct host_applied out;

	memset(&out, 0, sizeof out);
	s->apply_with = r;
	program_answers(s, &out);
	host_answer(s->host, id, &out);
}

__attribute__((unused)) static void
on_revert(void *arg, uint64_t id, struct host_applied *out)
{
	struct scene *s = arg;

	buf_printf(&s->did, "revert %" PRIu64 "\n", short_id(id));
	out->result = RESULT_REVERTED;
}

__attribute__((unused)) static int
on_login(void *arg, const struct host_login *info, struct buf *token)
{
	struct scene *s = arg;

	(void)info;
	if (s->token == NULL)
		return -1;
	buf_puts(token, s->token);
	return 1;
}

__attribute__((unused)) static void
on_join(void *arg, const char *id)
{
	buf_printf(&((struct scene *)arg)->did, "join %s\n", id);
}

__attribute__((unused)) static void
on_leave(void *arg, const char *id, const char *why)
{
	buf_printf(&((struct scene *)arg)->did, "leave %s %s\n", id, why);
}

__attribute__((unused)) static void
on_message(void *arg, const char *id, const void *bytes, size_t len)
{
	buf_printf(&((struct scene *)arg)->did, "message %s %.*s\n", id,
	    (int)len, (const char *)bytes);
}

__attribute__((unused)) static void
on_log(void *arg, const char *line)
{
	buf_printf(&((struct scene *)arg)->log, "%s\n", line);
}

/* ---- the scene ---------------------------------------------------------- */

__attribute__((unused)) static struct host_config
config(struct scene *s, struct keyring *ring)
{
	struct host_config c;

	memset(&c, 0, sizeof c);
	c.name = "arena-1";
	c.program = "arena";
	c.version = "2.3";
	c.zone = "east";
	c.state_dir = "state";
	c.keys = ring;
	c.clock.mono_ns = world_mono;
	c.clock.wall_us = world_wall;
	c.clock.arg = &s->clock;
	c.cb.arg = s;
	c.cb.apply = on_apply;
	c.cb.revert = on_revert;
	c.cb.cancel = on_cancel;
	c.cb.due = on_due;
	c.cb.updated = on_updated;
	c.cb.package = on_package;
	c.cb.package_cancel = on_package_cancel;
	c.cb.package_from = on_package_from;
	c.cb.package_gone = on_package_gone;
	c.cb.rearm = on_rearm;
	c.cb.join = on_join;
	c.cb.leave = on_leave;
	c.cb.message = on_message;
	c.cb.log = on_log;
	return c;
}

__attribute__((unused)) static void
scene_clear(struct scene *s)
{
	memset(s, 0, sizeof *s);
	s->clock.mono_ns = 1;
	s->clock.wall_us = WORLD_START_US;
	s->apply_with = RESULT_APPLIED;
	if (system("rm -rf state") != 0)
		printf("# the state folder stays\n");
}

/* A host on what the state folder holds; two keys, dev1 and dev2, with these
 * limits. */
__attribute__((unused)) static int
scene_open_limited(struct scene *s, struct host_config *given,
    const char *limits)
{
	struct keyring ring = KEYRING_INIT;
	struct host_config c = config(s, &ring);
	struct err e = {ERR_NONE, ""};

	if (given != NULL) {
		c = *given;
		c.keys = &ring;
	}
	world_trust(&ring, 2, limits);
	s->host = host_new(&c, &e);
	if (s->host != NULL)
		host_begin(s->host);
	else
		buf_printf(&s->log, "%s\n", e.text);
	keyring_free(&ring);
	return s->host != NULL ? 0 : -1;
}

__attribute__((unused)) static int
scene_open(struct scene *s, struct host_config *given)
{
	return scene_open_limited(s, given, "");
}

/* A host on nothing. */
__attribute__((unused)) static void
scene_begin(struct scene *s)
{
	scene_clear(s);
	scene_open(s, NULL);
}

__attribute__((unused)) static void
scene_close(struct scene *s)
{
	host_free(s->host);
	buf_free(&s->log);
	buf_free(&s->did);
}

__attribute__((unused)) static int
has(struct buf *b, const char *text)
{
	const char *all = buf_text(b);

	return all != NULL && strstr(all, text) != NULL;
}

__attribute__((unused)) static struct wire
dial(struct scene *s, const char *from)
{
	struct wire w = {s, NULL, BUF_INIT};
	struct sock_addr a;

	sock_addr_parse(&a, from, 0);
	w.conn = host_conn_new(s->host, &a, &w.got);
	return w;
}

__attribute__((unused)) static void
hang_up(struct wire *w)
{
	if (w->conn != NULL)
		host_conn_close(w->conn, "test");
	w->conn = NULL;
	buf_free(&w->got);
}

__attribute__((unused)) static void
hear(struct wire *w)
{
	world_carry(host_conn_link(w->conn), NULL, &w->got, SIZE_MAX);
}

__attribute__((unused)) static void
say(struct wire *w, const char *text)
{
	link_input(host_conn_link(w->conn), text, strlen(text));
	hear(w);
}

__attribute__((unused)) static int
heard(struct wire *w, const char *text)
{
	hear(w);
	return has(&w->got, text);
}

__attribute__((unused)) static int
is_over(const struct wire *w)
{
	return host_conn_link(w->conn)->state != LINK_OPEN;
}

/* Let the clock run, the host's deadlines with it. */
__attribute__((unused)) static void
pass(struct scene *s, int64_t ms)
{
	int64_t until = s->clock.mono_ns + ms * 1000000, next;

	while ((next = host_next_ns(s->host)) >= 0 && next <= until) {
		if (next > s->clock.mono_ns)
			world_pass(&s->clock,
			    (next - s->clock.mono_ns + 999) / 1000);
		host_tick(s->host);
	}
	if (until > s->clock.mono_ns)
		world_pass(&s->clock, (until - s->clock.mono_ns) / 1000);
}

/* ---- documents ---------------------------------------------------------- */

#define SERVER_TEXT "hotfix.replace{target='a::b', with=function() end}\n"
#define CLIENT_TEXT "hotfix.replace{target='c::d', with=function() end}\n"

__attribute__((unused)) static struct doc_spec
update_spec(struct scene *s, const char *feature)
{
	struct doc_spec spec;

	memset(&spec, 0, sizeof spec);
	world_pass(&s->clock, 1000000);
	spec.id = (uint64_t)s->clock.wall_us;
	spec.feature = feature;
	spec.parts[DOC_SERVER].bytes = SERVER_TEXT;
	spec.parts[DOC_SERVER].len = strlen(SERVER_TEXT);
	spec.parts[DOC_CLIENT].bytes = CLIENT_TEXT;
	spec.parts[DOC_CLIENT].len = strlen(CLIENT_TEXT);
	return spec;
}

#define MD5_TEXT    "0123456789abcdef0123456789abcdef"
#define SHA512_TEXT MD5_TEXT MD5_TEXT MD5_TEXT MD5_TEXT
/* A package of 1000 bytes, and its address. */
#define PACKAGE(release) \
	"arena " release " 1000 " MD5_TEXT " " SHA512_TEXT " " AT(release)
#define AT(release) "ftp://dl.example/release/arena-" release ".tar"

/* A document with a package and nothing else; extra: its field lines. */
__attribute__((unused)) static struct doc_spec
package_spec(struct scene *s, const char *feature, const char *extra)
{
	struct doc_spec spec;

	memset(&spec, 0, sizeof spec);
	world_pass(&s->clock, 1000000);
	spec.id = (uint64_t)s->clock.wall_us;
	spec.feature = feature;
	spec.extra = extra;
	return spec;
}

/* A revert or retirement of the id. */
__attribute__((unused)) static struct doc_spec
about_spec(struct scene *s, const char *feature, uint64_t reverts,
    uint64_t retires)
{
	struct doc_spec spec;

	memset(&spec, 0, sizeof spec);
	world_pass(&s->clock, 1000000);
	spec.id = (uint64_t)s->clock.wall_us;
	spec.feature = feature;
	spec.reverts = reverts;
	spec.retires = retires;
	return spec;
}

__attribute__((unused)) static void
send_push(struct wire *w, const struct doc_spec *spec, uint8_t key)
{
	struct buf doc = BUF_INIT, frame = BUF_INIT;
	size_t head_len = 0;

	if (world_document(&doc, &head_len, spec, key) == 0) {
		world_push_frame(&frame, &doc, head_len);
		link_input(host_conn_link(w->conn), frame.data, frame.len);
		hear(w);
	}
	buf_free(&doc);
	buf_free(&frame);
}

/* Push on a connection of its own; 1 when the answer has this DONE. */
__attribute__((unused)) static int
push_gets(struct scene *s, const struct doc_spec *spec, const char *done)
{
	struct wire w = dial(s, INSIDE);
	int r;

	send_push(&w, spec, 1);
	pass(s, 11000);
	r = heard(&w, done);
	if (!r)
		printf("# answer: %s\n", buf_text(&w.got));
	hang_up(&w);
	return r;
}

__attribute__((unused)) static struct wire
login(struct scene *s, const char *id)
{
	struct wire w = dial(s, OUTSIDE);
	char line[256];

	snprintf(line, sizeof line,
	    "LOGIN %s\nprogram: arena\nversion: 1.4.2\nplatform: "
	    "linux-x86_64\n\n",
	    id);
	say(&w, line);
	return w;
}

__attribute__((unused)) static void
result(struct wire *w, uint64_t id, const char *what)
{
	char line[256];

	snprintf(line, sizeof line, "RESULT %" PRIu64 " %s\n\n", id, what);
	say(w, line);
}

__attribute__((unused)) static void
reopen(struct scene *s)
{
	host_free(s->host);
	buf_reset(&s->did);
	scene_open(s, NULL);
}

__attribute__((unused)) static void
command(struct wire *w, const char *host, uint64_t seq, const char *cmd)
{
	struct buf text = BUF_INIT, body = BUF_INIT, frame = BUF_INIT;
	struct signify_sec sec = world_key(1);
	struct signify_sig sig;
	char nonce[65];

	hear(w);
	snprintf(nonce, sizeof nonce, "%.64s",
	    strstr(buf_text(&w->got), "nonce: ") + 7);
	command_build(&text, host, nonce, seq, cmd);
	signify_sign(&sig, &sec, text.data, text.len);
	signify_sig_format(&body, &sig, "dev1");
	buf_append(&body, text.data, text.len);
	frame_begin(&frame, "COMMAND");
	frame_body(&frame, body.data, body.len);
	link_input(host_conn_link(w->conn), frame.data, frame.len);
	hear(w);
	buf_free(&text);
	buf_free(&body);
	buf_free(&frame);
}

__attribute__((unused)) static int
reload_dev2(void *arg, struct keyring *ring, struct err *e)
{
	struct keyring both = KEYRING_INIT;
	char line[128], b64[SIGNIFY_PUB_BASE64];
	int r;

	(void)arg;
	world_trust(&both, 2, "");
	snprintf(line, sizeof line, "%s dev2\n",
	    signify_pub_encode(b64, &both.keys[1].pub));
	r = keyring_parse(ring, "trust", line, strlen(line), e);
	keyring_free(&both);
	return r;
}

/* ---- what the host keeps and tells -------------------------------------- */

/* How often the ledger has this text. */
__attribute__((unused)) static int
ledger_count(const char *text)
{
	struct buf b = BUF_INIT;
	const char *at;
	struct err e;
	int n = 0;

	file_read("state/ledger", 1 << 20, &b, &e);
	for (at = buf_text(&b); at != NULL && (at = strstr(at, text)) != NULL;
	     at++)
		n++;
	buf_free(&b);
	return n;
}

__attribute__((unused, format(printf, 1, 2))) static int
ledger_has(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return ledger_count(text) > 0;
}

/* The document is in the state folder. */
__attribute__((unused)) static int
is_there(uint64_t id)
{
	char path[64];

	snprintf(path, sizeof path, "state/updates/%" PRIu64, id);
	return access(path, F_OK) == 0;
}

/* STATUS has this text; what it has is told when not. */
__attribute__((unused, format(printf, 2, 3))) static int
status_has(struct scene *s, const char *fmt, ...)
{
	struct wire w = dial(s, INSIDE);
	char text[1024];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	say(&w, "STATUS\n\n");
	r = heard(&w, text);
	if (!r)
		printf("# want %s\n# %s\n", text, buf_text(&w.got));
	hang_up(&w);
	return r;
}

#endif
