/* The words of RESULT. */

#include "peer/result.h"

#include <string.h>

static const char *const names[RESULT_COUNT] = {
    "none",
    "ready",
    "applied",
    "have",
    "deferred",
    "fetching",
    "failed",
    "partial",
    "hung",
    "superseded",
    "refused",
    "gave-up",
    "reverted",
    "crashed",
};

const char *
result_name(enum result r)
{
	return names[r];
}

enum result
result_parse(const char *s, size_t len)
{
	int r;

	for (r = RESULT_READY; r < RESULT_COUNT; r++)
		if (strlen(names[r]) == len && memcmp(names[r], s, len) == 0)
			return (enum result)r;
	return RESULT_NONE;
}

int
result_is_final(enum result r)
{
	return r != RESULT_NONE && r != RESULT_DEFERRED && r != RESULT_FETCHING;
}

int
result_is_failure(enum result r)
{
	return result_is_final(r) && r != RESULT_READY && r != RESULT_APPLIED &&
	       r != RESULT_HAVE && r != RESULT_REVERTED &&
	       r != RESULT_SUPERSEDED;
}
