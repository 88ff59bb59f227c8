#ifndef CMD_SIGNALS_H
#define CMD_SIGNALS_H

#include <signal.h>

#include "base/err.h"

/*
 * SIGINT, SIGTERM and, unless it was ignored before, SIGHUP as something to
 * read: signals_open gives a descriptor that becomes readable when one came.
 * Once per process. The descriptor, or -1 with err.
 */
int signals_open(struct err *e);

/* The same as a flag that one of them sets, for what blocks; what waits is
 * interrupted. Goes together with signals_open. NULL with err. */
const volatile sig_atomic_t *signals_flag(struct err *e);

/* The number of the next signal that came, 0 when none did. */
int signals_take(int fd);

#endif
