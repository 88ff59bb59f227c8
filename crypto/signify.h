#ifndef CRYPTO_SIGNIFY_H
#define CRYPTO_SIGNIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/ed25519.h"

/*
 * Files of OpenBSD's signify(1): one line "untrusted comment: ...", one line
 * of base64. Everything here is pure: bytes in, bytes out. The comment is
 * checked for form (clean text, 1 to SIGNIFY_COMMENT bytes), never
 * believed and never returned. The key number only finds a key.
 *
 * What formats returns 0, or -1 when memory ran out (as in base/buf.h), or,
 * with nothing appended, when the comment would not have that form.
 */

#define SIGNIFY_KEYNUM  8
#define SIGNIFY_COMMENT 1023 /* what signify itself reads */
#define SIGNIFY_FILE    2048 /* no file of two such lines is larger */

struct signify_pub {
	uint8_t keynum[SIGNIFY_KEYNUM];
	uint8_t key[ED25519_PUB];
};

struct signify_sec { /* a secret: crypto_wipe after the last use */
	uint8_t keynum[SIGNIFY_KEYNUM];
	uint8_t seed[ED25519_SEED];
};

struct signify_sig {
	uint8_t keynum[SIGNIFY_KEYNUM];
	uint8_t sig[ED25519_SIG];
};

enum signify_result {
	SIGNIFY_OK = 0,
	SIGNIFY_SYNTAX = -1,     /* not such a file */
	SIGNIFY_PASSPHRASE = -2, /* a secret key under a passphrase */
	SIGNIFY_CHECKSUM = -3,   /* a damaged secret key */
};

/* In words, for messages: "the secret key is damaged", ... */
const char *signify_strerror(enum signify_result r);

/* A whole file NAME.pub; the second form is its base64 alone. */
enum signify_result signify_pub_parse(struct signify_pub *out, const char *text,
    size_t len);
enum signify_result signify_pub_decode(struct signify_pub *out,
    const char *base64, size_t len);
/* Append a file NAME.pub with this comment (without its prefix). The base64
 * line alone: signify_pub_encode, 56 characters and a NUL. */
int signify_pub_format(struct buf *out, const struct signify_pub *pub,
    const char *comment);
#define SIGNIFY_PUB_BASE64 57
char *signify_pub_encode(char out[SIGNIFY_PUB_BASE64],
    const struct signify_pub *pub);

/* A whole file NAME.sec, without a passphrase (signify -n). The stored
 * public half must be the one of the seed. */
enum signify_result signify_sec_parse(struct signify_sec *out, const char *text,
    size_t len);
int signify_sec_format(struct buf *out, const struct signify_sec *sec,
    const char *comment);
void signify_sec_public(struct signify_pub *out, const struct signify_sec *sec);

/*
 * The two signature lines at the front of text (a detached signature file
 * is nothing else; an embedded one has its message behind them). *used is
 * the length of both with their LFs.
 */
enum signify_result signify_sig_parse(struct signify_sig *out, const char *text,
    size_t len, size_t *used);
/* Append the two lines, comment "verify with NAME.pub". */
int signify_sig_format(struct buf *out, const struct signify_sig *sig,
    const char *name);

void signify_sign(struct signify_sig *out, const struct signify_sec *sec,
    const void *msg, size_t len);
/* The end of signing in pieces (ed25519_sign_init with sec->seed): 0, or -1
 * when the message was another the second time. */
int signify_sign_final(struct signify_sig *out, const struct signify_sec *sec,
    struct ed25519_signing *s) __attribute__((warn_unused_result));
/* 0 when the key number fits and the signature is good, else -1. */
int signify_verify(const struct signify_sig *sig, const struct signify_pub *pub,
    const void *msg, size_t len) __attribute__((warn_unused_result));

#endif
