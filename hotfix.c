/* hotfix: change both ends of a running Lua game by one signed push. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/say.h"
#include "cmd/verbs.h"

#define SHOWN 64 /* of a wrong verb */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} verbs[] = {
    {"keygen", cmd_keygen, "make a pair of keys"},
    {"pack", cmd_pack, "make a release package of a folder"},
    {"unpack", cmd_unpack, "unpack a signed release package"},
    {"verify", cmd_verify, "check documents, packages and signed files"},
    {"fetch", cmd_fetch, "bring a file here by FTP and check it"},
    {"time", cmd_time, "how far the clock is off, by time servers"},
    {"serve", cmd_serve, "run a program as a host that takes updates"},
    {"client", cmd_client, "run a program as a client of a host"},
    {"native", cmd_native, "make and show patches of machine code"},
    {"publish", cmd_publish, "release a package by FTP and tell hosts"},
    {"push", cmd_push, "sign an update and send it to hosts"},
    {"revert", cmd_revert, "take an update back on both ends"},
    {"retire", cmd_retire, "keep an update from new starts"},
    {"status", cmd_status, "what hosts and their clients run"},
    {"log", cmd_log, "what happened on hosts"},
    {"open", cmd_open, "let an address speak to a host"},
    {"close", cmd_close, "end what open began"},
    {"accept", cmd_accept, "let a host take in one old document"},
    {"reload", cmd_reload, "let a host read its trusted keys anew"},
};

#define NVERBS (sizeof verbs / sizeof *verbs)

/*
 * Descriptors 0 to 2 are taken, or a socket could get the number of a closed
 * standard output and be written into. What stands in cannot be written, so
 * that lost results do not pass for written ones.
 */
static void
hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int
help(void)
{
	size_t i;

	printf("usage: hotfix VERB [OPTION...] [OPERAND...]\n");
	for (i = 0; i < NVERBS; i++)
		printf("  %-8s %s\n", verbs[i].name, verbs[i].what);
	printf("hotfix help VERB tells a verb's options, man hotfix the"
	       " rest\n");
	return 0;
}

/* argv[0] is the verb. */
static int
run_verb(int argc, char **argv)
{
	const struct say say = {0};
	char shown[SHOWN];
	size_t i;

	for (i = 0; i < NVERBS; i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			return verbs[i].run(argc, argv);
	text_escape(shown, sizeof shown, argv[0], strlen(argv[0]), 0);
	if (argv[0][0] == '-')
		say_error(&say,
		    "%s: options stand behind the verb; see hotfix"
		    " help",
		    shown);
	else
		say_error(&say, "no such verb: %s; see hotfix help", shown);
	return ERR_USAGE;
}

/* "help VERB" is "VERB -h". */
static int
help_verb(char *verb)
{
	char option[] = "-h";
	char *argv[] = {verb, option, NULL};

	return run_verb(2, argv);
}

static int
run(int argc, char **argv)
{
	const struct say say = {0};

	if (argc < 2) {
		say_error(&say, "no verb; see hotfix help");
		return ERR_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 && argc > 2)
		return help_verb(argv[2]);
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "--help") == 0)
		return help();
	if (strcmp(argv[1], "--version") == 0) {
		printf("hotfix %s\n", HOTFIX_VERSION);
		return 0;
	}
	return run_verb(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	/* A peer or reader that is gone is an error of write(2) here. */
	signal(SIGPIPE, SIG_IGN);
	/* So is a file past the limit of this process (ulimit -f). */
	signal(SIGXFSZ, SIG_IGN);
	/* Ignored, as who started us may have left it, children vanish unheard
	 * and their ids are others' soon: a rehearsal kills by the id. */
	signal(SIGCHLD, SIG_DFL);
	hold_standard_fds();
	return say_finish(run(argc, argv));
}
