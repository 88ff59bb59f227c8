#ifndef UPDATE_PLAIN_H
#define UPDATE_PLAIN_H

#include <stddef.h>

/*
 * Lua source that never names the global "hotfix" in its code (outside of
 * comments and strings) is taken for one that does not use the update API, so
 * that what it does cannot be undone. 1: such a plain chunk. 0: it names it.
 * Pure; needs no Lua.
 */
int plain_chunk(const char *source, size_t len);

#endif
