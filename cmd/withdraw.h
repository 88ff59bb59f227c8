#ifndef CMD_WITHDRAW_H
#define CMD_WITHDRAW_H

/*
 * Signed documents about another one: reverts, which take it back, and
 * retirements, which keep it from new starts. The whole verb; returns the
 * exit status.
 */

enum withdraw { WITHDRAW_REVERT, WITHDRAW_RETIRE };

int withdraw_run(enum withdraw what, int argc, char **argv);

#endif
