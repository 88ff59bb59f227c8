/*
 * Parts that wait for an event: on the host's own program and on clients, at
 * pushes, logins and starts.
 */

#include "tests/scene.h"

#include <unistd.h>

static int
file_has(const char *path, const char *text)
{
	struct buf b = BUF_INIT;
	struct err e;
	int r;

	file_read(path, 1 << 20, &b, &e);
	r = has(&b, text);
	buf_free(&b);
	return r;
}

/* STATUS has the update so. */
static int
update_is(struct scene *s, uint64_t id, const char *rest)
{
	return status_has(s, "update: %" PRIu64 " %s", id, rest);
}

static struct doc_spec
waiting_spec(struct scene *s, const char *feature)
{
	struct doc_spec spec = update_spec(s, feature);

	spec.extra = "on: round-end\n";
	return spec;
}

static void
test_server(void)
{
	struct doc_spec one, two, rev;
	struct wire op, ann;
	struct scene s;
	char text[128];

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	s.apply_with = RESULT_DEFERRED;
	one = waiting_spec(&s, "f");
	send_push(&op, &one, 1);
	OK(heard(&op, "PROGRESS server deferred\n") &&
		ledger_has(" server-applied id=") &&
		ledger_has(" result=deferred\n") && heard(&ann, "UPDATE "),
	    "a server part that waits: the clients get theirs");
	result(&ann, one.id, "applied");
	OK(heard(&op, "DONE deferred\n"), "DONE deferred");
	OK(has(&s.log, "(f): server part deferred: a report\n"),
	    "the log has the report, and no byte behind it");
	OK(update_is(&s, one.id, "f live server=deferred "),
	    "STATUS tells that it waits");
	OK(!has(&s.did, "updated"), "the program hears of nothing yet");
	buf_reset(&s.did);
	settle(&s, one.id, RESULT_DEFERRED);
	OK(!ledger_has("settled"), "deferred again is no news");
	settle(&s, one.id, RESULT_APPLIED);
	OK(ledger_has(" settled id=%" PRIu64 " result=applied\n", one.id) &&
		has(&s.did, "updated f applied\n") &&
		has(&s.log, "(f): server part, which waited, applied: settled"),
	    "the event: ledger, log and program are told");
	OK(update_is(&s, one.id, "f live server=applied "), "and STATUS");
	buf_reset(&s.did);
	settle(&s, one.id, RESULT_FAILED);
	settle(&s, 77, RESULT_FAILED);
	OK(!has(&s.did, "updated"), "a second end is none");

	two = waiting_spec(&s, "f");
	send_push(&op, &two, 1);
	result(&ann, two.id, "applied");
	snprintf(text, sizeof text, "apply f 51 bytes drop %" PRIu64 "\n",
	    short_id(one.id));
	OK(has(&s.did, text), "a newer one takes the place of what runs");
	settle(&s, two.id, RESULT_FAILED);
	OK(has(&s.did, "updated f failed\n") &&
		update_is(&s, two.id, "f live server=failed running=1 "),
	    "one that fails after it waited stays live for the clients");
	OK(ledger_has(" result=failed why=settled\n"),
	    "and the ledger has why");

	s.silent = 1;
	one = waiting_spec(&s, "g");
	send_push(&op, &one, 1);
	OK(has(&s.log, "(g): server part deferred\n"), "nor any of no report");
	pass(&s, 11000);
	two = waiting_spec(&s, "g");
	send_push(&op, &two, 1);
	pass(&s, 11000);
	snprintf(text, sizeof text, "apply g 51 bytes drop %" PRIu64 "\n",
	    short_id(one.id));
	OK(has(&s.did, text), "a newer one takes the place of what waits");
	buf_reset(&s.did);
	settle(&s, one.id, RESULT_APPLIED);
	OK(!has(&s.did, "updated"), "which is not settled any more");
	rev = about_spec(&s, "g", two.id, 0);
	send_push(&op, &rev, 1);
	pass(&s, 11000);
	snprintf(text, sizeof text, "revert %" PRIu64 "\n", short_id(two.id));
	OK(has(&s.did, text), "a revert takes away what waits");
	settle(&s, two.id, RESULT_APPLIED);
	OK(!has(&s.did, "updated g applied"), "and it does not come back");
	hang_up(&ann);
	hang_up(&op);
	reopen(&s);
	OK(has(&s.did, "apply f") && !has(&s.did, "apply g") &&
		has(&s.log, "(f): server part deferred"),
	    "after a restart it waits anew");
	scene_close(&s);
}

/* The event comes while the push waits for its clients. */
static void
test_during_push(void)
{
	struct doc_spec spec;
	struct wire op, ann;
	struct scene s;

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	s.apply_with = RESULT_DEFERRED;
	spec = waiting_spec(&s, "f");
	send_push(&op, &spec, 1);
	settle(&s, spec.id, RESULT_APPLIED);
	OK(heard(&op, "PROGRESS server applied\n"), "the operator is told");
	result(&ann, spec.id, "applied");
	OK(heard(&op, "DONE applied\n"), "and it is no longer deferred");
	buf_reset(&op.got);
	spec = waiting_spec(&s, "f");
	send_push(&op, &spec, 1);
	settle(&s, spec.id, RESULT_HUNG);
	result(&ann, spec.id, "applied");
	OK(heard(&op, "PROGRESS server hung\n") &&
		has(&op.got, "DONE failed\n"),
	    "one that fails then: DONE failed");
	buf_reset(&op.got);
	spec = waiting_spec(&s, "f");
	spec.max_failed = "0";
	spec.take_back_until_us = (int64_t)spec.id + 70000000;
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "failed");
	OK(heard(&op, "DONE reverted\n") && has(&s.did, "revert "),
	    "past the bound a part that waits is taken back, too");
	hang_up(&ann);
	hang_up(&op);
	scene_close(&s);
}

static void
test_by(void)
{
	struct doc_spec spec, late;
	struct scene s;
	char text[64];

	scene_begin(&s);
	s.apply_with = RESULT_DEFERRED;
	spec = update_spec(&s, "f");
	spec.extra = "on: round-end\nby: 2026-11-22T10:25:00Z\n";
	push_gets(&s, &spec, "DONE deferred\n");
	late = update_spec(&s, "g");
	late.extra = "on: round-end\nby: 2026-11-24T10:15:00Z\n";
	push_gets(&s, &late, "DONE deferred\n");
	buf_reset(&s.did);
	pass(&s, 540000);
	OK(!has(&s.did, "due"), "before its time it waits");
	s.settle_with = RESULT_APPLIED;
	pass(&s, 60000);
	snprintf(text, sizeof text, "due %" PRIu64 "\nupdated f applied\n",
	    short_id(spec.id));
	OK(has(&s.did, text), "at its time it is applied");
	buf_reset(&s.did);
	pass(&s, 46 * 3600000);
	OK(!has(&s.did, "due"), "once, and the other one waits");
	s.settle_with = RESULT_NONE;
	pass(&s, 3 * 3600000);
	snprintf(text, sizeof text, "due %" PRIu64 "\n", short_id(late.id));
	OK(has(&s.did, text), "until its own time");
	buf_reset(&s.did);
	pass(&s, 3 * 3600000);
	OK(!has(&s.did, "due"), "it is told once, however long it takes");
	settle(&s, late.id, RESULT_APPLIED);
	OK(has(&s.did, "updated g applied\n"), "and settles when it does");

	spec = update_spec(&s, "f");
	spec.extra = "on: round-end\nby: 2026-11-22T10:25:00Z\n";
	s.settle_with = RESULT_APPLIED;
	OK(push_gets(&s, &spec, "PROGRESS server deferred\n") &&
		has(&s.did, "due ") &&
		update_is(&s, spec.id, "f live server=applied "),
	    "a time that is past at the push: at once");
	spec = update_spec(&s, "h");
	spec.extra = "on: round-end\nby: 2026-11-22T10:25:00Z\n";
	buf_reset(&s.did);
	OK(push_gets(&s, &spec, "DONE applied\n") &&
		!ledger_has(" settled id=%" PRIu64, spec.id) &&
		has(&s.did, "updated h applied\n") &&
		!has(&s.did, "updated h applied\nupdated"),
	    "then nothing is deferred");
	spec = update_spec(&s, "h");
	spec.extra = "on: round-end\nby: 2026-11-22T10:25:00Z\n";
	s.settle_with = RESULT_FAILED;
	buf_reset(&s.did);
	OK(push_gets(&s, &spec, "DONE failed\n") && has(&s.did, "\nback h "),
	    "one that fails at once is none, the older is put back");
	s.settle_with = RESULT_NONE;
	reopen(&s);
	OK(has(&s.did, "due "), "a time that is past at the start");
	settle(&s, late.id, RESULT_APPLIED);
	OK(update_is(&s, late.id, "g live server=applied "),
	    "its end may come later");
	scene_close(&s);
}

/* Several times, in another order than they were told. */
static void
test_many_by(void)
{
	struct doc_spec a, b, c;
	struct scene s;
	char text[64];

	scene_begin(&s);
	s.apply_with = RESULT_DEFERRED;
	a = update_spec(&s, "a");
	a.extra = "on: round-end\nby: 2026-11-22T12:00:00Z\n";
	push_gets(&s, &a, "DONE deferred\n");
	b = update_spec(&s, "b");
	b.extra = "on: round-end\nby: 2026-11-22T11:00:00Z\n";
	push_gets(&s, &b, "DONE deferred\n");
	c = update_spec(&s, "c");
	c.extra = "on: round-end\nby: 2026-11-22T11:30:00Z\n";
	push_gets(&s, &c, "DONE deferred\n");
	buf_reset(&s.did);
	pass(&s, 3600000);
	snprintf(text, sizeof text, "due %" PRIu64 "\n", short_id(b.id));
	OK(has(&s.did, text) && s.did.len == strlen(text),
	    "the earliest comes first, alone");
	buf_reset(&s.did);
	pass(&s, 1800000);
	snprintf(text, sizeof text, "due %" PRIu64 "\n", short_id(c.id));
	OK(has(&s.did, text) && s.did.len == strlen(text),
	    "then the next, and nothing twice");

	/* The last instant that can be told; clocks are counted in less. */
	c = update_spec(&s, "d");
	c.extra = "on: round-end\nby: 9999-12-31T23:59:59Z\n";
	buf_reset(&s.did);
	push_gets(&s, &c, "DONE deferred\n");
	pass(&s, 24 * 3600000);
	settle(&s, a.id, RESULT_APPLIED);
	OK(host_next_ns(s.host) <= s.clock.mono_ns + INT64_C(3600000000000),
	    "however far it is, the wall clock is looked at each hour");
	snprintf(text, sizeof text, "due %" PRIu64 "\n", short_id(c.id));
	OK(!has(&s.did, text), "and its time has not come");

	/* One that was told, and is put back, is told again. */
	buf_reset(&s.did);
	a = update_spec(&s, "c");
	a.extra = "on: round-end\nby: 2026-11-22T11:00:00Z\n";
	s.settle_with = RESULT_FAILED;
	s.back_with = RESULT_DEFERRED;
	push_gets(&s, &a, "DONE failed\n");
	OK(has(&s.did, "back c 51 bytes\ndue "),
	    "what is put back and waits is not forgotten");
	scene_close(&s);
}

static void
test_clients(void)
{
	struct doc_spec spec, two, rev;
	struct wire op, ann, bob;
	struct scene s;
	char text[160];

	scene_begin(&s);
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	op = dial(&s, INSIDE);
	spec = waiting_spec(&s, "f");
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "deferred");
	OK(update_is(&s, spec.id,
	       "f live server=applied running=0 applied=0 failed=0 waiting=1"),
	    "a client on which it waits");
	OK(!host_has(s.host, "ann", "f"), "does not run it");
	result(&ann, spec.id, "applied");
	OK(host_has(s.host, "ann", "f") && !heard(&op, "DONE"),
	    "its event comes in time");
	result(&bob, spec.id, "deferred");
	OK(heard(&op, "applied: 1\ndeferred: 1\nfailed: 0\nmissing: 0\n\n"
		      "DONE applied\n"),
	    "deferred, then applied: counted once, as what it is now");
	result(&bob, spec.id, "applied");
	pass(&s, 11000);
	OK(ledger_has(" late id=%" PRIu64 " applied=2 deferred=0 failed=0\n",
	       spec.id),
	    "an end after DONE is in the log");
	OK(update_is(&s, spec.id,
	       "f live server=applied running=2 applied=2 failed=0 waiting=0"),
	    "and in STATUS");

	buf_reset(&op.got);
	two = waiting_spec(&s, "f");
	send_push(&op, &two, 1);
	result(&ann, two.id, "deferred");
	result(&bob, two.id, "deferred");
	OK(heard(&op, "DONE deferred\n"), "all of them wait: DONE deferred");
	OK(!host_has(s.host, "ann", "f"),
	    "what it supersedes has left, as on the host");
	hang_up(&ann);
	ann = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN ann\nwaiting: %" PRIu64 "\n\n",
	    two.id);
	say(&ann, text);
	OK(heard(&ann, "updates: 0\n"), "what waits is not sent again");
	result(&ann, two.id, "applied");
	OK(host_has(s.host, "ann", "f") && !is_over(&ann),
	    "its end comes on the new connection");
	hang_up(&bob);
	bob = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN bob\nwaiting: %" PRIu64 " 7\n\n",
	    two.id);
	say(&bob, text);
	buf_reset(&bob.got);
	rev = about_spec(&s, "f", two.id, 0);
	send_push(&op, &rev, 1);
	snprintf(text, sizeof text, "REVERT %" PRIu64 "\n", two.id);
	OK(heard(&bob, text) && heard(&ann, text),
	    "a revert reaches what waits");
	result(&bob, two.id, "reverted");
	result(&ann, two.id, "reverted");
	OK(heard(&op, "targeted: 2\napplied: 2\ndeferred: 0\nfailed: 0\n"
		      "missing: 0\n\nDONE reverted\n") &&
		!is_over(&bob),
	    "one answer is enough for both");
	result(&bob, two.id, "reverted");
	OK(!is_over(&bob), "a second one is passed over");
	hang_up(&bob);
	bob = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN bob\nwaiting: %" PRIu64 "\n\n",
	    two.id);
	say(&bob, text);
	OK(heard(&bob, "updates: 1\n\nREVERT "),
	    "who was away while it waited is told at login");
	result(&bob, two.id, "reverted");
	say(&op, "STATUS\n\n");
	OK(!heard(&op, "waiting=1") && !is_over(&bob), "and has nothing more");
	hang_up(&bob);
	hang_up(&ann);
	hang_up(&op);
	scene_close(&s);
}

/* What a client says at login of what waits there. */
static void
test_waiting_logins(void)
{
	struct doc_spec one, two, rev;
	struct wire op, ann, bob;
	struct scene s;
	char text[160];

	scene_begin(&s);
	op = dial(&s, INSIDE);
	one = waiting_spec(&s, "f");
	send_push(&op, &one, 1);
	ann = dial(&s, OUTSIDE);
	snprintf(text, sizeof text,
	    "LOGIN ann\nhave: %" PRIu64 "\nwaiting: %" PRIu64 " 7\n\n", one.id,
	    one.id);
	say(&ann, text);
	OK(update_is(&s, one.id,
	       "f live server=applied running=1 applied=0 failed=0 waiting=0"),
	    "what runs there does not wait there");
	buf_reset(&op.got);
	say(&op, "STATUS\n\n");
	OK(heard(&op, "unknown-updates: 1\n"), "what waits may be unknown");
	hang_up(&ann);

	two = waiting_spec(&s, "f");
	send_push(&op, &two, 1);
	rev = about_spec(&s, "f", two.id, 0);
	send_push(&op, &rev, 1);
	bob = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN bob\nwaiting: %" PRIu64 "\n\n",
	    one.id);
	say(&bob, text);
	snprintf(text, sizeof text, "updates: 1\n\nREVERT %" PRIu64 "\n",
	    two.id);
	OK(heard(&bob, text),
	    "who was away and waits with the older is told of the newer's end");
	result(&bob, two.id, "reverted");
	OK(update_is(&s, two.id,
	       "f reverted server=reverted running=0 applied=0 failed=0 "
	       "waiting=0"),
	    "and waits no more");
	hang_up(&bob);

	/* A REVERT of what waits, refused because it is gone. */
	bob = login(&s, "bob");
	one = waiting_spec(&s, "g");
	send_push(&op, &one, 1);
	result(&bob, one.id, "deferred");
	rev = about_spec(&s, "g", one.id, 0);
	buf_reset(&op.got);
	send_push(&op, &rev, 1);
	result(&bob, one.id, "refused unknown");
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 0\nmissing: 0\n\n"
		      "DONE reverted\n"),
	    "what waits no more needs no other answer");

	/* It came to know the document elsewhere. */
	s.later = 1;
	one = waiting_spec(&s, "h");
	buf_reset(&op.got);
	send_push(&op, &one, 1);
	hang_up(&bob);
	bob = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN bob\nwaiting: %" PRIu64 "\n\n",
	    one.id);
	say(&bob, text);
	buf_reset(&bob.got);
	answer(&s, one.id, RESULT_APPLIED);
	OK(heard(&op, "applied: 0\ndeferred: 1\nfailed: 0\nmissing: 0\n\n"
		      "DONE deferred\n") &&
		!heard(&bob, "UPDATE"),
	    "who waits with it already is not sent it");
	hang_up(&bob);
	hang_up(&op);
	scene_close(&s);
}

/* Superseded on the host alone: an older one of other clients stays live. */
static void
test_superseded_here(void)
{
	struct doc_spec one, two;
	struct scene s;

	scene_begin(&s);
	one = update_spec(&s, "f");
	one.version = "1.4.*";
	push_gets(&s, &one, "DONE applied\n");
	two = update_spec(&s, "f");
	two.version = "1.5.*";
	push_gets(&s, &two, "DONE applied\n");
	OK(update_is(&s, one.id, "f live server=superseded ") &&
		update_is(&s, two.id, "f live server=applied "),
	    "the host's part of the older one is superseded");
	scene_close(&s);
}

/* A client that waits breaks off during the push and comes back. */
static void
test_break(void)
{
	struct doc_spec spec, two, rev;
	struct wire op, ann;
	struct scene s;
	char text[160];

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = waiting_spec(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&ann);
	ann = dial(&s, OUTSIDE);
	snprintf(text, sizeof text, "LOGIN ann\nwaiting: %" PRIu64 "\n\n",
	    spec.id);
	say(&ann, text);
	OK(heard(&op, "deferred: 1\nfailed: 0\nmissing: 0\n\nDONE deferred\n"),
	    "who comes back and waits is deferred");
	result(&ann, spec.id, "failed");
	OK(!host_has(s.host, "ann", "f") &&
		update_is(&s, spec.id,
		    "f live server=applied running=0 applied=0 failed=1 "
		    "waiting=0"),
	    "it may fail then");
	two = waiting_spec(&s, "g");
	send_push(&op, &two, 1);
	result(&ann, two.id, "deferred");
	spec = waiting_spec(&s, "g");
	send_push(&op, &spec, 1);
	result(&ann, two.id, "superseded");
	result(&ann, spec.id, "deferred");
	OK(update_is(&s, spec.id,
	       "g live server=applied running=0 applied=0 failed=0 waiting=1"),
	    "a newer one takes the place of what waits");
	pass(&s, 11000);
	OK(ledger_has(" late id=%" PRIu64 " applied=0 deferred=0 failed=0\n",
	       two.id),
	    "which is no failure of the older");
	two = update_spec(&s, "h");
	send_push(&op, &two, 1);
	result(&ann, two.id, "applied");
	rev = about_spec(&s, "h", two.id, 0);
	send_push(&op, &rev, 1);
	result(&ann, two.id, "have");
	OK(!host_has(s.host, "ann", "h"),
	    "have: the client had carried out the revert before");
	snprintf(text, sizeof text,
	    "RESULT %" PRIu64 " failed\nlength: 9\n\nbo\033om\nat \n", spec.id);
	say(&ann, text);
	OK(file_has("state/results", " ann failed: bo\\x1bom\n"),
	    "S0.10 why it failed is kept with it, in a line");
	OK(!ledger_has(" late id=%" PRIu64 " applied=0 deferred=0 failed=1\n",
	       spec.id),
	    "what comes late is recorded a while later");
	snprintf(text, sizeof text, "LOGIN ann\nwaiting: %" PRIu64 " x\n\n",
	    spec.id);
	hang_up(&ann);
	ann = dial(&s, OUTSIDE);
	say(&ann, text);
	OK(heard(&ann, "ERROR syntax\n"), "waiting is a list of ids");
	host_shutdown(s.host);
	OK(ledger_has(" late id=%" PRIu64 " applied=0 deferred=0 failed=1\n",
	       spec.id),
	    "S0.10 at the end at the latest");
	OK(has(&s.log, "(g): late results; clients: 0 applied, 0 wait, "
		       "1 failed so far\n"),
	    "and the log tells it");
	hang_up(&ann);
	hang_up(&op);
	scene_close(&s);
}

/* A client that never comes to an end does not fill the ledger. */
static void
test_chatter(void)
{
	struct doc_spec spec;
	struct wire op, ann;
	struct scene s;
	int i;

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "deferred");
	pass(&s, 11000);
	hang_up(&op);
	result(&ann, spec.id, "fetching");
	pass(&s, 10000);
	IS(ledger_count(" late "), 1, "a late result is recorded in 10 s");
	for (i = 0; i < 8640; i++) {
		result(&ann, spec.id, i % 2 ? "fetching" : "deferred");
		pass(&s, 10000);
	}
	i = ledger_count(" late ");
	OK(i >= 24 && i <= 34, "then less and less often, %d in a day", i);

	result(&ann, spec.id, "deferred");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "g");
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "applied");
	pass(&s, 10000);
	IS(ledger_count(" late "), i + 1, "a push makes it soon again");
	hang_up(&op);
	hang_up(&ann);
	scene_close(&s);
}

int
main(void)
{
	test_server();
	test_during_push();
	test_by();
	test_many_by();
	test_clients();
	test_waiting_logins();
	test_superseded_here();
	test_break();
	test_chatter();
	return tap_done();
}
