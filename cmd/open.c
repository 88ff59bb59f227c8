/* hotfix open: let an address speak to a host. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/query.h"
#include "update/command.h"

#define OPEN_DEFAULT_MS 600000 /* time for a push and a look at what it did */

int
cmd_open(int argc, char **argv)
{
	struct fleet_options fleet = {.file = NULL};
	const char *key = NULL, *sign_with = NULL;
	int64_t ms = -1;
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &key},
	    {0, "sign-with", "CMD", "have a command sign", .text = &sign_with},
	    {0, "for", "T", "for so long, 1s to 24h (10m)", .ms = &ms},
	};
	const struct usage usage = {"-k KEY [--for T] HOST[:PORT] ADDR|self",
	    "Open the operators' interface of HOST for one address; self is"
	    " the address that\nHOST sees this command come from.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 0};
	struct say say = {0};
	char **operands, command[COMMAND_ADDRESS + 64];
	struct sock_addr a;
	size_t n;
	int status;

	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n != 2)
		return options_complain(&say, "HOST and ADDR are needed");
	if (strlen(operands[1]) >= COMMAND_ADDRESS ||
	    (strcmp(operands[1], "self") != 0 &&
		sock_ip_parse(&a, operands[1]) != 0))
		return options_complain(&say,
		    "ADDR is an address in numbers, or self");
	if (ms < 0)
		ms = OPEN_DEFAULT_MS;
	if (ms < COMMAND_OPEN_MIN_S * 1000 || ms > COMMAND_OPEN_MAX_S * 1000 ||
	    ms % 1000 != 0)
		return options_complain(&say,
		    "--for: whole seconds from 1s to 24h");
	snprintf(command, sizeof command, "open %s %" PRId64, operands[1],
	    ms / 1000);
	return query_command(&say, &fleet, operands, 1, key, sign_with,
	    command);
}
