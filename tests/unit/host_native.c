/*
 * Documents with a native part: for this executable, for another one, for a
 * host without a program, over restarts with the same build and with another.
 */

#include "tests/scene.h"

#include <unistd.h>

static const char *build; /* of the executable that runs; what is for it
			   * begins so */

static enum word
on_native(void *arg, const struct doc *d, const void *part, size_t len,
    struct refusal *why)
{
	(void)arg;
	(void)d;
	return len >= strlen(build) && memcmp(part, build, strlen(build)) == 0
		   ? WORD_OK
		   : refuse(why, WORD_NOT_FOR_ME, "made for another build");
}

static void
on_status(void *arg, struct buf *out)
{
	(void)arg;
	buf_puts(out, "patchable: yes\n");
}

static void
open_as(struct scene *s, const char *now, int no_script)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c = config(s, &none);

	build = now;
	c.no_script = no_script;
	c.cb.native = on_native;
	c.cb.status = on_status;
	scene_open(s, &c);
}

static void
reopen_as(struct scene *s, const char *now)
{
	host_free(s->host);
	buf_reset(&s->did);
	buf_reset(&s->log);
	open_as(s, now, 0);
}

/* As by kill -9: without a word of farewell in its folder. */
static void
kill_and_reopen_as(struct scene *s, const char *now)
{
	if (system("rm -rf killed; cp -r state killed") != 0)
		printf("# no copy\n");
	host_free(s->host);
	if (system("rm -rf state; mv killed state") != 0)
		printf("# the copy stays\n");
	buf_reset(&s->did);
	buf_reset(&s->log);
	open_as(s, now, 0);
}

/* server, client: with such parts too. */
static struct doc_spec
native_spec(struct scene *s, const char *feature, const char *native,
    int server, int client)
{
	struct doc_spec spec = update_spec(s, feature);

	if (!server)
		spec.parts[DOC_SERVER].bytes = NULL;
	if (!client)
		spec.parts[DOC_CLIENT].bytes = NULL;
	spec.parts[DOC_NATIVE].bytes = native;
	spec.parts[DOC_NATIVE].len = strlen(native);
	return spec;
}

static void
test_alone(void)
{
	struct doc_spec spec, back;
	char line[128];
	struct wire ann;
	struct scene s;

	scene_clear(&s);
	open_as(&s, "A", 0);
	ann = login(&s, "ann");
	spec = native_spec(&s, "f", "A1", 0, 0);
	OK(push_gets(&s, &spec, "PROGRESS server applied\n"),
	    "a native part alone is applied");
	IS_STR(buf_text(&s.did),
	    "join ann\napply f native A1\nupdated f applied\n",
	    "by the program, which is given nothing else");
	OK(!heard(&ann, "UPDATE"), "no client hears of it");
	IS(ledger_count(" server-applied id="), 1, "the ledger has it");
	IS(ledger_count(" native=a%20report\n"), 1,
	    "with what the patch did: the first line of its report");
	OK(status_has(&s, " f live server=applied "), "STATUS has it");
	OK(status_has(&s, "\npatchable: yes\n"),
	    "and what the program says of itself");
	buf_reset(&s.did);
	back = about_spec(&s, "f", spec.id, 0);
	OK(push_gets(&s, &back, "PROGRESS server reverted\n"),
	    "it is taken back");
	OK(has(&s.did, "revert "), "by the program");
	snprintf(line, sizeof line, "update %" PRIu64 " (f): server part %s",
	    spec.id, "reverted");
	OK(has(&s.log, line), "and the log tells which one left");
	hang_up(&ann);
	scene_close(&s);
}

static void
test_with_server(void)
{
	struct doc_spec spec;
	struct scene s;

	scene_clear(&s);
	open_as(&s, "A", 0);
	spec = native_spec(&s, "f", "A1", 1, 0);
	OK(push_gets(&s, &spec, "DONE applied\n") &&
		has(&s.did, "apply f native A1 51 bytes\n"),
	    "both parts of a host come in one step");
	buf_reset(&s.did);
	spec = native_spec(&s, "f", "A2", 0, 0);
	OK(push_gets(&s, &spec, "DONE applied\n") &&
		has(&s.did, "apply f native A2 drop "),
	    "a native part alone takes the place of both");
	spec = native_spec(&s, "g", "A3", 1, 0);
	s.apply_with = RESULT_FAILED;
	OK(push_gets(&s, &spec, "DONE failed\n") && !is_there(spec.id),
	    "what fails is forgotten");
	scene_close(&s);
}

static void
test_foreign(void)
{
	struct doc_spec one, spec;
	struct scene s;
	struct wire ann, op;
	char text[128];

	scene_clear(&s);
	open_as(&s, "A", 0);
	ann = login(&s, "ann");
	one = native_spec(&s, "f", "A1", 0, 1);
	OK(push_gets(&s, &one, "PROGRESS server applied\n"), "one that is");
	buf_reset(&s.did);
	spec = native_spec(&s, "f", "B1", 1, 0);
	OK(push_gets(&s, &spec,
	       "DONE refused not-for-me\ntext: made for another build\n"),
	    "one that is for another executable is refused, and why");
	OK(ledger_count(" received ") == 1 && !has(&s.did, "apply"),
	    "nothing was done");

	buf_reset(&ann.got);
	op = dial(&s, INSIDE);
	spec = native_spec(&s, "f", "B1", 1, 1);
	send_push(&op, &spec, 1);
	OK(heard(&op, "PROGRESS server refused not-for-me\n") &&
		heard(&op, "\nlength: 22\n\nmade for another build\n"),
	    "with a client part it comes in, and the host's part does not");
	snprintf(text, sizeof text, "UPDATE %" PRIu64 "\n", spec.id);
	OK(heard(&ann, text) && heard(&ann, "\nnative: 2 ") &&
		heard(&ann, "c::d") && !heard(&ann, "a::b") &&
		!heard(&ann, "B1"),
	    "clients are sent the head and their own part");
	result(&ann, spec.id, "applied");
	OK(heard(&op, "DONE applied\n"), "it goes on its way");
	hang_up(&op);
	IS_STR(buf_text(&s.did), "", "the program was asked for nothing");
	OK(status_has(&s, " f live server=not-for-me ") &&
		status_has(&s, " f live server=applied "),
	    "what is for this host stays in force");
	OK(is_there(one.id), "and its document in the folder");
	hang_up(&ann);

	reopen_as(&s, "A");
	IS_STR(buf_text(&s.did), "apply f native A1\n",
	    "a restart applies that one alone");
	OK(has(&s.log, "not-for-me: made for another build; this host's part "
		       "of it is left out\n"),
	    "and says so of the other");
	reopen_as(&s, "B");
	IS_STR(buf_text(&s.did), "apply f native B1 51 bytes\n",
	    "the other executable is given its own");
	scene_close(&s);
}

/* The mended program was built from source meanwhile. */
static void
test_other_build(void)
{
	struct doc_spec one, two, spec;
	struct scene s;
	char text[128];
	uint64_t old;

	scene_clear(&s);
	open_as(&s, "A", 0);
	one = native_spec(&s, "f", "A1", 0, 0);
	old = one.id;
	push_gets(&s, &one, "DONE applied\n");
	two = update_spec(&s, "g");
	push_gets(&s, &two, "DONE applied\n");
	reopen_as(&s, "A");
	IS_STR(buf_text(&s.did), "apply f native A1\napply g 51 bytes\n",
	    "the same build is patched again");
	reopen_as(&s, "B");
	IS_STR(buf_text(&s.did), "apply g 51 bytes\n",
	    "another build is not, and the start goes on");
	snprintf(text, sizeof text,
	    "update %" PRIu64 " (f): not-for-me: made for another build; ",
	    one.id);
	OK(has(&s.log, text), "it is reported");
	OK(status_has(&s, " f live server=not-for-me "), "STATUS tells it");
	spec = native_spec(&s, "f", "B1", 0, 0);
	OK(push_gets(&s, &spec, "DONE applied\n") &&
		has(&s.did, "apply f native B1\n"),
	    "a patch for the new build has nothing to drop");
	OK(is_there(one.id), "the old one stays for the old build");
	one = native_spec(&s, "f", "B2", 0, 0);
	OK(push_gets(&s, &one, "DONE applied\n") && !is_there(spec.id),
	    "one that is for the same build is covered");
	spec = about_spec(&s, "f", old, 0);
	OK(push_gets(&s, &spec, "DONE reverted\n") && !has(&s.did, "revert"),
	    "what is for the old build may be reverted: nothing leaves");
	scene_close(&s);
}

/* A patch that kills the program soon after the start. */
static void
test_crashes(void)
{
	struct doc_spec spec;
	struct scene s;
	struct wire op;

	scene_clear(&s);
	open_as(&s, "A", 0);
	op = dial(&s, INSIDE);
	spec = native_spec(&s, "f", "A1", 0, 0);
	send_push(&op, &spec, 1);
	hang_up(&op);
	kill_and_reopen_as(&s, "B");
	IS(ledger_count(" trying "), 0, "what is left out is not tried");
	kill_and_reopen_as(&s, "A");
	OK(has(&s.did, "apply f") && ledger_count(" trying ") == 1,
	    "a patch is marked before it is tried");
	kill_and_reopen_as(&s, "A");
	kill_and_reopen_as(&s, "A");
	OK(!has(&s.did, "apply") && has(&s.log, "(f): left out, crashed") &&
		status_has(&s, " f live server=crashed "),
	    "after two starts that proved nothing it is left out");
	scene_close(&s);
}

static void
test_no_program(void)
{
	struct doc_spec spec;
	struct wire op;
	struct scene s;

	scene_clear(&s);
	open_as(&s, "A", 1);
	spec = native_spec(&s, "f", "A1", 0, 0);
	OK(push_gets(&s, &spec, "DONE applied\n") &&
		has(&s.did, "apply f native A1\n"),
	    "a host without a program is patched all the same");
	buf_reset(&s.did);
	spec = update_spec(&s, "g");
	spec.parts[DOC_CLIENT].bytes = NULL;
	OK(push_gets(&s, &spec,
	       "DONE refused not-for-me\ntext: the server part is for program "
	       "* version *, this host runs none "),
	    "it takes no server part");
	spec = native_spec(&s, "g", "A1", 1, 0);
	OK(push_gets(&s, &spec, "DONE refused not-for-me\n"),
	    "and nothing that comes with one");
	op = dial(&s, INSIDE);
	spec = native_spec(&s, "g", "A1", 1, 1);
	send_push(&op, &spec, 1);
	OK(heard(&op, "PROGRESS server refused not-for-me\n") &&
		heard(&op, "DONE applied\n"),
	    "what is for clients is passed on");
	hang_up(&op);
	IS_STR(buf_text(&s.did), "", "the program was asked for nothing");
	scene_close(&s);
}

static void
test_not_patchable(void)
{
	struct doc_spec spec;
	struct scene s;

	scene_begin(&s);
	spec = native_spec(&s, "f", "A1", 1, 0);
	OK(push_gets(&s, &spec,
	       "DONE refused unsupported\ntext: the executable of this host "
	       "cannot be patched\n"),
	    "a host that cannot patch itself says so");
	spec = native_spec(&s, "f", "A1", 1, 1);
	OK(push_gets(&s, &spec, "PROGRESS server refused not-for-me\n"),
	    "also where clients have something of it");
	OK(!has(&s.did, "apply"), "not even its server part is applied");
	OK(status_has(&s, " f live server=left-out "), "STATUS tells it");
	scene_close(&s);
}

/* What is refused, or fails, is found in the ledger. */
static void
test_ledger(void)
{
	struct doc_spec spec, first;
	char line[256];
	struct scene s;
	int i;

	scene_clear(&s);
	open_as(&s, "A", 0);
	first = spec = native_spec(&s, "f", "B1", 0, 0);
	push_gets(&s, &spec, "DONE refused not-for-me\n");
	snprintf(line, sizeof line,
	    " refused id=%" PRIu64 " kind=update feature=f key=dev1 "
	    "from=127.0.0.1 word=not-for-me why=made%%20for%%20another%%20"
	    "build\n",
	    spec.id);
	OK(ledger_count(line) == 1, "a patch that is refused is in the ledger");
	push_gets(&s, &spec, "DONE refused not-for-me\n");
	IS(ledger_count(" refused "), 1, "once, however often it is sent");
	spec.zone = "west";
	push_gets(&s, &spec, "DONE refused not-for-me\n");
	IS(ledger_count(" refused "), 1, "for whatever reason of this word");

	spec = native_spec(&s, "g", "A1", 0, 0);
	spec.zone = "west";
	push_gets(&s, &spec, "DONE refused not-for-me\n");
	snprintf(line, sizeof line,
	    "document %" PRIu64 " from 127.0.0.1 refused: not-for-me: ",
	    spec.id);
	OK(ledger_count(" why=it%20is%20for%20zone%20west,") == 1 &&
		has(&s.log, line),
	    "so is what is refused at its head, and the log has its id");
	spec = update_spec(&s, "h");
	spec.needs = "5";
	push_gets(&s, &spec, "DONE refused needs\n");
	IS(ledger_count(" word=needs why="), 1, "and what has no native part");
	spec = about_spec(&s, "h", 0, 77);
	push_gets(&s, &spec, "DONE refused unknown\n");
	IS(ledger_count(" kind=retire feature=h "), 1, "or is no update");
	spec = native_spec(&s, "f", "B1", 0, 0);
	spec.dry_run = 1;
	push_gets(&s, &spec, "DONE refused not-for-me\n");
	IS(ledger_count(" kind=dry-run feature=f "), 1, "or is tried only");

	/* What everybody can do who has seen an old one. */
	i = ledger_count("\n");
	spec = native_spec(&s, "f", "A1", 0, 0);
	spec.id -= UINT64_C(25) * 3600 * 1000000;
	push_gets(&s, &spec, "DONE refused stale\n");
	spec = native_spec(&s, "f", "A1", 0, 0);
	spec.expires_us = (int64_t)spec.id - 1;
	push_gets(&s, &spec, "DONE refused expired\n");
	IS(ledger_count("\n"), i, "old ones that are sent again are not");

	s.apply_with = RESULT_FAILED;
	spec = native_spec(&s, "f", "A1", 0, 0);
	push_gets(&s, &spec, "DONE failed\n");
	IS(ledger_count(" why=server%20part%20failed:%20a%20report\n"), 1,
	    "what failed is, with the first line of why");
	s.silent = 1;
	spec = native_spec(&s, "f", "A1", 0, 0);
	push_gets(&s, &spec, "DONE failed\n");
	IS(ledger_count(" why=server%20part%20failed\n"), 1,
	    "or without, where nothing was said");
	spec = native_spec(&s, "f", "A1", 0, 0);
	spec.dry_run = 1;
	push_gets(&s, &spec, "DONE failed\n");
	IS(ledger_count(" missing=0\n"), 1, "of a dry run likewise");
	s.silent = 0;
	spec = native_spec(&s, "f", "A1", 0, 0);
	spec.dry_run = 1;
	push_gets(&s, &spec, "DONE failed\n");
	IS(ledger_count(" missing=0 why=a%20report\n"), 1, "a line of why");

	reopen_as(&s, "B");
	s.apply_with = RESULT_APPLIED;
	OK(push_gets(&s, &first, "DONE applied\n"),
	    "a start passes over all that");
	for (i = 0; i < HOST_REFUSED; i++) {
		spec = native_spec(&s, "f", "A1", 0, 0);
		push_gets(&s, &spec, "DONE refused not-for-me\n");
		if (i == 0)
			first = spec;
	}
	i = ledger_count(" refused ");
	push_gets(&s, &first, "DONE refused not-for-me\n");
	IS(ledger_count(" refused "), i, "so many are remembered");
	spec = native_spec(&s, "f", "A1", 0, 0);
	push_gets(&s, &spec, "DONE refused not-for-me\n");
	push_gets(&s, &first, "DONE refused not-for-me\n");
	IS(ledger_count(" refused "), i + 2, "and no more");
	scene_close(&s);
}

static void
test_dry_run(void)
{
	struct doc_spec spec;
	struct scene s;

	scene_clear(&s);
	open_as(&s, "A", 0);
	s.apply_with = RESULT_READY;
	spec = native_spec(&s, "f", "A1", 1, 0);
	spec.dry_run = 1;
	OK(push_gets(&s, &spec, "DONE dry-run\n") &&
		has(&s.did, "check f native A1 51 bytes\n"),
	    "a dry run asks for both");
	spec = native_spec(&s, "f", "B1", 1, 0);
	spec.dry_run = 1;
	OK(push_gets(&s, &spec, "DONE refused not-for-me\n"),
	    "of another executable there is none");
	scene_close(&s);
}

/* The version is looked at before the build. */
static void
test_version(void)
{
	struct doc_spec spec;
	struct scene s;

	scene_clear(&s);
	open_as(&s, "A", 0);
	spec = native_spec(&s, "f", "B1", 0, 0);
	spec.server_version = "9";
	OK(push_gets(&s, &spec,
	       "DONE refused not-for-me\ntext: the server part is for program "
	       "* version 9, "),
	    "a part for another version is told as that");
	spec = native_spec(&s, "f", "B1", 0, 1);
	spec.server_version = "9";
	OK(push_gets(&s, &spec,
	       "PROGRESS server refused not-for-me\ntook: 0.000000\n\n"),
	    "also where it is passed on: without a word on the build");
	scene_close(&s);
}

int
main(void)
{
	test_alone();
	test_with_server();
	test_foreign();
	test_other_build();
	test_crashes();
	test_no_program();
	test_not_patchable();
	test_ledger();
	test_dry_run();
	test_version();
	return tap_done();
}
