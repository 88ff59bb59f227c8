#ifndef NET_FTP_URL_H
#define NET_FTP_URL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/sock.h"

/*
 * Addresses of files and folders on FTP servers (RFC 1738 3.2), pure:
 *
 *	ftp://[USER@]HOST[:PORT]/PATH[;type=i]
 *
 * USER and PATH may hold %XX; what they decode to is clean text
 * (base/text.h), so that no byte of it can end a command (RFC 959 5.3) or
 * speak to Telnet. A password is refused: addresses are shown and logged.
 * PATH is relative to the folder that a login begins in; "%2F" at its front
 * makes it absolute, and stands nowhere else. It has no empty part, no "." and
 * no "..".
 */

#define FTP_PORT      21
#define FTP_USER_MAX  128  /* bytes, no NUL */
#define FTP_PATH_MAX  1023 /* a longer command no server takes */
#define FTP_TYPE_MARK ";type="

struct ftp_url {
	char user[FTP_USER_MAX + 1];  /* empty: not told */
	char host[SOCK_NAME_MAX + 1]; /* without brackets */
	uint16_t port;
	/* As the server is told it: "a/b", "/a/b", "/"; "" is the folder of
	 * the login. No '/' at the end, but for the root. */
	char path[FTP_PATH_MAX + 1];
};

/* 0, or -1 (ERR_USAGE; neither a password nor anything before it is shown). */
int ftp_url_parse(struct ftp_url *out, const char *url, struct err *e);

/* Append the address again, without the user, escaped as far as is needed:
 * what documents and messages show. 0, or -1 when memory ran out. */
int ftp_url_format(struct buf *out, const struct ftp_url *u);

/* 1 when it can be a part of a command: no byte below 32, no 127, no 255. */
int ftp_can_send(const char *text);

/* 1 when the text begins with "ftp://". */
int ftp_url_is(const char *text);

/* The last part of the path; "" where there is none. */
const char *ftp_url_name(const struct ftp_url *u);

#endif
