/* What an FTP server does with names: folders, renaming, sizes and times. */

#include "net/ftp.h"

#include <stdio.h>
#include <string.h>

#include "net/ftp_internal.h"

/* --- several at once -------------------------------------------------------
 */

/* The most that one step takes of a batch. */
#define STEP_BYTES    (2 * (FTP_PATH_MAX + (int)sizeof "RNFR \r\n"))
#define STEP_COMMANDS 2
#define PORT_BYTES    ((int)sizeof "EPSV\r\n")

/*
 * What can be renamed is there: no other command tells it of folders and files
 * alike. Some servers take nothing but RNTO behind RNFR, others remember the
 * name until then, so it is renamed: to itself, which changes nothing.
 */
static const char *
target(const struct ftp_step *s)
{
	return s->verb == FTP_EXISTS ? s->path : s->to;
}

static int
renames(const struct ftp_step *s)
{
	return s->verb == FTP_RENAME || s->verb == FTP_EXISTS;
}

static void
add_step(struct ftp_batch *b, const struct ftp_step *s)
{
	switch (s->verb) {
	case FTP_MKD:
		ftp_batch_add(b, "MKD", s->path);
		break;
	case FTP_RMD:
		ftp_batch_add(b, "RMD", s->path);
		break;
	case FTP_DELE:
		ftp_batch_add(b, "DELE", s->path);
		break;
	case FTP_RENAME:
	case FTP_EXISTS:
		/* Without a name to be renamed RNTO does nothing but fail. */
		ftp_batch_add(b, "RNFR", s->path);
		ftp_batch_add(b, "RNTO", target(s));
		break;
	case FTP_SIZE:
		ftp_batch_add(b, "SIZE", s->path);
		break;
	}
}

static const char *
not_done(enum ftp_verb verb)
{
	switch (verb) {
	case FTP_MKD:
		return "the folder cannot be made";
	case FTP_RMD:
	case FTP_DELE:
		return "it cannot be removed";
	case FTP_RENAME:
		return "it cannot be renamed";
	case FTP_EXISTS:
	case FTP_SIZE:
		break;
	}
	return "nothing is told about it";
}

static int
is_unknown(int code)
{
	return code == 500 || code == 501 || code == 502 || code == 504;
}

/* The latest answer is no, to this step. */
static void
refuse(struct ftp *f, struct ftp_step *s, const char *path)
{
	ftp_refused(f, path, not_done(s->verb), &s->why);
	if (s->verb == FTP_SIZE && is_unknown(f->code))
		s->result = 2;
	else if (s->why.kind == ERR_NO && !is_unknown(f->code))
		s->result = 1;
	else
		s->result = -1;
}

/* What RNTO was answered. */
static void
judge_renamed(struct ftp *f, struct ftp_step *s)
{
	f->named = f->code / 100 != 2;
	/* It was there, whether or not it may be renamed. */
	if (s->verb == FTP_EXISTS || !f->named)
		return;
	refuse(f, s, s->to);
	s->result = -1;
}

/* Take the answers to one step. 0, or -1 with err (broken). */
static int
answer_step(struct ftp *f, struct ftp_step *s, struct err *e)
{
	int code = ftp_answer(f, s->path, e);
	int wanted = s->verb == FTP_SIZE ? code == 213
		     : renames(s)        ? code == 350
					 : code / 100 == 2;

	if (code < 0)
		return -1;
	s->result = 0;
	if (!wanted)
		refuse(f, s, s->path);
	else if (s->verb == FTP_SIZE &&
		 ftp_reply_size(ftp_reply_text(&f->reply), &s->size) != 0) {
		refuse(f, s, s->path);
		s->result = 2;
	}
	if (!renames(s))
		return 0;
	if (ftp_answer(f, s->path, e) < 0)
		return -1;
	if (wanted)
		judge_renamed(f, s);
	return 0;
}

/* When another name may be left over: were RNTO on its way already when RNFR
 * is refused, that other one would be renamed. 0, or -1 with err. */
static int
rename_slowly(struct ftp *f, struct ftp_step *s, struct err *e)
{
	int code = ftp_ask(f, "RNFR", s->path, s->path, e);

	if (code < 0)
		return -1;
	s->result = 0;
	if (code != 350) {
		refuse(f, s, s->path);
		return 0;
	}
	if (ftp_ask(f, "RNTO", target(s), s->path, e) < 0)
		return -1;
	judge_renamed(f, s);
	return 0;
}

/* As many from the front as go into one write; how many, or -1 with err. */
static long
some_steps(struct ftp *f, struct ftp_step *steps, size_t n, struct err *e)
{
	struct ftp_batch b = {{0}, 0, 0, 0};
	int port = f->expect, type = port && !f->binary, code;
	size_t i, used = 0;

	if (f->named && renames(&steps[0]))
		return rename_slowly(f, &steps[0], e) != 0 ? -1 : 1;
	for (i = 0; i < n && !f->binary; i++)
		type |= steps[i].verb == FTP_SIZE;
	/* A size is one of a type; of text, servers do not tell it. A port
	 * comes last, for it is meant for the command behind it, which finds
	 * the type set. */
	if (type)
		ftp_batch_add(&b, "TYPE", "I");
	while (used < n && sizeof b.text - b.len > STEP_BYTES &&
	       b.n + STEP_COMMANDS <= FTP_COMMANDS &&
	       !(f->named && renames(&steps[used])))
		add_step(&b, &steps[used++]);
	port = port && used == n && sizeof b.text - b.len > PORT_BYTES &&
	       b.n < FTP_COMMANDS;
	if (port) {
		f->expect = 0;
		ftp_port_ask(f, &b);
	}
	if (ftp_send(f, &b, steps[0].path, e) != 0)
		return -1;
	if (type) {
		code = ftp_answer(f, steps[0].path, e);
		if (code < 0)
			return -1;
		f->binary = code / 100 == 2;
	}
	for (i = 0; i < used; i++)
		if (answer_step(f, &steps[i], e) != 0)
			return -1;
	/* One that is refused is asked for once more, and then tells why. */
	if (port && ftp_port_take(f, steps[0].path, e) != 0 && f->broken)
		return -1;
	if (!f->binary)
		f->port = 0;
	return (long)used;
}

int
ftp_steps(struct ftp *f, struct ftp_step *steps, size_t n, struct err *e)
{
	size_t i;
	long done;

	for (i = 0; i < n; i++)
		if (ftp_prepare(f, steps[i].path, e) != 0 ||
		    (steps[i].verb == FTP_RENAME &&
			ftp_prepare(f, steps[i].to, e) != 0))
			return -1;
	while (n > 0) {
		done = some_steps(f, steps, n, e);
		if (done < 0)
			return -1;
		steps += done;
		n -= (size_t)done;
	}
	return 0;
}

/* --- one by one ------------------------------------------------------------
 */

int
ftp_size(struct ftp *f, const char *path, uint64_t *size, struct err *e)
{
	struct ftp_step s = {.verb = FTP_SIZE, .path = path};

	if (ftp_steps(f, &s, 1, e) != 0)
		return -1;
	if (s.result == 0)
		*size = s.size;
	if (s.result < 0 && e != NULL)
		*e = s.why;
	return s.result;
}

int
ftp_mtime(struct ftp *f, const char *path, int64_t *us, struct err *e)
{
	int code;

	if (ftp_prepare(f, path, e) != 0)
		return -1;
	code = ftp_ask(f, "MDTM", path, path, e);
	if (code < 0)
		return -1;
	if (code == 213)
		return ftp_reply_mtime(ftp_reply_text(&f->reply), us) == 0 ? 0
									   : 2;
	ftp_refused(f, path, not_done(FTP_SIZE), e);
	if (is_unknown(code))
		return 2;
	return code == 550 && ftp_refusal(f) == ERR_NO ? 1 : -1;
}

int
ftp_md5(struct ftp *f, const char *path, uint8_t md5[16], struct err *e)
{
	int code;

	if (ftp_prepare(f, path, e) != 0)
		return -1;
	if (!ftp_has(f, "XMD5"))
		return f->broken
			   ? ftp_break(f, path, e, "the connection is broken")
			   : 1;
	code = ftp_ask(f, "XMD5", path, path, e);
	if (code < 0)
		return -1;
	if (code / 100 == 2)
		return ftp_reply_md5(ftp_reply_text(&f->reply), md5) == 0 ? 0
									  : 1;
	if (is_unknown(code))
		return 1;
	return ftp_refused(f, path, "no MD5 of it", e);
}
