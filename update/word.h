#ifndef UPDATE_WORD_H
#define UPDATE_WORD_H

#include <stddef.h>

/*
 * The words of "ERROR word" and "refused word" (hotfix-protocol(7),
 * "Words"). WORD_OK is no word: nothing to refuse.
 */
enum word {
	WORD_OK,
	WORD_SYNTAX,
	WORD_TOO_LARGE,
	WORD_UNKNOWN_VERB,
	WORD_DENIED,
	WORD_CLOSED,
	WORD_UNTRUSTED_KEY,
	WORD_OUT_OF_SCOPE,
	WORD_BAD_SIGNATURE,
	WORD_BAD_DIGEST,
	WORD_EXPIRED,
	WORD_FUTURE,
	WORD_STALE,
	WORD_REVERTED,
	WORD_NOT_FOR_ME,
	WORD_NEEDS,
	WORD_UNKNOWN,
	WORD_UNSUPPORTED,
	WORD_FULL,
	WORD_BUSY,
	WORD_REPLACED,
	WORD_TIMEOUT,
	WORD_SHUTDOWN,
	WORD_INTERNAL,
	WORD_HAVE, /* not refused: held already, the same signed text */
	WORD_COUNT,
};

const char *word_name(enum word w);
/* The word of a refusal in these bytes, WORD_COUNT when there is none such
 * (and so for "ok" and "have", which refuse nothing). */
enum word word_parse(const char *s, size_t len);

/* A word with its human line, as far as there is one. */
#define WORD_TEXT 256

struct refusal {
	enum word word;
	char text[WORD_TEXT]; /* clean text, one line */
};

/* Fill it (NULL: nobody cares) and return the word. Text from outside is
 * escaped by the caller; what does not fit is cut, between characters. */
enum word refuse(struct refusal *r, enum word w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
