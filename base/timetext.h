#ifndef BASE_TIMETEXT_H
#define BASE_TIMETEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Instants: microseconds since 1970-01-01 UTC, and their text
 * YYYY-MM-DDTHH:MM:SS[.1-6 digits]Z. Years 1970 to 9999; no leap seconds.
 */

#define TIMETEXT_SIZE 28 /* with six digits and the NUL */

/* 0 or -1; the whole of the len bytes must be one instant. */
int timetext_parse(const char *s, size_t len, int64_t *us);

/* us >= 0; always six digits. Returns out. */
char *timetext_format(int64_t us, char out[TIMETEXT_SIZE]);

#endif
