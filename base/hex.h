#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Lower-case hex, the only case. Keys pass through here: time depends on
 * lengths only. */

/* out holds 2 * len digits and a NUL. */
char *hex_encode(char *out, const uint8_t *bytes, size_t len);

/* Exactly 2 * len lower-case digits: 0, else -1. */
int hex_decode(uint8_t *out, size_t len, const char *digits, size_t ndigits);

#endif
