/*
 * A game server in C that is mended while it runs: players talk to it by
 * lines over TCP, worker threads answer them, the main thread counts ticks
 * and is a host of hotfix, which takes signed pushes.
 *
 *	usage: server KEY.pub [STATE]
 *
 * What was pushed is kept in the folder STATE for the next start. Without a
 * push the operator may type: apply FILE, revert ID, list.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "game.h"
#include "lua-host/hotfix.h"

#define WORKERS 4
#define PLAYERS 64 /* of a worker */
#define LINE    128
#define TICK_MS 20

struct player {
	int fd;
	size_t len;
	char line[LINE];
};

struct worker {
	pthread_t thread;
	struct game *game;
	int inbox[2]; /* new connections come through this pipe */
	struct player players[PLAYERS];
	size_t nplayers;
};

struct server {
	struct game game;
	struct worker workers[WORKERS];
	size_t next; /* worker for the next player */
	int listener;
};

static volatile sig_atomic_t ended;

static void
on_end(int signo)
{
	(void)signo;
	ended = 1;
}

/* --- workers -------------------------------------------------------------- */

static int
send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		/* All threads are halted by a signal for some microseconds
		 * when a patch is applied, so any call may end with EINTR. */
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* 0, or -1 when the player is gone. */
static int
serve_player(struct worker *w, struct player *p)
{
	char answer[LINE], *end;
	ssize_t n = read(p->fd, p->line + p->len, sizeof p->line - p->len - 1);

	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -1;
	p->len += (size_t)n;
	p->line[p->len] = '\0';
	while ((end = strchr(p->line, '\n')) != NULL) {
		size_t used = (size_t)(end - p->line) + 1;
		size_t len;

		*end = '\0';
		len = game_line(w->game, p->line, answer, sizeof answer);
		if (send_all(p->fd, answer, len) < 0)
			return -1;
		p->len -= used;
		memmove(p->line, p->line + used, p->len + 1);
	}
	return p->len < sizeof p->line - 1 ? 0 : -1;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct pollfd fds[PLAYERS + 1];
	size_t i, n;

	for (;;) {
		n = w->nplayers;
		for (i = 0; i < n; i++) {
			fds[i].fd = w->players[i].fd;
			fds[i].events = POLLIN;
		}
		fds[n].fd = n < PLAYERS ? w->inbox[0] : -1;
		fds[n].events = POLLIN;
		/* EINTR: a patch came; poll is never restarted. */
		if (poll(fds, n + 1, -1) < 0)
			continue;
		if (fds[n].revents != 0) {
			int fd;

			if (read(w->inbox[0], &fd, sizeof fd) == sizeof fd) {
				w->players[n].fd = fd;
				w->players[n].len = 0;
				w->nplayers++;
			}
		}
		/* From the last, for who is gone is replaced by the last. */
		while (n-- > 0) {
			struct player *p = &w->players[n];

			if (fds[n].revents == 0 || serve_player(w, p) == 0)
				continue;
			close(p->fd);
			*p = w->players[--w->nplayers];
		}
	}
	return NULL;
}

static void
on_player(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	struct worker *w = &s->workers[s->next++ % WORKERS];

	if (fd >= 0 && write(w->inbox[1], &fd, sizeof fd) != sizeof fd)
		close(fd);
}

/* --- the operator at the keyboard ----------------------------------------- */

static void
say_line(void *arg, const char *line)
{
	(void)arg;
	printf("%s\n", line);
}

static void
on_typed(void *arg)
{
	struct hotfix_native_report r;
	char line[LINE], word[LINE];
	ssize_t n = read(0, line, sizeof line - 1);

	if (n <= 0) {
		(void)hotfix_loop_read(arg, 0, NULL, NULL, NULL);
		return;
	}
	line[n] = '\0';
	if (sscanf(line, "apply %127s", word) == 1)
		(void)hotfix_native_apply(word, &r);
	else if (sscanf(line, "revert %127s", word) == 1)
		(void)hotfix_native_revert(word, &r);
	else {
		(void)hotfix_native_list(say_line, NULL);
		return;
	}
	printf("%s\n", r.text);
	fflush(stdout);
}

/* --- start ---------------------------------------------------------------- */

static int
listen_here(struct server *s)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)&a, sizeof a) < 0 ||
	    listen(s->listener, 64) < 0 ||
	    getsockname(s->listener, (struct sockaddr *)&a, &len) < 0) {
		perror("server");
		return -1;
	}
	printf("players: 127.0.0.1 %d\n", ntohs(a.sin_port));
	return 0;
}

static int
start_workers(struct server *s)
{
	size_t i;

	for (i = 0; i < WORKERS; i++) {
		struct worker *w = &s->workers[i];

		w->game = &s->game;
		if (pipe(w->inbox) < 0 ||
		    pthread_create(&w->thread, NULL, work, w) != 0) {
			perror("server");
			return -1;
		}
	}
	return 0;
}

static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
main(int argc, char **argv)
{
	static struct server server; /* its workers never end by themselves */
	struct hotfix_native_report r;
	struct hotfix_error e;
	struct hotfix_host_options o;
	struct hotfix_loop *loop;
	struct hotfix_host *host;
	const char *keys[1];
	long long tick;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: server KEY.pub [STATE]\n");
		return 2;
	}
	/* Early: before there are threads that it would have to halt. */
	(void)hotfix_native_init(NULL, &r);
	printf("%s\n", r.text);

	game_start(&server.game);
	if (listen_here(&server) < 0 || start_workers(&server) < 0)
		return 5;

	memset(&o, 0, sizeof o);
	keys[0] = argv[1];
	o.name = "game";
	o.program = "monsters";
	o.version = "1.0";
	o.pub = keys;
	o.npub = 1;
	o.state_dir = argc == 3 ? argv[2] : NULL;
	o.listen = (const char *const[]){"127.0.0.1:0"};
	o.nlisten = 1;
	loop = hotfix_loop_new(NULL, &e);
	host = loop != NULL ? hotfix_host_start(loop, &o, &e) : NULL;
	if (host == NULL ||
	    hotfix_loop_read(loop, server.listener, on_player, &server, &e) <
		0 ||
	    hotfix_loop_read(loop, 0, on_typed, loop, &e) < 0) {
		fprintf(stderr, "server: %s\n", e.text);
		return e.status;
	}
	printf("listening: %s\n", hotfix_host_address(host, 0));
	fflush(stdout);

	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
	/* The loop and the ticks share this thread, so that a push takes effect
	 * between two ticks. */
	tick = now_ms() + TICK_MS;
	while (!ended) {
		long long left = tick - now_ms();

		(void)hotfix_loop_step(loop, left > 0 ? (int)left : 0);
		while (now_ms() >= tick) {
			game_tick(&server.game);
			tick += TICK_MS;
		}
	}
	hotfix_host_stop(host, 1000);
	hotfix_loop_free(loop);
	return 0;
}
