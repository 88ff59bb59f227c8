/* Notices on a host: told, remembered, and nothing else. */

#include "tests/scene.h"

static struct doc_spec
notice_spec(struct scene *s, const char *feature)
{
	return package_spec(s, feature, "notice: failed no space left\n");
}

static void
test_notice(void)
{
	struct doc_spec spec, early;
	struct wire op, ann;
	struct scene s;
	char id[32];

	scene_begin(&s);
	ann = login(&s, "ann");
	early = update_spec(&s, "arena");
	spec = notice_spec(&s, "arena");
	OK(push_gets(&s, &spec, "DONE applied\n"), "S4.6 a notice is taken in");
	OK(has(&s.log, "(arena): publication failed: no space left\n"),
	    "and logged");
	OK(!has(&s.log, "applied; clients"), "not as something applied");
	OK(ledger_has(" received id=%" PRIu64 " kind=notice feature=arena",
	       spec.id) &&
		ledger_has(" text=no%%20space%%20left\n"),
	    "the ledger has it with its text");
	OK(ledger_has(" released id=%" PRIu64 "\n", spec.id) &&
		ledger_has(" final id=%" PRIu64 " result=applied", spec.id),
	    "through its phases");
	OK(!heard(&ann, "UPDATE") && !has(&s.did, "apply"),
	    "nobody applies it");
	op = dial(&s, INSIDE);
	snprintf(id, sizeof id, "%" PRIu64, spec.id);
	say(&op, "STATUS\n\n");
	OK(heard(&op, "live: 0\n") && !has(&op.got, id),
	    "STATUS shows nothing of it");
	say(&op, "LOG 3\n\n");
	OK(heard(&op, "kind=notice") && has(&op.got, "text=no%20space%20left"),
	    "LOG does");
	OK(push_gets(&s, &spec, "DONE have\n"), "it is not told twice");
	OK(push_gets(&s, &early, "DONE applied\n"),
	    "a release that was signed before it comes in");
	spec.extra = "notice: failed another text\n";
	OK(push_gets(&s, &spec, "DONE refused stale\n"),
	    "its id with another text does not");
	hang_up(&op);
	hang_up(&ann);

	reopen(&s);
	spec.extra = "notice: failed no space left\n";
	buf_reset(&s.log);
	OK(push_gets(&s, &spec, "DONE have\n") && !has(&s.log, "publication"),
	    "nor after a restart");
	early = update_spec(&s, "arena");
	OK(push_gets(&s, &early, "DONE applied\n"), "later releases come in");
	spec = notice_spec(&s, "arena");
	spec.id -= UINT64_C(25) * 3600 * 1000000;
	OK(push_gets(&s, &spec, "DONE refused stale\n"), "an old one does not");
	spec = notice_spec(&s, "arena");
	spec.zone = "west";
	OK(push_gets(&s, &spec, "DONE refused not-for-me\n"),
	    "nor one for another zone");
	scene_close(&s);
}

static void
test_turn(void)
{
	struct doc_spec run, spec;
	struct wire op, op2, op3, ann;
	struct scene s;

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	op3 = dial(&s, INSIDE);
	run = update_spec(&s, "arena");
	send_push(&op, &run, 1);
	spec = notice_spec(&s, "arena");
	send_push(&op2, &spec, 1);
	send_push(&op3, &spec, 1);
	OK(!heard(&op2, "ERROR") && !has(&op2.got, "DONE") &&
		!heard(&op, "DONE"),
	    "it waits for a push of its feature, and does not end it");
	OK(heard(&op3, "DONE have\n"), "once");
	result(&ann, run.id, "applied");
	OK(heard(&op, "DONE applied\n") && heard(&op2, "DONE applied\n"),
	    "then it has its turn");

	/* A release that is fetched is not the notice's business. */
	buf_reset(&op.got);
	spec = package_spec(&s, "arena", "package: " PACKAGE("1.5") "\n");
	send_push(&op, &spec, 1);
	run = notice_spec(&s, "arena");
	OK(push_gets(&s, &run, "DONE applied\n") && !heard(&op, "DONE"),
	    "it ends no push that waits for its package");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&op3);
	hang_up(&ann);
	scene_close(&s);
}

static void
test_scope(void)
{
	struct doc_spec spec;
	struct scene s;

	scene_clear(&s);
	scene_open_limited(&s, NULL, " verbs=push,revert,retire");
	spec = notice_spec(&s, "arena");
	OK(push_gets(&s, &spec, "DONE refused out-of-scope\n"),
	    "a key without the verb notice signs none");
	scene_close(&s);
	scene_clear(&s);
	scene_open_limited(&s, NULL, " verbs=notice");
	spec = notice_spec(&s, "arena");
	OK(push_gets(&s, &spec, "DONE applied\n"), "one with it does");
	spec = update_spec(&s, "arena");
	OK(push_gets(&s, &spec, "DONE refused out-of-scope\n"),
	    "and pushes nothing");
	scene_close(&s);
}

/* The record of a notice that a crash cut off goes; no more than a number of
 * them are remembered. */
static void
test_memory(void)
{
	struct buf whole = BUF_INIT;
	struct doc_spec spec, first;
	struct scene s;
	const char *at;
	struct err e;
	char extra[1200], line[64];
	int i, good = 1;

	scene_begin(&s);
	memset(extra, 'x', sizeof extra);
	memcpy(extra, "notice: failed \xc3\xa4\\t ", 20);
	memcpy(extra + sizeof extra - 2, "\n", 2);
	spec = package_spec(&s, "arena", extra);
	OK(push_gets(&s, &spec, "DONE applied\n") &&
		ledger_has(" text=\xc3\xa4\\t%%20xxx") &&
		ledger_has("xxx...\n") &&
		has(&s.log, "failed: \xc3\xa4\\\\t xx"),
	    "a long text is cut, and escaped for the log");
	file_read("state/ledger", 1 << 20, &whole, &e);
	snprintf(line, sizeof line, " released id=%" PRIu64, spec.id);
	at = strstr(buf_text(&whole), line);
	while (at != NULL && at[-1] != '\n')
		at--;
	host_free(s.host);
	if (at != NULL)
		file_write("state/ledger", whole.data,
		    (size_t)(at - (const char *)whole.data), 0600, &e);
	buf_free(&whole);
	scene_open(&s, NULL);
	OK(at != NULL && s.host != NULL &&
		push_gets(&s, &spec, "DONE applied\n"),
	    "one that a crash cut off may come again");

	first = spec;
	for (i = 0; i < 1024; i++) {
		spec = notice_spec(&s, "arena");
		good = good && push_gets(&s, &spec, "DONE applied\n");
	}
	OK(good, "many notices");
	OK(push_gets(&s, &first, "DONE applied\n"),
	    "the oldest of more than 1024 is forgotten");
	OK(push_gets(&s, &spec, "DONE have\n"), "the latest are not");
	reopen(&s);
	OK(push_gets(&s, &spec, "DONE have\n"), "nor by a restart");
	OK(push_gets(&s, &first, "DONE applied\n"),
	    "which brings the oldest not back");
	spec = update_spec(&s, "arena");
	OK(push_gets(&s, &spec, "DONE applied\n"), "updates still come in");
	scene_close(&s);
}

int
main(void)
{
	test_notice();
	test_turn();
	test_scope();
	test_memory();
	return tap_done();
}
