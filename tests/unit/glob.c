/* Globs and lists of them, the matcher against a plain one as well. */

#include "base/glob.h"

#include "tests/tap.h"

static const struct {
	const char *pattern, *text;
	int matches;
} globs[] = {
    {"", "", 1},
    {"", "a", 0},
    {"a", "", 0},
    {"*", "", 1},
    {"*", "anything at all", 1},
    {"**", "", 1},
    {"?", "", 0},
    {"?", "a", 1},
    {"?", "\xc3\xa9", 1},
    {"??", "\xc3\xa9", 0},
    {"?", "\xf0\x9f\x8e\xae", 1},
    {"*?", "\xf0\x9f\x8e\xae", 1},
    {"?*?", "\xc3\xa9", 0},
    {"\xc3\xa9", "\xc3\xa9", 1},
    {"1.4.*", "1.4.2", 1},
    {"1.4.*", "1.4.", 1},
    {"1.4.*", "1.5.2", 0},
    {"1.4.*", "1x4.2", 0},
    {"*-arm64", "ios-arm64", 1},
    {"*-arm64", "ios-arm64e", 0},
    {"a*b*c", "aXbYbZc", 1},
    {"a*b*c", "aXbYbZ", 0},
    {"*aab", "aaaaaab", 1},
    {"a?c", "abc", 1},
    {"a?c", "ac", 0},
    {"Arena", "arena", 0},
    {"[a]", "a", 0},
    {"[a]", "[a]", 1},
    {"\\*", "*", 0},
    {"\\*", "\\x", 1},
    {"*\t*", "a\tb", 1},
};

static const struct {
	const char *list;
	int valid;
} lists[] = {
    {"a", 1},
    {"*", 1},
    {"a,b,c", 1},
    {"!a", 1},
    {"!a,b,!c*", 1},
    {"!!a", 1},
    {"a!b", 1},
    {"", 0},
    {",", 0},
    {"a,", 0},
    {",a", 0},
    {"a,,b", 0},
    {"!", 0},
    {"a,!", 0},
    {"!,a", 0},
    {"a b", 0},
    {"a, b", 0},
    {" a", 0},
    {"a ", 0},
};

static const struct {
	const char *list, *text;
	int matches;
} members[] = {
    {"a", "a", 1},
    {"a", "b", 0},
    {"a,b", "b", 1},
    {"a,b", "a,b", 0},
    {"1.*,2.0", "1.9", 1},
    {"*,!1.4", "1.4", 0},
    {"!1.4,*", "1.4", 0},
    {"*,!1.4", "1.5", 1},
    {"!1.4", "1.5", 1},
    {"!1.4", "1.4", 0},
    {"!1.*,!2.*", "3", 1},
    {"!1.*,!2.*", "2.1", 0},
    {"!b,a", "c", 0},
    {"!!a", "!a", 0},
    {"!!a", "a", 1},
    {"*", "", 1},
    {"a", "", 0},
    {"a,*", "", 1},
    {"**", "", 0},
    {"a*", "", 0},
    {"!a", "", 1},
    {"!*", "", 1},
    {"!a,b", "", 0},
    {"!a,*", "", 1},
    {"!*", "a", 0},
};

/* The definition, at any cost. ASCII only. */
static int
plain_match(const char *p, const char *t)
{
	if (*p == '\0')
		return *t == '\0';
	if (*p == '*')
		return plain_match(p + 1, t) ||
		       (*t != '\0' && plain_match(p, t + 1));
	return *t != '\0' && (*p == '?' || *p == *t) &&
	       plain_match(p + 1, t + 1);
}

static void
check_plain(void)
{
	uint64_t state = tap_seed(5);
	char p[10], t[12];
	size_t i, plen, tlen;
	int round, good = 1, matched = 0;

	for (round = 0; good && round < 20000; round++) {
		plen = tap_random(&state) % (sizeof p - 1);
		tlen = tap_random(&state) % (sizeof t - 1);
		for (i = 0; i < plen; i++)
			p[i] = "ab*?*"[tap_random(&state) % 5];
		for (i = 0; i < tlen; i++)
			t[i] = "ab"[tap_random(&state) % 2];
		p[plen] = t[tlen] = '\0';
		good = glob_match(p, plen, t, tlen) == plain_match(p, t);
		matched += plain_match(p, t);
		if (!good)
			printf("# '%s' '%s'\n", p, t);
	}
	OK(good && matched > 1000, "as by the definition");
}

/* "*a*a*a...b" against a run of a: hopeless for a matcher that backtracks. */
static void
check_cost(void)
{
	enum { STARS = 1000, LEN = 20000 };
	char *p = malloc(2 * STARS + 1), *t = malloc(LEN);
	size_t i;

	for (i = 0; i < STARS; i++)
		memcpy(p + 2 * i, "*a", 2);
	p[2 * STARS] = 'b';
	memset(t, 'a', LEN);
	IS(glob_match(p, 2 * STARS + 1, t, LEN), 0, "a thousand stars");
	free(p);
	free(t);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof globs / sizeof *globs; i++)
		OK(glob_match(globs[i].pattern, strlen(globs[i].pattern),
		       globs[i].text,
		       strlen(globs[i].text)) == globs[i].matches,
		    "glob %zu: %s", i, globs[i].pattern);
	IS(glob_match("a*", 1, "a", 1), 1, "lengths count, not NULs");
	IS(glob_match("a", 1, "ab", 1), 1, "in the text too");
	for (i = 0; i < sizeof lists / sizeof *lists; i++)
		OK(globlist_is_valid(lists[i].list, strlen(lists[i].list)) ==
			lists[i].valid,
		    "list '%s'", lists[i].list);
	for (i = 0; i < sizeof members / sizeof *members; i++)
		OK(globlist_match(members[i].list, strlen(members[i].list),
		       members[i].text,
		       strlen(members[i].text)) == members[i].matches,
		    "'%s' in '%s'", members[i].text, members[i].list);
	check_plain();
	check_cost();
	return tap_done();
}
