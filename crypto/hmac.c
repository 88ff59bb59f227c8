/* HMAC-SHA-512 (RFC 2104). */

#include "crypto/hmac.h"

#include <string.h>

#include "crypto/wipe.h"

#define BLOCK 128 /* the hash's block, "B" in RFC 2104 */
#define IPAD  0x36
#define OPAD  0x5c

void
hmac_init(struct hmac *h, const void *key, size_t keylen)
{
	uint8_t pad[BLOCK] = {0};
	size_t i;

	if (keylen > BLOCK)
		sha512(pad, key, keylen);
	else if (keylen > 0)
		memcpy(pad, key, keylen);

	for (i = 0; i < BLOCK; i++)
		pad[i] ^= IPAD;
	sha512_init(&h->inner);
	sha512_update(&h->inner, pad, BLOCK);

	for (i = 0; i < BLOCK; i++)
		pad[i] ^= IPAD ^ OPAD;
	sha512_init(&h->outer);
	sha512_update(&h->outer, pad, BLOCK);
	crypto_wipe(pad, sizeof(pad));
}

void
hmac_update(struct hmac *h, const void *bytes, size_t len)
{
	sha512_update(&h->inner, bytes, len);
}

void
hmac_final(uint8_t out[HMAC_SIZE], struct hmac *h)
{
	uint8_t digest[SHA512_SIZE];

	sha512_final(digest, &h->inner);
	sha512_update(&h->outer, digest, sizeof(digest));
	sha512_final(out, &h->outer);
	crypto_wipe(digest, sizeof(digest));
}
