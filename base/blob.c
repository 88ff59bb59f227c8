/* Shared bytes. */

#include "base/blob.h"

#include <stdlib.h>
#include <string.h>

struct blob *
blob_new(const void *bytes, size_t len)
{
	struct blob *b = malloc(sizeof *b + len);

	if (b == NULL)
		return NULL;
	b->refs = 1;
	b->len = len;
	if (len > 0)
		memcpy(b->data, bytes, len);
	return b;
}

struct blob *
blob_hold(struct blob *b)
{
	b->refs++;
	return b;
}

void
blob_drop(struct blob *b)
{
	if (b != NULL && --b->refs == 0)
		free(b);
}
