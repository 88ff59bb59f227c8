/*
 * The swarm: many real clients with real Lua states in one process, driven by
 * lines on standard input. The load generator of the tests and benchmarks.
 *
 *	usage: swarm [-b BACKEND] [-v VERSION] -p PUB HOST N SCRIPT
 *
 * Lines in, and what they answer:
 *	ready		waits until all are logged in	"ready: N"
 *	have ID		how many run the update		"have: N"
 *	settle ID	waits until all run it		"settled: N"
 *	gone ID		waits until none runs it	"gone: N"
 *	break P		P percent lose their connection	"broken: N"
 *	arm P		the same, at the moment when the first client's
 *			updates change			"armed: P", then
 *							"broken: N"
 *	observe		calls the global function observe() of every client;
 *			a line for each different answer "observe: COUNT TEXT"
 *	quit
 * Every wait ends after WAIT_S seconds with "timeout: N", N being how many
 * were there. Exit status 0, or 1 when something could not be started.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "lua-host/hotfix.h"

#include <errno.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WAIT_S  120
#define ANSWERS 16 /* different answers of observe that are told apart */

struct swarm {
	struct hotfix_loop *loop;
	struct hotfix_client **clients;
	size_t n;
	struct buf in;
	int quit;
	unsigned armed; /* percent, 0: not */
	uint64_t had;   /* sum_ids when armed */
	uint64_t random;
};

static void
ignore_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static uint64_t
next_random(struct swarm *s)
{
	s->random =
	    s->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return s->random >> 33;
}

static size_t
count_ready(const struct swarm *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		n += (size_t)hotfix_client_is_welcome(s->clients[i]);
	return n;
}

static size_t
count_have(const struct swarm *s, uint64_t id)
{
	uint64_t ids[256];
	size_t i, k, have, n = 0;

	for (i = 0; i < s->n; i++) {
		have = hotfix_client_have(s->clients[i], ids, 256);
		for (k = 0; k < have && k < 256; k++)
			n += ids[k] == id;
	}
	return n;
}

/* Changes when any client gets, loses or exchanges an update. */
static uint64_t
sum_ids(const struct swarm *s)
{
	uint64_t ids[256], sum = 0;
	size_t i, k, have;

	for (i = 0; i < s->n; i++) {
		have = hotfix_client_have(s->clients[i], ids, 256);
		for (k = 0; k < have && k < 256; k++)
			sum += ids[k];
	}
	return sum;
}

static void
break_some(struct swarm *s, unsigned percent)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (next_random(s) % 100 >= percent)
			continue;
		hotfix_client_disconnect(s->clients[i]);
		n++;
	}
	printf("broken: %zu\n", n);
	fflush(stdout);
}

static void
step(struct swarm *s)
{
	if (hotfix_loop_step(s->loop, 100) != 0 && errno != EINTR) {
		perror("swarm");
		exit(1);
	}
	if (s->armed > 0 && sum_ids(s) != s->had) {
		break_some(s, s->armed);
		s->armed = 0;
	}
}

/* what: "ready", or an id that all ("settled") or none ("gone") have. */
static void
wait_for(struct swarm *s, const char *what, uint64_t id, size_t want)
{
	int64_t deadline = clock_mono_ns() + INT64_C(1000000000) * WAIT_S;
	size_t n;

	for (;;) {
		n = id == 0 ? count_ready(s) : count_have(s, id);
		if (n == want) {
			printf("%s: %zu\n", what, n);
			return;
		}
		if (clock_mono_ns() > deadline) {
			printf("timeout: %zu\n", n);
			return;
		}
		step(s);
	}
}

static void
observe(struct swarm *s)
{
	char *answers[ANSWERS];
	size_t counts[ANSWERS] = {0};
	size_t i, k, n = 0;
	const char *text;

	for (i = 0; i < s->n; i++) {
		lua_State *L = hotfix_client_lua(s->clients[i]);

		lua_getglobal(L, "observe");
		text = lua_pcall(L, 0, 1, 0) == LUA_OK && lua_isstring(L, -1)
			   ? lua_tostring(L, -1)
			   : "error";
		for (k = 0; k < n && strcmp(answers[k], text) != 0; k++)
			;
		if (k == n && n < ANSWERS)
			answers[n++] = strdup(text);
		if (k < ANSWERS)
			counts[k]++;
		lua_pop(L, 1);
	}
	for (k = 0; k < n; k++) {
		printf("observe: %zu %s\n", counts[k], answers[k]);
		free(answers[k]);
	}
	puts("observed:");
}

static void
command(struct swarm *s, char *line)
{
	char *arg = strchr(line, ' ');
	uint64_t n = 0;

	if (arg != NULL) {
		*arg++ = '\0';
		num_parse(arg, strlen(arg), UINT64_MAX, &n);
	}
	if (strcmp(line, "ready") == 0) {
		wait_for(s, "ready", 0, s->n);
	} else if (strcmp(line, "have") == 0) {
		printf("have: %zu\n", count_have(s, n));
	} else if (strcmp(line, "settle") == 0) {
		wait_for(s, "settled", n, s->n);
	} else if (strcmp(line, "gone") == 0) {
		wait_for(s, "gone", n, 0);
	} else if (strcmp(line, "break") == 0) {
		break_some(s, (unsigned)n);
	} else if (strcmp(line, "arm") == 0) {
		s->armed = (unsigned)n;
		s->had = sum_ids(s);
		printf("armed: %u\n", s->armed);
	} else if (strcmp(line, "observe") == 0) {
		observe(s);
	} else if (strcmp(line, "quit") == 0) {
		s->quit = 1;
	} else {
		printf("unknown: %s\n", line);
	}
	fflush(stdout);
}

static void
on_input(void *arg)
{
	struct swarm *s = arg;
	char piece[1024];
	ssize_t n = read(STDIN_FILENO, piece, sizeof piece);

	if (n <= 0) {
		s->quit = 1;
		hotfix_loop_read(s->loop, STDIN_FILENO, NULL, NULL, NULL);
		return;
	}
	buf_append(&s->in, piece, (size_t)n);
}

static void
run_lines(struct swarm *s)
{
	char *end, line[256];
	size_t n;

	while (!s->quit && s->in.len > 0 &&
	       (end = memchr(s->in.data, '\n', s->in.len)) != NULL) {
		n = (size_t)(end - (char *)s->in.data);
		snprintf(line, sizeof line, "%.*s", (int)n, (char *)s->in.data);
		buf_consume(&s->in, n + 1);
		command(s, line);
	}
}

static int
start(struct swarm *s, const struct hotfix_client_options *base)
{
	struct hotfix_client_options o = *base;
	struct hotfix_error e;
	char id[32];
	size_t i;

	for (i = 0; i < s->n; i++) {
		snprintf(id, sizeof id, "swarm-%zu", i);
		o.id = id;
		s->clients[i] = hotfix_client_start(s->loop, &o, &e);
		if (s->clients[i] == NULL) {
			fprintf(stderr, "swarm: %s\n", e.text);
			s->n = i;
			return -1;
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct hotfix_client_options o;
	struct swarm s;
	struct hotfix_error e;
	struct rlimit files;
	const char *backend = NULL, *pub = NULL;
	uint64_t n = 0;
	int c, status = 1;
	size_t i;

	memset(&o, 0, sizeof o);
	memset(&s, 0, sizeof s);
	s.random = 1;
	while ((c = getopt(argc, argv, "b:v:p:")) != -1) {
		if (c == 'b')
			backend = optarg;
		else if (c == 'v')
			o.version = optarg;
		else if (c == 'p')
			pub = optarg;
		else
			return 2;
	}
	if (argc - optind != 3 || pub == NULL ||
	    num_parse(argv[optind + 1], strlen(argv[optind + 1]), 100000, &n) !=
		NUM_OK ||
	    n == 0) {
		fprintf(stderr, "usage: swarm [-b BACKEND] [-v VERSION] -p PUB "
				"HOST N SCRIPT\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	o.host = argv[optind];
	o.script = argv[optind + 2];
	o.pub = &pub;
	o.npub = 1;
	o.log = ignore_log;
	s.clients = calloc((size_t)n, sizeof *s.clients);
	s.loop = hotfix_loop_new(backend, &e);
	if (s.clients == NULL || s.loop == NULL)
		goto out;
	s.n = (size_t)n;
	if (start(&s, &o) != 0 ||
	    hotfix_loop_read(s.loop, STDIN_FILENO, on_input, &s, &e) != 0)
		goto out;
	while (!s.quit) {
		step(&s);
		run_lines(&s);
	}
	status = 0;
out:
	for (i = 0; s.clients != NULL && i < s.n; i++)
		hotfix_client_stop(s.clients[i]);
	hotfix_loop_free(s.loop);
	free(s.clients);
	buf_free(&s.in);
	return status;
}
