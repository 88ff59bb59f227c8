#ifndef CMD_DOCUMENT_H
#define CMD_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/signer.h"
#include "update/doc.h"

/* A whole update document, made here or read from a file. */
struct document {
	struct buf bytes;
	size_t head_len;
	struct doc *doc; /* its form was checked, not its signature */
};

#define DOCUMENT_INIT             \
	{                         \
		BUF_INIT, 0, NULL \
	}

/* Sign what the spec says. 0, or -1 with err. */
int document_sign(struct document *d, const struct doc_spec *spec,
    const struct signer *signer, struct err *e);
/* Read one; form, lengths and digests are checked. 0, or -1 with err. */
int document_read(struct document *d, const char *path, struct err *e);
/* Take one that was read elsewhere; what names it in messages. Bytes are
 * copied. 0, or -1 with err. */
int document_take(struct document *d, const char *what, const void *bytes,
    size_t len, struct err *e);
/* Write it to a file, "-" being standard output. 0, or -1 with err. */
int document_write(const struct document *d, const char *path, struct err *e);
void document_free(struct document *d);

/* Append the field of a package: "package: NAME RELEASE ...". */
void document_put_package(struct buf *lines, const char *field,
    const struct doc_package *p);
/* The value of a field of the signed text that struct doc does not have, as a
 * string of at most size - 1 bytes. 1: there is none, or a longer one. */
int document_field(const struct document *d, const char *name, char *out,
    size_t size);

/* "TIME" or "+T", from now_us, as an instant. 0 or -1 (ERR_USAGE). */
int document_time(int64_t *out_us, const char *option, const char *text,
    int64_t now_us, struct err *e);

#endif
