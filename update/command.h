#ifndef UPDATE_COMMAND_H
#define UPDATE_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/signify.h"
#include "update/keyring.h"
#include "update/word.h"

/*
 * Signed commands (hotfix-protocol(7), "Operators"): what changes something
 * and is no document. Bound to one host, one connection (its nonce) and one
 * place in it (seq). Pure.
 *
 *	untrusted comment: ...
 *	<base64 signature>
 *	hotfix-command: 1
 *	host: NAME
 *	nonce: <64 hex digits>
 *	seq: N
 *	command: open ADDRESS SECONDS | close ADDRESS | accept ID | reload
 *	<empty line>
 */

/* Of the whole text: the body that a host takes from whoever is not logged
 * in, and room for every name. */
#define COMMAND_MAX 4096

#define COMMAND_NONCE      32
#define COMMAND_NONCE_TEXT (2 * COMMAND_NONCE + 1)
#define COMMAND_OPEN_MIN_S 1
#define COMMAND_OPEN_MAX_S 86400
#define COMMAND_ADDRESS    64

struct command {
	enum key_verb verb; /* KEY_OPEN, KEY_CLOSE, KEY_ACCEPT, KEY_RELOAD */
	char address[COMMAND_ADDRESS]; /* open, close: as it was written */
	uint64_t seconds;              /* open */
	uint64_t id;                   /* accept */
	char key_name[KEYRING_NAME + 1];
};

/*
 * Check in this order, as documents are: lines and form of the signature
 * lines (syntax, too-large), key (untrusted-key), signature (bad-signature),
 * version and unknown must- fields (unsupported), fields (syntax), host
 * (not-for-me), nonce and seq (stale), scope (out-of-scope). Other unknown
 * fields are passed over; no field may stand there twice. *out is of use on
 * WORD_OK only. Whether address is one is not checked.
 */
enum word command_open(struct command *out, const void *text, size_t len,
    const struct keyring *keys, const char *host, const char *nonce,
    uint64_t seq, struct refusal *why) __attribute__((warn_unused_result));

/*
 * Append the text to be signed; host and nonce as the host's greeting told
 * them. 0, or -1: not a command as above (nothing is appended), or memory ran
 * out (the buf's oom tells).
 */
int command_build(struct buf *out, const char *host, const char *nonce,
    uint64_t seq, const char *command);

#endif
