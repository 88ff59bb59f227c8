#ifndef UPDATE_DOC_H
#define UPDATE_DOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"
#include "crypto/signify.h"
#include "update/keyring.h"
#include "update/word.h"

/*
 * The update document (hotfix-protocol(7), "The update document"): what is
 * signed, stored, sent and journalled.
 *
 *	untrusted comment: verify with NAME.pub
 *	<base64 signature>
 *	hotfix-update: 1		-- the signed text begins here
 *	name: value ...
 *	<empty line>			-- and ends here, with the head
 *	<parts, in the order of their fields>
 *
 * Pure: bytes in, a struct doc out, no clock, no file.
 */

#define DOC_HEAD_MAX   16384 /* a frame's head, hotfix-protocol(7) */
#define DOC_LINE_MAX   8192  /* a frame's line limit, the LF counted */
#define DOC_FEATURE    64
#define DOC_RELEASE    64 /* a package's name, a release: in file names */
#define DOC_FUTURE_US  (INT64_C(300) * 1000000) /* ids past this are refused */
#define DOC_OLD_US     (INT64_C(24) * 3600 * 1000000) /* unseen ids older */
#define DOC_PART_MAX   (UINT64_C(1) << 20) /* Lua source of one part */
/* A patch file: a few functions, with a line for each of their relocations.
 * Beside all other parts it fits the body of a frame. */
#define DOC_NATIVE_MAX (UINT64_C(32) << 20)

enum doc_part_kind {
	DOC_SERVER,
	DOC_CLIENT,
	DOC_NATIVE,
	DOC_KEYS,
	DOC_NPARTS,
};

struct doc_part {
	int present;
	uint64_t len;
	uint64_t offset; /* from the end of the head */
	uint8_t md5[MD5_SIZE];
	uint8_t sha512[SHA512_SIZE];
};

/* A release package in a download place. */
struct doc_package {
	int present;
	char name[DOC_RELEASE + 1], release[DOC_RELEASE + 1];
	uint64_t len;
	uint8_t md5[MD5_SIZE];
	uint8_t sha512[SHA512_SIZE];
	const char *url; /* scheme://host..., neither user nor password in it */
};

enum doc_bound_kind { DOC_NO_BOUND, DOC_BOUND_COUNT, DOC_BOUND_PERCENT };

struct doc_bound { /* max-failed: N, or P% */
	enum doc_bound_kind kind;
	uint64_t value;
};

enum doc_kind { DOC_UPDATE, DOC_REVERT, DOC_RETIRE, DOC_NOTICE };

#define DOC_WAIT_DEFAULT_MS 10000

struct doc {
	char *head; /* owned; all text below points into one copy of it */
	size_t head_len;
	size_t signed_at; /* the signed text: head + signed_at to the end */
	char *text;       /* owned: the values, NUL-terminated */
	struct signify_sig sig;
	uint8_t digest[SHA512_SIZE];     /* of the signed text */
	char key_name[KEYRING_NAME + 1]; /* who signed */

	enum doc_kind kind;
	uint64_t id;
	int64_t created_us;
	const char *feature;
	int64_t expires_us; /* 0: never */

	const char *program, *version, *platform; /* lists; NULL: everyone */
	const char *server_program, *server_version, *zone;
	uint64_t *needs; /* owned */
	size_t nneeds;

	const char *on;       /* NULL: at once */
	int64_t by_us, at_us; /* 0: absent */

	struct doc_part parts[DOC_NPARTS];
	enum doc_part_kind order[DOC_NPARTS]; /* as they stand */
	size_t nparts;
	uint64_t body_len; /* of all parts */
	const char *base;  /* NULL: a full package */
	struct doc_package package, full;
	int64_t spread_ms; /* 0: absent */

	uint64_t target; /* the id that a revert or retirement names */

	int dry_run, allow_partial;
	const char *canary; /* NULL: none */
	struct doc_bound max_failed;
	int64_t wait_ms;
	int64_t take_back_until_us; /* 0: never */
	const char *note;
	const char *notice; /* of a notice: its text, without "failed" */

	const char *unsupported; /* the first field that parses and that this
				    version does not carry out; NULL: none */
};

/*
 * Where hotfix-protocol(7) leaves room: ids and instants are positive; a
 * revert or retirement names an id below its own; reverts, retires and
 * notice exclude each other; a package is a part; "base" needs "package",
 * "full" needs "base"; the names of events hold no space; what has no part
 * neither waits for one nor is a dry run; a canary is 1% to 100%;
 * "dry-run: no" asks for nothing.
 */

/*
 * The checks that a document carries in itself, in their order: form of the
 * signature lines (syntax), key (untrusted-key), signature (bad-signature),
 * version and unknown must- fields (unsupported), fields (syntax), the
 * fields not carried out yet (unsupported), the key's scope (out-of-scope).
 *
 * head must be exactly one head, through its empty line; that and the limits
 * of size (too-large) come before everything. On WORD_OK *out is the
 * caller's to doc_free; else it is NULL and why, which may be NULL, has the
 * reason (WORD_INTERNAL: no memory). keys NULL: the form alone is checked,
 * for people's tools; nothing is trusted by that, and what is not carried
 * out yet is only noted in unsupported.
 */
enum word doc_open(struct doc **out, const void *head, size_t len,
    const struct keyring *keys, struct refusal *why)
    __attribute__((warn_unused_result));

void doc_free(struct doc *d);

/* The length of the head at the front of bytes, through its first empty
 * line; 0 when there is none within the len bytes or DOC_HEAD_MAX. */
size_t doc_head_length(const void *bytes, size_t len);

/*
 * The parts behind the head against lengths and digests, SHA-512 and MD5
 * both: WORD_OK or WORD_BAD_DIGEST. only >= 0, an enum doc_part_kind: body
 * is that one part alone (a client is given its own; of a package without a
 * client part it is empty).
 */
enum word doc_check_body(const struct doc *d, int only, const void *body,
    size_t len, struct refusal *why) __attribute__((warn_unused_result));

/* 1 when it has something for clients: a client part or a package. */
int doc_has_client(const struct doc *d);

/* 1 when it has something for hosts: a server or a native part. */
int doc_has_host(const struct doc *d);

/* Whom it is for: 1 or 0. "" is a value that the end does not tell. */
int doc_fits_client(const struct doc *d, const char *program,
    const char *version, const char *platform);
int doc_fits_host(const struct doc *d, const char *program,
    const char *version);
int doc_fits_zone(const struct doc *d, const char *zone);

/* 1 when this can be the name of a feature: 1 to DOC_FEATURE bytes, all of
 * [a-z0-9._-]. */
int doc_feature_is_valid(const char *text, size_t len);

/* 1 when this can be the address of a package: SCHEME://HOST[:PORT]/..., clean
 * text without a space, and without a user or password. */
int doc_url_is_valid(const char *text, size_t len);

/* The most clients that may fail of this many targeted, a share rounded
 * down; one more is too many. SIZE_MAX without a bound. */
size_t doc_max_failed(const struct doc *d, size_t targeted);

/*
 * Building. The spec's texts are the values as they will stand; NULL or 0
 * leaves a field out. Parts are given with their bytes.
 */
struct doc_spec {
	uint64_t id; /* and the created instant */
	const char *feature;
	const char *program, *version, *platform;
	const char *server_program, *server_version, *zone;
	const char *needs; /* ids parted by one space */
	const char *on;
	int64_t by_us, expires_us, take_back_until_us;
	uint64_t reverts, retires;
	const char *max_failed, *wait, *note;
	int dry_run, allow_partial;
	const char *extra; /* whole field lines, each with its LF, or NULL */
	struct {
		const void *bytes; /* NULL: no such part */
		size_t len;
	} parts[DOC_NPARTS];
};

/*
 * Append the signed text (from "hotfix-update: 1" through the empty line) of
 * the spec. It is checked by the same parser that receivers use: 0, or -1
 * with err (ERR_USAGE, naming the field; ERR_LOCAL: no memory) and nothing
 * appended. A field of extra that this version does not carry out is no
 * error.
 */
int doc_build(struct buf *out, const struct doc_spec *spec, struct err *e);

/* Append to the signature lines what stands behind them: the signed text and
 * the parts. 0, or -1 when memory ran out (then or earlier). */
int doc_assemble(struct buf *out, const void *signed_text, size_t signed_len,
    const struct doc_spec *spec);

#endif
