/* The file RELEASE: one form, and back again. */

#include "pack/release.h"

#include "tests/tap.h"

#define T                               \
	"package: game\nrelease: 1.4\n" \
	"created: 2026-11-22T10:15:00.000000Z\nfiles: 3\nbytes: 12\n"
#define H8    "01234567"
#define H64   H8 H8 H8 H8 H8 H8 H8 H8
#define HEX   H64 H64
#define FULL  T "tree: " HEX "\n"
#define SINCE FULL "base: 1.3\nbase-tree: " HEX "\n"

static int
parse(const char *text, struct release *r, size_t *removed_at)
{
	const char *why;
	size_t line;

	return release_parse(r, text, strlen(text), removed_at, &why, &line);
}

static void
test_good(void)
{
	static const char text[] = SINCE "removed: a b\nremoved: c/d\n";
	struct buf again = BUF_INIT;
	const char *path;
	struct release r;
	size_t at, n;

	IS(parse(FULL, &r, &at), 0, "of a full package");
	IS(at, strlen(FULL), "nothing is removed");
	IS_STR(r.name, "game", "name");
	IS_STR(r.release, "1.4", "release");
	IS(r.created_us, INT64_C(1795342500000000), "created");
	IS(r.files, 3, "files");
	IS(r.bytes, 12, "bytes");
	IS_STR(r.base, "", "no base");
	release_format(&again, &r);
	IS_STR(buf_text(&again), FULL, "and back");

	IS(parse(text, &r, &at), 0, "of a package since another");
	IS_STR(r.base, "1.3", "its base");
	buf_reset(&again);
	release_format(&again, &r);
	while (release_next_removed(text, strlen(text), &at, &path, &n)) {
		char name[32];

		memcpy(name, path, n);
		name[n] = '\0';
		release_format_removed(&again, name);
	}
	IS_STR(buf_text(&again), text, "and back");
	buf_free(&again);
}

static void
test_bad(void)
{
	static const char *const bad[] = {"", "package: game\n", T, "x" FULL,
	    FULL "\n", FULL "x: y\n", "package: ga me\n", "package: \n",
	    "package: -game\n", "package: game\nrelease: 1/2\n",
	    "package: game\nrelease: 1\ncreated: 2026-11-22T10:15:00Z\n"
	    "files: 3\nbytes: 12\ntree: " HEX "\n",
	    "package: game\nrelease: 1\ncreated: 2026-11-22T10:15:00.000000Z\n"
	    "files: 03\nbytes: 12\ntree: " HEX "\n",
	    "package: game\nrelease: 1\ncreated: 2026-11-22T10:15:00.000000Z\n"
	    "files: 3\nbytes: -1\ntree: " HEX "\n",
	    T "tree: " H64 "\n", T "tree: " HEX "0\n", T "tree: " HEX,
	    FULL "base: 1.3\n", FULL "base: 1.4\nbase-tree: " HEX "\n",
	    FULL "base-tree: " HEX "\nbase: 1.3\n", FULL "removed: a\n",
	    SINCE "removed: a", SINCE "removed: \n", SINCE "removed: ../a\n",
	    SINCE "removed: b\nremoved: a\n", SINCE "removed: a\nremoved: a\n",
	    SINCE "removed: a\nfiles: 3\n", SINCE "base: 1.3\n"};
	struct release r;
	size_t i, at;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		OK(parse(bad[i], &r, &at) == -1, "malformed %zu: refused", i);
}

static void
test_words(void)
{
	static const char *const good[] = {"a", "0", "Game_1.4+x-y"};
	static const char *const bad[] = {
	    "", ".a", "_a", "+a", "-a", "a/b", "a b", "..", "a\n", "\xc3\xa9"};
	char word[RELEASE_WORD + 1];
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		OK(release_is_word(good[i], strlen(good[i])), "%s is a word",
		    good[i]);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		OK(!release_is_word(bad[i], strlen(bad[i])), "no word %zu", i);
	memset(word, 'x', sizeof word);
	OK(release_is_word(word, RELEASE_WORD), "64 bytes");
	OK(!release_is_word(word, RELEASE_WORD + 1), "not one more");
}

/* As an archive's empty entry is read; the sanitizers would say it. */
static void
test_nothing(void)
{
	struct release r;
	const char *why;
	size_t at, line;

	IS(release_parse(&r, NULL, 0, &at, &why, &line), -1, "of no bytes");
	IS(line, 1, "its first line is bad");
}

int
main(void)
{
	test_good();
	test_bad();
	test_nothing();
	test_words();
	return tap_done();
}
