#ifndef NET_FTP_INTERNAL_H
#define NET_FTP_INTERNAL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ftp.h"
#include "net/ftp_reply.h"
#include "net/netrc.h"

/* What the files of the FTP client share: the control connection. */

#define FTP_BLOCK    (256 * 1024) /* of data at a time */
#define FTP_CONTROL  4096         /* of answers at a time */
#define FTP_COMMANDS 64           /* that are sent before answers are read */

/* A port for data that is not used is closed by some servers, and forgotten by
 * what translates addresses in between: then another one is asked for. */
#define FTP_PORT_FRESH_NS INT64_C(5000000000)

struct ftp {
	struct ftp_url url; /* host and port for messages */
	struct ftp_login login;
	int64_t idle_ns, connect_ns, deadline_ns;
	void (*trace)(void *arg, const char *line);
	void *arg;
	const volatile sig_atomic_t *stop;

	int fd; /* control connection; -1 none */
	struct sock_addr peer;
	int broken;
	int owed; /* answers that are still to come */
	uint8_t in[FTP_CONTROL];
	size_t in_at, in_len; /* what was read and is not taken yet */
	struct ftp_reply reply;
	int code;         /* of the latest final answer */
	int64_t heard_ns; /* when something came or went last, for idle */

	/* RNTO was refused: some servers keep the name of RNFR then, and
	 * would rename that at the next RNTO. */
	int named;
	int reads;  /* a download is under way */
	int binary; /* TYPE I is set */
	int pasv;   /* EPSV was refused */

	int expect;      /* a transfer is next: ask for a port with steps */
	uint16_t port;   /* that was told and not used; 0 none */
	int64_t port_ns; /* when */
	int hurry;       /* the next transfer, and only that one */
	uint64_t hurry_len;
	int tail; /* the last word of a transfer is owed, before all others */

	int asked_feat; /* features holds the answer, empty: none */
	struct ftp_reply *features;
	int utf8; /* names in UTF-8 were agreed on, or cannot be */
	uint8_t block[FTP_BLOCK];
};

/* err with the address in front; path NULL: of the server alone. Returns -1. */
int ftp_fail(const struct ftp *f, enum err_kind kind, const char *path,
    struct err *e, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same, of a connection that cannot be used any more. */
int ftp_break(struct ftp *f, const char *path, struct err *e, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/* The latest answer as the reason; what says what was not done. */
int ftp_refused(struct ftp *f, const char *path, const char *what,
    struct err *e);
/* The kind of that. */
enum err_kind ftp_refusal(const struct ftp *f);

/*
 * Wait until one of the descriptors is ready, or a clock runs out, or there
 * is an interruption. idle counts from f->heard_ns; until_ns (0: none) is one
 * more clock. 0, or -1 with err and the connection broken.
 */
int ftp_wait(struct ftp *f, struct pollfd *fds, nfds_t n, int64_t until_ns,
    const char *path, struct err *e);

/* Commands go out in one piece, when nothing is left of answers before
 * (RFC 959 5.4; an answer that is there before its question is a lie). */
struct ftp_batch {
	char text[8192];
	size_t len;
	int n;
	int bad; /* an argument that cannot be sent, or too much */
};
void ftp_batch_add(struct ftp_batch *b, const char *verb, const char *arg);
int ftp_send(struct ftp *f, const struct ftp_batch *b, const char *path,
    struct err *e);

/* The next final answer: its code, or -1 with err (broken). The last word of
 * a transfer in a hurry is taken before it, in all of these. */
int ftp_answer(struct ftp *f, const char *path, struct err *e);
/* The next answer, also one that goes on (1xx). */
int ftp_answer_any(struct ftp *f, const char *path, struct err *e);
/* The same, of what is there now: 0 when it is not whole. */
int ftp_answer_now(struct ftp *f, const char *path, struct err *e);
/* Ask for a port for data, and take the answer: f->port, 0 when there is none
 * and another way may be tried; -1 with err: refused, or broken. */
void ftp_port_ask(const struct ftp *f, struct ftp_batch *b);
int ftp_port_take(struct ftp *f, const char *path, struct err *e);

/* One command and its final answer. */
int ftp_ask(struct ftp *f, const char *verb, const char *arg, const char *path,
    struct err *e);

/* Before a command with names in it: 0, or -1 with err. */
int ftp_prepare(struct ftp *f, const char *path, struct err *e);

#endif
