#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

/* Unpredictable bytes from the kernel. 0, or -1 with errno set. */
int random_bytes(void *out, size_t len) __attribute__((warn_unused_result));

#endif
