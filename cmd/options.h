#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/say.h"

/*
 * One option parser for all verbs, driven by the verb's own table, from
 * which the usage text is made too. -q -v -h and --json are every verb's.
 *
 * "--name VALUE", "--name=VALUE", "-k VALUE", "-kVALUE", "-qv"; "--" ends
 * the options, "-" is an operand.
 */

#define OPTION_LIST_MAX 64 /* more of one option belong into a file */

struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t n;
};

struct option {
	char letter;       /* 0: none */
	const char *name;  /* without its dashes; NULL: none */
	const char *value; /* what its value is called; NULL: a flag */
	const char *what;  /* one line for the usage text */
	/* Where it goes. All NULL: an option that this version does not
	 * carry out; it is refused as that. */
	int *flag;                /* 0 before */
	const char **text;        /* NULL before */
	int64_t *ms;              /* a duration; -1 before */
	struct option_list *list; /* may be given again */
};

struct usage {
	const char *synopsis; /* behind "usage: hotfix VERB " */
	const char *about;    /* one or more lines, each with its LF */
	const struct option *options;
	size_t noptions;
	const struct option *shared; /* rows that several verbs have */
	size_t nshared;
	/* Long options that exist but not in this version, NULL ends them; or
	 * NULL. They are refused as that. */
	const char *const *later;
	int has_script; /* the first operand ends the options: what stands
			   behind a script's name is the script's */
};

#define OPTIONS_GO_ON (-1)

/*
 * argv[0] is the verb. Returns OPTIONS_GO_ON with *operands and *noperands
 * (a part of argv, which is reordered), or the exit status: 0 after -h, 2
 * after one line of complaint.
 */
int options_parse(struct say *s, const struct usage *u, int argc, char **argv,
    char ***operands, size_t *noperands);

/* "hotfix: VERB: ..., see hotfix VERB -h"; returns 2. */
int options_complain(const struct say *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
