#include "base/base64.h"

#include "tests/tap.h"

/* RFC 4648 10 */
static const char *const plain[] = {
    "", "f", "fo", "foo", "foob", "fooba", "foobar"};
static const char *const coded[] = {
    "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

static void
vectors(void)
{
	char text[BASE64_SIZE(6)];
	uint8_t back[6];
	unsigned i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		size_t len = strlen(plain[i]);

		base64_encode(text, (const uint8_t *)plain[i], len);
		IS_STR(text, coded[i], "RFC 4648's text");
		IS(strlen(text) + 1, BASE64_SIZE(len), "of the size foretold");
		OK(base64_decode(back, len, text, strlen(text)) == 0 &&
			memcmp(back, plain[i], len) == 0,
		    "'%s' comes back", plain[i]);
	}
}

static void
alphabet(void)
{
	static const char want[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t bytes[48] = {0};
	char text[BASE64_SIZE(sizeof(bytes))];
	unsigned i;

	/* The digits 0 to 63 in a row. */
	for (i = 0; i < 64; i++) {
		unsigned at = i * 6 / 8, v = i << (10 - i * 6 % 8);

		bytes[at] = (uint8_t)(bytes[at] | v >> 8);
		if (at + 1 < sizeof(bytes))
			bytes[at + 1] = (uint8_t)(bytes[at + 1] | v);
	}
	IS_STR(base64_encode(text, bytes, sizeof(bytes)), want,
	    "the alphabet is in order");
}

static void
round_trips(uint64_t seed)
{
	uint8_t bytes[100], back[101];
	char text[BASE64_SIZE(sizeof(bytes))];
	unsigned len, i, bad = 0, short_ok = 0;

	for (len = 0; len <= sizeof(bytes); len++) {
		size_t nchars = BASE64_SIZE(len) - 1;

		for (i = 0; i < len; i++)
			bytes[i] = (uint8_t)(tap_random(&seed) >> 56);
		base64_encode(text, bytes, len);
		back[len] = 0xee;
		bad += base64_decode(back, len, text, nchars) != 0 ||
		       memcmp(back, bytes, len) != 0 || back[len] != 0xee;
		for (i = 0; i < nchars; i++)
			short_ok += base64_decode(back, len, text, i) == 0;
		short_ok += base64_decode(back, len + 1, text, nchars) == 0;
		if (len > 0)
			short_ok +=
			    base64_decode(back, len - 1, text, nchars) == 0;
	}
	IS(bad, 0, "every length comes back and no byte more is written");
	IS(short_ok, 0, "no other length is taken for it");
}

/* How many texts of four characters, x and y free, give len bytes; each must
 * be what its bytes are encoded as. */
static unsigned
count(char text[4], char *x, char *y, size_t len)
{
	char again[5];
	uint8_t back[3];
	unsigned i, n = 0;

	for (i = 0; i < 65536; i++) {
		*x = (char)(i >> 8);
		*y = (char)(i & 255);
		if (base64_decode(back, len, text, 4) != 0)
			continue;
		base64_encode(again, back, len);
		if (memcmp(again, text, 4) != 0)
			return 0;
		n++;
	}
	return n;
}

static void
one_spelling(void)
{
	char text[4] = {'A', 'A', 'A', 'A'};

	IS(count(text, &text[0], &text[1], 3), 4096, "xyAA: any two digits");
	text[0] = text[1] = 'A';
	IS(count(text, &text[2], &text[3], 3), 4096, "AAxy: any two digits");
	IS(count(text, &text[2], &text[3], 1), 1, "AAxy, one byte: only ==");
	text[2] = text[3] = '=';
	IS(count(text, &text[0], &text[1], 1), 256, "xy==: spare bits are 0");
	text[0] = 'A';
	IS(count(text, &text[1], &text[2], 2), 64 * 16, "Axy=: the same");
	text[1] = 'A';
	IS(count(text, &text[2], &text[3], 2), 16, "AAxy, two bytes: only =");
}

int
main(void)
{
	uint8_t back[3];

	vectors();
	alphabet();
	round_trips(tap_seed(1));
	one_spelling();
	IS(base64_decode(back, 3, "Zm9v\n", 5), -1, "no line end");
	IS(base64_decode(back, 3, " Zm9", 4), -1, "no blank");
	IS(base64_decode(back, 3, "Zm-_", 4), -1, "no other alphabet");
	IS(base64_decode(back, 1, "Zg", 2), -1, "no padding left out");
	IS(base64_decode(back, SIZE_MAX, "Zg==", 4), -1,
	    "a length that would wrap round is refused");
	return tap_done();
}
