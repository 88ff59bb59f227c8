#ifndef CRYPTO_SC_H
#define CRYPTO_SC_H

#include <stdint.h>

/*
 * Numbers modulo L = 2^252 + 27742317777372353535851937790883648493, the
 * order of Ed25519's base point, as 32 bytes, little-endian. Constant time.
 */

/* Any 512 bits modulo L. */
void sc_reduce(uint8_t r[32], const uint8_t wide[64]);
/* a * b + c modulo L; a, b and c are any 256 bits. r may be any of them. */
void sc_muladd(uint8_t r[32], const uint8_t a[32], const uint8_t b[32],
    const uint8_t c[32]);
/* 1 when a is below L, else 0. */
int sc_is_reduced(const uint8_t a[32]);

#endif
