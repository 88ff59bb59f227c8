#ifndef LUA_HOST_RELEASES_H
#define LUA_HOST_RELEASES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "update/doc.h"

/*
 * The folder in which a client keeps the releases of packages, unpacked:
 *
 *	NAME/RELEASE-XXXXXXXXXXXXXXXX	one release, whole; the digits are the
 *					first of its package's SHA-512
 *	NAME/current	symbolic link to the one in force
 *	NAME/previous	to the one that was in force before it
 *
 * What begins with a dot, or has a name of package_unpack's while it works, is
 * rubbish of a process that was killed. A release is called by its last part.
 */

#define RELEASES_DIGITS 16
#define RELEASES_NAME   (DOC_RELEASE + 1 + RELEASES_DIGITS) /* bytes */

struct releases;

/* dir is made when it is needed; NULL: one of its own for the time of this
 * process, made by releases_prepare. Rubbish is removed. NULL with err. */
struct releases *releases_open(const char *dir, struct err *e);
/* Before anything is put there: 0, or -1 with err. */
int releases_prepare(struct releases *r, struct err *e);
void releases_close(struct releases *r);

/* The release of a package. Returns out. */
const char *releases_name(char out[RELEASES_NAME + 1],
    const struct doc_package *p);
/* Its folder, or a file of a release: a new string; NULL: out of memory,
 * or nothing was prepared. */
char *releases_path(const struct releases *r, const char *name,
    const char *release);
/* 1 when it is here, whole. */
int releases_has(const struct releases *r, const char *name,
    const char *release);
/* One whose release is called so, here: 1 with *out. */
int releases_find(const struct releases *r, const char *name,
    const char *called, char out[RELEASES_NAME + 1]);

/* Make NAME's folder. 0, or -1 with err. */
int releases_make(const struct releases *r, const char *name, struct err *e);

/* Where the link leads: 1 with *out, when that is here. */
int releases_current(const struct releases *r, const char *name,
    char out[RELEASES_NAME + 1]);
int releases_previous(const struct releases *r, const char *name,
    char out[RELEASES_NAME + 1]);
/* The release is in force; what was before becomes the previous. 0, or -1. */
int releases_enter(const struct releases *r, const char *name,
    const char *release, struct err *e);
/* current was withdrawn: back to the previous, or to none. 0, or -1. */
int releases_leave(const struct releases *r, const char *name, struct err *e);

/* Call each(arg, name) for every package that has a current release. */
int releases_each(const struct releases *r,
    void (*each)(void *arg, const char *name), void *arg, struct err *e);

/*
 * Put aside what is neither current, nor previous, nor kept (keep returns 1):
 * releases and files that were fetched. releases_sweep, which may take long,
 * removes what lies aside. 1: there is something; 0: nothing.
 */
int releases_put_aside(const struct releases *r, const char *name,
    int (*keep)(void *arg, const char *release), void *arg);
void releases_sweep(const struct releases *r, const char *name);

#endif
