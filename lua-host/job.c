/*
 * Jobs. What comes through the pipe is a row of messages: a byte for what it
 * is, two for the length of what follows, high byte first.
 */

#include "lua-host/job.h"
#include "lua-host/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

enum { PROGRESS = 'p', END = 'e' };

#define HEAD        3
#define NUMBER      8
/* The status and the text. */
#define MESSAGE_MAX (HEAD + 1 + JOB_TEXT_MAX)

/* Nobody looks more often. */
#define TELL_NS INT64_C(200000000)

/* A parent that was killed may kill nobody: then the child ends by itself,
 * this much later than it would have. */
#define ALARM_SPARE_S 2

#define S_NS INT64_C(1000000000)

struct job {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer timer;
	struct child child;
	struct job_spec spec;
	int late, ended; /* its end message came */
	int garbled;     /* what came was none: it is ended, whatever it does */
	size_t got;
	uint8_t bytes[MESSAGE_MAX];
};

/* --- in the copy ---------------------------------------------------------- */

static void
put_head(uint8_t *at, int what, size_t len)
{
	at[0] = (uint8_t)what;
	at[1] = (uint8_t)(len >> 8);
	at[2] = (uint8_t)len;
}

void
job_tell(struct job_pipe *p, uint64_t so_far)
{
	int64_t now_ns = clock_mono_ns();
	uint8_t bytes[HEAD + NUMBER];
	int i;

	if (now_ns - p->told_ns < TELL_NS)
		return;
	p->told_ns = now_ns;
	put_head(bytes, PROGRESS, NUMBER);
	for (i = 0; i < NUMBER; i++)
		bytes[HEAD + i] = (uint8_t)(so_far >> (8 * (NUMBER - 1 - i)));
	/* Nobody is there any more: SIGPIPE has ended us by then. */
	(void)file_write_all(p->fd, bytes, sizeof bytes);
}

static int
run_child(void *arg, int fd)
{
	struct job *j = arg;
	struct job_pipe p = {fd, 0};
	struct buf text = BUF_INIT;
	uint8_t bytes[MESSAGE_MAX + 1];
	char *out = (char *)bytes + HEAD + 1;
	int status;

	alarm((unsigned)(j->spec.deadline_ns / S_NS) + ALARM_SPARE_S);
	status = j->spec.body(j->spec.arg, &p, &text);
	*out = '\0';
	if (!text.oom)
		text_escape(out, JOB_TEXT_MAX + 1, text.data, text.len, 1);
	put_head(bytes, END, 1 + strlen(out));
	bytes[HEAD] = (uint8_t)status;
	return file_write_all(fd, bytes, HEAD + 1 + strlen(out)) != 0;
}

/* --- here ----------------------------------------------------------------- */

static size_t
length_of(const struct job *j)
{
	return (size_t)j->bytes[1] << 8 | j->bytes[2];
}

static void
progress(struct job *j)
{
	uint64_t so_far = 0;
	int i;

	for (i = 0; i < NUMBER; i++)
		so_far = so_far << 8 | j->bytes[HEAD + i];
	if (j->spec.progress != NULL)
		j->spec.progress(j->spec.arg, so_far);
}

/* One more message: 1 when there is one, 0: not yet, -1: none will come. */
static int
take(struct job *j)
{
	size_t want = HEAD;
	ssize_t n;

	for (;;) {
		if (j->got >= HEAD)
			want = HEAD + length_of(j);
		if (want > sizeof j->bytes) {
			j->garbled = 1;
			return -1;
		}
		if (j->got >= HEAD && j->got == want)
			return 1;
		n = read(j->child.fd, j->bytes + j->got, want - j->got);
		if (n > 0)
			j->got += (size_t)n;
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		else
			return -1;
	}
}

static void
explain(const struct job *j, int status, char *out, size_t size)
{
	if (j->late)
		snprintf(out, size, "stopped after %g s",
		    (double)j->spec.deadline_ns / (double)S_NS);
	else if (!j->garbled && status != -1 && WIFSIGNALED(status))
		snprintf(out, size, "killed by signal %d%s", WTERMSIG(status),
		    child_signal_name(WTERMSIG(status)));
	else
		snprintf(out, size, "it ended without an answer");
}

static void
destroy(struct job *j)
{
	loop_unwatch(j->loop, &j->io);
	loop_timer_cancel(j->loop, &j->timer);
	free(j);
}

/* The message is the last, or there is none. */
static void
finish(struct job *j)
{
	struct job_spec spec = j->spec;
	char text[JOB_TEXT_MAX + 1];
	int result = JOB_DIED, status;
	size_t len = 0;

	/* Its number is given away once it is closed. */
	loop_unwatch(j->loop, &j->io);
	status = child_end(&j->child);
	if (j->ended) {
		result = j->bytes[HEAD];
		len = length_of(j) - 1;
		text_escape(text, sizeof text, j->bytes + HEAD + 1, len, 1);
	} else {
		explain(j, status, text, sizeof text);
	}
	destroy(j);
	spec.done(spec.arg, result, text, strlen(text));
}

static void
on_ready(void *arg, int events)
{
	struct job *j = arg;
	int rc = take(j);

	(void)events;
	/* One at a time: the owner may end the job when it is told. */
	if (rc == 0)
		return;
	if (rc == 1 && j->bytes[0] == PROGRESS && length_of(j) == NUMBER) {
		j->got = 0;
		progress(j);
		return;
	}
	j->ended = rc == 1 && j->bytes[0] == END && length_of(j) >= 1;
	j->garbled |= rc == 1 && !j->ended;
	finish(j);
}

/* Its end comes by the pipe. */
static void
on_late(void *arg)
{
	struct job *j = arg;

	j->late = 1;
	kill(-j->child.pid, SIGKILL);
	kill(j->child.pid, SIGKILL);
}

struct job *
job_start(struct loop *loop, const struct job_spec *spec, struct err *e)
{
	struct job *j = calloc(1, sizeof *j);

	if (j == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	j->loop = loop;
	j->spec = *spec;
	if (child_open(&j->child) == 0 &&
	    loop_watch(loop, &j->io, j->child.fd, LOOP_READ, on_ready, j) ==
		0 &&
	    loop_timer_set(loop, &j->timer, clock_mono_ns() + spec->deadline_ns,
		on_late, j) == 0 &&
	    child_fork(&j->child, 1, run_child, j) == 0)
		return j;
	err_errno(e, ERR_LOCAL, "no copy of the process");
	job_cancel(j);
	return NULL;
}

void
job_cancel(struct job *j)
{
	if (j == NULL)
		return;
	loop_unwatch(j->loop, &j->io);
	child_end(&j->child);
	destroy(j);
}
