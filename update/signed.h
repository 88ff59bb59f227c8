#ifndef UPDATE_SIGNED_H
#define UPDATE_SIGNED_H

#include <stddef.h>

#include "update/keyring.h"
#include "update/split.h"
#include "update/word.h"

/*
 * Within this folder: what documents and signed commands have in common, a
 * text of lines "name: value" under a signature.
 */

/* WORD_OK with *key, the one that signed the text; WORD_UNTRUSTED_KEY or
 * WORD_BAD_SIGNATURE. */
enum word signed_check_key(const struct keyring *keys,
    const struct trust_key **key, const struct signify_sig *sig,
    struct span text, struct refusal *why) __attribute__((warn_unused_result));

/*
 * What a later version may mean otherwise, so that it comes before all else
 * that is said of fields: the first line must be "KIND: 1" (WORD_SYNTAX when
 * it is no "KIND: N", WORD_UNSUPPORTED for another N), and no field's name
 * may begin with "must-" (WORD_UNSUPPORTED).
 */
enum word signed_check_version(struct span text, const char *kind,
    struct refusal *why) __attribute__((warn_unused_result));

/* The name of a line "name: value", made of lower-case letters, digits and
 * '-'; the value stands two bytes behind it. Empty when the line is none. */
struct span signed_field_name(struct span line);

#endif
