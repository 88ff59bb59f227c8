#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * One failure, with the reason in words. The kinds are the exit statuses of
 * the command line, so that a verb ends with the status of what stopped it.
 *
 * A function that takes a struct err returns 0, or -1 with the err filled:
 * lower case, no full stop, naming the file or the peer. Text that came from
 * outside is escaped (base/text.h) before it gets here.
 */

enum err_kind {
	ERR_NONE = 0,
	ERR_NO = 1,     /* the answer is no: a check failed, was refused */
	ERR_USAGE = 2,  /* asked wrongly */
	ERR_PEER = 3,   /* could not reach or finish with a peer */
	ERR_DENIED = 4, /* not allowed */
	ERR_LOCAL = 5,  /* files, memory */
};

#define ERR_TEXT 512 /* a path of reasonable length and a sentence */

struct err {
	enum err_kind kind;
	char text[ERR_TEXT];
};

/* Fill the err (NULL: nobody cares); text is cut at ERR_TEXT. Returns -1. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, followed by ": " and the words for errno. Returns -1. */
int err_errno(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
