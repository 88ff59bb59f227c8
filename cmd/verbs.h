#ifndef CMD_VERBS_H
#define CMD_VERBS_H

/*
 * The verbs. Each gets its arguments with argv[0] being the verb itself, and
 * returns the exit status (hotfix(1), "Exit status").
 */

#define EXIT_INTERRUPTED 130 /* as shells say it of SIGINT */

int cmd_accept(int argc, char **argv);
int cmd_client(int argc, char **argv);
int cmd_close(int argc, char **argv);
int cmd_fetch(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_native(int argc, char **argv);
int cmd_open(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_publish(int argc, char **argv);
int cmd_push(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_retire(int argc, char **argv);
int cmd_revert(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_time(int argc, char **argv);
int cmd_unpack(int argc, char **argv);
int cmd_verify(int argc, char **argv);

#endif
