/* hotfix log: what happened on hosts. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/timetext.h"
#include "cmd/options.h"
#include "cmd/query.h"
#include "update/ledger.h"

#define LOG_MAX       9999 /* what a host takes */
#define LEDGER_DIGITS 32   /* of the digest in front of a ledger's lines */

/* An event as it stands in a ledger, for its parser: in front of what hosts
 * tell there is the digest of the line before. */
static void
print_json(struct say *s, const struct host_line *l, const char *line,
    size_t len)
{
	char text[LEDGER_LINE + 1], time[TIMETEXT_SIZE];
	struct ledger_event ev;
	size_t i;
	int n = snprintf(text, sizeof text, "%0*d %.*s", LEDGER_DIGITS, 0,
	    (int)(len < sizeof text ? len : sizeof text), line);

	if (n < 0 || (size_t)n >= sizeof text ||
	    ledger_parse(&ev, text, (size_t)n, NULL) != 0) {
		say_error(s, "%s: an event that cannot be read", l->shown);
		return;
	}
	host_line_print(s, l);
	say_text(s, "time", timetext_format(ev.time_us, time));
	say_text(s, "event", ev.event);
	say_inner(s, "fields");
	for (i = 0; i < ev.nfields; i++)
		say_text(s, ev.fields[i].name, ev.fields[i].value);
	say_inner_end(s);
	say_end(s);
}

static void
print_row(struct say *s, const char *line, size_t len)
{
	char text[LEDGER_LINE + 1], *rest = text;
	const char *values[3];

	snprintf(text, sizeof text, "%.*s",
	    (int)(len < sizeof text ? len : sizeof text - 1), line);
	values[0] = query_word(&rest, ' ');
	values[1] = query_word(&rest, ' ');
	values[2] = rest;
	say_row(s, values, 3);
}

static void
print_log(struct say *s, const struct host_line *l)
{
	const char *line;
	size_t at = 0, len;

	if (!s->json) {
		host_line_print(s, l);
		say_end(s);
	}
	while (query_line(&l->body, &at, &line, &len))
		if (s->json)
			print_json(s, l, line, len);
		else
			print_row(s, line, len);
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
