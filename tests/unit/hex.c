#include "base/hex.h"

#include "tests/tap.h"

int
main(void)
{
	uint8_t all[256], back[256];
	char text[2 * sizeof(all) + 1];
	char pair[2];
	unsigned i, accepted = 0, same = 0, refused = 0;

	for (i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	OK(hex_encode(text, all, sizeof(all)) == text, "returns its text");
	OK(memcmp(text, "000102", 6) == 0, "starts with the first byte");
	IS_STR(text + 2 * 0xf7, "f7f8f9fafbfcfdfeff",
	    "is lower case and ends with a NUL");
	IS(hex_decode(back, sizeof(back), text, strlen(text)), 0, "comes back");
	IS_MEM(back, all, sizeof(all), "as it was");
	IS_STR(hex_encode(text, all, 0), "", "no bytes are no digits");
	IS(hex_decode(back, 0, "", 0), 0, "and back");

	for (i = 0; i < 65536; i++) {
		pair[0] = (char)(i >> 8);
		pair[1] = (char)(i & 255);
		if (hex_decode(back, 1, pair, 2) != 0)
			continue;
		accepted++;
		same += memcmp(hex_encode(text, back, 1), pair, 2) == 0;
	}
	IS(accepted, 256, "of all pairs of characters 256 are a byte");
	IS(same, 256, "each the one spelling of its byte");

	for (i = 0; i <= 8; i++)
		refused += hex_decode(back, 2, "01234567", i) != 0;
	IS(refused, 8, "only the exact number of digits is taken");
	IS(hex_decode(back, SIZE_MAX / 2 + 2, "01", 2), -1,
	    "a length that would wrap round is refused");
	return tap_done();
}
