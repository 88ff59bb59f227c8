/* Hosts, clients and operators in one loop. */

#include "peer/attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "peer/conn.h"
#include "peer/dial.h"

/* Connections taken in one turn: ten thousand that come at once must not
 * hold up those that are here. */
#define ACCEPTS 64

/* After a failed accept, such as for lack of descriptors, which would be
 * tried again at once and for nothing. */
#define ACCEPT_PAUSE_NS INT64_C(100000000)

struct attach {
	struct conns conns;
};

struct attach *
attach_new(struct loop *l)
{
	struct attach *a = malloc(sizeof *a);

	if (a != NULL)
		conns_init(&a->conns, l);
	return a;
}

void
attach_free(struct attach *a)
{
	if (a == NULL)
		return;
	conns_free(&a->conns);
	free(a);
}

/* A timer for a party's next deadline, -1: none. Without memory the party is
 * late until the next call. */
static void
arm(struct attach *a, struct loop_timer *t, int64_t deadline_ns,
    void (*due)(void *arg), void *arg)
{
	if (deadline_ns < 0)
		loop_timer_cancel(a->conns.loop, t);
	else
		loop_timer_set(a->conns.loop, t, deadline_ns, due, arg);
}

/* --- hosts ---------------------------------------------------------------- */

struct listener {
	struct loop_io io;
	struct attach_host *owner;
	int fd;
};

struct served {
	struct conn conn;
	struct attach_host *owner;
	struct host_conn *host_conn;
	struct served *next, *prev;
};

struct attach_host {
	struct attach *attach;
	struct host *host;
	struct listener *listeners;
	size_t nlisteners;
	struct served *first;
	struct loop_timer tick, pause;
};

static void
forget(struct served *s)
{
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		s->owner->first = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	free(s);
}

static void
on_served_ended(void *arg, const char *why)
{
	struct served *s = arg;

	host_conn_close(s->host_conn, why);
	forget(s);
}

/* Whoever is not let in may learn why, if it has said nothing yet and its
 * socket takes the one frame. */
static void
turn_away(int fd, const struct buf *refusal)
{
	if (!refusal->oom && refusal->len > 0)
		(void)send(fd, refusal->data, refusal->len, MSG_NOSIGNAL);
	close(fd);
}

static void
serve(struct attach_host *ah, int fd, const struct sock_addr *peer)
{
	struct served *s = calloc(1, sizeof *s);
	struct buf refusal = BUF_INIT;

	if (s == NULL) {
		close(fd);
		return;
	}
	sock_keepalive(fd);
	s->owner = ah;
	s->host_conn = host_conn_new(ah->host, peer, &refusal);
	if (s->host_conn == NULL) {
		turn_away(fd, &refusal);
		free(s);
	} else if (conn_start(&s->conn, &ah->attach->conns, fd,
		       host_conn_link(s->host_conn), on_served_ended, NULL,
		       s) != 0) {
		host_conn_close(s->host_conn, strerror(errno));
		close(fd);
		free(s);
	} else {
		s->next = ah->first;
		if (ah->first != NULL)
			ah->first->prev = s;
		ah->first = s;
	}
	buf_free(&refusal);
}

static void
listen_for(struct attach_host *ah, int events)
{
	size_t i;

	for (i = 0; i < ah->nlisteners; i++)
		loop_change(ah->attach->conns.loop, &ah->listeners[i].io,
		    events);
}

static void
on_pause_over(void *arg)
{
	listen_for(arg, LOOP_READ);
}

static void
on_accept(void *arg, int events)
{
	struct listener *l = arg;
	struct attach_host *ah = l->owner;
	struct sock_addr peer;
	int i, fd;

	(void)events;
	for (i = 0; i < ACCEPTS; i++) {
		fd = sock_accept(l->fd, &peer);
		if (fd >= 0) {
			serve(ah, fd, &peer);
			continue;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK &&
		    loop_timer_set(ah->attach->conns.loop, &ah->pause,
			clock_mono_ns() + ACCEPT_PAUSE_NS, on_pause_over,
			ah) == 0)
			listen_for(ah, 0);
		return;
	}
}

static void
on_host_due(void *arg)
{
	struct attach_host *ah = arg;

	host_tick(ah->host);
	attach_host_rearm(ah);
}

void
attach_host_rearm(struct attach_host *ah)
{
	arm(ah->attach, &ah->tick, host_next_ns(ah->host), on_host_due, ah);
}

/* One listener more. 0, or -1 with err. */
static int
add_listener(struct attach_host *ah, const struct sock_addr *a,
    struct sock_addr *bound, struct err *e)
{
	struct listener *l = &ah->listeners[ah->nlisteners];
	char text[SOCK_TEXT];

	l->fd = sock_listen(a, bound, e);
	if (l->fd < 0)
		return -1;
	l->owner = ah;
	if (loop_watch(ah->attach->conns.loop, &l->io, l->fd, LOOP_READ,
		on_accept, l) != 0) {
		err_errno(e, ERR_LOCAL, "cannot listen on %s",
		    sock_addr_format(text, a));
		close(l->fd);
		return -1;
	}
	ah->nlisteners++;
	return 0;
}

struct attach_host *
attach_host_start(struct attach *a, struct host *h,
    const struct sock_addr *listen, size_t nlisten, struct sock_addr *bound,
    struct err *e)
{
	struct attach_host *ah = calloc(1, sizeof *ah);
	size_t i;

	if (ah == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	ah->attach = a;
	ah->host = h;
	ah->listeners = calloc(nlisten, sizeof *ah->listeners);
	if (ah->listeners == NULL && nlisten > 0) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto fail;
	}
	for (i = 0; i < nlisten; i++)
		if (add_listener(ah, &listen[i], &bound[i], e) != 0)
			goto fail;
	attach_host_rearm(ah);
	return ah;

fail:
	attach_host_stop(ah);
	return NULL;
}

void
attach_host_stop(struct attach_host *ah)
{
	struct listener *l;
	struct served *s;

	if (ah == NULL)
		return;
	while (ah->nlisteners > 0) {
		l = &ah->listeners[--ah->nlisteners];
		loop_unwatch(ah->attach->conns.loop, &l->io);
		close(l->fd);
	}
	while ((s = ah->first) != NULL) {
		conn_stop(&s->conn);
		on_served_ended(s, "the host stopped");
	}
	loop_timer_cancel(ah->attach->conns.loop, &ah->tick);
	loop_timer_cancel(ah->attach->conns.loop, &ah->pause);
	free(ah->listeners);
	free(ah);
}

int
attach_host_is_draining(const struct attach_host *ah)
{
	const struct served *s;

	for (s = ah->first; s != NULL; s = s->next)
		if (conn_is_draining(&s->conn))
			return 1;
	return 0;
}

/* --- clients -------------------------------------------------------------- */

struct attach_client {
	struct attach *attach;
	struct client *client;
	struct sock_target target;
	enum { CLIENT_APART, CLIENT_DIALS, CLIENT_ATTACHED } state;
	struct dial dial;
	struct conn conn;
	struct loop_timer timer;
};

static void
part(struct attach_client *ac, const char *why)
{
	ac->state = CLIENT_APART;
	client_closed(ac->client, why);
	attach_client_rearm(ac);
}

static void
on_client_ended(void *arg, const char *why)
{
	part(arg, why);
}

static void
on_client_dialled(void *arg, int fd, const char *why)
{
	struct attach_client *ac = arg;

	if (fd < 0) {
		part(ac, why);
		return;
	}
	sock_keepalive(fd);
	client_opened(ac->client);
	if (conn_start(&ac->conn, &ac->attach->conns, fd,
		client_link(ac->client), on_client_ended, NULL, ac) != 0) {
		why = strerror(errno);
		close(fd);
		part(ac, why);
		return;
	}
	ac->state = CLIENT_ATTACHED;
	attach_client_rearm(ac);
}

int
attach_client_idle_fd(const struct attach_client *ac)
{
	const struct link *l = client_link(ac->client);

	if (ac->state != CLIENT_ATTACHED || l->state != LINK_OPEN ||
	    l->queued > 0)
		return -1;
	return ac->conn.fd;
}

/* The client gave an attempt up while there was no socket yet. */
static int
is_given_up(const struct attach_client *ac)
{
	return ac->state == CLIENT_DIALS &&
	       client_link(ac->client)->state != LINK_OPEN;
}

static int
is_wanted(const struct attach_client *ac)
{
	return ac->state == CLIENT_APART && client_wants_connection(ac->client);
}

static void
on_client_due(void *arg)
{
	struct attach_client *ac = arg;

	client_tick(ac->client);
	if (is_given_up(ac)) {
		dial_cancel(&ac->dial);
		part(ac, "given up");
	} else if (is_wanted(ac)) {
		ac->state = CLIENT_DIALS;
		client_connecting(ac->client);
		if (dial_start(&ac->dial, ac->attach->conns.loop, &ac->target,
			on_client_dialled, ac) != 0)
			part(ac, "out of memory");
	}
	attach_client_rearm(ac);
}

void
attach_client_rearm(struct attach_client *ac)
{
	int64_t next = client_next_ns(ac->client);

	/* Not here: the client is in the middle of something. */
	if (is_given_up(ac) || is_wanted(ac))
		next = clock_mono_ns();
	arm(ac->attach, &ac->timer, next, on_client_due, ac);
}

struct attach_client *
attach_client_start(struct attach *a, struct client *c,
    const struct sock_target *target)
{
	struct attach_client *ac = calloc(1, sizeof *ac);

	if (ac == NULL)
		return NULL;
	ac->attach = a;
	ac->client = c;
	ac->target = *target;
	attach_client_rearm(ac);
	return ac;
}

void
attach_client_stop(struct attach_client *ac)
{
	if (ac == NULL)
		return;
	dial_cancel(&ac->dial);
	if (ac->state == CLIENT_ATTACHED)
		conn_stop(&ac->conn);
	client_ends(ac->client);
	if (ac->state != CLIENT_APART)
		part(ac, "the client ends");
	loop_timer_cancel(ac->attach->conns.loop, &ac->timer);
	free(ac);
}

/* --- operators ------------------------------------------------------------ */

struct attach_operator {
	struct attach *attach;
	struct operator_side *op;
	enum { OPERATOR_DIALS, OPERATOR_ATTACHED, OPERATOR_ENDED } state;
	struct dial dial;
	struct conn conn;
	struct loop_timer timer;
};

static void
on_operator_due(void *arg)
{
	struct attach_operator *ao = arg;

	operator_tick(ao->op);
	arm(ao->attach, &ao->timer, operator_next_ns(ao->op), on_operator_due,
	    ao);
}

static void
on_operator_turned(void *arg)
{
	struct attach_operator *ao = arg;

	arm(ao->attach, &ao->timer, operator_next_ns(ao->op), on_operator_due,
	    ao);
}

static void
on_operator_ended(void *arg, const char *why)
{
	struct attach_operator *ao = arg;

	ao->state = OPERATOR_ENDED;
	loop_timer_cancel(ao->attach->conns.loop, &ao->timer);
	operator_closed(ao->op, why);
}

static void
on_operator_dialled(void *arg, int fd, const char *why)
{
	struct attach_operator *ao = arg;

	if (fd < 0) {
		on_operator_ended(ao, why);
		return;
	}
	sock_keepalive(fd);
	operator_opened(ao->op);
	if (conn_start(&ao->conn, &ao->attach->conns, fd, operator_link(ao->op),
		on_operator_ended, on_operator_turned, ao) != 0) {
		why = strerror(errno);
		close(fd);
		on_operator_ended(ao, why);
		return;
	}
	ao->state = OPERATOR_ATTACHED;
	on_operator_turned(ao);
}

struct attach_operator *
attach_operator_start(struct attach *a, struct operator_side *o,
    const struct sock_target *target)
{
	struct attach_operator *ao = calloc(1, sizeof *ao);

	if (ao == NULL)
		return NULL;
	ao->attach = a;
	ao->op = o;
	if (dial_start(&ao->dial, a->conns.loop, target, on_operator_dialled,
		ao) != 0) {
		free(ao);
		return NULL;
	}
	return ao;
}

void
attach_operator_stop(struct attach_operator *ao)
{
	if (ao == NULL)
		return;
	dial_cancel(&ao->dial);
	if (ao->state == OPERATOR_ATTACHED)
		conn_stop(&ao->conn);
	loop_timer_cancel(ao->attach->conns.loop, &ao->timer);
	free(ao);
}
