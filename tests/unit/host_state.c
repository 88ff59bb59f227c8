/*
 * What a host remembers: restarts, crashes, what is lost or forged in the state
 * folder.
 */

#include "tests/scene.h"

#include <sys/stat.h>
#include <unistd.h>

static void
test_restart(void)
{
	struct doc_spec one, two, spec;
	struct scene s;
	struct wire w;
	char text[96];

	scene_begin(&s);
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

	scene_begin(&s);
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

/* A revert of an id that was never held bans it under its own feature only:
 * a key that is good for one feature reaches no other. */
static void
test_revert_of_another_feature(void)
{
	struct doc_spec one, spec;
	struct scene s;

	scene_begin(&s);
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

	scene_begin(&s);
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
	snprintf(text, sizeof text, "\t%" PRIu64 "\t-\t-\n", two.id);
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

	scene_begin(&s);
	one = update_spec(&s, "f");
	push_gets(&s, &one, "DONE applied\n");
	two = update_spec(&s, "g");
	push_gets(&s, &two, "DONE applied\n");
	spec = about_spec(&s, "f", one.id, 0);
	push_gets(&s, &spec, "DONE reverted\n");
	file_write("state/updates/123", "x", 1, 0600, &e);
	file_write("state/updates/9.new-aB3dEf", "x", 1, 0600, &e);
	file_write("state/updates/9.lua", "x", 1, 0600, &e);
	snprintf(path, sizeof path, "state/updates/%" PRIu64, one.id);
	unlink(path);
	reopen(&s);
	OK(s.host != NULL && has(&s.did, "apply g"),
	    "a document that is in force nowhere is not needed to start");
	OK(access("state/updates/123", F_OK) != 0 &&
		access("state/updates/9.new-aB3dEf", F_OK) != 0 &&
		access("state/updates/9.lua", F_OK) == 0,
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
	file_write("state/lock", "", 0, 0600, &e);
	scene_open(&s, NULL);
	OK(s.host == NULL && has(&s.log, "state: the folder of a client"),
	    "nor one in which a client writes");
	unlink("state/lock");
	scene_close(&s);
}

int
main(void)
{
	test_restart();
	test_crash();
	test_revert_of_another_feature();
	test_superseded_is_dropped();
	test_state_folder();
	return tap_done();
}
