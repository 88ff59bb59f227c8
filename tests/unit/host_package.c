/*
 * Packages on a host: fetched before their push runs, again after a start,
 * announced, dropped when nobody names them.
 */

#include "tests/scene.h"

#include <sys/stat.h>

#define ONE "package: " PACKAGE("1.5") "\n"
#define TWO "package: " PACKAGE("1.6") "\n"

static int
clients_have(struct scene *s, const char *line)
{
	struct wire w = dial(s, INSIDE);
	int r;

	say(&w, "CLIENTS\n\n");
	r = heard(&w, line);
	hang_up(&w);
	return r;
}

/* ---- fetched first --------------------------------------------------------
 */

static void
test_fetched_first(void)
{
	struct doc_spec spec, other;
	struct wire op, ann;
	struct scene s;
	char text[256];

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = package_spec(&s, "arena", ONE);
	send_push(&op, &spec, 1);
	OK(has(&s.did, "package arena 1.5 of arena\n"),
	    "S4.7 the package of a document is fetched");
	OK(heard(&op, "PROGRESS package\nbytes: 0\nof: 1000\n\n"),
	    "and the operator is told of it");
	OK(!ledger_has("id=%" PRIu64, spec.id) && !heard(&ann, "UPDATE"),
	    "before that the document is not taken in");
	OK(status_has(&s,
	       "package: %" PRIu64 " arena 1.5 fetching bytes=0 of=1000 "
	       "fetching=0 from=" AT("1.5") "\n",
	       spec.id),
	    "STATUS shows that it is fetched");

	other = update_spec(&s, "other");
	other.parts[DOC_CLIENT].bytes = NULL;
	OK(push_gets(&s, &other, "DONE applied\n"),
	    "another document is pushed meanwhile");

	buf_reset(&op.got);
	host_package_progress(s.host, spec.id, 400);
	pass(&s, 600);
	OK(heard(&op, "PROGRESS package\nbytes: 400\nof: 1000\n\n"),
	    "the operator hears how far it is");
	buf_reset(&op.got);
	pass(&s, 1200000);
	OK(!is_over(&op) && heard(&op, "PROGRESS package\n"),
	    "for as long as it takes");
	say(&op, "STATUS\n\n");
	OK(!heard(&op, "OK\n"), "and its next frame waits");

	buf_reset(&op.got);
	packaged(&s, spec.id, RESULT_APPLIED, "");
	OK(has(&s.log, "package arena 1.5 is here, 1000 bytes in 1500 ms\n"),
	    "the log tells what was fetched");
	OK(heard(&op, "PROGRESS package\nbytes: 1000\nof: 1000\n\n"
		      "PROGRESS clients\n"),
	    "when it is here the push runs");
	OK(ledger_has("released id=%" PRIu64, spec.id), "through its phases");
	snprintf(text, sizeof text, "UPDATE %" PRIu64 "\nhead: ", spec.id);
	OK(heard(&ann, text) && has(&ann.got, "\nfeature: arena\n") &&
		!has(&ann.got, "\nfrom: "),
	    "S2.2 and clients are sent its head");

	result(&ann, spec.id, "fetching");
	pass(&s, 600);
	OK(heard(&op, "targeted: 1\napplied: 0\ndeferred: 1\nfailed: "
		      "0\nmissing: 0\n\n") &&
		!has(&op.got, "DONE"),
	    "a client that fetches has not answered yet");
	snprintf(text, sizeof text, "\t-\t-\t%" PRIu64 "\n", spec.id);
	OK(clients_have(&s, text), "CLIENTS shows what it fetches");
	OK(status_has(&s,
	       "package: %" PRIu64 " arena 1.5 here bytes=1000 of=1000 "
	       "fetching=1 from=" AT("1.5") "\n",
	       spec.id),
	    "STATUS how many fetch");
	result(&ann, spec.id, "applied");
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 0\nmissing: 0\n\n"
		      "DONE applied\n\n"),
	    "its final result ends the push");
	OK(has(&op.got, "OK\n"), "and the frame that waited is read");
	OK(host_has(s.host, "ann", "arena") && clients_have(&s, "\t-\t-\n"),
	    "the client runs it");
	OK(!has(&s.did, "cancel package") && !has(&s.did, "gone"),
	    "the package stays");
	buf_reset(&s.did);
	packaged(&s, spec.id, RESULT_FAILED, "again");
	host_package_progress(s.host, spec.id, 5);
	OK(status_has(&s, " here bytes=1000 "), "a second answer is ignored");
	hang_up(&op);
	hang_up(&ann);
	scene_close(&s);
}

static void
test_not_fetched(void)
{
	struct doc_spec spec, other;
	struct wire op, op2, ann;
	struct scene s;

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	spec = package_spec(&s, "arena", ONE);
	send_push(&op, &spec, 1);
	packaged(&s, spec.id, RESULT_GAVE_UP,
	    "no answer\033[31m in 3 tries\nmore of it");
	OK(heard(&op, "DONE failed\ntext: no answer\\x1b[31m in 3 tries\n\n"),
	    "what cannot be fetched fails, and the operator is told why");
	OK(has(&s.log, "package arena 1.5 could not be fetched: no "
		       "answer\\x1b[31m in 3 tries\n"),
	    "so does the log");
	OK(!ledger_has("id=%" PRIu64, spec.id) && !heard(&ann, "UPDATE"),
	    "nothing else happened");
	OK(has(&s.did, "gone arena 1.5\n"), "what there is of it may go");
	OK(!is_over(&op), "the operator's connection stays");
	buf_reset(&op.got);
	s.package_with = RESULT_FAILED;
	send_push(&op, &spec, 1);
	OK(heard(&op, "DONE failed\ntext: no reason was told\n\n"),
	    "it may come again; an answer may be there at once");

	/* It fails while another document is on its way. */
	s.package_with = RESULT_NONE;
	send_push(&op, &spec, 1);
	other = update_spec(&s, "other");
	send_push(&op2, &other, 1);
	buf_reset(&op.got);
	packaged(&s, spec.id, RESULT_FAILED, "no");
	OK(heard(&op, "DONE failed\ntext: no\n\n"),
	    "it fails whatever runs meanwhile");
	say(&op, "PING 1\n\n");
	result(&ann, other.id, "applied");
	OK(heard(&op2, "DONE applied\n") && heard(&op, "PONG 1\n"),
	    "and its operator is heard again");

	s.package_with = RESULT_APPLIED;
	spec.parts[DOC_SERVER].bytes = SERVER_TEXT;
	spec.parts[DOC_SERVER].len = strlen(SERVER_TEXT);
	s.apply_with = RESULT_FAILED;
	buf_reset(&s.did);
	send_push(&op, &spec, 1);
	OK(heard(&op, "PROGRESS server failed\n") &&
		has(&op.got, "DONE failed\n"),
	    "a server part that fails");
	OK(has(&s.did, "gone arena 1.5\n"), "takes the package along");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	scene_close(&s);
}

static void
test_turns(void)
{
	struct doc_spec one, two;
	struct wire op, op2, ann, cut;
	struct scene s;

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	one = package_spec(&s, "arena", ONE);
	send_push(&op, &one, 1);
	two = update_spec(&s, "other");
	two.wait = "60s";
	send_push(&op2, &two, 1);
	packaged(&s, one.id, RESULT_APPLIED, "");
	buf_reset(&op.got);
	pass(&s, 5000);
	OK(heard(&op, "PROGRESS package\nbytes: 1000\nof: 1000\n\n") &&
		!has(&op.got, "DONE") && !ledger_has("id=%" PRIu64, one.id),
	    "what is here waits for a push that runs, and is told so");
	packaged(&s, one.id, RESULT_FAILED, "a second answer");
	OK(!heard(&op, "DONE"), "a second answer changes nothing");
	result(&ann, two.id, "applied");
	OK(heard(&op2, "DONE applied\n") && heard(&op, "PROGRESS clients\n"),
	    "then it has its turn");
	result(&ann, one.id, "applied");
	OK(heard(&op, "DONE applied\n"), "and ends well");

	/* The operator is gone. */
	cut = dial(&s, INSIDE);
	one = package_spec(&s, "arena", TWO);
	send_push(&cut, &one, 1);
	hang_up(&cut);
	OK(host_next_ns(s.host) < 0 ||
		host_next_ns(s.host) > s.clock.mono_ns + 1000000000,
	    "nobody is left to be told");
	packaged(&s, one.id, RESULT_APPLIED, "");
	result(&ann, one.id, "applied");
	OK(ledger_has(" final ") && host_has(s.host, "ann", "arena") &&
		status_has(&s, " arena 1.6 here "),
	    "the host finishes alone");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	scene_close(&s);
}

static void
test_busy(void)
{
	struct doc_spec specs[HOST_FETCHES + 1];
	struct wire op[HOST_FETCHES + 1], again;
	char names[HOST_FETCHES + 1][16];
	struct scene s;
	int i;

	scene_begin(&s);
	for (i = 0; i <= HOST_FETCHES; i++) {
		snprintf(names[i], sizeof names[i], "f%d", i);
		op[i] = dial(&s, INSIDE);
		specs[i] = package_spec(&s, names[i], ONE);
		if (i == HOST_FETCHES) {
			again = dial(&s, INSIDE);
			send_push(&again, &specs[0], 1);
			OK(heard(&again, "ERROR busy\n") &&
				has(&again.got, "is being fetched"),
			    "the same document again is told to wait");
			hang_up(&again);
		}
		send_push(&op[i], &specs[i], 1);
	}
	OK(!heard(&op[HOST_FETCHES - 1], "ERROR") &&
		heard(&op[HOST_FETCHES], "ERROR busy\n") &&
		!is_over(&op[HOST_FETCHES]),
	    "no more than %d wait for their packages", HOST_FETCHES);
	packaged(&s, specs[3].id, RESULT_FAILED, "no");
	send_push(&op[HOST_FETCHES], &specs[HOST_FETCHES], 1);
	buf_reset(&op[HOST_FETCHES].got);
	pass(&s, 600);
	OK(heard(&op[HOST_FETCHES], "PROGRESS package\n"),
	    "one that ends makes room");
	for (i = 0; i <= HOST_FETCHES; i++)
		hang_up(&op[i]);
	buf_reset(&s.did);
	host_free(s.host);
	OK(has(&s.did, "cancel package"), "a host that ends awaits nothing");
	s.host = NULL;
	scene_close(&s);
}

/* ---- what happens meanwhile ------------------------------------------------
 */

static void
test_reverted_meanwhile(void)
{
	struct doc_spec one, run, spec;
	struct wire op, op2, op3, ann;
	struct scene s;
	char text[64];

	scene_begin(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	op3 = dial(&s, INSIDE);
	one = package_spec(&s, "arena", ONE);
	send_push(&op, &one, 1);
	spec = about_spec(&s, "other", 17, 0);
	OK(push_gets(&s, &spec, "DONE reverted\n") && !heard(&op, "DONE"),
	    "a revert of another feature changes nothing");
	spec = about_spec(&s, "arena", one.id, 0);
	send_push(&op2, &spec, 1);
	OK(heard(&op, "DONE reverted\n") && heard(&op2, "DONE reverted\n"),
	    "a revert ends the push that waits for its package");
	snprintf(text, sizeof text, "cancel package %" PRIu64 "\n",
	    short_id(one.id));
	OK(has(&s.did, text) && has(&s.did, "gone arena 1.5\n"),
	    "which is not fetched any further");
	buf_reset(&op.got);
	packaged(&s, one.id, RESULT_APPLIED, "");
	OK(!heard(&op, "DONE") && !heard(&ann, "UPDATE"),
	    "an answer that nobody waits for is ignored");
	send_push(&op, &one, 1);
	OK(heard(&op, "DONE refused reverted\n"), "and it stays reverted");
	hang_up(&op);

	/* It is here, and waits for its turn. */
	op = dial(&s, INSIDE);
	run = update_spec(&s, "other");
	run.wait = "60s";
	send_push(&op3, &run, 1);
	one = package_spec(&s, "arena", TWO);
	send_push(&op, &one, 1);
	packaged(&s, one.id, RESULT_APPLIED, "");
	buf_reset(&op2.got);
	buf_reset(&s.did);
	spec = about_spec(&s, "arena", 18, 0);
	send_push(&op2, &spec, 1);
	OK(heard(&op, "DONE reverted\n"),
	    "so it does when the package is here");
	OK(!has(&s.did, "cancel package"), "and nothing is to be cancelled");
	result(&ann, run.id, "applied");
	OK(heard(&op2, "DONE reverted\n") && !ledger_has("id=%" PRIu64, one.id),
	    "the revert has its turn");
	OK(has(&s.did, "gone arena 1.6\n"), "the package is not needed");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&op3);
	hang_up(&ann);
	scene_close(&s);
}

static void
test_newer_meanwhile(void)
{
	struct doc_spec one, two;
	struct wire op, op2;
	struct scene s;
	char text[64];

	scene_begin(&s);
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	one = package_spec(&s, "arena", ONE);
	send_push(&op, &one, 1);
	two = package_spec(&s, "arena", TWO);
	send_push(&op2, &two, 1);
	OK(!heard(&op, "DONE"), "a newer one that is fetched too ends nothing");
	packaged(&s, two.id, RESULT_APPLIED, "");
	OK(heard(&op2, "DONE applied\n"), "when it is accepted");
	OK(heard(&op, "DONE refused stale\n") && is_over(&op),
	    "the older one is not waited for any more");
	snprintf(text, sizeof text, "cancel package %" PRIu64 "\n",
	    short_id(one.id));
	OK(has(&s.did, text) && has(&s.did, "gone arena 1.5\n") &&
		!has(&s.did, "gone arena 1.6"),
	    "nor its package");
	hang_up(&op);

	/* The older one is here first. */
	op = dial(&s, INSIDE);
	one = package_spec(&s, "arena", ONE);
	send_push(&op, &one, 1);
	two = package_spec(&s, "arena", TWO);
	buf_reset(&op2.got);
	send_push(&op2, &two, 1);
	packaged(&s, one.id, RESULT_APPLIED, "");
	OK(heard(&op, "DONE applied\n"), "an older one that is here runs");
	packaged(&s, two.id, RESULT_APPLIED, "");
	OK(heard(&op2, "DONE applied\n"), "and then the newer");
	hang_up(&op);
	hang_up(&op2);
	scene_close(&s);
}

static void
test_changed_meanwhile(void)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct doc_spec spec;
	struct wire op, op2;
	struct scene s;

	scene_clear(&s);
	c = config(&s, &none);
	c.cb.reload = reload_dev2;
	scene_open(&s, &c);
	op = dial(&s, INSIDE);
	spec = package_spec(&s, "arena", ONE);
	spec.expires_us = s.clock.wall_us + 60000000;
	send_push(&op, &spec, 1);
	pass(&s, 61000);
	packaged(&s, spec.id, RESULT_APPLIED, "");
	OK(heard(&op, "DONE refused expired\n") &&
		!ledger_has("id=%" PRIu64, spec.id),
	    "what expired while it was fetched is refused");
	OK(has(&s.did, "gone arena 1.5\n"), "its package may go");
	hang_up(&op);
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	spec = package_spec(&s, "arena", ONE);
	send_push(&op, &spec, 1);
	command(&op2, "arena-1", 1, "reload");
	packaged(&s, spec.id, RESULT_APPLIED, "");
	OK(heard(&op, "DONE refused untrusted-key\n"),
	    "so is what a key signed that was revoked meanwhile");
	hang_up(&op);
	hang_up(&op2);
	scene_close(&s);
}

static void
test_shutdown(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire op;

	scene_begin(&s);
	op = dial(&s, INSIDE);
	spec = package_spec(&s, "arena", ONE);
	send_push(&op, &spec, 1);
	host_shutdown(s.host);
	OK(has(&s.did, "cancel package") && heard(&op, "ERROR shutdown\n") &&
		!has(&op.got, "DONE"),
	    "a host that ends gives the package up");
	packaged(&s, spec.id, RESULT_APPLIED, "");
	OK(!ledger_has("id=%" PRIu64, spec.id), "and takes in nothing more");
	hang_up(&op);
	scene_close(&s);
}

/* ---- how long a package is needed ------------------------------------------
 */

static void
test_gone(void)
{
	struct doc_spec one, again, two, spec;
	struct wire op, ann, bob;
	struct scene s;

	scene_begin(&s);
	s.package_with = RESULT_APPLIED;
	one = package_spec(&s, "arena", ONE);
	push_gets(&s, &one, "DONE applied\n");
	again = package_spec(&s, "third",
	    "package: arena 1.5 1000 " MD5_TEXT " " MD5_TEXT MD5_TEXT MD5_TEXT
	    "0123456789abcdef0123456789abcdee " AT("1.5") "\n");
	push_gets(&s, &again, "DONE applied\n");
	spec = about_spec(&s, "third", again.id, 0);
	push_gets(&s, &spec, "DONE reverted\n");
	OK(has(&s.did, "gone arena 1.5\n"),
	    "another package of the same name is another");
	buf_reset(&s.did);
	again = package_spec(&s, "other", ONE);
	push_gets(&s, &again, "DONE applied\n");
	two = package_spec(&s, "arena", TWO);
	push_gets(&s, &two, "DONE applied\n");
	OK(!has(&s.did, "gone"), "a package that another document names stays");
	spec = about_spec(&s, "other", again.id, 0);
	push_gets(&s, &spec, "DONE reverted\n");
	OK(has(&s.did, "gone arena 1.5\n") && !has(&s.did, "gone arena 1.6"),
	    "until the last one goes");
	buf_reset(&s.did);
	spec = about_spec(&s, "arena", 0, two.id);
	push_gets(&s, &spec, "DONE applied\n");
	OK(!has(&s.did, "gone"), "that of a retired document stays");
	one = package_spec(&s, "arena", ONE);
	push_gets(&s, &one, "DONE applied\n");
	OK(has(&s.did, "gone arena 1.6\n"), "until that is superseded");

	/* Taken back: too many clients gave up. */
	buf_reset(&s.did);
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	two = package_spec(&s, "new", TWO);
	two.max_failed = "0";
	two.take_back_until_us = (int64_t)two.id + 60000000;
	op = dial(&s, INSIDE);
	send_push(&op, &two, 1);
	result(&bob, two.id, "fetching");
	result(&ann, two.id, "fetching");
	result(&ann, two.id, "gave-up");
	OK(heard(&op, "deferred: 1\nfailed: 1\n") && heard(&bob, "REVERT "),
	    "S2.5 too many gave up: who fetches still is told to stop");
	result(&bob, two.id, "reverted");
	OK(heard(&op, "DONE reverted\n"), "and it is taken back");
	hang_up(&op);
	hang_up(&bob);
	OK(has(&s.did, "gone arena 1.6\n"), "with its package");
	hang_up(&ann);
	scene_close(&s);
}

static void
test_start(void)
{
	struct doc_spec spec[4];
	struct wire ann;
	struct scene s;
	const char *packages[] = {ONE, TWO, "package: " PACKAGE("1.7") "\n",
	    "package: " PACKAGE("1.8") "\n"};
	char name[16];
	struct doc_spec rev;
	int i;

	scene_begin(&s);
	s.package_with = RESULT_APPLIED;
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "f%d", i);
		spec[i] = package_spec(&s, name, packages[i]);
		push_gets(&s, &spec[i], "DONE applied\n");
		spec[i].feature = NULL; /* name is reused */
	}
	rev = about_spec(&s, "f3", 0, spec[3].id);
	push_gets(&s, &rev, "DONE applied\n");

	s.package_with = RESULT_NONE;
	reopen(&s);
	OK(has(&s.did, "package arena 1.5 of f0\npackage arena 1.6 of f1\n") &&
		!has(&s.did, "1.7"),
	    "a start asks again for what is live, %d at a time",
	    HOST_REFETCHES);
	host_package_progress(s.host, spec[0].id, 300);
	OK(status_has(&s,
	       " arena 1.5 fetching bytes=300 of=1000 fetching=0 ") &&
		status_has(&s, " arena 1.7 fetching bytes=0 ") &&
		status_has(&s, " arena 1.8 elsewhere "),
	    "STATUS shows it");
	ann = login(&s, "ann");
	OK(heard(&ann, "updates: 3\n"), "clients are given it meanwhile");
	hang_up(&ann);
	packaged(&s, spec[0].id, RESULT_FAILED, "no route");
	OK(has(&s.log, "package arena 1.5 could not be fetched: no route\n") &&
		status_has(&s, " arena 1.5 missing "),
	    "what could not be fetched is logged");
	ann = login(&s, "ann");
	OK(heard(&ann, "updates: 3\n"), "and live all the same");
	hang_up(&ann);
	OK(has(&s.did, "package arena 1.7 of f2\n") && !has(&s.did, "1.8"),
	    "the next one is asked for; what is retired is not");
	packaged(&s, spec[1].id, RESULT_APPLIED, "");
	OK(status_has(&s, " arena 1.6 here bytes=1000 "), "this one is here");

	buf_reset(&s.did);
	rev = about_spec(&s, "f2", spec[2].id, 0);
	push_gets(&s, &rev, "DONE reverted\n");
	OK(has(&s.did, "cancel package ") && has(&s.did, "gone arena 1.7\n"),
	    "a revert ends the fetch of what was live");
	packaged(&s, spec[2].id, RESULT_APPLIED, "");
	rev = about_spec(&s, "f3", spec[3].id, 0);
	push_gets(&s, &rev, "DONE reverted\n");
	OK(has(&s.did, "gone arena 1.8\n"),
	    "a package of before the start may go, too");

	s.package_with = RESULT_APPLIED;
	reopen(&s);
	OK(status_has(&s, " arena 1.5 here ") &&
		status_has(&s, " arena 1.6 here "),
	    "an answer may be there at once");
	s.package_with = RESULT_NONE;
	reopen(&s);
	buf_reset(&s.did);
	host_free(s.host);
	OK(has(&s.did, "cancel package "), "a host that ends cancels it");
	s.host = NULL;
	scene_close(&s);
}

/* What could not be had after a start is asked for again, later and later. */
static void
test_start_again(void)
{
	struct doc_spec spec[3], rev;
	struct scene s;
	const char *packages[] = {ONE, TWO, "package: " PACKAGE("1.7") "\n"};
	char name[16];
	int i;

	scene_begin(&s);
	s.package_with = RESULT_APPLIED;
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "f%d", i);
		spec[i] = package_spec(&s, name, packages[i]);
		push_gets(&s, &spec[i], "DONE applied\n");
		spec[i].feature = NULL; /* name is reused */
	}
	s.package_with = RESULT_NONE;
	reopen(&s);
	s.rearmed = 0;
	packaged(&s, spec[0].id, RESULT_GAVE_UP, "no route");
	OK(s.rearmed > 0, "what fails after a start has a deadline");
	buf_reset(&s.did);
	pass(&s, 3 * 60000);
	OK(!has(&s.did, "package arena 1.5"),
	    "what failed waits while others are fetched");
	packaged(&s, spec[1].id, RESULT_APPLIED, "");
	OK(has(&s.did, "package arena 1.5 of f0\n"),
	    "then it is asked for again");
	packaged(&s, spec[2].id, RESULT_APPLIED, "");
	packaged(&s, spec[0].id, RESULT_GAVE_UP, "no route");
	OK(status_has(&s, " arena 1.5 missing "), "it fails again");
	buf_reset(&s.did);
	pass(&s, 119000);
	OK(!has(&s.did, "package "), "for two minutes nobody asks");
	pass(&s, 1100);
	OK(has(&s.did, "package arena 1.5 of f0\n") &&
		status_has(&s, " arena 1.5 fetching "),
	    "then somebody does");
	for (i = 0; i < 8; i++) {
		packaged(&s, spec[0].id, RESULT_FAILED, "no space");
		pass(&s, 3600000);
	}
	packaged(&s, spec[0].id, RESULT_FAILED, "no space");
	buf_reset(&s.did);
	pass(&s, 3599000);
	OK(!has(&s.did, "package "), "in the end it is once in an hour");
	s.package_with = RESULT_FAILED;
	pass(&s, 1100);
	OK(has(&s.did, "package arena 1.5 of f0\n"), "and no less often");
	s.package_with = RESULT_NONE;
	pass(&s, 3600000);
	packaged(&s, spec[0].id, RESULT_APPLIED, "");
	OK(status_has(&s, " arena 1.5 here "), "when it comes it is here");
	buf_reset(&s.did);
	pass(&s, 2 * 3600000);
	OK(!has(&s.did, "package "), "and nobody asks any more");

	reopen(&s);
	packaged(&s, spec[0].id, RESULT_GAVE_UP, "no route");
	rev = about_spec(&s, "f0", spec[0].id, 0);
	buf_reset(&s.did);
	push_gets(&s, &rev, "DONE reverted\n");
	packaged(&s, spec[1].id, RESULT_APPLIED, "");
	pass(&s, 3600000);
	OK(!has(&s.did, "package "), "what is reverted meanwhile is not");
	rev = about_spec(&s, "f2", 0, spec[2].id);
	push_gets(&s, &rev, "DONE applied\n");
	packaged(&s, spec[2].id, RESULT_GAVE_UP, "no route");
	pass(&s, 3600000);
	OK(has(&s.log, "1.7 could not be fetched") && !has(&s.did, "package "),
	    "nor what is retired");
	scene_close(&s);
}

/* A seed folder's documents come one after the other. */
static void
test_seed(void)
{
	struct buf doc = BUF_INIT;
	struct doc_spec spec;
	size_t head_len;
	struct wire ann;
	struct scene s;
	struct err e;
	char path[64];

	scene_begin(&s);
	if (system("rm -rf seeds; mkdir seeds") != 0)
		printf("# no seed folder\n");
	spec = package_spec(&s, "arena", ONE);
	world_document(&doc, &head_len, &spec, 1);
	snprintf(path, sizeof path, "seeds/%" PRIu64, spec.id);
	file_write(path, doc.data, doc.len, 0600, &e);
	buf_free(&doc);
	OK(host_seed(s.host, "seeds", &e) == 0, "a seed folder");
	OK(has(&s.did, "package arena 1.5 of arena\n") &&
		status_has(&s, " arena 1.5 fetching "),
	    "the package of a seed is fetched");
	ann = login(&s, "ann");
	OK(heard(&ann, "updates: 1\n"), "while it is live already");
	packaged(&s, spec.id, RESULT_APPLIED, "");
	OK(status_has(&s, " arena 1.5 here "), "it is here");
	hang_up(&ann);
	scene_close(&s);
}

/* ---- where it comes from ----------------------------------------------------
 */

static void
test_from(void)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct doc_spec spec;
	struct wire ann;
	struct scene s;

	scene_begin(&s);
	s.package_with = RESULT_APPLIED;
	s.mirror = "https://cdn.example/east";
	ann = login(&s, "ann");
	spec = package_spec(&s, "arena",
	    "package: " PACKAGE("1.5") "\nbase: 1.4\nfull: arena 1.5-full "
				       "9000 " MD5_TEXT " " SHA512_TEXT
				       " ftp://dl.example/full.tar\n");
	push_gets(&s, &spec, "DONE ");
	OK(heard(&ann, "\nfrom: https://cdn.example/east/arena-1.5.tar\n") &&
		has(&ann.got,
		    "\nfull-from: "
		    "https://cdn.example/east/arena-1.5-full.tar\n") &&
		has(&ann.got, "\nbase: 1.4\n"),
	    "S4.7 clients are given the install address");
	OK(status_has(&s,
	       "package: %" PRIu64 " arena 1.5 here bytes=10000 of=10000 "
	       "fetching=0 from=https://cdn.example/east/arena-1.5.tar\n"
	       "package: %" PRIu64 " arena 1.5-full here ",
	       spec.id, spec.id),
	    "STATUS shows both packages and their addresses");
	hang_up(&ann);
	ann = login(&s, "ann");
	OK(heard(&ann, "\nfrom: https://cdn.example/east/arena-1.5.tar\n"),
	    "also at a login");
	hang_up(&ann);
	s.mirror = "https://cdn2.example";
	ann = login(&s, "ann");
	OK(heard(&ann, "\nfrom: https://cdn2.example/arena-1.5.tar\n"),
	    "it is asked for anew each time");
	hang_up(&ann);
	s.mirror = "ftp://dl.example/release";
	ann = login(&s, "ann");
	OK(heard(&ann, "UPDATE") && !has(&ann.got, "\nfrom: ") &&
		has(&ann.got, "\nfull-from: ftp://dl.example/release/"),
	    "the package's own address is not repeated");
	hang_up(&ann);
	s.mirror = "https://cdn.example/\nlength: 7";
	ann = login(&s, "ann");
	OK(heard(&ann, "UPDATE") && !has(&ann.got, "\nfrom: "),
	    "nor what is no line");
	hang_up(&ann);
	scene_close(&s);

	scene_clear(&s);
	c = config(&s, &none);
	c.cb.package = NULL;
	c.cb.package_from = NULL;
	c.cb.apply = NULL;
	scene_open(&s, &c);
	ann = login(&s, "ann");
	spec = package_spec(&s, "arena", ONE);
	OK(push_gets(&s, &spec, "DONE ") && heard(&ann, "UPDATE") &&
		!has(&ann.got, "\nfrom: "),
	    "a host that fetches nothing announces the package's own address");
	OK(status_has(&s, " arena 1.5 elsewhere bytes=0 "), "and says so");
	hang_up(&ann);
	scene_close(&s);
}

/* ---- clients
 * ----------------------------------------------------------------- */

static void
test_results(void)
{
	struct doc_spec one, spec;
	struct wire op, ann, bob, cid;
	struct scene s;

	scene_begin(&s);
	s.package_with = RESULT_APPLIED;
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	cid = login(&s, "cid");
	op = dial(&s, INSIDE);
	one = package_spec(&s, "arena", ONE);
	one.wait = "5s";
	send_push(&op, &one, 1);
	result(&ann, one.id, "fetching");
	result(&bob, one.id, "fetching");
	result(&cid, one.id, "fetching");
	hang_up(&cid);
	pass(&s, 4000);
	OK(!heard(&op, "DONE"), "who fetches is waited for");
	result(&bob, one.id, "gave-up");
	pass(&s, 1500);
	OK(heard(&op, "targeted: 3\napplied: 0\ndeferred: 2\nfailed: 1\n"
		      "missing: 0\n\nPROGRESS error\nresult: gave-up\n") &&
		heard(&op, "DONE applied\n"),
	    "S2.5 who gave up has failed, who left has not, and the wait ends");
	result(&ann, one.id, "applied");
	pass(&s, 11000);
	OK(ledger_has(" late id=%" PRIu64 " applied=1 deferred=0 failed=1",
	       one.id),
	    "what comes later is in the log");
	OK(host_has(s.host, "ann", "arena"), "and known");
	cid = login(&s, "cid");
	OK(heard(&cid, "updates: 1\n\nUPDATE "),
	    "who left while it fetched is told again");

	/* All fetch when the wait ends. */
	hang_up(&ann);
	hang_up(&bob);
	buf_reset(&op.got);
	one = package_spec(&s, "arena", TWO);
	one.wait = "5s";
	send_push(&op, &one, 1);
	result(&cid, one.id, "fetching");
	pass(&s, 6000);
	OK(heard(&op, "DONE deferred\n"), "all fetch still: deferred");

	/* A revert of what is fetched is answered once. */
	buf_reset(&op.got);
	spec = about_spec(&s, "arena", one.id, 0);
	send_push(&op, &spec, 1);
	OK(heard(&cid, "REVERT "), "a revert reaches who fetches");
	result(&cid, one.id, "reverted");
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 0\nmissing: 0\n\n"
		      "DONE reverted\n") &&
		!heard(&cid, "ERROR"),
	    "and one answer is enough");
	result(&cid, one.id, "applied");
	OK(status_has(&s, "stray-results: 1\n"), "nothing more is due");

	/* Fetching, then waiting for its event, then again on a new
	 * connection. */
	buf_reset(&op.got);
	one = package_spec(&s, "arena", ONE);
	one.wait = "60s";
	one.on = "level";
	bob = login(&s, "bob");
	send_push(&op, &one, 1);
	result(&cid, one.id, "fetching");
	result(&cid, one.id, "deferred");
	result(&bob, one.id, "fetching");
	hang_up(&bob);
	bob = login(&s, "bob");
	result(&bob, one.id, "fetching");
	pass(&s, 1000);
	OK(heard(&op, "targeted: 2\napplied: 0\ndeferred: 2\nfailed: 0\n") &&
		!has(&op.got, "DONE"),
	    "one waits for its event, the other still fetches");
	result(&bob, one.id, "applied");
	OK(heard(&op, "applied: 1\ndeferred: 1\nfailed: 0\nmissing: 0\n\nDONE "
		      "applied\n"),
	    "then all have answered");
	hang_up(&op);
	hang_up(&bob);
	hang_up(&cid);
	scene_close(&s);
}

/* ---- S2.3
 * -------------------------------------------------------------------- */

/* Who was here when it was announced, who comes anew, who slept. */
static struct doc_spec
announced(struct scene *s)
{
	struct doc_spec spec;

	s->package_with = RESULT_APPLIED;
	spec = package_spec(s, "arena", ONE);
	spec.wait = "1s";
	push_gets(s, &spec, "DONE ");
	return spec;
}

static struct wire
login_with(struct scene *s, const char *fields)
{
	struct wire w = dial(s, OUTSIDE);
	char line[512];

	snprintf(line, sizeof line, "LOGIN ann\n%s\n", fields);
	say(&w, line);
	return w;
}

static void
test_online_users(void)
{
	struct doc_spec spec;
	struct wire ann, bob;
	struct scene s;
	char text[64];

	scene_begin(&s);
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	spec = announced(&s);
	snprintf(text, sizeof text, "UPDATE %" PRIu64 "\n", spec.id);
	OK(heard(&ann, text) && heard(&bob, text),
	    "S2.3 online users: it is broadcast");
	hang_up(&ann);
	hang_up(&bob);
	scene_close(&s);
}

static void
test_offline_users_who_log_in_again(void)
{
	char text[64], last[64], time[TIMETEXT_SIZE];
	struct doc_spec spec;
	struct wire ann;
	struct scene s;

	scene_begin(&s);
	spec = announced(&s);
	snprintf(text, sizeof text, "UPDATE %" PRIu64 "\n", spec.id);
	ann = login_with(&s, "");
	OK(heard(&ann, text), "S2.3 offline users who log in again: forced");
	hang_up(&ann);
	snprintf(last, sizeof last, "last: %s\n",
	    timetext_format(s.clock.wall_us, time));
	ann = login_with(&s, last);
	OK(heard(&ann, text),
	    "S2.3 also when they were here since, and lost it");
	hang_up(&ann);
	scene_close(&s);
}

static void
test_sleeping_users_who_reconnect(void)
{
	char text[64], fields[160], time[TIMETEXT_SIZE];
	struct doc_spec spec, before;
	struct wire ann;
	struct scene s;

	scene_begin(&s);
	before = announced(&s);
	snprintf(fields, sizeof fields, "have: %" PRIu64 "\nlast: %s\n",
	    before.id, timetext_format(s.clock.wall_us, time));
	spec = package_spec(&s, "map", TWO);
	push_gets(&s, &spec, "DONE ");
	snprintf(text, sizeof text, "updates: 1\n\nUPDATE %" PRIu64 "\n",
	    spec.id);
	ann = login_with(&s, fields);
	OK(heard(&ann, text) && !has(&ann.got, "feature: arena\n"),
	    "S2.3 sleeping users whose last login is older than the "
	    "announcement get it, and nothing else");
	hang_up(&ann);
	snprintf(fields, sizeof fields,
	    "have: %" PRIu64 " %" PRIu64 "\nlast: %s\n", before.id, spec.id,
	    timetext_format(s.clock.wall_us, time));
	ann = login_with(&s, fields);
	OK(heard(&ann, "updates: 0\n") && !has(&ann.got, "UPDATE"),
	    "S2.3 those whose last login is younger have it, and are left "
	    "alone");
	hang_up(&ann);
	scene_close(&s);
}

/* ---- what is refused
 * --------------------------------------------------------- */

static void
test_refused(void)
{
	struct doc_spec spec;
	struct scene s;

	scene_begin(&s);
	spec = package_spec(&s, "arena", ONE);
	spec.dry_run = 1;
	OK(push_gets(&s, &spec, "DONE refused unsupported\ntext: dry-run: "),
	    "no dry run of a package");
	spec = package_spec(&s, "arena",
	    ONE "canary: 5%\ntake-back-until: 2027-11-22T10:16:00Z\n");
	OK(push_gets(&s, &spec, "DONE refused unsupported\ntext: canary: "),
	    "no canary");
	OK(!has(&s.did, "package"), "and nothing is fetched for them");
	scene_close(&s);

	scene_clear(&s);
	scene_open_limited(&s, NULL, " parts=server,client");
	spec = package_spec(&s, "arena", ONE);
	OK(push_gets(&s, &spec, "DONE refused out-of-scope\n") &&
		!has(&s.did, "package"),
	    "a key for other parts signs no package");
	scene_close(&s);
	scene_clear(&s);
	scene_open_limited(&s, NULL, " parts=package");
	s.package_with = RESULT_APPLIED;
	spec = package_spec(&s, "arena", ONE);
	OK(push_gets(&s, &spec, "DONE applied\n"), "one for packages does");
	spec.parts[DOC_CLIENT].bytes = CLIENT_TEXT;
	spec.parts[DOC_CLIENT].len = strlen(CLIENT_TEXT);
	OK(push_gets(&s, &spec, "DONE refused out-of-scope\n"),
	    "but no client part beside it");
	scene_close(&s);
}

/* ---- random histories -------------------------------------------------------
 */

#define RELEASES 5
#define WIRES    24
#define DUE      64
#define IDS      256

/* What the owner of a host knows, from the calls alone. */
struct story {
	struct scene s; /* first: it is the callbacks' argument */
	uint64_t due[DUE];
	size_t ndue;
	enum { NO, YES, BEFORE } needed[RELEASES]; /* a restart, perhaps */
	uint64_t random;
	int bad;
	struct wire wires[WIRES];
	size_t nwires;
	uint64_t ids[IDS];
	int features[IDS];
	size_t nids;
};

static const char *const features[] = {"alpha", "beta", "gamma"};

static uint64_t
pick(struct story *y, uint64_t n)
{
	return tap_random(&y->random) % n;
}

static int
release_of(const struct doc_package *p)
{
	return p->release[2] - '0';
}

static void
is_due_no_more(struct story *y, uint64_t id)
{
	size_t i;

	for (i = 0; i < y->ndue && y->due[i] != id; i++)
		;
	if (i == y->ndue)
		y->bad = 1;
	else
		y->due[i] = y->due[--y->ndue];
}

static int
story_package(void *arg, const struct doc *d, struct host_package *out)
{
	struct story *y = arg;
	size_t i;

	y->needed[release_of(&d->package)] = YES;
	if (d->full.present)
		y->needed[release_of(&d->full)] = YES;
	for (i = 0; i < y->ndue; i++)
		if (y->due[i] == d->id)
			y->bad = 1;
	out->result = pick(y, 2) ? RESULT_APPLIED : RESULT_GAVE_UP;
	if (pick(y, 4) == 0 || y->ndue == DUE)
		return 1;
	y->due[y->ndue++] = d->id;
	return 0;
}

static void
story_cancel(void *arg, uint64_t id)
{
	is_due_no_more(arg, id);
}

static void
story_gone(void *arg, const struct doc_package *p)
{
	struct story *y = arg;

	if (y->needed[release_of(p)] == NO)
		y->bad = 1;
	y->needed[release_of(p)] = NO;
}

static void
story_open(struct story *y)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c = config(&y->s, &none);

	c.cb.package = story_package;
	c.cb.package_cancel = story_cancel;
	c.cb.package_gone = story_gone;
	scene_open(&y->s, &c);
}

static void
answer_one(struct story *y)
{
	uint64_t id;

	if (y->ndue == 0)
		return;
	id = y->due[pick(y, y->ndue)];
	is_due_no_more(y, id);
	packaged(&y->s, id, pick(y, 4) ? RESULT_APPLIED : RESULT_FAILED, "no");
}

static void
push_some(struct story *y, const struct doc_spec *spec)
{
	struct wire *w = &y->wires[y->nwires % WIRES];

	if (w->conn != NULL)
		hang_up(w);
	*w = dial(&y->s, INSIDE);
	y->nwires++;
	send_push(w, spec, 1);
}

static void
push_package(struct story *y)
{
	char extra[1024], release[8], full[8];
	size_t n = y->nids % IDS;
	struct doc_spec spec;

	snprintf(release, sizeof release, "1.%d", (int)pick(y, RELEASES));
	snprintf(full, sizeof full, "1.%d", (int)pick(y, RELEASES));
	snprintf(extra, sizeof extra,
	    "package: arena %s 9 " MD5_TEXT " " SHA512_TEXT " ftp://d/x\n",
	    release);
	if (pick(y, 3) == 0)
		snprintf(extra + strlen(extra), sizeof extra - strlen(extra),
		    "base: 1\nfull: arena %s 9 " MD5_TEXT " " SHA512_TEXT
		    " ftp://d/y\n",
		    full);
	y->features[n] = (int)pick(y, 3);
	spec = package_spec(&y->s, features[y->features[n]], extra);
	y->ids[n] = spec.id;
	y->nids++;
	push_some(y, &spec);
}

static void
story_restart(struct story *y)
{
	size_t i;

	for (i = 0; i < WIRES; i++)
		if (y->wires[i].conn != NULL)
			hang_up(&y->wires[i]);
	host_free(y->s.host);
	y->bad |= y->ndue > 0;
	y->ndue = 0;
	/* What is still needed it learns from the new host. */
	for (i = 0; i < RELEASES; i++)
		y->needed[i] = y->needed[i] ? BEFORE : NO;
	story_open(y);
}

static void
story_step(struct story *y)
{
	uint64_t what = pick(y, 20);
	struct doc_spec spec;
	size_t n;

	if (what < 8) {
		push_package(y);
	} else if (what < 13) {
		answer_one(y);
	} else if (what < 14) {
		spec = update_spec(&y->s, features[pick(y, 3)]);
		push_some(y, &spec);
	} else if (what < 17 && y->nids > 0) {
		n = pick(y, y->nids < IDS ? y->nids : IDS);
		spec = about_spec(&y->s, features[y->features[n]],
		    what < 16 ? y->ids[n] : 0, what < 16 ? 0 : y->ids[n]);
		push_some(y, &spec);
	} else if (what < 18) {
		story_restart(y);
	} else {
		pass(&y->s, 700);
	}
}

/* It keeps nothing that STATUS does not show, nor lacks what is shown as being
 * here, and what is due is shown as being fetched. */
static int
story_holds(struct story *y)
{
	struct wire w = dial(&y->s, INSIDE);
	const char *status;
	char text[64];
	size_t i;
	int good = !y->bad;

	say(&w, "STATUS\n\n");
	hear(&w);
	status = buf_text(&w.got);
	for (i = 0; i < RELEASES; i++) {
		snprintf(text, sizeof text, " arena 1.%zu ", i);
		if (y->needed[i] == YES && strstr(status, text) == NULL)
			good = 0;
		snprintf(text, sizeof text, " arena 1.%zu here ", i);
		if (y->needed[i] == NO && strstr(status, text) != NULL)
			good = 0;
	}
	for (i = 0; i < y->ndue; i++) {
		const char *line;

		snprintf(text, sizeof text, "package: %" PRIu64 " ", y->due[i]);
		line = strstr(status, text);
		if (line == NULL || strstr(line, " fetching bytes=") == NULL ||
		    strstr(line, " fetching bytes=") > strchr(line, '\n'))
			good = 0;
	}
	if (!good)
		printf("# %s\n", status);
	hang_up(&w);
	return good;
}

static int
story_run(uint64_t seed)
{
	static struct story y; /* large */
	int i, good;

	memset(&y, 0, sizeof y);
	scene_clear(&y.s);
	y.random = seed;
	story_open(&y);
	good = y.s.host != NULL;
	for (i = 0; i < 120 && good; i++) {
		story_step(&y);
		good = story_holds(&y);
	}
	if (!good)
		printf("# history of seed %" PRIu64 ", step %d\n", seed, i);
	while (y.ndue > 0)
		answer_one(&y);
	pass(&y.s, 11000);
	for (i = 0; i < WIRES; i++) {
		if (y.wires[i].conn == NULL)
			continue;
		if (!heard(&y.wires[i], "\nDONE ") &&
		    !heard(&y.wires[i], "\nERROR busy\n")) {
			printf("# no end: %s\n", buf_text(&y.wires[i].got));
			good = 0;
		}
		hang_up(&y.wires[i]);
	}
	scene_close(&y.s);
	return good && y.ndue == 0;
}

static void
test_histories(void)
{
	uint64_t seed = tap_seed(20261122);
	int i;

	for (i = 0; i < 12; i++)
		OK(story_run(seed + (uint64_t)i),
		    "history %d: what is due and needed is what STATUS shows",
		    i);
}

int
main(void)
{
	test_fetched_first();
	test_not_fetched();
	test_turns();
	test_busy();
	test_reverted_meanwhile();
	test_newer_meanwhile();
	test_changed_meanwhile();
	test_shutdown();
	test_gone();
	test_start();
	test_start_again();
	test_seed();
	test_from();
	test_results();
	test_online_users();
	test_offline_users_who_log_in_again();
	test_sleeping_users_who_reconnect();
	test_refused();
	test_histories();
	return tap_done();
}
