/* hotfix close: end what open began. */

#include "cmd/verbs.h"

#include "cmd/gate.h"

int
cmd_close(int argc, char **argv)
{
	return gate_run(GATE_CLOSE, argc, argv);
}
