/*
 * Time servers that answer as they are told, wrongly for the most part.
 *
 *	usage: fakentp CASE...
 *
 * Serves each CASE on a port of its own on 127.0.0.1, and prints a line
 * "CASE ADDRESS:PORT", then "ready", then for each request that comes
 * "CASE request PORT HEX": from which port, and its bytes.
 *
 * A CASE is a file of lines. "request" begins what is sent for a request, the
 * last of them for all that come later; "send NAME=VALUE..." sends a packet:
 * a good answer of this machine's clock, but for
 *
 *	leap version mode stratum	numbers
 *	refid				text
 *	origin		cookie; zero, old (that of the request before), flip
 *			(one bit is other), random
 *	root dispersion			seconds
 *	receive transmit		zero
 *	offset		seconds by which the server is ahead
 *	hold		seconds from receive to transmit; the default is none,
 *			so that what it waits is as on the way back
 *	wait		milliseconds before it is sent
 *	length		cut or filled up to so many bytes
 *	times		so often
 *	from		other: from another port
 *	echo		1: the request itself
 *
 * "headway MS" drops what comes within so many milliseconds of the request
 * before, as servers do that limit how often they answer; the first two may.
 *
 * Lines with a colon in their first word, and those that begin with '#', are
 * not for this program.
 */

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"

#define PACKET      48
#define LENGTH_MAX  2048
#define BURST       2
#define SENDS_MAX   64
#define CASES_MAX   128
#define PENDING_MAX 4096
#define EPOCH_S     2208988800.0
#define US_PER_S    1000000
#define US_PER_MS   1000
#define NS_PER_MS   1000000
#define TWO_TO_32   4294967296.0
#define TWO_TO_16   65536.0

enum origin { COOKIE, ZERO, OLD, FLIP, RANDOM };

struct answer {
	unsigned request; /* the number of the one that it belongs to */
	unsigned leap, version, mode, stratum;
	char refid[5];
	enum origin origin;
	double root, dispersion, offset, hold;
	int no_receive, no_transmit, other, echo;
	int64_t wait_ms;
	size_t length;
	unsigned times;
};

struct fake {
	const char *name;
	int fd;
	struct answer sends[SENDS_MAX];
	size_t nsends;
	unsigned blocks;   /* of requests in the file */
	unsigned requests; /* that came */
	int64_t headway_ms, latest_us;
	uint8_t cookie[8], old[8];
};

struct packet {
	int64_t due_ns;
	int fd;
	struct sockaddr_in to;
	uint8_t bytes[LENGTH_MAX];
	size_t len;
};

struct fakes {
	struct fake fakes[CASES_MAX];
	size_t n;
	int other; /* a socket that nobody asks */
	struct packet *pending;
	size_t npending;
};

static void
die(const char *what, const char *more)
{
	fprintf(stderr, "fakentp: %s: %s\n", what, more);
	exit(1);
}

/* --- cases ---------------------------------------------------------------- */

static enum origin
parse_origin(const char *value)
{
	static const char *const names[] = {
	    "cookie", "zero", "old", "flip", "random"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(value, names[i]) == 0)
			return (enum origin)i;
	die("no such origin", value);
	return COOKIE;
}

static void
set(struct answer *a, const char *name, const char *value)
{
	unsigned n = (unsigned)strtoul(value, NULL, 10);

	if (strcmp(name, "leap") == 0)
		a->leap = n;
	else if (strcmp(name, "version") == 0)
		a->version = n;
	else if (strcmp(name, "mode") == 0)
		a->mode = n;
	else if (strcmp(name, "stratum") == 0)
		a->stratum = n;
	else if (strcmp(name, "refid") == 0)
		snprintf(a->refid, sizeof a->refid, "%.4s", value);
	else if (strcmp(name, "origin") == 0)
		a->origin = parse_origin(value);
	else if (strcmp(name, "root") == 0)
		a->root = strtod(value, NULL);
	else if (strcmp(name, "dispersion") == 0)
		a->dispersion = strtod(value, NULL);
	else if (strcmp(name, "receive") == 0)
		a->no_receive = 1;
	else if (strcmp(name, "transmit") == 0)
		a->no_transmit = 1;
	else if (strcmp(name, "offset") == 0)
		a->offset = strtod(value, NULL);
	else if (strcmp(name, "hold") == 0)
		a->hold = strtod(value, NULL);
	else if (strcmp(name, "wait") == 0)
		a->wait_ms = n;
	else if (strcmp(name, "length") == 0)
		a->length = n;
	else if (strcmp(name, "times") == 0)
		a->times = n;
	else if (strcmp(name, "from") == 0)
		a->other = 1;
	else if (strcmp(name, "echo") == 0)
		a->echo = 1;
	else
		die("no such field", name);
}

static void
add_send(struct fake *f, char *fields)
{
	struct answer *a;
	char *word, *eq;

	if (f->blocks == 0 || f->nsends == SENDS_MAX)
		die(f->name, "send without a request, or too many");
	a = &f->sends[f->nsends++];
	memset(a, 0, sizeof *a);
	a->request = f->blocks;
	a->version = 4;
	a->mode = 4;
	a->stratum = 3;
	a->length = PACKET;
	a->times = 1;
	for (word = strtok(fields, " \t\n"); word != NULL;
	     word = strtok(NULL, " \t\n")) {
		eq = strchr(word, '=');
		if (eq == NULL)
			die("no value", word);
		*eq = '\0';
		set(a, word, eq + 1);
	}
	if (a->length > LENGTH_MAX)
		die(f->name, "too long");
}

static void
read_case(struct fake *f, const char *path)
{
	FILE *in = fopen(path, "r");
	const char *slash = strrchr(path, '/');
	char line[512];

	if (in == NULL)
		die(path, strerror(errno));
	f->name = slash != NULL ? slash + 1 : path;
	while (fgets(line, sizeof line, in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "request") == 0)
			f->blocks++;
		else if (strncmp(line, "headway ", 8) == 0)
			f->headway_ms = strtol(line + 8, NULL, 10);
		else if (strncmp(line, "send", 4) == 0 &&
			 strchr(" ", line[4]) != NULL)
			add_send(f, line + 4);
		else if (line[0] != '\0' && line[0] != '#' &&
			 line[strcspn(line, " :")] != ':')
			die(path, line);
	}
	fclose(in);
}

/* --- answers -------------------------------------------------------------- */

static void
put_32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

/* Seconds and microseconds apart, because a double has not room for both. */
static void
put_time(uint8_t *p, int64_t us, double more_s)
{
	double s = floor(more_s);
	int64_t sum_us = us + (int64_t)((more_s - s) * US_PER_S);

	put_32(p, (uint32_t)(uint64_t)(sum_us / US_PER_S + (int64_t)s +
				       (int64_t)EPOCH_S));
	put_32(p + 4,
	    (uint32_t)((double)(sum_us % US_PER_S) / US_PER_S * TWO_TO_32));
}

static void
put_origin(uint8_t *p, const struct fake *f, enum origin origin)
{
	memcpy(p, origin == OLD ? f->old : f->cookie, 8);
	if (origin == ZERO)
		memset(p, 0, 8);
	if (origin == FLIP)
		p[7] ^= 1;
	if (origin == RANDOM && random_bytes(p, 8) != 0)
		die("random bytes", strerror(errno));
}

static void
make(uint8_t *p, const struct fake *f, const struct answer *a,
    const uint8_t *request, int64_t now_us)
{
	memset(p, 0, LENGTH_MAX);
	if (a->echo) {
		memcpy(p, request, PACKET);
		return;
	}
	p[0] = (uint8_t)(a->leap << 6 | a->version << 3 | a->mode);
	p[1] = (uint8_t)a->stratum;
	put_32(p + 4, (uint32_t)(int32_t)(a->root * TWO_TO_16));
	put_32(p + 8, (uint32_t)(a->dispersion * TWO_TO_16));
	memcpy(p + 12, a->refid, 4);
	put_origin(p + 24, f, a->origin);
	if (!a->no_receive)
		put_time(p + 32, now_us, a->offset);
	if (!a->no_transmit)
		put_time(p + 40, now_us, a->offset + a->hold);
}

static void
queue(struct fakes *all, const struct fake *f, const struct answer *a,
    const struct sockaddr_in *to, const uint8_t *request, int64_t now_us)
{
	struct packet *p;

	if (all->npending == PENDING_MAX)
		die(f->name, "too many packets wait");
	p = &all->pending[all->npending++];
	p->due_ns = clock_mono_ns() + a->wait_ms * NS_PER_MS;
	p->fd = a->other ? all->other : f->fd;
	p->to = *to;
	p->len = a->length;
	make(p->bytes, f, a, request, now_us);
}

/* What has to go by now, in the order in which it was queued. Returns in how
 * many ms the next one is due, -1: none waits. */
static int
send_due(struct fakes *all)
{
	int64_t now_ns = clock_mono_ns(), next_ns = INT64_MAX;
	struct packet *p;
	size_t i, kept = 0;

	for (i = 0; i < all->npending; i++) {
		p = &all->pending[i];
		if (p->due_ns > now_ns) {
			if (p->due_ns < next_ns)
				next_ns = p->due_ns;
			all->pending[kept++] = *p;
			continue;
		}
		/* Who asked may be gone. */
		if (sendto(p->fd, p->bytes, p->len, 0,
			(const struct sockaddr *)&p->to, sizeof p->to) < 0)
			continue;
	}
	all->npending = kept;
	return kept == 0 ? -1 : (int)((next_ns - now_ns) / NS_PER_MS + 1);
}

static void
tell(const struct fake *f, const struct sockaddr_in *from, const uint8_t *bytes,
    size_t len)
{
	size_t i;

	printf("%s request %u ", f->name, (unsigned)ntohs(from->sin_port));
	for (i = 0; i < len; i++)
		printf("%02x", (unsigned)bytes[i]);
	putchar('\n');
	fflush(stdout);
}

/* One packet and when it came, by the kernel's stamp: on loopback that is when
 * it was sent, however late this program comes to it. */
static ssize_t
receive(int fd, uint8_t *bytes, struct sockaddr_in *from, int64_t *came_us)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec iov = {bytes, LENGTH_MAX};
	struct msghdr m;
	struct cmsghdr *c;
	struct timespec ts;
	ssize_t n;

	memset(&m, 0, sizeof m);
	m.msg_name = from;
	m.msg_namelen = sizeof *from;
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = &control;
	m.msg_controllen = sizeof control;
	n = recvmsg(fd, &m, 0);
	*came_us = clock_wall_us();
	/* SCM_TIMESTAMPNS has the same number, and not every header has it. */
	c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SO_TIMESTAMPNS) {
		memcpy(&ts, CMSG_DATA(c), sizeof ts);
		*came_us = (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
	}
	return n;
}

/* 1 when it comes too soon behind the one before, answered or not. */
static int
is_early(struct fake *f, int64_t came_us)
{
	int64_t before_us = f->latest_us;

	f->latest_us = came_us;
	return f->requests >= BURST &&
	       came_us - before_us < f->headway_ms * US_PER_MS;
}

static void
serve(struct fakes *all, struct fake *f)
{
	int64_t now_us = clock_wall_us(), came_us;
	uint8_t bytes[LENGTH_MAX];
	struct sockaddr_in from;
	unsigned block, k;
	ssize_t n;
	size_t i;

	n = receive(f->fd, bytes, &from, &came_us);
	if (n < PACKET)
		return;
	tell(f, &from, bytes, (size_t)n);
	if (is_early(f, came_us))
		return;
	f->requests++;
	memcpy(f->old, f->cookie, sizeof f->old);
	memcpy(f->cookie, bytes + 40, sizeof f->cookie);
	block = f->requests < f->blocks ? f->requests : f->blocks;
	for (i = 0; i < f->nsends; i++)
		for (k = 0;
		     f->sends[i].request == block && k < f->sends[i].times; k++)
			queue(all, f, &f->sends[i], &from, bytes, now_us);
	send_due(all);
}

static int
open_socket(uint16_t *port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		die("socket", strerror(errno));
	/* Where it is refused our own clock has to do. */
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	*port = ntohs(a.sin_port);
	return fd;
}

int
main(int argc, char **argv)
{
	struct fakes *all = calloc(1, sizeof *all);
	struct pollfd fds[CASES_MAX];
	uint16_t port;
	size_t i;
	int wait_ms = -1;

	if (argc < 2 || argc - 1 > CASES_MAX || all == NULL)
		die("usage", "fakentp CASE...");
	all->pending = calloc(PENDING_MAX, sizeof *all->pending);
	if (all->pending == NULL)
		die("memory", strerror(errno));
	all->n = (size_t)argc - 1;
	all->other = open_socket(&port);
	for (i = 0; i < all->n; i++) {
		read_case(&all->fakes[i], argv[i + 1]);
		all->fakes[i].fd = open_socket(&port);
		fds[i].fd = all->fakes[i].fd;
		fds[i].events = POLLIN;
		printf("%s 127.0.0.1:%u\n", all->fakes[i].name, (unsigned)port);
	}
	puts("ready");
	fflush(stdout);
	while (poll(fds, (nfds_t)all->n, wait_ms) >= 0 || errno == EINTR) {
		for (i = 0; i < all->n; i++)
			if (fds[i].revents != 0)
				serve(all, &all->fakes[i]);
		wait_ms = send_due(all);
	}
	die("poll", strerror(errno));
	return 1;
}
