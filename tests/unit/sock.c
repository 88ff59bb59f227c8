/*
 * Addresses, hosts and networks as text, hostile spellings too; sockets and
 * the look-up of names on this machine alone.
 */

#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/tap.h"

#define GIVE_UP_MS 10000

/* A run of n times c. */
static char *
run_of(char c, size_t n)
{
	char *s = malloc(n + 1);

	memset(s, c, n);
	s[n] = '\0';
	return s;
}

/* As a line of the test's own may show it. */
static const char *
show(char out[64], const char *text)
{
	return text_escape(out, 64, text, strlen(text), 0);
}

/* --- text ----------------------------------------------------------------- */

static const struct {
	const char *text, *name, *address; /* address NULL: refused */
	unsigned port;
} targets[] = {
    {"localhost", "", "localhost", 4683},
    {"localhost:1", "", "localhost", 1},
    {"localhost:65535", "", "localhost", 65535},
    {"a.example.org.:80", "", "a.example.org.", 80},
    {"xn--bcher-kva.example", "", "xn--bcher-kva.example", 4683},
    {"_game._tcp", "", "_game._tcp", 4683},
    {"3com.example", "", "3com.example", 4683},
    {"1.2.3.4x", "", "1.2.3.4x", 4683},
    {"x0x1", "", "x0x1", 4683},
    {"192.0.2.1", "", "192.0.2.1", 4683},
    {"192.0.2.1:99", "", "192.0.2.1", 99},
    {"::1", "", "::1", 4683},
    {"::", "", "::", 4683},
    {"2001:db8::1:4683", "", "2001:db8::1:4683", 4683},
    {"[::1]", "", "::1", 4683},
    {"[::1]:7", "", "::1", 7},
    {"::ffff:192.0.2.1", "", "::ffff:192.0.2.1", 4683},
    {"arena@localhost", "arena", "localhost", 4683},
    {"arena-east-1@[::1]:7", "arena-east-1", "::1", 7},
    {"b\xc3\xbc"
     "cher@localhost",
	"b\xc3\xbc"
	"cher",
	"localhost", 4683},
    {"a:b@localhost:5", "a:b", "localhost", 5},
    {"", NULL, NULL, 0},
    {":", NULL, NULL, 0},
    {":80", NULL, NULL, 0},
    {"@", NULL, NULL, 0},
    {"@localhost", NULL, NULL, 0},
    {"arena@", NULL, NULL, 0},
    {"arena@:80", NULL, NULL, 0},
    {"a@b@localhost", NULL, NULL, 0},
    {"a b@localhost", NULL, NULL, 0},
    {"a\n@localhost", NULL, NULL, 0},
    {"\xff@localhost", NULL, NULL, 0},
    {"localhost:", NULL, NULL, 0},
    {"localhost:0", NULL, NULL, 0},
    {"localhost:00", NULL, NULL, 0},
    {"localhost:080", NULL, NULL, 0},
    {"localhost:+80", NULL, NULL, 0},
    {"localhost:-80", NULL, NULL, 0},
    {"localhost: 80", NULL, NULL, 0},
    {"localhost:80 ", NULL, NULL, 0},
    {"localhost:65536", NULL, NULL, 0},
    {"localhost:18446744073709551617", NULL, NULL, 0},
    {"localhost:http", NULL, NULL, 0},
    {"localhost:80:80", NULL, NULL, 0},
    {"local host", NULL, NULL, 0},
    {" localhost", NULL, NULL, 0},
    {"localhost\n", NULL, NULL, 0},
    {"-localhost", NULL, NULL, 0},
    {"http://localhost", NULL, NULL, 0},
    {"localhost/", NULL, NULL, 0},
    {"local%host", NULL, NULL, 0},
    {"b\xc3\xbc"
     "cher",
	NULL, NULL, 0},
    {".", NULL, NULL, 0},
    {"..", NULL, NULL, 0},
    {".localhost", NULL, NULL, 0},
    {"a..b", NULL, NULL, 0},
    {"localhost..", NULL, NULL, 0},
    {"127.1", NULL, NULL, 0},
    {"127.0.0.1.", NULL, NULL, 0},
    {"2130706433", NULL, NULL, 0},
    {"0x7f000001", NULL, NULL, 0},
    {"0x7f.1", NULL, NULL, 0},
    {"127.0.0.0x1", NULL, NULL, 0},
    {"127.0.0.0X", NULL, NULL, 0},
    {"0177.0.0.1", NULL, NULL, 0},
    {"127.0.0.01", NULL, NULL, 0},
    {"127.0.0.256", NULL, NULL, 0},
    {"1.2.3.4.5", NULL, NULL, 0},
    {"a.5", NULL, NULL, 0},
    {"[]", NULL, NULL, 0},
    {"[::1", NULL, NULL, 0},
    {"::1]", NULL, NULL, 0},
    {"[::1]x", NULL, NULL, 0},
    {"[::1]:", NULL, NULL, 0},
    {"[::1]:0", NULL, NULL, 0},
    {"[[::1]]", NULL, NULL, 0},
    {"[127.0.0.1]", NULL, NULL, 0},
    {"[localhost]", NULL, NULL, 0},
    {"[::1%lo]", NULL, NULL, 0},
    {"::1%lo", NULL, NULL, 0},
    {":::", NULL, NULL, 0},
    {"1::2::3", NULL, NULL, 0},
    {"12345::", NULL, NULL, 0},
    {"1:2:3:4:5:6:7:8:9", NULL, NULL, 0},
    {"::1.2.3", NULL, NULL, 0},
    {"::1.2.3.04", NULL, NULL, 0},
    {"1:2:3:4:5:6:7", NULL, NULL, 0},
};

static void
check_targets(void)
{
	struct sock_target t;
	char text[2 * SOCK_NAME_MAX + 8], line[64], *run;
	size_t i;
	int r;

	for (i = 0; i < sizeof targets / sizeof *targets; i++) {
		r = sock_target_parse(&t, targets[i].text, 4683);
		if (targets[i].address == NULL) {
			OK(r == -1, "refused: '%s'",
			    show(line, targets[i].text));
			continue;
		}
		OK(r == 0 && strcmp(t.name, targets[i].name) == 0 &&
			strcmp(t.address, targets[i].address) == 0 &&
			t.port == targets[i].port,
		    "'%s' is '%s' '%s' %u", targets[i].text, t.name, t.address,
		    (unsigned)t.port);
	}
	run = run_of('n', SOCK_NAME_MAX);
	snprintf(text, sizeof text, "%s@%s", run, run);
	IS(sock_target_parse(&t, text, 1), 0, "both names may be 255 long");
	IS(strlen(t.name), SOCK_NAME_MAX, "and are kept whole");
	snprintf(text, sizeof text, "%sn@localhost", run);
	IS(sock_target_parse(&t, text, 1), -1, "a name of 256 may not");
	snprintf(text, sizeof text, "%sn", run);
	IS(sock_target_parse(&t, text, 1), -1, "an address of 256 may not");
	snprintf(text, sizeof text, "[%s%s]", run, run);
	IS(sock_target_parse(&t, text, 1), -1, "in brackets neither");
	free(run);
}

static const struct {
	const char *text, *shown; /* NULL: refused */
} addrs[] = {
    {"127.0.0.1:4683", "127.0.0.1:4683"},
    {"127.0.0.1", "127.0.0.1:9"},
    {"0.0.0.0:0", "0.0.0.0:0"},
    {"255.255.255.255:65535", "255.255.255.255:65535"},
    {"[::1]:0", "[::1]:0"},
    {"[::1]", "[::1]:9"},
    {"::1", "[::1]:9"},
    {"2001:DB8:0:0:0::1", "[2001:db8::1]:9"},
    {"::ffff:192.0.2.1", "192.0.2.1:9"},
    {"[::ffff:c000:201]:5", "192.0.2.1:5"},
    {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {"", NULL},
    {":0", NULL},
    {"*:80", NULL},
    {"localhost", NULL},
    {"localhost:80", NULL},
    {"127.0.0.1:", NULL},
    {"127.0.0.1:65536", NULL},
    {"127.0.0.1:01", NULL},
    {"127.0.0.1 :80", NULL},
    {" 127.0.0.1", NULL},
    {"127.0.0.1:80\n", NULL},
    {"127.1:80", NULL},
    {"127.000.0.1", NULL},
    {"[127.0.0.1]:80", NULL},
    {"[::1", NULL},
    {"[::1]80", NULL},
    {"a@127.0.0.1", NULL},
    {"127.0.0.1/8", NULL},
    {"[fe80::1%lo]:80", NULL},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL},
};

static void
check_addrs(void)
{
	struct sock_addr a, b;
	char shown[SOCK_TEXT], line[64], *run;
	size_t i;

	for (i = 0; i < sizeof addrs / sizeof *addrs; i++) {
		if (addrs[i].shown == NULL) {
			OK(sock_addr_parse(&a, addrs[i].text, 9) == -1,
			    "refused: '%s'", show(line, addrs[i].text));
			continue;
		}
		IS(sock_addr_parse(&a, addrs[i].text, 9), 0, addrs[i].text);
		IS_STR(sock_addr_format(shown, &a), addrs[i].shown, "is shown");
		IS(sock_addr_parse(&b, shown, 1), 0, "what is shown is read");
		OK(a.len == b.len && memcmp(&a.ss, &b.ss, a.len) == 0,
		    "as the same");
	}
	run = run_of('1', 100000);
	IS(sock_addr_parse(&a, run, 9), -1, "a very long number");
	IS(sock_ip_parse(&a, run), -1, "likewise alone");
	free(run);

	IS(sock_ip_parse(&a, "192.0.2.1:80"), -1, "an address has no port");
	IS(sock_ip_parse(&a, "[::1]"), -1, "and no brackets");
	IS(sock_ip_parse(&a, ""), -1, "and is not empty");
	IS(sock_ip_parse(&a, "192.0.2.1"), 0, "IPv4 alone");
	IS_STR(sock_ip_format(shown, &a), "192.0.2.1", "is shown alone");
	IS_STR(sock_addr_format(shown, &a), "192.0.2.1:0", "its port is 0");
	IS(sock_addr_parse(&b, "192.0.2.1:80", 0), 0, "with a port");
	IS(sock_ip_equal(&a, &b), 1, "is the same address");
	sock_ip_parse(&b, "192.0.2.2");
	IS(sock_ip_equal(&a, &b), 0, "another is not");
	sock_ip_parse(&a, "::1");
	sock_ip_parse(&b, "::1");
	IS(sock_ip_equal(&a, &b), 1, "IPv6");
	sock_ip_parse(&b, "0.0.0.1");
	IS(sock_ip_equal(&a, &b), 0, "is not IPv4");
	IS_STR(sock_ip_format(shown, &a), "::1", "no brackets");

	memset(&a, 0, sizeof a);
	sock_ip_parse(&b, "0.0.0.0");
	IS(sock_ip_equal(&a, &b), 0, "no address equals none");
	IS(sock_ip_equal(&a, &a), 0, "not even itself");
	IS_STR(sock_addr_format(shown, &a), "?", "and is shown as '?'");
}

/* As accept gives it on a socket of both families. */
static void
check_mapped(void)
{
	struct sockaddr_in6 in6;
	struct sock_addr a, b;
	struct sock_net net;
	char shown[SOCK_TEXT];

	memset(&in6, 0, sizeof in6);
	in6.sin6_family = AF_INET6;
	in6.sin6_port = htons(77);
	in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
	in6.sin6_addr.s6_addr[12] = 127;
	in6.sin6_addr.s6_addr[15] = 1;
	memset(&a, 0, sizeof a);
	memcpy(&a.ss, &in6, sizeof in6);
	a.len = sizeof in6;
	sock_ip_parse(&b, "127.0.0.1");
	IS(sock_ip_equal(&a, &b), 1, "a mapped address equals its IPv4 one");
	IS_STR(sock_ip_format(shown, &a), "127.0.0.1", "is shown as it");
	IS_STR(sock_addr_format(shown, &a), "127.0.0.1:77", "with its port");
	sock_net_parse(&net, "127.0.0.0/8");
	IS(sock_net_has(&net, &a), 1, "and is in its networks");
	sock_net_parse(&net, "::/0");
	IS(sock_net_has(&net, &a), 0, "not in those of IPv6");
}

static const struct {
	const char *net, *in, *out; /* in NULL: refused */
} nets[] = {
    {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
    {"192.0.2.0/24", "192.0.2.0", "192.0.1.255"},
    {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"192.0.2.0/23", "192.0.3.255", "192.0.4.0"},
    {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
    {"192.0.2.1", "192.0.2.1", "192.0.2.3"},
    {"0.0.0.0/0", "255.255.255.255", "::"},
    {"128.0.0.0/1", "128.0.0.0", "127.255.255.255"},
    {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
    {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
    {"::/0", "ffff::", "1.2.3.4"},
    {"::1", "::1", "::"},
    {"::1/128", "::1", "::3"},
    {"::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"},
    {"::ffff:0:0/96", "1.2.3.4", "::1"},
    {"192.0.2.1/24", NULL, NULL},
    {"192.0.2.0/22", NULL, NULL},
    {"0.0.0.1/0", NULL, NULL},
    {"192.0.2.0/33", NULL, NULL},
    {"192.0.2.0/024", NULL, NULL},
    {"192.0.2.0/+24", NULL, NULL},
    {"192.0.2.0/-1", NULL, NULL},
    {"192.0.2.0/", NULL, NULL},
    {"192.0.2.0/24/24", NULL, NULL},
    {"192.0.2.0/255.255.255.0", NULL, NULL},
    {"192.0.2/24", NULL, NULL},
    {"192.0.2.0 /24", NULL, NULL},
    {"192.0.2.0/24 ", NULL, NULL},
    {"192.0.2.0/18446744073709551640", NULL, NULL},
    {"/24", NULL, NULL},
    {"", NULL, NULL},
    {"2001:db8::1/32", NULL, NULL},
    {"::/129", NULL, NULL},
    {"::ffff:0:0/95", NULL, NULL},
    {"[::1]/128", NULL, NULL},
    {"localhost/8", NULL, NULL},
    {"192.0.2.0:80/24", NULL, NULL},
};

static void
check_nets(void)
{
	struct sock_addr a, nowhere;
	struct sock_net net;
	char line[64];
	size_t i;

	memset(&nowhere, 0, sizeof nowhere);
	for (i = 0; i < sizeof nets / sizeof *nets; i++) {
		if (nets[i].in == NULL) {
			OK(sock_net_parse(&net, nets[i].net) == -1,
			    "refused: '%s'", show(line, nets[i].net));
			continue;
		}
		IS(sock_net_parse(&net, nets[i].net), 0, nets[i].net);
		sock_ip_parse(&a, nets[i].in);
		IS(sock_net_has(&net, &a), 1, nets[i].in);
		sock_ip_parse(&a, nets[i].out);
		IS(sock_net_has(&net, &a), 0, nets[i].out);
		IS(sock_net_has(&net, &nowhere), 0, "what is no address");
	}
}

/* --- sockets -------------------------------------------------------------- */

static int
wait_for(int fd, short events)
{
	struct pollfd p = {fd, events, 0};
	int r;

	do
		r = poll(&p, 1, GIVE_UP_MS);
	while (r < 0 && errno == EINTR);
	return r == 1;
}

/* 1 when no one holds the other end of this pipe any more. */
static int
is_hung_up(int fd)
{
	struct pollfd p = {fd, 0, 0};

	return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

static int
option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

static int
is_set_up(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK &&
	       fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static void
check_sockets(const char *any, const char *where)
{
	struct sock_addr a, bound, again, peer;
	char shown[SOCK_TEXT], byte = 0;
	struct err e = {0};
	int listener, client, server;

	sock_addr_parse(&a, any, 1);
	listener = sock_listen(&a, &bound, &e);
	if (listener < 0) {
		if (a.ss.ss_family == AF_INET6)
			tap_skip("no IPv6 here");
		else
			OK(0, "listen: %s", e.text);
		return;
	}
	OK(is_set_up(listener),
	    "%s: a listener does not block, is not left "
	    "to programs",
	    where);
	sock_addr_format(shown, &bound);
	OK(strncmp(shown, where, strlen(where)) == 0 &&
		strcmp(shown + strlen(where), ":0") != 0,
	    "%s: it tells the port that it got", where);
	OK(option(listener, SOL_SOCKET, SO_REUSEADDR) > 0,
	    "%s: what lingers on the port is no obstacle", where);
	OK(sock_accept(listener, &peer) == -1 &&
		(errno == EAGAIN || errno == EWOULDBLOCK),
	    "%s: none waits", where);
	OK(sock_listen(&bound, &again, &e) == -1 && e.kind == ERR_LOCAL &&
		strstr(e.text, shown) != NULL,
	    "%s: a port that is taken: %s", where, e.text);

	client = sock_connect(&bound);
	OK(client >= 0 && is_set_up(client), "%s: connecting", where);
	OK(wait_for(listener, POLLIN), "%s: it arrives", where);
	server = sock_accept(listener, &peer);
	OK(server >= 0 && is_set_up(server), "%s: accepted", where);
	OK(wait_for(client, POLLOUT) && sock_connected(client) == 0,
	    "%s: connected", where);
	again.len = sizeof again.ss;
	getsockname(client, (struct sockaddr *)&again.ss, &again.len);
	OK(again.len == peer.len && memcmp(&again.ss, &peer.ss, peer.len) == 0,
	    "%s: accept tells the peer", where);
	OK(option(client, IPPROTO_TCP, TCP_NODELAY) > 0 &&
		option(server, IPPROTO_TCP, TCP_NODELAY) > 0,
	    "%s: nothing is held back", where);
	sock_keepalive(server);
	OK(option(server, SOL_SOCKET, SO_KEEPALIVE) > 0, "%s: keep-alive",
	    where);
#ifdef TCP_USER_TIMEOUT
	IS(option(server, IPPROTO_TCP, TCP_KEEPIDLE), 60, "after 60 s");
	IS(option(server, IPPROTO_TCP, TCP_USER_TIMEOUT), 60000,
	    "unacknowledged for 60 s");
#endif
	OK(write(client, "x", 1) == 1 && wait_for(server, POLLIN) &&
		read(server, &byte, 1) == 1 && byte == 'x',
	    "%s: bytes pass", where);
	OK(read(server, &byte, 1) == -1 && errno == EAGAIN,
	    "%s: a read does not block", where);
	close(client);
	close(server);
	close(listener);
}

/* A kernel makes it so by itself for any address but this. */
static void
check_v6_only(void)
{
	struct sock_addr a, bound;
	int fd;

	sock_addr_parse(&a, "[::]:0", 0);
	fd = sock_listen(&a, &bound, NULL);
	if (fd < 0) {
		tap_skip("no IPv6 here");
		return;
	}
	IS(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1, "IPv6 is IPv6 alone");
	close(fd);
}

static void
check_refused(void)
{
	struct sock_addr a, nobody;
	int fd = socket(AF_INET, SOCK_STREAM, 0), client;

	/* Bound, so that no one else gets the port, but not listening. */
	sock_addr_parse(&a, "127.0.0.1:0", 0);
	nobody.len = sizeof nobody.ss;
	if (bind(fd, (struct sockaddr *)&a.ss, a.len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&nobody.ss, &nobody.len) != 0) {
		OK(0, "a port to bind to");
		return;
	}
	client = sock_connect(&nobody);
	if (client < 0) {
		IS(errno, ECONNREFUSED, "refused at once");
	} else {
		wait_for(client, POLLOUT);
		OK(sock_connected(client) == -1 && errno == ECONNREFUSED,
		    "refused where nobody listens");
		close(client);
	}
	close(fd);
}

/* A socket that meets itself looks like a peer that answers. */
static void
check_self_connect(void)
{
	struct sock_addr a, self;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sock_addr_parse(&a, "127.0.0.1:0", 0);
	self.len = sizeof self.ss;
	if (bind(fd, (struct sockaddr *)&a.ss, a.len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&self.ss, &self.len) != 0 ||
	    connect(fd, (struct sockaddr *)&self.ss, self.len) != 0)
		tap_skip("a socket does not meet itself here");
	else
		OK(sock_connected(fd) == -1 && errno == ECONNREFUSED,
		    "a connection to itself is none");
	close(fd);
}

static void
check_not_connected(void)
{
	struct sock_addr a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	OK(sock_connected(fd) == -1 && errno == ENOTCONN,
	    "undecided is not connected");
	close(fd);
	OK(sock_connected(-1) == -1 && errno == EBADF, "no socket");
	memset(&a, 0, sizeof a);
	OK(sock_connect(&a) == -1, "no address to connect to");
	OK(sock_listen(&a, &a, NULL) == -1, "nor to listen on");
}

/* --- names ---------------------------------------------------------------- */

/* 1 when no child of ours is left, living or dead. */
static int
has_no_child(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

static int
count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A bare root file system has no such file, and its resolver no such name. */
static int
has_localhost(void)
{
	FILE *f = fopen("/etc/hosts", "r");
	char line[256];
	int found = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		found |= strstr(line, "localhost") != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static void
check_resolve(void)
{
	static const char *const bad[] = {"", "a b", "[::1]", "localhost:80",
	    "me@localhost", "127.1", "\x1b[31m", "-h", "::1%lo"};
	struct sock_resolve r;
	struct sock_addr a;
	char shown[SOCK_TEXT];
	struct err e = {0};
	int fds = count_fds(), pipefd[2], all_bad = 1;
	size_t i;

	IS(sock_resolve_start(&r, "192.0.2.7", 80, &e), 0, "numbers");
	OK(r.fd == -1 && r.n == 1, "are answered at once");
	IS(sock_resolve_finish(&r, &e), 0, "finish has nothing to do");
	IS_STR(sock_addr_format(shown, &r.addrs[0]), "192.0.2.7:80", "IPv4");
	sock_resolve_cancel(&r);
	sock_resolve_start(&r, "2001:db8::7", 80, &e);
	IS_STR(sock_addr_format(shown, &r.addrs[0]), "[2001:db8::7]:80",
	    "IPv6");

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		all_bad = all_bad &&
			  sock_resolve_start(&r, bad[i], 80, &e) == -1 &&
			  e.kind == ERR_USAGE && r.fd == -1 &&
			  strchr(e.text, '\x1b') == NULL;
		sock_resolve_cancel(&r);
	}
	OK(all_bad, "what is no name is not looked up: %s", e.text);

	if (pipe(pipefd) != 0)
		return;
	IS(sock_resolve_start(&r, "localhost", 4683, &e), 0, "a name");
	OK(r.fd >= 0 && fcntl(r.fd, F_GETFD) & FD_CLOEXEC, "takes a moment");
	OK(wait_for(r.fd, POLLIN), "and becomes readable");
	if (!has_localhost()) {
		tap_skip("no localhost in /etc/hosts");
		sock_resolve_cancel(&r);
		goto unknown;
	}
	IS(sock_resolve_finish(&r, &e), 0, "then the answer is there");
	OK(r.n >= 1 && r.fd == -1, "with %zu addresses", r.n);
	sock_ip_parse(&a, "127.0.0.1");
	for (i = 0; i < r.n && !sock_ip_equal(&a, &r.addrs[i]); i++)
		;
	sock_ip_parse(&a, "::1");
	OK(i < r.n || sock_ip_equal(&a, &r.addrs[0]), "localhost is here");
	sock_addr_format(shown, &r.addrs[0]);
	OK(strstr(shown, ":4683") != NULL, "the port is set");
	IS(sock_resolve_finish(&r, &e), 0, "finish again");
	OK(has_no_child(), "the child is reaped");

unknown:
	/* ".invalid" is reserved for names that do not exist (RFC 6761). */
	memset(&e, 0, sizeof e);
	sock_resolve_start(&r, "no-such-host.invalid", 1, &e);
	IS(sock_resolve_finish(&r, &e), -1, "an unknown name");
	OK(strncmp(e.text, "no-such-host.invalid: ", 22) == 0 &&
		strlen(e.text) > 22 && strchr(e.text, '\n') == NULL &&
		e.kind == ERR_PEER,
	    "gives one line: %s", e.text);
	IS(sock_resolve_finish(&r, &e), -1, "and again");

	/* Its copy of our end is closed before it answers. */
	sock_resolve_start(&r, "localhost", 1, &e);
	close(pipefd[1]);
	OK(wait_for(r.fd, POLLIN) && is_hung_up(pipefd[0]),
	    "the child keeps nothing of ours open");
	sock_resolve_cancel(&r);
	OK(has_no_child(), "cancelled: the child is gone");
	IS(r.fd, -1, "and its pipe");
	sock_resolve_cancel(&r);
	close(pipefd[0]);

	sock_resolve_start(&r, "localhost", 1, &e);
	kill((pid_t)r.pid, SIGSTOP);
	kill((pid_t)r.pid, SIGKILL);
	if (sock_resolve_finish(&r, &e) != 0)
		OK(strncmp(e.text, "localhost: ", 11) == 0,
		    "a child that was killed: %s", e.text);
	else
		OK(r.n > 0, "a child that was too quick to be killed");
	OK(has_no_child(), "is reaped too");
	IS(count_fds(), fds, "no descriptor is left");
}

/* A stopped child never answers; cancel must not wait for it. */
static void
check_cancel_stopped(void)
{
	struct sock_resolve r;

	sock_resolve_start(&r, "localhost", 1, NULL);
	kill((pid_t)r.pid, SIGSTOP);
	sock_resolve_cancel(&r);
	OK(has_no_child(), "a child that hangs is cancelled");
}

int
main(void)
{
	check_targets();
	check_addrs();
	check_mapped();
	check_nets();
	check_sockets("127.0.0.1:0", "127.0.0.1");
	check_sockets("[::1]:0", "[::1]");
	check_v6_only();
	check_refused();
	check_self_connect();
	check_not_connected();
	check_resolve();
	check_cancel_stopped();
	return tap_done();
}
