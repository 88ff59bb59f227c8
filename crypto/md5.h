#ifndef CRYPTO_MD5_H
#define CRYPTO_MD5_H

#include <stddef.h>
#include <stdint.h>

/*
 * MD5 (RFC 1321). It finds accidents in transfer and serves people's tools;
 * it decides nothing about trust.
 */

#define MD5_SIZE  16
#define MD5_BLOCK 64

struct md5 {
	uint32_t state[4];
	uint64_t len; /* bytes so far */
	uint8_t block[MD5_BLOCK];
};

void md5_init(struct md5 *m);
void md5_update(struct md5 *m, const void *bytes, size_t len);
void md5_final(uint8_t out[MD5_SIZE], struct md5 *m);
void md5(uint8_t out[MD5_SIZE], const void *bytes, size_t len);

/* As update of both, in little more than the time of one where both have had
 * whole blocks so far. */
void md5_update_pair(struct md5 *a, struct md5 *b, const void *bytes,
    size_t len);

/*
 * What these are made of, for those who have the message in blocks: start,
 * n whole blocks at a time, the last ones with what md5_pad has put behind the
 * message's last byte, digest.
 */
#define MD5_PAD_MAX (MD5_BLOCK + 8)

void md5_start(uint32_t state[4]);
void md5_blocks(uint32_t state[4], const uint8_t *bytes, size_t n);
void md5_digest(uint8_t out[MD5_SIZE], const uint32_t state[4]);

/* Writes the padding of a message of len bytes to its end: 9 to MD5_PAD_MAX
 * bytes, which fill up its last block. Returns how many. */
size_t md5_pad(uint8_t *end, uint64_t len);

#endif
