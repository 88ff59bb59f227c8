/*
 * Dry runs: everybody is asked, nobody changes, nothing stays.
 */

#include "tests/scene.h"

#include <sys/stat.h>
#include <unistd.h>

/* An update that is to be checked only. */
static struct doc_spec
dry(struct scene *s, const char *feature)
{
	struct doc_spec spec = update_spec(s, feature);

	spec.extra = "dry-run: yes\n";
	return spec;
}

/* The ledger, as text that the caller frees. */
static struct buf
ledger(void)
{
	struct buf b = BUF_INIT;
	struct err e;

	file_read("state/ledger", 1 << 20, &b, &e);
	return b;
}

/* A dry run that was captured may not keep a host busy. */
static void
test_again(void)
{
	struct doc_spec spec;
	struct scene s;
	int i;

	scene_begin(&s);
	s.apply_with = RESULT_READY;
	spec = dry(&s, "f");
	OK(push_gets(&s, &spec, "DONE dry-run\n"), "a dry run");
	buf_reset(&s.did);
	OK(push_gets(&s, &spec, "DONE have\n") && !has(&s.did, "check"),
	    "the same again is not carried out");
	for (i = 0; i < 3; i++) {
		spec = dry(&s, "f");
		OK(push_gets(&s, &spec, "DONE dry-run\n"), "another one is");
	}
	scene_close(&s);
}

static void
test_all_ready(void)
{
	struct doc_spec spec, real;
	struct wire op, ann, bob, late;
	struct scene s;
	struct buf b;
	char text[128];

	scene_begin(&s);
	real = update_spec(&s, "f");
	push_gets(&s, &real, "DONE applied\n");
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	buf_reset(&s.did);
	s.apply_with = RESULT_READY;
	s.rehearsed_ns = 34512000;
	op = dial(&s, INSIDE);
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	snprintf(text, sizeof text, "check f 51 bytes drop %" PRIu64 "\n",
	    short_id(real.id));
	OK(has(&s.did, text) && !has(&s.did, "apply"),
	    "the program is asked, with what would be dropped");
	OK(heard(&op, "PROGRESS server ready\ntook: 0.000000\n"
		      "rehearsed: 0.034512\nstall: 0.000345\n"),
	    "its answer is told, and what the rehearsal cost");
	snprintf(text, sizeof text, "CHECK %" PRIu64 "\nhead: ", spec.id);
	OK(heard(&ann, text) && has(&ann.got, CLIENT_TEXT) && heard(&bob, text),
	    "clients are sent a CHECK with their part");
	late = login(&s, "late");
	OK(heard(&late, "updates: 1\n") && !has(&late.got, "CHECK"),
	    "who logs in meanwhile gets what is live, no more");
	result(&ann, spec.id, "ready");
	OK(!heard(&op, "DONE"), "it waits for both");
	result(&bob, spec.id, "ready");
	OK(heard(&op, "targeted: 2\napplied: 2\ndeferred: 0\nfailed: 0\n"
		      "missing: 0\n\nDONE dry-run\n\n"),
	    "ready counts as applied; DONE dry-run");
	snprintf(text, sizeof text, "DROP %" PRIu64 "\n\n", spec.id);
	OK(heard(&ann, text) && heard(&bob, text) && !heard(&late, "DROP"),
	    "who was sent it forgets it");
	OK(!host_has(s.host, "ann", "f"), "nobody is believed to run it");

	OK(!is_there(spec.id), "it is not on the disk");
	b = ledger();
	snprintf(text, sizeof text, " check id=%" PRIu64 " feature=f key=dev1",
	    spec.id);
	OK(has(&b, text), "the ledger tells that it came");
	snprintf(text, sizeof text,
	    " checked id=%" PRIu64 " result=dry-run server=ready targeted=2 "
	    "ready=2 failed=0 missing=0\n",
	    spec.id);
	OK(has(&b, text), "and its end");
	buf_free(&b);
	buf_reset(&op.got);
	say(&op, "STATUS\n\n");
	snprintf(text, sizeof text, "%" PRIu64, spec.id);
	OK(heard(&op, "live: 1\n") && !has(&op.got, text),
	    "the host holds it not");

	s.apply_with = RESULT_APPLIED;
	real = spec;
	real.id--;
	real.extra = NULL;
	OK(push_gets(&s, &real, "DONE applied\n"),
	    "an older id comes in behind it: it has no place in the order");
	s.apply_with = RESULT_READY;
	spec = dry(&s, "f");
	OK(push_gets(&s, &spec, "DONE failed\n"),
	    "clients that do not answer are not ready");
	OK(heard(&ann, "DROP"), "and forget it too");
	result(&ann, spec.id, "ready");
	buf_reset(&op.got);
	say(&op, "STATUS\n\n");
	OK(heard(&op, "stray-results: 1\n"),
	    "an answer after the DROP answers nothing");
	s.apply_with = RESULT_FAILED;
	buf_reset(&ann.got);
	push_gets(&s, &spec, "DONE failed\n");
	OK(!heard(&ann, "DROP"), "who was not asked again forgets nothing");
	hang_up(&op);
	hang_up(&ann);
	hang_up(&bob);
	hang_up(&late);
	reopen(&s);
	OK(has(&s.did, "apply f 51 bytes\n") && !has(&s.did, "check"),
	    "a restart knows nothing of dry runs");
	scene_close(&s);
}

static void
test_not_ready(void)
{
	struct doc_spec spec;
	struct wire op, ann, bob;
	struct scene s;
	char text[128];

	scene_begin(&s);
	ann = login(&s, "ann");
	bob = login(&s, "bob");
	op = dial(&s, INSIDE);
	s.apply_with = RESULT_FAILED;
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	OK(heard(&op, "PROGRESS server failed\n") &&
		has(&op.got, "DONE failed\n") && !heard(&ann, "CHECK"),
	    "a server part that would fail: no client is asked");
	OK(has(&s.log, "(f): server part, in a dry run, failed: a report\n"),
	    "the host's log tells why");
	s.apply_with = RESULT_READY;
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	snprintf(text, sizeof text,
	    "RESULT %" PRIu64 " failed\nlength: 3\n\nbad\n", spec.id);
	say(&ann, text);
	OK(!heard(&op, "PROGRESS error"), "one failed, the other is asked "
					  "still");
	result(&bob, spec.id, "ready");
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 1\nmissing: 0\n\n"
		      "PROGRESS error\nresult: failed\n") &&
		has(&op.got, "\nbad\nDONE failed\n"),
	    "then it is told what failed");
	snprintf(text, sizeof text, "DROP %" PRIu64 "\n", spec.id);
	OK(heard(&bob, text), "and those that were ready forget it");

	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "ready");
	snprintf(text, sizeof text,
	    "RESULT %" PRIu64 " refused full\ntext: no room\n\n", spec.id);
	say(&bob, text);
	OK(heard(&op, "result: refused full\ncount: 1\n") &&
		has(&op.got, "\nno room\nDONE failed\n"),
	    "a refusal is told with its text");

	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	buf_reset(&op.got);
	result(&ann, spec.id, "have");
	result(&bob, spec.id, "crashed");
	OK(heard(&op, "applied: 1\ndeferred: 0\nfailed: 1\nmissing: 0\n") &&
		has(&op.got, "result: crashed\n") && !is_over(&ann) &&
		!is_over(&bob),
	    "have and crashed are what an UPDATE would get");

	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&ann);
	ann = login(&s, "ann");
	buf_reset(&op.got);
	result(&bob, spec.id, "ready");
	pass(&s, 10500);
	OK(heard(&op, "missing: 1\n\nDONE failed\n"),
	    "who broke off has forgotten it, and is missing");
	OK(!heard(&ann, "DROP"), "so it is told nothing");
	buf_reset(&op.got);
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "applied");
	OK(heard(&ann, "ERROR syntax\n") && is_over(&ann),
	    "a CHECK is not answered with a change");
	hang_up(&ann);
	hang_up(&bob);
	pass(&s, 11000);
	OK(heard(&op, "DONE failed\n") && host_nclients(s.host) == 0,
	    "everybody may go meanwhile");
	buf_reset(&op.got);
	spec = dry(&s, "f");
	spec.parts[DOC_CLIENT].bytes = NULL;
	send_push(&op, &spec, 1);
	OK(heard(&op, "DONE dry-run\n"), "a server part alone");
	hang_up(&op);
	scene_close(&s);
}

static void
test_refused(void)
{
	struct doc_spec one, spec;
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct wire op, op2, ann;
	struct scene s;
	struct buf doc = BUF_INIT;
	size_t head_len;
	struct err e;

	scene_begin(&s);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	s.apply_with = RESULT_READY;
	spec = dry(&s, "f");
	spec.id = one.id - 1;
	OK(push_gets(&s, &spec, "DONE refused stale\n"),
	    "what would be refused is refused");
	mkdir("seeds", 0700);
	spec = dry(&s, "f");
	world_document(&doc, &head_len, &spec, 1);
	file_write("seeds/a", doc.data, doc.len, 0600, &e);
	buf_reset(&s.did);
	host_seed(s.host, "seeds", &e);
	OK(!has(&s.did, "check") && has(&s.log, "refused: unsupported"),
	    "and there is none in a seed folder");

	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	ann = login(&s, "ann");
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	one = update_spec(&s, "g");
	send_push(&op2, &one, 1);
	OK(heard(&op2, "ERROR busy\n"), "it takes the one place for pushes");
	spec = about_spec(&s, "f", 12345, 0);
	send_push(&op2, &spec, 1);
	OK(heard(&op, "DONE reverted\n") && heard(&ann, "DROP ") &&
		heard(&op2, "DONE reverted\n"),
	    "a revert of its feature does not wait for it");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	host_free(s.host);

	c = config(&s, &none);
	c.cb.apply = NULL;
	scene_open(&s, &c);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = dry(&s, "h");
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "ready");
	OK(heard(&op, "PROGRESS server refused not-for-me\n") &&
		has(&op.got, "DONE dry-run\n"),
	    "a host without a program asks its clients");
	hang_up(&op);
	hang_up(&ann);
	buf_free(&doc);
	scene_close(&s);
}

/* The program answers later. */
static void
test_later(void)
{
	struct doc_spec spec, rev;
	struct wire op, op2, ann;
	struct scene s;

	scene_begin(&s);
	s.later = 1;
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	OK(has(&s.did, "check f") && !heard(&ann, "CHECK"),
	    "clients are asked when the program has answered");
	answer(&s, spec.id, RESULT_READY);
	OK(heard(&ann, "CHECK"), "then they are");
	result(&ann, spec.id, "ready");
	OK(heard(&op, "DONE dry-run\n"), "and it is done");

	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	rev = about_spec(&s, "f", 12345, 0);
	send_push(&op2, &rev, 1);
	OK(has(&s.did, "cancel ") && heard(&op, "DONE reverted\n") &&
		heard(&op2, "DONE reverted\n"),
	    "a revert meanwhile cancels it");
	buf_reset(&ann.got);
	answer(&s, spec.id, RESULT_READY);
	OK(!heard(&ann, "CHECK"), "an answer after that is nobody's");

	buf_reset(&s.did);
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	pass(&s, 59000);
	OK(!has(&s.did, "cancel"), "the program may take its time");
	pass(&s, 2000);
	OK(has(&s.did, "cancel ") && heard(&op, "PROGRESS server hung\n") &&
		has(&op.got, "DONE failed\n"),
	    "but not for ever");

	buf_reset(&s.did);
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	host_shutdown(s.host);
	OK(has(&s.did, "cancel ") && heard(&op, "ERROR shutdown\n") &&
		!has(&op.got, "DONE shutdown"),
	    "a host that ends does not wait");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	reopen(&s);
	OK(s.host != NULL && !has(&s.did, "apply"), "and nothing is left");
	scene_close(&s);
}

/* Killed after each line of the ledger: nothing of a dry run is left. */
static void
test_killed(void)
{
	struct buf whole, live = BUF_INIT;
	struct doc_spec one, spec;
	struct wire op, ann;
	struct scene s;
	char path[64];
	size_t i, n = 0;
	int good = 1;
	struct err e;

	scene_begin(&s);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	whole = ledger();
	n = whole.len;
	buf_free(&whole);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	s.apply_with = RESULT_READY;
	spec = dry(&s, "f");
	send_push(&op, &spec, 1);
	result(&ann, spec.id, "ready");
	OK(heard(&op, "DONE dry-run\n"), "a dry run");
	whole = ledger();
	snprintf(path, sizeof path, "state/updates/%" PRIu64, one.id);
	file_read(path, 1 << 20, &live, &e);
	hang_up(&op);
	hang_up(&ann);
	s.apply_with = RESULT_APPLIED;
	for (i = n; i <= whole.len; i++) {
		if (whole.data[i - 1] != '\n')
			continue;
		host_free(s.host);
		if (system("rm -rf state; mkdir -m 700 -p state/updates") != 0)
			good = 0;
		file_write(path, live.data, live.len, 0600, &e);
		file_write("state/ledger", whole.data, i, 0600, &e);
		buf_reset(&s.did);
		buf_reset(&s.log);
		if (scene_open(&s, NULL) != 0) {
			good = 0;
			break;
		}
		if (!has(&s.did, "apply f") || has(&s.did, "check") ||
		    has(&s.log, "cut off") || is_there(spec.id))
			good = 0;
	}
	OK(good, "at each line the host starts with what was live");
	spec.extra = NULL;
	OK(push_gets(&s, &spec, "DONE applied\n"),
	    "and the id is free for an update");
	buf_free(&whole);
	buf_free(&live);
	scene_close(&s);
}

int
main(void)
{
	test_again();
	test_all_ready();
	test_not_ready();
	test_refused();
	test_later();
	test_killed();
	return tap_done();
}
