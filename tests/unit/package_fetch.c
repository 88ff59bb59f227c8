/* Fetching a package: who is told which password. */

#include "lua-host/package_fetch.h"
#include "tests/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define LINE 256

/* An FTP server that takes nobody, and tells who came. */
static void
serve(int listener, int tell)
{
	static const char *const words[] = {
	    "220 come\r\n", "331 who\r\n", "530 no\r\n"};
	char line[LINE];
	ssize_t n;
	size_t i;
	int fd;

	for (;;) {
		fd = accept(listener, NULL, NULL);
		for (i = 0; fd >= 0 && i < 3; i++) {
			if (file_write_all(fd, words[i], strlen(words[i])) != 0)
				_exit(1);
			n = i < 2 ? read(fd, line, sizeof line) : 0;
			if (n > 0 && file_write_all(tell, line, (size_t)n) != 0)
				_exit(1);
		}
		close(fd);
	}
}

static int
open_listener(unsigned *port)
{
	struct sockaddr_in in;
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(&in, 0, sizeof in);
	in.sin_family = AF_INET;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&in, sizeof in) != 0 ||
	    listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) != 0)
		exit(1);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
fetch(const struct package_fetch *f, const char *from, const char *url)
{
	struct doc_package p = {.present = 1, .len = 3, .url = url};
	struct job_pipe pipe = {-1, 0};
	struct err e;
	int gave_up;

	OK(package_fetch_file(f, &p, from, "got", NULL, NULL, &pipe, 0,
	       &gave_up, &e) != 0 &&
		gave_up,
	    "it is not to be had");
}

int
main(void)
{
	static const char netrc[] =
	    "machine 127.0.0.1 login ann password deep\n";
	static const char others[] = "machine other login ann password deep\n"
				     "default login bob password any\n";
	static const char nobody[] = "USER anonymous\r\nPASS hotfix@\r\n";
	static const char signed_one[] = "USER ann\r\nPASS deep\r\n";
	char from[64], url[64], told[4 * LINE] = "";
	struct package_fetch f;
	struct err e;
	unsigned port;
	int ends[2], listener = open_listener(&port);
	ssize_t n;
	pid_t pid;

	if (pipe(ends) != 0)
		return 1;
	pid = fork();
	if (pid == 0)
		serve(listener, ends[1]);
	close(listener);
	setenv("HOME", ".", 1);
	OK(file_write(".netrc", netrc, sizeof netrc - 1, 0600, &e) == 0 &&
		package_fetch_init(&f, 10000, 10000, 1, NULL, &e) == 0,
	    "a player knows a password");
	snprintf(from, sizeof from, "ftp://127.0.0.1:%u/near", port);
	snprintf(url, sizeof url, "ftp://127.0.0.1:%u/far", port);

	fetch(&f, from, url);
	n = read(ends[0], told, sizeof told - 1);
	told[n > 0 ? n : 0] = '\0';
	IS_STR(told,
	    "USER anonymous\r\nPASS hotfix@\r\nUSER ann\r\nPASS deep\r\n",
	    "it is sent where the document tells, not where a host does");

	fetch(&f, url, url);
	n = read(ends[0], told, sizeof told - 1);
	told[n > 0 ? n : 0] = '\0';
	IS_STR(told, signed_one, "a host that tells the same takes nothing");

	OK(file_write(".netrc", others, sizeof others - 1, 0600, &e) == 0,
	    "the player has passwords for others, and one for all");
	fetch(&f, NULL, url);
	n = read(ends[0], told, sizeof told - 1);
	told[n > 0 ? n : 0] = '\0';
	IS_STR(told, nobody,
	    "a document cannot have these sent to its machine");

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	package_fetch_free(&f);
	return tap_done();
}
