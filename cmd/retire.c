/* hotfix retire: keep an update from new starts. */

#include "cmd/verbs.h"

#include "cmd/withdraw.h"

int
cmd_retire(int argc, char **argv)
{
	return withdraw_run(WITHDRAW_RETIRE, argc, argv);
}
