/*
 * The rehearsal of an update in a forked child.
 *
 * The child's answer is a head of HEAD bytes (result, length of the text,
 * where its own lines begin; lengths with the high byte first) and the text.
 * The child may have run anything, so the parent believes no byte of it
 * unseen, and no end but that of the pipe.
 */

#include "lua-host/rehearse.h"
#include "lua-host/child.h"

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
	struct child child;
	int late;
	int64_t start_ns, stall_ns;
	size_t got;
	uint8_t bytes[MESSAGE_MAX + 1]; /* one more would be too many */
};

/* --- the child: its limits --------------------------------------------------
 */

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

static int
run_child(void *arg, int fd)
{
	const struct rehearsal *r = arg;
	uint8_t message[MESSAGE_MAX + 1];

	set_limits(&r->limits);
	return file_write_all(fd, message, perform(r, message)) != 0;
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
	int status;

	if (r->loop != NULL) {
		loop_unwatch(r->loop, &r->io);
		loop_timer_cancel(r->loop, &r->timer);
	}
	status = child_end(&r->child);
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
		n = read(r->child.fd, r->bytes + r->got,
		    sizeof r->bytes - r->got);
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
			    child_signal_name(number));
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
	kill(r->child.pid, SIGKILL);
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

	if (r == NULL)
		goto out;
	r->loop = loop;
	r->state = s;
	r->limits = limits != NULL ? *limits : standard;
	r->body = body;
	r->arg = arg;
	if (child_open(&r->child) != 0)
		goto out;
	if (loop != NULL &&
	    (loop_watch(loop, &r->io, r->child.fd, LOOP_READ, on_ready, r) !=
		    0 ||
		loop_timer_set(loop, &r->timer,
		    clock_mono_ns() + r->limits.wall_ns, on_late, r) != 0))
		goto out;
	r->start_ns = clock_mono_ns();
	if (child_fork(&r->child, 0, run_child, r) != 0)
		goto out;
	r->stall_ns = clock_mono_ns() - r->start_ns;
	stop_collector(r);
	started = r;
out:
	if (started == NULL)
		err_errno(e, ERR_LOCAL, "cannot rehearse");
	if (started == NULL && r != NULL && loop != NULL) {
		loop_unwatch(loop, &r->io);
		loop_timer_cancel(loop, &r->timer);
	}
	if (started == NULL && r != NULL)
		child_end(&r->child);
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
	ready.fd = r->child.fd;
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
