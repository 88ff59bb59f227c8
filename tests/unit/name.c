/* Names of files in packages: one spelling, nothing that leads outside. */

#include "pack/name.h"

#include "tests/tap.h"

static int
is_good(const char *name)
{
	return name_check(name, strlen(name)) == NULL;
}

static void
test_good(void)
{
	static const char *const good[] = {"a", "a/b", ".hidden", "..a", "a..",
	    "a/.../b", "with space", "'quotes\"", "-rf", "$(x)", "a:b", "*",
	    "gr\xc3\xbcn.lua", "\xe5\x9c\xb0\xe5\x9b\xbe/1",
	    "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"};
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		OK(is_good(good[i]), "A1 '%s' is a name", good[i]);
}

static void
test_bad(void)
{
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".",
	    "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "a\\b",
	    "..\\a", "a\nb", "a\rb", "a\tb", "\x1b[2J", "a\x7f", "\xc2\x85",
	    "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80",
	    "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		OK(!is_good(bad[i]), "A1 A8 bad name %zu is refused", i);
	OK(name_check("a\0b", 3) != NULL, "A1 a NUL inside");
}

static void
test_length(void)
{
	char name[NAME_LEN_MAX + 2];

	memset(name, 'a', sizeof name);
	OK(name_check(name, NAME_LEN_MAX) == NULL, "A1 255 bytes");
	OK(name_check(name, NAME_LEN_MAX + 1) != NULL, "A1 one more");
}

int
main(void)
{
	test_good();
	test_bad();
	test_length();
	return tap_done();
}
