/*
 * Players who hit monsters all the time over connections that stay open, and
 * look at every answer: it must be that of the old rule, until there is one of
 * the new rule on that connection, and of the new rule from then on.
 *
 *	usage: load PORT PLAYERS
 *
 * Says when all see the new rule; a sum at SIGTERM. Exits 1 when an answer
 * was wrong or a connection broke.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLAYERS 64
#define LINE    128

struct player {
	pthread_t thread;
	int fd, id;
	int broken, mended;
	unsigned long old, new, wrong;
};

static volatile sig_atomic_t ended;
static unsigned short port;
static unsigned players, mended;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int
answer(int fd, char *line)
{
	size_t n = 0;

	while (n < LINE - 1) {
		ssize_t got = read(fd, line + n, LINE - 1 - n);

		if (got <= 0)
			return -1;
		n += (size_t)got;
		if (line[n - 1] == '\n') {
			line[n] = '\0';
			return 0;
		}
	}
	return -1;
}

/* The first answer by the new rule is told when it is everybody's. */
static void
all_mended(struct player *p)
{
	p->mended = 1;
	pthread_mutex_lock(&lock);
	if (++mended == players) {
		printf("mended: all %u connections\n", players);
		fflush(stdout);
	}
	pthread_mutex_unlock(&lock);
}

static void
blow(struct player *p, unsigned i)
{
	int monster = (int)((i * 7 + (unsigned)p->id) % 64);
	int power = (int)(i % 50), armour = 1 + monster % 8, n, damage;
	char line[LINE];
	int len = snprintf(line, sizeof line, "hit %d %d\n", monster, power);

	if (send(p->fd, line, (size_t)len, MSG_NOSIGNAL) != len ||
	    answer(p->fd, line) < 0) {
		p->broken = 1;
		return;
	}
	if (sscanf(line, "monster %d: damage %d", &n, &damage) != 2 ||
	    n != monster)
		p->wrong++;
	else if (damage == (power > armour ? power - armour : 0)) {
		p->new ++;
		if (!p->mended)
			all_mended(p);
	} else if (damage == power + armour && !p->mended)
		p->old++;
	else
		p->wrong++;
}

static void *
play(void *arg)
{
	struct player *p = arg;
	unsigned i;

	for (i = 0; !ended && !p->broken; i++)
		blow(p, i);
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct player all[PLAYERS];
	struct sockaddr_in a;
	unsigned long old = 0, new = 0, wrong = 0;
	unsigned i, broken = 0;
	sigset_t ends;
	int signo;

	players = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	if (players < 1 || players > PLAYERS) {
		fprintf(stderr, "usage: load PORT PLAYERS\n");
		return 2;
	}
	port = (unsigned short)atoi(argv[1]);
	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(port);
	/* Waited for below; no call of the players is broken off. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	for (i = 0; i < players; i++) {
		all[i].id = (int)i;
		all[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		if (all[i].fd < 0 ||
		    connect(all[i].fd, (struct sockaddr *)&a, sizeof a) < 0 ||
		    pthread_create(&all[i].thread, NULL, play, &all[i]) != 0) {
			perror("load");
			return 5;
		}
	}
	printf("playing: %u connections\n", players);
	fflush(stdout);
	sigwait(&ends, &signo);
	ended = 1;
	for (i = 0; i < players; i++) {
		pthread_join(all[i].thread, NULL);
		old += all[i].old;
		new += all[i].new;
		wrong += all[i].wrong;
		broken += (unsigned)all[i].broken;
	}
	printf("answers: %lu by the old rule, %lu by the new, %lu wrong\n", old,
	    new, wrong);
	printf("connections broken: %u\n", broken);
	return wrong > 0 || broken > 0 ? 1 : 0;
}
