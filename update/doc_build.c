/* Building update documents. */

#include "update/doc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "base/timetext.h"
#include "update/doc_fields.h"

/* Room in a head for the two signature lines, also those of another tool:
 * the longest comment with its prefix, 74 bytes in base64, two LFs. */
#define SIGNATURE_ROOM \
	(sizeof "untrusted comment: " - 1 + SIGNIFY_COMMENT + 100 + 2)

/* Appends one field. A value that is not clean could hold the fields of
 * somebody else. */
static int
put(struct buf *b, const char *name, const char *value, struct err *e)
{
	if (value == NULL)
		return 0;
	if (!text_is_clean(value, strlen(value)))
		return err_set(e, ERR_USAGE,
		    "%s: control bytes or broken UTF-8", name);
	buf_printf(b, "%s: %s\n", name, value);
	return 0;
}

static void
put_id(struct buf *b, const char *name, uint64_t id)
{
	if (id != 0)
		buf_printf(b, "%s: %" PRIu64 "\n", name, id);
}

/* Text has four digits for the year: an instant past that would be moved. */
static int
put_instant(struct buf *b, const char *name, int64_t us, struct err *e)
{
	char text[TIMETEXT_SIZE];
	int64_t again;

	if (us == 0)
		return 0;
	timetext_format(us, text);
	if (timetext_parse(text, strlen(text), &again) != 0 || again != us)
		return err_set(e, ERR_USAGE,
		    "%s: not an instant of the years 1970 to 9999", name);
	buf_printf(b, "%s: %s\n", name, text);
	return 0;
}

static void
put_part(struct buf *b, const char *name, const void *bytes, size_t len)
{
	char short_hex[2 * MD5_SIZE + 1], long_hex[2 * SHA512_SIZE + 1];
	uint8_t short_digest[MD5_SIZE], long_digest[SHA512_SIZE];

	md5(short_digest, bytes, len);
	sha512(long_digest, bytes, len);
	buf_printf(b, "%s: %zu %s %s\n", name, len,
	    hex_encode(short_hex, short_digest, MD5_SIZE),
	    hex_encode(long_hex, long_digest, SHA512_SIZE));
}

static int
put_fields(struct buf *b, const struct doc_spec *s, struct err *e)
{
	size_t i;

	buf_puts(b, "hotfix-update: 1\n");
	put_id(b, "id", s->id);
	if (s->id > INT64_MAX)
		return err_set(e, ERR_USAGE, "id: not below 2^63");
	if (put(b, "feature", s->feature, e) != 0 ||
	    put_instant(b, "created", (int64_t)s->id, e) != 0 ||
	    put_instant(b, "expires", s->expires_us, e) != 0 ||
	    put(b, "program", s->program, e) != 0 ||
	    put(b, "version", s->version, e) != 0 ||
	    put(b, "platform", s->platform, e) != 0 ||
	    put(b, "server-program", s->server_program, e) != 0 ||
	    put(b, "server-version", s->server_version, e) != 0 ||
	    put(b, "zone", s->zone, e) != 0 ||
	    put(b, "needs", s->needs, e) != 0 || put(b, "on", s->on, e) != 0 ||
	    put_instant(b, "by", s->by_us, e) != 0)
		return -1;
	for (i = 0; i < DOC_NPARTS; i++)
		if (s->parts[i].bytes != NULL)
			put_part(b, doc_part_name((enum doc_part_kind)i),
			    s->parts[i].bytes, s->parts[i].len);
	put_id(b, "reverts", s->reverts);
	put_id(b, "retires", s->retires);
	if (put(b, "dry-run", s->dry_run ? "yes" : NULL, e) != 0 ||
	    put(b, "max-failed", s->max_failed, e) != 0 ||
	    put(b, "wait", s->wait, e) != 0 ||
	    put(b, "allow-partial", s->allow_partial ? "yes" : NULL, e) != 0 ||
	    put_instant(b, "take-back-until", s->take_back_until_us, e) != 0 ||
	    put(b, "note", s->note, e) != 0)
		return -1;
	if (s->extra != NULL)
		buf_puts(b, s->extra);
	buf_puts(b, "\n");
	return 0;
}

/* As a receiver will read it. */
static int
check(const char *text, size_t len, struct err *e)
{
	struct refusal why;
	struct doc *d;
	enum word w;

	if (len > DOC_HEAD_MAX - SIGNATURE_ROOM)
		return err_set(e, ERR_USAGE,
		    "the fields take more than %zu bytes",
		    DOC_HEAD_MAX - SIGNATURE_ROOM);
	d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	w = doc_check_shape(text, len, &why);
	if (w == WORD_OK)
		w = doc_parse_fields(d, text, len, &why);
	doc_free(d);
	if (w == WORD_OK)
		return 0;
	return err_set(e, w == WORD_INTERNAL ? ERR_LOCAL : ERR_USAGE, "%s",
	    why.text);
}

int
doc_build(struct buf *out, const struct doc_spec *spec, struct err *e)
{
	struct buf b = BUF_INIT;
	int ret = -1;

	if (put_fields(&b, spec, e) != 0)
		goto out;
	if (b.oom) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	if (check((const char *)b.data, b.len, e) != 0)
		goto out;
	if (buf_append(out, b.data, b.len) != 0) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	ret = 0;
out:
	buf_free(&b);
	return ret;
}

int
doc_assemble(struct buf *out, const void *signed_text, size_t signed_len,
    const struct doc_spec *spec)
{
	size_t i;

	buf_append(out, signed_text, signed_len);
	for (i = 0; i < DOC_NPARTS; i++)
		if (spec->parts[i].bytes != NULL)
			buf_append(out, spec->parts[i].bytes,
			    spec->parts[i].len);
	return out->oom ? -1 : 0;
}
