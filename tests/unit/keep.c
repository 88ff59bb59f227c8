/* The state folder of a client: its one text, and its files. */

#include "peer/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/tap.h"

#define HEAD "hotfix-client: 1\nsaved: 7\nverified: 8\nlast: 0\n"
#define DIGITS                                                             \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FULL                                                                \
	HEAD "feature: combat 12\nfeature: ui 9223372036854775807\n"        \
	     "kept: 11 combat proven 10 60000000\nkept: 12 combat 1 11 0\n" \
	     "tried: 5 ui 2\ntried: 6 ui 1\n"                               \
	     "reverted: 3 combat " DIGITS "\nreverted: 4 other " DIGITS "\n"

/* --- the text ------------------------------------------------------------ */

static void
put_end(struct buf *b)
{
	uint8_t digest[SHA512_SIZE];
	char digits[33];

	sha512(digest, b->data, b->len);
	buf_printf(b, "end: %s\n", hex_encode(digits, digest, 16));
}

/* Parse the text with a good last line. */
static int
parse(struct keep_state *s, const char *above, struct err *e)
{
	struct buf b = BUF_INIT;
	int ret;

	buf_puts(&b, above);
	put_end(&b);
	*s = (struct keep_state)KEEP_STATE_INIT;
	ret = keep_parse(s, (char *)b.data, b.len, e);
	buf_free(&b);
	return ret;
}

static void
test_good(void)
{
	static const char *const texts[] = {HEAD, FULL};
	struct buf want = BUF_INIT, got = BUF_INIT;
	struct keep_state s;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_reset(&want);
		buf_reset(&got);
		buf_puts(&want, texts[i]);
		put_end(&want);
		OK(parse(&s, texts[i], &e) == 0 && keep_format(&got, &s) == 0 &&
			got.len == want.len &&
			memcmp(got.data, want.data, want.len) == 0,
		    "what was parsed is formatted to the same bytes");
		keep_state_free(&s);
	}
	parse(&s, FULL, &e);
	OK(s.saved_us == 7 && s.verified_us == 8 && s.last_us == 0,
	    "the instants");
	OK(s.nfeatures == 2 && strcmp(s.features[1].name, "ui") == 0 &&
		s.features[1].highest == INT64_MAX,
	    "the features");
	OK(s.nkept == 2 && s.kept[0].id == 11 && s.kept[0].proven &&
		s.kept[0].before == 10 && s.kept[0].left_us == 60000000 &&
		s.kept[1].tries == 1 && !s.kept[1].proven,
	    "what is kept");
	OK(s.ntried == 2 && s.tried[0].id == 5 && s.tried[0].tries == 2,
	    "what was tried");
	OK(s.nreverts == 2 && strcmp(s.reverts[1].feature, "other") == 0 &&
		s.reverts[0].digest[1] == 0x11,
	    "what was reverted");
	keep_state_free(&s);
	buf_free(&want);
	buf_free(&got);
}

static void
test_bad(void)
{
	static const struct {
		const char *text;
		int line;
	} cases[] = {
	    {"", 1},
	    {"hotfix-client: 2\nsaved: 7\nverified: 8\nlast: 0\n", 1},
	    {"saved: 7\n", 1},
	    {"hotfix-client: 1\n", 2},
	    {"hotfix-client: 1\nsaved: -7\nverified: 8\nlast: 0\n", 2},
	    {"hotfix-client: 1\nsaved: 07\nverified: 8\nlast: 0\n", 2},
	    {"hotfix-client: 1\nsaved: 7 7\nverified: 8\nlast: 0\n", 2},
	    {"hotfix-client: 1\nverified: 8\nsaved: 7\nlast: 0\n", 2},
	    {"hotfix-client: 1\nsaved: 7\nverified: 9223372036854775808\n"
	     "last: 0\n",
		3},
	    {HEAD "\n", 5},
	    {HEAD "color: red\n", 5},
	    {HEAD "feature: a\n", 5},
	    {HEAD "feature: a 0\n", 5},
	    {HEAD "feature: a 1 \n", 5},
	    {HEAD "feature: A 1\n", 5},
	    {HEAD "feature:  1\n", 5},
	    {HEAD "feature: b 1\nfeature: a 1\n", 6},
	    {HEAD "feature: a 1\nfeature: a 2\n", 6},
	    {HEAD "kept: 1 a 1 0 0\n", 5},
	    {HEAD "feature: a 1\nkept: 2 a 1 0 0\n", 6},
	    {HEAD "feature: a 1\nkept: 1 a 3 0 0\n", 6},
	    {HEAD "feature: a 1\nkept: 1 a yes 0 0\n", 6},
	    {HEAD "feature: a 1\nkept: 1 a 1 0\n", 6},
	    {HEAD "feature: a 1\nkept: 1 a 1 0 0 0\n", 6},
	    {HEAD "feature: a 1\nkept: 1 a 1 0 -1\n", 6},
	    {HEAD "feature: a 1\nkept: 1 a 1 0 9223372036854776\n", 6},
	    {HEAD "feature: a 1\nkept: 0 a 1 0 0\n", 6},
	    {HEAD "feature: a 2\nkept: 2 a 1 0 0\nkept: 1 a 1 0 0\n", 7},
	    {HEAD "feature: a 2\nkept: 1 a 1 0 0\nfeature: b 2\n", 7},
	    {HEAD "tried: 1 a 0\n", 5},
	    {HEAD "tried: 1 a 3\n", 5},
	    {HEAD "tried: 1 a proven\n", 5},
	    {HEAD "tried: 2 a 1\ntried: 2 a 1\n", 6},
	    {HEAD "reverted: 1 a 00\n", 5},
	    {HEAD "reverted: 1 a " DIGITS "0\n", 5},
	    {HEAD "reverted: 2 a " DIGITS "\nreverted: 1 a " DIGITS "\n", 6},
	};
	struct keep_state s;
	char want[64];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(want, sizeof want, "line %d: not what a client wrote",
		    cases[i].line);
		e.text[0] = '\0';
		if (!OK(parse(&s, cases[i].text, &e) == -1 &&
			    e.kind == ERR_LOCAL && strcmp(e.text, want) == 0 &&
			    s.nfeatures == 0 && s.features == NULL,
			"bad %zu: %s", i, e.text))
			printf("# want %s\n", want);
	}
}

/* A disk that loses or changes anything is found out. */
static void
test_damage(void)
{
	struct keep_state s = KEEP_STATE_INIT;
	struct buf b = BUF_INIT;
	struct err e;
	int refused = 1;
	size_t i, len;

	buf_puts(&b, FULL);
	put_end(&b);
	for (len = 0; len < b.len; len++)
		refused &= keep_parse(&s, (char *)b.data, len, &e) == -1;
	OK(refused, "cut anywhere: refused");
	for (i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		refused &= keep_parse(&s, (char *)b.data, b.len, &e) == -1;
		b.data[i] ^= 1;
	}
	OK(refused, "one bit flipped anywhere: refused");
	OK(keep_parse(&s, (char *)b.data, b.len, &e) == 0, "unchanged: good");
	keep_state_free(&s);
	buf_puts(&b, "\n");
	OK(keep_parse(&s, (char *)b.data, b.len, &e) == -1,
	    "a line behind the end: refused");
	buf_free(&b);
}

static void
test_limits(void)
{
	struct keep_state s = KEEP_STATE_INIT, again = KEEP_STATE_INIT;
	struct buf b = BUF_INIT, more = BUF_INIT;
	struct keep_revert *r;
	struct keep_doc *d;
	char name[DOC_FEATURE + 1];
	struct err e;
	size_t i;

	for (i = 0; i < KEEP_FEATURES; i++) {
		snprintf(name, sizeof name, "%064zu", i);
		keep_add_feature(&s, name)->highest = INT64_MAX;
	}
	OK(keep_add_feature(&s, "z") == NULL, "no feature past the limit");
	for (i = 1; i <= KEEP_KEPT; i++) {
		d = keep_add_kept(&s, name);
		d->id = INT64_MAX - 1000 + i;
		d->before = INT64_MAX;
		d->left_us = INT64_MAX / 1000;
		d->proven = 1;
	}
	OK(keep_add_kept(&s, name) == NULL, "nor a kept one");
	for (i = 1; i <= KEEP_TRIED; i++) {
		d = keep_add_tried(&s, name);
		d->id = INT64_MAX - 1000 + i;
		d->tries = 2;
	}
	OK(keep_add_tried(&s, name) == NULL, "nor a tried one");
	for (i = 1; i <= KEEP_REVERTED; i++) {
		r = keep_add_revert(&s, name);
		r->id = INT64_MAX - 1000 + i;
	}
	OK(keep_add_revert(&s, name) == NULL, "nor a revert");
	OK(keep_format(&b, &s) == 0 && b.len <= KEEP_STATE_MAX,
	    "all limits together fit the file (%zu bytes)", b.len);
	OK(keep_parse(&again, (char *)b.data, b.len, &e) == 0 &&
		again.nfeatures == KEEP_FEATURES && again.nkept == KEEP_KEPT,
	    "and are read");
	keep_state_free(&again);
	buf_puts(&more, HEAD);
	for (i = 0; i <= KEEP_TRIED; i++)
		buf_printf(&more, "tried: %zu a 1\n", i + 1);
	OK(parse(&again, buf_text(&more), &e) == -1, "one more is not: %s",
	    e.text);
	keep_state_free(&s);
	buf_free(&b);
	buf_free(&more);
}

/* --- the folder ---------------------------------------------------------- */

static int
says(const struct err *e, const char *text)
{
	if (e->kind == ERR_LOCAL && strstr(e->text, text) != NULL)
		return 1;
	printf("# got %d '%s'\n", (int)e->kind, e->text);
	return 0;
}

static int
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

/* NULL, with nothing taken. */
static int
is_refused(const char *dir, struct err *e)
{
	struct keep_state s = KEEP_STATE_INIT;
	struct keep *k;

	memset(e, 0, sizeof *e);
	k = keep_open(dir, &s, e);
	keep_close(k);
	keep_state_free(&s);
	return k == NULL;
}

static void
test_folder(void)
{
	struct keep_state s = KEEP_STATE_INIT;
	struct buf got = BUF_INIT;
	struct keep *k;
	struct err e;

	k = keep_open("deep/state", &s, &e);
	if (!OK(k != NULL, "a folder is made"))
		return;
	OK(mode_of("deep/state") == 0700 &&
		mode_of("deep/state/updates") == 0700 &&
		mode_of("deep/state/state") == 0600 &&
		mode_of("deep/state/lock") == 0600,
	    "for its owner alone, with a state from the first moment");
	OK(s.nkept == 0 && s.nfeatures == 0, "that knows nothing");
	OK(is_refused("deep/state", &e) && says(&e, "in use by another client"),
	    "a second client is told that it is in use: %s", e.text);
	IS(keep_put(k, 12, "head\n\n", 6, "part", 4, &e), 0, "a document");
	IS(mode_of("deep/state/updates/12"), 0600, "is its owner's");
	OK(keep_get(k, 12, &got, &e) == 0 &&
		strcmp(buf_text(&got), "head\n\npart") == 0,
	    "and comes back as it was");
	keep_add_feature(&s, "a")->highest = 12;
	keep_add_kept(&s, "a")->id = 12;
	IS(keep_save(k, &s, &e), 0, "it is noted");
	keep_close(k);
	keep_state_free(&s);

	file_write("deep/state/updates/13", "x", 1, 0600, &e);
	file_write("deep/state/updates/12.new-AbCdEf", "x", 1, 0600, &e);
	file_write("deep/state/state.new-AbCdEf", "x", 1, 0600, &e);
	file_write("deep/state/updates/notes.lua", "x", 1, 0600, &e);
	file_write("deep/state/updates/12.lua", "x", 1, 0600, &e);
	file_write("deep/state/state.sqlite", "x", 1, 0600, &e);
	k = keep_open("deep/state", &s, &e);
	OK(k != NULL && s.nkept == 1 && s.kept[0].id == 12,
	    "what was noted is there at the next start");
	keep_sweep(k, &s);
	OK(access("deep/state/updates/12", F_OK) == 0 &&
		access("deep/state/updates/13", F_OK) != 0 &&
		access("deep/state/updates/12.new-AbCdEf", F_OK) != 0 &&
		access("deep/state/state.new-AbCdEf", F_OK) != 0 &&
		access("deep/state/state", F_OK) == 0,
	    "what a kill left behind is swept");
	OK(access("deep/state/updates/notes.lua", F_OK) == 0 &&
		access("deep/state/updates/12.lua", F_OK) == 0 &&
		access("deep/state/state.sqlite", F_OK) == 0,
	    "files of others are not");
	IS(keep_remove(k, 12, &e), 0, "a document goes");
	OK(access("deep/state/updates/12", F_OK) != 0, "for good");
	IS(keep_remove(k, 12, &e), 0, "twice is fine");
	OK(keep_get(k, 12, &got, &e) == -1 && says(&e, "updates/12"),
	    "then it is missing");
	keep_close(k);
	keep_close(NULL);
	keep_state_free(&s);
	buf_free(&got);
}

static void
test_refused_folders(void)
{
	struct keep_state s = KEEP_STATE_INIT;
	struct keep *k;
	struct err e;

	keep_close(keep_open("f", &s, &e));
	chmod("f", 0770);
	OK(is_refused("f", &e) && says(&e, "f: others may write to it"),
	    "a folder that the group may write to: %s", e.text);
	chmod("f", 0702);
	OK(is_refused("f", &e) && says(&e, "others may write to it"),
	    "that everybody may");
	chmod("f", 0755);
	OK(!is_refused("f", &e), "others may read it");
	chmod("f/updates", 0777);
	OK(is_refused("f", &e) && says(&e, "f/updates: others"),
	    "the inner folder counts too");
	chmod("f/updates", 0700);

	file_write("f/state", HEAD "end: 0\n", strlen(HEAD) + 7, 0600, &e);
	OK(is_refused("f", &e) && says(&e, "f/state: line 5: not what") &&
		says(&e, "; remove the folder to begin anew"),
	    "a state that does not parse: %s", e.text);
	unlink("f/state");
	mkdir("f/state", 0700);
	OK(is_refused("f", &e) && says(&e, "f/state: not a regular file"),
	    "a folder in its place");
	rmdir("f/state");
	OK(!is_refused("f", &e), "none, and no documents: a new one");
	unlink("f/state");
	file_write("f/updates/7", "x", 1, 0600, &e);
	OK(is_refused("f", &e) && says(&e, "f/state: is gone"),
	    "none, but documents: %s", e.text);
	OK(access("f/state", F_OK) != 0 && access("f/updates/7", F_OK) == 0,
	    "then nothing is touched");
	OK(is_refused("/dev/null/x", &e), "no folder: %s", e.text);

	unlink("f/updates/7");
	unlink("f/lock");
	mkdir("host", 0700);
	file_write("host/ledger", "", 0, 0600, &e);
	OK(is_refused("host", &e) && says(&e, "host: the folder of a host") &&
		access("host/lock", F_OK) != 0 &&
		access("host/updates", F_OK) != 0,
	    "that of a host, which is not touched: %s", e.text);
	if (symlink("elsewhere", "f/lock") == 0)
		OK(is_refused("f", &e) && access("elsewhere", F_OK) != 0,
		    "the lock is no link to elsewhere: %s", e.text);
	unlink("f/lock");
	k = keep_open("f", &s, &e);
	OK(k != NULL, "mended, it is good");
	keep_close(k);
	keep_state_free(&s);
}

int
main(void)
{
	test_good();
	test_bad();
	test_damage();
	test_limits();
	test_folder();
	test_refused_folders();
	return tap_done();
}
