/*
 * The rehearsal of an update in a forked child.
 *
 * The child's answer is a head of HEAD bytes (result, length of the text,
 * where its own lines begin; lengths with the high byte first) and the text.
 * The child may have run anything, so the parent believes no byte of it
 * unseen, and no end but that of the pipe.
 */

#include "lua-host/rehearse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lua.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/text.h"

#define HEAD        5
#define MESSAGE_MAX (HEAD + ENGINE_REPORT_MAX)

/* Descriptors that are looked at where /proc does not list them: more than
 * any host has connections, and still a fraction of a second. The limit of
 * the process would not do, it may have been lowered. */
#define DESCRIPTORS_MAX (1 << 20)

/* A parent that was killed kills nobody: then the child ends by itself, this
 * much later than it would have. */
#define ALARM_SPARE_S 2

#define MS_NS INT64_C(1000000)
#define S_NS  INT64_C(1000000000)

struct rehearsal {
	struct loop *loop; /* NULL: the caller waits */
	struct loop_io io;
	struct loop_timer timer;
	struct state *state;
	struct rehearse_limits limits;
	enum engine_result (*body)(void *arg, struct engine_report *report);
	void *arg;
	void (*done)(void *done_arg, const struct rehearse_answer *answer);
	void *done_arg;
	int collector_ran;
	pid_t pid;
	int fd; /* the end we read */
	int late;
	int64_t start_ns, stall_ns;
	size_t got;
	uint8_t bytes[MESSAGE_MAX + 1]; /* one more would be too many */
};

/* --- the child: what it leaves behind ------------------------------------- */

static void
redirect(int fd, int nowhere, int keep)
{
	if (fd == keep || fd == nowhere || dup2(nowhere, fd) >= 0)
		return;
	/* A limit that was lowered leaves numbers that can only be closed.
	 * What stays within reach is the live process's own. */
	if (close(fd) != 0)
		_exit(1);
}

/* Sockets would be kept open, locks held, files read from. The numbers stay
 * taken, so nothing that is opened later is mistaken for an old one. */
static void
redirect_all(int nowhere, int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	uint64_t fd;
	int i;

	if (dir != NULL) {
		while ((d = readdir(dir)) != NULL)
			if (num_parse(d->d_name, strlen(d->d_name), INT32_MAX,
				&fd) == NUM_OK &&
			    (int)fd != dirfd(dir))
				redirect((int)fd, nowhere, keep);
		closedir(dir);
		return;
	}
	for (i = 0; i < DESCRIPTORS_MAX; i++)
		if (fcntl(i, F_GETFD) >= 0)
			redirect(i, nowhere, keep);
}

/* A handler of ours would act for us; a signal that we ignore or block would
 * not end the child. */
static void
reset_signals(void)
{
	struct sigaction sa;
	sigset_t none;
	int i;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = SIG_DFL;
	for (i = 1; i <= SIGRTMAX; i++)
		sigaction(i, &sa, NULL);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void
set_limit(int which, uint64_t soft, uint64_t hard)
{
	struct rlimit now, new;

	if (getrlimit(which, &now) != 0)
		return;
	new.rlim_max = now.rlim_max < hard ? now.rlim_max : (rlim_t)hard;
	new.rlim_cur = new.rlim_max < soft ? new.rlim_max : (rlim_t)soft;
	setrlimit(which, &new);
}

/* One small file of /proc as text, or nothing. */
static void
read_small(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;

	out[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static void
limit_memory(size_t memory)
{
#ifdef HOTFIX_SANITIZED
	(void)memory;
	(void)read_small;
#else
	char text[128]; /* seven numbers */
	uint64_t pages, mapped;

	read_small("/proc/self/statm", text, sizeof text);
	if (num_parse(text, strcspn(text, " "), UINT32_MAX, &pages) != NUM_OK)
		return;
	mapped = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (memory > SIZE_MAX - 2 * mapped)
		return;
	set_limit(RLIMIT_AS, 2 * mapped + memory, 2 * mapped + memory);
#endif
}

static void
set_limits(const struct rehearse_limits *l)
{
	static const char first[] = "1000";
	int fd;

	/* Past the first the kernel tells which it was, past the second it
	 * kills. */
	set_limit(RLIMIT_CPU, l->cpu_s, (uint64_t)l->cpu_s + 1);
	set_limit(RLIMIT_CORE, 0, 0);
	set_limit(RLIMIT_FSIZE, l->memory, l->memory); /* io.tmpfile */
	alarm((unsigned)(l->wall_ns / S_NS) + ALARM_SPARE_S);
	limit_memory(l->memory);
	/* When the machine runs out of memory, better this one than us. */
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		file_write_all(fd, first, sizeof first - 1);
		close(fd);
	}
}

/* --- the child: the body and its answer ----------------------------------- */

static int
collect(lua_State *L)
{
	lua_gc(L, LUA_GCCOLLECT);
	return 0;
}

/* Finalizers run in there, with no hook to stop them: time is the process's,
 * but memory that fails them would only be an error that they swallow. */
static enum state_over
collect_garbage(struct state *s, const struct rehearse_limits *l)
{
	const struct state_limits limits = {UINT64_MAX, l->wall_ns, l->memory};
	lua_State *L = state_lua(s);

	state_begin_budget(s, L, &limits);
	lua_pushcfunction(L, collect);
	if (lua_pcall(L, 0, 0, 0) != LUA_OK)
		lua_pop(L, 1);
	return state_end_budget(s);
}

static int
is_failure(enum engine_result r)
{
	return r == ENGINE_FAILED || r == ENGINE_HUNG;
}

/* The lines about what was pretended. */
static void
list_pretences(const struct state *s, struct buf *out)
{
	const struct buf *lines;
	size_t n = state_pretences(s, &lines), i, len, told = 0;
	const char *at = (const char *)lines->data;

	if (lines->oom)
		n = 0;
	for (i = 0; n > 0 && i < lines->len; i += len) {
		len = strcspn(at + i, "\n") + 1;
		buf_printf(out, "rehearsal: only pretended: %.*s", (int)len,
		    at + i);
		told++;
	}
	if (n > told)
		buf_printf(out, "rehearsal: %zu more calls only pretended\n",
		    n - told);
}

static void
put_length(uint8_t *at, size_t len)
{
	at[0] = (uint8_t)(len >> 8);
	at[1] = (uint8_t)len;
}

/* The message: its length. */
static size_t
write_message(uint8_t out[MESSAGE_MAX + 1], enum engine_result result,
    const struct buf *report, const struct buf *own)
{
	size_t own_len =
	    own->oom || own->len > ENGINE_REPORT_MAX ? 0 : own->len;
	size_t room = ENGINE_REPORT_MAX - own_len, len;
	char *text = (char *)out + HEAD;

	text[0] = '\0';
	/* One byte less: a cut has no LF at its end. */
	if (!report->oom && report->len > 0 && room > 0)
		text_escape(text, room, report->data, report->len, 1);
	len = strlen(text);
	if (len > 0 && text[len - 1] != '\n')
		text[len++] = '\n';
	if (own_len > 0)
		memcpy(text + len, own->data, own_len);
	out[0] = (uint8_t)result;
	put_length(out + 1, len + own_len);
	put_length(out + 3, len);
	return HEAD + len + own_len;
}

static size_t
perform(const struct rehearsal *r, uint8_t out[MESSAGE_MAX + 1])
{
	struct engine_report report;
	struct buf reason = BUF_INIT, own = BUF_INIT;
	enum state_over over = STATE_WITHIN;
	enum engine_result result = ENGINE_FAILED;
	char words[STATE_OVER_TEXT];
	size_t len;

	engine_report_init(&report);
	if (state_rehearse(r->state) != 0)
		buf_puts(&reason, "rehearsal: out of memory\n");
	else
		result = r->body(r->arg, &report);
	if (reason.len == 0 && !is_failure(result) &&
	    state_refusal(r->state) == NULL)
		over = collect_garbage(r->state, &r->limits);

	if (state_refusal(r->state) != NULL) {
		result = ENGINE_FAILED;
		buf_printf(&reason, "rehearsal: %s\n", state_refusal(r->state));
	} else if (over != STATE_WITHIN) {
		result = ENGINE_HUNG;
		buf_printf(&reason, "rehearsal: its finalizers are %s\n",
		    state_over_text(r->state, over, words));
	} else if (state_starved(r->state)) {
		result = ENGINE_HUNG;
		buf_printf(&reason, "rehearsal: out of memory\n");
	}
	list_pretences(r->state, &own);
	len = write_message(out, result,
	    reason.len > 0 ? &reason : &report.text, &own);
	engine_report_free(&report);
	buf_free(&reason);
	buf_free(&own);
	return len;
}

/* All signals are blocked. */
__attribute__((noreturn)) static void
run_child(const struct rehearsal *r, int fd, int nowhere)
{
	uint8_t message[MESSAGE_MAX + 1];
	size_t len;

	redirect_all(nowhere, fd);
	reset_signals();
	set_limits(&r->limits);
	len = perform(r, message);
	_exit(file_write_all(fd, message, len) != 0);
}

/* --- the parent ----------------------------------------------------------- */

static void
stop_collector(struct rehearsal *r)
{
	lua_State *L = state_lua(r->state);

	r->collector_ran = lua_gc(L, LUA_GCISRUNNING) > 0;
	lua_gc(L, LUA_GCSTOP);
}

/* The child ends by itself or is killed, so the wait is short. */
static int
end_child(struct rehearsal *r)
{
	int status = -1;

	if (r->loop != NULL) {
		loop_unwatch(r->loop, &r->io);
		loop_timer_cancel(r->loop, &r->timer);
	}
	/* One that closed the pipe and lives on; no other notices. */
	kill(r->pid, SIGKILL);
	close(r->fd);
	while (waitpid(r->pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		status = -1;
		break;
	}
	if (r->collector_ran)
		lua_gc(state_lua(r->state), LUA_GCRESTART);
	return status;
}

/* Read what there is: 1 when nothing more can come. */
static int
take(struct rehearsal *r)
{
	ssize_t n;

	while (r->got < sizeof r->bytes) {
		n = read(r->fd, r->bytes + r->got, sizeof r->bytes - r->got);
		if (n > 0)
			r->got += (size_t)n;
		else if (n == 0)
			return 1;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		else if (errno != EINTR)
			return 1;
	}
	return 1; /* too much */
}

static size_t
get_length(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

/* 0 with result, text and lengths, or -1: this is no answer. */
static int
parse(const struct rehearsal *r, struct rehearse_answer *a)
{
	const uint8_t *at = r->bytes;

	if (r->got < HEAD || at[0] > ENGINE_REVERTED)
		return -1;
	a->result = (enum engine_result)at[0];
	a->len = get_length(at + 1);
	a->own = get_length(at + 3);
	if (a->len > ENGINE_REPORT_MAX || a->own > a->len ||
	    r->got != HEAD + a->len)
		return -1;
	/* Text that is clean comes out as it went in. */
	text_escape(a->text, sizeof a->text, at + HEAD, a->len, 1);
	if (strlen(a->text) != a->len ||
	    memcmp(a->text, at + HEAD, a->len) != 0)
		return -1;
	return 0;
}

static const char *
signal_name(int number)
{
	switch (number) {
	case SIGABRT:
		return " (aborted)";
	case SIGBUS:
		return " (bus error)";
	case SIGFPE:
		return " (arithmetic error)";
	case SIGILL:
		return " (illegal instruction)";
	case SIGKILL:
		return " (killed)";
	case SIGSEGV:
		return " (segmentation fault)";
	case SIGSYS:
		return " (bad system call)";
	case SIGXFSZ:
		return " (file too large)";
	default:
		return "";
	}
}

/* Why there is no answer. */
static void
explain(const struct rehearsal *r, int status, struct rehearse_answer *a)
{
	size_t size = sizeof a->text;
	int number;

	a->result = ENGINE_FAILED;
	if (r->late || (status != -1 && WIFSIGNALED(status) &&
			   WTERMSIG(status) == SIGALRM)) {
		a->result = ENGINE_HUNG;
		snprintf(a->text, size, "rehearsal: still running after %g s\n",
		    (double)r->limits.wall_ns / (double)S_NS);
	} else if (r->got > 0) {
		snprintf(a->text, size, "rehearsal: its answer is garbled\n");
	} else if (status != -1 && WIFSIGNALED(status)) {
		number = WTERMSIG(status);
		if (number == SIGKILL || number == SIGXCPU)
			a->result = ENGINE_HUNG;
		if (number == SIGXCPU)
			snprintf(a->text, size,
			    "rehearsal: over its %u s of processor time\n",
			    r->limits.cpu_s);
		else
			snprintf(a->text, size,
			    "rehearsal: killed by signal %d%s\n", number,
			    signal_name(number));
	} else if (status != -1 && WIFEXITED(status)) {
		snprintf(a->text, size,
		    "rehearsal: it ended with status %d and no answer\n",
		    WEXITSTATUS(status));
	} else {
		snprintf(a->text, size,
		    "rehearsal: it ended without an answer\n");
	}
	a->len = a->own = strlen(a->text);
}

static void
finish(struct rehearsal *r, struct rehearse_answer *a)
{
	int status = end_child(r);

	memset(a, 0, sizeof *a);
	if (r->late || parse(r, a) != 0)
		explain(r, status, a);
	a->stall_ns = r->stall_ns;
	a->took_ns = clock_mono_ns() - r->start_ns;
}

static void
on_ready(void *arg, int events)
{
	struct rehearsal *r = arg;
	void (*done)(void *done_arg, const struct rehearse_answer *answer);
	struct rehearse_answer answer;
	void *done_arg;

	(void)events;
	if (!take(r))
		return;
	finish(r, &answer);
	done = r->done;
	done_arg = r->done_arg;
	free(r);
	done(done_arg, &answer);
}

/* Its end comes by the pipe, when the kernel has taken the copy apart: to
 * wait for that here would make us stand still. */
static void
on_late(void *arg)
{
	struct rehearsal *r = arg;

	r->late = 1;
	kill(r->pid, SIGKILL);
}

/* The descriptors: the two ends of a pipe, and /dev/null. */
static int
open_all(int fds[3])
{
	fds[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fds[2] < 0)
		return -1;
	if (pipe(fds) != 0)
		return -1;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

static int
fork_child(struct rehearsal *r, int fd, int nowhere)
{
	sigset_t all, before;
	int saved;

	/* No handler may run in the child before it has put them away. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r->start_ns = clock_mono_ns();
	r->pid = fork();
	if (r->pid == 0)
		run_child(r, fd, nowhere);
	saved = errno;
	r->stall_ns = clock_mono_ns() - r->start_ns;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return r->pid < 0 ? -1 : 0;
}

/* With loop NULL the caller waits. */
static struct rehearsal *
start(struct loop *loop, struct state *s, const struct rehearse_limits *limits,
    enum engine_result (*body)(void *arg, struct engine_report *report),
    void *arg, struct err *e)
{
	static const struct rehearse_limits standard = {
	    REHEARSE_WALL_NS, REHEARSE_CPU_S, REHEARSE_MEMORY};
	struct rehearsal *r = calloc(1, sizeof *r), *started = NULL;
	int fds[3] = {-1, -1, -1}, i;

	if (r == NULL)
		goto out;
	r->loop = loop;
	r->state = s;
	r->limits = limits != NULL ? *limits : standard;
	r->body = body;
	r->arg = arg;
	if (open_all(fds) != 0)
		goto out;
	r->fd = fds[0];
	if (loop != NULL &&
	    (loop_watch(loop, &r->io, r->fd, LOOP_READ, on_ready, r) != 0 ||
		loop_timer_set(loop, &r->timer,
		    clock_mono_ns() + r->limits.wall_ns, on_late, r) != 0))
		goto out;
	if (fork_child(r, fds[1], fds[2]) != 0)
		goto out;
	stop_collector(r);
	started = r;
	fds[0] = -1;
out:
	if (started == NULL)
		err_errno(e, ERR_LOCAL, "cannot rehearse");
	if (started == NULL && r != NULL && loop != NULL) {
		loop_unwatch(loop, &r->io);
		loop_timer_cancel(loop, &r->timer);
	}
	for (i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (started == NULL)
		free(r);
	return started;
}

struct rehearsal *
rehearse_start(struct loop *loop, struct state *s,
    const struct rehearse_limits *limits,
    enum engine_result (*body)(void *arg, struct engine_report *report),
    void *arg,
    void (*done)(void *done_arg, const struct rehearse_answer *answer),
    void *done_arg, struct err *e)
{
	struct rehearsal *r = start(loop, s, limits, body, arg, e);

	if (r != NULL) {
		r->done = done;
		r->done_arg = done_arg;
	}
	return r;
}

void
rehearse_cancel(struct rehearsal *r)
{
	if (r == NULL)
		return;
	end_child(r);
	free(r);
}

int
rehearse_wait(struct state *s, const struct rehearse_limits *limits,
    enum engine_result (*body)(void *arg, struct engine_report *report),
    void *arg, struct rehearse_answer *out, struct err *e)
{
	struct rehearsal *r = start(NULL, s, limits, body, arg, e);
	struct pollfd ready;
	int64_t left_ns;

	if (r == NULL)
		return -1;
	ready.fd = r->fd;
	ready.events = POLLIN;
	while (!take(r)) {
		left_ns = r->start_ns + r->limits.wall_ns - clock_mono_ns();
		if (left_ns <= 0 && !r->late)
			on_late(r);
		if (left_ns > S_NS)
			left_ns =
			    S_NS; /* fits an int, and is looked at again */
		/* An error is a signal: then the time is looked at again. */
		poll(&ready, 1, r->late ? -1 : (int)(left_ns / MS_NS) + 1);
	}
	finish(r, out);
	free(r);
	return 0;
}
