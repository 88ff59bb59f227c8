#ifndef UPDATE_KEYRING_H
#define UPDATE_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/signify.h"

/*
 * Trusted keys and what each may do. A trust file has a line per key:
 *
 *	BASE64 NAME [root] [verbs=V,V] [parts=P,P] [zones=G,G] [features=G,G]
 *
 * parted by single spaces, what follows the name in any order and each once;
 * every line ends with LF, the last one too (a file that was cut would lose
 * limits). Empty lines and lines that begin with '#' are passed over. BASE64
 * is the second line of a signify public key, G a glob. Without a limit a
 * key may do everything but sign lists of keys, which takes root.
 */

enum key_verb {
	KEY_PUSH = 1,
	KEY_REVERT = 2,
	KEY_RETIRE = 4,
	KEY_NOTICE = 8,
	KEY_OPEN = 16,
	KEY_CLOSE = 32,
	KEY_ACCEPT = 64,
	KEY_RELOAD = 128,
	KEY_ALL_VERBS = 255,
};

enum key_part {
	KEY_SERVER = 1,
	KEY_CLIENT = 2,
	KEY_NATIVE = 4,
	KEY_PACKAGE = 8,
	KEY_KEYS = 16,
	KEY_ALL_PARTS = 31,
};

#define KEYRING_NAME 64  /* bytes of a key's name, clean, no space or '=' */
#define KEYRING_MAX  256 /* keys: a studio's, with room */
#define KEYRING_FILE (256 * 1024) /* bytes of a trust file */

struct trust_key {
	struct signify_pub pub;
	char name[KEYRING_NAME + 1];
	int root;
	unsigned verbs; /* enum key_verb, or-ed */
	unsigned parts; /* enum key_part, or-ed */
	char *zones;    /* list of globs, NULL: any; owned */
	char *features; /* list of globs, NULL: any; owned */
};

struct keyring {
	struct trust_key *keys;
	size_t n;
};

#define KEYRING_INIT    \
	{               \
		NULL, 0 \
	}

void keyring_free(struct keyring *r);

/*
 * Add the keys of a trust file's text; path names it in messages
 * ("PATH: line 3: reason"). All of them or none. The same key twice in one
 * ring is an error, under another name or key number too; one key number may
 * stand for several keys. 0 or -1.
 */
int keyring_parse(struct keyring *r, const char *path, const char *text,
    size_t len, struct err *e);
/* Add the key of a file NAME.pub (its name: NAME), without root. 0 or -1. */
int keyring_add_pub(struct keyring *r, const char *path, const char *text,
    size_t len, struct err *e);

/*
 * The key that signed. KEYRING_OK with *key set; KEYRING_UNKNOWN when no key
 * has the signature's number; KEYRING_BAD when one has and the signature is
 * not its own.
 */
enum keyring_result { KEYRING_OK = 0, KEYRING_UNKNOWN = -1, KEYRING_BAD = -2 };
enum keyring_result keyring_verify(const struct keyring *r,
    const struct trust_key **key, const struct signify_sig *sig,
    const void *msg, size_t len) __attribute__((warn_unused_result));

/*
 * The same for bytes that come in pieces: start, update with all of them in
 * their order, final, free. start returns NULL with err when no key has the
 * signature's number (ERR_NO), before anything is read; final 0 with *key,
 * else -1 with err (ERR_NO) and *key NULL. shown names the bytes in messages.
 * The keyring stays as it is until free. NULL may be freed.
 */
struct keyring_check;
struct keyring_check *keyring_check_start(const struct keyring *r,
    const struct signify_sig *sig, const char *shown, struct err *e);
void keyring_check_update(void *check, const void *bytes, size_t len);
/* The hash that is all that update feeds, for those who have more to work out
 * of the same bytes: it may get them from outside instead. NULL: there are
 * several. */
struct sha512 *keyring_check_hash(struct keyring_check *c);
int keyring_check_final(struct keyring_check *c, const struct trust_key **key,
    struct err *e) __attribute__((warn_unused_result));
void keyring_check_free(struct keyring_check *c);

/* The same for the file behind fd, which is read from its first byte to its
 * last by pread(2), never held whole. */
int keyring_check_fd(const struct keyring *r, const struct trust_key **key,
    const struct signify_sig *sig, int fd, const char *shown, struct err *e)
    __attribute__((warn_unused_result));

/*
 * 1 when the key may do this: verb, parts (or-ed), zone (the document's list
 * or NULL) and feature (or NULL, for commands). Without a zone, or with a
 * glob or an exclusion in it, a document is outside any zones limit; else
 * every zone of its list must be within. KEY_KEYS takes root.
 */
int keyring_allows(const struct trust_key *key, enum key_verb verb,
    unsigned parts, const char *zone, const char *feature);

#endif
