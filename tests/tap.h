#ifndef TESTS_TAP_H
#define TESTS_TAP_H

/*
 * Unit tests speak TAP. A test program is a main() of checks that ends with
 * return tap_done(). Checks print the place and, where they compare, both
 * values, and return whether they passed. What they print is out when they
 * return: the next line of the test may end it, or fork.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((unused, format(printf, 4, 5))) static int
tap_ok(int passed, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	if (!passed) {
		printf("#   at %s:%d\n", file, line);
		tap_failed++;
	}
	fflush(stdout);
	return passed;
}

__attribute__((unused)) static int
tap_int(intmax_t got, intmax_t want, const char *file, int line,
    const char *what)
{
	int passed = tap_ok(got == want, file, line, "%s", what);

	if (!passed)
		printf("#   got %jd, want %jd\n", got, want);
	fflush(stdout);
	return passed;
}

__attribute__((unused)) static int
tap_str(const char *got, const char *want, const char *file, int line,
    const char *what)
{
	int passed = tap_ok(got != NULL && strcmp(got, want) == 0, file, line,
	    "%s", what);

	if (!passed)
		printf("#   got  '%s'\n#   want '%s'\n",
		    got != NULL ? got : "(null)", want);
	fflush(stdout);
	return passed;
}

__attribute__((unused)) static int
tap_mem(const void *got, const void *want, size_t len, const char *file,
    int line, const char *what)
{
	const uint8_t *g = got, *w = want;
	size_t i = 0;
	int passed;

	while (i < len && g[i] == w[i])
		i++;
	passed = tap_ok(i == len, file, line, "%s", what);
	if (!passed)
		printf("#   byte %zu of %zu: got 0x%02x, want 0x%02x\n", i, len,
		    g[i], w[i]);
	fflush(stdout);
	return passed;
}

__attribute__((unused)) static void
tap_skip(const char *why)
{
	printf("ok %d # SKIP %s\n", ++tap_count, why);
	fflush(stdout);
}

__attribute__((unused)) static int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

/* OK(condition, what...), IS(got, want, what): what is a sentence of the
 * promise, not of the code. */
#define OK(cond, ...) tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
#define IS(got, want, what) \
	tap_int((intmax_t)(got), (intmax_t)(want), __FILE__, __LINE__, what)
#define IS_STR(got, want, what) tap_str(got, want, __FILE__, __LINE__, what)
#define IS_MEM(got, want, len, what) \
	tap_mem(got, want, len, __FILE__, __LINE__, what)

/* A seed for random histories: TEST_SEED=n replays a run. */
__attribute__((unused)) static uint64_t
tap_seed(uint64_t fallback)
{
	const char *s = getenv("TEST_SEED");
	uint64_t seed = s != NULL ? strtoull(s, NULL, 10) : fallback;

	printf("# TEST_SEED=%" PRIu64 "\n", seed);
	return seed;
}

/* xorshift64*: the same on every machine. */
__attribute__((unused)) static uint64_t
tap_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

#endif
