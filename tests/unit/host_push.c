/*
 * A document's way through a host: phases, refusals, results, taking back,
 * reverts in their turn.
 */

#include "tests/scene.h"
#include "update/catalog.h"

#include <sys/stat.h>
#include <unistd.h>

static void
test_push(void)
{
	struct doc_spec spec;
	struct wire op, ann, bob, late;
	struct scene s;
	char text[64];

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	two = update_spec(&s, "f");
	push_gets(&s, &two, "DONE applied\n");
	snprintf(text, sizeof text, " drop %" PRIu64 "\n", short_id(one.id));
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

	scene_begin(&s);
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

/* A client that refuses a REVERT runs the update still, and is told again. */
static void
test_refused_revert(void)
{
	struct doc_spec one, spec;
	struct wire op, ann;
	struct scene s;
	char text[128];

	scene_begin(&s);
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

	scene_begin(&s);
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

/* A revert tells whether there was anything to revert. */
static void
test_not_here(void)
{
	struct doc_spec one, spec;
	struct wire op, ann;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	spec = about_spec(&s, "f", 12345, 0);
	OK(push_gets(&s, &spec, "DONE reverted\nheld: no\n\n"),
	    "a revert of what was never here");
	spec = about_spec(&s, "f", 12345, 0);
	OK(push_gets(&s, &spec, "DONE reverted\nheld: no\n\n"),
	    "nor is it after that");
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	spec = about_spec(&s, "f", one.id, 0);
	OK(push_gets(&s, &spec, "DONE reverted\n\n"), "one of what was");
	reopen(&s);
	spec = about_spec(&s, "f", one.id, 0);
	OK(push_gets(&s, &spec, "DONE reverted\n\n"), "and is known as that");

	ann = dial(&s, OUTSIDE);
	say(&ann, "LOGIN ann\nhave: 12345\n\n");
	op = dial(&s, INSIDE);
	spec = about_spec(&s, "f", 12345, 0);
	send_push(&op, &spec, 1);
	result(&ann, 12345, "reverted");
	OK(heard(&op, "applied: 1\n") && has(&op.got, "DONE reverted\n\n"),
	    "what a client brought along was here");
	hang_up(&ann);
	hang_up(&op);
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

	scene_begin(&s);
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

/* What a newer document covers may still run on clients. */
static void
test_covered(void)
{
	struct doc_spec one, two, rev;
	struct wire op, ann;
	struct scene s;
	char text[64];

	scene_begin(&s);
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
	scene_begin(&s);
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
	snprintf(text, sizeof text, "\t%" PRIu64 "\t-\t-\n", one.id);
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
	scene_begin(&s);
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

	scene_begin(&s);
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

	scene_begin(&s);
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

/* The same answer again is no other answer. */
static void
test_repeated_answers(void)
{
	struct doc_spec spec;
	struct wire op, ann;
	struct scene s;
	char text[128];

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	spec.wait = "1s";
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "deferred");
	result(&ann, spec.id, "deferred");
	result(&ann, spec.id, "deferred");
	OK(heard(&op, "applied: 0\ndeferred: 1\nfailed: 0\nmissing: 0\n\n"
		      "DONE deferred\n"),
	    "deferred three times is deferred");
	pass(&s, 1500);
	result(&ann, spec.id, "failed");
	pass(&s, 11000);
	say(&op, "LOG\n\n");
	snprintf(text, sizeof text,
	    " late id=%" PRIu64 " applied=0 deferred=0 failed=1\n", spec.id);
	OK(heard(&op, text), "and then it failed, and waits no more");
	hang_up(&op);
	hang_up(&ann);
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

	scene_begin(&s);
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

int
main(void)
{
	test_push();
	test_refusals();
	test_failed_server_part();
	test_take_back();
	test_missing();
	test_order();
	test_supersede_and_revert();
	test_retire();
	test_refused_revert();
	test_abort_without_permission();
	test_not_here();
	test_queue();
	test_revoked_in_the_queue();
	test_covered();
	test_many_errors();
	test_lost_revert_result();
	test_repeated_answers();
	test_conformance();
	return tap_done();
}
