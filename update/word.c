/* The words of refusals. */

#include "update/word.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const names[WORD_COUNT] = {
    [WORD_OK] = "ok",
    [WORD_SYNTAX] = "syntax",
    [WORD_TOO_LARGE] = "too-large",
    [WORD_UNKNOWN_VERB] = "unknown-verb",
    [WORD_DENIED] = "denied",
    [WORD_CLOSED] = "closed",
    [WORD_UNTRUSTED_KEY] = "untrusted-key",
    [WORD_OUT_OF_SCOPE] = "out-of-scope",
    [WORD_BAD_SIGNATURE] = "bad-signature",
    [WORD_BAD_DIGEST] = "bad-digest",
    [WORD_EXPIRED] = "expired",
    [WORD_FUTURE] = "future",
    [WORD_STALE] = "stale",
    [WORD_REVERTED] = "reverted",
    [WORD_NOT_FOR_ME] = "not-for-me",
    [WORD_NEEDS] = "needs",
    [WORD_UNKNOWN] = "unknown",
    [WORD_UNSUPPORTED] = "unsupported",
    [WORD_FULL] = "full",
    [WORD_BUSY] = "busy",
    [WORD_REPLACED] = "replaced",
    [WORD_TIMEOUT] = "timeout",
    [WORD_SHUTDOWN] = "shutdown",
    [WORD_INTERNAL] = "internal",
    [WORD_HAVE] = "have",
};

const char *
word_name(enum word w)
{
	return w < WORD_COUNT ? names[w] : names[WORD_INTERNAL];
}

enum word
word_parse(const char *s, size_t len)
{
	size_t w;

	for (w = WORD_SYNTAX; w <= WORD_INTERNAL; w++)
		if (strlen(names[w]) == len && memcmp(names[w], s, len) == 0)
			return (enum word)w;
	return WORD_COUNT;
}

enum word
refuse(struct refusal *r, enum word w, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (r == NULL)
		return w;
	r->word = w;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, ap);
	va_end(ap);
	/* A cut may have left part of a character. */
	len = strlen(r->text);
	while (!text_is_clean(r->text, len))
		r->text[--len] = '\0';
	return w;
}
