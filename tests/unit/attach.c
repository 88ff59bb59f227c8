/* peer/attach: hosts, clients and operators over loopback sockets, with each
 * other and with peers that misbehave. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "peer/attach.h"
#include "tests/tap.h"
#include "tests/world.h"

#define TURNS 10000 /* of the loop, in which whatever is to happen happens */

static struct loop *loop;
static struct attach *attach;

#define UNTIL(cond)                                           \
	do {                                                  \
		int turns_ = 0;                               \
		while (!(cond) && turns_++ < TURNS)           \
			loop_once(loop, 1);                   \
		if (turns_ > TURNS)                           \
			OK(0, "it comes to pass: %s", #cond); \
	} while (0)

/* A party's clock can be behind: when it catches up, what was to come later
 * is due at once. */
struct late_clock {
	int64_t behind_ns;
};

static int64_t
late_mono(void *arg)
{
	return clock_mono_ns() - ((struct late_clock *)arg)->behind_ns;
}

static int64_t
late_wall(void *arg)
{
	(void)arg;
	return clock_wall_us();
}

/* --- a host --------------------------------------------------------------- */

struct a_host {
	struct host *host;
	struct attach_host *at;
	struct sock_addr bound;
	struct late_clock clock;
};

static void
host_rearms(void *arg)
{
	struct a_host *h = arg;

	if (h->at != NULL)
		attach_host_rearm(h->at);
}

static int
a_host_begin(struct a_host *h, size_t max_conns)
{
	struct keyring keys = KEYRING_INIT;
	struct host_config config;
	struct sock_addr any;
	struct err e = {ERR_NONE, ""};

	memset(h, 0, sizeof *h);
	memset(&config, 0, sizeof config);
	world_trust(&keys, 1, "");
	config.name = "east";
	config.keys = &keys;
	config.max_conns = max_conns;
	config.clock = (struct peer_clock){late_mono, late_wall, &h->clock};
	config.cb.arg = h;
	config.cb.rearm = host_rearms;
	h->host = host_new(&config, &e);
	keyring_free(&keys);
	if (h->host == NULL || sock_addr_parse(&any, "127.0.0.1:0", 0) != 0)
		return OK(0, "a host is made: %s", e.text);
	h->at = attach_host_start(attach, h->host, &any, 1, &h->bound, &e);
	return OK(h->at != NULL, "a host listens%s", e.text);
}

static void
host_finish(struct a_host *h)
{
	struct attach_host *at = h->at;

	attach_host_stop(at);
	h->at = NULL;
	IS(host_nconns(h->host), 0, "every connection was closed");
	host_free(h->host);
}

static struct sock_target
target_of(const struct sock_addr *a)
{
	struct sock_target t;
	char text[SOCK_TEXT];

	memset(&t, 0, sizeof t);
	sock_ip_format(t.address, a);
	sock_addr_format(text, a);
	t.port = (uint16_t)strtoul(strrchr(text, ':') + 1, NULL, 10);
	return t;
}

/* --- a bare peer ---------------------------------------------------------- */

struct bare {
	int fd, eof, broken;
	struct buf got;
};

static void
bare_begin(struct bare *b, const struct sock_addr *to)
{
	memset(b, 0, sizeof *b);
	b->fd = sock_connect(to);
}

static void
bare_says(struct bare *b, const char *text)
{
	if (send(b->fd, text, strlen(text), MSG_NOSIGNAL) !=
	    (ssize_t)strlen(text))
		b->broken = 1;
}

/* 1 when what was read holds this text. */
static int
bare_got(struct bare *b, const char *text)
{
	char piece[4096];
	ssize_t n;

	while ((n = recv(b->fd, piece, sizeof piece, 0)) > 0)
		buf_append(&b->got, piece, (size_t)n);
	if (n == 0)
		b->eof = 1;
	else if (errno != EAGAIN && errno != ENOTCONN)
		b->broken = errno;
	return strstr(buf_text(&b->got), text) != NULL;
}

static void
bare_finish(struct bare *b)
{
	close(b->fd);
	buf_free(&b->got);
}

/* --- hosts ---------------------------------------------------------------- */

static void
test_host(void)
{
	struct a_host h;
	struct bare b;
	char junk[20000];

	if (!a_host_begin(&h, 0))
		return;
	bare_begin(&b, &h.bound);
	UNTIL(bare_got(&b, "time: "));
	OK(bare_got(&b, "HOTFIX 1\nhost: east\n"), "a host greets");
	IS(host_nconns(h.host), 1, "the connection is counted");
	bare_says(&b, "PING 1\n\nPING 2\n\n");
	UNTIL(bare_got(&b, "PONG 1\n\nPONG 2\n\n"));
	bare_says(&b, "STATUS\n\n");
	UNTIL(bare_got(&b, "connections: 1\n"));
	IS(attach_host_is_draining(h.at), 0, "nothing is left to send");
	bare_says(&b, "BYE\n\n");
	UNTIL(bare_got(&b, "") && b.eof);
	IS(b.broken, 0, "BYE ends it in peace");
	bare_finish(&b);
	UNTIL(host_nconns(h.host) == 0);
	IS(attach_host_is_draining(h.at), 0, "and for good");

	/* An end of file is no reason not to answer. */
	bare_begin(&b, &h.bound);
	UNTIL(bare_got(&b, "time: "));
	bare_says(&b, "STATUS\n\nPING 1\n\nPING 2\n");
	shutdown(b.fd, SHUT_WR);
	UNTIL(bare_got(&b, "") && b.eof);
	OK(bare_got(&b, "PONG 1\n\n") && !bare_got(&b, "PONG 2"),
	    "whole frames before the peer's end are answered");
	bare_finish(&b);

	/* What a peer sends on and on must not cost it the last word. */
	memset(junk, 'x', sizeof junk - 1);
	junk[sizeof junk - 1] = '\0';
	bare_begin(&b, &h.bound);
	UNTIL(bare_got(&b, "time: "));
	bare_says(&b, "GET / HTTP/1.1\r\n\r\n");
	bare_says(&b, junk);
	bare_says(&b, junk);
	UNTIL(bare_got(&b, "") && b.eof);
	OK(bare_got(&b, "ERROR ") && b.broken == 0, "a browser sees the ERROR");
	IS(attach_host_is_draining(h.at), 1, "the host waits for its end");
	bare_finish(&b);
	UNTIL(host_nconns(h.host) == 0);

	/* A connection that breaks. */
	bare_begin(&b, &h.bound);
	UNTIL(host_nconns(h.host) == 1);
	bare_finish(&b);
	UNTIL(host_nconns(h.host) == 0);

	/* Deadlines of the host are kept. */
	h.clock.behind_ns = INT64_C(30000000000); /* without a frame */
	bare_begin(&b, &h.bound);
	UNTIL(host_nconns(h.host) == 1);
	h.clock.behind_ns = 0;
	UNTIL(bare_got(&b, "") && b.eof);
	OK(bare_got(&b, "ERROR timeout\n"), "a deadline of the host is kept");
	bare_finish(&b);

	bare_begin(&b, &h.bound);
	UNTIL(bare_got(&b, "time: "));
	host_shutdown(h.host);
	UNTIL(bare_got(&b, "") && b.eof);
	OK(bare_got(&b, "ERROR shutdown\n"), "a shutdown is told");
	IS(attach_host_is_draining(h.at), 1, "and lasts");
	shutdown(b.fd, SHUT_WR);
	UNTIL(!attach_host_is_draining(h.at));
	IS(host_nconns(h.host), 0, "until all have left");
	bare_finish(&b);
	host_finish(&h);
}

static void
test_many(void)
{
	enum { N = 150 }; /* more than are accepted in one turn */
	static struct bare b[N];
	struct a_host h;
	size_t one;
	int i, bad = 0;

	if (!a_host_begin(&h, N))
		return;
	for (i = 0; i < N; i++)
		bare_begin(&b[i], &h.bound);
	loop_once(loop, 100);
	one = host_nconns(h.host);
	OK(one > 0 && one < N, "a turn takes some of those who come");
	for (i = 0; i < N; i++)
		UNTIL(bare_got(&b[i], "time: "));
	IS(host_nconns(h.host), N, "all get in");

	bare_finish(&b[0]);
	UNTIL(host_nconns(h.host) == N - 1);
	bare_begin(&b[0], &h.bound);
	UNTIL(bare_got(&b[0], "time: "));
	{
		struct bare more;

		bare_begin(&more, &h.bound);
		UNTIL(bare_got(&more, "") && more.eof);
		IS_STR(buf_text(&more.got), "ERROR full\n\n",
		    "one too many learns why");
		IS(more.broken, 0, "and leaves in peace");
		bare_finish(&more);
	}
	attach_host_stop(h.at);
	h.at = NULL;
	for (i = 0; i < N; i++) {
		bare_got(&b[i], "");
		bad += !b[i].eof && b[i].broken == 0;
		bare_finish(&b[i]);
	}
	IS(bad, 0, "a stop closes all");
	host_finish(&h);
}

static void
test_no_descriptors(void)
{
	struct rlimit before, none;
	struct a_host h;
	struct bare b;
	int64_t start;
	int lowest;

	if (!a_host_begin(&h, 0))
		return;
	bare_begin(&b, &h.bound);
	lowest = dup(0);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &none);
	loop_once(loop, 100);
	start = clock_mono_ns();
	loop_once(loop, 20);
	OK(clock_mono_ns() - start >= INT64_C(20000000),
	    "without descriptors the loop sleeps");
	IS(host_nconns(h.host), 0, "nobody gets in");
	setrlimit(RLIMIT_NOFILE, &before);
	UNTIL(bare_got(&b, "time: "));
	IS(host_nconns(h.host), 1, "who waited gets in when there are some");
	bare_finish(&b);
	host_finish(&h);
}

static void
test_listen(void)
{
	struct a_host h;
	struct sock_addr two[2], bound[2];
	struct attach_host *at;
	struct bare b;
	struct err e;

	if (!a_host_begin(&h, 0))
		return;
	sock_addr_parse(&two[0], "127.0.0.1:0", 0);
	two[1] = h.bound; /* taken */
	at = attach_host_start(attach, h.host, two, 2, bound, &e);
	OK(at == NULL && strstr(e.text, "127.0.0.1:") != NULL,
	    "an address that is taken is told: %s", e.text);
	sock_addr_parse(&two[1], "127.0.0.1:0", 0);
	at = attach_host_start(attach, h.host, two, 2, bound, &e);
	if (OK(at != NULL, "a host may listen more than once")) {
		bare_begin(&b, &bound[1]);
		UNTIL(bare_got(&b, "time: "));
		attach_host_stop(at);
		bare_finish(&b);
	}
	host_finish(&h);
}

/* --- an operator ---------------------------------------------------------- */

struct an_operator {
	struct operator_side *o;
	struct attach_operator *at;
	struct late_clock clock;
	struct buf said;
	struct buf doc;
	size_t head_len;
	const char *reads;
};

static void
on_greeted(void *arg, const struct operator_greeting *g)
{
	struct an_operator *w = arg;

	buf_printf(&w->said, "greeted(%s)", g->host);
	if (w->reads != NULL)
		operator_read(w->o, w->reads);
	else if (w->doc.len > 0)
		operator_push(w->o, w->doc.data, w->doc.len, w->head_len, 1000);
}

static void
on_server(void *arg, const struct operator_server *s)
{
	buf_printf(&((struct an_operator *)arg)->said, "server(%s)", s->result);
}

static void
on_clients(void *arg, const struct operator_progress *p)
{
	buf_printf(&((struct an_operator *)arg)->said,
	    "clients(%" PRIu64 ",%" PRIu64 ")", p->targeted, p->applied);
}

static void
on_group(void *arg, const char *result, uint64_t count, const char *of,
    const void *text, size_t len)
{
	(void)count;
	(void)of;
	buf_printf(&((struct an_operator *)arg)->said, "group(%s|%.*s)", result,
	    (int)len, (const char *)text);
}

static void
on_done(void *arg, const char *result, const char *word, const char *text)
{
	buf_printf(&((struct an_operator *)arg)->said, "done(%s,%s,%s)", result,
	    word != NULL ? word : "-", text);
}

static void
on_ok(void *arg, const void *body, size_t len)
{
	(void)body;
	buf_printf(&((struct an_operator *)arg)->said, "ok(%d)", len > 0);
}

static void
on_error(void *arg, const char *word, const char *text)
{
	buf_printf(&((struct an_operator *)arg)->said, "error(%s,%s)",
	    word != NULL ? word : "-", text);
}

static void
operator_begin(struct an_operator *w, const struct sock_addr *to,
    const char *expect)
{
	struct operator_callbacks cb = {w, on_greeted, on_server, on_clients,
	    on_group, on_done, on_ok, on_error, NULL};
	struct peer_clock clock = {late_mono, late_wall, &w->clock};
	struct sock_target target = target_of(to);

	w->o = operator_new(expect, &clock, &cb);
	w->at = attach_operator_start(attach, w->o, &target);
}

static int
has_said(struct an_operator *w, const char *text)
{
	return strstr(buf_text(&w->said), text) != NULL;
}

static void
operator_finish(struct an_operator *w)
{
	attach_operator_stop(w->at);
	operator_free(w->o);
	buf_free(&w->said);
	buf_free(&w->doc);
	memset(w, 0, sizeof *w);
}

static void
test_operator(void)
{
	struct an_operator w;
	struct a_host h;
	struct sock_addr nobody, peer;
	struct bare b;
	char want[256], text[SOCK_TEXT];
	int listener;

	memset(&w, 0, sizeof w);
	if (!a_host_begin(&h, 0))
		return;
	w.reads = "STATUS";
	operator_begin(&w, &h.bound, "east");
	UNTIL(has_said(&w, "ok("));
	IS_STR(buf_text(&w.said), "greeted(east)ok(1)", "a status is read");
	buf_reset(&w.said);
	operator_read(w.o, "CLIENTS");
	UNTIL(has_said(&w, "ok("));
	IS_STR(buf_text(&w.said), "ok(0)", "and more, asked for later");
	operator_bye(w.o);
	UNTIL(host_nconns(h.host) == 0);
	IS_STR(buf_text(&w.said), "ok(0)", "bye is no error");
	operator_finish(&w);

	operator_begin(&w, &h.bound, "west");
	UNTIL(has_said(&w, "error("));
	IS_STR(buf_text(&w.said),
	    "error(-,the host there is 'east', not "
	    "'west')",
	    "another host is not spoken to");
	UNTIL(host_nconns(h.host) == 0);
	operator_finish(&w);

	w.reads = "STATUS";
	operator_begin(&w, &h.bound, "");
	attach_operator_stop(w.at);
	w.at = NULL;
	loop_once(loop, 0);
	IS(w.said.len, 0, "stopped at once it says nothing");
	operator_finish(&w);
	nobody = h.bound;
	host_finish(&h);

	operator_begin(&w, &nobody, "");
	IS(w.said.len, 0, "a failure to connect is not told from within");
	UNTIL(has_said(&w, "error("));
	snprintf(want, sizeof want, "error(-,%s: %s)",
	    sock_addr_format(text, &nobody), strerror(ECONNREFUSED));
	IS_STR(buf_text(&w.said), want, "but with the target and the reason");
	operator_finish(&w);

	/* Hosts that misbehave: a silent one, one that breaks off. */
	sock_addr_parse(&nobody, "127.0.0.1:0", 0);
	listener = sock_listen(&nobody, &nobody, NULL);
	memset(&b, 0, sizeof b);
	w.clock.behind_ns = OPERATOR_GREETING_NS;
	operator_begin(&w, &nobody, "");
	UNTIL((b.fd = sock_accept(listener, &peer)) >= 0);
	/* Both ends hold now; the deadline is set in the operator's turn. */
	UNTIL(operator_next_ns(w.o) >= 0);
	w.clock.behind_ns = 0;
	UNTIL(has_said(&w, "error("));
	IS_STR(buf_text(&w.said), "error(-,no greeting within 10 s)",
	    "a silent host");
	bare_finish(&b);
	operator_finish(&w);

	memset(&b, 0, sizeof b);
	operator_begin(&w, &nobody, "");
	UNTIL((b.fd = sock_accept(listener, &peer)) >= 0);
	bare_says(&b, "HOTFIX 1\nhost: e");
	bare_finish(&b);
	UNTIL(has_said(&w, "error("));
	IS_STR(buf_text(&w.said), "error(-,closed by the peer)",
	    "one that breaks off");
	operator_finish(&w);
	close(listener);
}

/* --- a client, and all three ---------------------------------------------- */

struct a_client {
	struct client *client;
	struct attach_client *at;
	struct late_clock clock;
	int welcomes, applies, gones;
	char why[256], logged[256];
};

static void
client_rearms(void *arg)
{
	struct a_client *c = arg;

	if (c->at != NULL)
		attach_client_rearm(c->at);
}

static void
on_apply(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	(void)d;
	(void)part;
	(void)len;
	(void)drop;
	(void)ndrop;
	((struct a_client *)arg)->applies++;
	out->result = RESULT_APPLIED;
}

static void
on_welcome(void *arg)
{
	((struct a_client *)arg)->welcomes++;
}

static void
on_gone(void *arg, const char *why)
{
	struct a_client *c = arg;

	c->gones++;
	snprintf(c->why, sizeof c->why, "%s", why);
}

static void
on_log(void *arg, const char *line)
{
	struct a_client *c = arg;

	snprintf(c->logged, sizeof c->logged, "%s", line);
}

static void
a_client_begin(struct a_client *c, const struct sock_addr *to)
{
	struct keyring keys = KEYRING_INIT;
	struct sock_target target = target_of(to);
	struct client_config config;
	struct err e = {ERR_NONE, ""};

	memset(c, 0, sizeof *c);
	memset(&config, 0, sizeof config);
	world_trust(&keys, 1, "");
	config.id = "player-17";
	config.keys = &keys;
	config.clock = (struct peer_clock){late_mono, late_wall, &c->clock};
	config.cb.arg = c;
	config.cb.apply = on_apply;
	config.cb.welcome = on_welcome;
	config.cb.gone = on_gone;
	config.cb.log = on_log;
	config.cb.rearm = client_rearms;
	c->client = client_new(&config, &e);
	keyring_free(&keys);
	if (!OK(c->client != NULL, "a client is made%s", e.text))
		return;
	c->at = attach_client_start(attach, c->client, &target);
}

static void
client_finish(struct a_client *c)
{
	attach_client_stop(c->at);
	c->at = NULL;
	client_free(c->client);
}

static void
test_client(void)
{
	struct doc_spec spec;
	struct an_operator w;
	struct a_client c;
	struct a_host h;
	struct err e;

	memset(&w, 0, sizeof w);
	if (!a_host_begin(&h, 0))
		return;
	a_client_begin(&c, &h.bound);
	UNTIL(c.welcomes == 1);
	IS(host_nclients(h.host), 1, "a client logs in");

	memset(&spec, 0, sizeof spec);
	spec.id = (uint64_t)clock_wall_us();
	spec.feature = "combat";
	spec.parts[DOC_CLIENT].bytes = "hotfix.log('x')\n";
	spec.parts[DOC_CLIENT].len = 16;
	world_document(&w.doc, &w.head_len, &spec, 1);
	operator_begin(&w, &h.bound, "east");
	UNTIL(has_said(&w, "done("));
	OK(has_said(&w, "clients(1,1)") && has_said(&w, "done(applied,-,)"),
	    "an operator's push reaches it: %s", buf_text(&w.said));
	IS(c.applies, 1, "and is applied once");
	operator_finish(&w);

	/* The host goes and comes back at the same address. */
	attach_host_stop(h.at);
	h.at = NULL;
	UNTIL(c.gones == 1);
	IS(client_is_welcome(c.client), 0, "a host that goes is noticed");
	h.at = attach_host_start(attach, h.host, &h.bound, 1, &h.bound, &e);
	if (OK(h.at != NULL, "it comes back"))
		UNTIL(c.welcomes == 2);
	IS(host_nclients(h.host), 1, "so does the client");
	attach_client_stop(c.at);
	IS(c.gones, 2, "a stop is told to the client, too");
	c.at = NULL;
	UNTIL(host_nclients(h.host) == 0);
	OK(1, "and seen by the host");
	client_finish(&c);
	host_finish(&h);
}

static void
test_client_alone(void)
{
	struct sock_addr any, deaf, peer;
	struct a_client c;
	int listener, fill[2], i, fd;

	/* Nobody there: attempts go on, each after a wait. */
	sock_addr_parse(&any, "127.0.0.1:0", 0);
	close(sock_listen(&any, &deaf, NULL));
	a_client_begin(&c, &deaf);
	UNTIL(!client_wants_connection(c.client));
	listener = sock_listen(&deaf, &any, NULL);
	if (OK(listener >= 0, "somebody comes")) {
		UNTIL((fd = sock_accept(listener, &peer)) >= 0);
		OK(fd >= 0, "an attempt follows one that failed");
		close(fd);
		close(listener);
	}
	client_finish(&c);

	/* Nobody takes the call: the client's own deadline ends it. */
	sock_addr_parse(&any, "127.0.0.1:0", 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	deaf.len = sizeof deaf.ss;
	if (bind(listener, (struct sockaddr *)&any.ss, any.len) != 0 ||
	    listen(listener, 0) != 0 ||
	    getsockname(listener, (struct sockaddr *)&deaf.ss, &deaf.len) != 0)
		return;
	for (i = 0; i < 2; i++)
		fill[i] = sock_connect(&deaf);
	a_client_begin(&c, &deaf);
	c.clock.behind_ns = CLIENT_LOGIN_NS;
	UNTIL(!client_wants_connection(c.client));
	c.clock.behind_ns = 0;
	UNTIL(c.logged[0] != '\0');
	OK(strstr(c.logged, "did not answer in time") != NULL,
	    "an attempt that takes too long is given up");
	client_finish(&c);
	for (i = 0; i < 2; i++)
		close(fill[i]);
	close(listener);
}

static int
lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

int
main(void)
{
	static const enum loop_backend backends[] = {LOOP_EPOLL, LOOP_POLL};
	size_t i;
	int before;

	signal(SIGPIPE, SIG_DFL);
	for (i = 0; i < 2; i++) {
		before = lowest_free();
		loop = loop_new(backends[i]);
		if (loop == NULL) {
			tap_skip("no such loop here");
			continue;
		}
		attach = attach_new(loop);
		if (!OK(attach != NULL, "parties can be attached"))
			return tap_done();
		test_host();
		test_many();
		test_no_descriptors();
		test_listen();
		test_operator();
		test_client();
		test_client_alone();
		attach_free(attach);
		loop_free(loop);
		IS(lowest_free(), before, "no descriptor is left");
	}
	return tap_done();
}
