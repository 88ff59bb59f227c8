#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/sha512.h"

/*
 * Ed25519 (RFC 8032 5.1), pure, without context.
 *
 * The one acceptance rule, never to be changed silently: S < L; A and R are
 * canonical encodings of points (y < p, and x = 0 only with the sign bit
 * clear); A is not of small order; R equals encode([S]B - [k]A) byte for
 * byte, with k = SHA-512(R || A || M) mod L (so the equation is the one
 * without the cofactor). Verification is of public data and takes variable
 * time; what touches the seed takes constant time.
 */

#define ED25519_SEED 32
#define ED25519_PUB  32
#define ED25519_SIG  64

/* The public key of a seed. */
void ed25519_public(uint8_t pub[ED25519_PUB], const uint8_t seed[ED25519_SEED]);

/* Sign; the public half is derived here and cannot be given wrongly. */
void ed25519_sign(uint8_t sig[ED25519_SIG], const uint8_t seed[ED25519_SEED],
    const void *msg, size_t len);

/*
 * The same for a message that comes in pieces, twice: init, update...; next,
 * the same bytes by update...; final. A message that was another the second
 * time must never be signed, for the two together would tell the secret key:
 * final returns -1 then, with no signature, else 0. It wipes the state, and
 * so does ed25519_sign_drop, for those who give up before.
 *
 * What update does may be done from outside too, for those who have more to
 * work out of the same bytes: nonce_hash gets the message both times, hash the
 * second time, each by a thread of its own or not.
 */
struct ed25519_signing { /* a secret */
	struct sha512 nonce_hash, hash;
	uint8_t key[64]; /* the scalar, and the prefix of the nonce */
	uint8_t nonce[32];
	uint8_t pub[ED25519_PUB];
	uint8_t sig[ED25519_SIG];
	int again; /* the second time */
};

void ed25519_sign_init(struct ed25519_signing *s,
    const uint8_t seed[ED25519_SEED]);
void ed25519_sign_update(struct ed25519_signing *s, const void *msg,
    size_t len);
void ed25519_sign_next(struct ed25519_signing *s);
int ed25519_sign_final(uint8_t sig[ED25519_SIG], struct ed25519_signing *s)
    __attribute__((warn_unused_result));
void ed25519_sign_drop(struct ed25519_signing *s);

/* 0 for a good signature, else -1. */
int ed25519_verify(const uint8_t sig[ED25519_SIG],
    const uint8_t pub[ED25519_PUB], const void *msg, size_t len)
    __attribute__((warn_unused_result));

/* The same for a message that comes in pieces: nothing is known until
 * final, which returns 0 for a good signature, else -1. */
struct ed25519_check {
	struct sha512 hash; /* gets the message, by update or from outside */
	uint8_t sig[ED25519_SIG];
	uint8_t pub[ED25519_PUB];
};

void ed25519_check_init(struct ed25519_check *c, const uint8_t sig[ED25519_SIG],
    const uint8_t pub[ED25519_PUB]);
void ed25519_check_update(struct ed25519_check *c, const void *msg, size_t len);
int ed25519_check_final(struct ed25519_check *c)
    __attribute__((warn_unused_result));

#endif
