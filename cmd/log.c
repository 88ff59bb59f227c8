/* hotfix log: what happened on hosts. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "cmd/options.h"
#include "cmd/query.h"
#include "update/ledger.h"

#define LOG_MAX 9999 /* what a host takes */

static void
print_log(struct say *s, const struct host_line *l)
{
	static const char *const columns[] = {
	    "time", "event", "fields", "host"};
	const char *values[4];
	char text[LEDGER_LINE + 1], *rest = text;
	const char *line;
	size_t at = 0, len;

	if (!s->json) {
		query_print_host(s, l);
		say_end(s);
	}
	while (query_line(&l->body, &at, &line, &len)) {
		snprintf(text, sizeof text, "%.*s",
		    (int)(len < sizeof text ? len : sizeof text - 1), line);
		rest = text;
		values[0] = query_word(&rest, ' ');
		values[1] = query_word(&rest, ' ');
		values[2] = rest;
		values[3] = l->name;
		say_row(s, columns, values, s->json ? 4 : 3);
	}
}

int
cmd_log(int argc, char **argv)
{
	struct fleet_options fleet = {.file = NULL};
	struct talk_request request = {.read = "LOG"};
	const char *count = NULL;
	const struct option options[] = {
	    {'n', NULL, "N", "so many events (10)", .text = &count},
	};
	struct option fleet_rows[HOSTS_OPTIONS];
	const struct usage usage = {"[-n N] HOST[:PORT]...",
	    "The last events in the ledgers of hosts, oldest first: time,"
	    " event, fields.\n",
	    options, sizeof options / sizeof *options, fleet_rows,
	    HOSTS_OPTIONS, NULL, 0};
	struct say say = {0};
	char **operands, line[32];
	size_t n;
	uint64_t number;
	int status;

	hosts_options(&fleet, fleet_rows);
	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (count != NULL) {
		if (num_parse(count, strlen(count), LOG_MAX, &number) !=
			NUM_OK ||
		    number == 0)
			return options_complain(&say,
			    "-n: not a number from 1 to %d", LOG_MAX);
		snprintf(line, sizeof line, "LOG %" PRIu64, number);
		request.read = line;
	}
	return query_run(&say, &fleet, operands, n, &request, print_log);
}
