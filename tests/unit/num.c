/* One spelling of numbers and durations; everything else is refused. */

#include "base/num.h"

#include "tests/tap.h"

static const char *const bad[] = {"", "+5", "-1", "-0", "05", "00", "01", " 5",
    "5 ", "5\n", "0x5", "5.0", "1e3", "a", "5a", "a5", "1,000", "1_0",
    "\xd9\xa5", "/", ":", "99999999999999999999999x", "018446744073709551616"};

static const struct {
	const char *text;
	uint64_t max;
	int result;
	uint64_t n;
} numbers[] = {
    {"0", 0, NUM_OK, 0},
    {"1", 0, NUM_RANGE, 0},
    {"9", 0, NUM_RANGE, 0},
    {"5", 5, NUM_OK, 5},
    {"6", 5, NUM_RANGE, 0},
    {"7", 5, NUM_RANGE, 0},
    {"10", 5, NUM_RANGE, 0},
    {"10", 9, NUM_RANGE, 0},
    {"10", 10, NUM_OK, 10},
    {"65535", 65535, NUM_OK, 65535},
    {"65536", 65535, NUM_RANGE, 0},
    {"655350", 65535, NUM_RANGE, 0},
    {"18446744073709551615", UINT64_MAX, NUM_OK, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, NUM_RANGE, 0},
    {"18446744073709551619", UINT64_MAX, NUM_RANGE, 0},
    {"18446744073709551620", UINT64_MAX, NUM_RANGE, 0},
    {"18446744073709551621", UINT64_MAX, NUM_RANGE, 0},
    {"28446744073709551615", UINT64_MAX, NUM_RANGE, 0},
    {"99999999999999999999", UINT64_MAX, NUM_RANGE, 0},
    {"184467440737095516160", UINT64_MAX, NUM_RANGE, 0},
    {"340282366920938463463374607431768211461", UINT64_MAX, NUM_RANGE, 0},
    {"9223372036854775807", INT64_MAX, NUM_OK, INT64_MAX},
    {"9223372036854775808", INT64_MAX, NUM_RANGE, 0},
};

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} durations[] = {
    {"1ms", 1},
    {"500ms", 500},
    {"1s", 1000},
    {"10s", 10000},
    {"5m", 300000},
    {"1h", 3600000},
    {"24h", 86400000},
    {"31622400000000ms", INT64_C(31622400000000)},
    {"31622400000001ms", -1},
    {"8784000h", INT64_C(31622400000000)},
    {"8784001h", -1},
    {"18446744073709551617ms", -1},
    {"0s", -1},
    {"0ms", -1},
    {"05s", -1},
    {"", -1},
    {"5", -1},
    {"s", -1},
    {"ms", -1},
    {"+5s", -1},
    {"-5s", -1},
    {"5 s", -1},
    {" 5s", -1},
    {"5s ", -1},
    {"5S", -1},
    {"5sec", -1},
    {"5d", -1},
    {"5us", -1},
    {"5m5s", -1},
    {"1.5s", -1},
    {"5mss", -1},
    {"5s\n", -1},
};

int
main(void)
{
	uint64_t state = tap_seed(2), n;
	char text[32];
	int64_t ms;
	size_t i;
	int good;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		n = 77;
		OK(num_parse(bad[i], strlen(bad[i]), UINT64_MAX, &n) ==
			    NUM_SYNTAX &&
			n == 77,
		    "no number: %zu", i);
	}
	n = 77;
	IS(num_parse("1\0", 2, 10, &n), NUM_SYNTAX, "NUL is no end");
	IS(num_parse("123", 2, UINT64_MAX, &n), NUM_OK, "only len bytes");
	IS(n, 12, "are read");
	for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		n = 77;
		IS(num_parse(numbers[i].text, strlen(numbers[i].text),
		       numbers[i].max, &n),
		    numbers[i].result, numbers[i].text);
		OK(n == (numbers[i].result == NUM_OK ? numbers[i].n : 77),
		    "its value, or untouched");
	}
	/* Every maximum near every number: the borders are exact. */
	for (good = 1, n = 0; n < 200; n++) {
		uint64_t max, got;

		snprintf(text, sizeof text, "%" PRIu64, n);
		for (max = 0; max < 210; max++)
			good =
			    good && num_parse(text, strlen(text), max, &got) ==
					(n <= max ? NUM_OK : NUM_RANGE);
	}
	OK(good, "in range is what is at most max");
	for (good = 1, i = 0; i < 1000; i++) {
		uint64_t want = tap_random(&state) >> tap_random(&state) % 64;

		snprintf(text, sizeof text, "%" PRIu64, want);
		good =
		    good && num_parse(text, strlen(text), want, &n) == NUM_OK &&
		    n == want &&
		    (want == 0 || num_parse(text, strlen(text), want - 1, &n) ==
				      NUM_RANGE);
	}
	OK(good, "what is printed is read");

	for (i = 0; i < sizeof durations / sizeof *durations; i++) {
		ms = -1;
		IS(num_parse_duration(durations[i].text,
		       strlen(durations[i].text), &ms),
		    durations[i].ms < 0 ? -1 : 0, durations[i].text);
		IS(ms, durations[i].ms, "its value, or untouched");
	}
	return tap_done();
}
