#ifndef CMD_RUN_H
#define CMD_RUN_H

#include <stdint.h>

#include "base/err.h"
#include "cmd/say.h"
#include "lua-host/hotfix.h"

/* What serve and client have in common: a program that runs on. */

/* What a party says of itself (NULL: nothing): 1 to max bytes of clean text
 * with none of these characters in it, as the protocol has it. 0, or 2 after
 * a complaint. */
int run_check_told(const struct say *s, const char *option, const char *text,
    size_t max, const char *without);

/* How packages are fetched: --fetch-timeout, --fetch-tries. */
struct run_fetch {
	int64_t timeout_ms;
	const char *tries;
};

#define RUN_FETCH_INIT   \
	{                \
		-1, NULL \
	}

/* As the library takes them, 0 for what is not said: 0, or 2 after a
 * complaint. */
int run_check_fetch(const struct say *s, const struct run_fetch *f,
    int64_t *timeout_ms, unsigned *tries);

/* Give up root for this user, its group and no others, for good. 0 or -1. */
int run_as_user(const char *name, struct err *e);

/* As many descriptors as the machine lets this process have: a host takes a
 * connection for each. Where that fails it serves fewer. */
void run_raise_files(void);

/* An error of the library, and its exit status. */
int run_complain(const struct say *s, const struct hotfix_error *e);

/* A line of the program's or the library's log (arg: struct say). */
void run_log(void *arg, const char *line);

/* SIGINT, SIGTERM and SIGHUP in the loop. */
struct run_signals {
	int fd;
	int signal; /* the one that came, 0: none */
};

int run_signals_open(struct run_signals *r, struct hotfix_loop *l,
    struct hotfix_error *e);

/* The exit status that a signal asks for: SIGTERM and SIGHUP are the orderly
 * end of a service, SIGINT an interruption. */
int run_signal_status(int sig);

#endif
