#ifndef LUA_HOST_MIRROR_H
#define LUA_HOST_MIRROR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lua-host/package_fetch.h"
#include "net/loop.h"
#include "peer/host.h"

/*
 * The packages that a host keeps for its clients: fetched from where they were
 * published, verified, put into one folder as NAME-RELEASE.tar, from which any
 * server may hand them out; and the address under which it does.
 *
 * Without a folder they are fetched and verified all the same, and thrown
 * away: what a host announces can be had and is good.
 */

struct mirror;

struct mirror_options {
	const char *dir; /* or NULL */
	/* FROM=TO: an address that begins with FROM is announced with TO in
	 * its place; the first that fits. */
	const char *const *public_urls;
	size_t npublic_urls;
	int64_t timeout_ms; /* 0: PACKAGE_HOST_TIMEOUT_MS */
	unsigned tries;     /* 0: PACKAGE_TRIES */
	const char *command;
	/* As host_packaged and host_package_progress, from the loop. */
	void (*packaged)(void *arg, uint64_t id, const struct host_package *p);
	void (*progress)(void *arg, uint64_t id, uint64_t so_far);
	void *arg;
};

/* NULL with err. The folder is made (0755, those above it 0700). */
struct mirror *mirror_new(struct loop *loop, const struct mirror_options *o,
    struct err *e);
/* What is being fetched ends unheard. */
void mirror_free(struct mirror *m);

/* As of struct host_callbacks. */
int mirror_package(struct mirror *m, const struct doc *d,
    struct host_package *out);
void mirror_cancel(struct mirror *m, uint64_t id);
int mirror_from(const struct mirror *m, const struct doc_package *p, char *out,
    size_t size);
void mirror_gone(struct mirror *m, const struct doc_package *p);

#endif
