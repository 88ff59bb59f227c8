#ifndef LUA_HOST_WRAP_H
#define LUA_HOST_WRAP_H

#include <stddef.h>

#include "base/buf.h"

/* The source file of a module as the text of an update. */

#define WRAP_NAME_MAX 200 /* of a module's name, in bytes */

/* 1 when this can be the name: 1 to WRAP_NAME_MAX bytes of clean text without
 * quotes. */
int wrap_name_is_valid(const char *name, size_t len);

/*
 * Append "hotfix.module(NAME, SOURCE)" and a line end, Lua text in which
 * SOURCE is a string of exactly these bytes, whatever they are. 0, or -1 when
 * memory ran out (then or earlier).
 */
int wrap_module(struct buf *out, const char *name, size_t name_len,
    const void *source, size_t len);

#endif
