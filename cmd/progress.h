#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/say.h"

/*
 * How far a long transfer is: one line on standard error that changes in
 * place, where that is a terminal and -q was not given; nothing elsewhere.
 * Messages may come in between: progress_hide takes the line away first.
 */

#define PROGRESS_WHAT 48
#define PROGRESS_WIDTH                                        \
	79 /* of a line, and a NUL more: terminals wrap at 80 \
	    */

struct progress {
	int on;
	int shown; /* the line is there */
	char what[PROGRESS_WHAT];
	int64_t began_ns, drawn_ns;
	uint64_t began_at; /* bytes that were there before */
	int begun;
};

/* what is its title ("upload"), escaped here; always call before the rest. */
void progress_open(struct progress *p, const struct say *s, const char *what);
/* Tell how far it is; size 0: not known. Cheap, may be called often. */
void progress_moved(struct progress *p, uint64_t so_far, uint64_t size);
void progress_hide(struct progress *p);

/* The line for so_far of size bytes (0: not known), of which moved were moved
 * in ms milliseconds. Pure. Returns out. */
char *progress_format(char out[PROGRESS_WIDTH + 1], const char *what,
    uint64_t so_far, uint64_t size, uint64_t moved, int64_t ms);

#endif
