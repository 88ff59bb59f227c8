#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/sha512.h"

/* HMAC-SHA-512 (RFC 2104, RFC 4231). final wipes the context. */

#define HMAC_SIZE SHA512_SIZE

struct hmac {
	struct sha512 inner, outer;
};

void hmac_init(struct hmac *h, const void *key, size_t keylen);
void hmac_update(struct hmac *h, const void *bytes, size_t len);
void hmac_final(uint8_t out[HMAC_SIZE], struct hmac *h);

#endif
