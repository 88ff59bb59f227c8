#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/*
 * Base64 (RFC 4648 4), strict: exact padding, zero spare bits, no blanks, no
 * line ends. Keys pass through here: time depends on lengths only (and on
 * whether the text is valid).
 */

#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1) /* with the NUL */

char *base64_encode(char *out, const uint8_t *bytes, size_t len);

/* Exactly len bytes from nchars characters: 0, else -1. */
int base64_decode(uint8_t *out, size_t len, const char *chars, size_t nchars);

#endif
