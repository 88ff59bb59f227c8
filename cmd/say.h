#ifndef CMD_SAY_H
#define CMD_SAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * How the command line talks: results on standard output, everything else on
 * standard error. Texts from outside may be given as they came; they are
 * escaped here.
 */

struct say {
	const char *verb; /* shown in messages; NULL: before there is one */
	int quiet;        /* -q: errors alone on standard error */
	int verbose;      /* -v */
	int json;         /* --json */
	int open;         /* the record, or the object in it, has fields */
};

/* "hotfix: VERB: ..." on standard error, one line: our own words, texts that
 * are escaped already, and names of files as they are. */
void say_error(const struct say *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, unless -q; only with -v. */
void say_note(const struct say *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void say_detail(const struct say *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A text of several lines on standard error, indented under a title. */
void say_block(const struct say *s, const char *title, const void *text,
    size_t len);
/* The error, and its exit status; wrong use with where to read on. */
int say_err(const struct say *s, const struct err *e);

/*
 * A record: fields, then say_end. Lines "name: value"; with --json one
 * object on a line. Counts are numbers in JSON, all else is strings.
 */
void say_text(struct say *s, const char *name, const char *value);
void say_count(struct say *s, const char *name, uint64_t value);
/* Seconds, with six digits behind the point. */
void say_seconds(struct say *s, const char *name, int64_t us);
/* "name: a=1 b=2"; an object inside the object. */
void say_counts(struct say *s, const char *name, const char *const *names,
    const uint64_t *values, size_t n);
/* With --json: the fields that follow, up to say_inner_end, are those of an
 * object that is this field's value. */
void say_inner(struct say *s, const char *name);
void say_inner_end(struct say *s);
/* Ends the record and writes it out: 0, or -1 when it could not be. */
int say_end(struct say *s);
/* Ends the record; it is written with others, for results by the thousand. */
void say_next(struct say *s);

/* A row of a table, its values parted by tabs; not for --json. */
void say_row(struct say *s, const char *const *values, size_t n);

/* The end of the program: the status, or 5 with a message when something
 * meant for standard output did not get there. */
int say_finish(int status);

#endif
