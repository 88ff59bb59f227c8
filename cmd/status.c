/* hotfix status: what hosts and their clients run. */

#include "cmd/verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
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

static int
is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return 1;
	return 0;
}

/* A field of what a host told: a number where it should be one and is. */
static void
print_field(struct say *s, const char *name, const char *value)
{
	static const char *const counts[] = {"uptime", "clients", "connections",
	    "logins", "refusals", "live", "unknown-updates", "stray-results",
	    "running", "applied", "failed", "waiting", "seconds", "bytes", "of",
	    "fetching", "code", "data", NULL};
	uint64_t n;

	if (is_one_of(name, counts) &&
	    num_parse(value, strlen(value), UINT64_MAX, &n) == NUM_OK)
		say_count(s, name, n);
	else
		say_text(s, name, value);
}

/* "ID FEATURE STATE name=value...", "ID NAME RELEASE STATE name=value...",
 * "ID STATE name=value..." or "ADDRESS SECONDS" as an object. */
static void
print_object(struct say *s, const char *name, char *value)
{
	static const char *const update[] = {"id", "feature", "state", NULL};
	static const char *const package[] = {
	    "id", "name", "release", "state", NULL};
	static const char *const open[] = {"address", "seconds", NULL};
	static const char *const patch[] = {"id", "state", NULL};
	static const char *const pairs[] = {"server", "running", "applied",
	    "failed", "waiting", "bytes", "of", "fetching", "from", "update",
	    "functions", "code", "data", NULL};
	const char *const *names = strcmp(name, "open") == 0      ? open
				   : strcmp(name, "package") == 0 ? package
				   : strcmp(name, "patch") == 0   ? patch
								  : update;
	char *word, *equals;

	say_inner(s, name);
	for (; *names != NULL; names++)
		print_field(s, *names, query_word(&value, ' '));
	while (*value != '\0') {
		word = query_word(&value, ' ');
		equals = strchr(word, '=');
		if (equals == NULL)
			continue;
		*equals = '\0';
		if (is_one_of(word, pairs))
			print_field(s, word, equals + 1);
	}
	say_inner_end(s);
}

/* JSON has no two fields of one name: what comes once for each of something
 * gets objects of its own behind the host's. */
static void
print_status(struct say *s, const struct host_line *l)
{
	static const char *const repeated[] = {
	    "update", "package", "patch", "open", NULL};
	static const char *const said[] = {"host", "address", NULL};
	char name[FIELD_MAX], value[FIELD_MAX];
	const char *line;
	size_t at, len;

	host_line_print(s, l);
	for (at = 0; query_line(&l->body, &at, &line, &len);)
		if (split(line, len, name, value) == 0 &&
		    !is_one_of(name, said) &&
		    !(s->json && is_one_of(name, repeated)))
			print_field(s, name, value);
	say_end(s);
	for (at = 0; s->json && query_line(&l->body, &at, &line, &len);)
		if (split(line, len, name, value) == 0 &&
		    is_one_of(name, repeated)) {
			host_line_print(s, l);
			print_object(s, name, value);
			say_end(s);
		}
}

#define COLUMNS 10

/* A client has an address too, so it is an object inside the host's. */
static void
print_client(struct say *s, const struct host_line *l,
    const char *const values[COLUMNS])
{
	static const char *const names[COLUMNS] = {"id", "address", "login",
	    "program", "version", "platform", "release", "have", "waiting",
	    "fetching"};
	size_t i;

	if (!s->json) {
		say_row(s, values, COLUMNS);
		return;
	}
	host_line_print(s, l);
	say_inner(s, "client");
	for (i = 0; i < COLUMNS; i++)
		say_text(s, names[i], values[i]);
	say_inner_end(s);
	say_end(s);
}

static void
print_clients(struct say *s, const struct host_line *l)
{
	const char *values[COLUMNS];
	char text[COLUMNS * FIELD_MAX], *rest;
	const char *line;
	size_t at = 0, len, i;

	if (!s->json) {
		host_line_print(s, l);
		say_end(s);
	}
	while (query_line(&l->body, &at, &line, &len)) {
		snprintf(text, sizeof text, "%.*s",
		    (int)(len < sizeof text ? len : sizeof text - 1), line);
		rest = text;
		for (i = 0; i < COLUMNS; i++)
			values[i] = query_word(&rest, '\t');
		print_client(s, l, values);
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
