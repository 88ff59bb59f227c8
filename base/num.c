/* One spelling of numbers. */

#include "base/num.h"

#include <string.h>

#define DURATION_MAX_MS (INT64_C(1000) * 366 * 86400 * 1000)

enum num_result
num_parse(const char *s, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;
	int over = 0;
	size_t i;

	if (len == 0 || (len > 1 && s[0] == '0'))
		return NUM_SYNTAX;
	for (i = 0; i < len; i++) {
		unsigned digit = (unsigned)(unsigned char)s[i] - '0';

		if (digit > 9)
			return NUM_SYNTAX;
		if (n > (max - (digit > max ? max : digit)) / 10)
			over = 1;
		if (!over)
			n = n * 10 + digit;
		if (n > max)
			over = 1;
	}
	if (over)
		return NUM_RANGE;
	*out = n;
	return NUM_OK;
}

int
num_parse_duration(const char *s, size_t len, int64_t *ms)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	size_t digits = 0;
	uint64_t n;
	size_t i;

	while (digits < len && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	for (i = 0; i < sizeof units / sizeof *units; i++) {
		if (len - digits != strlen(units[i].suffix) ||
		    memcmp(s + digits, units[i].suffix, len - digits) != 0)
			continue;
		if (num_parse(s, digits,
			(uint64_t)(DURATION_MAX_MS / units[i].ms),
			&n) != NUM_OK ||
		    n == 0)
			return -1;
		*ms = (int64_t)n * units[i].ms;
		return 0;
	}
	return -1;
}
