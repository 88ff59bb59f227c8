#ifndef PACK_FETCH_COMMAND_H
#define PACK_FETCH_COMMAND_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Run a downloader of somebody else: sh runs "COMMAND URL FILE", in a process
 * group of its own, with nothing on its standard input and what it says on
 * standard error. At deadline_ns (clock_mono_ns), when FILE grows past max,
 * when *stop (or NULL) is set, or when we are killed ourselves, the group is
 * killed.
 *
 * 0 when it ended with status 0; -1: ERR_PEER, ERR_NO (too long), ERR_LOCAL.
 */
struct fetch_command {
	const char *command, *url, *file;
	uint64_t max;
	int64_t deadline_ns;
	const volatile sig_atomic_t *stop;
	void (*moved)(void *arg, uint64_t so_far); /* or NULL */
	void *arg;
};

int fetch_command_run(const struct fetch_command *c, struct err *e);

#endif
