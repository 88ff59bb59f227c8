/* Work in a copy of the process: its word, its end, what it leaves. */

#include "lua-host/job.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define ROOMY_NS INT64_C(100000000000)

static volatile int forever = 1;

struct work {
	struct loop *loop;
	const char *what;
	int dones, status;
	char text[JOB_TEXT_MAX + 1];
	uint64_t so_far;
	int progresses;
	struct job *job;
	int cancel; /* when it tells how far it is */
};

static void
progress(void *arg, uint64_t so_far)
{
	struct work *w = arg;

	w->progresses++;
	w->so_far = so_far;
	if (w->cancel) {
		job_cancel(w->job);
		w->job = NULL;
	}
}

static void
done(void *arg, int status, const char *text, size_t len)
{
	struct work *w = arg;

	w->dones++;
	w->status = status;
	memcpy(w->text, text, len);
	w->text[len] = '\0';
}

static void
run(struct work *w, int (*body)(void *, struct job_pipe *, struct buf *),
    int64_t deadline_ns)
{
	const struct job_spec spec = {body, deadline_ns, progress, done, w};
	struct err e;

	w->dones = w->progresses = 0;
	w->so_far = 0;
	w->text[0] = '\0';
	w->job = job_start(w->loop, &spec, &e);
	OK(w->job != NULL, "a job begins");
	while (w->dones == 0 && w->job != NULL)
		if (loop_once(w->loop, -1) != 0 && errno != EINTR)
			break;
}

static int
answer(void *arg, struct job_pipe *p, struct buf *text)
{
	struct work *w = arg;

	(void)p;
	buf_printf(text, "%s\n\x1b[2J\xff", w->what);
	return 7;
}

static int
tell_far(void *arg, struct job_pipe *p, struct buf *text)
{
	(void)arg;
	(void)text;
	job_tell(p, UINT64_C(0x0102030405060708));
	job_tell(p, 9); /* too soon: nobody looks */
	return 0;
}

static int
tell_and_hang(void *arg, struct job_pipe *p, struct buf *text)
{
	tell_far(arg, p, text);
	while (forever)
		pause();
	return 0;
}

static int
hang(void *arg, struct job_pipe *p, struct buf *text)
{
	(void)arg;
	(void)p;
	(void)text;
	while (forever)
		pause();
	return 0;
}

static int
crash(void *arg, struct job_pipe *p, struct buf *text)
{
	(void)arg;
	(void)p;
	(void)text;
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	return 0;
}

static int
garbage(void *arg, struct job_pipe *p, struct buf *text)
{
	(void)arg;
	(void)text;
	(void)file_write_all(p->fd, "e\xff\xff many", 8);
	return 0;
}

static int
long_text(void *arg, struct job_pipe *p, struct buf *text)
{
	int i;

	(void)arg;
	(void)p;
	for (i = 0; i < 3 * JOB_TEXT_MAX; i++)
		buf_puts(text, "x");
	return 0;
}

/* Its end, and that of what it started, are seen by a pipe that both hold. */
static int start_and_hang_fd;

static int
start_and_hang(void *arg, struct job_pipe *p, struct buf *text)
{
	int fd = open("held", O_RDWR);

	(void)arg;
	(void)text;
	(void)flock(fd, LOCK_EX);
	if (fork() == 0) {
		job_tell(p, 1); /* it holds the lock, too */
		while (forever)
			pause();
	}
	while (forever)
		pause();
	return 0;
}

/* 1 when nobody holds the lock, or lets go of it soon. */
static int
lock_is_free(void)
{
	int fd = open("held", O_RDWR), rc;

	alarm(20);
	rc = flock(fd, LOCK_EX);
	alarm(0);
	close(fd);
	return rc == 0;
}

/* Whether a descriptor that is open here is /dev/null there. */
static int
look_at_fd(void *arg, struct job_pipe *p, struct buf *text)
{
	char byte;

	(void)arg;
	(void)p;
	buf_printf(text, "%d", (int)read(start_and_hang_fd, &byte, 1));
	return 0;
}

/* Killed without a word: the job and what it started end with us. */
static void
parent_is_killed(void)
{
#ifdef __linux__
	struct work w = {.what = ""};
	const struct job_spec spec = {
	    start_and_hang, ROOMY_NS, progress, done, &w};
	int fds[2], status;
	char byte;
	pid_t pid;
	struct err e;

	OK(pipe(fds) == 0, "a pipe");
	pid = fork();
	if (pid == 0) {
		w.loop = loop_new(LOOP_BEST);
		w.job = job_start(w.loop, &spec, &e);
		while (w.progresses == 0)
			loop_once(w.loop, -1);
		(void)file_write_all(fds[1], "x", 1);
		while (forever)
			pause();
	}
	close(fds[1]);
	OK(read(fds[0], &byte, 1) == 1, "a process with a job");
	close(fds[0]);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	OK(lock_is_free(), "what is killed leaves no job behind");
#endif
}

int
main(void)
{
	struct work w = {.what = "as it is"};
	const struct job_spec spec = {hang, ROOMY_NS, NULL, done, &w};
	struct err e;

	w.loop = loop_new(LOOP_BEST);
	close(open("held", O_CREAT | O_RDWR, 0600));

	run(&w, answer, ROOMY_NS);
	IS(w.status, 7, "its status");
	IS_STR(w.text, "as it is\n\\x1b[2J\\xff", "its word");
	IS(w.dones, 1, "it ends once");

	run(&w, tell_far, ROOMY_NS);
	IS(w.status, 0, "it went well");
	IS(w.progresses, 1, "told once");
	OK(w.so_far == UINT64_C(0x0102030405060708), "how far");

	run(&w, hang, INT64_C(50000000));
	IS(w.status, JOB_DIED, "it died");
	IS_STR(w.text, "stopped after 0.05 s", "its word");

	run(&w, crash, ROOMY_NS);
	IS(w.status, JOB_DIED, "it died");
	IS_STR(w.text, "killed by signal 6 (aborted)", "its word");

	run(&w, garbage, ROOMY_NS);
	IS(w.status, JOB_DIED, "it died");
	IS_STR(w.text, "it ended without an answer", "its word");

	run(&w, long_text, ROOMY_NS);
	IS(w.status, 0, "it went well");
	OK(strlen(w.text) <= JOB_TEXT_MAX && strlen(w.text) > 1000,
	    "a long text is cut");

	/* Its owner may end it when it is told something. */
	w.cancel = 1;
	run(&w, tell_and_hang, ROOMY_NS);
	IS(w.dones, 0, "nothing is heard of it");
	IS(w.progresses, 1, "told once");

	/* What it started goes with it. */
	run(&w, start_and_hang, ROOMY_NS);
	OK(lock_is_free(), "what it started goes with it");
	w.cancel = 0;

	start_and_hang_fd = open("/dev/zero", O_RDONLY);
	run(&w, look_at_fd, ROOMY_NS);
	IS_STR(w.text, "0", "its word");
	close(start_and_hang_fd);

	w.dones = 0;
	w.job = job_start(w.loop, &spec, &e);
	job_cancel(w.job);
	IS(w.dones, 0, "nothing is heard of it");
	job_cancel(NULL);

	parent_is_killed();
	loop_free(w.loop);
	return tap_done();
}
