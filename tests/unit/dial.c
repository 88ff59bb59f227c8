/* peer/dial: from a target to a connected socket. */

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "peer/attach.h"
#include "peer/dial.h"
#include "tests/tap.h"

#define TURNS 10000

static struct loop *loop;

struct told {
	int times, fd;
	char why[ERR_TEXT];
};

static void
on_done(void *arg, int fd, const char *why)
{
	struct told *t = arg;

	t->times++;
	t->fd = fd;
	snprintf(t->why, sizeof t->why, "%s", why != NULL ? why : "");
}

static void
until_told(struct told *t)
{
	int turns = 0;

	while (t->times == 0 && turns++ < TURNS)
		loop_once(loop, 1);
	if (turns > TURNS)
		OK(0, "the dial ends");
}

static int
listen_any(struct sock_addr *bound)
{
	struct sock_addr any;

	if (sock_addr_parse(&any, "127.0.0.1:0", 0) != 0)
		return -1;
	return sock_listen(&any, bound, NULL);
}

static struct sock_target
target_of(const char *address, const struct sock_addr *bound)
{
	struct sock_target t;
	char text[SOCK_TEXT];

	memset(&t, 0, sizeof t);
	snprintf(t.address, sizeof t.address, "%s", address);
	sock_addr_format(text, bound);
	t.port = (uint16_t)strtoul(strrchr(text, ':') + 1, NULL, 10);
	return t;
}

/* A listener whose queue is full: the kernel lets further ones wait. */
static int
listen_deaf(struct sock_addr *bound, int fill[2])
{
	struct sock_addr any;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || sock_addr_parse(&any, "127.0.0.1:0", 0) != 0 ||
	    bind(fd, (struct sockaddr *)&any.ss, any.len) != 0 ||
	    listen(fd, 0) != 0)
		return -1;
	bound->len = sizeof bound->ss;
	getsockname(fd, (struct sockaddr *)&bound->ss, &bound->len);
	fill[0] = sock_connect(bound);
	fill[1] = sock_connect(bound);
	return fd;
}

static void
test_connects(void)
{
	struct told t = {0, -1, ""};
	struct sock_addr bound, peer;
	struct sock_target target;
	struct dial d;
	int listener = listen_any(&bound), other;

	target = target_of("127.0.0.1", &bound);
	IS(dial_start(&d, loop, &target, on_done, &t), 0, "a dial starts");
	IS(t.times, 0, "it tells nothing from within");
	until_told(&t);
	OK(t.fd >= 0, "it connects");
	other = sock_accept(listener, &peer);
	OK(other >= 0 && write(t.fd, "x", 1) == 1 && read(other, t.why, 1) == 1,
	    "to where it should");
	dial_cancel(&d);
	OK(write(t.fd, "x", 1) == 1, "the socket is its owner's then");
	loop_once(loop, 0);
	IS(t.times, 1, "it tells once");
	close(t.fd);
	close(other);
	close(listener);
}

static void
test_refused(void)
{
	struct told t = {0, 0, ""};
	struct sock_addr bound;
	struct sock_target target;
	struct dial d;
	char want[ERR_TEXT], text[SOCK_TEXT];

	close(listen_any(&bound)); /* a port where nobody is */
	target = target_of("127.0.0.1", &bound);
	dial_start(&d, loop, &target, on_done, &t);
	IS(t.times, 0, "a failure at once is not told from within either");
	until_told(&t);
	IS(t.fd, -1, "nobody there");
	snprintf(want, sizeof want, "%s: %s", sock_addr_format(text, &bound),
	    strerror(ECONNREFUSED));
	IS_STR(t.why, want, "the target and the reason are told");

	target = target_of("::1", &bound);
	t.times = 0;
	dial_start(&d, loop, &target, on_done, &t);
	until_told(&t);
	snprintf(want, sizeof want, "[::1]:%u: ", (unsigned)target.port);
	OK(t.fd == -1 && strncmp(t.why, want, strlen(want)) == 0,
	    "an IPv6 address in brackets: %s", t.why);

	target = target_of("not a name", &bound);
	t.times = 0;
	dial_start(&d, loop, &target, on_done, &t);
	until_told(&t);
	OK(t.fd == -1 && strstr(t.why, "not a name") != NULL,
	    "what is no name is named: %s", t.why);
}

static void
test_late(void)
{
	struct told t = {0, 0, ""};
	struct sock_addr deaf, good, peer;
	struct sock_target target;
	struct dial d;
	int fill[2], other, listener = listen_deaf(&deaf, fill);
	int hearing = listen_any(&good);
	int64_t left;

	target = target_of("127.0.0.1", &deaf);
	dial_start(&d, loop, &target, on_done, &t);
	loop_once(loop, 10);
	left = d.timer.item.deadline_ns - clock_mono_ns();
	OK(t.times == 0 && d.fd >= 0 && left > 0 && left <= ATTACH_CONNECT_NS,
	    "an address that does not answer has 10 s");
	/* The deadline is brought on. */
	loop_timer_set(loop, &d.timer, 0, d.timer.due, d.timer.arg);
	until_told(&t);
	OK(t.fd == -1 && strstr(t.why, strerror(ETIMEDOUT)) != NULL,
	    "then it has failed: %s", t.why);

	t.times = 0;
	dial_start(&d, loop, &target, on_done, &t);
	loop_once(loop, 10);
	d.resolve.addrs[1] = good; /* as if the name had two */
	d.resolve.n = 2;
	loop_timer_set(loop, &d.timer, 0, d.timer.due, d.timer.arg);
	until_told(&t);
	other = sock_accept(hearing, &peer);
	OK(t.fd >= 0 && other >= 0, "the next address is tried");
	close(t.fd);
	close(other);
	close(fill[0]);
	close(fill[1]);
	close(listener);
	close(hearing);
}

static void
test_name(void)
{
	struct told t = {0, 0, ""};
	struct sock_addr bound;
	struct sock_target target;
	struct dial d;
	int listener = listen_any(&bound);

	target = target_of("localhost", &bound);
	dial_start(&d, loop, &target, on_done, &t);
	until_told(&t);
	if (t.fd < 0) /* a machine without that name, or with ::1 alone */
		tap_skip(t.why);
	else
		OK(t.fd >= 0, "a name is looked up");
	if (t.fd >= 0)
		close(t.fd);
	close(listener);
}

static void
test_cancel(void)
{
	struct told t = {0, 0, ""};
	struct sock_addr deaf, good;
	struct sock_target target, name;
	struct dial d;
	int fill[2], listener = listen_deaf(&deaf, fill);
	int hearing = listen_any(&good);

	memset(&d, 0, sizeof d);
	dial_cancel(&d);
	target = target_of("127.0.0.1", &deaf);
	dial_start(&d, loop, &target, on_done, &t);
	dial_cancel(&d);
	dial_cancel(&d);
	loop_once(loop, 0);
	IS(t.times, 0, "given up before it began");

	dial_start(&d, loop, &target, on_done, &t);
	loop_once(loop, 10);
	OK(d.fd >= 0, "in the middle of an attempt");
	dial_cancel(&d);
	loop_once(loop, 0);
	IS(t.times, 0, "it can be given up");

	name = target_of("localhost", &good);
	dial_start(&d, loop, &name, on_done, &t);
	loop_once(loop, 0);
	OK(d.is_resolving, "and in the middle of a look-up");
	dial_cancel(&d);
	loop_once(loop, 0);
	IS(t.times, 0, "too");

	dial_start(&d, loop, &name, on_done, &t);
	loop_once(loop, 0);
	loop_timer_set(loop, &d.timer, 0, d.timer.due, d.timer.arg);
	/* The answer may be there before the deadline. */
	until_told(&t);
	OK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD,
	    "no child is left by a look-up that was too late");
	if (t.fd >= 0)
		close(t.fd);
	close(fill[0]);
	close(fill[1]);
	close(listener);
	close(hearing);
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
	int before = lowest_free();

	loop = loop_new(LOOP_BEST);
	if (!OK(loop != NULL, "there is a loop"))
		return tap_done();
	test_connects();
	test_refused();
	test_late();
	test_name();
	test_cancel();
	loop_free(loop);
	IS(lowest_free(), before, "no descriptor is left");
	return tap_done();
}
