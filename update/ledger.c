/* The ledger of a host. */

#include "update/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/text.h"
#include "base/timetext.h"
#include "crypto/sha512.h"

#define DIGITS       32                           /* of PREV */
#define BEFORE_EVENT (DIGITS + 1 + TIMETEXT_SIZE) /* and both spaces */
#define PIECE        65536                        /* read at once */

static const char first_prev[] = "00000000000000000000000000000000";

const char *
ledger_get(const struct ledger_event *ev, const char *name)
{
	size_t i;

	for (i = 0; i < ev->nfields; i++)
		if (strcmp(ev->fields[i].name, name) == 0)
			return ev->fields[i].value;
	return NULL;
}

/* --- one line --- */

static int
is_name(const char *s, const char *letters)
{
	return *s != '\0' && s[strspn(s, letters)] == '\0';
}

/* What holds for events on their way in and out, values and time apart. */
static int
is_sound(const struct ledger_event *ev)
{
	size_t i, j;

	if (!is_name(ev->event, "abcdefghijklmnopqrstuvwxyz-") ||
	    ev->nfields > LEDGER_FIELDS)
		return 0;
	for (i = 0; i < ev->nfields; i++) {
		if (!is_name(ev->fields[i].name,
			"abcdefghijklmnopqrstuvwxyz0123456789-"))
			return 0;
		for (j = 0; j < i; j++)
			if (strcmp(ev->fields[i].name, ev->fields[j].name) == 0)
				return 0;
	}
	return 1;
}

/*
 * The spelling of the character or byte at s, len > 0: its bytes in out (at
 * most 4), their number returned, what it takes of s in *used.
 */
static size_t
spell(char out[5], const char *s, size_t len, size_t *used)
{
	size_t n;

	for (n = 1; n <= 4 && n <= len; n++)
		if (s[0] != ' ' && s[0] != '%' && text_is_clean(s, n)) {
			memcpy(out, s, n);
			*used = n;
			return n;
		}
	snprintf(out, 5, "%%%02x", (unsigned)(unsigned char)s[0]);
	*used = 1;
	return 3;
}

/* Decode a value in place: 0, or -1 when it is not in the one spelling. */
static int
decode(char *value)
{
	char plain[LEDGER_LINE], spelled[5];
	const char *p = value;
	size_t n = 0, i, w, used;
	uint8_t byte;

	while (*p != '\0') {
		if (*p != '%') {
			plain[n++] = *p++;
			continue;
		}
		if (strlen(p) < 3 || hex_decode(&byte, 1, p + 1, 2) != 0 ||
		    byte == 0)
			return -1;
		plain[n++] = (char)byte;
		p += 3;
	}
	for (i = 0, p = value; i < n; i += used, p += w) {
		w = spell(spelled, plain + i, n - i, &used);
		if (strncmp(p, spelled, w) != 0)
			return -1;
	}
	if (n > 0)
		memcpy(value, plain, n);
	value[n] = '\0';
	return 0;
}

/* Cut the word at *at off; NULL when nothing is left. */
static char *
next_word(char **at)
{
	char *word = *at;
	char *space;

	if (word == NULL)
		return NULL;
	space = strchr(word, ' ');
	if (space != NULL)
		*space++ = '\0';
	*at = space;
	return word;
}

static int
parse_field(struct ledger_field *f, char *word)
{
	char *equals = strchr(word, '=');

	if (equals == NULL)
		return -1;
	*equals = '\0';
	f->name = word;
	f->value = equals + 1;
	return decode(equals + 1);
}

int
ledger_parse(struct ledger_event *ev, char *line, size_t len, const char *prev)
{
	uint8_t digest[DIGITS / 2];
	char *at, *word;

	memset(ev, 0, sizeof *ev);
	if (len >= LEDGER_LINE || len <= BEFORE_EVENT ||
	    !text_is_clean(line, len) ||
	    hex_decode(digest, sizeof digest, line, DIGITS) != 0 ||
	    line[DIGITS] != ' ' || line[BEFORE_EVENT - 1] != ' ' ||
	    timetext_parse(line + DIGITS + 1, TIMETEXT_SIZE - 1,
		&ev->time_us) != 0)
		return -1;
	line[len] = '\0';
	at = line + BEFORE_EVENT;
	ev->event = next_word(&at);
	while ((word = next_word(&at)) != NULL)
		if (ev->nfields == LEDGER_FIELDS ||
		    parse_field(&ev->fields[ev->nfields++], word) != 0)
			return -1;
	if (!is_sound(ev))
		return -1;
	return prev == NULL || memcmp(line, prev, DIGITS) == 0 ? 0 : -2;
}

/* Appends the line with its LF; 0 or -1 when ev is not an event. */
static int
format(struct buf *b, const char *prev, const struct ledger_event *ev)
{
	char time[TIMETEXT_SIZE], spelled[5];
	const char *v;
	size_t i, w, used, left;
	int64_t again;

	/* Text has no instants outside 1970 to 9999 and would move them. */
	timetext_format(ev->time_us, time);
	if (timetext_parse(time, sizeof time - 1, &again) != 0 ||
	    again != ev->time_us || !is_sound(ev))
		return -1;
	buf_printf(b, "%s %s %s", prev, time, ev->event);
	for (i = 0; i < ev->nfields; i++) {
		buf_printf(b, " %s=", ev->fields[i].name);
		v = ev->fields[i].value;
		for (left = strlen(v); left > 0; v += used, left -= used) {
			w = spell(spelled, v, left, &used);
			buf_append(b, spelled, w);
		}
	}
	buf_puts(b, "\n");
	return 0;
}

/* --- the chain --- */

struct chain {
	char prev[DIGITS + 1]; /* what the next line must carry */
	size_t lines;          /* so far */
};

static void
chain_start(struct chain *c)
{
	memcpy(c->prev, first_prev, sizeof c->prev);
	c->lines = 0;
}

/* The next line has these bytes, the LF included. */
static void
chain_add(struct chain *c, const char *line, size_t len)
{
	uint8_t digest[SHA512_SIZE];

	sha512(digest, line, len);
	hex_encode(c->prev, digest, DIGITS / 2);
	c->lines++;
}

/* ledger_parse for the next line, which has an LF at line[len]. */
static int
chain_parse(struct chain *c, struct ledger_event *ev, char *line, size_t len)
{
	struct chain next = *c;
	int r;

	chain_add(&next, line, len + 1);
	r = ledger_parse(ev, line, len, c->prev);
	if (r == 0)
		*c = next;
	return r;
}

/* What is wrong with the line after those of the chain. Returns -1. */
static int
bad_line(const struct chain *c, int result, const char *path,
    enum err_kind kind, struct err *e)
{
	if (result == -2 && c->lines > 0)
		return err_set(e, kind,
		    "%s: line %zu: does not carry the digest of line %zu: "
		    "one of them was altered",
		    path, c->lines + 1, c->lines);
	if (result == -2)
		return err_set(e, kind,
		    "%s: line 1: not the beginning of a ledger", path);
	return err_set(e, kind, "%s: line %zu: not a ledger line", path,
	    c->lines + 1);
}

int
ledger_check(const char *path, const char *text, size_t len, size_t *lines,
    struct err *e)
{
	char line[LEDGER_LINE];
	struct ledger_event ev;
	struct chain chain;
	const char *lf;
	size_t n;
	int r = 0;

	chain_start(&chain);
	for (; len > 0 && r == 0; text += n + 1, len -= n + 1) {
		lf = memchr(text, '\n', len);
		n = lf != NULL ? (size_t)(lf - text) : len;
		if (lf == NULL || n >= sizeof line) {
			r = -1;
			break;
		}
		memcpy(line, text, n + 1);
		r = chain_parse(&chain, &ev, line, n);
	}
	*lines = chain.lines;
	return r == 0 ? 0 : bad_line(&chain, r, path, ERR_NO, e);
}

/* --- the file --- */

struct ledger {
	char *path;
	int fd;
	off_t end; /* of the last good line */
	struct chain chain;
	int broken; /* what is on the disk is not known any more */
};

/* Exactly these bytes of the file: 0, or -1 with errno, which is EIO when
 * the file is shorter than it was. */
static int
read_at(int fd, char *out, size_t len, off_t at)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, out, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		out += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

static int
sync_data(int fd)
{
	int r;

	do
		r = fdatasync(fd);
	while (r != 0 && errno == EINTR);
	return r;
}

static int
cut(int fd, off_t end)
{
	int r;

	do
		r = ftruncate(fd, end);
	while (r != 0 && errno == EINTR);
	return r;
}

/*
 * Read the file from its begin: every good line to replay, l->end and the
 * chain behind the last of them. size is the file's. *torn: the number of a
 * line to be cut off behind l->end, or 0.
 */
static int
replay_all(struct ledger *l, off_t size,
    int (*replay)(void *arg, const struct ledger_event *ev, struct err *e),
    void *arg, size_t *torn, struct err *e)
{
	struct ledger_event ev;
	char *piece = malloc(PIECE);
	char *line = piece; /* where the file is at l->end */
	size_t held = 0;    /* bytes from there on */
	size_t n;
	off_t left; /* in the file, behind those */
	char *lf;
	int ret = -1, r, crashed;

	if (piece == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", l->path);
	for (;;) {
		lf = memchr(line, '\n', held);
		if (lf == NULL && held < LEDGER_LINE &&
		    l->end + (off_t)held < size) {
			memmove(piece, line, held);
			line = piece;
			left = size - l->end - (off_t)held;
			n = PIECE - held;
			if (left < (off_t)n)
				n = (size_t)left;
			if (read_at(l->fd, piece + held, n,
				l->end + (off_t)held) != 0) {
				err_errno(e, ERR_LOCAL, "%s", l->path);
				goto out;
			}
			held += n;
			continue;
		}
		if (held == 0)
			break;
		n = lf != NULL ? (size_t)(lf - line) + 1 : held;
		/* What a crash leaves has no LF yet, or zeros in it where the
		 * disk took the length and not the bytes. */
		crashed = lf == NULL || memchr(line, '\0', n) != NULL;
		r = lf != NULL ? chain_parse(&l->chain, &ev, line, n - 1) : -1;
		if (r == -1 && crashed && n <= LEDGER_LINE &&
		    l->end + (off_t)n == size) {
			*torn = l->chain.lines + 1;
			break;
		}
		if (r != 0) {
			bad_line(&l->chain, r, l->path, ERR_LOCAL, e);
			goto out;
		}
		if (replay(arg, &ev, e) != 0)
			goto out;
		line += n;
		held -= n;
		l->end += (off_t)n;
	}
	ret = 0;
out:
	free(piece);
	return ret;
}

/*
 * Open, lock and look at the file. flock(2) and not fcntl(2): a lock of
 * fcntl is the process's, so that two hosts in one process would share it,
 * and any close of the file by anyone would drop it.
 */
static int
open_locked(struct ledger *l, const char *dir, off_t *size, struct err *e)
{
	struct stat st;

	l->fd = open(l->path,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
	    0600);
	if (l->fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", l->path);
	if (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return err_set(e, ERR_LOCAL,
			    "%s: in use by another host", l->path);
		return err_errno(e, ERR_LOCAL, "%s", l->path);
	}
	if (fstat(l->fd, &st) != 0)
		return err_errno(e, ERR_LOCAL, "%s", l->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_LOCAL, "%s: not a regular file", l->path);
	*size = st.st_size;
	/* Also when the file was there: whoever made it may have been killed
	 * before its name lasted. */
	return file_sync_dir(dir, e);
}

struct ledger *
ledger_open(const char *dir,
    int (*replay)(void *arg, const struct ledger_event *ev, struct err *e),
    void *arg, size_t *torn, struct err *e)
{
	struct ledger *l = calloc(1, sizeof *l);
	off_t size = 0;

	*torn = 0;
	if (l != NULL)
		l->fd = -1;
	if (l == NULL || (l->path = file_join(dir, LEDGER_FILE)) == NULL) {
		err_set(e, ERR_LOCAL, "%s: out of memory", dir);
		goto fail;
	}
	chain_start(&l->chain);
	if (open_locked(l, dir, &size, e) != 0 ||
	    replay_all(l, size, replay, arg, torn, e) != 0)
		goto fail;
	if (*torn != 0 && (cut(l->fd, l->end) != 0 || sync_data(l->fd) != 0)) {
		err_errno(e, ERR_LOCAL, "%s", l->path);
		goto fail;
	}
	return l;

fail:
	ledger_close(l);
	return NULL;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	free(l);
}

/* Write and sync one line; what failed is taken back as far as can be. */
static int
write_line(struct ledger *l, const struct buf *b, struct err *e)
{
	if (file_write_all(l->fd, b->data, b->len) != 0) {
		err_errno(e, ERR_LOCAL, "%s", l->path);
		l->broken = cut(l->fd, l->end) != 0;
		return -1;
	}
	if (sync_data(l->fd) != 0) {
		err_errno(e, ERR_LOCAL, "%s", l->path);
		l->broken = 1;
		/* What readers see at least; broken stands in any case. */
		(void)cut(l->fd, l->end);
		return -1;
	}
	chain_add(&l->chain, (const char *)b->data, b->len);
	l->end += (off_t)b->len;
	return 0;
}

int
ledger_append(struct ledger *l, const struct ledger_event *ev, struct err *e)
{
	struct buf b = BUF_INIT;
	int ret;

	if (l->broken)
		return err_set(e, ERR_LOCAL,
		    "%s: an earlier write failed, what it holds is not known",
		    l->path);
	if (format(&b, l->chain.prev, ev) != 0)
		ret = err_set(e, ERR_LOCAL, "%s: not an event of a ledger",
		    l->path);
	else if (b.oom)
		ret = err_set(e, ERR_LOCAL, "%s: out of memory", l->path);
	else if (b.len > LEDGER_LINE)
		ret = err_set(e, ERR_LOCAL,
		    "%s: an event of more than %d bytes", l->path, LEDGER_LINE);
	else
		ret = write_line(l, &b, e);
	buf_free(&b);
	return ret;
}

/* Where the last n lines begin; -1 with errno. piece has PIECE bytes. */
static off_t
find_tail(const struct ledger *l, size_t n, char *piece)
{
	off_t at = l->end; /* of the piece */
	size_t len, i;

	/* The LF before the first of n lines is the n + 1st from the end. */
	while (at > 0) {
		len = at < PIECE ? (size_t)at : PIECE;
		at -= (off_t)len;
		if (read_at(l->fd, piece, len, at) != 0)
			return -1;
		for (i = len; i > 0; i--)
			if (piece[i - 1] == '\n' && n-- == 0)
				return at + (off_t)i;
	}
	return 0;
}

int
ledger_tail(const struct ledger *l, size_t n, struct buf *out, struct err *e)
{
	const size_t prefix = DIGITS + 1;
	const size_t before = out->len;
	size_t skip = prefix; /* what is left of PREV and its space */
	size_t len, i, take;
	char *piece = malloc(PIECE);
	const char *lf;
	int ret = -1;
	off_t at;

	if (piece == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", l->path);
	at = find_tail(l, n, piece);
	for (; at >= 0 && at < l->end; at += (off_t)len) {
		len = l->end - at < PIECE ? (size_t)(l->end - at) : PIECE;
		if (read_at(l->fd, piece, len, at) != 0) {
			at = -1;
			break;
		}
		for (i = 0; i < len; i += take) {
			if (skip > 0) {
				take = skip < len - i ? skip : len - i;
				skip -= take;
				continue;
			}
			lf = memchr(piece + i, '\n', len - i);
			take =
			    lf != NULL ? (size_t)(lf - piece) + 1 - i : len - i;
			buf_append(out, piece + i, take);
			skip = lf != NULL ? prefix : 0;
		}
	}
	if (at < 0)
		err_errno(e, ERR_LOCAL, "%s", l->path);
	else if (out->oom)
		err_set(e, ERR_LOCAL, "%s: out of memory", l->path);
	else
		ret = 0;
	if (ret != 0)
		out->len = before;
	free(piece);
	return ret;
}
