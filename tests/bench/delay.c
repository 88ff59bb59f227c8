/*
 * A line with a delay, for machines whose kernel has none to give: two TUN
 * devices, and what is sent into one comes out of the other so many
 * microseconds later. Nothing is lost and nothing overtakes. Linux, root.
 *
 *	usage: delay DEVICE DEVICE MICROSECONDS
 *
 * Prints "ready" when both are there, and runs until it is killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048 /* more than the MTU of 1500 */
#define QUEUE      8192 /* packets under way; a full one reads no more */

struct packet {
	int64_t due_ns;
	size_t len;
	uint8_t bytes[PACKET_MAX];
};

/* One direction: a ring. */
struct way {
	int from, to;
	struct packet *packets;
	unsigned head, count;
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
device(const char *name)
{
	struct ifreq request;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	memset(&request, 0, sizeof request);
	request.ifr_flags = IFF_TUN | IFF_NO_PI;
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
		fprintf(stderr, "delay: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return fd;
}

static void
take_in(struct way *w, int64_t delay_ns)
{
	struct packet *p;
	ssize_t n;

	while (w->count < QUEUE) {
		p = &w->packets[(w->head + w->count) % QUEUE];
		n = read(w->from, p->bytes, sizeof p->bytes);
		if (n <= 0)
			break;
		p->len = (size_t)n;
		p->due_ns = now_ns() + delay_ns;
		w->count++;
	}
}

/* What is due. Until the next one, in nanoseconds; -1: none is under way. */
static int64_t
let_out(struct way *w)
{
	struct packet *p;
	int64_t left;

	while (w->count > 0) {
		p = &w->packets[w->head];
		left = p->due_ns - now_ns();
		if (left > 0)
			return left;
		/* A device that is not up yet drops it, as a cable would. */
		if (write(w->to, p->bytes, p->len) < 0 && errno == EAGAIN)
			return 1000000;
		w->head = (w->head + 1) % QUEUE;
		w->count--;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct way way[2] = {{0}};
	struct pollfd polled[2];
	struct timespec wait;
	int64_t delay_ns, left, least;
	unsigned i;

	if (argc != 4) {
		fprintf(stderr, "usage: delay DEVICE DEVICE MICROSECONDS\n");
		return 2;
	}
	delay_ns = strtoll(argv[3], NULL, 10) * 1000;
	way[0].from = way[1].to = device(argv[1]);
	way[1].from = way[0].to = device(argv[2]);
	for (i = 0; i < 2; i++) {
		way[i].packets = malloc(QUEUE * sizeof *way[i].packets);
		if (way[i].packets == NULL)
			return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		least = 1000000000;
		for (i = 0; i < 2; i++) {
			left = let_out(&way[i]);
			if (left >= 0 && left < least)
				least = left;
			polled[i].fd = way[i].from;
			polled[i].events = way[i].count < QUEUE ? POLLIN : 0;
		}
		wait.tv_sec = least / 1000000000;
		wait.tv_nsec = least % 1000000000;
		if (ppoll(polled, 2, &wait, NULL) < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < 2; i++)
			take_in(&way[i], delay_ns);
	}
}
