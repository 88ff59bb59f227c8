#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stddef.h>

/*
 * Globs: '*' any text, '?' one character (of UTF-8), everything else itself,
 * case counts. Linear in pattern times text; no recursion.
 */
int glob_match(const char *pattern, size_t plen, const char *text, size_t tlen);

/*
 * Lists of globs: parted by commas without spaces, no empty entry; "!glob"
 * excludes and wins; exclusions alone mean all but. An empty text stands for
 * a value that is not told: it fits "*" and exclusions alone, nothing else.
 */
int globlist_is_valid(const char *list, size_t len); /* 1 or 0 */
int globlist_match(const char *list, size_t len, const char *text,
    size_t tlen); /* 1 or 0; list is valid */

#endif
