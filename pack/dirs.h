#ifndef PACK_DIRS_H
#define PACK_DIRS_H

#include <stddef.h>
#include <sys/stat.h>

#include "pack/name.h"

/*
 * Files below a folder, reached part by part from its descriptor, so that no
 * link on the way leads out of it. The folder that was used last stays open:
 * names in order cost one openat each.
 */
struct dirs {
	int root; /* the caller's */
	int fd;   /* of the folder below, -1: none is open */
	size_t len;
	char path[NAME_LEN_MAX + 2]; /* its name with its '/', len bytes */
};

void dirs_init(struct dirs *d, int root);
void dirs_end(struct dirs *d);

/*
 * The folder that holds the name (which went through name_check, but for a
 * folder's '/' at its end): its descriptor, which stays ours, and *last, the
 * part of the name in it; or -1 with errno.
 */
int dirs_parent(struct dirs *d, const char *name, const char **last);

/* Open a regular file for reading: its descriptor and what fstat says; or -1
 * with errno (EINVAL: it is something else). */
int dirs_open(struct dirs *d, const char *name, struct stat *st);

#endif
