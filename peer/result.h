#ifndef PEER_RESULT_H
#define PEER_RESULT_H

#include <stddef.h>

/* The words of RESULT (hotfix-protocol(7), "Updates"). */
enum result {
	RESULT_NONE, /* no result yet */
	RESULT_READY,
	RESULT_APPLIED,
	RESULT_HAVE,
	RESULT_DEFERRED,
	RESULT_FETCHING,
	RESULT_FAILED,
	RESULT_PARTIAL,
	RESULT_HUNG,
	RESULT_SUPERSEDED,
	RESULT_REFUSED, /* with a word */
	RESULT_GAVE_UP,
	RESULT_REVERTED,
	RESULT_CRASHED,
	RESULT_COUNT,
};

#define RESULT_TEXT_MAX 4096 /* bytes of a RESULT's body */

const char *result_name(enum result r);
/* RESULT_NONE when the bytes are no such word. */
enum result result_parse(const char *s, size_t len);
int result_is_final(enum result r); /* 1 or 0 */
/* 1 when it is final and the update does not run for it, but for superseded:
 * what took its place has a result of its own. */
int result_is_failure(enum result r);

#endif
