#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Text from outside: what may be in it, and how it is shown. */

/*
 * 1 when the len bytes are valid shortest-form UTF-8 without U+0000-U+001F
 * and U+007F-U+009F (and so without surrogates and past U+10FFFF), else 0.
 */
int text_is_clean(const char *s, size_t len);

/*
 * The bytes in a form that is safe to print and to log: clean UTF-8 as it
 * is, everything else as \xNN. keep 0 (one line, one reading): \n and \t by
 * name, a backslash doubled. keep 1 (texts of several lines for people): LF,
 * TAB and backslash pass. At most size - 1 bytes and a NUL; what does not fit
 * is cut between characters and ends in "..." (in nothing, where size is less
 * than 4).
 * Returns out.
 */
char *text_escape(char *out, size_t size, const void *bytes, size_t len,
    int keep);

#endif
