/* hotfix client: a client. */

#include "cmd/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/options.h"
#include "cmd/run.h"
#include "peer/host.h"

/* A typed line; a longer one comes in pieces. */
#define LINE_MAX_BYTES 65536

struct client_verb {
	struct say say;
	struct option_list pub;
	struct run_fetch fetch;
	struct hotfix_client_options client;
	struct hotfix_loop *loop;
	struct hotfix_client *running;
	struct buf line; /* what was typed of the next line */
};

/* Hand over whole lines; at the end of the input the rest too. */
static void
give_lines(struct client_verb *v, int all)
{
	uint8_t *end;
	size_t len;

	while (v->line.len > 0) {
		end = memchr(v->line.data, '\n', v->line.len);
		if (end == NULL && v->line.len < LINE_MAX_BYTES && !all)
			return;
		len = end != NULL ? (size_t)(end - v->line.data) : v->line.len;
		hotfix_client_line(v->running, (const char *)v->line.data, len);
		buf_consume(&v->line, end != NULL ? len + 1 : len);
	}
}

static void
on_input(void *arg)
{
	struct client_verb *v = arg;
	char piece[4096];
	ssize_t n = read(STDIN_FILENO, piece, sizeof piece);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0 && buf_append(&v->line, piece, (size_t)n) == 0) {
		give_lines(v, 0);
		return;
	}
	/* The end, or an error: the client runs on without input. */
	hotfix_loop_read(v->loop, STDIN_FILENO, NULL, NULL, NULL);
	if (!v->line.oom)
		give_lines(v, 1);
}

/* Until a signal, the program's stop or the host's last word. */
static int
run(struct client_verb *v, const struct run_signals *signals)
{
	const char *why;
	int status = 0;

	while (signals->signal == 0 &&
	       !hotfix_client_stopped(v->running, &status)) {
		if (hotfix_client_failed(v->running, &why)) {
			say_error(&v->say, "%s: %s", v->client.host, why);
			return ERR_PEER;
		}
		if (hotfix_loop_step(v->loop, -1) != 0 && errno != EINTR) {
			say_error(&v->say, "waiting: %s", strerror(errno));
			return ERR_LOCAL;
		}
	}
	return signals->signal != 0 ? run_signal_status(signals->signal)
				    : status;
}

static int
start(struct client_verb *v)
{
	struct run_signals signals;
	struct hotfix_error error;
	int status;

	v->loop = hotfix_loop_new(getenv("HOTFIX_LOOP"), &error);
	if (v->loop == NULL ||
	    run_signals_open(&signals, v->loop, &error) != 0 ||
	    (v->running = hotfix_client_start(v->loop, &v->client, &error)) ==
		NULL ||
	    hotfix_loop_read(v->loop, STDIN_FILENO, on_input, v, &error) != 0)
		status = run_complain(&v->say, &error);
	else
		status = run(v, &signals);
	hotfix_client_stop(v->running);
	hotfix_loop_free(v->loop);
	buf_free(&v->line);
	return status;
}

/* 0 or 2. */
static int
check_told(const struct client_verb *v)
{
	const struct hotfix_client_options *o = &v->client;
	const struct say *s = &v->say;

	if (run_check_told(s, "--id", o->id, HOST_ID, " ") != 0 ||
	    run_check_told(s, "--program", o->program, HOST_LABEL, "") != 0 ||
	    run_check_told(s, "--version", o->version, HOST_LABEL, "") != 0 ||
	    run_check_told(s, "--platform", o->platform, HOST_LABEL, "") != 0)
		return ERR_USAGE;
	return 0;
}

int
cmd_client(int argc, char **argv)
{
	struct client_verb v = {.fetch = RUN_FETCH_INIT};
	struct hotfix_client_options *o = &v.client;
	const struct option options[] = {
	    {'p', "pub", "FILE", "trust this public key", .list = &v.pub},
	    {0, "trust", "FILE", "trust the keys in this list",
		.text = &o->trust},
	    {0, "id", "ID", "log in as this (a random one)", .text = &o->id},
	    {0, "token-file", "FILE", "prove the id by the token in it",
		.text = &o->token_file},
	    {0, "state", "DIR", "keep updates here for the next start",
		.text = &o->state_dir},
	    {0, "program", "P", "the program's name", .text = &o->program},
	    {0, "version", "V", "the program's version", .text = &o->version},
	    {0, "platform", "P", "the platform (this machine's)",
		.text = &o->platform},
	    {0, "fetch-timeout", "T", "of a try to fetch a package (1m)",
		.ms = &v.fetch.timeout_ms},
	    {0, "fetch-tries", "N", "give a package up after so many (6)",
		.text = &v.fetch.tries},
	    {0, "fetch-with", "CMD", "fetch packages by CMD URL FILE",
		.text = &o->fetch_with},
	};
	const struct usage usage = {
	    "[-p PUB]... [OPTION]... HOST[:PORT] SCRIPT [ARG]...",
	    "Run a Lua program as a client of HOST, and keep it up to date"
	    " with the host's\nupdates. A line on standard input is the"
	    " program's event line.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 1};
	char **operands;
	size_t n;
	int status;

	status = options_parse(&v.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n < 2)
		return options_complain(&v.say, "HOST and SCRIPT are needed");
	if (check_told(&v) != 0 ||
	    run_check_fetch(&v.say, &v.fetch, &o->fetch_timeout_ms,
		&o->fetch_tries) != 0)
		return ERR_USAGE;
	o->pub = v.pub.items;
	o->npub = v.pub.n;
	o->rehearse = 1;
	o->watchdog = 1;
	o->fetch = 1;
	o->host = operands[0];
	o->script = operands[1];
	o->argc = (int)n - 2;
	o->argv = operands + 2;
	o->log = run_log;
	o->arg = &v.say;
	if (o->npub == 0 && o->trust == NULL)
		say_note(&v.say, "no trusted key (-p, --trust): every update"
				 " will be refused");
	return start(&v);
}
