/*
 * A server that does what a case says, once for each connection in it:
 *
 *	fakeftp CASE
 *
 * prints "listening: PORT", plays the case and exits: 0 when the client did
 * what the case expects of it, else 1 with the line on standard error. The
 * lines of a case; \xNN, \r, \n, \0 and \\ are understood in TEXT, %P is the
 * port for data, %C it as two numbers of 227:
 *
 *	expect TEXT    a command, the whole line
 *	reply TEXT     a line, with its CR LF
 *	raw TEXT       as it is
 *	login          greeting, USER, PASS
 *	listen         a port for data, and a trap: the same port of 127.0.0.2
 *	epsv           expect TYPE I and EPSV, listen, and both replies
 *	epsv-from      the same with "REST N" behind, or without
 *	accept         the data connection
 *	data TEXT      send it there; fill N: N bytes; end: close it
 *	send FILE      its bytes from that N on, there
 *	read N         take N bytes of data, or all: up to the end
 *	flood          bytes on the control connection until the client leaves;
 *	               flood-data: on the data connection
 *	drip, drip-data   one byte now and then until the client leaves;
 *	               drip-file FILE: those of a file from that N on
 *	hasty          in this connection the client may leave at any time
 *	gone           wait until the client closes the control connection
 *	close          close everything
 *	next           what follows is for another connection
 *
 * Lines that begin with '#' or '%', and empty ones, are passed over. No second
 * connection for data may come, and none to the trap.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_S 15 /* of a case, which nobody should ever see */
#define DRIP_MS    5
#define LINE       4096
#define BLOCK      65536

struct fake {
	const char *path;
	unsigned line;
	int listener, control;
	int data_listener, trap, data;
	int accepted; /* the one connection for data that may come */
	unsigned port;
	char in[LINE];
	size_t in_len;
	int is_hasty, has_left;
	long from; /* the N of REST */
	long told; /* bytes of a file that the client may have */
};

static void
fail(const struct fake *f, const char *what, const char *got)
{
	fprintf(stderr, "fakeftp: %s:%u: %s%s%s\n", f->path, f->line, what,
	    got[0] != '\0' ? ": " : "", got);
	exit(1);
}

/* A listener on this address; *port 0 becomes what it got. -1: taken. */
static int
listen_on(uint32_t ip, unsigned *port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(ip);
	a.sin_port = htons((uint16_t)*port);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 5) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(a.sin_port);
	return fd;
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The client left. */
static void
miss(struct fake *f, const char *text)
{
	if (!f->is_hasty)
		fail(f, "the client left instead of", text);
	f->has_left = 1;
}

/* TEXT without its escapes; the length. */
static size_t
expand(const struct fake *f, const char *text, char *out, size_t size)
{
	size_t n = 0;
	unsigned byte;

	while (*text != '\0' && n + 16 < size) {
		if (strncmp(text, "\\x", 2) == 0 &&
		    sscanf(text + 2, "%2x", &byte) == 1) {
			out[n++] = (char)byte;
			text += 4;
		} else if (strncmp(text, "\\r", 2) == 0) {
			out[n++] = '\r';
			text += 2;
		} else if (strncmp(text, "\\n", 2) == 0) {
			out[n++] = '\n';
			text += 2;
		} else if (strncmp(text, "\\0", 2) == 0) {
			out[n++] = '\0';
			text += 2;
		} else if (strncmp(text, "\\\\", 2) == 0) {
			out[n++] = '\\';
			text += 2;
		} else if (strncmp(text, "%P", 2) == 0) {
			n += (size_t)sprintf(out + n, "%u", f->port);
			text += 2;
		} else if (strncmp(text, "%C", 2) == 0) {
			n += (size_t)sprintf(out + n, "%u,%u", f->port / 256,
			    f->port % 256);
			text += 2;
		} else {
			out[n++] = *text++;
		}
	}
	return n;
}

/* 0, or -1: the peer is gone. */
static int
put(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
send_text(struct fake *f, int fd, const char *text, const char *tail)
{
	char out[LINE];
	size_t n = expand(f, text, out, sizeof out);

	/* Who leaves early says so by its exit status. */
	if (put(fd, out, n) == 0)
		put(fd, tail, strlen(tail));
}

static void
expect(struct fake *f, const char *text)
{
	char want[LINE];
	size_t n = expand(f, text, want, sizeof want), len;
	char *end;
	ssize_t got;

	want[n] = '\0';
	while ((end = memchr(f->in, '\n', f->in_len)) == NULL) {
		if (f->in_len == sizeof f->in)
			fail(f, "too long a command", "");
		got = read(f->control, f->in + f->in_len,
		    sizeof f->in - f->in_len);
		if (got <= 0) {
			miss(f, text);
			return;
		}
		f->in_len += (size_t)got;
	}
	len = (size_t)(end - f->in);
	if (len != n + 1 || memcmp(f->in, want, n) != 0 || f->in[n] != '\r') {
		*end = '\0';
		fprintf(stderr, "fakeftp: want %s\n", text);
		fail(f, "got", f->in);
	}
	f->in_len -= len + 1;
	memmove(f->in, end + 1, f->in_len);
}

static void
open_data(struct fake *f)
{
	int i;

	f->accepted = 0;
	shut(&f->data_listener);
	shut(&f->trap);
	/* The same port on both addresses; most are free on both. */
	for (i = 0; i < 100 && f->trap < 0; i++) {
		shut(&f->data_listener);
		f->port = 0;
		f->data_listener = listen_on(INADDR_LOOPBACK, &f->port);
		f->trap = listen_on(INADDR_LOOPBACK + 1, &f->port);
	}
	if (f->data_listener < 0 || f->trap < 0)
		fail(f, "no port for data", "");
}

/* 1 when a connection waits. */
static int
has_caller(int listener)
{
	struct pollfd p = {listener, POLLIN, 0};

	return listener >= 0 && poll(&p, 1, 0) > 0;
}

static void
take(struct fake *f, const char *amount)
{
	char block[BLOCK];
	int all = strcmp(amount, "all") == 0;
	size_t left = all ? SIZE_MAX : strtoul(amount, NULL, 10);
	ssize_t n = 1;

	while (left > 0 && n > 0) {
		n = read(f->data, block,
		    left < sizeof block ? left : sizeof block);
		if (n > 0 && !all)
			left -= (size_t)n;
	}
}

static void
fill(int fd, size_t len)
{
	char block[BLOCK];
	size_t n;

	memset(block, 'x', sizeof block);
	for (; len > 0; len -= n) {
		n = len < sizeof block ? len : sizeof block;
		if (put(fd, block, n) != 0)
			return;
	}
}

/* 1 when the client has left, after a while. */
static int
is_gone(struct fake *f)
{
	struct pollfd p = {f->control, POLLIN, 0};
	char byte;

	return poll(&p, 1, DRIP_MS) > 0 &&
	       recv(f->control, &byte, 1, MSG_PEEK) <= 0;
}

/* One byte now and then, until the client leaves. */
static void
drip(struct fake *f, int fd)
{
	while (put(fd, "x", 1) == 0)
		if (is_gone(f))
			return;
}

/* TYPE, EPSV and REST come in one piece, if all three do. */
static void
start_from(struct fake *f)
{
	char *end;

	f->from = 0;
	expect(f, "TYPE I");
	expect(f, "EPSV");
	if (f->has_left)
		return;
	open_data(f);
	send_text(f, f->control, "200 binary\\r\\n229 data (|||%P|)", "\r\n");
	if (f->in_len == 0)
		return;
	end = memchr(f->in, '\n', f->in_len);
	if (end == NULL || strncmp(f->in, "REST ", 5) != 0)
		fail(f, "no REST", "");
	f->from = strtol(f->in + 5, NULL, 10);
	if (f->from <= 0 || f->from > f->told)
		fail(f, "REST of what never came", "");
	f->in_len -= (size_t)(end + 1 - f->in);
	memmove(f->in, end + 1, f->in_len);
	send_text(f, f->control, "350 from there", "\r\n");
}

/* A file from f->from on, all at once or byte by byte. */
static void
send_file(struct fake *f, const char *name, size_t piece)
{
	char block[BLOCK];
	FILE *in = fopen(name, "r");
	size_t n;

	if (in == NULL || fseek(in, f->from, SEEK_SET) != 0)
		fail(f, "cannot read", name);
	f->told = f->from;
	while ((n = fread(block, 1, piece, in)) > 0) {
		f->told += (long)n;
		if (put(f->data, block, n) != 0 || (piece == 1 && is_gone(f)))
			break;
	}
	fclose(in);
}

/* What it says in the meantime, QUIT above all, is not listened to. */
static void
await_end(struct fake *f)
{
	char block[LINE];

	while (read(f->control, block, sizeof block) > 0)
		;
}

static void
next(struct fake *f)
{
	shut(&f->data);
	shut(&f->control);
	f->in_len = 0;
	f->is_hasty = f->has_left = 0;
	f->control = accept(f->listener, NULL, NULL);
	if (f->control < 0)
		fail(f, "no connection", "");
}

static void
play(struct fake *f, const char *verb, const char *text)
{
	if (f->has_left && strcmp(verb, "next") != 0)
		return;
	if (strcmp(verb, "expect") == 0) {
		expect(f, text);
	} else if (strcmp(verb, "reply") == 0) {
		send_text(f, f->control, text, "\r\n");
	} else if (strcmp(verb, "raw") == 0) {
		send_text(f, f->control, text, "");
	} else if (strcmp(verb, "login") == 0) {
		send_text(f, f->control, "220 ready", "\r\n");
		expect(f, "USER studio");
		send_text(f, f->control, "331 password", "\r\n");
		expect(f, "PASS sec ret");
		send_text(f, f->control, "230 in", "\r\n");
	} else if (strcmp(verb, "listen") == 0) {
		open_data(f);
	} else if (strcmp(verb, "epsv") == 0) {
		expect(f, "TYPE I");
		expect(f, "EPSV");
		open_data(f);
		send_text(f, f->control, "200 binary\\r\\n229 data (|||%P|)",
		    "\r\n");
	} else if (strcmp(verb, "accept") == 0) {
		f->data = accept(f->data_listener, NULL, NULL);
		f->accepted = 1;
	} else if (strcmp(verb, "data") == 0) {
		send_text(f, f->data, text, "");
	} else if (strcmp(verb, "fill") == 0) {
		fill(f->data, strtoul(text, NULL, 10));
	} else if (strcmp(verb, "end") == 0) {
		shut(&f->data);
	} else if (strcmp(verb, "read") == 0) {
		take(f, text);
	} else if (strcmp(verb, "flood") == 0) {
		fill(f->control, SIZE_MAX);
	} else if (strcmp(verb, "flood-data") == 0) {
		fill(f->data, SIZE_MAX);
	} else if (strcmp(verb, "drip") == 0) {
		drip(f, f->control);
	} else if (strcmp(verb, "drip-data") == 0) {
		drip(f, f->data);
	} else if (strcmp(verb, "epsv-from") == 0) {
		start_from(f);
	} else if (strcmp(verb, "send") == 0) {
		send_file(f, text, BLOCK);
	} else if (strcmp(verb, "drip-file") == 0) {
		send_file(f, text, 1);
	} else if (strcmp(verb, "hasty") == 0) {
		f->is_hasty = 1;
	} else if (strcmp(verb, "gone") == 0) {
		await_end(f);
	} else if (strcmp(verb, "close") == 0) {
		shut(&f->data);
		shut(&f->control);
	} else if (strcmp(verb, "next") == 0) {
		next(f);
	} else {
		fail(f, "not a line of a case", verb);
	}
}

int
main(int argc, char **argv)
{
	struct fake f = {.listener = -1,
	    .control = -1,
	    .data_listener = -1,
	    .trap = -1,
	    .data = -1};
	char line[LINE], *text;
	unsigned port = 0;
	FILE *in;

	if (argc != 2)
		return 2;
	f.path = argv[1];
	in = fopen(f.path, "r");
	f.listener = listen_on(INADDR_LOOPBACK, &port);
	if (in == NULL || f.listener < 0)
		fail(&f, "cannot begin", "");
	signal(SIGPIPE, SIG_IGN);
	alarm(DEADLINE_S);
	printf("listening: %u\n", port);
	fflush(stdout);
	next(&f);
	while (fgets(line, sizeof line, in) != NULL) {
		f.line++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#' || line[0] == '%')
			continue;
		text = strchr(line, ' ');
		if (text != NULL)
			*text++ = '\0';
		play(&f, line, text != NULL ? text : "");
	}
	fclose(in);
	/* All it has to say is said when it is gone. */
	if (f.control >= 0)
		await_end(&f);
	if (has_caller(f.trap))
		fail(&f, "a connection to another machine", "");
	if (!f.accepted && has_caller(f.data_listener))
		f.data = accept(f.data_listener, NULL, NULL);
	if (has_caller(f.data_listener))
		fail(&f, "a connection for data too many", "");
	if (has_caller(f.listener))
		fail(&f, "a connection too many", "");
	return 0;
}
