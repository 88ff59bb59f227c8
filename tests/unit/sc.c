#include "crypto/sc.h"

#include "tests/tap.h"
#include "tests/vectors.h"

#define ORDER "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"
#define ONES  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* Computed with the integers of another language. */
static const struct {
	const char *low, *high, *result;
} reduced[] = {
    /* clang-format off */
	{ZEROS, ZEROS, ZEROS},
	{ORDER, ZEROS, ZEROS},
	{"ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
	    ZEROS,
	    "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"},
	{ONES, ONES,
	    "000f9c44e31106a447938568a71b0ed065bef517d273ecce3d9a307c1b419903"},
	{"7f552c44550c1c6cf90dc0bab9d4a3f65e904f69f519a6e1816d9f092ef58ea0",
	    "92e193f7057a1060f624ab738844af6b3207e19bf167323ac4f1d05a475d705c",
	    "74b4b1ba0cef33498139f594205ea6e5890bc612ea7e44d02dd24583c54b0400"},
	{"b3f2cf04204ee074a2e9dd1f68241fc1f0a1aef64cd5901761cc0dbd211f938d",
	    "5183b8b265cd06fa271a53f053e7fde881ee4f51d948099e2ecce479ab66f703",
	    "9caf059a8b4259bbd0aee5412feb8fe8e8db86075c558bea791ee2ee01a42607"},
    /* clang-format on */
};

static const struct {
	const char *a, *b, *c, *result;
} multiplied[] = {
    /* clang-format off */
	{ONES, ONES, ONES,
	    "d14df91389432c25ad60ff9791b9fd1d67bef517d273ecce3d9a307c1b419903"},
	{"85c8de88d28866bf0868090b3961162bf82392f690d9e4730910f4af7c6ab3ee",
	    "f0ffa34335ef979fcf79a200874749da3054fe398bb6d2137d3c98b82df9160f",
	    "a5c1009bf9fce98b7930ae5fe7aa7ca06c7689fe2bd9be8a75373f1a8ffae454",
	    "bc7a2f1b6d5a8058e77e30b090194c2171f62ffa35e249e94db666e13e44ba05"},
    /* clang-format on */
};

static void
known(void)
{
	uint8_t wide[64], a[32], b[32], c[32], want[32];
	unsigned i;

	for (i = 0; i < sizeof(reduced) / sizeof(reduced[0]); i++) {
		unhex(wide, 32, reduced[i].low);
		unhex(wide + 32, 32, reduced[i].high);
		unhex(want, sizeof(want), reduced[i].result);
		sc_reduce(a, wide);
		IS_MEM(a, want, sizeof(a), "reduced as it should be");
	}
	for (i = 0; i < sizeof(multiplied) / sizeof(multiplied[0]); i++) {
		unhex(a, sizeof(a), multiplied[i].a);
		unhex(b, sizeof(b), multiplied[i].b);
		unhex(c, sizeof(c), multiplied[i].c);
		unhex(want, sizeof(want), multiplied[i].result);
		sc_muladd(a, a, b, c);
		IS_MEM(a, want, sizeof(a), "multiplied as it should be");
	}
}

static void
is_reduced(void)
{
	uint8_t a[32];

	unhex(a, sizeof(a), ZEROS);
	IS(sc_is_reduced(a), 1, "0 is below L");
	unhex(a, sizeof(a), ORDER);
	IS(sc_is_reduced(a), 0, "L is not");
	a[0]--;
	IS(sc_is_reduced(a), 1, "L - 1 is");
	a[31] |= 0x80;
	IS(sc_is_reduced(a), 0, "nor with the top bit");
	unhex(a, sizeof(a), ONES);
	IS(sc_is_reduced(a), 0, "nor is the largest");
}

/* low + 2^256 high, in one go and through the remainder of 2^256. */
static void
consistent(uint64_t seed)
{
	uint8_t wide[64] = {0}, power[32], a[32], b[32];
	unsigned i, n, good = 0;

	wide[32] = 1;
	sc_reduce(power, wide);
	for (n = 0; n < 500; n++) {
		for (i = 0; i < sizeof(wide); i++)
			wide[i] = (uint8_t)(tap_random(&seed) >> 56);
		sc_reduce(a, wide);
		sc_muladd(b, wide + 32, power, wide);
		good += memcmp(a, b, sizeof(a)) == 0 && sc_is_reduced(a);
	}
	IS(good, 500, "both ways to reduce agree");
}

int
main(void)
{
	known();
	is_reduced();
	consistent(tap_seed(1));
	return tap_done();
}
