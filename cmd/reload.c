/* hotfix reload: let a host read its trusted keys anew. */

#include "cmd/verbs.h"

#include "cmd/options.h"
#include "cmd/query.h"

int
cmd_reload(int argc, char **argv)
{
	struct fleet_options fleet = {.file = NULL};
	const char *key = NULL, *sign_with = NULL;
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &key},
	    {0, "sign-with", "CMD", "have a command sign", .text = &sign_with},
	};
	struct option fleet_rows[HOSTS_OPTIONS];
	const struct usage usage = {"-k KEY HOST[:PORT]...",
	    "Let hosts read the files of their trusted keys anew.\n", options,
	    sizeof options / sizeof *options, fleet_rows, HOSTS_OPTIONS, NULL,
	    0};
	struct say say = {0};
	char **operands;
	size_t n;
	int status;

	hosts_options(&fleet, fleet_rows);
	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	return query_command(&say, &fleet, operands, n, key, sign_with,
	    "reload");
}
