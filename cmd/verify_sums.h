#ifndef CMD_VERIFY_SUMS_H
#define CMD_VERIFY_SUMS_H

#include "cmd/say.h"

/*
 * verify --sums: the files of a list that md5sum(1) wrote ("-": standard
 * input), below dir (NULL: here). A line NAME: OK, NAME: FAILED or NAME: FAILED
 * open or read for each. The exit status; a list with a line that is none is
 * refused before any file is looked at.
 */
int verify_sums(struct say *s, const char *list, const char *dir);

#endif
