#ifndef PACK_SHOWN_H
#define PACK_SHOWN_H

#include <stddef.h>

/* A file's name in a message: escaped, and cut where it would push the reason
 * out of it. Returns out. */
#define SHOWN_SIZE 288 /* any good name as it is */
char *shown_name(char out[SHOWN_SIZE], const char *name);

#endif
