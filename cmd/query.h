#ifndef CMD_QUERY_H
#define CMD_QUERY_H

#include "cmd/hosts.h"
#include "cmd/say.h"
#include "cmd/talk.h"

/*
 * Ask hosts one thing and print what each answers, in their order: a record
 * "host:", "result:" for commands, and for reads "host:" with what print
 * makes of the line's body. Returns the exit status.
 */
int query_run(struct say *s, struct fleet_options *f, char **operands, size_t n,
    const struct talk_request *r,
    void (*print)(struct say *s, const struct host_line *l));

/* A command, signed by this key file (NULL: HOTFIX_KEY) or shell command. */
int query_command(struct say *s, struct fleet_options *f, char **operands,
    size_t n, const char *key, const char *sign_with, const char *command);

/* The next line of the bytes from *at on: 1 with its start and length, 0 at
 * the end. */
int query_line(const struct buf *b, size_t *at, const char **line, size_t *len);

/* The next word, parted by sep, of a line that is changed in place: "" when
 * there is none. */
char *query_word(char **rest, char sep);

#endif
