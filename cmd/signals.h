#ifndef CMD_SIGNALS_H
#define CMD_SIGNALS_H

#include "base/err.h"

/*
 * SIGINT, SIGTERM and, unless it was ignored before, SIGHUP as something to
 * read: signals_open gives a descriptor that becomes readable when one came.
 * Once per process. The descriptor, or -1 with err.
 */
int signals_open(struct err *e);

/* The number of the next signal that came, 0 when none did. */
int signals_take(int fd);

#endif
