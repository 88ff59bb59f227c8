#ifndef CMD_REMOTE_H
#define CMD_REMOTE_H

#include <signal.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/progress.h"
#include "cmd/say.h"

/* Files at ftp:// addresses that are only looked at. */

struct remote {
	const struct say *say;
	const volatile sig_atomic_t *stop; /* a signal came */
	struct progress progress;
};

/* Takes over the signals of cmd/signals.h. 0, or -1 with err. */
int remote_init(struct remote *r, const struct say *s, struct err *e);

/*
 * Fetch what url names into a file below TMPDIR (/tmp) that has no name any
 * more when this returns: nothing of it is left, whatever happens then. Blocks;
 * shows how far it is as cmd/progress.h has it. The descriptor, to close, or
 * -1 with err.
 */
int remote_open(struct remote *r, const char *url, struct err *e);

/* Append its signature, the small file URL.sig. Blocks. 0, or -1 with err. */
int remote_sig(struct remote *r, const char *url, struct buf *out,
    struct err *e);

/* The address of that signature, to free; NULL: out of memory. */
char *remote_sig_url(const char *url);

#endif
