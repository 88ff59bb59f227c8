/* hotfix open: let an address speak to a host. */

#include "cmd/verbs.h"

#include "cmd/gate.h"

int
cmd_open(int argc, char **argv)
{
	return gate_run(GATE_OPEN, argc, argv);
}
