#ifndef NET_FTP_REPLY_H
#define NET_FTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Answers of an FTP server (RFC 959 4.2), pure: bytes in, one answer out. A
 * line ends with LF, before which one CR is dropped. An answer is a line "NNN
 * text", or all lines from "NNN-text" to the next one that begins with "NNN "
 * of the same code; a line in between that begins as the answer of another code
 * would is no answer and no text, but an error: two readings are an attack.
 */

#define FTP_LINE_MAX    4096 /* without its end */
#define FTP_REPLY_MAX   65536
#define FTP_REPLY_LINES 200

enum ftp_reply_result {
	FTP_REPLY_MORE = 0,
	FTP_REPLY_DONE = 1,
	FTP_REPLY_LONG = -1,  /* a line, or all of it, past the bounds */
	FTP_REPLY_CODE = -2,  /* no code of 100 to 599 in front */
	FTP_REPLY_NUL = -3,   /* a NUL in it */
	FTP_REPLY_MIXED = -4, /* another answer inside of one */
};

struct ftp_reply {
	int code;                     /* of a whole answer */
	char text[FTP_REPLY_MAX + 1]; /* its lines, parted by LF, and a NUL */
	size_t len;
	size_t line; /* where the last line begins in text */
	size_t lines;
	int multi;
	enum ftp_reply_result state;
};

void ftp_reply_init(struct ftp_reply *r);

/* Take bytes up to the end of an answer; *used is how many. After
 * FTP_REPLY_DONE, or an error, begin with ftp_reply_init again. */
enum ftp_reply_result ftp_reply_feed(struct ftp_reply *r, const uint8_t *bytes,
    size_t len, size_t *used);

/* What stands behind the code in the last line of a whole answer. */
const char *ftp_reply_text(const struct ftp_reply *r);

/* In words, for messages. */
const char *ftp_reply_strerror(enum ftp_reply_result r);

/*
 * What answers tell, from ftp_reply_text. 0 or -1.
 */

/* 227: six numbers of 0 to 255, in brackets or not. Only the port is taken, of
 * 1024 at least: the address is no business of the server. */
int ftp_reply_pasv(const char *text, uint16_t *port);
/* 229 (RFC 2428 3): "(<d><d><d>PORT<d>)", d any of the bytes 33 to 126, PORT
 * from 1024; an address in there is refused. */
int ftp_reply_epsv(const char *text, uint16_t *port);
/* 213 to SIZE and to MDTM (RFC 3659 2.3, 4): microseconds since 1970. */
int ftp_reply_size(const char *text, uint64_t *size);
int ftp_reply_mtime(const char *text, int64_t *us);
/* To XMD5: the one run of exactly 32 hex digits in it. */
int ftp_reply_md5(const char *text, uint8_t md5[16]);
/* 211 to FEAT (RFC 2389 3.2), all lines: 1 when one tells this feature, alone
 * or with more words behind it; case does not matter. */
int ftp_reply_feature(const struct ftp_reply *r, const char *feature);

#endif
