#ifndef CMD_GATE_H
#define CMD_GATE_H

/*
 * Signed commands about who may speak to a host's operators' interface: open
 * lets one address in for a while, close ends that. The whole verb; returns
 * the exit status.
 */

enum gate { GATE_OPEN, GATE_CLOSE };

int gate_run(enum gate what, int argc, char **argv);

#endif
