/* Names beside a path. */

#include "pack/aside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/random.h"

/* The form of file_write's, so that file_is_unfinished knows them. */
#define SUFFIX ".new-XXXXXX"
#define RANDOM 3 /* bytes in the place of the X */

int
aside_init(struct aside *a, const char *path, struct err *e)
{
	size_t len = strlen(path), n;

	memset(a, 0, sizeof *a);
	while (len > 1 && path[len - 1] == '/')
		len--;
	for (n = len; n > 0 && path[n - 1] != '/';)
		n--;
	if (n == len || strcmp(path + n, ".") == 0 ||
	    strcmp(path + n, "..") == 0)
		return err_set(e, ERR_USAGE, "'%s': no name for something new",
		    path);
	a->path = strdup(path);
	a->tmp = malloc(len + sizeof SUFFIX);
	a->parent = malloc(n + 2);
	if (a->path == NULL || a->tmp == NULL || a->parent == NULL) {
		aside_free(a);
		return err_set(e, ERR_LOCAL, "out of memory");
	}
	a->path[len] = '\0';
	snprintf(a->tmp, len + sizeof SUFFIX, "%s" SUFFIX, a->path);
	/* With its '/': that of the root stays. */
	memcpy(a->parent, path, n);
	a->parent[n] = '\0';
	if (n == 0)
		memcpy(a->parent, ".", 2);
	return 0;
}

void
aside_free(struct aside *a)
{
	free(a->path);
	free(a->tmp);
	free(a->parent);
	memset(a, 0, sizeof *a);
}

int
aside_fill(struct aside *a, struct err *e)
{
	uint8_t bytes[RANDOM];

	if (random_bytes(bytes, sizeof bytes) != 0)
		return err_errno(e, ERR_LOCAL, "no random bytes");
	hex_encode(a->tmp + strlen(a->tmp) - (size_t)2 * RANDOM, bytes, RANDOM);
	return 0;
}
