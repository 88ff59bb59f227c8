/* Update documents, made and read. */

#include "cmd/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/num.h"
#include "base/timetext.h"
#include "net/frame.h"

void
document_free(struct document *d)
{
	buf_free(&d->bytes);
	doc_free(d->doc);
	d->doc = NULL;
	d->head_len = 0;
}

/* Find the head and look at its form; what is said of it names it. */
static int
parse(struct document *d, const char *what, struct err *e)
{
	struct refusal why;

	d->head_len = doc_head_length(d->bytes.data, d->bytes.len);
	if (d->head_len == 0)
		return err_set(e, ERR_NO, "%s: no update document", what);
	if (doc_open(&d->doc, d->bytes.data, d->head_len, NULL, &why) !=
		WORD_OK ||
	    doc_check_body(d->doc, -1, d->bytes.data + d->head_len,
		d->bytes.len - d->head_len, &why) != WORD_OK)
		return err_set(e, ERR_NO, "%s: %s: %s", what,
		    word_name(why.word), why.text);
	return 0;
}

int
document_sign(struct document *d, const struct doc_spec *spec,
    const struct signer *signer, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = -1;

	if (doc_build(&text, spec, e) != 0 ||
	    signer_sign(signer, text.data, text.len, &d->bytes, e) != 0)
		goto out;
	if (doc_assemble(&d->bytes, text.data, text.len, spec) != 0) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	ret = parse(d, "the signed document", e);
out:
	buf_free(&text);
	if (ret != 0)
		document_free(d);
	return ret;
}

int
document_read(struct document *d, const char *path, struct err *e)
{
	if (file_read(path, DOC_HEAD_MAX + FRAME_BODY_MAX, &d->bytes, e) == 0 &&
	    parse(d, path, e) == 0)
		return 0;
	document_free(d);
	return -1;
}

int
document_take(struct document *d, const char *what, const void *bytes,
    size_t len, struct err *e)
{
	if (buf_append(&d->bytes, bytes, len) != 0)
		err_set(e, ERR_LOCAL, "out of memory");
	else if (parse(d, what, e) == 0)
		return 0;
	document_free(d);
	return -1;
}

int
document_write(const struct document *d, const char *path, struct err *e)
{
	if (strcmp(path, "-") != 0)
		return file_write(path, d->bytes.data, d->bytes.len, 0644, e);
	if (fwrite(d->bytes.data, 1, d->bytes.len, stdout) == d->bytes.len &&
	    fflush(stdout) == 0)
		return 0;
	return err_errno(e, ERR_LOCAL, "standard output");
}

void
document_put_package(struct buf *lines, const char *field,
    const struct doc_package *p)
{
	char short_hex[2 * MD5_SIZE + 1], long_hex[2 * SHA512_SIZE + 1];

	buf_printf(lines, "%s: %s %s %" PRIu64 " %s %s %s\n", field, p->name,
	    p->release, p->len, hex_encode(short_hex, p->md5, MD5_SIZE),
	    hex_encode(long_hex, p->sha512, SHA512_SIZE), p->url);
}

int
document_field(const struct document *d, const char *name, char *out,
    size_t size)
{
	const char *line = d->doc->head + d->doc->signed_at;
	const char *stop = d->doc->head + d->doc->head_len, *end;
	size_t len = strlen(name);

	for (; line < stop; line = end + 1) {
		end = memchr(line, '\n', (size_t)(stop - line));
		if (end == NULL)
			break;
		if ((size_t)(end - line) < len + 2 ||
		    memcmp(line, name, len) != 0 ||
		    memcmp(line + len, ": ", 2) != 0)
			continue;
		line += len + 2;
		if ((size_t)(end - line) >= size)
			break;
		memcpy(out, line, (size_t)(end - line));
		out[end - line] = '\0';
		return 0;
	}
	return 1;
}

int
document_time(int64_t *out_us, const char *option, const char *text,
    int64_t now_us, struct err *e)
{
	int64_t ms;

	if (*text == '+') {
		if (num_parse_duration(text + 1, strlen(text + 1), &ms) == 0 &&
		    ms <= (INT64_MAX - now_us) / 1000) {
			*out_us = now_us + ms * 1000;
			return 0;
		}
	} else if (timetext_parse(text, strlen(text), out_us) == 0) {
		return 0;
	}
	return err_set(e, ERR_USAGE,
	    "%s: neither an instant (2026-11-22T10:15:00Z) nor +T (+1h)",
	    option);
}
