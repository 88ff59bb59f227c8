/* Opening to an address and closing again. */

#include "cmd/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/query.h"
#include "update/command.h"

#define OPEN_DEFAULT_MS 600000 /* time for a push and a look at what it did */
#define COMMAND_SIZE    (COMMAND_ADDRESS + 64) /* with verb and seconds */

static int
is_address(const char *text)
{
	struct sock_addr a;

	return strlen(text) < COMMAND_ADDRESS &&
	       (strcmp(text, "self") == 0 || sock_ip_parse(&a, text) == 0);
}

/* 0 with the command to be signed, or 2. */
static int
make_command(char command[COMMAND_SIZE], const struct say *s, enum gate what,
    const char *address, int64_t ms)
{
	if (!is_address(address))
		return options_complain(s,
		    "ADDR is an address in numbers, or self");
	if (what == GATE_CLOSE) {
		snprintf(command, COMMAND_SIZE, "close %s", address);
		return 0;
	}
	if (ms < 0)
		ms = OPEN_DEFAULT_MS;
	if (ms < COMMAND_OPEN_MIN_S * 1000 || ms > COMMAND_OPEN_MAX_S * 1000 ||
	    ms % 1000 != 0)
		return options_complain(s,
		    "--for: whole seconds from 1s to 24h");
	snprintf(command, COMMAND_SIZE, "open %s %" PRId64, address, ms / 1000);
	return 0;
}

int
gate_run(enum gate what, int argc, char **argv)
{
	struct fleet_options fleet = {.file = NULL};
	const char *key = NULL, *sign_with = NULL;
	int64_t ms = -1;
	/* The last row is for open alone. */
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &key},
	    {0, "sign-with", "CMD", "have a command sign", .text = &sign_with},
	    {0, "for", "T", "for so long, 1s to 24h (10m)", .ms = &ms},
	};
	const size_t noptions = sizeof options / sizeof *options;
	const struct usage usage = {
	    what == GATE_OPEN ? "-k KEY [--for T] HOST[:PORT] ADDR|self"
			      : "-k KEY HOST[:PORT] ADDR|self",
	    what == GATE_OPEN
		? "Open the operators' interface of HOST for one address; self"
		  " is the address that\nHOST sees this command come from.\n"
		: "Close the operators' interface of HOST again for an address"
		  " that hotfix open\nopened.\n",
	    options, what == GATE_OPEN ? noptions : noptions - 1, NULL, 0, NULL,
	    0};
	struct say say = {0};
	char **operands, command[COMMAND_SIZE];
	size_t n;
	int status;

	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n != 2)
		return options_complain(&say, "HOST and ADDR are needed");
	status = make_command(command, &say, what, operands[1], ms);
	if (status != 0)
		return status;
	return query_command(&say, &fleet, operands, 1, key, sign_with,
	    command);
}
