/* Instants and their text, by the proleptic Gregorian calendar. */

#include "base/timetext.h"

#include <stdio.h>

#define US              INT64_C(1000000)
#define DAY             INT64_C(86400)
#define FRACTION_DIGITS 6
#define DAYS_TO_1970    INT64_C(719468)                  /* from 0000-03-01 */
#define LAST_INSTANT    (INT64_C(253402300800) * US - 1) /* end of 9999 */

/* Days since 1970 of a date; years begin in March, so that the leap day is
 * the last day of one and months have a linear formula. */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	if (m <= 2)
		y--;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy -
	       DAYS_TO_1970;
}

static int64_t
days_in_month(int64_t y, int64_t m)
{
	static const int8_t days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return days[m - 1] + (m == 2 && leap);
}

/* Two digits a field, four for the year; -1 when not digits. */
static int64_t
digits(const char *s, size_t n)
{
	int64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

int
timetext_parse(const char *s, size_t len, int64_t *us)
{
	static const char shape[] = "0000-00-00T00:00:00";
	const size_t whole = sizeof shape - 1;
	int64_t y, mo, d, h, mi, sec, frac = 0;
	size_t i, n;

	if (len < whole + 1 || s[len - 1] != 'Z')
		return -1;
	for (i = 0; i < whole; i++)
		if (shape[i] != '0' && s[i] != shape[i])
			return -1;
	y = digits(s, 4);
	mo = digits(s + 5, 2);
	d = digits(s + 8, 2);
	h = digits(s + 11, 2);
	mi = digits(s + 14, 2);
	sec = digits(s + 17, 2);
	if (y < 1970 || mo < 1 || mo > 12 || d < 1 ||
	    d > days_in_month(y, mo) || h < 0 || h > 23 || mi < 0 || mi > 59 ||
	    sec < 0 || sec > 59)
		return -1;
	if (len > whole + 1) {
		n = len - whole - 2;
		if (s[whole] != '.' || n < 1 || n > FRACTION_DIGITS)
			return -1;
		frac = digits(s + whole + 1, n);
		if (frac < 0)
			return -1;
		for (; n < FRACTION_DIGITS; n++)
			frac *= 10;
	}
	*us = (days_of(y, mo, d) * DAY + h * 3600 + mi * 60 + sec) * US + frac;
	return 0;
}

char *
timetext_format(int64_t us, char out[TIMETEXT_SIZE])
{
	int64_t days, rest, era, doe, yoe, doy, mp, y, m, d;

	if (us < 0)
		us = 0;
	if (us > LAST_INSTANT)
		us = LAST_INSTANT;
	days = us / US / DAY + DAYS_TO_1970;
	rest = us / US % DAY;
	era = days / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	d = doy - (153 * mp + 2) / 5 + 1;
	m = mp < 10 ? mp + 3 : mp - 9;
	y = yoe + era * 400 + (m <= 2);
	snprintf(out, TIMETEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
	    (unsigned)y % 10000, (unsigned)m % 100, (unsigned)d % 100,
	    (unsigned)(rest / 3600) % 100, (unsigned)(rest / 60 % 60) % 100,
	    (unsigned)(rest % 60) % 100, (unsigned)(us % US) % 1000000);
	return out;
}
