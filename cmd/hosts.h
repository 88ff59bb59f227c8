#ifndef CMD_HOSTS_H
#define CMD_HOSTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/options.h"
#include "net/sock.h"
#include "peer/operator.h"

/*
 * The hosts that an operator's verb speaks to: operands and a fleet file,
 * with what each answered.
 *
 * A fleet file has a line per host, "NAME HOST[:PORT] key=value...", parted
 * by spaces or tabs; empty lines and lines that begin with '#' are passed over.
 * A host of a fleet must greet by its NAME.
 */

#define HOSTS_FLEET_FILE ((size_t)1 << 20) /* ten thousand lines */
#define HOSTS_WORD       32                /* a result or word, with its NUL */

enum host_end {
	HOST_NOT_ASKED, /* nothing was sent yet, or not at all */
	HOST_DONE,      /* DONE: result, word when it was refused, text */
	HOST_OK,        /* OK: body */
	HOST_ERROR,     /* ERROR: word, text; word "" when there is no answer:
			   not reached, or the connection ended */
};

/* A host and its answer. Texts of the host's are escaped. */
struct host_line {
	char *shown;                      /* what people called it; owned */
	char address[SOCK_NAME_MAX + 16]; /* with its port, for results */
	struct sock_target target;

	int greeted;
	char name[SOCK_NAME_MAX + 1];
	char program[SOCK_NAME_MAX + 1], version[SOCK_NAME_MAX + 1];
	int64_t ahead_us; /* its clock minus ours */

	uint64_t logged_in; /* clients, when the hosts were surveyed */
	int left_out;       /* no answer before, or a wrong clock: not asked */
	int asked;          /* the request went out */
	enum host_end end;
	char result[HOSTS_WORD], word[HOSTS_WORD];
	char text[ERR_TEXT];
	char server[HOSTS_WORD];        /* PROGRESS server */
	struct buf report;              /* its text */
	int64_t rehearsed_us, stall_us; /* of the server part; -1: not told */
	int has_clients;
	struct operator_progress clients;
	struct buf groups; /* equal errors of clients, as lines for people */
	struct buf body;
};

struct fleet_options {
	const char *file, *batch_text, *max_failed_text;
	struct option_list select;
	int skip_failed;
	/* set by hosts_open */
	size_t batch, max_failed;
};

struct hosts {
	struct host_line *lines;
	size_t n, cap;
	struct fleet_options *fleet;
};

#define HOSTS_OPTIONS 5
/* The rows of the options above, for a verb's table. */
void hosts_options(struct fleet_options *f, struct option rows[HOSTS_OPTIONS]);

/* Operands first, then what is selected of the fleet file. None at all is an
 * error unless none_is_fine. 0, or -1 with err and nothing to free. */
int hosts_open(struct hosts *h, struct fleet_options *f, char **operands,
    size_t n, int none_is_fine, struct err *e);
void hosts_free(struct hosts *h);

/* What a result is about: "host: NAME ADDRESS", in JSON two fields. NAME is
 * the greeted one, else the one it was called by, else "-". */
void host_line_print(struct say *s, const struct host_line *l);

/* Forget the answer, keep the greeting. */
void host_line_reset(struct host_line *l);

/*
 * The exit status of one host's answer (0 for one not asked, but 3 for one
 * that answered and was left out all the same): good is a DONE word that counts
 * as done besides applied, have, deferred and dry-run, or NULL.
 */
int host_line_status(const struct host_line *l, const char *good);
/* 1 when the host was sent a document that is not for it, or a retirement of
 * what it has not: it did nothing wrong. Its status is that of any refusal. */
int host_line_is_skipped(const struct host_line *l);
/* Of all: the largest of 1 and 4 if any, else 3 if any, else 0. */
int hosts_status(const struct hosts *h, const char *good);
/* One status joined to the status so far, by the same rule. */
int hosts_join_status(int so_far, int status);

#endif
