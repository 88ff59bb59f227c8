/* Lists of digests: one grammar. */

#include "pack/sums.h"

#include "tests/tap.h"

#define D "0123456789abcdef0123456789abcdef"

/* How many lines, -1: refused. */
static int
count(const char *text, size_t len)
{
	const char *at = text;
	struct sums_line line;
	int n = 0, r;

	while ((r = sums_next(&at, text + len, &line)) == 1)
		n++;
	return r == 0 ? n : -1;
}

static void
test_good(void)
{
	static const uint8_t want[MD5_SIZE] = {0x01, 0x23, 0x45, 0x67, 0x89,
	    0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	static const char text[] = D "  a\n" D "    b c \n" D "  *x\n";
	const char *at = text, *end = text + sizeof text - 1;
	char prefix[SUMS_PREFIX];
	struct sums_line line;

	IS(sums_next(&at, end, &line), 1, "a line");
	IS_MEM(line.md5, want, sizeof want, "its digest");
	OK(line.name_len == 1 && *line.name == 'a', "its name");
	IS(sums_next(&at, end, &line), 1, "a name with blanks");
	OK(line.name_len == 6 && memcmp(line.name, "  b c ", 6) == 0,
	    "that are its own");
	IS(sums_next(&at, end, &line), 1, "a name with an asterisk");
	OK(line.name_len == 2 && memcmp(line.name, "*x", 2) == 0, "as well");
	IS(sums_next(&at, end, &line), 0, "the end");
	sums_prefix(prefix, want);
	IS_MEM(prefix, D "  ", SUMS_PREFIX, "the front of a line");
	IS(count("", 0), 0, "an empty list");
}

static void
test_bad(void)
{
	static const char *const bad[] = {
	    "\\" D "  a\n",                          /* escaped */
	    D " *a\n",                               /* binary */
	    D "  a\r\n",                             /* CR LF */
	    "0123456789ABCDEF0123456789ABCDEF  a\n", /* upper case */
	    "0123456789abcdef0123456789abcdeg  a\n", /* no hex */
	    "0123456789abcdef0123456789abcde  a\n",  /* 31 digits */
	    D "0  a\n",                              /* 33 */
	    " " D "  a\n",                           /* blanks before */
	    D " a\n",                                /* one blank */
	    D "\t a\n",
	    D " \ta\n", /* tabs */
	    D "  \n",
	    D "\n",
	    D "  ", /* no name */
	    "\n",
	    D "  a\n\n", /* empty lines */
	    "# comment\n",
	    "; comment\n", /* comments */
	    D "  a",       /* no LF */
	    D "  a\x1b[2J\n",
	    D "  a\x7f\n",
	    D "  a\tb\n",        /* control bytes */
	    "MD5 (a) = " D "\n", /* the BSD form */
	    "not a list at all",
	};
	static const char nul[] = D "  a\0b\n";
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		IS(count(bad[i], strlen(bad[i])), -1, "M2 malformed: refused");
	IS(count(nul, sizeof nul - 1), -1, "M2 a NUL: refused");
}

static void
test_long(void)
{
	static char text[SUMS_LINE_MAX + 8];
	const size_t len = SUMS_LINE_MAX;

	memset(text, 'a', sizeof text);
	memcpy(text, D "  ", SUMS_PREFIX);
	text[len - 1] = '\n';
	IS(count(text, len), 1, "the longest name");
	text[len - 1] = 'a';
	text[len] = '\n';
	IS(count(text, len + 1), -1, "M2 one byte more");
}

int
main(void)
{
	test_good();
	test_bad();
	test_long();
	return tap_done();
}
