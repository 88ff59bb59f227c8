/* Asking NTP servers for the time. */

#include "net/ntp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"

#define NS_PER_MS 1000000
#define NS_PER_US 1000
#define US_PER_S  1000000

/* A signal may come between looking at the flag and the wait. */
#define STOP_LOOK_MS 100

/* Reading two clocks: as close together as in one of so many tries. */
#define CLOCK_TRIES 5

#define SHOWN_MAX 128 /* of what is not even a name, in a message */

enum state {
	LOOKING_UP,
	WAITING,
	PAUSING, /* until it is asked again */
	ENDED,
};

struct peer {
	struct ntp_server *server;
	enum state state;
	uint16_t port;
	struct sock_resolve resolve;
	size_t at; /* of the addresses: the one in use */
	int fd;
	int64_t due_ns; /* of a wait or a pause */
	struct ntp_asked asked;
	int64_t sent_ns;
	struct ntp_sample samples[NTP_SAMPLES];
	int64_t root_us; /* the largest told */
	int heard;       /* it has answered */
	int slowly;      /* it limits how often it is asked */
	unsigned silent; /* requests in a row without an answer */
	unsigned packets;
	enum ntp_verdict dropped; /* what was wrong with the latest that was
				     no answer; NTP_GOOD: there was none */
	char trouble[NTP_WHY];    /* of the latest request; or empty */
};

struct query {
	const struct ntp_config *config;
	struct ntp_result *out;
	struct peer peers[NTP_SERVERS_MAX];
	int64_t wall_us, mono_ns; /* our clock at the start */
	int64_t late_ns;          /* the end, as it is known so far */
	int agreed;               /* a majority has: late_ns is final */
};

char *
ntp_seconds_format(char out[NTP_SECONDS], int64_t us)
{
	uint64_t n = us < 0 ? -(uint64_t)us : (uint64_t)us;

	snprintf(out, NTP_SECONDS, "%s%" PRIu64 ".%06" PRIu64,
	    us < 0 ? "-" : "", n / US_PER_S, n % US_PER_S);
	return out;
}

static void leave(struct peer *p, enum ntp_outcome outcome, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* It is out, and why. */
static void
leave(struct peer *p, enum ntp_outcome outcome, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->server->why, sizeof p->server->why, fmt, ap);
	va_end(ap);
	p->server->outcome = outcome;
	p->state = ENDED;
}

/* --- asking --------------------------------------------------------------- */

/* 1 when another server has this address: one that is told twice would have
 * two votes. */
static int
is_taken(const struct query *q, const struct peer *p, const struct sock_addr *a)
{
	char x[SOCK_TEXT], y[SOCK_TEXT];
	const struct peer *o;
	size_t i;

	for (i = 0; i < q->out->n; i++) {
		o = &q->peers[i];
		if (o != p && o->server->has_addr &&
		    o->server->outcome != NTP_OUT_UNREACHABLE &&
		    strcmp(sock_addr_format(x, a),
			sock_addr_format(y, &o->server->addr)) == 0)
			return 1;
	}
	return 0;
}

/* A socket that hears nobody but this address. The kernel picks its port at
 * random. -1 with errno. */
static int
open_socket(const struct sock_addr *a)
{
	int fd = socket(a->ss.ss_family, SOCK_DGRAM, 0);
	int flags, saved, on = 1;

	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    connect(fd, (const struct sockaddr *)&a->ss, a->len) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
#ifdef SO_TIMESTAMPNS
	/* Where it is refused our own clock has to do. */
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
#endif
	(void)on;
	return fd;
}

static void
close_socket(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* A socket for the address in use, or for the next of them that can be had.
 * 0, or -1: none, the peer has left. */
static int
open_address(struct query *q, struct peer *p)
{
	const struct sock_addr *a;
	size_t i;

	if (p->fd >= 0)
		return 0;
	for (i = 0; i < p->resolve.n; i++) {
		a = &p->resolve.addrs[p->at];
		if (is_taken(q, p, a)) {
			snprintf(p->trouble, sizeof p->trouble,
			    "it is another server's address");
		} else {
			p->server->addr = *a;
			p->server->has_addr = 1;
			p->fd = open_socket(a);
			if (p->fd >= 0)
				return 0;
			snprintf(p->trouble, sizeof p->trouble, "%s",
			    strerror(errno));
		}
		p->at = (p->at + 1) % p->resolve.n;
	}
	leave(p, NTP_OUT_UNREACHABLE, "%s", p->trouble);
	return -1;
}

/* In words: what came of the latest request. */
static void
tell_silence(const struct peer *p, char out[NTP_WHY])
{
	const char *what = p->trouble[0] != '\0' ? p->trouble : "no answer";

	if (p->dropped == NTP_GOOD)
		snprintf(out, NTP_WHY, "%.90s", what);
	else
		snprintf(out, NTP_WHY, "%.90s; what came had %s", what,
		    ntp_verdict_text(p->dropped));
}

/* Too few samples, and no more will come. */
static void
leave_silent(struct peer *p)
{
	char what[NTP_WHY];

	tell_silence(p, what);
	if (p->heard)
		leave(p, NTP_OUT_REFUSED, "%u of %d samples, then %.120s",
		    p->server->samples, NTP_SAMPLES, what);
	else
		leave(p, NTP_OUT_UNREACHABLE, "%s", what);
}

/* The request is lost: once more, later or elsewhere. */
static void
miss(struct peer *p)
{
	unsigned tries = NTP_SILENT_MAX;

	if (!p->heard && p->resolve.n > tries)
		tries = (unsigned)p->resolve.n;
	if (++p->silent >= tries) {
		leave_silent(p);
		return;
	}
	p->state = PAUSING;
	p->due_ns = clock_mono_ns();
	if (p->heard) {
		p->slowly = 1;
		p->due_ns = p->sent_ns + NTP_HEADWAY_NS;
	} else if (p->resolve.n > 1) {
		close_socket(p);
		p->at = (p->at + 1) % p->resolve.n;
	}
}

static void
ask(struct query *q, struct peer *p)
{
	uint8_t packet[NTP_PACKET_LEN];
	ssize_t n;

	if (open_address(q, p) != 0)
		return;
	if (random_bytes(p->asked.cookie, sizeof p->asked.cookie) != 0) {
		leave(p, NTP_OUT_UNREACHABLE, "random bytes: %s",
		    strerror(errno));
		return;
	}
	ntp_packet_build(packet, p->asked.cookie);
	p->asked.floor_us = q->config->floor_us;
	p->trouble[0] = '\0';
	p->state = WAITING;
	/* One reading of the machine's clock is behind all times, so that
	 * nobody who sets it in between is taken for an error of a server. */
	p->sent_ns = clock_mono_ns();
	p->asked.sent_us = q->wall_us + (p->sent_ns - q->mono_ns) / NS_PER_US;
	p->due_ns = p->sent_ns + NTP_SAMPLE_NS;
	do
		n = send(p->fd, packet, sizeof packet, 0);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof packet)
		return;
	snprintf(p->trouble, sizeof p->trouble, "%s", strerror(errno));
	miss(p);
}

/* --- answers -------------------------------------------------------------- */

/* For how long, in ns, a packet lay in the socket, by the kernel's stamp. That
 * is of a clock that can be set at any time: what does not fit into the time
 * since the request is not believed. */
static int64_t
lay_ns(struct msghdr *m, int64_t now_ns, int64_t sent_ns)
{
#ifdef SO_TIMESTAMPNS
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct timespec ts, now;
	int64_t lay;

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SO_TIMESTAMPNS || /* the kernel says it alike */
	    c->cmsg_len != CMSG_LEN(sizeof ts) ||
	    clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	memcpy(&ts, CMSG_DATA(c), sizeof ts);
	if (now.tv_sec - ts.tv_sec > 1 || now.tv_sec - ts.tv_sec < -1)
		return 0;
	lay = (int64_t)(now.tv_sec - ts.tv_sec) * 1000000000 + now.tv_nsec -
	      ts.tv_nsec;
	return lay >= 0 && lay <= now_ns - sent_ns ? lay : 0;
#else
	(void)m;
	(void)now_ns;
	(void)sent_ns;
	return 0;
#endif
}

/* All samples are there. */
static void
settle(struct peer *p)
{
	struct ntp_server *s = p->server;
	struct ntp_sample best;
	int64_t apart_us;
	char apart[NTP_SECONDS];

	if (ntp_pick_sample(&best, p->samples, s->samples, &apart_us) != 0) {
		leave(p, NTP_OUT_REFUSED,
		    "two of its answers are %s s apart, more than their way"
		    " explains",
		    ntp_seconds_format(apart, apart_us));
		return;
	}
	s->offset_us = best.offset_us;
	s->delay_us = best.delay_us;
	s->distance_us = best.delay_us / 2 + p->root_us;
	s->outcome = NTP_OUT_USED;
	p->state = ENDED;
}

static void
take_kiss(struct peer *p, const char *code)
{
	if (strcmp(code, "RATE") == 0)
		leave(p, NTP_OUT_REFUSED,
		    "it wants to be asked less often (RATE): wait a few"
		    " minutes");
	else if (strcmp(code, "DENY") == 0 || strcmp(code, "RSTR") == 0)
		leave(p, NTP_OUT_REFUSED, "it does not serve us (%s)", code);
	else
		leave(p, NTP_OUT_REFUSED, "it has no time to give (%s)", code);
}

/* The answer to the request: a second one finds nobody waiting. */
static void
take_answer(struct peer *p, enum ntp_verdict v, const struct ntp_answer *a)
{
	struct ntp_server *s = p->server;
	struct ntp_sample *sample;

	p->heard = 1;
	p->silent = 0;
	if (v == NTP_KISS) {
		take_kiss(p, a->kiss);
		return;
	}
	if (v != NTP_GOOD) {
		leave(p, NTP_OUT_REFUSED, "its answer has %s",
		    ntp_verdict_text(v));
		return;
	}
	sample = &p->samples[s->samples++];
	sample->offset_us = a->offset_us;
	sample->delay_us = a->delay_us;
	s->stratum = a->stratum;
	s->leap = a->leap;
	if (a->root_us > p->root_us)
		p->root_us = a->root_us;
	if (s->samples == NTP_SAMPLES) {
		settle(p);
		return;
	}
	p->state = PAUSING;
	p->due_ns = p->slowly ? p->sent_ns + NTP_HEADWAY_NS : clock_mono_ns();
}

/* One packet: 1, or 0 when there is none. */
static int
receive(struct peer *p)
{
	/* One more than may be, so that what was cut shows. */
	uint8_t bytes[NTP_PACKET_MAX + 1];
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec iov = {bytes, sizeof bytes};
	struct ntp_answer a;
	enum ntp_verdict v;
	struct msghdr m;
	int64_t now_ns;
	ssize_t n;

	memset(&m, 0, sizeof m);
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = &control;
	m.msg_controllen = sizeof control;
	n = recvmsg(p->fd, &m, 0);
	now_ns = clock_mono_ns();
	if (n < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
			return 0;
		/* Nobody listens, or no way there. Anybody can say so: it
		 * costs this request and not the server. */
		if (p->state == WAITING) {
			snprintf(p->trouble, sizeof p->trouble, "%s",
			    strerror(errno));
			miss(p);
		}
		return 1;
	}
	if (++p->packets > NTP_PACKETS_MAX) {
		leave(p, p->heard ? NTP_OUT_REFUSED : NTP_OUT_UNREACHABLE,
		    "more than %d packets, too few of them answers",
		    NTP_PACKETS_MAX);
		return 1;
	}
	if (p->state != WAITING)
		return 1;
	p->asked.took_ns = now_ns - lay_ns(&m, now_ns, p->sent_ns) - p->sent_ns;
	v = ntp_packet_check(&a, bytes, (size_t)n, &p->asked);
	if (ntp_verdict_is_answer(v))
		take_answer(p, v, &a);
	else
		p->dropped = v;
	return 1;
}

/* --- all of them ---------------------------------------------------------- */

static void
look_up(struct query *q, struct peer *p)
{
	const char *name = p->resolve.address;
	size_t len = strlen(name);
	struct err e;

	if (sock_resolve_finish(&p->resolve, &e) == 0)
		ask(q, p);
	else if (strncmp(e.text, name, len) == 0 && e.text[len] == ':')
		/* The server's name stands in front of its reason anyhow. */
		leave(p, NTP_OUT_UNREACHABLE, "%.180s", e.text + len + 2);
	else
		leave(p, NTP_OUT_UNREACHABLE, "%.180s", e.text);
}

/* The votes of those that have ended well, and which servers they are. */
static size_t
collect(const struct query *q, struct ntp_vote votes[NTP_SERVERS_MAX],
    size_t which[NTP_SERVERS_MAX])
{
	const struct ntp_server *s;
	size_t i, n = 0;

	for (i = 0; i < q->out->n; i++) {
		s = &q->out->servers[i];
		if (q->peers[i].state != ENDED || s->outcome != NTP_OUT_USED)
			continue;
		votes[n].offset_us = s->offset_us;
		votes[n].delay_us = s->delay_us;
		votes[n].root_us = s->distance_us - s->delay_us / 2;
		which[n++] = i;
	}
	return n;
}

/* More than half of all agree: what is still to come changes nothing, and one
 * that does not answer is not worth waiting for. */
static void
look_for_majority(struct query *q)
{
	struct ntp_vote votes[NTP_SERVERS_MAX];
	size_t which[NTP_SERVERS_MAX], n = collect(q, votes, which);
	int64_t offset_us, late_ns = clock_mono_ns() + NTP_LATE_NS;

	if (q->agreed || 2 * n <= q->out->n ||
	    2 * ntp_pick_votes(&offset_us, votes, n) <= q->out->n)
		return;
	q->agreed = 1;
	if (late_ns < q->late_ns)
		q->late_ns = late_ns;
}

static void
run_due(struct query *q, int64_t now_ns)
{
	struct peer *p;
	size_t i;

	for (i = 0; i < q->out->n; i++) {
		p = &q->peers[i];
		if (p->state == WAITING && p->due_ns <= now_ns)
			miss(p);
		if (p->state == PAUSING && p->due_ns <= now_ns)
			ask(q, p);
	}
}

/* Wait for what is next. 1, 0: all have ended or the time is up; -1: errno. */
static int
turn(struct query *q)
{
	struct pollfd fds[NTP_SERVERS_MAX];
	struct peer *of[NTP_SERVERS_MAX], *p;
	int64_t now_ns = clock_mono_ns(), next_ns = q->late_ns, wait_ms;
	size_t i, n = 0;
	int open = 0;

	if (now_ns >= q->late_ns)
		return 0;
	for (i = 0; i < q->out->n; i++) {
		p = &q->peers[i];
		if (p->state == ENDED)
			continue;
		open = 1;
		if (p->state != LOOKING_UP && p->due_ns < next_ns)
			next_ns = p->due_ns;
		fds[n].fd = p->state == LOOKING_UP ? p->resolve.fd : p->fd;
		fds[n].events = POLLIN;
		fds[n].revents = 0;
		of[n++] = p;
	}
	if (!open)
		return 0;
	wait_ms = next_ns <= now_ns
		      ? 0
		      : (next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	if (q->config->stop != NULL && wait_ms > STOP_LOOK_MS)
		wait_ms = STOP_LOOK_MS;
	if (poll(fds, (nfds_t)n, (int)wait_ms) < 0)
		return errno == EINTR ? 1 : -1;
	for (i = 0; i < n; i++) {
		p = of[i];
		if (fds[i].revents == 0)
			continue;
		if (p->state == LOOKING_UP)
			look_up(q, p);
		else
			while (p->state != ENDED && p->fd == fds[i].fd &&
			       receive(p))
				;
	}
	run_due(q, clock_mono_ns());
	look_for_majority(q);
	return 1;
}

static int
is_stopped(const struct query *q)
{
	return q->config->stop != NULL && *q->config->stop;
}

/* 0, or -1: stopped, or errno. */
static int
run(struct query *q)
{
	int r = 1;

	while (r > 0 && !is_stopped(q))
		r = turn(q);
	return r;
}

/* Those that have not ended are out of time. */
static void
end_rest(struct query *q)
{
	struct peer *p;
	size_t i;

	for (i = 0; i < q->out->n; i++) {
		p = &q->peers[i];
		if (p->state == LOOKING_UP)
			leave(p, NTP_OUT_UNREACHABLE,
			    "its name was not looked up in time");
		else if (p->state != ENDED)
			leave_silent(p);
	}
}

/* Both clocks at one instant: who is put aside between the two readings would
 * find all servers off by that. */
static void
read_clocks(struct query *q)
{
	int64_t before_ns, wall_us, took_ns, best_ns = INT64_MAX;
	int i;

	for (i = 0; i < CLOCK_TRIES; i++) {
		before_ns = clock_mono_ns();
		wall_us = clock_wall_us();
		took_ns = clock_mono_ns() - before_ns;
		if (took_ns >= best_ns)
			continue;
		best_ns = took_ns;
		q->mono_ns = before_ns + took_ns / 2;
		q->wall_us = wall_us;
	}
}

/* Begin: 0, or -1 with err (ERR_USAGE, ERR_LOCAL). */
static int
start(struct query *q, struct err *e)
{
	const struct ntp_config *c = q->config;
	struct sock_target targets[NTP_SERVERS_MAX];
	char shown[SHOWN_MAX];
	struct peer *p;
	size_t i;

	for (i = 0; i < c->nservers; i++)
		if (sock_target_parse(&targets[i], c->servers[i], NTP_PORT) !=
			0 ||
		    targets[i].name[0] != '\0')
			return err_set(e, ERR_USAGE,
			    "%s: not ADDRESS or ADDRESS:PORT",
			    text_escape(shown, sizeof shown, c->servers[i],
				strlen(c->servers[i]), 0));
	for (i = 0; i < c->nservers; i++) {
		p = &q->peers[i];
		p->server = &q->out->servers[i];
		p->server->name = c->servers[i];
		p->fd = -1;
		p->resolve.fd = -1;
		q->out->n++;
	}
	for (i = 0; i < c->nservers; i++) {
		p = &q->peers[i];
		if (sock_resolve_start(&p->resolve, targets[i].address,
			targets[i].port, e) != 0)
			return -1;
		if (p->resolve.fd < 0)
			look_up(q, p);
	}
	return 0;
}

static void
end(struct query *q)
{
	size_t i;

	for (i = 0; i < q->out->n; i++) {
		sock_resolve_cancel(&q->peers[i].resolve);
		close_socket(&q->peers[i]);
	}
}

/* --- the outcome ---------------------------------------------------------- */

static void
add(char *text, size_t size, const char *what)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%s", len > 0 ? "; " : "", what);
}

/* No server is left: why each of them is not. */
static int
fail_all(const struct ntp_result *out, struct err *e)
{
	char text[ERR_TEXT] = "", line[2 * NTP_WHY];
	enum err_kind kind = ERR_PEER;
	size_t i;

	for (i = 0; i < out->n; i++) {
		/* What has answered was reached. */
		if (out->servers[i].outcome == NTP_OUT_REFUSED)
			kind = ERR_NO;
		snprintf(line, sizeof line, "%.150s: %s", out->servers[i].name,
		    out->servers[i].why);
		add(text, sizeof text, line);
	}
	return err_set(e, kind, "%s", text);
}

/* Each says something else. */
static int
fail_disagreeing(struct ntp_result *out, const size_t *which, size_t n,
    struct err *e)
{
	char text[ERR_TEXT] = "", line[NTP_WHY], seconds[NTP_SECONDS];
	struct ntp_server *s;
	size_t i;

	for (i = 0; i < n; i++) {
		s = &out->servers[which[i]];
		s->outcome = NTP_OUT_DISAGREES;
		snprintf(s->why, sizeof s->why,
		    "the servers have no majority for one time");
		snprintf(line, sizeof line, "%.100s: offset %s s", s->name,
		    ntp_seconds_format(seconds, s->offset_us));
		add(text, sizeof text, line);
	}
	return err_set(e, ERR_NO,
	    "the servers disagree, not even more than"
	    " half of them tell one time: %s",
	    text);
}

static int
conclude(struct query *q, struct err *e)
{
	struct ntp_vote votes[NTP_SERVERS_MAX];
	size_t which[NTP_SERVERS_MAX], n = collect(q, votes, which), i;
	struct ntp_result *out = q->out;
	struct ntp_server *s;
	char seconds[NTP_SECONDS];

	if (n == 0)
		return fail_all(out, e);
	out->used = ntp_pick_votes(&out->offset_us, votes, n);
	if (out->used == 0)
		return fail_disagreeing(out, which, n, e);
	for (i = 0; i < n; i++) {
		s = &out->servers[which[i]];
		if (votes[i].agrees)
			continue;
		s->outcome = NTP_OUT_FALSETICKER;
		snprintf(s->why, sizeof s->why,
		    "its time is %s s from that of the majority",
		    ntp_seconds_format(seconds, s->offset_us - out->offset_us));
	}
	out->base_us = q->wall_us + out->offset_us;
	out->base_ns = q->mono_ns;
	return 0;
}

int
ntp_query(const struct ntp_config *c, struct ntp_result *out, struct err *e)
{
	struct query q;
	int ret = -1;

	memset(&q, 0, sizeof q);
	memset(out, 0, sizeof *out);
	q.config = c;
	q.out = out;
	if (c->nservers == 0 || c->nservers > NTP_SERVERS_MAX)
		return err_set(e, ERR_USAGE, "1 to %d time servers",
		    NTP_SERVERS_MAX);
	read_clocks(&q);
	q.late_ns = q.mono_ns + NTP_TOTAL_NS;
	if (start(&q, e) != 0)
		goto out;
	if (run(&q) < 0) {
		err_errno(e, ERR_LOCAL, "waiting for time servers");
		goto out;
	}
	end_rest(&q);
	ret = is_stopped(&q) ? err_set(e, ERR_PEER, "interrupted")
			     : conclude(&q, e);
out:
	end(&q);
	return ret;
}
