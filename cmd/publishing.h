#ifndef CMD_PUBLISHING_H
#define CMD_PUBLISHING_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/clock.h"
#include "cmd/hosts.h"
#include "cmd/parcel.h"
#include "cmd/plan.h"
#include "cmd/progress.h"
#include "cmd/send.h"
#include "cmd/signer.h"
#include "net/frame.h"
#include "net/ftp_url.h"
#include "net/netrc.h"
#include "pack/lock.h"
#include "pack/publish.h"
#include "pack/store.h"

/*
 * What the files of `hotfix publish` share: publish.c has the verb,
 * publish_plan.c what was asked for and what a document will say,
 * publish_steps.c what is done in the place, publish_undo.c the way back and
 * publish_notify.c the hosts. Functions return 0, or -1 with err, where nothing
 * else is told.
 */

/* A document with its parts, as hosts take them. */
#define LATEST_MAX ((size_t)DOC_HEAD_MAX + FRAME_BODY_MAX)

/* The field of a document that tells which release it took the place of. */
#define PREVIOUS "previous"

#define URL_MAX 1024 /* of the place; a field's line has room for more */

struct publishing {
	struct say say;
	struct plan plan;

	/* options */
	const char *to, *name, *release, *since, *build, *output, *full, *url;
	const char *readback, *retries, *trust, *said_feature;
	struct option_list exclude, unchecked, notify, pub;
	int64_t spread_ms, timeout_ms;
	int undo, break_lock;

	/* made of them */
	unsigned tries;
	char base_url[URL_MAX];
	struct keyring keys;
	struct signer signer;
	struct clock clock;
	struct hosts hosts;
	struct talk *talk;
	const volatile sig_atomic_t *stop;
	struct progress progress;
	const char *what; /* its title; NULL: none yet */
	int is_told;      /* what the packages are */
	int is_bad;       /* a package is */
	struct ftp_url ftp;
	struct ftp_login login;
	struct lock_self self;
	struct store *store;
	struct publish *place;

	struct parcel package, whole; /* whole: --full */
	struct document latest, made;
	struct buf fields;
	char feature[DOC_FEATURE + 1];
	char latest_name[RELEASE_WORD + 16];
	char previous[RELEASE_WORD + 1]; /* the release before; "" none */
	int is_released;
};

/* publish_plan.c */

/* 0, or the status after a message. */
int publishing_check(const struct publishing *p, char **operands, size_t n);
int publishing_is_folder(const char *path);
/* The place, the login there, how often to try. */
int publishing_find_place(struct publishing *p, struct err *e);
/* The address that clients are told: of the folder of releases. After the
 * place and the hosts. */
int publishing_find_url(struct publishing *p, struct err *e);
/* Whose documents --undo believes; after the signer. */
int publishing_load_keys(struct publishing *p, struct err *e);
/* The feature and the latest document's name, by the package's. */
void publishing_name(struct publishing *p, const char *name);
/* The document's fields that the plan does not know of. */
int publishing_fields(struct publishing *p, struct err *e);
/* Can what was said be signed? Before anything is done. */
int publishing_try(struct publishing *p, struct err *e);

/* publish_steps.c */

/* No progress is shown: before anything else is written. */
void publishing_hide(struct publishing *p);
/* The package (it is made of a folder) and the full one. A large one is known
 * by its name only then: publishing_settle. */
int publishing_open_packages(struct publishing *p, const char *path,
    struct err *e);
/* What came of the check of the packages, as parcel_wait; they are told when
 * they are good. */
int publishing_settle(struct publishing *p, int wait, struct err *e);
void publishing_say_digest(struct say *s, const char *name,
    const uint8_t *bytes, size_t len);
/* Connect and lock. */
int publishing_open_place(struct publishing *p, struct err *e);
/* Everything that is done under the lock, up to the moment of release. */
int publishing_release(struct publishing *p, struct err *e);

/* publish_undo.c */

/* The document of the release before the latest becomes the plan's; its
 * packages are still there. After the latest was read. */
int publishing_go_back(struct publishing *p, struct err *e);
/* What was said on the command line wins over the document before. */
void publishing_override(struct publishing *p);

/* publish_notify.c */

/* Tell the hosts; an exit status. */
int publishing_notify(struct publishing *p);
/* It failed, for this reason: hosts log it and tell people. */
void publishing_tell_failure(struct publishing *p, const struct err *why);

#endif
