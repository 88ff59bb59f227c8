/* Programs that run on. */

/* setgroups is in no standard; the user below must not keep root's groups. */
#define _DEFAULT_SOURCE

#include "cmd/run.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "cmd/options.h"
#include "cmd/signals.h"
#include "cmd/verbs.h"
#include "lua-host/package_fetch.h"

int
run_check_told(const struct say *s, const char *option, const char *text,
    size_t max, const char *without)
{
	size_t len = text != NULL ? strlen(text) : 0;

	if (text == NULL ||
	    (len >= 1 && len <= max && text_is_clean(text, len) &&
		strpbrk(text, without) == NULL))
		return 0;
	return options_complain(s, "%s: not 1 to %zu bytes of clean text%s%s%s",
	    option, max, *without != '\0' ? " without '" : "", without,
	    *without != '\0' ? "'" : "");
}

int
run_check_fetch(const struct say *s, const struct run_fetch *f,
    int64_t *timeout_ms, unsigned *tries)
{
	uint64_t n = 0;

	if (f->timeout_ms == 0 || f->timeout_ms > PACKAGE_TIMEOUT_MAX_MS)
		return options_complain(s, "--fetch-timeout: not 1ms to 24h");
	if (f->tries != NULL && (num_parse(f->tries, strlen(f->tries),
				     PACKAGE_TRIES_MAX, &n) != NUM_OK ||
				    n == 0))
		return options_complain(s, "--fetch-tries: not 1 to %d",
		    PACKAGE_TRIES_MAX);
	*timeout_ms = f->timeout_ms > 0 ? f->timeout_ms : 0;
	*tries = (unsigned)n;
	return 0;
}

int
run_as_user(const char *name, struct err *e)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL && errno != 0)
		return err_errno(e, ERR_LOCAL, "--user");
	if (pw == NULL)
		return err_set(e, ERR_LOCAL, "--user: there is no such user");
	if (geteuid() != 0 && geteuid() == pw->pw_uid)
		return 0;
	if (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0)
		return err_errno(e, ERR_LOCAL, "--user");
	/* Root that can be had back was not given up. */
	if (pw->pw_uid != 0 && (setuid(0) == 0 || setgid(0) == 0))
		return err_set(e, ERR_LOCAL, "--user: root was not given up");
	return 0;
}

void
run_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int
run_complain(const struct say *s, const struct hotfix_error *e)
{
	say_error(s, "%s", e->text);
	return e->status;
}

void
run_log(void *arg, const char *line)
{
	const struct say *s = arg;

	if (!s->quiet)
		fprintf(stderr, "%s\n", line);
}

static void
on_signal(void *arg)
{
	struct run_signals *r = arg;
	int sig = signals_take(r->fd);

	if (sig != 0)
		r->signal = sig;
}

int
run_signals_open(struct run_signals *r, struct hotfix_loop *l,
    struct hotfix_error *e)
{
	struct err err;

	r->signal = 0;
	r->fd = signals_open(&err);
	if (r->fd >= 0)
		return hotfix_loop_read(l, r->fd, on_signal, r, e);
	e->status = (int)err.kind;
	snprintf(e->text, sizeof e->text, "%s", err.text);
	return -1;
}

int
run_signal_status(int sig)
{
	return sig == SIGINT ? EXIT_INTERRUPTED : 0;
}
