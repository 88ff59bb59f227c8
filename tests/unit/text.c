/* Clean text, and what is shown of text that is not. */

#include "base/text.h"

#include "tests/tap.h"

/* By the definition in the header, one code point at a time. */
static int
is_clean_code(unsigned long c)
{
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) &&
	       !(c >= 0xd800 && c <= 0xdfff) && c <= 0x10ffff;
}

/* UTF-8 in n bytes (1 to 4), whether or not so many are right. */
static size_t
encode(char *out, unsigned long c, size_t n)
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t i;

	for (i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

static size_t
right_length(unsigned long c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static void
check_codes(void)
{
	static const unsigned long limit[] = {
	    0, 0x80, 0x800, 0x10000, 0x200000};
	unsigned long c, wrong = 0;
	char s[4];
	size_t n;

	/* Every code that the form has room for; overlong ones too. */
	for (n = 1; n <= 4; n++)
		for (c = 0; c < limit[n]; c += n == 4 && c > 0x11000 ? 13 : 1) {
			encode(s, c, n);
			wrong += text_is_clean(s, n) !=
				 (is_clean_code(c) && right_length(c) == n);
		}
	IS(wrong, 0, "every code point, in every length");
	for (wrong = 0, c = 0x80; c < 0x110000; c += 97) {
		n = encode(s, c, right_length(c));
		while (--n > 0)
			wrong += text_is_clean(s, n) != 0;
	}
	IS(wrong, 0, "every cut one is unclean");
}

static void
check_bytes(void)
{
	int a, b, wrong = 0;
	char s[2];

	for (a = 0; a < 256; a++) {
		s[0] = (char)a;
		wrong += text_is_clean(s, 1) != (a >= 0x20 && a < 0x7f);
		for (b = 0; b < 256; b++) {
			s[1] = (char)b;
			wrong +=
			    text_is_clean(s, 2) !=
			    ((a >= 0x20 && a < 0x7f && b >= 0x20 && b < 0x7f) ||
				(a >= 0xc2 && a <= 0xdf && b >= 0x80 &&
				    b <= 0xbf && (a > 0xc2 || b >= 0xa0)));
		}
	}
	IS(wrong, 0, "every one and every two bytes");
	IS(text_is_clean("", 0), 1, "nothing is clean");
	IS(text_is_clean("\xf5\x80\x80\x80", 4), 0, "F5 leads nothing");
	IS(text_is_clean("\xf8\x88\x80\x80\x80", 5), 0, "no five bytes");
	IS(text_is_clean("a\xffz", 3), 0, "in the middle");
	IS(text_is_clean("\xe2\x28\xa1", 3), 0, "a broken middle byte");
	IS(text_is_clean("\xe2\x82\x28", 3), 0, "a broken last byte");
}

static const struct {
	const char *what, *bytes, *line, *lines;
} shown[] = {
    {"plain", "plain", "plain", "plain"},
    {"nothing", "", "", ""},
    {"UTF-8", "\xc3\xa9\xf0\x9f\x8e\xae", "\xc3\xa9\xf0\x9f\x8e\xae",
	"\xc3\xa9\xf0\x9f\x8e\xae"},
    {"lines", "a\n\tb", "a\\n\\tb", "a\n\tb"},
    {"a backslash", "a\\nb", "a\\\\nb", "a\\nb"},
    {"an escape", "\x1b[31m", "\\x1b[31m", "\\x1b[31m"},
    {"CR", "a\rb", "a\\x0db", "a\\x0db"},
    {"DEL and C1", "\x7f\xc2\x9b", "\\x7f\\xc2\\x9b", "\\x7f\\xc2\\x9b"},
    {"no UTF-8", "\xff\xfe", "\\xff\\xfe", "\\xff\\xfe"},
    {"a cut character", "\xe2\x82", "\\xe2\\x82", "\\xe2\\x82"},
    {"overlong", "\xc0\x8a", "\\xc0\\x8a", "\\xc0\\x8a"},
};

static void
check_shown(void)
{
	char out[64];
	size_t i;

	for (i = 0; i < sizeof shown / sizeof *shown; i++) {
		IS_STR(text_escape(out, sizeof out, shown[i].bytes,
			   strlen(shown[i].bytes), 0),
		    shown[i].line, shown[i].what);
		IS_STR(text_escape(out, sizeof out, shown[i].bytes,
			   strlen(shown[i].bytes), 1),
		    shown[i].lines, "kept in lines");
	}
	IS_STR(text_escape(out, sizeof out, "a\0b", 3, 1), "a\\x00b", "NUL");
}

/* In every size: the whole if it fits, else the longest start of whole
 * pieces that leaves room for the dots. */
static void
check_sizes(void)
{
	static const char bytes[] = "ab\xc3\xa9\n\x01\xe2\x82\xac\\z";
	static const char *const pieces[] = {
	    "a", "b", "\xc3\xa9", "\\n", "\\x01", "\xe2\x82\xac", "\\\\", "z"};
	static const size_t npieces = sizeof pieces / sizeof *pieces;
	char whole[64], want[64], *out;
	size_t size, len, i;
	int good = 1;

	text_escape(whole, sizeof whole, bytes, sizeof bytes - 1, 0);
	for (size = 1; good && size < 40; size++) {
		want[0] = '\0';
		if (strlen(whole) < size) {
			strcpy(want, whole);
		} else if (size >= 4) {
			for (i = 0, len = 0; i < npieces; i++) {
				len += strlen(pieces[i]);
				if (len + 4 > size)
					break;
				strcat(want, pieces[i]);
			}
			strcat(want, "...");
		}
		/* Of exactly this size, so that a sanitizer sees past it. */
		out = malloc(size);
		text_escape(out, size, bytes, sizeof bytes - 1, 0);
		good = strcmp(out, want) == 0;
		if (!good)
			printf("# size %zu: '%s', want '%s'\n", size, out,
			    want);
		free(out);
	}
	OK(good, "cut between characters, and only what does not fit");
	OK(text_escape(whole, 0, "a", 1, 0) == whole, "no room, no write");
}

/* What is shown can be printed, whatever it was. */
static void
check_random(void)
{
	uint64_t state = tap_seed(4);
	char bytes[40], out[100];
	size_t i, len;
	int round, good = 1;

	for (round = 0; good && round < 3000; round++) {
		len = tap_random(&state) % sizeof bytes;
		for (i = 0; i < len; i++)
			bytes[i] = (char)tap_random(&state);
		text_escape(out, 1 + tap_random(&state) % sizeof out, bytes,
		    len, 0);
		good = text_is_clean(out, strlen(out));
	}
	OK(good, "what is shown is clean");
}

int
main(void)
{
	check_codes();
	check_bytes();
	check_shown();
	check_sizes();
	check_random();
	return tap_done();
}
