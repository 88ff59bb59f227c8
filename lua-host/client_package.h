#ifndef LUA_HOST_CLIENT_PACKAGE_H
#define LUA_HOST_CLIENT_PACKAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lua-host/wire.h"
#include "peer/client.h"

/*
 * The packages of a client: fetched in jobs, unpacked beside each other
 * (lua-host/releases.h), put in force in the running program, taken back.
 *
 * In force means: those modules that the program has loaded and whose source
 * in the release is another one than the program loaded are swapped, as by
 * hotfix.module; the document's client part runs behind them, in the same
 * step; require finds modules in the release first; "current" leads to it.
 * The script itself, modules that are loaded later, and data are there for
 * when they are read the next time.
 *
 * Below a package only other packages' updates and inline ones can lie that
 * stay in force: while there is one, all modules of the release are swapped,
 * also those that are as the program loaded them, since the one below may have
 * changed these; a program that starts anew and applies both in their order
 * runs the same.
 */

struct client_packages;

struct client_packages_options {
	const char *dir;    /* of releases; NULL: for this process only */
	const char *script; /* modules beside it are found first at a start */
	int64_t timeout_ms; /* 0: PACKAGE_CLIENT_TIMEOUT_MS */
	unsigned tries;     /* 0: PACKAGE_TRIES */
	const char *command;
	/* As client_fetched, from the loop. */
	void (*fetched)(void *arg, uint64_t id,
	    const struct client_applied *out);
	/* As client_set_release. */
	void (*release)(void *arg, const char *release);
	void *arg;
};

/* The wire's program need not run yet. NULL with err. */
struct client_packages *client_packages_new(struct wire *w,
    const struct client_packages_options *o, struct err *e);
/* What is fetched ends unheard. Before wire_end. */
void client_packages_free(struct client_packages *p);

/* As of struct client_callbacks. */
int client_packages_fetch(struct client_packages *p, const struct doc *d,
    const char *from, const char *full_from, int64_t delay_ns,
    struct client_applied *out);
void client_packages_cancel(struct client_packages *p, uint64_t id);

/* As wire_apply, wire_release and wire_revert, for updates with packages and
 * without: those without may lie below one. */
void client_packages_apply(struct client_packages *p,
    const struct wire_update *u, struct wire_outcome *out);
void client_packages_release(struct client_packages *p, uint64_t id,
    struct wire_outcome *out);
void client_packages_revert(struct client_packages *p, const uint64_t *drop,
    size_t ndrop, struct wire_outcome *out);
/* The engine told that an update which waited has left, or not. */
void client_packages_settled(struct client_packages *p, uint64_t id);

/* What was kept has been applied: "current" of a package of which nothing is
 * in force any more goes back. */
void client_packages_begun(struct client_packages *p);
/* The program's event "package" for what came in force, or was taken back,
 * since the last time. */
void client_packages_tell(struct client_packages *p);

#endif
