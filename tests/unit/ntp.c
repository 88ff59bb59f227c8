/*
 * Asking for the time, as a function: what tests/cli/time.t cannot see. The
 * server is a child that tells this machine's time.
 */

#include "net/ntp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/tap.h"

#define S_US  INT64_C(1000000)
#define S_NS  INT64_C(1000000000)
#define FLOOR INT64_C(1000000000000000) /* 2001 */
#define EPOCH UINT64_C(2208988800)

static volatile sig_atomic_t stopped;

static void
on_alarm(int sig)
{
	(void)sig;
	stopped = 1;
}

static void *
stop_soon(void *arg)
{
	const struct timespec soon = {0, 50000000};

	nanosleep(&soon, NULL);
	stopped = 1;
	return arg;
}

static void
put_64(uint8_t *p, uint64_t n)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(n >> (56 - 8 * i));
}

static void
serve(int fd)
{
	uint8_t p[NTP_PACKET_LEN];
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	int64_t us;
	uint64_t stamp;

	while (recvfrom(fd, p, sizeof p, 0, (struct sockaddr *)&from, &len) ==
	       (ssize_t)sizeof p) {
		us = clock_wall_us();
		stamp = ((uint64_t)(us / S_US) + EPOCH) << 32 |
			((uint64_t)(us % S_US) << 32) / (uint64_t)S_US;
		memcpy(p + 24, p + 40, NTP_COOKIE);
		p[0] = 4 << 3 | 4;
		p[1] = 1;
		put_64(p + 32, stamp);
		put_64(p + 40, stamp);
		sendto(fd, p, sizeof p, 0, (struct sockaddr *)&from, len);
	}
}

/* A socket of this machine, its address as text. */
static int
bound(char text[32])
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(fd, (struct sockaddr *)&a, sizeof a);
	getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(text, 32, "127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
	return fd;
}

static void
check_time(const char *good)
{
	struct ntp_config c = {&good, 1, FLOOR, NULL};
	struct ntp_result r;
	struct err e = {0};
	int64_t off_us;

	IS(ntp_query(&c, &r, &e), 0, "a server that tells our own time");
	OK(r.n == 1 && r.used == 1 && r.servers[0].outcome == NTP_OUT_USED &&
		r.servers[0].samples == NTP_SAMPLES &&
		r.servers[0].stratum == 1 && r.servers[0].why[0] == '\0' &&
		r.servers[0].name == good && r.servers[0].has_addr,
	    "it is used, with four samples");
	OK(r.offset_us > -S_US / 20 && r.offset_us < S_US / 20,
	    "offset: %jd us", (intmax_t)r.offset_us);
	off_us = r.base_us + (clock_mono_ns() - r.base_ns) / 1000 -
		 clock_wall_us() - r.offset_us;
	OK(off_us > -S_US / 100 && off_us < S_US / 100,
	    "the corrected time goes on with the monotonic clock: %jd us",
	    (intmax_t)off_us);
	c.floor_us = clock_wall_us() + 10 * S_US;
	IS(ntp_query(&c, &r, &e), -1, "N13: below the floor there is no time");
	IS(e.kind, ERR_NO, "it is refused");
	OK(strstr(e.text, "before this program was made") != NULL, "%s",
	    e.text);
	IS(r.servers[0].outcome, NTP_OUT_REFUSED, "told in the result, too");
}

static void
check_stop(const char *mute)
{
	struct ntp_config c = {&mute, 1, FLOOR, &stopped};
	struct itimerval soon = {{0, 0}, {0, 50000}};
	struct sigaction sa;
	pthread_t thread;
	struct ntp_result r;
	struct err e = {0};
	int64_t start_ns;

	stopped = 1;
	start_ns = clock_mono_ns();
	IS(ntp_query(&c, &r, &e), -1, "it is stopped before it began");
	OK(e.kind == ERR_PEER && strcmp(e.text, "interrupted") == 0,
	    "and says so: %s", e.text);
	stopped = 0;
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_alarm;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	IS(ntp_query(&c, &r, &e), -1, "it is stopped by a signal");
	IS_STR(e.text, "interrupted", "and says so");
	OK(clock_mono_ns() - start_ns < S_NS * 9 / 10,
	    "at once, not when its second is over");
	/* As of a signal that came just before the wait. */
	stopped = 0;
	start_ns = clock_mono_ns();
	if (pthread_create(&thread, NULL, stop_soon, NULL) != 0) {
		OK(0, "a thread");
		return;
	}
	IS(ntp_query(&c, &r, &e), -1, "a signal that interrupts no wait");
	OK(clock_mono_ns() - start_ns < S_NS * 9 / 10, "is seen, too");
	pthread_join(thread, NULL);
}

static void
check_usage(void)
{
	const char *many[NTP_SERVERS_MAX + 1], *bad[] = {"127.0.0.1:1", "a b"};
	struct ntp_config c = {many, 0, FLOOR, NULL};
	struct ntp_result r;
	struct err e = {0};
	size_t i;

	for (i = 0; i < NTP_SERVERS_MAX + 1; i++)
		many[i] = "127.0.0.1:1";
	OK(ntp_query(&c, &r, &e) == -1 && e.kind == ERR_USAGE, "no server: %s",
	    e.text);
	c.nservers = NTP_SERVERS_MAX + 1;
	OK(ntp_query(&c, &r, &e) == -1 && e.kind == ERR_USAGE, "too many: %s",
	    e.text);
	c.servers = bad;
	c.nservers = 2;
	OK(ntp_query(&c, &r, &e) == -1 && e.kind == ERR_USAGE &&
		strstr(e.text, "a b") != NULL,
	    "what is no address: %s", e.text);
	c.servers = many;
	c.nservers = NTP_SERVERS_MAX;
	OK(ntp_query(&c, &r, &e) == -1 && e.kind == ERR_PEER &&
		r.n == NTP_SERVERS_MAX,
	    "none of sixteen is there");
	OK(strlen(e.text) < sizeof e.text && strstr(e.text, "127.0.0.1:1: "),
	    "as many reasons as the text holds");
}

static void
check_seconds(void)
{
	char s[NTP_SECONDS];

	IS_STR(ntp_seconds_format(s, 0), "0.000000", "no seconds");
	IS_STR(ntp_seconds_format(s, -1), "-0.000001", "a microsecond less");
	IS_STR(ntp_seconds_format(s, 12345678), "12.345678", "some");
	IS_STR(ntp_seconds_format(s, INT64_MIN), "-9223372036854.775808",
	    "the least");
}

int
main(void)
{
	char good[32], mute[32];
	int fd = bound(good), silent = bound(mute);
	pid_t pid = fork();

	if (pid == 0) {
		serve(fd);
		_exit(0);
	}
	close(fd);
	check_seconds();
	check_usage();
	check_time(good);
	check_stop(mute);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(silent);
	return tap_done();
}
