/*
 * A session with an FTP server, for tests:
 *
 *	ftpdo URL DEADLINE_MS COMMAND...
 *
 * Commands are done in order, in one session: put FILE PATH FROM, get PATH FROM
 * (to standard output), mkdir, exists, size, names, md5 PATH, rename FROM TO,
 * expect, hurry LEN (of the next transfer). A line "COMMAND: RESULT" each; the
 * conversation and the reason of a failure go to standard error. Exit status:
 * the kind of the failure.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "net/ftp.h"
#include "net/netrc.h"

static void
trace(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static int
sink(void *arg, const void *bytes, size_t len, struct err *e)
{
	(void)arg;
	if (file_write_all(STDOUT_FILENO, bytes, len) != 0)
		return err_errno(e, ERR_LOCAL, "standard output");
	return 0;
}

static int
print_name(void *arg, const char *name)
{
	(void)arg;
	printf("name: %s\n", name);
	return 0;
}

static int
put(struct ftp *f, char **args, struct err *e)
{
	int fd = open(args[0], O_RDONLY);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(e, ERR_LOCAL, "%s", args[0]);
	r = ftp_put(f, args[1], strtoull(args[2], NULL, 10), fd,
	    (uint64_t)st.st_size, NULL, NULL, e);
	close(fd);
	return r;
}

/* One step: 0, -1 with err when it was not done; what is not there is 1. */
static int
step(struct ftp *f, enum ftp_verb verb, const char *path, const char *to,
    struct err *e)
{
	struct ftp_step s = {.verb = verb, .path = path, .to = to};

	if (ftp_steps(f, &s, 1, e) != 0)
		return -1;
	if (s.result == 0 || (s.result == 1 && verb == FTP_EXISTS))
		return s.result;
	*e = s.why;
	return -1;
}

/* How many words the command took; its result in *r. */
static int
command(struct ftp *f, char **w, int n, int *r, struct err *e)
{
	char hex[33] = "";
	uint8_t md5[16];
	uint64_t size = 0;

	if (strcmp(w[0], "put") == 0 && n > 3) {
		*r = put(f, w + 1, e);
		return 4;
	}
	if (strcmp(w[0], "get") == 0 && n > 2) {
		*r = ftp_get(f, w[1], strtoull(w[2], NULL, 10), 1 << 30, sink,
		    NULL, e);
		return 3;
	}
	if (strcmp(w[0], "rename") == 0 && n > 2) {
		*r = step(f, FTP_RENAME, w[1], w[2], e);
		return 3;
	}
	if (strcmp(w[0], "expect") == 0) {
		ftp_expect(f);
		return 1;
	}
	if (strcmp(w[0], "hurry") == 0 && n > 1) {
		ftp_hurry(f, strtoull(w[1], NULL, 10));
		return 2;
	}
	if (n < 2)
		return 0;
	if (strcmp(w[0], "mkdir") == 0)
		*r = step(f, FTP_MKD, w[1], NULL, e);
	else if (strcmp(w[0], "exists") == 0)
		*r = step(f, FTP_EXISTS, w[1], NULL, e);
	else if (strcmp(w[0], "names") == 0)
		*r = ftp_names(f, w[1], print_name, NULL, e);
	else if (strcmp(w[0], "size") == 0)
		*r = ftp_size(f, w[1], &size, e);
	else if (strcmp(w[0], "md5") == 0)
		*r = ftp_md5(f, w[1], md5, e);
	else
		return 0;
	if (size > 0)
		printf("bytes: %" PRIu64 "\n", size);
	if (strcmp(w[0], "md5") == 0 && *r == 0)
		printf("digest: %s\n", hex_encode(hex, md5, sizeof md5));
	return 2;
}

static int
run(const char *address, int64_t deadline_ms, char **words, int n,
    struct err *e)
{
	struct ftp_config c = {.trace = trace};
	struct ftp_login login;
	struct ftp_url url;
	struct ftp *f;
	int used = 1, r = 0;

	if (ftp_url_parse(&url, address, e) != 0 ||
	    ftp_login_find(&login, &url, FTP_GIVEN_HERE, e) != 0)
		return -1;
	c.url = &url;
	c.user = login.user;
	c.password = login.password;
	c.deadline_ns = clock_mono_ns() + deadline_ms * 1000000;
	f = ftp_open(&c, e);
	if (f == NULL)
		return -1;
	for (; n > 0 && used > 0 && r >= 0; words += used, n -= used) {
		r = 0;
		used = command(f, words, n, &r, e);
		if (used == 0)
			r = err_set(e, ERR_USAGE, "%s: not a command", *words);
		printf("%s: %d\n", words[0], r);
		fflush(stdout);
	}
	ftp_close(f);
	return r < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct err e = {ERR_NONE, ""};

	if (argc < 4)
		return ERR_USAGE;
	if (run(argv[1], strtoll(argv[2], NULL, 10), argv + 3, argc - 3, &e) ==
	    0)
		return 0;
	fprintf(stderr, "ftpdo: %s\n", e.text);
	return (int)e.kind;
}
