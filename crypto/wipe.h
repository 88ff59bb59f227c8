#ifndef CRYPTO_WIPE_H
#define CRYPTO_WIPE_H

#include <stddef.h>

/* Overwrite a secret; the compiler may not leave it out. */
void crypto_wipe(void *p, size_t len);

/* 1 when the bytes are equal, else 0; time depends on len only. */
int crypto_equal(const void *a, const void *b, size_t len);

#endif
