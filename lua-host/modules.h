#ifndef LUA_HOST_MODULES_H
#define LUA_HOST_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/sha512.h"
#include "lua-host/state.h"

/*
 * Where require finds modules in a program that is changed by packages, and
 * what it found: the digest of each source that was loaded is remembered, so
 * that a release can be compared with what the program runs.
 *
 * Its searcher stands in the place of Lua's own for files: it looks into the
 * folders that were set, then where package.path leads, as ever.
 */

struct modules;

/* NULL: out of memory. The state outlives it; after modules_free, require
 * finds files by package.path alone. */
struct modules *modules_new(struct state *s);
void modules_free(struct modules *m);

/* The folders that come first, the first of them at the front; copied. 0, or
 * -1: out of memory, all is as it was. */
int modules_set_folders(struct modules *m, const char *const *dirs, size_t n);

/*
 * Call each(arg, name, loaded) for every module that is loaded, in the order
 * of names' bytes; loaded is the digest of its source, NULL: not known (it did
 * not come from a file). Lua's own libraries, and names that no file can have,
 * are passed over. 0; or
 * what each returned when that is not 0; or -1: out of memory.
 */
int modules_each(struct modules *m,
    int (*each)(void *arg, const char *name, const uint8_t loaded[SHA512_SIZE]),
    void *arg);

#define MODULES_NAME_MAX 200 /* bytes of a name, as in hotfix.module */

/* Append the name of the file that a module has in a folder: dots are
 * slashes. init: NAME/init.lua instead of NAME.lua. */
void modules_file_name(struct buf *out, const char *name, int init);

#endif
