#ifndef PACK_TREE_H
#define PACK_TREE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "pack/entries.h"

/* Folders with all that is in them. */

struct tree_file {
	dev_t dev;
	ino_t ino;
};

struct tree_spec {
	int fd;          /* the folder */
	const char *dir; /* its name in messages */
	/* By tree_matches; with a folder goes what is in it. */
	const char *const *exclude;
	size_t nexclude;
	const struct tree_file *skip; /* left out without a word */
	size_t nskip;
	/* List whatever there is, also what no package may hold (as files of
	 * no length; such folders are not entered). */
	int any;
	size_t max; /* entries; more are an error */
};

/*
 * Append files (their len and mtime) and folders, sorted by bytes. 0, or -1
 * with the reason and, but for any, the name: what is neither file nor folder,
 * names that break name_check.
 */
int tree_walk(const struct tree_spec *s, struct entries *out, struct err *e);

/* 1 when one of the globs fits the name (a folder's without '/') or its last
 * part. */
int tree_matches(const char *const *globs, size_t n, const char *name);

/* Remove name (of the folder at_fd) and, if it is a folder, all in it. Links
 * are not followed. One that is not there is fine. 0, or -1 with errno. */
int tree_remove(int at_fd, const char *name);

struct stat;

/* 1 when a file still has the length and the mtime that tree_walk listed. */
int tree_is_as_seen(const struct entry *it, const struct stat *st);

#endif
