/* Heads and bodies from outside. Signature lines in form are hard to guess, so
 * the input is tried behind a pair of them too. */

#include <stdlib.h>
#include <string.h>

#include "update/doc.h"

static void
receive(const uint8_t *data, size_t size)
{
	size_t head = doc_head_length(data, size);
	struct refusal why;
	struct doc *d;

	if (doc_open(&d, data, head, NULL, &why) != WORD_OK)
		return;
	if (d->id == 0 || d->feature == NULL ||
	    (d->nparts == 0 && d->body_len != 0))
		abort();
	if (doc_check_body(d, -1, data + head, size - head, &why) == WORD_OK &&
	    d->body_len != size - head)
		abort();
	doc_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT;
	struct signify_sig sig;

	receive(data, size);
	memset(&sig, 0, sizeof sig);
	signify_sig_format(&b, &sig, "fuzz");
	buf_append(&b, data, size);
	receive(b.data, b.len);
	buf_free(&b);
	return 0;
}
