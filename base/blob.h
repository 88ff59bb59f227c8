#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that never change and that several hold at once, such as one frame
 * in the queues of ten thousand connections.
 */
struct blob {
	size_t refs;
	size_t len;
	uint8_t data[]; /* len bytes */
};

/* A copy of the bytes, held once by the caller. NULL: out of memory. */
struct blob *blob_new(const void *bytes, size_t len);
struct blob *blob_hold(struct blob *b); /* once more; returns b */
void blob_drop(struct blob *b);         /* the last one frees; NULL is fine */

#endif
