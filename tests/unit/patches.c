/*
 * The patches of a host's updates, over a process that is played: what is live
 * in it is a list of names. Patches here have functions a, b, c at offsets
 * 1000, 2000 and 3000.
 */

#include "tests/tap.h"
#include "lua-host/patches.h"
#include "native/apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVE 16

/* --- the process ------------------------------------------------------------
 */

static struct {
	struct {
		char id[NATIVE_ID + 1];
		uint8_t digest[SHA512_SIZE];
		uint64_t funcs[NATIVE_FUNCS];
		size_t nfuncs;
	} live[LIVE];
	size_t n;
	struct buf did; /* "+p1 -p1" */
	int busy_at;    /* the so many-th change from now fails; 0: none */
	int busy_for;   /* and so many after it */
	enum native_code try_says;
} process;

static enum native_code
say(struct native_report *r, enum native_code code, const char *id,
    const char *text)
{
	memset(r, 0, sizeof *r);
	r->code = code;
	snprintf(r->text, sizeof r->text, "%s %s", text, id);
	return code;
}

static size_t
place(const char *id)
{
	size_t i;

	for (i = 0; i < process.n; i++)
		if (strcmp(process.live[i].id, id) == 0)
			break;
	return i;
}

static int
is_busy(void)
{
	if (process.busy_at == 0 || --process.busy_at > 0)
		return 0;
	if (process.busy_for-- > 0)
		process.busy_at = 1;
	return 1;
}

/* Of an id that is live: the same patch, or another one? */
static enum native_code
known(const struct native_patch *p, struct native_report *r)
{
	if (memcmp(process.live[place(p->id)].digest, p->digest, SHA512_SIZE))
		return say(r, NATIVE_ORDER, p->id, "another is live:");
	return say(r, NATIVE_DUP, p->id, "is live:");
}

enum native_code
native_try(const struct native_patch *p, struct native_report *r)
{
	if (place(p->id) < process.n)
		return known(p, r);
	return say(r, process.try_says, p->id, "tried");
}

enum native_code
native_apply(const struct native_patch *p, struct native_report *r)
{
	size_t i;

	if (place(p->id) < process.n)
		return known(p, r);
	if (is_busy())
		return say(r, NATIVE_BUSY, p->id, "busy:");
	buf_printf(&process.did, "+%s ", p->id);
	strcpy(process.live[process.n].id, p->id);
	memcpy(process.live[process.n].digest, p->digest, SHA512_SIZE);
	process.live[process.n].nfuncs = p->nfuncs;
	for (i = 0; i < p->nfuncs; i++)
		process.live[process.n].funcs[i] = p->funcs[i].off;
	process.n++;
	return say(r, NATIVE_OK, p->id, "applied");
}

static int
overlap(size_t a, size_t b)
{
	size_t i, k;

	for (i = 0; i < process.live[a].nfuncs; i++)
		for (k = 0; k < process.live[b].nfuncs; k++)
			if (process.live[a].funcs[i] ==
			    process.live[b].funcs[k])
				return 1;
	return 0;
}

enum native_code
native_revert(const char *id, struct native_report *r)
{
	size_t at = place(id), i;

	if (at == process.n)
		return say(r, NATIVE_NOTFOUND, id, "not live:");
	for (i = at + 1; i < process.n; i++)
		if (overlap(at, i))
			return say(r, NATIVE_ORDER, id,
			    "a later patch is over");
	if (is_busy())
		return say(r, NATIVE_BUSY, id, "busy:");
	buf_printf(&process.did, "-%s ", id);
	memmove(&process.live[at], &process.live[at + 1],
	    (process.n - at - 1) * sizeof process.live[0]);
	process.n--;
	return say(r, NATIVE_OK, id, "reverted");
}

enum native_code
native_status(struct native_report *r)
{
	return say(r, NATIVE_OK, "yes", "patchable:");
}

/* --- patches ----------------------------------------------------------------
 */

struct file {
	uint8_t bytes[8192];
	size_t len;
};

/* A patch file of this id; value tells it from others of the same id. */
static struct file
file_of(const char *id, const char *functions, const char *needs, uint8_t value)
{
	static uint8_t bytes[64];
	struct native_patch p;
	struct buf b = BUF_INIT;
	struct file f = {{0}, 0};
	struct err e = {ERR_NONE, ""};
	size_t i;

	memset(&p, 0, sizeof p);
	memset(bytes, value, sizeof bytes);
	strcpy(p.id, id);
	strcpy(p.needs, needs);
	p.build_id_len = 20;
	p.code = sizeof bytes;
	p.bytes = bytes;
	for (i = 0; functions[i] != '\0'; i++) {
		struct native_func *n = &p.funcs[p.nfuncs++];

		n->name[0] = functions[i];
		n->off = n->site = (uint64_t)(functions[i] - 'a' + 1) * 1000;
		n->size = 30;
		n->pad = 5;
		n->new_off = 0;
	}
	if (native_patch_format(&b, &p, &e) != 0 || b.len > sizeof f.bytes)
		printf("# no patch: %s\n", e.text);
	else
		memcpy(f.bytes, b.data, f.len = b.len);
	buf_free(&b);
	return f;
}

/* --- the host ---------------------------------------------------------------
 */

static struct patches *patches;
static struct buf text = BUF_INIT;

static void
begin(void)
{
	buf_free(&process.did);
	memset(&process, 0, sizeof process);
	patches_free(patches);
	patches = patches_new();
	buf_reset(&text);
}

/* What was done since it was asked last. */
static const char *
did(void)
{
	static char out[200];

	snprintf(out, sizeof out, "%s", buf_text(&process.did));
	buf_reset(&process.did);
	return out;
}

/* drop 0: nothing. */
static struct patches_change
change(uint64_t id, const struct file *f, const uint64_t *drop)
{
	return (struct patches_change){.id = id,
	    .file = f != NULL ? f->bytes : NULL,
	    .len = f != NULL ? f->len : 0,
	    .drop = drop,
	    .ndrop = drop != NULL};
}

static int
enter(uint64_t id, const struct file *f, uint64_t drop)
{
	struct patches_change c = change(id, f, drop != 0 ? &drop : NULL);
	int ret;

	buf_reset(&text);
	ret = patches_enter(patches, &c, &text);
	if (ret == 0)
		patches_keep(patches);
	return ret;
}

static int
leave(uint64_t id)
{
	int ret;

	buf_reset(&text);
	ret = patches_leave(patches, id, &text);
	if (ret == 0)
		patches_keep(patches);
	return ret;
}

static void
test_one(void)
{
	struct file f = file_of("p1", "a", "", 1);
	struct patches_change c = change(1, &f, NULL);
	uint8_t broken[] = "HOTFIX-NATIVE 2\n";

	begin();
	OK(patches_check(patches, &c, &text) == 0 && process.n == 0,
	    "a check changes nothing");
	IS_STR(buf_text(&text), "tried p1\n", "and tells what it saw");
	OK(enter(1, &f, 0) == 0, "it comes");
	IS_STR(buf_text(&text), "applied p1\n", "and says so in a line");
	OK(leave(1) == 0, "it leaves");
	IS_STR(did(), "+p1 -p1 ", "each is one change");
	OK(leave(1) == 0 && process.n == 0, "what is not there has left");
	c.file = broken;
	c.len = sizeof broken - 1;
	buf_reset(&text);
	OK(patches_check(patches, &c, &text) != 0 &&
		strncmp(buf_text(&text), "patch, line 1: ", 15) == 0,
	    "what is no patch is told in a line");
	OK(patches_enter(patches, &c, &text) != 0, "and does not come in");
	process.try_says = NATIVE_SPACE;
	c = change(1, &f, NULL);
	OK(patches_check(patches, &c, &text) != 0, "a check may say no");
	OK(enter(2, NULL, 1) == 0 && leave(2) == 0,
	    "updates without a patch come and go");
	IS_STR(did(), "", "and change nothing");
}

static void
test_fit(void)
{
	static const struct {
		enum native_code code;
		enum word word;
	} rows[] = {{NATIVE_OK, WORD_OK}, {NATIVE_BUILD, WORD_NOT_FOR_ME},
	    {NATIVE_ARCH, WORD_NOT_FOR_ME}, {NATIVE_PERM, WORD_UNSUPPORTED},
	    {NATIVE_DISABLED, WORD_UNSUPPORTED}, {NATIVE_MISMATCH, WORD_OK},
	    {NATIVE_SPACE, WORD_OK}, {NATIVE_NEEDS, WORD_OK}};
	struct file f = file_of("p1", "a", "", 1);
	struct refusal why;
	size_t i;

	begin();
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		process.try_says = rows[i].code;
		OK(patches_fit(f.bytes, f.len, &why) == rows[i].word,
		    "code %d: is it for this host?", (int)rows[i].code);
	}
	process.try_says = NATIVE_BUILD;
	patches_fit(f.bytes, f.len, &why);
	IS_STR(why.text, "tried p1", "with the reason");
	IS(patches_fit("x", 1, &why), WORD_OK, "what is no patch is nobody's");
}

static void
test_superseded(void)
{
	struct file f1 = file_of("p1", "ab", "", 1);
	struct file f2 = file_of("p2", "abc", "", 2);
	struct file f3 = file_of("p3", "a", "", 3);

	begin();
	enter(1, &f1, 0);
	OK(enter(2, &f2, 1) == 0, "one that has all functions of another");
	IS_STR(did(), "+p1 +p2 ", "lies over it: none of them is ever bare");
	OK(leave(2) == 0, "when it leaves");
	IS_STR(did(), "-p2 -p1 ", "both do");

	begin();
	enter(1, &f1, 0);
	OK(enter(3, &f3, 1) == 0, "one that has not");
	IS_STR(did(), "+p1 -p1 +p3 ", "takes its place");
	OK(enter(4, NULL, 3) == 0, "one without any");
	IS_STR(did(), "-p3 ", "takes it off");

	begin();
	enter(1, &f1, 0);
	enter(2, &f2, 1);
	did();
	OK(enter(3, &f3, 2) == 0, "with what lies below");
	IS_STR(did(), "-p2 -p1 +p3 ", "both leave, the upper one first");

	begin();
	enter(1, &f3, 0);
	enter(2, &f1, 1);
	enter(3, &f2, 2);
	IS_STR(did(), "+p3 +p1 +p2 ", "three, each over the one before");
	leave(3);
	IS_STR(did(), "-p2 -p1 -p3 ", "leave together");
}

static void
test_order(void)
{
	struct file f1 = file_of("p1", "a", "", 1);
	struct file f2 = file_of("p2", "a", "", 2);
	struct file f3 = file_of("p3", "b", "", 3);

	begin();
	enter(1, &f1, 0);
	enter(2, &f2, 0);
	did();
	OK(leave(1) != 0 && strstr(buf_text(&text), "a later patch is over"),
	    "what another feature's patch lies over does not leave");
	OK(strstr(buf_text(&text), "\nrevert update 2 first\n"),
	    "and the update is named that has to leave before");
	OK(enter(3, &f3, 1) != 0, "nor for a newer one without its function");
	IS_STR(did(), "", "and nothing has changed");
	OK(leave(2) == 0 && enter(3, &f3, 1) == 0, "until that one has left");
	IS_STR(did(), "-p2 -p1 +p3 ", "then it does");

	f3 = file_of("p3", "a", "", 3);
	begin();
	enter(1, &f1, 0);
	enter(2, &f2, 0);
	enter(3, &f3, 1);
	IS_STR(did(), "+p1 +p2 +p3 ", "over two, one of them another's");
	OK(leave(3) == 0, "the upper one leaves");
	IS_STR(did(), "-p3 ", "alone: what it was over is hidden");
	OK(leave(2) == 0, "the other feature's leaves, too");
	IS_STR(did(), "-p2 -p1 ", "with what lay below");

	f2 = file_of("p2", "a", "", 2);
	f1 = file_of("p1", "ab", "", 1);
	f3 = file_of("p3", "ab", "", 3);
	begin();
	enter(1, &f1, 0);
	enter(2, &f2, 0);
	enter(3, &f3, 1);
	did();
	OK(leave(3) != 0, "what is not hidden as a whole has to leave");
	IS_STR(did(), "-p3 +p3 ", "so all stays as it is");
}

static void
test_same(void)
{
	struct file f1 = file_of("p1", "a", "", 1);
	struct file other = file_of("p1", "a", "", 9);

	begin();
	enter(1, &f1, 0);
	OK(enter(2, &f1, 0) == 0, "two updates have one patch");
	IS_STR(buf_text(&text), "p1: live already\n", "as is told");
	OK(leave(1) == 0, "one of them leaves");
	IS_STR(did(), "+p1 ", "and it stays for the other");
	OK(enter(3, &other, 0) != 0 &&
		strstr(buf_text(&text),
		    "update 2 has another patch with the id p1"),
	    "another patch with its id is refused, naming it");
	OK(enter(3, &other, 2) == 0, "but in its place");
	IS_STR(did(), "-p1 +p1 ", "it comes");
	IS_STR(buf_text(&text), "applied p1\nreverted p1\n",
	    "what logs have, the first line, is of what came");
	OK(enter(4, &other, 3) == 0 && leave(4) == 0,
	    "the same again under a new id");
	IS_STR(did(), "-p1 ", "leaves once");
	IS_STR(buf_text(&text), "reverted p1\n", "as is told");
}

/* The lines of STATUS that are about patches. */
static const char *
told(void)
{
	static char out[2000];
	const char *lines;

	buf_reset(&text);
	patches_put_status(patches, &text);
	lines = strstr(buf_text(&text), "patch: ");
	snprintf(out, sizeof out, "%s", lines != NULL ? lines : "");
	return out;
}

/* The same patch again, as another update of its feature. */
static void
test_again(void)
{
	struct file f1 = file_of("p1", "a", "", 1);
	struct file f2 = file_of("p2", "a", "", 2);
	struct file f3 = file_of("p3", "a", "", 3);
	struct patches_change c;

	begin();
	enter(1, &f1, 0);
	OK(enter(2, &f1, 1) == 0 && enter(3, &f1, 2) == 0, "the same again");
	IS_STR(buf_text(&text), "p1: live already\n", "is told as that");
	IS_STR(told(), "patch: p1 live update=3 functions=a code=64 data=0\n",
	    "and is there once, whatever was sent before");
	IS_STR(did(), "+p1 ", "nothing is written for it");

	enter(4, &f2, 3);
	did();
	OK(enter(5, &f1, 4) == 0, "the one before again");
	IS_STR(did(), "-p2 ", "is in force: what lay over it is off");
	IS_STR(told(), "patch: p1 live update=5 functions=a code=64 data=0\n",
	    "and told no more");

	enter(6, &f2, 5);
	did();
	c = change(7, &f1, &(const uint64_t){6});
	patches_enter(patches, &c, &text);
	patches_undo(patches, &text);
	IS_STR(did(), "-p2 +p2 ", "when that is undone it is back");
	IS_STR(told(),
	    "patch: p1 below update=5 functions=a code=64 data=0\n"
	    "patch: p2 live update=6 functions=a code=64 data=0\n",
	    "over the one that it lay over");

	begin();
	enter(1, &f3, 0);
	enter(2, &f1, 1);
	enter(3, &f1, 2);
	did();
	OK(leave(3) == 0, "one that lies over another, sent again, leaves");
	IS_STR(did(), "-p1 -p3 ", "with what lies below it");

	begin();
	enter(1, &f1, 0);
	enter(2, &f2, 0);
	did();
	c = change(3, &f1, &(const uint64_t){1});
	OK(patches_check(patches, &c, &text) != 0,
	    "below another feature's patch it would stay,");
	OK(enter(3, &f1, 1) != 0 &&
		strstr(buf_text(&text), "below p2 of update 2"),
	    "where a fresh program has it above: it is refused");
	OK(enter(4, &f2, 2) == 0, "the upper one may come again");
	OK(leave(1) != 0 && strstr(buf_text(&text), "revert update 4 first"),
	    "and is known to lie over the lower one");
	enter(5, &f3, 0);
	did();
	c = change(2, &f2, &(const uint64_t){4});
	c.back = 1;
	OK(patches_enter(patches, &c, &text) == 0, "when it did not stay");
	patches_keep(patches);
	OK(leave(2) != 0 && strstr(buf_text(&text), "revert update 5 first"),
	    "the one before it has its place");
	IS_STR(did(), "", "and nothing was written for that");
	OK(leave(5) == 0 && leave(2) == 0 && enter(3, &f1, 1) == 0,
	    "alone it comes again");

	begin();
	enter(1, &f1, 0);
	enter(2, &f1, 0);
	enter(3, &f2, 0);
	OK(enter(4, &f1, 2) == 0,
	    "below, where another update would have brought it there");
	IS_STR(did(), "+p1 +p2 ", "it may come again");
}

/* The program itself, or another host in it, has brought one. */
static void
test_foreign(void)
{
	struct file f = file_of("p1", "a", "", 1);
	struct file other = file_of("p1", "a", "", 9);
	struct patches_change c = change(1, &other, NULL);
	struct native_patch *p;
	struct native_report r;
	struct err e;
	uint64_t drop = 1;

	begin();
	if (native_patch_parse(&p, f.bytes, f.len, &e) != 0)
		return;
	native_apply(p, &r);
	native_patch_free(p);
	OK(patches_check(patches, &c, &text) != 0,
	    "what has the id of another one's patch would not come");
	OK(enter(1, &other, 0) != 0 &&
		strstr(buf_text(&text), "another is live: p1"),
	    "nor does it");
	OK(enter(1, &f, 0) == 0, "that patch itself is there");
	c = change(2, &other, &drop);
	OK(patches_check(patches, &c, &text) == 0,
	    "in its place another one may come");
	IS_STR(did(), "+p1 ", "as a check says without changing anything");
}

static void
test_needs(void)
{
	struct file f1 = file_of("p1", "a", "", 1);
	struct file f2 = file_of("p2", "a", "p1", 2);
	struct file f3 = file_of("p3", "a", "", 3);

	begin();
	enter(1, &f1, 0);
	OK(enter(2, &f2, 1) != 0 &&
		strstr(buf_text(&text), "p2 needs p1 of update 1, whose place"),
	    "what needs a patch cannot take its place");
	OK(enter(2, &f2, 0) == 0, "it may come as another feature");
	OK(enter(3, &f3, 1) != 0 &&
		strstr(buf_text(&text),
		    "p2 of update 2 needs p1, which would leave"),
	    "then nothing else takes its place");
	IS_STR(did(), "+p1 +p2 ", "none of these changed anything");
}

static void
test_waits(void)
{
	struct file f1 = file_of("p1", "a", "", 1);
	struct file f2 = file_of("p2", "a", "", 2);
	struct patches_change c = change(2, &f2, NULL);

	begin();
	enter(1, &f1, 0);
	did();
	c.waits = 1;
	c.alone = 1;
	c.drop = (const uint64_t[]){1};
	c.ndrop = 1;
	OK(patches_enter(patches, &c, &text) == 0, "one that waits");
	patches_keep(patches);
	IS_STR(did(), "-p1 ", "what it supersedes has left already");
	IS(patches_is_alone(patches, 2), 1, "it has nothing else");
	IS(patches_is_alone(patches, 1), 0, "of one that left it is not said");
	OK(patches_release(patches, 2, &text) == 0, "its event");
	patches_undo(patches, &text);
	IS_STR(did(), "+p2 -p2 ", "and the rest of it fails: it waits again");
	OK(patches_release(patches, 2, &text) == 0, "once more");
	patches_keep(patches);
	IS_STR(did(), "+p2 ", "it is there");
	OK(patches_release(patches, 2, &text) == 0, "what does not wait");
	patches_keep(patches);
	IS_STR(did(), "", "is not applied again");
	leave(2);
	IS_STR(did(), "-p2 ", "it leaves like others");

	begin();
	c.ndrop = 0;
	patches_enter(patches, &c, &text);
	patches_keep(patches);
	OK(leave(2) == 0 && process.n == 0, "one may leave that never came");
}

static void
test_undo(void)
{
	struct file f1 = file_of("p1", "ab", "", 1);
	struct file f2 = file_of("p2", "ab", "", 2);
	struct file f3 = file_of("p3", "c", "", 3);
	const uint64_t one = 1, two = 2;
	struct patches_change c;

	begin();
	enter(1, &f1, 0);
	c = change(2, &f2, &one);
	patches_enter(patches, &c, &text);
	patches_undo(patches, &text);
	IS_STR(did(), "+p1 +p2 -p2 ", "one that lay over another goes again");
	leave(1);
	IS_STR(did(), "-p1 ", "the other one is there as before");

	begin();
	enter(1, &f1, 0);
	c = change(3, &f3, &one);
	patches_enter(patches, &c, &text);
	patches_undo(patches, &text);
	IS_STR(did(), "+p1 -p1 +p3 -p3 +p1 ",
	    "one whose place was taken is back");

	/* A halt that fails in the middle. */
	process.busy_at = 2;
	OK(enter(3, &f3, 1) != 0, "one that does not come");
	IS_STR(did(), "-p1 +p1 ", "leaves all as it was");
	OK(strncmp(buf_text(&text), "busy: p3\n", 9) == 0,
	    "and says why, before all else");
	process.busy_at = 2;
	process.busy_for = 1;
	OK(enter(3, &f3, 1) != 0 &&
		strstr(buf_text(&text), "p1 could not be applied again\n"),
	    "what cannot be put back is told");

	/* What a failure took away comes back. */
	begin();
	enter(1, &f1, 0);
	enter(2, &f2, 1);
	did();
	c = change(1, &f1, &two);
	c.back = 1;
	OK(patches_enter(patches, &c, &text) == 0, "back from below");
	patches_keep(patches);
	IS_STR(did(), "-p2 ", "what lay over it goes");
	leave(1);
	IS_STR(did(), "-p1 ", "it is its own again");

	begin();
	enter(1, &f1, 0);
	enter(2, &f2, 1);
	did();
	c.waits = 1;
	patches_enter(patches, &c, &text);
	patches_keep(patches);
	IS_STR(did(), "-p2 -p1 ", "what waits for its event waits anew");

	begin();
	enter(1, &f1, 0);
	enter(3, &f3, 1);
	did();
	c = change(1, &f1, &(const uint64_t){3});
	c.back = 1;
	OK(patches_enter(patches, &c, &text) == 0, "back from nowhere");
	patches_keep(patches);
	IS_STR(did(), "-p3 +p1 ", "it is applied again");

	begin();
	enter(1, &f1, 0);
	process.busy_at = 2;
	c = change(2, &f2, &one);
	patches_enter(patches, &c, &text);
	buf_reset(&text);
	process.busy_at = 1;
	patches_undo(patches, &text);
	OK(strstr(buf_text(&text), "stay as they are") != NULL,
	    "what cannot be undone is told");
}

static void
test_status(void)
{
	struct file f1 = file_of("p1", "ab", "", 1);
	struct file f2 = file_of("p2", "a", "", 2);
	struct file f3 = file_of("p3", "c", "", 3);
	struct file f10 = file_of("p10", "a", "", 4);
	struct patches_change c = change(5, &f3, NULL);

	begin();
	enter(1, &f1, 0);
	enter(3, &f10, 0);
	enter(4, &f2, 3);
	c.waits = 1;
	patches_enter(patches, &c, &text);
	patches_keep(patches);
	buf_reset(&text);
	patches_put_status(patches, &text);
	OK(strstr(buf_text(&text),
	       "patchable: yes\n"
	       "patch: p1 live update=1 functions=a,b code=64 data=0\n"
	       "patch: p10 below update=3 functions=a code=64 data=0\n"
	       "patch: p2 live update=4 functions=a code=64 data=0\n"
	       "patch: p3 waits update=5 functions=c code=64 data=0\n"),
	    "what is live, and what waits, by update");
}

int
main(void)
{
	test_one();
	test_fit();
	test_superseded();
	test_order();
	test_same();
	test_again();
	test_foreign();
	test_needs();
	test_waits();
	test_undo();
	test_status();
	patches_free(patches);
	buf_free(&text);
	buf_free(&process.did);
	return tap_done();
}
