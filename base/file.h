#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Whole files. Every function returns 0, or -1 with err filled (ERR_LOCAL,
 * naming the path); after -1 nothing partial is visible under the path.
 */

/* Append the bytes of a regular file (path "-": standard input) to out; a
 * larger file than max is an error. */
int file_read(const char *path, size_t max, struct buf *out, struct err *e);

/* The same for what read(2) gives from fd on, which stays open; name is its
 * name in messages. */
int file_read_fd(int fd, const char *name, size_t max, struct buf *out,
    struct err *e);

/* Replace path by these bytes: a temporary name beside it, fsync, rename,
 * fsync of the folder. */
int file_write(const char *path, const void *bytes, size_t len, unsigned mode,
    struct err *e);

/* 1 when the name is one that file_write gives for a time to a file whose own
 * name is the first len bytes: a kill may leave it behind. */
int file_is_unfinished(const char *name, size_t len);

/* A new file; one that exists is an error and stays as it is. Synced. */
int file_create(const char *path, const void *bytes, size_t len, unsigned mode,
    struct err *e);

/* The folder and those above it, each 0700; one that exists is fine. */
int file_mkdirs(const char *path, struct err *e);

/* 0 when the folder belongs to the caller and nobody else may write to it: what
 * is in there may be believed. */
int file_check_own(const char *dir, struct err *e);

/* 0 when nothing of this name is in the folder, nor where there is no folder:
 * it is not the one of somebody else, whom the message names. */
int file_check_lacks(const char *dir, const char *name, const char *whose,
    struct err *e);

/* fsync a folder, so that names made or removed in it last. */
int file_sync_dir(const char *path, struct err *e);

/* write(2) all of it to fd; 0, or -1 with errno set. */
int file_write_all(int fd, const void *bytes, size_t len);

/* A new folder "hotfix-XXXXXX" below TMPDIR (/tmp) that nobody else can look
 * into; its path, to free, or NULL with err. */
char *file_make_temporary(struct err *e);

/* dir/name as a new string to free, NULL when memory ran out. */
char *file_join(const char *dir, const char *name);

#endif
