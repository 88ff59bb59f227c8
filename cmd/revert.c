/* hotfix revert: take an update back on both ends. */

#include "cmd/verbs.h"

#include "cmd/withdraw.h"

int
cmd_revert(int argc, char **argv)
{
	return withdraw_run(WITHDRAW_REVERT, argc, argv);
}
