/*
 * The host's side of the protocol, line by line: peers are written out by
 * hand, the program is a list of what it was asked to do, the clock is ours.
 */

#include "tests/tap.h"
#include "tests/world.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/timetext.h"
#include "crypto/hmac.h"
#include "update/catalog.h"
#include "update/command.h"

#include <sys/stat.h>
#include <unistd.h>

#define OUTSIDE "192.0.2.9:1000"
#define INSIDE  "127.0.0.1:1000"

struct scene {
	struct world_clock clock;
	struct host *host;
	struct buf log, did;    /* lines */
	enum result apply_with; /* what the program answers */
	const char *token;      /* what login answers; NULL: refuse */
};

struct wire { /* a peer written by hand */
	struct scene *s;
	struct host_conn *conn;
	struct buf got;
};

/* ---- the program -------------------------------------------------------- */

static void
on_apply(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct host_applied *out)
{
	struct scene *s = arg;

	(void)part;
	buf_printf(&s->did, "apply %s %zu bytes", d->feature, len);
	if (ndrop > 0)
		buf_printf(&s->did, " drop %" PRIu64, drop[0] % 1000);
	buf_puts(&s->did, "\n");
	out->result = s->apply_with;
	out->text = "a report";
	out->len = 8;
}

static void
on_revert(void *arg, uint64_t id, struct host_applied *out)
{
	struct scene *s = arg;

	buf_printf(&s->did, "revert %" PRIu64 "\n", id % 1000);
	out->result = RESULT_REVERTED;
}

static int
on_login(void *arg, const struct host_login *info, struct buf *token)
{
	struct scene *s = arg;

	(void)info;
	if (s->token == NULL)
		return -1;
	buf_puts(token, s->token);
	return 1;
}

static void
on_join(void *arg, const char *id)
{
	buf_printf(&((struct scene *)arg)->did, "join %s\n", id);
}

static void
on_leave(void *arg, const char *id, const char *why)
{
	buf_printf(&((struct scene *)arg)->did, "leave %s %s\n", id, why);
}

static void
on_message(void *arg, const char *id, const void *bytes, size_t len)
{
	buf_printf(&((struct scene *)arg)->did, "message %s %.*s\n", id,
	    (int)len, (const char *)bytes);
}

static void
on_log(void *arg, const char *line)
{
	buf_printf(&((struct scene *)arg)->log, "%s\n", line);
}

/* ---- the scene ---------------------------------------------------------- */

static struct host_config
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
	c.cb.join = on_join;
	c.cb.leave = on_leave;
	c.cb.message = on_message;
	c.cb.log = on_log;
	return c;
}

static void
scene_clear(struct scene *s)
{
	memset(s, 0, sizeof *s);
	s->clock.mono_ns = 1;
	s->clock.wall_us = WORLD_START_US;
	s->apply_with = RESULT_APPLIED;
	if (system("rm -rf state") != 0)
		printf("# the state folder stays\n");
}

/* A host on what the state folder holds; two keys, dev1 and dev2. */
static int
scene_open(struct scene *s, struct host_config *given)
{
	struct keyring ring = KEYRING_INIT;
	struct host_config c = config(s, &ring);
	struct err e = {ERR_NONE, ""};

	if (given != NULL) {
		c = *given;
		c.keys = &ring;
	}
	world_trust(&ring, 2, "");
	s->host = host_new(&c, &e);
	if (s->host != NULL)
		host_begin(s->host);
	else
		buf_printf(&s->log, "%s\n", e.text);
	keyring_free(&ring);
	return s->host != NULL ? 0 : -1;
}

static void
scene_close(struct scene *s)
{
	host_free(s->host);
	buf_free(&s->log);
	buf_free(&s->did);
}

static int
has(struct buf *b, const char *text)
{
	const char *all = buf_text(b);

	return all != NULL && strstr(all, text) != NULL;
}

static struct wire
dial(struct scene *s, const char *from)
{
	struct wire w = {s, NULL, BUF_INIT};
	struct sock_addr a;

	sock_addr_parse(&a, from, 0);
	w.conn = host_conn_new(s->host, &a, &w.got);
	return w;
}

static void
hang_up(struct wire *w)
{
	if (w->conn != NULL)
		host_conn_close(w->conn, "test");
	w->conn = NULL;
	buf_free(&w->got);
}

static void
hear(struct wire *w)
{
	world_carry(host_conn_link(w->conn), NULL, &w->got, SIZE_MAX);
}

static void
say(struct wire *w, const char *text)
{
	link_input(host_conn_link(w->conn), text, strlen(text));
	hear(w);
}

static int
heard(struct wire *w, const char *text)
{
	hear(w);
	return has(&w->got, text);
}

static int
is_over(const struct wire *w)
{
	return host_conn_link(w->conn)->state != LINK_OPEN;
}

/* Let the clock run, the host's deadlines with it. */
static void
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

static struct doc_spec
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

/* A revert or retirement of the id. */
static struct doc_spec
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

static void
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
static int
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

static struct wire
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

static void
result(struct wire *w, uint64_t id, const char *what)
{
	char line[256];

	snprintf(line, sizeof line, "RESULT %" PRIu64 " %s\n\n", id, what);
	say(w, line);
}

/* ---- tests -------------------------------------------------------------- */

static void
test_opening(void)
{
	struct scene s;
	struct wire w;

	scene_clear(&s);
	scene_open(&s, NULL);
	w = dial(&s, OUTSIDE);
	OK(heard(&w, "HOTFIX 1\nhost: arena-1\nprogram: arena\nversion: "
		     "2.3\nzone: east\nnonce: "),
	    "the host speaks first and tells who it is");
	OK(has(&w.got, "\ntime: 2026-11-22T"), "and its time");
	say(&w, "PING 1 a\n\n");
	OK(heard(&w, "PONG 1 a\n\n"), "PING is answered before login");
	say(&w, "BYE\n\n");
	OK(is_over(&w), "BYE closes");
	hang_up(&w);

	w = dial(&s, OUTSIDE);
	say(&w, "GET /\n");
	OK(heard(&w, "ERROR unknown-verb\n\n") && is_over(&w),
	    "a scanner is gone as soon as its first line is complete");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	say(&w, "MESSAGE\n");
	OK(heard(&w, "ERROR unknown-verb\n\n") && is_over(&w),
	    "a client's verb is none before login");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	say(&w, "PING 1\r\n\n");
	OK(heard(&w, "ERROR syntax") && is_over(&w), "CR is a syntax error");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	say(&w, "LOGIN a\nlength: 4097\n\n");
	say(&w, "x");
	OK(heard(&w, "ERROR too-large") && is_over(&w),
	    "a body over 4 KiB is refused before login");
	hang_up(&w);
	scene_close(&s);
}

static void
test_closed_address(void)
{
	static const char *const verbs[] = {
	    "PUSH\n", "STATUS\n", "LOG 1\n", "CLIENTS\n"};
	struct scene s;
	struct wire w;
	size_t i;

	scene_clear(&s);
	scene_open(&s, NULL);
	for (i = 0; i < 4; i++) {
		w = dial(&s, OUTSIDE);
		say(&w, verbs[i]);
		OK(heard(&w, "ERROR closed\n") && is_over(&w),
		    "S0.1 an address that is not open gets ERROR closed for "
		    "%.4s, before anything else is read",
		    verbs[i]);
		hang_up(&w);
	}
	w = dial(&s, INSIDE);
	say(&w, "STATUS\n\n");
	OK(heard(&w, "\nhost: arena-1\n") && has(&w.got, "\nclients: 0\n"),
	    "loopback is open: STATUS is answered");
	say(&w, "CLIENTS\n\nLOG\n\n");
	OK(heard(&w, " start program=arena version=2.3\n"),
	    "several reads on one connection are answered in order");
	hang_up(&w);
	scene_close(&s);
}

static void
test_deadlines(void)
{
	struct scene s;
	struct wire w;

	scene_clear(&s);
	scene_open(&s, NULL);
	w = dial(&s, OUTSIDE);
	pass(&s, 29900);
	OK(!is_over(&w), "30 s may pass without a frame");
	pass(&s, 200);
	OK(heard(&w, "ERROR timeout") && is_over(&w), "and no more");
	hang_up(&w);

	w = dial(&s, OUTSIDE);
	say(&w, "PI");
	pass(&s, 4900);
	say(&w, "N");
	OK(!is_over(&w), "a head may take 5 s");
	pass(&s, 200);
	OK(heard(&w, "ERROR timeout") && is_over(&w),
	    "and no more, however many bytes come");
	hang_up(&w);

	w = dial(&s, INSIDE);
	say(&w, "COMMAND\nlength: 3000\n\n");
	pass(&s, 4900);
	say(&w, "0123456789");
	OK(!is_over(&w), "a body has 5 s");
	pass(&s, 200);
	OK(is_over(&w), "and then at least 1 KiB/s");
	hang_up(&w);

	w = login(&s, "quiet");
	pass(&s, 7200000);
	OK(!is_over(&w) && host_nclients(s.host) == 1,
	    "a client may be silent for hours");
	hang_up(&w);
	scene_close(&s);
}

static void
test_login(void)
{
	struct scene s;
	struct wire a, b;

	scene_clear(&s);
	scene_open(&s, NULL);
	a = login(&s, "ann");
	OK(heard(&a, "WELCOME ann\nupdates: 0\n\n"),
	    "S0.4 a login is welcomed");
	OK(has(&s.did, "join ann\n"), "and the program is told");
	say(&a, "MESSAGE\nlength: 2\n\nhi\n");
	OK(has(&s.did, "message ann hi\n"), "its messages reach the program");
	say(&a, "STATUS\n\n");
	OK(heard(&a, "ERROR unknown-verb\n\n") && !is_over(&a),
	    "another role's verb is unknown; the connection stays");
	b = login(&s, "ann");
	OK(heard(&a, "ERROR replaced\n") && is_over(&a) &&
		heard(&b, "WELCOME ann") && host_nclients(s.host) == 1,
	    "a second login of an id replaces the first");
	hang_up(&a);
	OK(host_nclients(s.host) == 1, "closing the replaced one changes "
				       "nothing");
	hang_up(&b);
	OK(host_nclients(s.host) == 0, "who is gone is gone");
	a = dial(&s, OUTSIDE);
	say(&a, "LOGIN ann\nhave: 1 x\n\n");
	OK(heard(&a, "ERROR syntax\n") && is_over(&a), "have is a list of ids");
	hang_up(&a);
	scene_close(&s);
}

static void
prove(struct wire *w, const char *id, const char *token)
{
	char line[512], digits[2 * HMAC_SIZE + 1];
	const char *nonce;
	uint8_t mac[HMAC_SIZE];
	struct hmac h;

	hear(w);
	nonce = strstr(buf_text(&w->got), "nonce: ") + 7;
	hmac_init(&h, token, strlen(token));
	hmac_update(&h, nonce, 64);
	hmac_update(&h, "\narena-1\n", 9);
	hmac_update(&h, id, strlen(id));
	hmac_final(mac, &h);
	snprintf(line, sizeof line, "LOGIN %s\nproof: %s\n\n", id,
	    hex_encode(digits, mac, sizeof mac));
	say(w, line);
}

static void
test_proof(void)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct scene s;
	struct wire w;
	int i;

	scene_clear(&s);
	c = config(&s, &none);
	c.cb.login = on_login;
	scene_open(&s, &c);
	s.token = "secret";
	w = dial(&s, OUTSIDE);
	prove(&w, "ann", "secret");
	OK(heard(&w, "WELCOME ann"), "the proof of the right token is let in");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	prove(&w, "ann", "guess");
	OK(heard(&w, "ERROR denied\n\n") && is_over(&w),
	    "that of a wrong one is denied");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	say(&w, "LOGIN ann\n\n");
	OK(heard(&w, "ERROR denied"), "no proof is denied");
	hang_up(&w);
	for (i = 0; i < 3; i++) {
		w = dial(&s, OUTSIDE);
		prove(&w, "ann", "guess");
		OK(!heard(&w, "ERROR"), "failure %d is answered late", i + 3);
		pass(&s, (1000 << i) - 100);
		OK(!heard(&w, "ERROR"), "not yet after %d ms",
		    (1000 << i) - 100);
		pass(&s, 200);
		OK(heard(&w, "ERROR denied"), "then it is");
		hang_up(&w);
	}
	w = dial(&s, OUTSIDE);
	prove(&w, "ann", "secret");
	OK(heard(&w, "WELCOME ann"), "a good login does not wait");
	hang_up(&w);
	scene_close(&s);
}

static void
test_push(void)
{
	struct doc_spec spec;
	struct wire op, ann, bob, late;
	struct scene s;
	char text[64];

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "combat");
	send_push(&op, &spec, 1);
	OK(has(&s.did, "apply combat"), "S0.5 the server part is applied");
	OK(heard(&op, "PROGRESS server applied\n") &&
		has(&op.got, "\na report\n"),
	    "and its report told");
	snprintf(text, sizeof text, "UPDATE %" PRIu64 "\nhead: ", spec.id);
	OK(heard(&ann, text) && heard(&bob, text),
	    "S0.7 both clients are sent the update");
	OK(has(&ann.got, CLIENT_TEXT) && !has(&ann.got, SERVER_TEXT),
	    "S0.12 with their own part and not the host's");
	result(&ann, spec.id, "applied");
	OK(!heard(&op, "DONE"), "it waits for both");
	result(&ann, spec.id, "failed");
	result(&bob, spec.id, "applied");
	OK(heard(&op, "targeted: 2\napplied: 2\ndeferred: 0\nfailed: "
		      "0\nmissing: 0\n\nDONE applied\n\n"),
	    "S0.10 the first result of each counts, then it is done");
	OK(!is_over(&op), "and the operator's connection stays");
	OK(host_has(s.host, "ann", "combat"), "the host knows who runs what");

	late = login(&s, "late");
	OK(heard(&late, "WELCOME late\nupdates: 1\n\nUPDATE "),
	    "S0.8 who logs in later gets it before anything else");
	result(&late, spec.id, "applied");
	hang_up(&late);
	late = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN late\nhave: %" PRIu64 "\n\n",
	    spec.id);
	say(&late, text);
	OK(heard(&late, "WELCOME late\nupdates: 0\n\n"),
	    "S0.9 who kept its memory gets only what it misses");
	hang_up(&late);
	late = login(&s, "late");
	OK(heard(&late, "updates: 1\n"), "S0.9 who comes back fresh, all");
	send_push(&op, &spec, 1);
	OK(heard(&op, "DONE have\n\n"), "the same document again: have");
	hang_up(&late);
	hang_up(&ann);
	hang_up(&bob);
	hang_up(&op);
	scene_close(&s);
}

static void
test_refusals(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire w;
	uint64_t first;

	scene_clear(&s);
	scene_open(&s, NULL);
	spec = update_spec(&s, "f");
	w = dial(&s, INSIDE);
	send_push(&w, &spec, 3);
	OK(heard(&w, "DONE refused untrusted-key\n") && is_over(&w),
	    "S0.2 a key that is not trusted is refused, the connection ends");
	hang_up(&w);
	OK(!has(&s.did, "apply"), "S0.2 and nothing else happens");

	spec.id += 400000000;
	OK(push_gets(&s, &spec, "DONE refused future\n"), "from the future");
	spec = update_spec(&s, "f");
	first = spec.id;
	spec.id -= UINT64_C(25) * 3600 * 1000000;
	OK(push_gets(&s, &spec, "DONE refused stale\n"),
	    "older than a day and never seen");
	spec = update_spec(&s, "f");
	spec.expires_us = (int64_t)spec.id - 1;
	OK(push_gets(&s, &spec, "DONE refused expired\n"), "expired");
	spec = update_spec(&s, "f");
	spec.zone = "west";
	OK(push_gets(&s, &spec, "DONE refused not-for-me\n"), "wrong zone");
	spec = update_spec(&s, "f");
	spec.server_version = "9.*";
	spec.parts[DOC_CLIENT].bytes = NULL;
	OK(push_gets(&s, &spec, "DONE refused not-for-me\n"),
	    "a server part for another version alone");
	spec = update_spec(&s, "f");
	spec.needs = "5";
	OK(push_gets(&s, &spec, "DONE refused needs\n"), "needs what is not "
							 "there");
	spec = update_spec(&s, "f");
	spec.max_failed = "1";
	spec.take_back_until_us = (int64_t)spec.id + 60000000;
	spec.parts[DOC_CLIENT].bytes = "print(1)";
	spec.parts[DOC_CLIENT].len = 8;
	OK(push_gets(&s, &spec, "DONE refused unsupported\n"),
	    "a bound with a part that cannot be taken back");
	spec = about_spec(&s, "f", 0, 77);
	OK(push_gets(&s, &spec, "DONE refused unknown\n"),
	    "retiring what is not held");
	OK(!has(&s.did, "apply"), "none of them did anything");

	spec = update_spec(&s, "f");
	OK(push_gets(&s, &spec, "DONE applied\n"), "a good one is applied");
	spec.id = first;
	OK(push_gets(&s, &spec, "DONE refused stale\n"),
	    "an older id of the feature");
	scene_close(&s);
}

static void
test_failed_server_part(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire ann;

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	spec = update_spec(&s, "f");
	s.apply_with = RESULT_FAILED;
	OK(push_gets(&s, &spec, "DONE failed\n"), "a server part that fails");
	OK(!heard(&ann, "UPDATE"), "no client hears of it");
	s.apply_with = RESULT_PARTIAL;
	spec = update_spec(&s, "f");
	OK(push_gets(&s, &spec, "DONE partial\n"), "one that fails half way");
	s.apply_with = RESULT_APPLIED;
	OK(push_gets(&s, &spec, "DONE applied\n"),
	    "what was forgotten may come again");
	hang_up(&ann);
	scene_close(&s);
}

static void
test_take_back(void)
{
	struct doc_spec spec;
	struct wire op, c[3];
	struct scene s;
	char text[96];
	int i;

	scene_clear(&s);
	scene_open(&s, NULL);
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "c%d", i);
		c[i] = login(&s, text);
	}
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	spec.max_failed = "1";
	spec.wait = "10s";
	spec.take_back_until_us = (int64_t)spec.id + 70000000;
	send_push(&op, &spec, 1);
	result(&c[0], spec.id, "applied");
	result(&c[1], spec.id, "failed");
	OK(!has(&s.did, "revert"), "one failure is allowed");
	result(&c[2], spec.id, "hung");
	OK(has(&s.did, "revert"), "two are not: the server part goes");
	snprintf(text, sizeof text, "REVERT %" PRIu64 "\n\n", spec.id);
	OK(heard(&c[0], text), "the client that runs it is told");
	OK(!heard(&c[1], text), "one that failed has nothing to take back");
	result(&c[0], spec.id, "reverted");
	OK(heard(&op, "DONE reverted\n\n"), "DONE reverted");
	OK(has(&op.got, "PROGRESS error\nresult: failed\ncount: 1\nof: 1 "
			"linux-x86_64 1.4.2, 0 others\n"),
	    "S0.10 errors are grouped");
	send_push(&op, &spec, 1);
	OK(heard(&op, "DONE refused reverted\n"), "it may not come again");
	hang_up(&op);
	for (i = 0; i < 3; i++)
		hang_up(&c[i]);
	scene_close(&s);
}

static void
test_missing(void)
{
	struct doc_spec spec;
	struct wire op, ann;
	struct scene s;
	char text[96];

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&ann);
	pass(&s, 9000);
	OK(!heard(&op, "DONE"), "a client that vanished is waited for");
	pass(&s, 1500);
	OK(heard(&op, "missing: 1\n\nDONE applied\n"), "and is missing then");

	ann = login(&s, "ann");
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&ann);
	ann = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN ann\nhave: %" PRIu64 "\n\n",
	    spec.id);
	say(&ann, text);
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 0\nmissing: 0\n\nDONE "
		      "applied\n"),
	    "one that comes back and has it counts as applied");

	hang_up(&op);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "g");
	send_push(&op, &spec, 1);
	hang_up(&op);
	result(&ann, spec.id, "applied");
	OK(has(&s.log, "(g): applied; clients: 1 targeted, 1 applied"),
	    "an operator that is gone: the host finishes alone");
	hang_up(&ann);
	scene_close(&s);
}

static void
test_order(void)
{
	struct doc_spec first, spec;
	struct wire op, op2, ann;
	struct scene s;
	char text[96];

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	first = update_spec(&s, "f");
	send_push(&op, &first, 1);
	spec = update_spec(&s, "g");
	send_push(&op2, &spec, 1);
	OK(heard(&op2, "ERROR busy\n") && !is_over(&op2),
	    "another push while one runs: busy, the connection stays");
	spec = about_spec(&s, "g", 12345, 0);
	send_push(&op2, &spec, 1);
	OK(!heard(&op2, "DONE"), "a revert of another feature waits");
	spec = update_spec(&s, "h");
	send_push(&op, &spec, 1);
	OK(!has(&s.did, "apply h"), "the same connection's next push waits");
	result(&ann, first.id, "applied");
	OK(heard(&op2, "DONE reverted\n"), "then the revert has its turn");
	pass(&s, 11000);
	OK(has(&s.did, "apply h"), "and the pipelined push");
	hang_up(&op);
	op = dial(&s, INSIDE);

	first = update_spec(&s, "f");
	send_push(&op, &first, 1);
	spec = about_spec(&s, "f", first.id, 0);
	send_push(&op2, &spec, 1);
	OK(heard(&op, "DONE reverted\n"),
	    "a revert ends the running push of its feature");
	snprintf(text, sizeof text, "REVERT %" PRIu64 "\nlength: ", first.id);
	OK(heard(&ann, text), "and clients get the signed document");
	pass(&s, 11000);
	OK(push_gets(&s, &first, "DONE refused reverted\n"),
	    "what was reverted is refused for ever");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	scene_close(&s);
}

static void
test_supersede_and_revert(void)
{
	struct doc_spec one, two, spec;
	struct scene s;
	struct wire w;
	char text[128];

	scene_clear(&s);
	scene_open(&s, NULL);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	two = update_spec(&s, "f");
	push_gets(&s, &two, "DONE applied\n");
	snprintf(text, sizeof text, " drop %" PRIu64 "\n", one.id % 1000);
	OK(has(&s.did, text), "a newer document takes the older one's place");
	w = login(&s, "ann");
	OK(heard(&w, "updates: 1\n"), "and a client gets the newer alone");
	hang_up(&w);
	spec = about_spec(&s, "other", two.id, 0);
	OK(push_gets(&s, &spec, "DONE refused syntax\n"),
	    "a revert names the feature of its document");
	spec = about_spec(&s, "f", two.id, 0);
	OK(push_gets(&s, &spec, "DONE reverted\n"), "the newer is reverted");
	OK(push_gets(&s, &spec, "DONE have\n"), "again: have");
	w = login(&s, "ann");
	OK(heard(&w, "updates: 0\n"), "that does not bring the older back");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN ann\nhave: %" PRIu64 "\n\n", one.id);
	say(&w, text);
	snprintf(text, sizeof text, "updates: 1\n\nREVERT %" PRIu64 "\n",
	    two.id);
	OK(heard(&w, text), "who was away and runs the older is told");
	hang_up(&w);
	scene_close(&s);
}

static void
test_retire(void)
{
	struct doc_spec one, spec;
	struct scene s;
	struct wire w;
	char text[128];

	scene_clear(&s);
	scene_open(&s, NULL);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	spec = about_spec(&s, "f", 0, one.id);
	OK(push_gets(&s, &spec, "DONE applied\n"), "a retirement");
	w = login(&s, "new");
	OK(heard(&w, "updates: 0\n"), "new starts do not get it");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN old\nhave: %" PRIu64 "\n\n", one.id);
	say(&w, text);
	snprintf(text, sizeof text, "updates: 1\n\nUPDATE %" PRIu64 "\n",
	    spec.id);
	OK(heard(&w, text), "who runs it hears of the retirement");
	hang_up(&w);
	scene_close(&s);
}

/* ---- restarts ----------------------------------------------------------- */

static void
reopen(struct scene *s)
{
	host_free(s->host);
	buf_reset(&s->did);
	scene_open(s, NULL);
}

static void
test_restart(void)
{
	struct doc_spec one, two, spec;
	struct scene s;
	struct wire w;
	char text[96];

	scene_clear(&s);
	scene_open(&s, NULL);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	two = update_spec(&s, "g");
	push_gets(&s, &two, "DONE applied\n");
	reopen(&s);
	OK(has(&s.did, "apply f 51 bytes\napply g"),
	    "S0.6 a restart applies what is live, in the order of ids");
	w = login(&s, "ann");
	OK(heard(&w, "updates: 2\n"), "S0.6 and passes it on");
	hang_up(&w);
	OK(push_gets(&s, &one, "DONE have\n"), "it knows what it holds");
	spec = about_spec(&s, "f", one.id, 0);
	push_gets(&s, &spec, "DONE reverted\n");
	reopen(&s);
	OK(!has(&s.did, "apply f"), "what was reverted stays so");
	OK(push_gets(&s, &one, "DONE refused reverted\n"),
	    "and is refused after a restart too");
	OK(push_gets(&s, &spec, "DONE have\n"), "and so is its revert: have");
	w = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN ann\nhave: %" PRIu64 "\n\n", one.id);
	say(&w, text);
	OK(heard(&w, "updates: 2\n\nUPDATE ") && has(&w.got, "REVERT "),
	    "and clients are told still");
	hang_up(&w);
	scene_close(&s);
}

/* Rewrite the ledger. */
static void
ledger_edit(void (*edit)(struct buf *b))
{
	struct buf b = BUF_INIT;
	struct err e;

	if (file_read("state/ledger", SIZE_MAX / 2, &b, &e) != 0) {
		printf("# %s\n", e.text);
		return;
	}
	edit(&b);
	file_write("state/ledger", b.data, b.len, 0600, &e);
	buf_free(&b);
}

/* Leave what a host wrote before it died in the middle of a push. */
static void
cut_before_released(struct buf *b)
{
	char *text = buf_text(b);
	char *at = strstr(text, " released ");

	while (at > text && at[-1] != '\n')
		at--;
	b->len = (size_t)(at - text);
}

static void
tear(struct buf *b)
{
	b->len -= 5;
}

static void
forge(struct buf *b)
{
	char *at = strstr(buf_text(b), "server-applied");

	memcpy(at, "server-appliee", 14);
}

static void
test_crash(void)
{
	struct doc_spec one;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	host_free(s.host);
	ledger_edit(cut_before_released);
	buf_reset(&s.did);
	scene_open(&s, NULL);
	OK(s.host != NULL && has(&s.log, "its push was cut off; taken back"),
	    "a push that was not released is taken back at start");
	OK(!has(&s.did, "apply"), "and not applied");
	OK(push_gets(&s, &one, "DONE applied\n"), "it may come again");

	host_free(s.host);
	ledger_edit(tear);
	scene_open(&s, NULL);
	OK(s.host != NULL && has(&s.log, "was torn by a crash and is cut off"),
	    "a torn last line is cut and reported");
	host_free(s.host);
	ledger_edit(forge);
	scene_open(&s, NULL);
	OK(s.host == NULL && has(&s.log, "state/ledger: line "),
	    "an earlier line that breaks the chain stops the start");
	scene_close(&s);
}

/* ---- commands ----------------------------------------------------------- */

static void
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

static void
test_commands(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire w, v;

	scene_clear(&s);
	scene_open(&s, NULL);
	w = dial(&s, OUTSIDE);
	command(&w, "arena-1", 1, "accept 5");
	OK(heard(&w, "ERROR closed\n") && is_over(&w),
	    "S0.1 only open may be asked from an address that is not open");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	command(&w, "arena-2", 1, "open self 60");
	OK(heard(&w, "ERROR not-for-me\n"), "it is bound to one host");
	hang_up(&w);
	w = dial(&s, OUTSIDE);
	command(&w, "arena-1", 1, "open self 60");
	OK(heard(&w, "OK\n\n") && !is_over(&w),
	    "S0.1 a signed open opens the interface");
	command(&w, "arena-1", 1, "open self 60");
	OK(heard(&w, "ERROR stale\n"), "the same again is a replay");
	say(&w, "STATUS\n\n");
	OK(heard(&w, "open: 192.0.2.9 60\n"), "it reads from there now");
	v = dial(&s, "192.0.2.10:5");
	say(&v, "STATUS\n");
	OK(heard(&v, "ERROR closed\n"), "S0.1 and only that address");
	hang_up(&v);
	pass(&s, 29000);
	say(&w, "PING 1\n\n");
	pass(&s, 29000);
	say(&w, "PING 1\n\n");
	pass(&s, 3000);
	say(&w, "STATUS\n");
	OK(heard(&w, "ERROR closed\n") && is_over(&w),
	    "an opening ends, the connection at its next frame");
	hang_up(&w);

	w = dial(&s, INSIDE);
	spec = update_spec(&s, "old");
	spec.id -= UINT64_C(25) * 3600 * 1000000;
	OK(push_gets(&s, &spec, "DONE refused stale\n"), "too old");
	{
		char cmd[64];

		snprintf(cmd, sizeof cmd, "accept %" PRIu64, spec.id);
		command(&w, "arena-1", 1, cmd);
	}
	OK(heard(&w, "OK\n\n") && push_gets(&s, &spec, "DONE applied\n"),
	    "an operator may let it in");
	command(&w, "arena-1", 2, "reload");
	OK(heard(&w, "ERROR unsupported\n") && !is_over(&w),
	    "what a host cannot do it says");
	hang_up(&w);
	scene_close(&s);
}

/* ---- floods ------------------------------------------------------------- */

static void
test_floods(void)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct wire w[20], slow, ann;
	struct scene s;
	char *big;
	int i;

	scene_clear(&s);
	c = config(&s, &none);
	c.max_waiting = 3;
	c.max_conns = 20; /* 16 of them for operators */
	scene_open(&s, &c);
	for (i = 0; i < 4; i++)
		w[i] = dial(&s, OUTSIDE);
	OK(w[2].conn != NULL && w[3].conn == NULL &&
		has(&w[3].got, "ERROR full\n\n"),
	    "an address may have so many connections before login");
	hang_up(&w[3]);
	w[3] = dial(&s, "192.0.2.10:5");
	OK(w[3].conn != NULL, "another address its own");
	slow = dial(&s, "192.0.2.11:5");
	OK(slow.conn == NULL, "players leave some for operators");
	hang_up(&slow);
	for (i = 4; i < 20; i++)
		w[i] = dial(&s, INSIDE);
	slow = dial(&s, INSIDE);
	OK(w[19].conn != NULL && slow.conn == NULL, "so many in all");
	hang_up(&slow);
	for (i = 0; i < 20; i++)
		hang_up(&w[i]);
	OK(host_nconns(s.host) == 0, "and all are gone");

	slow = login(&s, "slow");
	ann = login(&s, "ann");
	big = calloc(1, 3 << 20);
	for (i = 0; i < 4; i++) {
		host_broadcast(s.host, big, 3 << 20);
		hear(&ann);
	}
	free(big);
	OK(host_conn_link(slow.conn)->state == LINK_DEAD && !is_over(&ann),
	    "a client that never reads is dropped, the others stay");
	hang_up(&slow);
	hang_up(&ann);
	scene_close(&s);
}

/* More is due at a login than a queue takes of other things. */
static void
test_long_catch_up(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire w;
	char *big, feature[16];
	size_t len = (1 << 20) - 64;
	int i;

	scene_clear(&s);
	scene_open(&s, NULL);
	big = malloc(len);
	memset(big, ' ', len);
	memcpy(big, CLIENT_TEXT, strlen(CLIENT_TEXT));
	for (i = 0; i < 12; i++) {
		snprintf(feature, sizeof feature, "f%d", i);
		spec = update_spec(&s, feature);
		spec.parts[DOC_CLIENT].bytes = big;
		spec.parts[DOC_CLIENT].len = len;
		push_gets(&s, &spec, "DONE applied\n");
	}
	w = login(&s, "ann");
	OK(!is_over(&w) && heard(&w, "updates: 12\n") && w.got.len > 12 * len,
	    "12 MB that are due at a login all come");
	hang_up(&w);
	free(big);
	scene_close(&s);
}

/* ---- what a reviewer found ------------------------------------------------
 */

/* A client that refuses a REVERT runs the update still, and is told again. */
static void
test_refused_revert(void)
{
	struct doc_spec one, spec;
	struct wire op, ann;
	struct scene s;
	char text[128];

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	one = update_spec(&s, "f");
	op = dial(&s, INSIDE);
	send_push(&op, &one, 1);
	result(&ann, one.id, "applied");
	spec = about_spec(&s, "f", one.id, 0);
	send_push(&op, &spec, 1);
	result(&ann, one.id, "refused untrusted-key");
	OK(heard(&op, "failed: 1\nmissing: 0\n") &&
		host_has(s.host, "ann", "f"),
	    "a REVERT that a client refuses did not reach its end there");
	buf_reset(&ann.got);
	spec = about_spec(&s, "f", one.id, 0);
	send_push(&op, &spec, 1);
	snprintf(text, sizeof text, "REVERT %" PRIu64 "\n", one.id);
	OK(heard(&ann, text), "the next one is sent there again");
	result(&ann, one.id, "refused unknown");
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 0\n") &&
		!host_has(s.host, "ann", "f"),
	    "nothing to revert is the end of a revert");
	hang_up(&op);
	hang_up(&ann);
	scene_close(&s);
}

/* A revert of another id of the feature cannot take back what its document
 * does not allow to be taken back. */
static void
test_abort_without_permission(void)
{
	struct doc_spec one, spec;
	struct wire op, op2, ann, bob;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	one = update_spec(&s, "f");
	send_push(&op, &one, 1);
	result(&ann, one.id, "applied");
	spec = about_spec(&s, "f", 12345, 0);
	send_push(&op2, &spec, 1);
	OK(heard(&op, "DONE applied\n") && heard(&op2, "DONE reverted\n"),
	    "the running push is not waited for any longer, and stays");
	OK(host_has(s.host, "ann", "f") && !heard(&ann, "REVERT"),
	    "its clients keep it");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	hang_up(&bob);
	scene_close(&s);
}

/* A revert of an id that was never held bans it under its own feature only:
 * a key that is good for one feature reaches no other. */
static void
test_revert_of_another_feature(void)
{
	struct doc_spec one, spec;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	one = update_spec(&s, "combat");
	spec = about_spec(&s, "cosmetic", one.id, 0);
	OK(push_gets(&s, &spec, "DONE reverted\n"), "an id not held");
	OK(push_gets(&s, &one, "DONE applied\n"),
	    "the document of another feature still comes in");
	reopen(&s);
	OK(has(&s.did, "apply combat"), "and is there after a restart");
	one = update_spec(&s, "cosmetic");
	spec = about_spec(&s, "cosmetic", one.id, 0);
	push_gets(&s, &spec, "DONE reverted\n");
	OK(push_gets(&s, &one, "DONE refused reverted\n"),
	    "that of its own does not");
	scene_close(&s);
}

/* The same revert twice behind a running push is one revert. */
static void
test_queue(void)
{
	struct doc_spec one, spec;
	struct wire op, op2, op3, ann;
	struct scene s;
	struct buf b = BUF_INIT;
	const char *first, *text;
	struct err e;

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	op3 = dial(&s, INSIDE);
	one = update_spec(&s, "f");
	send_push(&op, &one, 1);
	spec = about_spec(&s, "g", 12345, 0);
	send_push(&op2, &spec, 1);
	send_push(&op3, &spec, 1);
	OK(heard(&op3, "DONE have\n"), "the second copy: have");
	result(&ann, one.id, "applied");
	OK(heard(&op2, "DONE reverted\n"), "the first is carried out");
	file_read("state/ledger", 1 << 20, &b, &e);
	text = buf_text(&b);
	first = strstr(text, "kind=revert");
	OK(first != NULL && strstr(first + 1, "kind=revert") == NULL,
	    "and stands in the ledger once");
	buf_free(&b);
	hang_up(&op);
	hang_up(&op2);
	hang_up(&op3);
	hang_up(&ann);
	reopen(&s);
	OK(s.host != NULL, "which starts again");
	scene_close(&s);
}

static int
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

/* A push that was begun before its key was revoked is not taken. */
static void
test_revoked_meanwhile(void)
{
	struct keyring none = KEYRING_INIT;
	struct buf doc = BUF_INIT, frame = BUF_INIT;
	struct host_config c;
	struct doc_spec spec;
	struct wire op, op2;
	struct scene s;
	size_t head_len;

	scene_clear(&s);
	c = config(&s, &none);
	c.cb.reload = reload_dev2;
	scene_open(&s, &c);
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	world_document(&doc, &head_len, &spec, 1);
	world_push_frame(&frame, &doc, head_len);
	link_input(host_conn_link(op.conn), frame.data, frame.len - 2);
	command(&op2, "arena-1", 1, "reload");
	OK(heard(&op2, "OK\n\n"), "the keys change");
	link_input(host_conn_link(op.conn), frame.data + frame.len - 2, 2);
	OK(!heard(&op, "DONE applied") && heard(&op, "ERROR untrusted-key\n"),
	    "what was begun under a key of before is refused");
	buf_free(&doc);
	buf_free(&frame);
	hang_up(&op);
	hang_up(&op2);
	scene_close(&s);
}

/* What is announced beyond the document's own length is not read. */
static void
test_announced_length(void)
{
	struct buf doc = BUF_INIT, frame = BUF_INIT;
	struct doc_spec spec;
	struct scene s;
	struct wire w;
	size_t head_len;

	scene_clear(&s);
	scene_open(&s, NULL);
	spec = update_spec(&s, "f");
	world_document(&doc, &head_len, &spec, 1);
	frame_begin(&frame, "PUSH");
	frame_put(&frame, "head", "%zu", head_len);
	frame_body_begin(&frame, 60 << 20);
	buf_append(&frame, doc.data, head_len);
	w = dial(&s, INSIDE);
	link_input(host_conn_link(w.conn), frame.data, frame.len);
	OK(heard(&w, "DONE refused bad-digest\n") && is_over(&w),
	    "a length that is not the document's is refused at its head");
	hang_up(&w);

	w = login(&s, "ann");
	say(&w, "RESULT 1 applied\nlength: 5000\n\n");
	say(&w, "x");
	OK(heard(&w, "ERROR too-large\n"), "a RESULT is no place for much");
	hang_up(&w);
	spec = update_spec(&s, "f");
	spec.wait = "1h";
	OK(push_gets(&s, &spec, "DONE refused unsupported\n"),
	    "no document holds the one place for pushes for an hour");
	buf_free(&doc);
	buf_free(&frame);
	scene_close(&s);
}

/* Answers that are not read stop the questions. */
static void
test_unread_answers(void)
{
	struct scene s;
	struct wire w;
	struct buf ping = BUF_INIT;
	struct link *l;
	int i;

	scene_clear(&s);
	scene_open(&s, NULL);
	w = dial(&s, OUTSIDE);
	l = host_conn_link(w.conn);
	frame_begin(&ping, "PING");
	for (i = 0; i < 700; i++)
		frame_arg(&ping, "0123456789");
	frame_end(&ping);
	for (i = 0; i < 100; i++)
		link_input(l, ping.data, ping.len);
	OK(l->queued < 100000, "no more than some 64 KiB wait for a reader");
	for (i = 0; i < 200; i++)
		hear(&w);
	OK(w.got.len > 100 * (ping.len - 1), "read, they all are answered");
	for (i = 0; i < 100; i++)
		link_input(l, ping.data, ping.len);
	pass(&s, 31000);
	OK(is_over(&w), "who never reads is gone after 30 s");
	buf_free(&ping);
	hang_up(&w);
	scene_close(&s);
}

/* What is lost or forged in the state folder. */
static void
test_state_folder(void)
{
	struct doc_spec one, two, spec;
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct buf b = BUF_INIT;
	struct scene s;
	char path[64];
	uint64_t skip;
	char *sig;
	struct err e;

	scene_clear(&s);
	scene_open(&s, NULL);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	two = update_spec(&s, "g");
	push_gets(&s, &two, "DONE applied\n");
	spec = about_spec(&s, "f", one.id, 0);
	push_gets(&s, &spec, "DONE reverted\n");
	file_write("state/updates/123", "x", 1, 0600, &e);
	file_write("state/updates/9.tmp", "x", 1, 0600, &e);
	snprintf(path, sizeof path, "state/updates/%" PRIu64, one.id);
	unlink(path);
	reopen(&s);
	OK(s.host != NULL && has(&s.did, "apply g"),
	    "a document that is in force nowhere is not needed to start");
	OK(access("state/updates/123", F_OK) != 0 &&
		access("state/updates/9.tmp", F_OK) != 0,
	    "what the ledger does not know is swept away");
	OK(push_gets(&s, &one, "DONE refused reverted\n"), "it stays banned");

	snprintf(path, sizeof path, "state/updates/%" PRIu64, two.id);
	file_read(path, 1 << 20, &b, &e);
	unlink(path);
	reopen(&s);
	OK(s.host == NULL && has(&s.log, "leave it out with --skip "),
	    "one that is stops the start, with what to do");
	c = config(&s, &none);
	skip = two.id;
	c.skip = &skip;
	c.nskip = 1;
	scene_open(&s, &c);
	OK(s.host != NULL && !has(&s.did, "apply g"), "left out, it starts");
	host_free(s.host);

	/* The digest in the ledger is of the signed text; not of the
	 * signature. */
	sig = memchr(b.data, '\n', b.len);
	sig[40] = sig[40] == 'A' ? 'B' : 'A';
	file_write(path, b.data, b.len, 0600, &e);
	scene_open(&s, NULL);
	OK(s.host == NULL && has(&s.log, "its signature is forged"),
	    "a document that nobody signed is not run");
	sig[40] = 'A';
	buf_free(&b);
	chmod("state", 0777);
	scene_open(&s, NULL);
	OK(s.host == NULL && has(&s.log, "state: others may write to it"),
	    "a folder that anybody can write to is not believed");
	chmod("state", 0700);
	scene_close(&s);
}

/* What a newer document covers may still run on clients. */
static void
test_covered(void)
{
	struct doc_spec one, two, rev;
	struct wire op, ann;
	struct scene s;
	char text[64];

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	one = update_spec(&s, "combat");
	send_push(&op, &one, 1);
	result(&ann, one.id, "applied");
	OK(host_has(s.host, "ann", "combat"), "ann runs one");
	two = update_spec(&s, "combat");
	send_push(&op, &two, 1);
	OK(host_has(s.host, "ann", "combat"),
	    "ann still runs one while two is on its way");
	result(&ann, two.id, "failed");
	OK(host_has(s.host, "ann", "combat"), "two failed: ann runs one still");
	hang_up(&ann);
	hang_up(&op);
	scene_close(&s);

	/* late result of a covered one */
	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	one = update_spec(&s, "combat");
	send_push(&op, &one, 1);
	pass(&s, 11000); /* ann is slow: missing */
	two = update_spec(&s, "combat");
	send_push(&op, &two, 1);
	result(&ann, one.id, "applied"); /* late */
	result(&ann, two.id, "failed");
	OK(heard(&op, "DONE"), "done");
	say(&op, "CLIENTS\n\n");
	hear(&op);
	snprintf(text, sizeof text, "\t%" PRIu64 "\n", one.id);
	OK(heard(&op, text), "the host knows that ann runs one");
	buf_reset(&ann.got);
	rev = about_spec(&s, "combat", two.id, 0);
	send_push(&op, &rev, 1);
	OK(heard(&ann, "REVERT"),
	    "the revert of two reaches ann, who runs one");
	pass(&s, 11000);
	buf_reset(&ann.got);
	rev = about_spec(&s, "combat", one.id, 0);
	send_push(&op, &rev, 1);
	OK(heard(&ann, "REVERT"),
	    "the revert of one reaches ann, who runs one");
	hang_up(&ann);
	hang_up(&op);
	scene_close(&s);

	/* restart between */
	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	one = update_spec(&s, "combat");
	send_push(&op, &one, 1);
	result(&ann, one.id, "applied");
	two = update_spec(&s, "combat");
	send_push(&op, &two, 1);
	result(&ann, two.id, "failed");
	buf_reset(&ann.got);
	rev = about_spec(&s, "combat", two.id, 0);
	send_push(&op, &rev, 1);
	OK(heard(&ann, "REVERT"),
	    "known: revert of two reaches ann, who runs one");
	result(&ann, two.id, "reverted");
	OK(!host_has(s.host, "ann", "combat"), "and it is gone");
	hang_up(&ann);
	hang_up(&op);
	scene_close(&s);
}

/* More kinds of errors than are told apart. */
static void
test_many_errors(void)
{
	struct wire op, c[20];
	struct doc_spec spec;
	struct scene s;
	char line[128];
	int i;

	scene_clear(&s);
	scene_open(&s, NULL);
	for (i = 0; i < 20; i++) {
		snprintf(line, sizeof line, "c%d", i);
		c[i] = login(&s, line);
	}
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	for (i = 0; i < 20; i++) {
		snprintf(line, sizeof line,
		    "RESULT %" PRIu64 " failed\nlength: 2\n\n%02d\n", spec.id,
		    i);
		say(&c[i], line);
	}
	OK(heard(&op, "result: failed\ncount: 1\n") && has(&op.got, "\n14\n") &&
		!has(&op.got, "\n15\n"),
	    "fifteen kinds are told apart");
	OK(has(&op.got, "result: other errors\ncount: 5\n"),
	    "the rest is counted together, under no false text");
	hang_up(&op);
	for (i = 0; i < 20; i++)
		hang_up(&c[i]);
	scene_close(&s);
}

/* A revert whose answer was lost with the connection. */
static void
test_lost_revert_result(void)
{
	struct doc_spec one, spec;
	struct wire op, ann;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	one = update_spec(&s, "f");
	op = dial(&s, INSIDE);
	send_push(&op, &one, 1);
	result(&ann, one.id, "applied");
	spec = about_spec(&s, "f", one.id, 0);
	send_push(&op, &spec, 1);
	hang_up(&ann);
	ann = login(&s, "ann");
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 0\nmissing: "
		      "0\n\nDONE reverted\n"),
	    "who comes back without it has reverted it");
	result(&ann, one.id, "reverted");
	buf_reset(&ann.got);
	one = update_spec(&s, "g");
	send_push(&op, &one, 1);
	result(&ann, one.id, "reverted");
	OK(heard(&ann, "ERROR syntax\n"),
	    "an UPDATE is not answered as if it were a REVERT");
	hang_up(&ann);
	hang_up(&op);
	scene_close(&s);
}

static void
test_conformance(void)
{
	struct wire op, ann;
	struct doc_spec spec, again;
	struct scene s;
	char text[128];
	int i;

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	spec.wait = "1s";
	send_push(&op, &spec, 1);
	pass(&s, 1500);
	result(&ann, spec.id, "failed");
	pass(&s, 11000);
	say(&op, "LOG\n\n");
	snprintf(text, sizeof text,
	    " late id=%" PRIu64 " applied=0 deferred=0 failed=1\n", spec.id);
	OK(heard(&op, text), "S0.10 a result that comes late is in the log");
	say(&ann, "ERROR syntax\n\n");
	OK(is_over(&ann) && !heard(&ann, "unknown-verb"),
	    "a peer may say ERROR before it closes");
	hang_up(&ann);
	hang_up(&op);

	for (i = 1; i < CATALOG_LIVE; i++) {
		snprintf(text, sizeof text, "f%d", i);
		spec = update_spec(&s, text);
		op = dial(&s, INSIDE);
		send_push(&op, &spec, 1);
		hang_up(&op);
	}
	again = update_spec(&s, "one-more");
	OK(push_gets(&s, &again, "DONE refused full\n"),
	    "more than 256 live documents are too many");
	again = update_spec(&s, "f7");
	OK(push_gets(&s, &again, "DONE applied\n"),
	    "one that takes another's place is not one more");
	scene_close(&s);
}

/* A revert that waited is looked at again with the keys of now. */
static void
test_revoked_in_the_queue(void)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct doc_spec spec;
	struct wire op, op2, op3, ann;
	struct scene s;

	scene_clear(&s);
	c = config(&s, &none);
	c.cb.reload = reload_dev2;
	scene_open(&s, &c);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	op3 = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 2);
	spec = about_spec(&s, "g", 12345, 0);
	send_push(&op2, &spec, 1);
	command(&op3, "arena-1", 1, "reload");
	pass(&s, 11000);
	OK(heard(&op2, "DONE refused untrusted-key\n"),
	    "a revert whose key was revoked while it waited");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&op3);
	hang_up(&ann);
	scene_close(&s);
}

/* What is superseded everywhere is not kept, nor believed to run. */
static void
test_superseded_is_dropped(void)
{
	struct doc_spec one, two;
	struct buf b = BUF_INIT;
	struct wire op, ann;
	struct scene s;
	char text[128];
	struct err e;

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	one = update_spec(&s, "f");
	send_push(&op, &one, 1);
	result(&ann, one.id, "applied");
	two = update_spec(&s, "f");
	send_push(&op, &two, 1);
	result(&ann, two.id, "applied");
	buf_reset(&op.got);
	say(&op, "CLIENTS\n\n");
	snprintf(text, sizeof text, "\t%" PRIu64 "\n", two.id);
	OK(heard(&op, text), "a client runs the newer one alone");
	file_read("state/ledger", 1 << 20, &b, &e);
	snprintf(text, sizeof text, " covered id=%" PRIu64 "\n", one.id);
	OK(has(&b, text), "the ledger tells that the older was dropped");
	snprintf(text, sizeof text, "state/updates/%" PRIu64, one.id);
	OK(access(text, F_OK) != 0, "and its file is gone");
	buf_free(&b);
	hang_up(&op);
	hang_up(&ann);
	scene_close(&s);
}

/* The same answer again is no other answer. */
static void
test_repeated_answers(void)
{
	struct doc_spec spec;
	struct wire op, ann;
	struct scene s;
	char text[128];

	scene_clear(&s);
	scene_open(&s, NULL);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	spec.wait = "1s";
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "deferred");
	result(&ann, spec.id, "deferred");
	result(&ann, spec.id, "deferred");
	pass(&s, 1500);
	result(&ann, spec.id, "failed");
	pass(&s, 11000);
	say(&op, "LOG\n\n");
	snprintf(text, sizeof text,
	    " late id=%" PRIu64 " applied=0 deferred=1 failed=1\n", spec.id);
	OK(heard(&op, text), "deferred three times is deferred");
	hang_up(&op);
	hang_up(&ann);
	scene_close(&s);
}

/* All clients' unfinished bodies have one bound. */
static void
test_unfinished_bodies(void)
{
	const size_t piece = 60 << 20;
	struct wire w[5];
	struct scene s;
	char id[16], *big = calloc(1, piece);
	int i;

	scene_clear(&s);
	scene_open(&s, NULL);
	for (i = 0; i < 5; i++) {
		snprintf(id, sizeof id, "c%d", i);
		w[i] = login(&s, id);
		say(&w[i], "MESSAGE\nlength: 67000000\n\n");
		link_input(host_conn_link(w[i].conn), big, piece);
	}
	OK(!is_over(&w[0]) && heard(&w[4], "ERROR full\n"),
	    "who goes past it is turned away");
	for (i = 0; i < 5; i++)
		hang_up(&w[i]);
	free(big);
	scene_close(&s);
}

int
main(void)
{
	test_opening();
	test_closed_address();
	test_deadlines();
	test_login();
	test_proof();
	test_push();
	test_refusals();
	test_failed_server_part();
	test_take_back();
	test_missing();
	test_order();
	test_supersede_and_revert();
	test_retire();
	test_restart();
	test_crash();
	test_commands();
	test_floods();
	test_long_catch_up();
	test_refused_revert();
	test_abort_without_permission();
	test_revert_of_another_feature();
	test_queue();
	test_revoked_meanwhile();
	test_announced_length();
	test_unread_answers();
	test_state_folder();
	test_covered();
	test_many_errors();
	test_lost_revert_result();
	test_conformance();
	test_revoked_in_the_queue();
	test_superseded_is_dropped();
	test_repeated_answers();
	test_unfinished_bodies();
	return tap_done();
}
