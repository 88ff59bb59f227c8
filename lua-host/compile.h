#ifndef LUA_HOST_COMPILE_H
#define LUA_HOST_COMPILE_H

#include <stddef.h>

#include "base/err.h"

/*
 * Compile a source file as a program would load it (a first line for the
 * shell and a byte order mark are passed over), in a state that is thrown
 * away; nothing of it runs. 0, or -1 with err: ERR_NO and
 * "NAME:LINE: what is wrong".
 */
int compile_check(const char *name, const void *text, size_t len,
    struct err *e);

#endif
