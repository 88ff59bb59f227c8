/* A downloader of somebody else, within bounds. */

#include "pack/fetch_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

#define LOOK_MS 20 /* how late its end, or too large a file, is seen */

/* What we ignore or catch is as usual for it, and it is in this group (0: leads
 * one of its own). 0 or an errno. */
static int
set_attributes(posix_spawnattr_t *attr, pid_t group)
{
	sigset_t usual, none;
	int r;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGXFSZ);
	sigaddset(&usual, SIGINT);
	sigaddset(&usual, SIGTERM);
	sigaddset(&usual, SIGHUP);
	r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
					       POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = posix_spawnattr_setpgroup(attr, group);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &usual);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	return r;
}

/* Run sh with this on its standard input (-1: nothing). 0 or an errno. */
static int
spawn(pid_t *pid, pid_t group, int in, char *const argv[])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r;

	r = posix_spawn_file_actions_init(&files);
	if (r != 0)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&files);
		return r;
	}
	r = set_attributes(&attr, group);
	if (r == 0)
		r = in >= 0 ? posix_spawn_file_actions_adddup2(&files, in,
				  STDIN_FILENO)
			    : posix_spawn_file_actions_addopen(&files,
				  STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	/* Standard output is for our results. */
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO,
		    STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

/*
 * Who leads the group: it kills all of it when the pipe that we hold open ends,
 * which is when we do, however we are killed. 0 or an errno; *hold is ours.
 */
static int
spawn_keeper(pid_t *pid, int *hold)
{
	char sh[] = "sh", dash_c[] = "-c";
	char line[] = "read -r _; kill -KILL 0";
	char *argv[] = {sh, dash_c, line, NULL};
	int ends[2], r;

	if (pipe(ends) != 0)
		return errno;
	r = fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 ||
		    fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0
		? errno
		: spawn(pid, 0, ends[0], argv);
	close(ends[0]);
	*hold = ends[1];
	if (r != 0)
		*pid = -1;
	return r;
}

static void
bury(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* One reason to end it: -1 with err, or 0. */
static int
look(const struct fetch_command *c, struct err *e)
{
	struct stat st;

	if (c->stop != NULL && *c->stop)
		return err_set(e, ERR_PEER, "%s: interrupted", c->url);
	if (clock_mono_ns() >= c->deadline_ns)
		return err_set(e, ERR_PEER,
		    "%s: not done in the time that was given", c->url);
	if (lstat(c->file, &st) == 0 && S_ISREG(st.st_mode)) {
		if ((uint64_t)st.st_size > c->max)
			return err_set(e, ERR_NO,
			    "%s: longer than %" PRIu64 " bytes", c->url,
			    c->max);
		if (c->moved != NULL)
			c->moved(c->arg, (uint64_t)st.st_size);
	}
	return 0;
}

int
fetch_command_run(const struct fetch_command *c, struct err *e)
{
	static const char tail[] = " \"$@\"";
	char sh[] = "sh", dash_c[] = "-c", name[] = "hotfix";
	size_t size = strlen(c->command) + sizeof tail;
	char *line = malloc(size);
	char *url = strdup(c->url), *file = strdup(c->file);
	char *argv[] = {sh, dash_c, line, name, url, file, NULL};
	int status = 0, ret = -1, hold = -1, r;
	pid_t keeper = -1, pid, done;

	if (line == NULL || url == NULL || file == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	snprintf(line, size, "%s%s", c->command, tail);
	r = spawn_keeper(&keeper, &hold);
	if (r == 0)
		r = spawn(&pid, keeper, -1, argv);
	if (r != 0) {
		err_set(e, ERR_LOCAL, "/bin/sh: %s", strerror(r));
		goto out;
	}
	ret = 0;
	do {
		done = waitpid(pid, &status, WNOHANG);
		if (done == 0)
			ret = look(c, e);
		if (done == 0 && ret == 0)
			poll(NULL, 0, LOOK_MS);
	} while ((done == 0 && ret == 0) || (done < 0 && errno == EINTR));
	/* What it left behind in its group, too. */
	kill(-keeper, SIGKILL);
	if (done == 0)
		bury(pid);
	if (done < 0)
		ret = err_set(e, ERR_LOCAL, "%s: its end cannot be seen",
		    c->command);
	else if (ret == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		ret = err_set(e, ERR_PEER, "%s: %s ended with %s %d", c->url,
		    c->command, WIFEXITED(status) ? "status" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
out:
	if (hold >= 0)
		close(hold);
	if (keeper > 0) {
		kill(keeper, SIGKILL);
		bury(keeper);
	}
	free(line);
	free(url);
	free(file);
	return ret;
}
