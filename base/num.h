#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers from outside have one spelling: plain decimal, no sign, no leading
 * zero, nothing before or after. Two readings of one text are an attack.
 */

enum num_result {
	NUM_OK = 0,
	NUM_SYNTAX = -1, /* not a number in this spelling */
	NUM_RANGE = -2,  /* a number, larger than max (of any length) */
};

/* The len bytes at s as a number of at most max; *out is set on NUM_OK. */
enum num_result num_parse(const char *s, size_t len, uint64_t max,
    uint64_t *out);

/*
 * A duration: [1-9][0-9]*(ms|s|m|h), as in 500ms, 10s, 5m, 1h, of at most a
 * thousand years. 0 or -1; *ms in milliseconds.
 */
int num_parse_duration(const char *s, size_t len, int64_t *ms);

#endif
