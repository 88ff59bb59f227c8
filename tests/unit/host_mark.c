/*
 * Crash loops: what is marked before it is tried, what proves it, what is left
 * out. A host that is killed is one whose state folder is kept as it was.
 */

#include "tests/scene.h"

#include <unistd.h>

static void
run(const char *command)
{
	if (system(command) != 0)
		printf("# failed: %s\n", command);
}

/* The host is gone without a word, as by kill -9. */
static void
kill_host(struct scene *s)
{
	run("rm -rf killed; cp -r state killed");
	host_free(s->host);
	run("rm -rf state; mv killed state");
	buf_reset(&s->did);
	buf_reset(&s->log);
}

static void
restart_killed(struct scene *s)
{
	kill_host(s);
	scene_open(s, NULL);
}

static void
test_loop(void)
{
	struct doc_spec one, two;
	struct wire op, ann;
	struct scene s;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	one = update_spec(&s, "f");
	send_push(&op, &one, 1);
	hang_up(&op);
	restart_killed(&s);
	OK(s.host != NULL && has(&s.did, "apply f") &&
		ledger_count(" trying ") == 1,
	    "the first start with it tries it");
	restart_killed(&s);
	OK(has(&s.did, "apply f") && ledger_count(" trying ") == 2,
	    "so does the second");
	restart_killed(&s);
	OK(!has(&s.did, "apply") && ledger_count(" trying ") == 2 &&
		has(&s.log, "(f): left out, crashed"),
	    "after two that proved nothing it is left out");
	OK(status_has(&s, " f live server=crashed "), "STATUS tells");
	ann = login(&s, "ann");
	OK(heard(&ann, "updates: 1\n"), "clients are given their part still");
	hang_up(&ann);
	pass(&s, 20000);
	host_free(s.host);
	buf_reset(&s.did);
	scene_open(&s, NULL);
	OK(!has(&s.did, "apply") && ledger_count(" proven ") == 0,
	    "a host that runs well without it proves nothing");
	two = update_spec(&s, "f");
	OK(push_gets(&s, &two, "DONE applied\n") && !has(&s.did, " drop "),
	    "a newer one comes in");
	reopen(&s);
	OK(has(&s.did, "apply f"), "and is there from then on");
	scene_close(&s);
}

/* The folder as it is when the update, once it has praised itself, is the end
 * of the program. */
static void
boast_and_die(struct scene *s)
{
	host_proven(s->host);
	run("rm -rf died; cp -r state died");
}

static void
test_boast(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire op;
	int i;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&op);
	kill_host(&s);
	s.within = boast_and_die;
	for (i = 0; i < 2; i++) {
		scene_open(&s, NULL);
		OK(has(&s.did, "apply f"), "start %d tries it", i + 1);
		host_free(s.host);
		run("rm -rf state; mv died state");
		buf_reset(&s.did);
	}
	s.within = NULL;
	scene_open(&s, NULL);
	OK(!has(&s.did, "apply") && has(&s.log, "(f): left out, crashed"),
	    "what an update says while it is tried proves nothing");
	scene_close(&s);
}

/* What it takes to be proven, and that it is for good. */
static void
test_proven(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire op;
	int i;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	pass(&s, 9900);
	OK(ledger_count(" proven ") == 0, "not before 10 s");
	pass(&s, 200);
	OK(ledger_count(" proven ") == 1, "an update that ran 10 s is proven");
	pass(&s, 60000);
	OK(ledger_count(" proven ") == 1 &&
		host_next_ns(s.host) > s.clock.mono_ns + HOST_PROVEN_NS,
	    "once");
	hang_up(&op);
	for (i = 0; i < 4; i++)
		restart_killed(&s);
	OK(has(&s.did, "apply f") && ledger_count(" trying ") == 0,
	    "and not marked again, however often the host is killed");

	spec = update_spec(&s, "g");
	op = dial(&s, INSIDE);
	send_push(&op, &spec, 1);
	hang_up(&op);
	restart_killed(&s);
	OK(ledger_count(" trying ") == 1, "another one is");
	pass(&s, 9900);
	restart_killed(&s);
	OK(has(&s.did, "apply g") && ledger_count(" trying ") == 2,
	    "9.9 s prove nothing");
	pass(&s, 10100);
	restart_killed(&s);
	OK(has(&s.did, "apply g") && ledger_count(" proven ") == 2 &&
		ledger_count(" trying ") == 2,
	    "10 s do");

	spec = update_spec(&s, "h");
	op = dial(&s, INSIDE);
	send_push(&op, &spec, 1);
	host_proven(s.host);
	OK(ledger_count(" proven ") == 3, "the program may say so earlier");
	host_proven(s.host);
	OK(ledger_count(" proven ") == 3, "twice is once");
	spec = update_spec(&s, "i");
	send_push(&op, &spec, 1);
	OK(ledger_count(" proven ") == 3, "what comes later is not proven");
	host_shutdown(s.host);
	OK(ledger_count(" proven ") == 4, "a host that ends in order proves");
	hang_up(&op);
	reopen(&s);
	spec = update_spec(&s, "j");
	op = dial(&s, INSIDE);
	send_push(&op, &spec, 1);
	hang_up(&op);
	reopen(&s);
	OK(ledger_count(" proven ") == 5 && ledger_count(" trying ") == 2,
	    "freed, too");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "k");
	send_push(&op, &spec, 1);
	pass(&s, 5000);
	spec = update_spec(&s, "l");
	send_push(&op, &spec, 1);
	hang_up(&op);
	pass(&s, 5000);
	OK(ledger_count(" proven ") == 6, "each has its own 10 s");
	pass(&s, 6000);
	OK(ledger_count(" proven ") == 7, "and gets them");
	scene_close(&s);
}

/* The mark is on the disk when the program is asked. */
static int
apply_looks(void *arg, const struct doc *d, const struct host_parts *parts,
    const uint64_t *drop, size_t ndrop, enum host_how how,
    struct host_applied *out)
{
	struct scene *s = arg;

	buf_printf(&s->did, "%s %d %d\n", d->feature, how == HOST_START,
	    ledger_count(" trying "));
	return on_apply(arg, d, parts, drop, ndrop, how, out);
}

static void
test_order(void)
{
	struct keyring none = KEYRING_INIT;
	struct doc_spec spec;
	struct host_config c;
	struct scene s;
	struct wire op;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	spec = update_spec(&s, "g");
	send_push(&op, &spec, 1);
	hang_up(&op);
	kill_host(&s);
	c = config(&s, &none);
	c.cb.apply = apply_looks;
	scene_open(&s, &c);
	OK(has(&s.did, "f 1 1\napply f 51 bytes\ng 1 2\n"),
	    "each is marked before it is applied, and not before");
	scene_close(&s);
}

/* What fails at start has not crashed. */
static void
test_failed(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire op;
	int i;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&op);
	s.apply_with = RESULT_FAILED;
	for (i = 0; i < 4; i++)
		restart_killed(&s);
	OK(has(&s.did, "apply f") && ledger_count(" trying ") == 4 &&
		ledger_count(" result=failed") == 4,
	    "it is tried at each start");
	s.apply_with = RESULT_PARTIAL;
	for (i = 0; i < 3; i++)
		restart_killed(&s);
	OK(!has(&s.did, "apply f"),
	    "one that did something before it failed may have crashed");
	scene_close(&s);
}

/* Waiting proves nothing, and is survived. */
static void
test_waiting(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire op;
	int i;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	s.apply_with = RESULT_DEFERRED;
	spec = update_spec(&s, "f");
	spec.extra = "on: round-end\n";
	send_push(&op, &spec, 1);
	hang_up(&op);
	pass(&s, 20000);
	OK(ledger_count(" proven ") == 0, "what waits is not proven");
	for (i = 0; i < 4; i++) {
		restart_killed(&s);
		pass(&s, 10100);
	}
	OK(has(&s.did, "apply f") && ledger_count(" trying ") == 4 &&
		ledger_count(" tried ") == 4 &&
		ledger_count(" result=deferred\n") == 5 &&
		ledger_count(" proven ") == 0,
	    "nor left out when it was survived");
	settle(&s, spec.id, RESULT_APPLIED);
	pass(&s, 9900);
	OK(ledger_count(" proven ") == 0, "its 10 s begin with its event");
	pass(&s, 200);
	OK(ledger_count(" proven ") == 1, "then it is proven");
	scene_close(&s);
}

/* Every start survives what waits; its event does not. */
static void
test_event(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire op;
	int i;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	s.apply_with = RESULT_DEFERRED;
	spec = update_spec(&s, "f");
	spec.extra = "on: round-end\n";
	send_push(&op, &spec, 1);
	hang_up(&op);
	for (i = 0; i < HOST_TRIES; i++) {
		OK(has(&s.did, "apply f"), "it waits");
		pass(&s, 20000);
		host_trying(s.host, spec.id);
		restart_killed(&s);
	}
	OK(ledger_count(" at=event\n") == HOST_TRIES &&
		!has(&s.did, "apply f") &&
		has(&s.log, "left out, crashed: the last 2 events"),
	    "two hosts died of its event: it is left out");
	OK(status_has(&s, "server=crashed"), "and said to be");
	scene_close(&s);

	scene_clear(&s);
	run("rm -rf state");
	scene_open(&s, NULL);
	op = dial(&s, INSIDE);
	s.apply_with = RESULT_DEFERRED;
	spec = update_spec(&s, "f");
	spec.extra = "on: round-end\n";
	send_push(&op, &spec, 1);
	hang_up(&op);
	for (i = 0; i < 3; i++) {
		host_trying(s.host, spec.id);
		settle(&s, spec.id, RESULT_APPLIED);
		pass(&s, 10100);
		restart_killed(&s);
	}
	OK(has(&s.did, "apply f") && ledger_count(" proven ") == 1,
	    "one that ran on is proven");
	host_trying(s.host, spec.id + 1);
	OK(ledger_count(" at=event\n") == 1, "and marked no more");
	scene_close(&s);
}

/* Without a state folder there are no marks, and no timer. */
static void
test_no_folder(void)
{
	struct keyring none = KEYRING_INIT;
	struct doc_spec spec;
	struct host_config c;
	struct wire op;
	struct scene s;

	scene_clear(&s);
	c = config(&s, &none);
	c.state_dir = NULL;
	scene_open(&s, &c);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	OK(heard(&op, "DONE applied\n"), "an update");
	hang_up(&op);
	OK(host_next_ns(s.host) < 0, "nothing is to be proven");
	host_proven(s.host);
	OK(status_has(&s, " f live server=applied "), "it runs");
	scene_close(&s);
}

/*
 * The ledger of a life with tries and proofs, cut after each of its lines: the
 * host starts, and tries what two starts in a row have not failed to prove.
 */
static void
test_cut(void)
{
	struct buf whole = BUF_INIT, doc = BUF_INIT;
	struct doc_spec spec;
	struct scene s;
	struct wire op;
	char path[64], *text, *line, *end;
	int tries = 0, proven = 0, live = 0, good = 1, cuts = 0, out = 0;
	struct err e;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&op);
	snprintf(path, sizeof path, "state/updates/%" PRIu64, spec.id);
	file_read(path, 1 << 20, &doc, &e);
	s.apply_with = RESULT_FAILED; /* tried */
	restart_killed(&s);
	s.apply_with = RESULT_APPLIED;
	restart_killed(&s);
	restart_killed(&s);
	pass(&s, 11000);
	restart_killed(&s);
	file_read("state/ledger", 1 << 20, &whole, &e);
	text = strdup(buf_text(&whole));
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		live |= strstr(line, " released ") != NULL;
		if (strstr(line, " trying ") != NULL)
			tries++;
		if (strstr(line, " tried ") != NULL)
			tries = 0;
		if (strstr(line, " proven ") != NULL)
			proven = 1;
		host_free(s.host);
		run("rm -rf state; mkdir -p -m 700 state/updates");
		file_write(path, doc.data, doc.len, 0600, &e);
		file_write("state/ledger", whole.data, (size_t)(end + 1 - text),
		    0600, &e);
		buf_reset(&s.did);
		if (scene_open(&s, NULL) != 0) {
			printf("# %s\n", buf_text(&s.log));
			good = 0;
			break;
		}
		cuts++;
		out += live && tries >= HOST_TRIES && !proven;
		if (has(&s.did, "apply f") !=
		    (live && (proven || tries < HOST_TRIES))) {
			printf("# after %s\n", line);
			good = 0;
		}
	}
	OK(good && cuts > 8 && proven && out > 0,
	    "cut after each of %d lines it starts with what it should", cuts);
	free(text);
	buf_free(&whole);
	buf_free(&doc);
	scene_close(&s);
}

int
main(void)
{
	test_loop();
	test_boast();
	test_proven();
	test_order();
	test_failed();
	test_waiting();
	test_event();
	test_no_folder();
	test_cut();
	return tap_done();
}
