#ifndef CMD_PARCEL_H
#define CMD_PARCEL_H

#include "base/buf.h"
#include "base/err.h"
#include "cmd/package.h"
#include "pack/publish.h"

/* A package that is to be published: its file, what it is, its signature. */
struct parcel {
	int fd; /* -1: there is none */
	/* Under way: info.release and info.len alone are filled, by what the
	 * package says of itself. */
	struct parcel_check *check;
	struct package_info info;
	struct buf sig;
	int is_new; /* made just now, of this instant: no run had these bytes */
	char name[2 * RELEASE_WORD + RELEASE_WORD + 16]; /* in release/ */
	char part[RELEASE_WORD + 16];                    /* in staging/ */
};

#define PARCEL_INIT      \
	{                \
		.fd = -1 \
	}

/*
 * Open a package that is there and begin to check it, and its signature where
 * it has one. That must be by one of the keys (none at all: it is not looked
 * at); where there is none it is signed, in memory. A large package is checked
 * by a thread, which uses path, keys and signer until parcel_wait or
 * parcel_close. 0, or -1 with err.
 */
int parcel_open(struct parcel *p, const char *path, const struct keyring *keys,
    const struct signer *signer, struct err *e);

/* What came of it. 1: nobody knows yet, not with wait set; 0: it is good and p
 * is whole (also where nothing was to be checked); -1 with err: it is not. */
int parcel_wait(struct parcel *p, int wait, struct err *e);

/* What is missing, in excess or damaged in it, once parcel_wait has said no:
 * each line once. */
void parcel_tell(struct parcel *p, const struct say *s);

/*
 * Pack a folder into path, with its signature beside it. A package of the name
 * that is there already is not made anew with another time stamp: where the
 * folder is the same, so are its bytes. It is signed, synced and named by a
 * thread, which uses what job points to until parcel_wait or parcel_close; a
 * large one is written by it too. The build command is not run. 0, or -1 with
 * err.
 */
int parcel_make(struct parcel *p, const struct package_job *job,
    const char *path, struct err *e);

/* Wait until the first upto bytes can be read from fd, or never will. */
void parcel_ready(const struct parcel *p, uint64_t upto);

/* Waits for what is under way. */
void parcel_close(struct parcel *p);

/* The names that it has in a place: NAME-RELEASE.tar, a package --since
 * NAME-RELEASE.since-BASE.tar; NAME.part in staging (pack/staging.h), the full
 * package beside one that is not NAME.full.part. */
void parcel_name(struct parcel *p, int beside);

void parcel_file(const struct parcel *p, struct publish_file *f);

#endif
