#ifndef LUA_HOST_PACKAGE_MODULES_H
#define LUA_HOST_PACKAGE_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lua-host/engine.h"
#include "lua-host/modules.h"

/*
 * The modules of a release that are swapped when it comes in force: those that
 * the program has loaded and whose source in the release is another one than
 * the program loaded.
 *
 * To read, to compare and to compile them takes longer than a player may wait.
 * So that is done before, between events of the program, a few milliseconds at
 * a time; what the program loads meanwhile is found when the list is made.
 */

struct package_modules;

/* Of the release unpacked in this folder, whose files do not change. NULL: out
 * of memory. Modules and engine stay until it is freed. */
struct package_modules *package_modules_new(struct modules *m, struct engine *e,
    const char *dir);
void package_modules_free(struct package_modules *p);

/* Go on until about the time deadline_ns (clock_mono_ns); one module is done
 * in any case. all: also modules that are as the program loaded them. 1: there
 * is more to do; 0: all is done, or what stands in the way is told later, when
 * the list is made. */
int package_modules_prepare(struct package_modules *p, int all,
    int64_t deadline_ns);

/* Sources that are swapped, in all. */
#define PACKAGE_MODULES_MAX ENGINE_TEXT_MAX

/* The list as of now, in the order of names, for the engine; it is good until
 * the next call. 0, or -1 with err: a file cannot be read, they are too large,
 * or memory. */
int package_modules_list(struct package_modules *p, int all,
    struct engine_text *out, struct err *e);
/* Of the latest list: modules that the release has and the program loaded. */
size_t package_modules_loaded(const struct package_modules *p);

/* Append the module's file in a folder to out: 1; 0: it has none; -1 with
 * err. */
int package_modules_read(const char *dir, const char *name, struct buf *out,
    struct err *e);

#endif
