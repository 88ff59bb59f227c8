#ifndef UPDATE_DOC_FIELDS_H
#define UPDATE_DOC_FIELDS_H

#include <stddef.h>

#include "update/doc.h"

/*
 * Within this folder: the fields of a document, free of signatures. Both
 * opening and building go through here.
 */

/* Length before content: size, lines, and one empty line, which ends it.
 * WORD_OK, WORD_TOO_LARGE or WORD_SYNTAX. */
enum word doc_check_shape(const char *text, size_t len, struct refusal *why);

/*
 * Fill d, zeroed so far, from a signed text of good shape: version and must-
 * fields first, then every field, then what they must be together. d->text
 * is made here. On any word but WORD_OK d is good for doc_free only.
 */
enum word doc_parse_fields(struct doc *d, const char *text, size_t len,
    struct refusal *why);

/* The name of a part's field. */
const char *doc_part_name(enum doc_part_kind kind);

#endif
