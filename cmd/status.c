/* hotfix status: what hosts and their clients run. */

#include "cmd/verbs.h"

#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/query.h"

#define FIELD_MAX 1024 /* of one line that is shown; longer ones are cut */

/* One "name: value" line, apart. 0, or -1: no such line. */
static int
split(const char *line, size_t len, char name[FIELD_MAX], char value[FIELD_MAX])
{
	const char *colon = memchr(line, ':', len);
	size_t n;

	if (colon == NULL)
		return -1;
	n = (size_t)(colon - line);
	if (n == 0 || n >= FIELD_MAX ||
	    strspn(line, "abcdefghijklmnopqrstuvwxyz-") < n)
		return -1;
	snprintf(name, FIELD_MAX, "%.*s", (int)n, line);
	len -= n + 1;
	line = colon + 1;
	if (len > 0 && *line == ' ') {
		line++;
		len--;
	}
	snprintf(value, FIELD_MAX, "%.*s",
	    (int)(len < FIELD_MAX ? len : FIELD_MAX - 1), line);
	return 0;
}

/* Names that come once for each of something. */
static int
repeats(const char *name)
{
	return strcmp(name, "update") == 0 || strcmp(name, "open") == 0;
}

/* JSON has no two fields of one name: what repeats gets objects of its own
 * behind the host's. */
static void
print_status(struct say *s, const struct host_line *l)
{
	char name[FIELD_MAX], value[FIELD_MAX];
	const char *line;
	size_t at, len;

	query_print_host(s, l);
	for (at = 0; query_line(&l->body, &at, &line, &len);)
		if (split(line, len, name, value) == 0 &&
		    strcmp(name, "host") != 0 && !(s->json && repeats(name)))
			say_text(s, name, value);
	say_end(s);
	for (at = 0; s->json && query_line(&l->body, &at, &line, &len);)
		if (split(line, len, name, value) == 0 && repeats(name)) {
			query_print_host(s, l);
			say_text(s, name, value);
			say_end(s);
		}
}

static void
print_clients(struct say *s, const struct host_line *l)
{
	static const char *const columns[] = {"client", "address", "login",
	    "program", "version", "platform", "release", "have", "host"};
	const char *values[sizeof columns / sizeof *columns];
	char text[8 * FIELD_MAX], *rest;
	const char *line;
	size_t at = 0, len, i;

	if (!s->json) {
		query_print_host(s, l);
		say_end(s);
	}
	while (query_line(&l->body, &at, &line, &len)) {
		snprintf(text, sizeof text, "%.*s",
		    (int)(len < sizeof text ? len : sizeof text - 1), line);
		rest = text;
		for (i = 0; i < 8; i++)
			values[i] = query_word(&rest, '\t');
		values[8] = l->name;
		say_row(s, columns, values, s->json ? 9 : 8);
	}
}

int
cmd_status(int argc, char **argv)
{
	static const char *const later[] = {"metrics", "wait", NULL};
	struct fleet_options fleet = {.file = NULL};
	struct talk_request request = {.read = "STATUS"};
	int clients = 0;
	const struct option options[] = {
	    {0, "clients", NULL, "a line for each client instead",
		.flag = &clients},
	};
	struct option fleet_rows[HOSTS_OPTIONS];
	const struct usage usage = {"[--clients] HOST[:PORT]...",
	    "What hosts run: their clients, their updates, who may speak to"
	    " them.\n",
	    options, sizeof options / sizeof *options, fleet_rows,
	    HOSTS_OPTIONS, later, 0};
	struct say say = {0};
	char **operands;
	size_t n;
	int status;

	hosts_options(&fleet, fleet_rows);
	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (clients)
		request.read = "CLIENTS";
	return query_run(&say, &fleet, operands, n, &request,
	    clients ? print_clients : print_status);
}
