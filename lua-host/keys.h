#ifndef LUA_HOST_KEYS_H
#define LUA_HOST_KEYS_H

#include <stddef.h>

#include "base/err.h"
#include "update/keyring.h"

/*
 * The trusted keys of these files: public key files, then a trust file
 * (NULL: none). All or none: 0, or -1 with the ring empty.
 */
int keys_load(struct keyring *r, const char *const *pub, size_t npub,
    const char *trust, struct err *e);

#endif
