#include "crypto/wipe.h"

#include "tests/tap.h"

int
main(void)
{
	uint8_t a[9], b[9];
	unsigned bit, found = 0;

	memset(a, 0xa5, sizeof(a));
	crypto_wipe(a + 1, 7);
	OK(a[0] == 0xa5 && a[8] == 0xa5, "what is beside stays");
	memset(b, 0, sizeof(b));
	IS_MEM(a + 1, b, 7, "a wiped secret is zeros");
	crypto_wipe(a, 0);
	OK(a[0] == 0xa5, "wiping nothing does nothing");

	memset(a, 0x5a, sizeof(a));
	memset(b, 0x5a, sizeof(b));
	IS(crypto_equal(a, b, sizeof(a)), 1, "equal bytes are equal");
	IS(crypto_equal(a, b, 0), 1, "no bytes are equal to no bytes");
	for (bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		found += crypto_equal(a, b, sizeof(a)) == 0;
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	IS(found, 8 * sizeof(a), "a difference in any one bit is seen");
	memset(b, 0xa5, sizeof(b));
	IS(crypto_equal(a, b, sizeof(a)), 0, "and one in all bits");
	return tap_done();
}
