/*
 * A program that answers a push later: never, twice, too late, while the
 * operator goes, a revert comes, the host ends.
 */

#include "tests/scene.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
open_later(struct scene *s)
{
	scene_clear(s);
	scene_open(s, NULL);
	s->later = 1;
}

static void
test_answer(void)
{
	struct doc_spec one, spec;
	struct wire op, op2, ann, bob;
	struct scene s;
	char text[128];

	open_later(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	one = update_spec(&s, "f");
	send_push(&op, &one, 1);
	OK(has(&s.did, "apply f"), "the program is asked");
	OK(!heard(&op, "PROGRESS") && !heard(&ann, "UPDATE") &&
		ledger_has(" received ") && !ledger_has("server-applied"),
	    "nothing more happens until it answers");
	bob = login(&s, "bob");
	OK(heard(&bob, "updates: 0\n"), "logins go on, and get what is live");
	spec = update_spec(&s, "g");
	send_push(&op2, &spec, 1);
	snprintf(text, sizeof text,
	    "ERROR busy\ntext: %" PRIu64 " (f) is being pushed; try again\n\n",
	    one.id);
	OK(heard(&op2, text), "other operators get busy, and why");
	say(&op2, "STATUS\n\n");
	snprintf(text, sizeof text, "push: %" PRIu64 "\n", one.id);
	OK(heard(&op2, text) && has(&op2.got, " f pending server=pending "),
	    "STATUS tells what runs");
	s.rehearsed_ns = 1234567000;
	answer(&s, one.id + 1, RESULT_APPLIED);
	OK(!heard(&op, "PROGRESS"), "an answer to something else is ignored");
	answer(&s, one.id, RESULT_APPLIED);
	OK(heard(&op, "PROGRESS server applied\ntook: 0.000000\n"
		      "rehearsed: 1.234567\nstall: 0.012345\nlength: 8\n"),
	    "the answer is told");
	OK(ledger_has("server-applied") && heard(&ann, "UPDATE ") &&
		heard(&bob, "UPDATE "),
	    "then it goes on its way");
	answer(&s, one.id, RESULT_FAILED);
	s.rehearsed_ns = 0;
	result(&ann, one.id, "applied");
	result(&bob, one.id, "applied");
	OK(heard(&op, "DONE applied\n"), "a second answer is ignored");
	answer(&s, one.id, RESULT_FAILED);
	buf_reset(&op2.got);
	say(&op2, "STATUS\n\n");
	OK(heard(&op2, " f live server=applied "), "a third, too");

	buf_reset(&s.did);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	answer(&s, spec.id, RESULT_FAILED);
	OK(heard(&op, "DONE failed\n") && !is_there(spec.id),
	    "a failure is the end of it");
	buf_reset(&op2.got);
	say(&op2, "STATUS\n\n");
	OK(heard(&op2, " f live server=applied ") && !has(&op2.got, "pending"),
	    "what ran before runs still");
	hang_up(&op);
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	answer(&s, spec.id, RESULT_HAVE);
	OK(heard(&op, "PROGRESS server applied\ntook: 0.000000\nlength: 8\n"),
	    "have is applied; what was not rehearsed has no times for it");
	result(&ann, spec.id, "applied");
	result(&bob, spec.id, "applied");
	buf_reset(&op2.got);
	say(&op2, "STATUS\n\n");
	OK(!heard(&op2, "server=pending"), "it is over");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	hang_up(&bob);
	scene_close(&s);
}

static void
test_gone(void)
{
	struct doc_spec spec;
	struct wire op, ann;
	struct scene s;

	open_later(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	hang_up(&op);
	hang_up(&ann);
	answer(&s, spec.id, RESULT_APPLIED);
	OK(has(&s.log, "(f): applied; clients: 0 targeted"),
	    "the operator may go: the host finishes alone");

	op = dial(&s, INSIDE);
	spec = update_spec(&s, "g");
	send_push(&op, &spec, 1);
	pass(&s, 59500);
	OK(!heard(&op, "DONE") && !is_over(&op),
	    "the program may take its time, and the operator with it");
	pass(&s, 1000);
	OK(has(&s.did, "cancel ") && heard(&op, "PROGRESS server hung\n") &&
		has(&op.got, "the program did not answer") &&
		has(&op.got, "DONE failed\n"),
	    "but one that never answers hung");
	answer(&s, spec.id, RESULT_APPLIED);
	OK(ledger_has(" taken-back ") && !has(&s.did, "updated g"),
	    "and an answer after that is nobody's");
	s.later = 0;
	OK(push_gets(&s, &spec, "DONE applied\n"), "the id may come again");
	hang_up(&op);
	scene_close(&s);
}

static void
test_revert_meanwhile(void)
{
	struct doc_spec one, spec, rev;
	struct wire op, op2, ann;
	struct scene s;
	char text[64];

	open_later(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	one = update_spec(&s, "f");
	send_push(&op, &one, 1);
	rev = about_spec(&s, "other", 12345, 0);
	send_push(&op2, &rev, 1);
	OK(!has(&s.did, "cancel") && !heard(&op2, "DONE"),
	    "a revert of another feature waits for the answer");
	answer(&s, one.id, RESULT_APPLIED);
	result(&ann, one.id, "applied");
	OK(heard(&op2, "DONE reverted\n"), "and has its turn then");

	spec = update_spec(&s, "f");
	buf_reset(&op.got);
	buf_reset(&op2.got);
	send_push(&op, &spec, 1);
	rev = about_spec(&s, "f", spec.id, 0);
	send_push(&op2, &rev, 1);
	OK(has(&s.did, "cancel ") && heard(&op, "DONE reverted\n"),
	    "one of its own feature ends it");
	OK(heard(&op2, "DONE reverted\n"), "and is carried out");
	OK(!is_there(spec.id) && !has(&s.did, "revert "),
	    "there was nothing to take back");
	answer(&s, spec.id, RESULT_APPLIED);
	OK(!has(&s.did, "updated f applied\nupdated f applied"),
	    "the answer is ignored");
	buf_reset(&op2.got);
	say(&op2, "STATUS\n\n");
	snprintf(text, sizeof text, "%" PRIu64 " f live server=applied ",
	    one.id);
	OK(heard(&op2, text), "what ran before runs still");
	hang_up(&op);
	op = dial(&s, INSIDE);
	send_push(&op, &spec, 1);
	OK(heard(&op, "DONE refused reverted\n"),
	    "what was reverted does not come in");
	hang_up(&op);
	hang_up(&op2);
	hang_up(&ann);
	scene_close(&s);
}

static void
test_end_meanwhile(void)
{
	struct doc_spec spec, rev;
	struct wire op, op2;
	struct scene s;

	open_later(&s);
	op = dial(&s, INSIDE);
	op2 = dial(&s, INSIDE);
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	rev = about_spec(&s, "g", 12345, 0);
	send_push(&op2, &rev, 1);
	host_shutdown(s.host);
	OK(has(&s.did, "cancel ") && heard(&op, "ERROR shutdown\n") &&
		!has(&op.got, "DONE"),
	    "a host that ends cancels the answer and says why");
	OK(ledger_has("why=the%%20host%%20ends") && !is_there(spec.id),
	    "the document is forgotten");
	OK(!ledger_has("released"), "and what waited does not begin");
	answer(&s, spec.id, RESULT_APPLIED);
	hang_up(&op);
	hang_up(&op2);
	reopen(&s);
	OK(s.host != NULL && !has(&s.did, "apply"), "the next start is clean");

	op = dial(&s, INSIDE);
	send_push(&op, &spec, 1);
	hang_up(&op);
	host_free(s.host);
	OK(has(&s.did, "cancel "), "freed, it cancels too");
	buf_reset(&s.did);
	scene_open(&s, NULL);
	OK(has(&s.log, "its push was cut off; taken back") &&
		!has(&s.did, "apply"),
	    "the next start takes it back");
	scene_close(&s);
}

/* Seeds come in one after the other, however slow the program is otherwise. */
static void
test_seeds(void)
{
	struct doc_spec spec;
	struct buf doc = BUF_INIT;
	struct scene s;
	size_t head_len;
	struct err e;

	open_later(&s);
	if (system("rm -rf seeds; mkdir seeds") != 0)
		printf("# the seeds stay\n");
	spec = update_spec(&s, "f");
	world_document(&doc, &head_len, &spec, 1);
	file_write("seeds/a", doc.data, doc.len, 0600, &e);
	buf_reset(&doc);
	spec = update_spec(&s, "g");
	world_document(&doc, &head_len, &spec, 1);
	file_write("seeds/b", doc.data, doc.len, 0600, &e);
	OK(host_seed(s.host, "seeds", &e) == 0 &&
		has(&s.did, "updated f applied\n") &&
		has(&s.did, "updated g applied\n"),
	    "seeds are answered at once");
	buf_free(&doc);
	scene_close(&s);
}

/* From now on no file grows; 0 lifts that. */
static void
fill_disk(int full)
{
	struct rlimit l;
	struct stat st;

	getrlimit(RLIMIT_FSIZE, &l);
	stat("state/ledger", &st);
	l.rlim_cur = full ? (rlim_t)st.st_size : l.rlim_max;
	setrlimit(RLIMIT_FSIZE, &l);
}

/* The disk fails behind the answer: all is as before. */
static void
test_undo(void)
{
	struct doc_spec one, spec;
	struct wire op, ann;
	struct scene s;
	char text[128];

	signal(SIGXFSZ, SIG_IGN);
	open_later(&s);
	ann = login(&s, "ann");
	op = dial(&s, INSIDE);
	one = update_spec(&s, "f");
	send_push(&op, &one, 1);
	fill_disk(1);
	answer(&s, one.id, RESULT_APPLIED);
	fill_disk(0);
	snprintf(text, sizeof text, "revert %" PRIu64 "\n", short_id(one.id));
	OK(has(&s.did, text) && heard(&op, "DONE refused internal\n") &&
		!heard(&ann, "UPDATE"),
	    "what the ledger does not take leaves the program");
	hang_up(&op);
	op = dial(&s, INSIDE);
	send_push(&op, &one, 1);
	answer(&s, one.id, RESULT_APPLIED);
	result(&ann, one.id, "applied");
	OK(heard(&op, "DONE applied\n"), "with room it comes in");
	spec = update_spec(&s, "f");
	send_push(&op, &spec, 1);
	fill_disk(1);
	buf_reset(&s.did);
	answer(&s, spec.id, RESULT_DEFERRED);
	fill_disk(0);
	snprintf(text, sizeof text, "back f 51 bytes drop %" PRIu64 "\n",
	    short_id(spec.id));
	OK(has(&s.did, text) && heard(&op, "DONE refused internal\n"),
	    "what was there before is put back in one step");
	hang_up(&op);
	op = dial(&s, INSIDE);
	say(&op, "STATUS\n\n");
	snprintf(text, sizeof text, "%" PRIu64 " f live server=applied ",
	    one.id);
	OK(heard(&op, text), "and runs");
	hang_up(&op);
	hang_up(&ann);
	scene_close(&s);
}

int
main(void)
{
	test_answer();
	test_gone();
	test_revert_meanwhile();
	test_end_meanwhile();
	test_undo();
	test_seeds();
	return tap_done();
}
