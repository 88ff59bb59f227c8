#ifndef PACK_PUBLISH_IMPL_H
#define PACK_PUBLISH_IMPL_H

#include "pack/publish.h"

/*
 * What the two parts of pack/publish.h share: publish_copy.c moves bytes and
 * names, as often as a connection breaks; publish.c knows what belongs where,
 * and has the lock. Nobody else includes this. Functions return as those of
 * pack/publish.h do.
 */

#define RELEASE_DIR "release/"

/* What is asked about a package before it is sent. */
enum look_for {
	LOOK_PACKAGE,
	LOOK_SIG,
	LOOK_REST, /* of an earlier run, in staging */
	LOOK_LATEST,
	LOOKS,
};

struct look {
	int done;
	struct store_step steps[LOOKS]; /* sizes */
	char paths[LOOKS][STORE_PATH];
};

struct publish {
	struct publish_config config;
	struct lock lock;
	int is_ours;      /* the lock, when it was looked at; no news since */
	int latest_there; /* 0 it is, 1 not, -1 not looked yet */
	struct look look;
	/* What is ours in staging; "": nothing. */
	char small[STORE_PATH];
	char part[STORE_PATH], rest[STORE_PATH]; /* rest: later, its name */
	unsigned breaks;           /* connections that were made anew */
	unsigned left;             /* tries */
	int64_t backoff_ms;        /* before the next */
	struct publish_file *file; /* the package; NULL: it is another file */
	int is_bad;                /* that package is */
	/* of the transfer that runs */
	const char *what;
	uint64_t total, moved;
};

void publish_note(const struct publish *p, const char *text);

/* Something went well: what fails later has all its tries. */
void publish_rearm(struct publish *p);

int publish_is_stopped(const struct publish *p);
int publish_fail_stopped(struct err *e);

/* After a failure: 1: there is a new connection, do it again; 0: give up, for
 * the reason in e. */
int publish_again(struct publish *p, struct err *e);

/* Steps that may be done twice. */
int publish_run(struct publish *p, struct store_step *steps, size_t n,
    struct err *e);
/* Of one step: its result. */
int publish_run_one(struct publish *p, struct store_step *step, struct err *e);

/* Is the package good? 0; 1: nobody knows yet; -1 with err. */
int publish_ask(struct publish *p, int wait, struct err *e);

/* 0: the copy at path is equal; 1: it is not, why tells; 2: there is none; -1.
 */
int publish_compare(struct publish *p, const char *path,
    const struct publish_file *f, struct publish_outcome *out, struct err *why,
    struct err *e);

/* Into staging until the copy there is equal: there is how much is there
 * already, at most all. 0; -1: one that is not equal is deleted, a part of one
 * stays. */
int publish_stage(struct publish *p, const char *path,
    const struct publish_file *f, uint64_t there, struct publish_outcome *out,
    struct err *e);

/* What is staged as part gets the name path by one rename; next: another file
 * comes behind. */
int publish_give_name(struct publish *p, const char *part, const char *path,
    int replace, int next, struct err *e);

/* Delete the copy of a bad package. */
void publish_drop_bad(struct publish *p, const char *path);

#endif
