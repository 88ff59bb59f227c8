#ifndef PACK_DIGEST_H
#define PACK_DIGEST_H

#include <stdint.h>

#include "crypto/md5.h"

/* The MD5 and length of what read(2) gives from fd on, to the end; to: write
 * it there too, or -1. 0, or -1 with errno. */
int digest_fd(int fd, int to, uint8_t md5[MD5_SIZE], uint64_t *len);

#endif
