/*
 * The host's side of the protocol: connections, logins, operators, and what a
 * stranger can make it hold.
 */

#include "tests/scene.h"

#include <sys/stat.h>
#include <unistd.h>

static void
test_opening(void)
{
	struct scene s;
	struct wire w;

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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
test_commands(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire w, v;

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

/* All clients' unfinished bodies have one bound. */
static void
test_unfinished_bodies(void)
{
	const size_t piece = 60 << 20;
	struct wire w[5];
	struct scene s;
	char id[16], *big = calloc(1, piece);
	int i;

	scene_begin(&s);
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
	test_commands();
	test_floods();
	test_long_catch_up();
	test_revoked_meanwhile();
	test_announced_length();
	test_unread_answers();
	test_unfinished_bodies();
	return tap_done();
}
