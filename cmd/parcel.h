#ifndef CMD_PARCEL_H
#define CMD_PARCEL_H

#include "base/buf.h"
#include "base/err.h"
#include "cmd/package.h"
#include "pack/publish.h"

/* A package that is to be published: its file, what it is, its signature. */
struct parcel {
	int fd; /* -1: there is none */
	struct package_info info;
	struct buf sig;
	char name[2 * RELEASE_WORD + RELEASE_WORD + 16]; /* in release/ */
	char part[RELEASE_WORD + 16];                    /* in staging/ */
};

#define PARCEL_INIT      \
	{                \
		.fd = -1 \
	}

/*
 * Open a package that is there and check it, and its signature where it has
 * one. That must be by one of the keys (none at all: it is not looked at);
 * where there is none it is signed, in memory. 0, or -1 with err.
 */
int parcel_open(struct parcel *p, const struct say *s, const char *path,
    const struct keyring *keys, const struct signer *signer, struct err *e);

/*
 * Pack a folder into path, with its signature beside it. A package of the name
 * that is there already is not made anew with another time stamp: where the
 * folder is the same, so are its bytes. 0, or -1 with err.
 */
int parcel_make(struct parcel *p, const struct package_job *job,
    const char *path, struct err *e);

void parcel_close(struct parcel *p);

/* The names that it has in a place: NAME-RELEASE.tar, a package --since
 * NAME-RELEASE.since-BASE.tar; NAME.part in staging, the full package beside
 * one that is not NAME.full.part. */
void parcel_name(struct parcel *p, int beside);

void parcel_file(const struct parcel *p, struct publish_file *f);

#endif
