/* Headers of archives: what is built is parsed, nothing else is. */

#include "pack/ustar.h"

#include <stdio.h>

#include "tests/tap.h"

/* The sum anew, after a change. */
static void
resum(uint8_t *block)
{
	unsigned sum = 0;
	size_t i;

	memset(block + 148, ' ', 8);
	for (i = 0; i < USTAR_BLOCK; i++)
		sum += block[i];
	snprintf((char *)block + 148, 7, "%06o", sum);
	block[155] = ' ';
}

static void
good(uint8_t block[USTAR_BLOCK], const char *name, uint64_t size)
{
	struct ustar_entry e;

	strcpy(e.name, name);
	e.size = size;
	e.mtime_s = 1795342500;
	if (ustar_build(block, &e) != 0)
		abort();
}

static int
parse(const uint8_t block[USTAR_BLOCK])
{
	struct ustar_entry e;
	const char *why;

	return ustar_parse(&e, block, &why);
}

/* One field of a good header is another, and the sum right. */
static int
with(size_t at, const void *bytes, size_t len)
{
	uint8_t block[USTAR_BLOCK];

	good(block, "dir/file", 5);
	memcpy(block + at, bytes, len);
	resum(block);
	return parse(block);
}

static void
round_trip(const char *name, uint64_t size, const char *what)
{
	uint8_t block[USTAR_BLOCK];
	struct ustar_entry e;
	const char *why = "";

	good(block, name, size);
	IS(ustar_parse(&e, block, &why), 0, what);
	IS_STR(e.name, name, "its name");
	IS(e.size, size, "its size");
}

static void
test_build(void)
{
	char name[NAME_LEN_MAX + 2];
	uint8_t block[USTAR_BLOCK];
	struct ustar_entry e = {{0}, 0, 0};
	size_t i;

	round_trip("a", 0, "a file");
	round_trip("a/", 0, "a folder");
	round_trip("gr\xc3\xbc\xc3\x9f", USTAR_SIZE_MAX, "the largest size");
	memset(name, 'n', sizeof name);
	name[155] = '/';
	name[NAME_LEN_MAX] = '\0';
	round_trip(name, 1, "155, a slash and 99");
	name[99] = '/';
	round_trip(name, 1, "99, a slash, 55, a slash and 99");
	name[155] = 'n';
	memcpy(e.name, name, sizeof name);
	IS(ustar_build(block, &e), -1, "99, a slash and 155 do not fit");
	for (i = 0; i < NAME_LEN_MAX; i += 10)
		name[i] = '/';
	memset(name, 'n', sizeof name);
	name[100] = '\0';
	round_trip(name, 1, "100 without a slash");
	name[100] = 'n';
	name[101] = '\0';
	memcpy(e.name, name, sizeof name);
	IS(ustar_build(block, &e), -1, "not 101");
	memset(name, 'n', sizeof name);
	name[50] = '/';
	name[150] = '/';
	name[151] = '\0';
	round_trip(name, 0, "a folder whose last part has 99");
	e.name[0] = 'x';
	e.name[1] = '\0';
	e.size = USTAR_SIZE_MAX + 1;
	IS(ustar_build(block, &e), -1, "not a larger size");
}

static void
test_types(void)
{
	static const char types[] = "1234679xgLKSVADMNX";
	uint8_t block[USTAR_BLOCK];
	size_t i;

	IS(with(156, "", 1), 0, "the old type of a file");
	for (i = 0; i < sizeof types - 1; i++)
		OK(with(156, types + i, 1) == -1, "A2 A3 type %c: refused",
		    types[i]);
	IS(with(156, "5", 1), -1, "A12 a folder with content");
	IS(with(157, "/etc/passwd", 11), -1, "A2 a file with a link's name");
	good(block, "dir/", 0);
	block[3] = '\0'; /* "dir" */
	resum(block);
	IS(parse(block), 0, "a folder without its slash");
}

static void
test_sizes(void)
{
	IS(with(124, "00000000005 ", 12), 0, "A4 a blank behind the digits");
	IS(with(124, "5\0\0\0\0\0\0\0\0\0\0\0", 12), 0, "A4 one digit");
	IS(with(124, "5          \0", 12), 0, "A4 blanks and a NUL");
	IS(with(124, "000000000005", 12), -1, "A4 twelve digits");
	IS(with(124, "777777777777", 12), -1, "A4 twelve large digits");
	IS(with(124, "\x80\0\0\0\0\0\0\0\0\0\0\5", 12), -1, "A4 base 256");
	IS(with(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12),
	    -1, "A4 base 256, negative");
	IS(with(124, " 0000000005\0", 12), -1, "A4 a blank before");
	IS(with(124, "-0000000005\0", 12), -1, "A4 a sign");
	IS(with(124, "0000000000x\0", 12), -1, "A4 no digit");
	IS(with(124, "00000000008\0", 12), -1, "A4 no octal digit");
	IS(with(124, "000\0000000005\0", 12), -1, "A4 digits behind the NUL");
	IS(with(124, "\0\0\0\0\0\0\0\0\0\0\0\0", 12), -1, "A4 nothing");
	IS(with(124, "            ", 12), -1, "A4 blanks");
}

static void
test_sums(void)
{
	uint8_t block[USTAR_BLOCK];
	unsigned sum = 0;
	size_t i;

	good(block, "a", 0);
	block[0] = 'b';
	IS(parse(block), -1, "A5 a sum of other bytes");
	good(block, "a", 0);
	memset(block + 148, ' ', 8);
	IS(parse(block), -1, "A5 a blank sum");
	memset(block + 148, 0, 8);
	IS(parse(block), -1, "A5 a sum of zeros");
	good(block, "gr\xc3\xbc\xc3\x9f", 0);
	memset(block + 148, ' ', 8);
	for (i = 0; i < USTAR_BLOCK; i++)
		sum += (unsigned)(signed char)block[i];
	snprintf((char *)block + 148, 7, "%06o", sum);
	IS(parse(block), -1, "A5 a sum of signed bytes");
	for (i = 0; i < USTAR_BLOCK; i++) {
		good(block, "dir/file", 5);
		block[i] ^= 4;
		if (parse(block) == 0)
			break;
	}
	IS(i, USTAR_BLOCK, "A5 one bit of any byte is found");
}

static void
test_fields(void)
{
	IS(with(257, "ustar  ", 8), -1, "A3 GNU's magic");
	IS(with(257, "\0\0\0\0\0\0\0\0", 8), -1, "A3 none, as of old");
	IS(with(263, "01", 2), -1, "another version");
	IS(with(20, "x", 1), -1, "A3 bytes behind the name's end");
	IS(with(400, "x", 1), -1, "A3 bytes behind the prefix's end");
	IS(with(508, "tar", 3), -1, "A3 bytes in the rest");
	IS(with(345, "..", 2), -1, "A1 a prefix that leads out");
	IS(with(345, "/", 1), -1, "A1 a prefix that begins at the root");
	IS(with(345, "a/", 2), -1, "A1 a prefix with a slash at its end");
	IS(with(345, "a", 1), 0, "a good prefix");
	IS(with(0, "../../../x", 10), -1, "A1 a name that leads out");
	IS(with(0, "/r/file", 7), -1, "A1 a name from the root");
	IS(with(0, "dir/file/", 9), -1, "A1 a file with a folder's name");
	IS(with(0, "\0\0\0\0\0\0\0\0\0", 9), -1, "A1 no name");
	IS(with(0, "dir\\file", 8), -1, "A1 a backslash");
	IS(with(0, "dir\nfile", 8), -1, "A8 a line's end");
	IS(with(0, "d\x1b[2Jile", 8), -1, "A8 an escape");
	IS(with(100, "0007777\0", 8), 0, "A10 set-id bits are not looked at");
	IS(with(108, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), 0,
	    "A10 nor an owner");
	IS(with(136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12), 0,
	    "A10 nor a time");
}

int
main(void)
{
	test_build();
	test_types();
	test_sizes();
	test_sums();
	test_fields();
	IS(ustar_padding(0), 0, "no padding of nothing");
	IS(ustar_padding(1), 511, "of one byte");
	IS(ustar_padding(512), 0, "of a block");
	return tap_done();
}
