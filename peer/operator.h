#ifndef PEER_OPERATOR_H
#define PEER_OPERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/signify.h"
#include "peer/link.h"
#include "peer/time.h"
#include "update/command.h"
#include "update/word.h"

/*
 * The operator's side of one connection to one host, without sockets: read
 * the greeting, send one request, take its answers.
 */

struct operator_side;

struct operator_greeting { /* texts live as long as the operator */
	const char *host, *program, *version, *zone; /* "" when not told */
	char nonce[COMMAND_NONCE_TEXT];
	int64_t time_us;
};

struct operator_server { /* PROGRESS server WORD... */
	const char *result;
	const void *text; /* its report */
	size_t len;
	int64_t rehearsed_us; /* trying it on a copy took this; -1: not told */
	int64_t stall_us;     /* the program stood still for it; -1: not told */
};

struct operator_progress { /* PROGRESS clients */
	/* In a dry run those that are ready are counted as applied. */
	uint64_t targeted, applied, deferred, failed, missing;
};

struct operator_package { /* PROGRESS package */
	/* Fetched by the host until now, of so many in all. */
	uint64_t bytes, of;
};

/*
 * Results, words and texts are clean, they are a frame's; reports, groups'
 * texts and bodies are any bytes, to be escaped before they are shown. Both
 * live as long as the call. A callback may make the next request or say bye,
 * not free the operator. One that no request of the owner can bring may be
 * NULL; greeted and error are always there.
 */
struct operator_callbacks {
	void *arg;
	/* The greeting is here: send the request now (operator_push ...). */
	void (*greeted)(void *arg, const struct operator_greeting *g);
	void (*server)(void *arg, const struct operator_server *s);
	void (*clients)(void *arg, const struct operator_progress *p);
	/* PROGRESS error: one group of equal errors. */
	void (*group)(void *arg, const char *result, uint64_t count,
	    const char *of, const void *text, size_t len);
	/* DONE word ("refused stale" is result "refused", word "stale"; what
	 * was reverted and never held is "reverted", "not-here"; word is NULL
	 * for the others), and the human line, why it was refused or has
	 * failed, or "". */
	void (*done)(void *arg, const char *result, const char *word,
	    const char *text);
	/* OK, with its body. */
	void (*ok)(void *arg, const void *body, size_t len);
	/* ERROR word, which may leave the connection open; or (word NULL) it
	 * is of no use any more: it ended before an answer, it is not such a
	 * host, or it answers nonsense. */
	void (*error)(void *arg, const char *word, const char *text);
	/* The host fetches the document's packages before anything else, or
	 * has them and waits for its turn. May be NULL. */
	void (*package)(void *arg, const struct operator_package *p);
};

/* The greeting must be here in this time; a push may take its own. */
#define OPERATOR_GREETING_NS INT64_C(10000000000)
/* A read (status, log, clients, a command) is answered in this time. */
#define OPERATOR_ANSWER_NS   INT64_C(30000000000)

/* expect: the host's name that must greet, "" or NULL: any. */
struct operator_side *operator_new(const char *expect,
    const struct peer_clock *clock, const struct operator_callbacks *cb);
void operator_free(struct operator_side *o);
struct link *operator_link(struct operator_side *o);
/* The connection stands: from now on the greeting is waited for. */
void operator_opened(struct operator_side *o);

/*
 * One request at a time, after greeted; the next after done, ok or error.
 * Where the connection has ended meanwhile, error is called from within.
 * push: a whole document, its head being head_len bytes; answered by server,
 * clients and group as they come, then done. wait_ms is what the document
 * asks the host to wait (of each phase: a canary and everyone are two): the
 * answer may take that and OPERATOR_ANSWER_NS, longer only while a long
 * document is on its way, and from each "package" on anew.
 */
void operator_push(struct operator_side *o, const void *doc, size_t len,
    size_t head_len, int64_t wait_ms);
/* STATUS, CLIENTS, "LOG 10": a line without arguments from outside. */
void operator_read(struct operator_side *o, const char *line);
/* Signed with this key as the next command of this connection. */
void operator_command(struct operator_side *o, const struct signify_sec *sec,
    const char *key_name, const char *command);
/* The same in two steps, for keys that are elsewhere: append the text to be
 * signed (0, or -1 as command_build), then send it behind its two signature
 * lines, both in body. */
int operator_command_text(const struct operator_side *o, struct buf *out,
    const char *command);
void operator_command_signed(struct operator_side *o, const void *body,
    size_t len);
/* The last request, unanswered; nothing is called after it. */
void operator_bye(struct operator_side *o);

int64_t operator_next_ns(const struct operator_side *o);
void operator_tick(struct operator_side *o);
/* The connection ended; error is called unless all was answered. */
void operator_closed(struct operator_side *o, const char *why);

#endif
