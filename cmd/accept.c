/* hotfix accept: let a host take in one old document. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "cmd/options.h"
#include "cmd/query.h"

int
cmd_accept(int argc, char **argv)
{
	struct fleet_options fleet = {.file = NULL};
	const char *key = NULL, *sign_with = NULL;
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &key},
	    {0, "sign-with", "CMD", "have a command sign", .text = &sign_with},
	};
	struct option fleet_rows[HOSTS_OPTIONS];
	const struct usage usage = {"-k KEY ID HOST[:PORT]...",
	    "Let hosts take in the document ID although it is older than a"
	    " day; push it then.\n",
	    options, sizeof options / sizeof *options, fleet_rows,
	    HOSTS_OPTIONS, NULL, 0};
	struct say say = {0};
	char **operands, command[64];
	uint64_t id;
	size_t n;
	int status;

	hosts_options(&fleet, fleet_rows);
	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n == 0 || num_parse(operands[0], strlen(operands[0]), INT64_MAX,
			  &id) != NUM_OK)
		return options_complain(&say, "the ID of a document is needed");
	snprintf(command, sizeof command, "accept %" PRIu64, id);
	return query_command(&say, &fleet, operands + 1, n - 1, key, sign_with,
	    command);
}
