/* Instants: read strictly, shown exactly, every day there is. */

#include "base/timetext.h"

#include "tests/tap.h"

#define DAY_US INT64_C(86400000000)

/* Seconds as date(1) has them. */
static const struct {
	const char *text;
	int64_t us; /* -1: refused */
} cases[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.000001Z", 1},
    {"1970-01-01T00:00:00.1Z", 100000},
    {"1970-01-01T00:00:00.012Z", 12000},
    {"2000-02-29T12:34:56Z", INT64_C(951827696000000)},
    {"2026-11-22T10:15:00.123456Z", INT64_C(1795342500123456)},
    {"2038-01-19T03:14:08Z", INT64_C(2147483648000000)},
    {"2100-02-28T23:59:59Z", INT64_C(4107542399000000)},
    {"2100-03-01T00:00:00Z", INT64_C(4107542400000000)},
    {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
    {"", -1},
    {"Z", -1},
    {"1969-12-31T23:59:59Z", -1},
    {"0000-01-01T00:00:00Z", -1},
    {"10000-01-01T00:00:00Z", -1},
    {"2026-00-01T00:00:00Z", -1},
    {"2026-13-01T00:00:00Z", -1},
    {"2026-01-00T00:00:00Z", -1},
    {"2026-01-32T00:00:00Z", -1},
    {"2026-04-31T00:00:00Z", -1},
    {"2026-02-29T00:00:00Z", -1},
    {"2100-02-29T00:00:00Z", -1},
    {"2026-01-01T24:00:00Z", -1},
    {"2026-01-01T00:60:00Z", -1},
    {"2016-12-31T23:59:60Z", -1},
    {"2026-01-01T00:00:00", -1},
    {"2026-01-01T00:00:00z", -1},
    {"2026-01-01t00:00:00Z", -1},
    {"2026-01-01 00:00:00Z", -1},
    {"2026-01-01T00:00:00+00:00", -1},
    {"2026-01-01T00:00:00.Z", -1},
    {"2026-01-01T00:00:00.0000000Z", -1},
    {"2026-01-01T00:00:00.12a4Z", -1},
    {"2026-01-01T00:00:00.-1Z", -1},
    {"2026-01-01T00:00:00,5Z", -1},
    {"2026-01-01T00:00:005Z", -1},
    {"2026-01-01T00:00:00ZZ", -1},
    {"2026-01-01T00:00:00Z ", -1},
    {" 2026-01-01T00:00:00Z", -1},
    {"2026-1-01T00:00:00Z", -1},
    {"2026-01-01T0:00:00Z", -1},
    {"-026-01-01T00:00:00Z", -1},
    {"+026-01-01T00:00:00Z", -1},
    {"2026-+1-01T00:00:00Z", -1},
    {"2026-01- 1T00:00:00Z", -1},
    {"2026/01/01T00:00:00Z", -1},
};

/* Count the days by hand, with the rule for leap years as people say it. */
static void
check_days(void)
{
	static const int lengths[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	char want[64], got[TIMETEXT_SIZE];
	int64_t us = 0, back;
	int y, m, d, days, good = 1;

	for (y = 1970; good && y <= 9999; y++)
		for (m = 1; good && m <= 12; m++) {
			days = lengths[m - 1];
			if (m == 2 &&
			    (y % 400 == 0 || (y % 4 == 0 && y % 100 != 0)))
				days = 29;
			for (d = 1; good && d <= days; d++, us += DAY_US) {
				/* The borders of each month, and a middle. */
				if (d > 1 && d < days && d != 15)
					continue;
				snprintf(want, sizeof want,
				    "%04d-%02d-%02dT00:00:00.000000Z", y, m, d);
				timetext_format(us, got);
				good = strcmp(got, want) == 0 &&
				       timetext_parse(want, strlen(want),
					   &back) == 0 &&
				       back == us;
			}
			if (good) {
				snprintf(want, sizeof want,
				    "%04d-%02d-%02dT00:00:00Z", y, m, days + 1);
				good = timetext_parse(want, strlen(want),
					   &back) == -1;
			}
		}
	OK(good, "every month from 1970 to 9999%s%s", good ? "" : ": ",
	    good ? "" : want);
}

int
main(void)
{
	uint64_t state = tap_seed(3);
	char text[TIMETEXT_SIZE];
	int64_t us, back;
	size_t i, len;
	int good = 1;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		us = -1;
		IS(timetext_parse(cases[i].text, strlen(cases[i].text), &us),
		    cases[i].us < 0 ? -1 : 0, cases[i].text);
		IS(us, cases[i].us, "its value, or untouched");
	}
	for (len = 0; len < 27; len++)
		good = good && (timetext_parse("2026-11-22T10:15:00.123456Z",
				    len, &us) == -1);
	OK(good, "cut anywhere: refused");
	IS(timetext_parse("2026-11-22T10:15:00\0Z", 21, &us), -1, "NUL");

	IS_STR(timetext_format(INT64_C(1795342500123456), text),
	    "2026-11-22T10:15:00.123456Z", "always six digits");
	IS_STR(timetext_format(INT64_MAX, text), "9999-12-31T23:59:59.999999Z",
	    "past the end");
	IS_STR(timetext_format(-1, text), "1970-01-01T00:00:00.000000Z",
	    "before the start");
	for (good = 1, i = 0; i < 2000; i++) {
		us = (int64_t)(tap_random(&state) %
			       UINT64_C(253402300800000000));
		timetext_format(us, text);
		good = good && strlen(text) == TIMETEXT_SIZE - 1 &&
		       timetext_parse(text, strlen(text), &back) == 0 &&
		       back == us;
	}
	OK(good, "what is shown is read");
	check_days();
	return tap_done();
}
