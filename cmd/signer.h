#ifndef CMD_SIGNER_H
#define CMD_SIGNER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/signify.h"
#include "pack/digests.h"
#include "update/keyring.h"

/*
 * Who signs: a secret key file, or a command that is given the text on its
 * standard input and answers the two lines of a signify signature.
 */
struct signer {
	const char *command; /* NULL: the key below */
	struct signify_sec sec;
	char name[KEYRING_NAME + 1]; /* of the key, for its comment */
};

/* key NULL and no command: the file that HOTFIX_KEY names. 0, or -1. */
int signer_open(struct signer *s, const char *key, const char *command,
    struct err *e);
void signer_close(struct signer *s); /* wipes; fine after a failed open */

/* Append the two signature lines over the text. 0, or -1. */
int signer_sign(const struct signer *s, const void *text, size_t len,
    struct buf *lines, struct err *e);

/*
 * The same for a file that is read or written anyway: begin, the work with
 * all its bytes in their order, then end, which reads it once more by
 * pread(2): 0 with the lines appended, or -1 with err; ERR_NO: other
 * bytes were there now. shown names it in messages. A command gets the file
 * itself as its standard input. drop wipes, in any case.
 */
struct signer_run { /* a secret */
	const struct signer *signer;
	struct ed25519_signing signing;
};
void signer_begin(struct signer_run *r, const struct signer *s);
struct digests_work signer_work(struct signer_run *r);
int signer_end(struct signer_run *r, int fd, const char *shown,
    struct buf *lines, struct err *e);
void signer_drop(struct signer_run *r);

#endif
