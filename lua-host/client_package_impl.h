#ifndef LUA_HOST_CLIENT_PACKAGE_IMPL_H
#define LUA_HOST_CLIENT_PACKAGE_IMPL_H

#include "lua-host/client_package.h"
#include "lua-host/package_fetch.h"
#include "lua-host/releases.h"

/*
 * Inside of struct client_packages, for client_package*.c alone.
 *
 *	client_package.c	life; packages come in force
 *	client_package_fetch.c	packages are fetched and made ready
 *	client_package_held.c	which of them there are, and what is seen of it
 *	client_package_revert.c	one is taken back
 *	client_package_tidy.c	releases that are not needed are removed
 */

/* An update with a package that the engine has. */
struct packages_held {
	struct packages_held *next; /* with a higher id */
	uint64_t id;
	char name[DOC_RELEASE + 1], called[DOC_RELEASE + 1];
	char release[RELEASES_NAME + 1];
	char *feature;
	char *on; /* it waits as a whole for this event; NULL: in force */
	void *part;
	size_t len;
	int all; /* every module that is loaded is in its list */
	struct package_modules *modules; /* made ready, while it waits */
};

struct packages_fetch {
	struct packages_fetch *next;
	struct client_packages *owner;
	const struct doc *doc;
	uint64_t id;
	char *from, *full_from;       /* NULL: none is nearer */
	char base[RELEASES_NAME + 1]; /* "": none is here */
	struct loop_timer delay;
	struct job *job;
	int64_t start_ns, took_ns;
	struct package_modules *modules; /* they are being made ready */
};

struct packages_sweep {
	struct packages_sweep *next;
	struct client_packages *owner;
	struct job *job;
	char name[DOC_RELEASE + 1];
};

/* What the program is to be told. */
struct packages_news {
	struct packages_news *next;
	char called[DOC_RELEASE + 1];
	char *folder;
};

struct client_packages {
	struct wire *wire;
	struct releases *releases;
	struct package_fetch fetch;
	char *script_dir;
	void (*fetched)(void *arg, uint64_t id,
	    const struct client_applied *out);
	void (*release)(void *arg, const char *release);
	void *arg;
	struct packages_held *held;
	struct packages_fetch *fetches;
	struct packages_sweep *sweeps;
	struct packages_news *news;
	/* What was fetched last, until it is applied; or NULL. */
	struct package_modules *ready;
	uint64_t ready_id;
	struct buf report; /* of the latest change */
	struct err why;
};

/* --- client_package.c --- */

/* 1 when the program has an update of a lower id that stays; or when there is
 * no memory to tell. */
int packages_lies_on_one(const struct client_packages *p, uint64_t id,
    const uint64_t *drop, size_t ndrop);
/* The release that the document brings, when it is here: its package, and the
 * folder's name in out; else NULL. */
const struct doc_package *packages_pick(const struct client_packages *p,
    const struct doc *d, char out[RELEASES_NAME + 1]);
/* Put the line first in what is told, and as much of the rest behind it as
 * there is room for: what the engine says of many modules may be cut. The text
 * is the packages' own, until the next report. */
void packages_report(struct client_packages *p, struct wire_outcome *out,
    const char *line);

/* --- client_package_fetch.c --- */

/* It ends unheard, and is freed. */
void packages_fetch_end(struct packages_fetch *f);

/* --- client_package_held.c --- */

/* A copy of what the document and its part tell, in no list yet; NULL: out of
 * memory. */
struct packages_held *packages_held_new(const struct doc *d,
    const struct doc_package *package, const char *release, const void *part,
    size_t len);
void packages_held_free(struct packages_held *h);
/* NULL: none. */
struct packages_held *packages_find(const struct client_packages *p,
    uint64_t id);
/* Into the list, which owns it then; out of it, or NULL. */
void packages_put_in(struct client_packages *p, struct packages_held *h);
struct packages_held *packages_take_out(struct client_packages *p, uint64_t id);
/* Log what went wrong with a package. */
void packages_complain(const struct client_packages *p, const char *name,
    const struct err *e);
/* Tell where require looks, and what the next login says. */
void packages_show_folders(struct client_packages *p);
/* It has come in force, and is in the list. */
void packages_enter(struct client_packages *p, const struct packages_held *h);
/* "current" leads to what of this name is the newest in force, or one back
 * when there is none; the program will be told. */
void packages_go_back(struct client_packages *p, const char *name);
/* Those of them that the engine has no more leave; what came in their place is
 * in force already. */
void packages_leave(struct client_packages *p, const uint64_t *ids, size_t n);

/* --- client_package_tidy.c --- */

/* Remove what of this package nobody needs, in a job. What cannot be removed
 * now is at the next time. */
void packages_tidy(struct client_packages *p, const char *name);
/* The job ends unheard, and it is freed. */
void packages_sweep_end(struct packages_sweep *s);

#endif
