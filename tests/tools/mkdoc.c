/*
 * A signed document, for tests of fields that no verb writes by itself.
 *
 *   usage: mkdoc KEY FEATURE DOCUMENT [client FILE | server FILE | FIELD]...
 *
 * FIELD is a whole line, "spread: 10s". Prints the id.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "update/doc.h"

#define KEY_MAX  4096
#define PART_MAX ((size_t)1 << 20)

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The options from argv[4] on. */
static int
read_options(struct doc_spec *spec, struct buf *extra, struct buf *parts,
    int argc, char **argv, struct err *e)
{
	enum doc_part_kind kind;
	int i;

	for (i = 4; i < argc; i++) {
		if (strcmp(argv[i], "client") != 0 &&
		    strcmp(argv[i], "server") != 0) {
			buf_puts(extra, argv[i]);
			buf_puts(extra, "\n");
			continue;
		}
		kind = *argv[i] == 'c' ? DOC_CLIENT : DOC_SERVER;
		if (++i == argc ||
		    file_read(argv[i], PART_MAX, &parts[kind], e) != 0)
			return -1;
		spec->parts[kind].bytes = parts[kind].data;
		spec->parts[kind].len = parts[kind].len;
	}
	spec->extra = extra->len > 0 ? buf_text(extra) : NULL;
	return 0;
}

int
main(int argc, char **argv)
{
	struct buf key = BUF_INIT, extra = BUF_INIT, text = BUF_INIT;
	struct buf out = BUF_INIT, parts[DOC_NPARTS];
	struct doc_spec spec;
	struct signify_sec sec;
	struct signify_sig sig;
	struct err e = {ERR_USAGE, "usage"};
	int i, status = 1;

	for (i = 0; i < DOC_NPARTS; i++)
		buf_init(&parts[i]);
	memset(&spec, 0, sizeof spec);
	spec.id = now_us();
	if (argc < 4 || file_read(argv[1], KEY_MAX, &key, &e) != 0)
		goto out;
	if (signify_sec_parse(&sec, (char *)key.data, key.len) != 0) {
		err_set(&e, ERR_LOCAL, "%s: no secret key", argv[1]);
		goto out;
	}
	spec.feature = argv[2];
	if (read_options(&spec, &extra, parts, argc, argv, &e) != 0 ||
	    doc_build(&text, &spec, &e) != 0)
		goto out;
	signify_sign(&sig, &sec, text.data, text.len);
	if (signify_sig_format(&out, &sig, "key") != 0 ||
	    doc_assemble(&out, text.data, text.len, &spec) != 0 ||
	    file_write(argv[3], out.data, out.len, 0644, &e) != 0)
		goto out;
	printf("%" PRIu64 "\n", spec.id);
	status = 0;
out:
	if (status != 0)
		fprintf(stderr, "mkdoc: %s\n", e.text);
	buf_free(&key);
	buf_free(&extra);
	buf_free(&text);
	buf_free(&out);
	for (i = 0; i < DOC_NPARTS; i++)
		buf_free(&parts[i]);
	return status;
}
