/* The control connection of an FTP client. */

#include "net/ftp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/ftp_internal.h"

#define NS_PER_MS     INT64_C(1000000)
#define STOP_POLL_MS  100 /* a signal may come just before a wait */
#define SHOWN_URL     280
#define SHOWN_REPLY   160
#define SHOWN_USER    80
#define SHOWN_COMMAND 1200 /* a path and a verb */

/* --- messages --------------------------------------------------------------
 */

/* The text with the password hidden, should somebody repeat it, escaped. */
static void
show(const struct ftp *f, const char *text, size_t len, char *out, size_t size)
{
	const char *secret = f->login.password;
	size_t secret_len = strlen(secret);
	struct buf b = BUF_INIT;
	size_t i = 0;

	while (i < len) {
		if (secret_len > 0 && len - i >= secret_len &&
		    memcmp(text + i, secret, secret_len) == 0) {
			buf_puts(&b, "...");
			i += secret_len;
		} else {
			buf_append(&b, text + i++, 1);
		}
	}
	/* Without memory, nothing is shown rather than too much. */
	text_escape(out, size, b.data, b.oom ? 0 : b.len, 0);
	buf_free(&b);
}

static void
trace(const struct ftp *f, const char *mark, const char *text, size_t len)
{
	char line[SHOWN_COMMAND + sizeof "> "];
	size_t used;

	if (f->trace == NULL)
		return;
	used = (size_t)snprintf(line, sizeof line, "%s ", mark);
	show(f, text, len, line + used, sizeof line - used);
	f->trace(f->arg, line);
}

__attribute__((format(printf, 5, 0))) static void
set_error(const struct ftp *f, enum err_kind kind, const char *path,
    struct err *e, const char *fmt, va_list ap)
{
	struct ftp_url u = f->url;
	struct buf url = BUF_INIT;
	char why[ERR_TEXT], shown[SHOWN_URL];
	const char *text;

	if (path != NULL && strlen(path) < sizeof u.path)
		memcpy(u.path, path, strlen(path) + 1);
	ftp_url_format(&url, &u);
	text = buf_text(&url);
	text_escape(shown, sizeof shown, text != NULL ? text : "ftp",
	    text != NULL ? strlen(text) : 3, 0);
	vsnprintf(why, sizeof why, fmt, ap);
	err_set(e, kind, "%s: %s", shown, why);
	buf_free(&url);
}

int
ftp_fail(const struct ftp *f, enum err_kind kind, const char *path,
    struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_error(f, kind, path, e, fmt, ap);
	va_end(ap);
	return -1;
}

int
ftp_break(struct ftp *f, const char *path, struct err *e, const char *fmt, ...)
{
	va_list ap;

	f->broken = 1;
	va_start(ap, fmt);
	set_error(f, ERR_PEER, path, e, fmt, ap);
	va_end(ap);
	return -1;
}

/* 1 when the answer's text holds one of these words, in any case. */
static int
tells(const struct ftp *f, const char *const *words)
{
	const char *text = ftp_reply_text(&f->reply);
	size_t len;

	for (; *words != NULL; words++) {
		const char *at = text;

		len = strlen(*words);
		for (; *at != '\0'; at++)
			if (strncasecmp(at, *words, len) == 0)
				return 1;
	}
	return 0;
}

/*
 * The codes leave much open: 550 is both "no such file" and "not allowed", 451
 * and 426 may be a full disk. The words of the usual servers decide, where
 * there are some.
 */
enum err_kind
ftp_refusal(const struct ftp *f)
{
	static const char *const full[] = {"no space", "disk full", "quota",
	    "error during write", "failure writing", NULL};
	static const char *const denied[] = {"permission", "denied",
	    "not allowed", "not permitted", "forbidden", "read-only", NULL};
	static const char *const missing[] = {
	    "no such file", "not found", "exist", NULL};

	/* Who only reads needs no room there. */
	if (!f->reads && (f->code == 452 || f->code == 552 || tells(f, full)))
		return ERR_LOCAL;
	if (f->code == 530 || f->code == 532 || f->code == 332)
		return ERR_DENIED;
	if (f->code < 500)
		return tells(f, denied) && f->code != 421 ? ERR_DENIED
							  : ERR_PEER;
	if (tells(f, missing))
		return ERR_NO;
	if (f->code == 553 || tells(f, denied))
		return ERR_DENIED;
	return ERR_NO;
}

int
ftp_refused(struct ftp *f, const char *path, const char *what, struct err *e)
{
	enum err_kind kind = ftp_refusal(f);
	const char *text = ftp_reply_text(&f->reply);
	char shown[SHOWN_REPLY];

	show(f, text, strlen(text), shown, sizeof shown);
	return ftp_fail(f, kind, path, e, "%s%s (%d%s%s)", what,
	    kind == ERR_LOCAL ? ": the server's disk is full" : "", f->code,
	    shown[0] != '\0' ? " " : "", shown);
}

/* --- waiting ---------------------------------------------------------------
 */

static int64_t
earlier(int64_t a, int64_t b)
{
	return b != 0 && b < a ? b : a;
}

int
ftp_wait(struct ftp *f, struct pollfd *fds, nfds_t n, int64_t until_ns,
    const char *path, struct err *e)
{
	int64_t idle_at = f->heard_ns + f->idle_ns;
	int64_t end = earlier(earlier(idle_at, f->deadline_ns), until_ns);
	int64_t now, ms;
	int r;

	for (;;) {
		if (f->stop != NULL && *f->stop)
			return ftp_break(f, path, e, "interrupted");
		now = clock_mono_ns();
		/* Before looking: what drips is always ready. */
		if (f->deadline_ns != 0 && now >= f->deadline_ns)
			return ftp_break(f, path, e,
			    "not done in the time that was given");
		if (now >= end)
			ms = 0;
		else
			ms = (end - now + NS_PER_MS - 1) / NS_PER_MS;
		if (f->stop != NULL && ms > STOP_POLL_MS)
			ms = STOP_POLL_MS;
		r = poll(fds, n, ms > 60000 ? 60000 : (int)ms);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return ftp_break(f, path, e, "poll: %s",
			    strerror(errno));
		if (clock_mono_ns() < end)
			continue;
		if (end == f->deadline_ns)
			return ftp_break(f, path, e,
			    "not done in the time that was given");
		if (end == until_ns)
			return ftp_break(f, path, e,
			    "no connection after %.3g s",
			    (double)f->connect_ns / 1e9);
		return ftp_break(f, path, e, "nothing came for %.3g s",
		    (double)f->idle_ns / 1e9);
	}
}

/* --- answers ---------------------------------------------------------------
 */

/* Read what is there: 1 some, 0 nothing now, -1 with err. */
static int
fill(struct ftp *f, const char *path, struct err *e)
{
	ssize_t n;

	do
		n = recv(f->fd, f->in, sizeof f->in, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0)
		return ftp_break(f, path, e, "%s", strerror(errno));
	if (n == 0)
		return ftp_break(f, path, e,
		    "the server closed the connection");
	f->in_at = 0;
	f->in_len = (size_t)n;
	f->heard_ns = clock_mono_ns();
	return 1;
}

/* The last word of a transfer that was done in a hurry. 0, or -1 with err: who
 * did not wait for it went on as if all were well. */
static int
end_tail(struct ftp *f, const char *path, struct err *e)
{
	enum err_kind kind;

	if (f->code / 100 == 2 && f->reply.code >= 200) {
		f->tail = 0;
		return 0;
	}
	f->broken = 1;
	if (f->reply.code < 200)
		return ftp_fail(f, ERR_PEER, path, e,
		    "the server begins twice (%d)", f->reply.code);
	kind = ftp_refusal(f);
	ftp_refused(f, path, "the transfer before was not done", e);
	/* Whatever it is: waiting for the word, next time, tells. */
	if (e != NULL && kind != ERR_LOCAL)
		e->kind = ERR_PEER;
	return -1;
}

/* A whole answer is in f->reply. Its code, or -1 with err. */
static int
take(struct ftp *f, const char *path, struct err *e)
{
	const char *text = f->reply.text;

	trace(f, "<", text, f->reply.len);
	if (f->reply.code >= 200) {
		f->owed--;
		f->code = f->reply.code;
	}
	if (f->reply.code == 421) {
		f->broken = 1;
		return ftp_refused(f, path, "the server hangs up", e);
	}
	return f->reply.code;
}

static int
answer_now(struct ftp *f, const char *path, struct err *e)
{
	enum ftp_reply_result r = FTP_REPLY_MORE;
	size_t used;
	int got;

	if (f->reply.state != FTP_REPLY_MORE)
		ftp_reply_init(&f->reply);
	while (r == FTP_REPLY_MORE) {
		if (f->in_at == f->in_len) {
			got = fill(f, path, e);
			if (got <= 0)
				return got;
		}
		r = ftp_reply_feed(&f->reply, f->in + f->in_at,
		    f->in_len - f->in_at, &used);
		f->in_at += used;
	}
	if (r != FTP_REPLY_DONE)
		return ftp_break(f, path, e, "%s", ftp_reply_strerror(r));
	return take(f, path, e);
}

int
ftp_answer_now(struct ftp *f, const char *path, struct err *e)
{
	int code = answer_now(f, path, e);

	if (code <= 0 || !f->tail)
		return code;
	return end_tail(f, path, e) != 0 ? -1 : answer_now(f, path, e);
}

int
ftp_answer_any(struct ftp *f, const char *path, struct err *e)
{
	struct pollfd p = {f->fd, POLLIN, 0};
	int code;

	for (;;) {
		code = ftp_answer_now(f, path, e);
		if (code != 0)
			return code;
		if (ftp_wait(f, &p, 1, 0, path, e) != 0)
			return -1;
	}
}

int
ftp_answer(struct ftp *f, const char *path, struct err *e)
{
	int code = ftp_answer_any(f, path, e);

	if (code > 0 && code < 200)
		return ftp_break(f, path, e,
		    "the server answers %d, which does not belong here", code);
	return code;
}

/* --- commands --------------------------------------------------------------
 */

void
ftp_batch_add(struct ftp_batch *b, const char *verb, const char *arg)
{
	size_t room = sizeof b->text - b->len;
	int n;

	if (arg != NULL && !ftp_can_send(arg)) {
		b->bad = 1;
		return;
	}
	n = snprintf(b->text + b->len, room, "%s%s%s\r\n", verb,
	    arg != NULL ? " " : "", arg != NULL ? arg : "");
	if (n < 0 || (size_t)n >= room || b->n == FTP_COMMANDS) {
		b->bad = 1;
		return;
	}
	b->len += (size_t)n;
	b->n++;
}

static void
trace_commands(const struct ftp *f, const char *text)
{
	static const char pass[] = "PASS ";
	const char *end;

	for (; *text != '\0'; text = end + 2) {
		end = strstr(text, "\r\n");
		if (strncmp(text, pass, sizeof pass - 1) == 0)
			trace(f, ">", "PASS", sizeof pass - 2);
		else
			trace(f, ">", text, (size_t)(end - text));
	}
}

/* 0 when no byte of an answer is there that nothing was asked for. */
static int
check_in_step(struct ftp *f, const char *path, struct err *e)
{
	uint8_t byte;
	ssize_t n;

	if (f->tail) {
		/* It may be here by now, and more with it. */
		n = answer_now(f, path, e);
		if (n <= 0)
			return (int)n;
		if (end_tail(f, path, e) != 0)
			return -1;
	}
	if (f->in_at == f->in_len && f->owed == 0 &&
	    f->reply.state == FTP_REPLY_DONE) {
		n = recv(f->fd, &byte, 1, MSG_PEEK);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n == 0)
			return ftp_break(f, path, e,
			    "the server closed the connection");
		if (n < 0)
			return ftp_break(f, path, e, "%s", strerror(errno));
		/* A last word before it hangs up is no lie. */
		if (ftp_answer_now(f, path, e) < 0)
			return -1;
	}
	return ftp_break(f, path, e, "the server answers what was not asked");
}

int
ftp_send(struct ftp *f, const struct ftp_batch *b, const char *path,
    struct err *e)
{
	struct pollfd p = {f->fd, POLLOUT, 0};
	size_t sent = 0;
	ssize_t n;

	if (b->bad)
		return ftp_fail(f, ERR_USAGE, path, e,
		    "too long a name, or with bytes that cannot be sent");
	if (f->broken)
		return ftp_break(f, path, e, "the connection is broken");
	if (check_in_step(f, path, e) != 0)
		return -1;
	trace_commands(f, b->text);
	f->heard_ns = clock_mono_ns();
	while (sent < b->len) {
		n = send(f->fd, b->text + sent, b->len - sent, MSG_NOSIGNAL);
		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (ftp_wait(f, &p, 1, 0, path, e) != 0)
				return -1;
		} else if (errno != EINTR) {
			return ftp_break(f, path, e, "%s", strerror(errno));
		}
	}
	f->owed += b->n;
	return 0;
}

int
ftp_ask(struct ftp *f, const char *verb, const char *arg, const char *path,
    struct err *e)
{
	struct ftp_batch b = {{0}, 0, 0, 0};

	ftp_batch_add(&b, verb, arg);
	if (ftp_send(f, &b, path, e) != 0)
		return -1;
	return ftp_answer(f, path, e);
}

/* --- a port for data -------------------------------------------------------
 */

void
ftp_port_ask(const struct ftp *f, struct ftp_batch *b)
{
	ftp_batch_add(b, f->pasv ? "PASV" : "EPSV", NULL);
}

int
ftp_port_take(struct ftp *f, const char *path, struct err *e)
{
	const char *text;
	int code = ftp_answer(f, path, e);

	f->port = 0;
	if (code < 0)
		return -1;
	if (f->pasv ? code != 227 : code != 229)
		return f->pasv || code < 500
			   ? ftp_refused(f, path, "no port for data", e)
			   : 0;
	text = ftp_reply_text(&f->reply);
	if ((f->pasv ? ftp_reply_pasv(text, &f->port)
		     : ftp_reply_epsv(text, &f->port)) != 0)
		return ftp_break(f, path, e,
		    "the server tells no port for data (%d)", code);
	f->port_ns = clock_mono_ns();
	return 0;
}

void
ftp_expect(struct ftp *f)
{
	f->expect = 1;
}

void
ftp_hurry(struct ftp *f, uint64_t len)
{
	f->hurry = 1;
	f->hurry_len = len;
}

/* --- features --------------------------------------------------------------
 */

static int
ask_features(struct ftp *f, struct err *e)
{
	int code;

	if (f->asked_feat)
		return 0;
	code = ftp_ask(f, "FEAT", NULL, NULL, e);
	if (code < 0)
		return -1;
	f->asked_feat = 1;
	if (code != 211)
		return 0;
	f->features = malloc(sizeof *f->features);
	if (f->features == NULL)
		return ftp_fail(f, ERR_LOCAL, NULL, e, "out of memory");
	*f->features = f->reply;
	return 0;
}

int
ftp_has(struct ftp *f, const char *feature)
{
	if (ask_features(f, NULL) != 0 || f->features == NULL)
		return 0;
	return ftp_reply_feature(f->features, feature);
}

static int
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((uint8_t)*s >= 0x80)
			return 0;
	return 1;
}

int
ftp_prepare(struct ftp *f, const char *path, struct err *e)
{
	if (!text_is_clean(path, strlen(path)) || strlen(path) > FTP_PATH_MAX)
		return ftp_fail(f, ERR_USAGE, NULL, e,
		    "a name that cannot be sent");
	if (f->utf8 || is_ascii(path))
		return 0;
	if (ask_features(f, e) != 0)
		return -1;
	/* Not every server that has it waits to be told, and some refuse to
	 * be: the answer does not matter. */
	if (f->features != NULL && ftp_reply_feature(f->features, "UTF8") &&
	    ftp_ask(f, "OPTS", "UTF8 ON", path, e) < 0)
		return -1;
	f->utf8 = 1;
	return 0;
}

/* --- begin and end ---------------------------------------------------------
 */

static int
look_up(struct ftp *f, struct sock_resolve *r, int64_t until, struct err *e)
{
	struct pollfd p;
	struct err why;

	if (sock_resolve_start(r, f->url.host, f->url.port, &why) != 0)
		return ftp_fail(f, why.kind, NULL, e, "%s", why.text);
	p.fd = r->fd;
	p.events = POLLIN;
	if (r->fd >= 0 && ftp_wait(f, &p, 1, until, NULL, e) != 0)
		return -1;
	if (sock_resolve_finish(r, &why) != 0)
		return ftp_fail(f, why.kind, NULL, e, "%s", why.text);
	return 0;
}

/* One address. 0, or -1 with err. */
static int
connect_to(struct ftp *f, const struct sock_addr *a, int64_t until,
    struct err *e)
{
	struct pollfd p = {-1, POLLOUT, 0};

	f->broken = 0;
	f->fd = sock_connect(a);
	if (f->fd < 0)
		return ftp_break(f, NULL, e, "%s", strerror(errno));
	p.fd = f->fd;
	f->heard_ns = clock_mono_ns();
	if (ftp_wait(f, &p, 1, until, NULL, e) == 0) {
		if (sock_connected(f->fd) == 0) {
			f->peer = *a;
			return 0;
		}
		ftp_break(f, NULL, e, "%s", strerror(errno));
	}
	close(f->fd);
	f->fd = -1;
	return -1;
}

static int
connect_any(struct ftp *f, struct err *e)
{
	int64_t start = clock_mono_ns(), until = start + f->connect_ns, now;
	struct sock_resolve r;
	size_t i;
	int ret = -1;

	memset(&r, 0, sizeof r);
	r.fd = -1;
	f->heard_ns = start;
	if (look_up(f, &r, until, e) != 0)
		goto out;
	for (i = 0; i < r.n && ret != 0; i++) {
		now = clock_mono_ns();
		/* One that is dead must not take the time of all. */
		ret = connect_to(f, &r.addrs[i],
		    i + 1 < r.n ? now + (until - now) / 2 : until, e);
		if (f->stop != NULL && *f->stop)
			break;
	}
out:
	sock_resolve_cancel(&r);
	return ret;
}

static int
greet(struct ftp *f, struct err *e)
{
	int code;

	f->heard_ns = clock_mono_ns();
	f->owed = 1;
	code = ftp_answer_any(f, NULL, e);
	/* Ready in some minutes, says 120; once is enough. */
	if (code == 120)
		code = ftp_answer_any(f, NULL, e);
	if (code < 0)
		return -1;
	if (code == 220)
		return 0;
	f->code = code;
	ftp_refused(f, NULL, "the server takes no logins", e);
	if (e != NULL)
		e->kind = ERR_PEER;
	return -1;
}

static int
log_in(struct ftp *f, struct err *e)
{
	int code = ftp_ask(f, "USER", f->login.user, NULL, e);
	char user[SHOWN_USER], what[SHOWN_USER + 32];

	if (code == 331) {
		if (f->login.password[0] == '\0')
			return ftp_fail(f, ERR_DENIED, NULL, e,
			    "no password is known for this user: put it into"
			    " ~/.netrc or HOTFIX_FTP_PASSWORD");
		code = ftp_ask(f, "PASS", f->login.password, NULL, e);
	}
	if (code < 0)
		return -1;
	if (code == 230 || code == 202)
		return 0;
	/* A user that nobody named is whom ~/.netrc has, or anonymous: on
	 * another machine, or for another user of it, somebody else. */
	show(f, f->login.user, strlen(f->login.user), user, sizeof user);
	snprintf(what, sizeof what, "the login as %s was refused", user);
	ftp_refused(f, NULL, what, e);
	/* Whatever else a 5xx says: who asks again gets the same. */
	if (e != NULL && code >= 500)
		e->kind = ERR_DENIED;
	return -1;
}

static struct ftp *
new_ftp(const struct ftp_config *c)
{
	struct ftp *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->fd = -1;
	f->url = *c->url;
	f->url.path[0] = '\0';
	f->connect_ns =
	    (c->connect_ms > 0 ? c->connect_ms : FTP_CONNECT_MS) * NS_PER_MS;
	f->idle_ns = (c->idle_ms > 0 ? c->idle_ms : FTP_IDLE_MS) * NS_PER_MS;
	f->deadline_ns = c->deadline_ns;
	f->trace = c->trace;
	f->arg = c->arg;
	f->stop = c->stop;
	ftp_reply_init(&f->reply);
	return f;
}

/* 0, or -1: one of them is too long. */
static int
set_login(struct ftp *f, const struct ftp_config *c)
{
	const char *password = c->password != NULL ? c->password : "";

	if (strlen(c->user) > FTP_USER_MAX ||
	    strlen(password) > FTP_PASSWORD_MAX)
		return -1;
	memcpy(f->login.user, c->user, strlen(c->user) + 1);
	memcpy(f->login.password, password, strlen(password) + 1);
	return 0;
}

struct ftp *
ftp_open(const struct ftp_config *c, struct err *e)
{
	struct ftp *f = new_ftp(c);

	if (f == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	if (set_login(f, c) != 0) {
		ftp_fail(f, ERR_USAGE, NULL, e,
		    "the user or the password is too long");
		goto fail;
	}
	if (connect_any(f, e) == 0 && greet(f, e) == 0 && log_in(f, e) == 0)
		return f;
fail:
	f->broken = 1;
	ftp_close(f);
	return NULL;
}

void
ftp_close(struct ftp *f)
{
	static const char quit[] = "QUIT\r\n";

	if (f == NULL)
		return;
	/* All that counts is known by now. What does not go out at once, or
	 * is never answered, is nobody's loss. */
	if (f->fd >= 0 && !f->broken &&
	    send(f->fd, quit, sizeof quit - 1, MSG_NOSIGNAL) > 0)
		trace(f, ">", "QUIT", 4);
	if (f->fd >= 0)
		close(f->fd);
	free(f->features);
	free(f);
}

void
ftp_set_deadline(struct ftp *f, int64_t deadline_ns)
{
	f->deadline_ns = deadline_ns;
}

void
ftp_set_stop(struct ftp *f, const volatile sig_atomic_t *stop)
{
	f->stop = stop;
}

int
ftp_code(const struct ftp *f)
{
	return f->code;
}

int
ftp_is_broken(const struct ftp *f)
{
	return f->broken;
}
