#ifndef CMD_TALK_H
#define CMD_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/hosts.h"
#include "cmd/say.h"
#include "cmd/signer.h"

/* Speaking to hosts, all of them at once in one loop. */

struct talk;

/* Takes over the signals of cmd/signals.h. NULL with err. */
struct talk *talk_open(const struct say *s, struct err *e);
void talk_close(struct talk *t);

/* By so much this machine's clock is known to be behind the true time; hosts'
 * clocks are then compared with that. */
void talk_set_behind(struct talk *t, int64_t behind_us);
int64_t talk_behind_us(const struct talk *t); /* 0: not known to be */

/* What every host is asked; one of the three. */
struct talk_request {
	const char *read; /* STATUS, CLIENTS, LOG 10 */

	const void *doc; /* a document to push */
	size_t len, head_len;
	int64_t wait_ms; /* what it asks its host to wait */

	const char *command; /* to be signed */
	const struct signer *signer;
};

/* Connections at a time: a fleet does not take all descriptors. */
#define TALK_AT_ONCE 200

#define TALK_INTERRUPTED 1

/*
 * Ask the n hosts and wait for their answers (the lines' fields). ended is
 * called for each in their order, as soon as it and all before it have
 * ended; may be NULL. 0; TALK_INTERRUPTED: a signal came, the rest was left;
 * -1 with err.
 */
int talk_to(struct talk *t, struct host_line *lines, size_t n,
    const struct talk_request *r, void (*ended)(void *arg, struct host_line *l),
    void *arg, struct err *e);

#endif
