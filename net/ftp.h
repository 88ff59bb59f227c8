#ifndef NET_FTP_H
#define NET_FTP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/ftp_url.h"

/*
 * A client of FTP (RFC 959, 2428, 2389, 3659), passive mode alone: a second
 * connection goes to the server of the first one and nowhere else. What it
 * says and what comes is clear text and proves nothing; whoever fetches knows
 * a digest, whoever stores reads it back.
 *
 * Everything blocks, but never for long: a connection that does not stand
 * after connect_ms, a peer from whom nothing comes for idle_ms, and whatever
 * is not done at deadline_ns is given up.
 *
 * Paths are as in struct ftp_url (clean text; others are refused before
 * anything is sent). Every function returns 0, or another number that is told
 * with it, or -1 with err, which names the address; its kind:
 *
 *	ERR_PEER    not reached, broken, no time left, answered by 4xx or by
 *	            what is no FTP: worth another try
 *	ERR_DENIED  the login or the right to do it was refused
 *	ERR_NO      no such file, or refused with another 5xx
 *	ERR_LOCAL   no memory; a local file; and where the server's disk is
 *	            full (the text says which)
 *	ERR_USAGE   a path or name that cannot be sent
 */

#define FTP_CONNECT_MS 10000 /* name and connection; a peer that is alive */
#define FTP_IDLE_MS    30000 /* servers that check a disk are silent so long */

struct ftp_config {
	const struct ftp_url *url; /* host and port */
	const char *user;          /* by ftp_login_find */
	const char *password;      /* "" or NULL: none is known */
	int64_t connect_ms;        /* 0: FTP_CONNECT_MS */
	int64_t idle_ms;           /* 0: FTP_IDLE_MS */
	int64_t deadline_ns;       /* clock_mono_ns(); 0: none */
	/* Commands ("> ") and answers ("< "), a line each, escaped and
	 * without the password; NULL: untold. */
	void (*trace)(void *arg, const char *line);
	void *arg;
	/* Interrupted once it is set (ERR_PEER, "interrupted"); or NULL. */
	const volatile sig_atomic_t *stop;
};

struct ftp;

/* Connect and log in; what config points to is not used afterwards, but trace,
 * arg and stop are. NULL with err. */
struct ftp *ftp_open(const struct ftp_config *c, struct err *e);
/* Says goodbye, without waiting for the answer. NULL is fine. */
void ftp_close(struct ftp *f);

void ftp_set_deadline(struct ftp *f, int64_t deadline_ns);
/* As in the config; or NULL. */
void ftp_set_stop(struct ftp *f, const volatile sig_atomic_t *stop);

/* The code of the latest final answer, 0 before one. */
int ftp_code(const struct ftp *f);
/* 1: nothing can be asked over it any more, open another. */
int ftp_is_broken(const struct ftp *f);

/* 1 when the server tells that it has this: "MDTM", "REST STREAM", "UTF8",
 * "XMD5". Asks once (FEAT); a server that does not know the question has
 * none, nor has one that is broken. */
int ftp_has(struct ftp *f, const char *feature);

/* The MD5 of a file as the server works it out (XMD5); 1: it cannot. */
int ftp_md5(struct ftp *f, const char *path, uint8_t md5[16], struct err *e);

/*
 * Small things in one round trip: all of them are asked for at once, and all
 * are answered, whatever becomes of each. Most servers have one answer for "it
 * is there already", "it is not there" and "that may not be": where it is told
 * apart below with 1, that is a guess.
 */
enum ftp_verb {
	FTP_MKD,
	FTP_RMD,
	FTP_DELE,
	FTP_RENAME, /* path to `to` */
	FTP_EXISTS, /* is something there, a folder or a file */
	FTP_SIZE,
};

struct ftp_step {
	enum ftp_verb verb;
	const char *path, *to;
	/* Out. 0: done; EXISTS: it is there. 1: MKD: is there already; all
	 * others: (path) is not there. 2: the server cannot tell a SIZE. -1:
	 * refused, for a reason that is told. */
	int result;
	uint64_t size;  /* of SIZE */
	struct err why; /* whenever result is not 0 */
};

/* 0 when all were answered; -1 with err when the connection broke, or a path
 * cannot be sent, and nothing is known of the steps. */
int ftp_steps(struct ftp *f, struct ftp_step *steps, size_t n, struct err *e);

/* 0; 1: no such file; 2: the server cannot tell. */
int ftp_size(struct ftp *f, const char *path, uint64_t *size, struct err *e);
/* When it was written, microseconds since 1970; returns as ftp_size. */
int ftp_mtime(struct ftp *f, const char *path, int64_t *us, struct err *e);

/*
 * Round trips saved, for who moves many small files.
 *
 * ftp_expect: the port for the next transfer from byte 0 is asked for along
 * with the steps that come next. One that is not used is no loss.
 *
 * ftp_hurry: the next transfer alone, of a file of len bytes, is over for us
 * when these are here and the server has ended the connection for data (get),
 * or when all were sent, it had said that it begins and has closed that
 * connection (put). Then it reads commands again, and its last word is taken
 * with the answers to the next ones. If that is no 2xx, they fail as by a
 * broken connection, a full disk (ERR_LOCAL) told apart; whether they were
 * done is not known. So what is got in a hurry has to be compared, and what is
 * put, too.
 */
void ftp_expect(struct ftp *f);
void ftp_hurry(struct ftp *f, uint64_t len);

/*
 * Read a file from byte `from` on, at most max bytes; one more is ERR_NO. The
 * sink takes pieces in order and returns 0, or -1 with err, which ends it. 0
 * once all came and the server has said so; whether it is the whole file only
 * a digest tells. 1: the server cannot begin at `from`, nothing was read.
 */
int ftp_get(struct ftp *f, const char *path, uint64_t from, uint64_t max,
    int (*sink)(void *arg, const void *bytes, size_t len, struct err *e),
    void *arg, struct err *e);

/*
 * Write a file: the bytes from..len of fd (a regular file, whose own offset is
 * not used) to the places from..len of path; from 0 makes it anew. moved
 * (or NULL) is told how far it is and returns 0, or -1 with err, which ends it
 * and the connection. 0 once the server has said that all is
 * there, which only a comparison proves. 1: the server cannot begin at `from`;
 * what it has of the file is as it was.
 */
int ftp_put(struct ftp *f, const char *path, uint64_t from, int fd,
    uint64_t len, int (*moved)(void *arg, uint64_t so_far, struct err *e),
    void *arg, struct err *e);

/* A folder of more names than these is no folder of releases. */
#define FTP_NAMES_MAX (4 * 1024 * 1024) /* bytes of all names */

/*
 * The names in a folder (without what stands before a '/'), as the server
 * tells them: to be compared and, escaped, to be shown, never to be used as
 * paths. each returns 0 to go on, else ends it with 0. 1: no such folder, as
 * far as the server tells.
 */
int ftp_names(struct ftp *f, const char *dir,
    int (*each)(void *arg, const char *name), void *arg, struct err *e);

#endif
