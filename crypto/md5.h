#ifndef CRYPTO_MD5_H
#define CRYPTO_MD5_H

#include <stddef.h>
#include <stdint.h>

/*
 * MD5 (RFC 1321). It finds accidents in transfer and serves people's tools;
 * it decides nothing about trust.
 */

#define MD5_SIZE 16

struct md5 {
	uint32_t state[4];
	uint64_t len; /* bytes so far */
	uint8_t block[64];
};

void md5_init(struct md5 *m);
void md5_update(struct md5 *m, const void *bytes, size_t len);
void md5_final(uint8_t out[MD5_SIZE], struct md5 *m);
void md5(uint8_t out[MD5_SIZE], const void *bytes, size_t len);

#endif
