/* hotfix close: end what open began. */

#include "cmd/verbs.h"

#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/query.h"
#include "update/command.h"

int
cmd_close(int argc, char **argv)
{
	struct fleet_options fleet = {.file = NULL};
	const char *key = NULL, *sign_with = NULL;
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &key},
	    {0, "sign-with", "CMD", "have a command sign", .text = &sign_with},
	};
	const struct usage usage = {"-k KEY HOST[:PORT] ADDR|self",
	    "Close the operators' interface of HOST again for an address that"
	    " hotfix open\nopened.\n",
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
	snprintf(command, sizeof command, "close %s", operands[1]);
	return query_command(&say, &fleet, operands, 1, key, sign_with,
	    command);
}
