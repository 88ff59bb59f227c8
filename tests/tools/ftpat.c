/*
 * Something happens at an instant of a dialogue with an FTP server.
 *
 *	usage: ftpat [-k SIGNAL | -b | -x COMMAND] [-w COMMAND] PORT N
 *	    PROGRAM [ARG...]
 *
 * Runs PROGRAM, with %p in its arguments replaced by a port of our own, and
 * passes lines between it and the server at PORT. Each line, from either side,
 * is an instant. When the N-th is about to be passed on (N 0: never):
 *
 *	-k 9		the program gets this signal; with 9 the line is lost,
 *			and the server carries out what it was sent before
 *	-b		the connection is closed, the line is lost
 *	-x COMMAND	sh runs this, then the line goes on its way
 *
 * With -w COMMAND sh runs that before each line.
 *
 * Prints "at: LINE" for that instant and "lines: COUNT" in the end. Exits as
 * PROGRAM does, with 137 when it was killed.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE   8192
#define END_MS 10000 /* one that stays longer waits for something else */

struct side {
	int fd;
	char buf[LINE];
	size_t len;
};

struct run {
	int port, at, lines;
	int signal, breaks;
	const char *command, *always;
	pid_t child;
};

static void
die(const char *what)
{
	perror(what);
	exit(99);
}

static struct sockaddr_in
local(int port)
{
	struct sockaddr_in a;

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_port = htons((unsigned short)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int
listen_anywhere(int *port)
{
	struct sockaddr_in a = local(0);
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		die("listening");
	*port = ntohs(a.sin_port);
	return fd;
}

static int
connect_to(int port)
{
	struct sockaddr_in a = local(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
		die("the server");
	return fd;
}

/* An argument with %p replaced. */
static char *
replace(const char *arg, int port)
{
	const char *mark = strstr(arg, "%p");
	char *out = malloc(strlen(arg) + 16);

	if (out == NULL)
		die("memory");
	if (mark == NULL)
		strcpy(out, arg);
	else
		sprintf(out, "%.*s%d%s", (int)(mark - arg), arg, port,
		    mark + 2);
	return out;
}

static void
start(struct run *r, char **argv, int port)
{
	int i;

	r->child = fork();
	if (r->child < 0)
		die("fork");
	if (r->child > 0)
		return;
	for (i = 0; argv[i] != NULL; i++)
		argv[i] = replace(argv[i], port);
	execvp(argv[0], argv);
	die(argv[0]);
}

/* A line is to be passed on: 1 it is lost, with the connection. */
static int
instant(struct run *r, const char *line, size_t len)
{
	if (r->always != NULL && system(r->always) < 0)
		die("sh");
	if (++r->lines != r->at)
		return 0;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	printf("at: %.*s\n", (int)len, line);
	fflush(stdout);
	if (r->command != NULL && system(r->command) < 0)
		die("sh");
	if (r->signal != 0)
		kill(r->child, r->signal);
	return r->breaks || r->signal == SIGKILL;
}

/* 0; 1 when this connection is over. */
static int
pass(struct run *r, struct side *from, struct side *to)
{
	ssize_t n =
	    read(from->fd, from->buf + from->len, sizeof from->buf - from->len);
	char *end;
	size_t len;

	if (n <= 0)
		return 1;
	from->len += (size_t)n;
	while ((end = memchr(from->buf, '\n', from->len)) != NULL) {
		len = (size_t)(end - from->buf) + 1;
		if (instant(r, from->buf, len) ||
		    send(to->fd, from->buf, len, MSG_NOSIGNAL) != (ssize_t)len)
			return 1;
		memmove(from->buf, end + 1, from->len - len);
		from->len -= len;
	}
	return from->len == sizeof from->buf;
}

/* The server hears that nobody is there any more, does what it was told before
 * that, and hangs up. Who looks at its files then sees the same each time. */
static void
let_end(const struct side *server)
{
	struct pollfd p = {server->fd, POLLIN, 0};
	char rest[LINE];

	shutdown(server->fd, SHUT_WR);
	while (poll(&p, 1, END_MS) > 0 &&
	       read(server->fd, rest, sizeof rest) > 0)
		continue;
}

static void
serve(struct run *r, int fd)
{
	static struct side client, server;
	struct pollfd p[2];
	int over = 0;

	client.fd = fd;
	server.fd = connect_to(r->port);
	client.len = server.len = 0;
	while (!over) {
		p[0].fd = client.fd;
		p[1].fd = server.fd;
		p[0].events = p[1].events = POLLIN;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents != 0)
			over = pass(r, &client, &server);
		if (!over && p[1].revents != 0)
			over = pass(r, &server, &client);
	}
	close(client.fd);
	if (r->signal == SIGKILL && r->lines >= r->at)
		let_end(&server);
	close(server.fd);
}

static int
run(struct run *r, int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	int status, taken;

	/* It may connect again, or never. */
	while (waitpid(r->child, &status, WNOHANG) == 0) {
		if (poll(&p, 1, 10) <= 0)
			continue;
		taken = accept(fd, NULL, NULL);
		if (taken >= 0)
			serve(r, taken);
	}
	printf("lines: %d\n", r->lines);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
	struct run r = {0};
	int c, port, fd;

	while ((c = getopt(argc, argv, "+k:bx:w:")) != -1) {
		if (c == 'k')
			r.signal = atoi(optarg);
		else if (c == 'b')
			r.breaks = 1;
		else if (c == 'x')
			r.command = optarg;
		else if (c == 'w')
			r.always = optarg;
		else
			return 99;
	}
	if (argc - optind < 3)
		return 99;
	signal(SIGPIPE, SIG_IGN);
	r.port = atoi(argv[optind]);
	r.at = atoi(argv[optind + 1]);
	fd = listen_anywhere(&port);
	start(&r, argv + optind + 2, port);
	return run(&r, fd);
}
